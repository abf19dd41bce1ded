// Where connections come from: a door that others knock at, and knockers at the doors of others.
// Thread: all calls on one thread, the core's.
#pragma once

#include "node/peer/line.h"
#include "proto/base/arena.h"
#include "proto/base/err.h"

struct door;
struct knocker;

// Listens at `url`. Owned by the caller: door_close. Errors: ERR_IO; texts live in `arena`.
MUST_USE err
door_open(struct doorbell *bell, const char *url, struct arena *arena, struct door **out_door);

// Leaves NULL; accepts NULL.
void door_close(struct door **door);

// The next connection, owned by the caller, or NULL.
struct line *door_take(struct door *door);

// Whether it stopped accepting, as when there are no descriptors left; door_retry accepts again.
bool door_has_failed(struct door *door);
void door_retry(struct door *door);

// Will dial `url`. Owned by the caller: knocker_destroy. Errors: ERR_INVALID: not an address.
MUST_USE err knocker_create(
    struct doorbell *bell, const char *url, struct arena *arena, struct knocker **out_knocker
);

// Leaves NULL; accepts NULL.
void knocker_destroy(struct knocker **knocker);

enum knocker_state {
    KNOCKER_IDLE,   // nothing is under way
    KNOCKER_DIALS,  // the bell will ring
    KNOCKER_OPENED, // a connection can be taken
    KNOCKER_FAILED, // nobody opened; knocker_start tries again
};

enum knocker_state knocker_state_of(struct knocker *knocker);

// Begins to dial; not while it dials.
void knocker_start(struct knocker *knocker);

// Ends an attempt that takes too long: it is IDLE.
void knocker_give_up(struct knocker *knocker);

// The connection of an OPENED one, owned by the caller; it is IDLE again.
struct line *knocker_take(struct knocker *knocker);
