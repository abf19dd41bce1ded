// A limit at its home group: who holds how much, who waits, first come, first served.
//
// `groups` are those that hold something, with what they hold; `told` has a bit for each kind whose
// holder knows that others wait. `waiting` are groups in their order, each for one kind, with the
// limit under which it may be given: executions keep the limits they began with (engine.md §1.5),
// so one that may not pass does not hold up the next.
#pragma once

#include "scheduler/permit.h"

#define PERMIT_HOME_ROW_FIELDS(FIELD)  \
    FIELD(1, TEXT, name)               \
    FIELD(2, U32_LIST, groups)         \
    FIELD(3, U32_LIST, permits)        \
    FIELD(4, U32_LIST, tokens)         \
    FIELD(5, U32_LIST, told)           \
    FIELD(6, U32_LIST, waiting)        \
    FIELD(7, U32_LIST, waiting_kinds)  \
    FIELD(8, U32_LIST, waiting_counts) \
    FIELD(9, U32_LIST, waiting_limits)
WIRE_STRUCT(permit_home_row, PERMIT_HOME_ROW_FIELDS);

// A group wants so many more of a kind, from now on under `limit`. Errors of all: ERR_CORRUPT.
MUST_USE err permit_home_asked(
    struct permits *permits, group_id group, enum permit_kind kind, uint32_t count, uint32_t limit
);

// A group gives so many back.
MUST_USE err permit_home_returned(
    struct permits *permits, group_id group, enum permit_kind kind, uint32_t count
);

// A group says what it holds of a kind, and that it waits for nothing it asked for before
// (renewal.h).
MUST_USE err
permit_home_stated(struct permits *permits, group_id group, enum permit_kind kind, uint32_t count);

// Gives what could not be given while groups had not stated what they hold.
MUST_USE err permit_home_serve(struct permits *permits);

// Writes the home's row, if it was looked at.
void permit_home_save(struct permits *permits);
