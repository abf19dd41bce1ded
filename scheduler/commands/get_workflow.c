// W-3, W-4: an execution as it is now.
#include "scheduler/commands/commands.h"
#include "scheduler/view.h"

err get_workflow(
    struct decision *decision, bytes workflow_id, bool include_tasks, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    bytes json = BYTES_EMPTY;
    TRY(view_workflow(workflow, include_tasks, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    return ERR_NONE;
}

err get_workflow_status(
    struct decision *decision,
    bytes workflow_id,
    bool include_output,
    bool include_variables,
    struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    bytes json = BYTES_EMPTY;
    TRY(view_workflow_status(workflow, include_output, include_variables, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    return ERR_NONE;
}
