// A ring of the newest events of the core, written to a file of the store's folder on SIGUSR1
// (distributed.md §14). tests/simulation/replay steps another node through it. The file holds what
// clients sent; it is the owner's only.
#pragma once

#include "node/core/node.h"
#include "node/log.h"
#include "proto/base/arena.h"

struct recorder;

// Keeps what the node is about to be created with.
struct recorder *recorder_create(const struct node_options *options);
void recorder_destroy(struct recorder **recorder);

// Before the node is stepped. Costs a copy of the event.
void recorder_note(struct recorder *recorder, const struct node_event *event);

// The open log batch, or a checkpoint, was taken: a replay takes the same then. `mark` is one of
// RECORD_….
void recorder_mark(struct recorder *recorder, uint8_t mark);

// Writes the ring into a new file of `folder`, and says its name in the log. Blocks for as long as
// the file takes: LIMIT_RECORD_BYTES at most.
void recorder_dump(
    const struct recorder *recorder,
    const char *folder,
    wall_time now,
    const struct log *log,
    struct arena *arena
);
