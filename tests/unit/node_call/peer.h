// A server as peers are, on a thread of its own: what it does with a request is said by the path.
#pragma once

#include <stdint.h>

struct peer;

struct peer *peer_start(void);
// Hangs up on everybody.
void peer_stop(struct peer **peer);

uint16_t peer_port(const struct peer *peer);

// Connections accepted so far.
int peer_connections(const struct peer *peer);

// The newest request as it came, head and body; valid until the next one.
const char *peer_request(struct peer *peer);
