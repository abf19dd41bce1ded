// W-13, W-14: takes an execution out (engine.md §5.11). Archived ones leave the lists and stay
// readable by their id; others are gone at once, their rows a bounded number an entry.
//
// An execution that runs is ended first: its children and whoever waits for it hear of it (§16,
// 24).
#include "scheduler/closing.h"
#include "scheduler/commands/commands.h"
#include "scheduler/ending.h"

err remove_workflow(
    struct decision *decision, bytes workflow_id, bool archive, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    if (archive && !workflow_is_terminal(workflow)) {
        return err_make(
            ERR_INVALID,
            arena_format(
                decision->arena,
                "Cannot archive workflow: %.*s with status: %s",
                BYTES_ARG(workflow_id),
                api_workflow_status_text(workflow_status(workflow))
            )
        );
    }
    if (!workflow_is_terminal(workflow)) {
        workflow_want_end(workflow, API_WORKFLOW_TERMINATED, BYTES_EMPTY, NULL);
        TRY(ending_apply(workflow, false));
    }
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
    if (archive) {
        workflow->row.flags |= WORKFLOW_ARCHIVED;
        workflow->dirty = true;
        workflow_save(workflow);
        return ERR_NONE;
    }
    if (closing_is_due(workflow)) {
        workflow->row.flags |= WORKFLOW_REMOVED | WORKFLOW_ARCHIVED; // in no list, found by nobody
        workflow->dirty = true;
        workflow_save(workflow);
        return ERR_NONE;
    }
    return workflow_delete(workflow);
}
