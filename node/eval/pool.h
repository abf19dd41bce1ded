// The evaluator processes of a server: scripts go in, results come out, and no script disturbs
// another.
//
// Each language has processes of its own. A process gets requests ahead of time and answers in
// order, so the first unanswered one is the one that runs. One that runs longer than a slice keeps
// its process for itself, at low priority, and what waited behind it goes elsewhere; there are few
// such processes, and when all are taken it is stopped and waits for one. Its text is suspected for
// a while: it goes to such a process at once, until it was quick there. At its deadline it is
// killed with its process. A process that dies takes along the request it was running, which is run
// once more and then fails; the others never began. Evaluations have no effects, so running one
// again is safe.
//
// One that is asked ahead (`ahead` of evaluation.h) must not hold up its asker for what may never
// be needed: it is given up where others become slow ones, and not begun when its text is
// suspected.
//
// The server ignores SIGPIPE: a process may die while it is written to.
//
// Thread: the loop's; callbacks are called on it, never from within a call of the pool.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/evaluation.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evaluator_pool;

// `result` is valid during the call.
typedef void evaluator_pool_callback(
    void *argument, uint64_t request_id, const struct evaluation_result *result
);

// Zero stands for the value of proto/limits.h where one is named.
struct evaluator_pool_options {
    const char *program;     // orpheus-evaluator; must outlive the pool
    uint32_t processes;      // of each language for scripts of ordinary length; 0: 2
    uint32_t slow_processes; // LIMIT_EVALUATION_SLOW_PROCESSES
    uint32_t waiting_max;    // LIMIT_EVALUATION_WAITING
    uint32_t deadline_ms;    // LIMIT_EVALUATION_DEADLINE_MS
    uint32_t slice_ms;       // LIMIT_EVALUATION_SLICE_MS
};

// Counters since the start, and what is so now.
struct evaluator_pool_stats {
    uint64_t submitted;
    uint64_t refused; // the pool was full
    uint64_t done;
    uint64_t failed;
    uint64_t timed_out;
    uint64_t unavailable;
    uint64_t started; // processes
    uint64_t died;    // processes that were not killed by the pool
    uint64_t slow;    // evaluations that ran longer than a slice
    uint64_t retried; // runs repeated because a process died or was needed
    uint64_t dropped; // asked ahead, and given up
    uint32_t waiting;
    uint32_t running; // sent to a process
    uint32_t processes;
};

// Starts no process yet: the first request of a language does.
struct evaluator_pool *
evaluator_pool_create(struct event_base *base, const struct evaluator_pool_options *options);

// Kills the processes and forgets the requests; no callback is called. Leaves NULL; accepts NULL.
void evaluator_pool_destroy(struct evaluator_pool **pool);

// Asks for an evaluation, whose texts are copied. `callback` is called once, later, with
// `request_id`, which is the caller's and means nothing here. Errors: ERR_FULL: too much waits, or
// it is ahead and suspected; ERR_TOO_LARGE: the texts exceed a frame.
MUST_USE err evaluator_pool_submit(
    struct evaluator_pool *pool,
    uint64_t request_id,
    const struct evaluation *evaluation,
    evaluator_pool_callback *callback,
    void *argument
);

struct evaluator_pool_stats evaluator_pool_stats(const struct evaluator_pool *pool);
