// What is wrong with a configuration of links, before a socket is opened. Thread: any.
#pragma once

#include "node/peer/peers.h"

// Errors: ERR_INVALID, with a text in `arena` that names the option and the value.
MUST_USE err options_check(const struct peers_options *options, struct arena *arena);

// What is wrong with the address of a member; with `loopback_only` it must be of this machine.
// Errors: as above.
MUST_USE err options_check_address(const char *text, bool loopback_only, struct arena *arena);

// The member of that id, or NULL.
const struct peers_member *options_member(const struct peers_options *options, uint32_t node_id);
