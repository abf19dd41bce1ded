// W-12: ends a workflow from outside; never starts its failure workflow (engine.md §5.5).
#include "scheduler/commands/commands.h"
#include "scheduler/ending.h"

err terminate_workflow(
    struct decision *decision, bytes workflow_id, bytes reason, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    enum api_workflow_status status = workflow_status(workflow);
    if (status == API_WORKFLOW_COMPLETED) {
        return err_make(ERR_CONFLICT, "Cannot terminate a COMPLETED workflow.");
    }
    if (status != API_WORKFLOW_TERMINATED) {
        workflow_want_end(workflow, API_WORKFLOW_TERMINATED, reason, NULL);
        TRY(ending_apply(workflow, false));
        workflow_save(workflow);
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}
