// Two ends of a link and the line between them: frames are carried by hand, on a clock of the test.
#pragma once

#include "node/peer/link/link.h"

struct ends {
    struct link_options options[2]; // nodes 1 and 2
    struct link *links[2];
    mono_time now;
    uint64_t nonces; // drawn so far
    uint8_t *frame;  // the one carried last, as it was sent
    size_t frame_bytes;
};

// Both ends with a shared key, store and incarnation of their own, and no connection. Options may
// be changed before ends_open.
void ends_init(struct ends *ends);
void ends_open(struct ends *ends);
void ends_deinit(struct ends *ends);

// A connection, with new nonces at both ends.
void ends_connect(struct ends *ends);
void ends_disconnect(struct ends *ends);

// Sends the next frame of one end, kept in `frame`. False: it has none.
bool ends_take_frame(struct ends *ends, int from);

// Gives a copy of `frame` to an end.
void ends_give_frame(struct ends *ends, int to);

// Carries the next frame of one end to the other. False: there is none.
bool ends_carry(struct ends *ends, int from);

// Carries frames in turn until there are none; messages are thrown away.
void ends_settle(struct ends *ends);

// Connects and settles: both are up.
void ends_join(struct ends *ends);

// Lets time pass for both.
void ends_wait(struct ends *ends, int64_t ms);

const struct peer_counters *ends_counters(const struct ends *ends, int end);
