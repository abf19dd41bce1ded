// W-11: goes on with everything that completed meanwhile; the workflow's timeout starts over
// (engine.md §5.2, §4).
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/timer.h"

err resume_workflow(struct decision *decision, bytes workflow_id, struct reply *out_reply) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    if (workflow_status(workflow) != API_WORKFLOW_PAUSED) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                decision->arena,
                "The workflow id %.*s is not PAUSED so cannot resume. Current status is %s",
                BYTES_ARG(workflow_id),
                api_workflow_status_text(workflow_status(workflow))
            )
        );
    }
    workflow_move(workflow, API_WORKFLOW_RUNNING);
    workflow->row.last_retried_ms = decision->now.ms;
    timer_arm_workflow(workflow);
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    return ERR_NONE;
}
