// The iterations of a DO_WHILE as rows: finding their tasks, putting its output together, dropping
// them (engine.md §10.10). For the kind DO_WHILE. Thread: core.
#pragma once

#include "scheduler/task.h"

// The suffix of an iteration's tasks; in the arena.
bytes loop_suffix(const struct task *loop, uint32_t iteration);

// The newest attempt of a task of the body in an iteration, or NULL.
MUST_USE err loop_task(
    struct task *loop,
    uint32_t iteration,
    const struct definition_task *definition,
    struct task **out_task
);

// Whether a task is terminal and the decider has been past it: it will not be retried.
bool loop_is_settled(const struct task *task);

// Walks the definitions of the body, also those in switches and forks, but not in loops of its own.
struct loop_walk {
    const struct definition *tree;
    uint32_t loop;
    uint32_t next;
};

struct loop_walk loop_walk(const struct task *loop);
bool loop_walk_next(struct loop_walk *walk, const struct definition_task **out_definition);

// The output as it is now; `with_present`: with what the present iteration has so far. Others see
// an iteration when it is over, as in the reference, which stores the output then.
MUST_USE err loop_output(struct task *loop, bool with_present, bytes *out_json);

// The variables of a condition: the evaluated input, the loop's own output, the newest output of
// each task of the body. What the text can be seen not to use is left out.
MUST_USE err loop_variables(struct task *loop, bytes input, bytes condition, bytes *out_variables);

// keepLastN: the iteration that is n before the present one goes, rows and all.
MUST_USE err loop_drop(struct task *loop, bytes input);
