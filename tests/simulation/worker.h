// Workers: they poll, work, answer; some are slow, die, repeat themselves, leave.
#pragma once

#include "tests/simulation/scene.h"

struct worker;

// Polls one task type, in one domain or none (empty). Lives in `arena`, as do its jobs.
struct worker *worker_create(
    struct scene *scene,
    struct arena *arena,
    uint32_t number,
    const struct task_type *type,
    const char *domain
);
void worker_begin(struct worker *worker);

// Checks that its poll, if one waits, does not wait beside ready work.
void worker_check_poll(struct worker *worker);
