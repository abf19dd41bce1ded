// One evaluation by the engine of its language, inside this process. One thread.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/evaluation.h"

struct evaluator;

// Starts the engine of `language`; before the sandbox closes, for an engine reads what it needs of
// the system now. Lives as long as the process. NULL: no memory.
struct evaluator *evaluator_create(enum evaluation_language language);

// Runs an evaluation of that language, for at most `deadline_ms` where the engine can stop by
// itself. The result lives in `arena`. Never fails: what is wrong is the result.
struct evaluation_result evaluator_run(
    struct evaluator *evaluator,
    const struct evaluation *evaluation,
    uint32_t deadline_ms,
    struct arena *arena
);
