// NOOP: done at once (engine.md §10.24).
#include "scheduler/tasks/kind.h"

static err begin(struct task *task) {
    return task_move(task, API_TASK_COMPLETED);
}

const struct task_kind task_kind_noop = {
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .begin = begin,
};
