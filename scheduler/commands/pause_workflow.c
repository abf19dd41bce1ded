// W-10: nothing new is scheduled; what is out may be polled and updated, and timers go on
// (engine.md §5.2).
#include "scheduler/commands/commands.h"
#include "scheduler/workflow.h"

err pause_workflow(struct decision *decision, bytes workflow_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    if (workflow_is_terminal(workflow)) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                decision->arena,
                "Workflow %s has ended, status cannot be updated.",
                workflow_short_text(workflow)
            )
        );
    }
    if (workflow_status(workflow) == API_WORKFLOW_RUNNING) {
        workflow_move(workflow, API_WORKFLOW_PAUSED);
        workflow_save(workflow);
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}
