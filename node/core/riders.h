// Small messages that can wait for a frame of Raft to the same node: while nothing else is said a
// pair of nodes exchanges some four frames a second, and what rides on them costs no message of its
// own. Soft things only: what must be known at once is sent at once (node_send). Thread: core.
#pragma once

#include "node/core/peer_message.h"
#include "proto/base/time.h"
#include "storage/store.h"

#include <stdbool.h>

struct node;
struct node_peer;

enum {
    RIDERS_BYTES = 240
};

// What waits, each with a byte of its size in front.
struct riders {
    uint8_t bytes[RIDERS_BYTES];
    uint16_t size;
    mono_time until; // then it goes by itself
};

// Sends a record with the next frame, or within LIMIT_RIDE_MS.
void riders_add(
    struct node *node,
    uint16_t to,
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value
);

// Takes what waits for a node, to be put in front of a frame; a zero byte ends it. Empty: nothing.
// Borrows until the next rider to that node.
bytes riders_take(struct node *node, uint16_t to);

// The next rider in front of a frame; both are cut off `message`. An empty one: the frame is left.
// Errors: ERR_CORRUPT.
MUST_USE err riders_next(bytes *message, bytes *out_rider);

void riders_pump(struct node *node);
bool riders_next_wakeup(const struct node *node, mono_time *out_at);
