// W-3, W-4: an execution as it is now; a large one is told.
#include "proto/limits.h"
#include "scheduler/commands/answer.h"
#include "scheduler/commands/commands.h"
#include "scheduler/telling.h"
#include "scheduler/view.h"

err get_workflow(
    struct decision *decision, bytes workflow_id, bool include_tasks, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    if (include_tasks) {
        return answer_workflow(workflow, out_reply);
    }
    bytes json = BYTES_EMPTY;
    TRY(view_workflow(workflow, false, LIMIT_REPLY_BYTES, &json));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = json};
    return ERR_NONE;
}

err answer_workflow(struct workflow *workflow, struct reply *out_reply) {
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON};
    bool large = answer_is_large(workflow);
    if (!large) {
        err written = view_workflow(workflow, true, LIMIT_ANSWER_BYTES, &out_reply->body);
        large = written.code == ERR_TOO_LARGE;
        if (!large) {
            return written;
        }
    }
    out_reply->telling = telling_create(&(struct telling_wish){.workflow = workflow->id});
    return ERR_NONE;
}

bool answer_is_large(const struct workflow *workflow) {
    const struct workflow_row *row = &workflow->row;
    return telling_suits(workflow->decision, row->next_task_no - row->first_task_no);
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
