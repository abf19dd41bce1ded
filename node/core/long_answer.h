// Answers too large for one step: told piece by piece (scheduler/telling.h) as the client takes
// them, all of one position (distributed.md §5.1, the last points). Between two pieces everybody
// else is served: at most one step of one of them is made a turn of the clock.
//
// The first piece is the answer and waits for its gates like any other; what follows depends on
// nothing more. What changes meanwhile is kept as it was (store_past), so leadership may end after
// the first piece. What cannot be told to its end is told to be broken. Thread: core.
#pragma once

#include "node/core/gates.h"
#include "proto/base/time.h"
#include "scheduler/decision.h"

struct node;

// Begins the answer that `reply.telling` will tell, which it takes over, at the newest state.
// `gate` is what the decision left that asked for it, `now` its time.
struct long_answer_wish {
    uint64_t request_id;
    group_id group;
    struct gate gate;
    wall_time now;
    bool stale; // from this node's own copy, which is that old
    int64_t age_ms;
};
void long_answer_begin(
    struct node *node, const struct long_answer_wish *wish, const struct reply *reply
);

// Who asked for it has taken what there was. Unknown ones are ignored.
void long_answer_taken(struct node *node, uint64_t request_id);

// Nobody wants it any more. False: there is none.
bool long_answer_gone(struct node *node, uint64_t request_id);

// Goes on with one of those that are waited for, when `tick` says that a turn of the clock began;
// sets more_to_do.
void long_answers_pump(struct node *node, bool tick);

void long_answers_destroy(struct node *node);
