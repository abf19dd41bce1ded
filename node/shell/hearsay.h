// Gossip on the shell's loop: what it says of members goes to the core, for people to see
// (GET /api/cluster). It decides nothing.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/err.h"

struct shell;

// Opens the socket; nothing to do for a node that is alone. `key` as for the links. Errors: of
// gossip_create.
MUST_USE err hearsay_start(struct shell *shell, bytes key, struct arena *arena);
void hearsay_stop(struct shell *shell);

// At the end of a turn: takes in what arrived, arms the next wake-up.
void hearsay_turn(struct shell *shell);
