// A running node: one loop around the core, the front door, two storage threads, the clocks.
#pragma once

#include "node/config.h"
#include "node/log.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"

#define SHELL_VERSION "0.1.0"

// The versions of messages between nodes that this program speaks. 2: frames of Raft name replicas
// and stores; who has no members that come and go (1) cannot be talked to.
// 3: what came after the release that is out; a row, field or message that 2 does not understand is
// made only once members_version is 3.
enum {
    SHELL_RELEASE_LOW = 2,
    SHELL_RELEASE_HIGH = 3,
};

// Opens the store, serves until SIGTERM or SIGINT, then finishes what is under way and returns.
// Errors: what kept it from starting; text lives in `arena`. Thread: main.
MUST_USE err shell_serve(const struct config *config, const struct log *log, struct arena *arena);
