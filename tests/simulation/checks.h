// The checkers, a file each. They read what a client may read (JSON answers) or the rows of the
// store at rest; whoever finds harm calls world_fail.
#pragma once

#include "tests/simulation/execution.h"
#include "tests/simulation/scene.h"

// describe.c: an execution and its tasks into the trace, for the reader of a failure.
void describe_execution(struct scene *scene, const struct execution *execution);

// check_execution.c: everything that can be said of an execution as it was answered to a question
// sent at the turn `asked`: promises, and of one that says something new its kin, history and
// result. NULL: the answer is no execution, and the world failed. Valid until it is read again.
const struct execution *
check_execution(struct scene *scene, id128 id, bytes answer, uint64_t asked);

// check_promise.c: nothing that was answered is lost, nothing terminal changes again (invariants
// 18, 20, 21). `asked` is the turn at which the question was sent.
void check_workflow_promises(
    struct scene *scene, const struct execution *execution, uint64_t asked
);
void check_task_promises(struct scene *scene, bytes task, uint64_t asked);

// check_lease.c: a task came to a worker (invariants 24, 25).
void check_handed_out(struct scene *scene, bytes task, uint64_t asked);

// check_limit.c: limits of task types hold (invariant 27): permits, by the rows; hand-outs within a
// window, by the task that came to a worker now.
void check_permits(struct scene *scene);
void check_rate(struct scene *scene, const struct task_type *type, bytes task);

// check_history.c: one execution on its own: attempts, order, no timer early (invariants 20, 30).
void check_history(struct scene *scene, const struct execution *execution);

// check_kin.c: notes who belongs together; at the end, whether parents and children agree
// (invariant 29).
void check_kin(struct scene *scene, const struct execution *execution);
void check_children(struct scene *scene, const struct execution *execution);

// check_result.c: an execution is one that its definition allows.
void check_result(struct scene *scene, const struct execution *execution);

// check_queue.c: the task that was handed out was the best of its queue; no poll waits beside ready
// work.
void check_priority(struct scene *scene, bytes task);
void check_poll_is_not_idle(
    struct scene *scene, const char *type, const char *domain, int64_t waited_ms
);

// check_time.c: node `number` stepped: no partition time is ahead of what clocks allow, nothing
// fires where the clock is sick (invariant 30).
void check_time(struct scene *scene, uint16_t number);

// check_rows.c: invariants 20, 22, 23, 26, 28 in the rows of all groups.
void check_rows(struct scene *scene);
