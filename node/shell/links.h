// The links to the other nodes, on the shell's loop: what arrives becomes events of the core, what
// the core wants said leaves by its class (node/peer/peers.h).
#pragma once

#include "node/config.h"
#include "node/core/effect.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"

struct shell;

// Whether the key's file is there and can be read. Errors: as links_start.
MUST_USE err links_check_key(const struct config *config, struct arena *arena);

// Opens them; nothing to do for a node that is alone. Errors: of peers_create, or the key's file.
MUST_USE err links_start(struct shell *shell, struct arena *arena);
void links_stop(struct shell *shell);

// Hands a message over. What a link cannot take is lost, as on the way.
void links_send(struct shell *shell, const struct node_effect *effect);

// Early in a turn: takes what arrived.
void links_take(struct shell *shell);

// Late in a turn, when its messages are handed over: lets the links write, and arms their next
// wake-up. What is queued after it lies there until something else happens.
void links_flush(struct shell *shell);
