// SIMPLE and user-defined types: a task that waits in a queue for a worker (engine.md §10.1,
// §10.2).
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *task = NULL;
    TRY(schedule_task(schedule, definition, &task));
    int64_t delay_s = definition->model.start_delay > 0 ? definition->model.start_delay : 0;
    task->row.start_delay_s = delay_s;
    task->row.callback_s = delay_s;
    task->row.ready_ms = schedule->workflow->decision->now.ms + delay_s * 1000;
    return ERR_NONE;
}

static err begin(struct task *task) {
    return queue_enter(task, task->row.ready_ms);
}

static err wake(struct task *task) {
    return queue_enter(task, task->row.ready_ms);
}

const struct task_kind task_kind_worker = {
    .worker = true,
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_SCHEDULED,
    .map = map,
    .begin = begin,
    .wake = wake,
};
