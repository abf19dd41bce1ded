// The jq engine, Debian's libjq (engine.md §10.20). One thread.
#pragma once

#include "proto/base/arena.h"
#include "scheduler/evaluation.h"

// The exit status of a process whose jq program needed more memory than there is.
enum {
    JQ_EXIT_MEMORY = 3
};

struct jq_engine;

struct jq_engine *jq_engine_create(void);

// Runs a program; `json` of the result is the array of all its outputs. The deadline is looked at
// between outputs only: a program that is silent is stopped by the end of its process. The result
// lives in `arena`.
struct evaluation_result jq_engine_run(
    struct jq_engine *engine,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
);
