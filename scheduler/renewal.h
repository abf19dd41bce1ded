// A partition after a recovery (distributed.md §12, quorum loss): some partitions lost the end of
// their logs, so what partitions know of each other no longer fits together. Each puts that right
// for itself, entry by entry, in three steps:
//
//   enter   its streams begin anew in the next epoch. What no receiver has acknowledged goes on
//           under new numbers: handlers know by ids and attempts what they did already. What a
//           group holds of limits is what is in use; its home is told, everything else is asked for
//           anew.
//   walk    each task that waits for a child begins it once more, which a child that is there
//           answers with its end, if it ended; each child that runs asks whether it is still
//           wanted.
//   serve   a limit's home gives nothing before all groups have said what they hold.
//
// The epoch stands in the upper bits of the sequence numbers, so a message of an older epoch is one
// that was applied long ago, and one of a newer epoch lies behind a gap: a receiver takes neither,
// whatever it meets. Thread: core.
#pragma once

#include "scheduler/decision.h"
#include "scheduler/rows.h"

// The number before the first of an epoch.
uint64_t renewal_base(uint32_t epoch);

// Whether two numbers of a stream are of one epoch.
bool renewal_same_epoch(uint64_t left, uint64_t right);

// The group's row; zero when there is none. Its list lives in `arena`. Errors: ERR_CORRUPT.
MUST_USE err
renewal_read(struct store *store, group_id group, struct arena *arena, struct renewal_row *out_row);

// Whether it has to enter an epoch before anything else is decided in it.
bool renewal_is_due(const struct renewal_row *row);

// The group is to enter the epoch, if it is not there yet. Errors of all: ERR_CORRUPT.
MUST_USE err renewal_want(struct decision *decision, uint32_t epoch);

// One entry's share of entering. `*out_entered`: it was the last.
MUST_USE err renewal_enter(struct decision *decision, bool *out_entered);

// One entry's share of the walk.
MUST_USE err renewal_walk(struct decision *decision, bool *out_done);

// --- messages ------------------------------------------------------------------------------------

// A parent asks a child that is there already.
MUST_USE err renewal_tell_again(struct decision *decision, const struct message_row *message);

// A child asks whether it is wanted.
MUST_USE err renewal_check_child(struct decision *decision, const struct message_row *message);

// A group says what it holds.
MUST_USE err
renewal_stated(struct decision *decision, group_id source, const struct message_row *message);

// Whether some group has yet to say what it holds of the limits whose home this is.
MUST_USE err renewal_waits_for_statements(struct decision *decision, bool *out_waits);
