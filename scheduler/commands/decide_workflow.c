// W-9: evaluates a workflow now. Every command leaves its workflow quiescent, so there is nothing
// to do but for a decision that was cut short.
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"

err decide_workflow(struct decision *decision, bytes workflow_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}
