// T-9: one task.
#include "scheduler/commands/commands.h"
#include "scheduler/view.h"

err get_task(struct decision *decision, bytes task_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    err error = task_open(decision, task_id, &workflow, &task);
    if (error.code == ERR_NOT_FOUND) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(decision->arena, "Task not found for taskId: %.*s", BYTES_ARG(task_id))
        );
    }
    TRY(error);
    bytes json = BYTES_EMPTY;
    TRY(view_task(task, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    return ERR_NONE;
}
