// Ready tasks meet waiting polls (distributed.md §8). Pure and soft: it may be wrong, slow or lost
// and is rebuilt from Q rows; whether a task may really be handed out is decided by its row.
//
// Two sides wait on a queue. Supply: references to Q rows, best first (priority descending, ready
// time ascending, then age). Demand: parked polls, oldest first. match_next pairs them; the caller
// claims the row and tells the outcome. Thread: core.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/time.h"
#include "storage/keys.h"
#include "storage/store.h"

struct match;

struct match *match_create(void);
void match_destroy(struct match **match);

// --- supply --------------------------------------------------------------------------------------

// A reference to a Q row.
struct match_supply {
    group_id group;
    struct key_queue_parts key; // storage/keys.h: queue hash, priority, ready time, sequence
};

// Whether the queue's rows of before were loaded; a queue that was never asked for keeps nothing.
bool match_is_loaded(const struct match *match, uint64_t queue);

// Says that the caller has now added the queue's rows, but for those that match_set_more told of.
void match_set_loaded(struct match *match, uint64_t queue);

// Remembers that the group of `next` has more rows, `next` the first that was not added: the
// group's horizon. Once the supply of that group has run out, match_take_more gives the row and
// forgets it.
void match_set_more(struct match *match, const struct match_supply *next);
bool match_take_more(struct match *match, struct match_supply *out_next);

// Adds a row. Ignored when the queue is not loaded, or its group has more rows than were loaded
// (the row will be found by the scan).
void match_add(struct match *match, const struct match_supply *supply);

// Sets aside what the queue has of a group (0: its whole supply), or puts it back: while that is
// blocked nothing of it is paired, and everything keeps its place.
void match_set_blocked(struct match *match, uint64_t hash, group_id group, bool blocked);

// Takes the best row of a queue for somebody who does not park. False: it has none, or is blocked.
bool match_take(struct match *match, uint64_t hash, struct match_supply *out_supply);

// --- demand --------------------------------------------------------------------------------------

struct match_poll {
    uint64_t request;   // unique
    uint64_t queue;     // hash of the queue's name
    uint32_t count;     // tasks wanted still
    mono_time deadline; // when it answers with what it has
};

// Parks a poll. The caller keeps everything else about the request.
void match_park(struct match *match, const struct match_poll *poll);

// Takes a poll away: answered or gone. False: not parked.
bool match_unpark(struct match *match, uint64_t request);

// The next pair of a waiting poll and the best supply of its queue; the supply is taken out, the
// poll stays parked and goes behind the others of its queue. False: nothing to pair.
bool match_next(struct match *match, struct match_supply *out_supply, struct match_poll *out_poll);

// Gives one parked poll whose deadline is at or before `now`, taking it away. False: none.
bool match_expire(struct match *match, mono_time now, struct match_poll *out_poll);

// When to look for expired polls next: at or before the earliest deadline of a parked poll (an
// answered poll's deadline may still stand: one tick too many). False: none.
bool match_next_deadline(const struct match *match, mono_time *out_deadline);

// Polls parked now, and supply references held.
size_t match_parked_count(const struct match *match);
size_t match_supply_count(const struct match *match);

// Takes the poll of the queue that waits longest. False: none waits.
bool match_take_oldest(struct match *match, uint64_t queue, struct match_poll *out_poll);

// Tasks of the queue that could be handed out now: none while it is blocked, at most so many while
// some of its groups are.
size_t match_ready_count(const struct match *match, uint64_t hash);

// Whether a poll is parked for the queue.
bool match_is_wanted(const struct match *match, uint64_t queue);

// Calls `visit` for each queue that polls are parked for.
void match_each_wanted(
    const struct match *match, void (*visit)(void *argument, uint64_t queue), void *argument
);

// Forgets all supply (a group was lost or taken over); polls stay. Queues load again when asked
// for.
void match_forget_supply(struct match *match);
