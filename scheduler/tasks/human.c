// HUMAN: open until somebody updates it (engine.md §10.17).
#include "scheduler/tasks/kind.h"

static err begin(struct task *task) {
    if (task->row.status == API_TASK_SCHEDULED) {
        TRY(task_move(task, API_TASK_IN_PROGRESS));
    }
    int64_t now_ms = task->workflow->decision->now.ms;
    task->row.start_ms = task->row.start_ms == 0 ? now_ms : task->row.start_ms;
    task->row.update_ms = now_ms;
    task->dirty = true;
    return ERR_NONE;
}

const struct task_kind task_kind_human = {
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
};
