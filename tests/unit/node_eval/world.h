// A pool with real processes for tests: ask, run the loop until all is answered, look.
#pragma once

#include "node/eval/pool.h"
#include "tests/unit/test.h"

struct event_base;

struct world;

struct answer {
    struct world *world;
    uint32_t calls;
    enum evaluation_outcome outcome;
    char *text; // the json or the error, zero-terminated; owned
};

struct world {
    struct event_base *base;
    struct evaluator_pool *pool;
    uint32_t open; // asked, not answered
};

// Zeroes in `options` are the usual values; the program is the one that was built.
void world_open(struct world *world, struct evaluator_pool_options options);
void world_close(struct world *world);

// Submits; `answer` is filled when the loop runs.
void world_ask(
    struct world *world,
    struct answer *answer,
    enum evaluation_language language,
    enum evaluation_kind kind,
    const char *text,
    const char *input
);

// As above, ahead (scheduler/evaluation.h). False: refused.
bool world_ask_ahead(
    struct world *world, struct answer *answer, enum evaluation_language language, const char *text
);

// Runs the loop until `*open` questions are left, for at most 30 s.
void world_run_until(struct world *world, uint32_t open);

void answer_free(struct answer *answer);

// One question on a pool of its own is shared by tests of a table: asks and waits.
void world_expect(
    struct world *world,
    enum evaluation_language language,
    enum evaluation_kind kind,
    const char *text,
    const char *input,
    enum evaluation_outcome outcome,
    const char *expected
);

// The process ids of the running evaluators that are children of this process. The count.
size_t world_children(int *out_pids, size_t count_max);
