// The JavaScript engine (engine.md §10.18). One thread.
#pragma once

#include "proto/base/arena.h"
#include "scheduler/evaluation.h"

struct javascript;

struct javascript *javascript_create(void);

// Runs a script on a heap that no script touched before. The result lives in `arena`.
struct evaluation_result javascript_run(
    struct javascript *javascript,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
);
