// W-18: from the beginning with another input, or from one task (engine.md §5.7 a, b). A task of a
// child (c) is rerun in the child, whose parents are brought back by messages.
#include "scheduler/closing.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/lifecycle.h"
#include "scheduler/rerun.h"

static err open_target(
    struct workflow *workflow,
    const struct api_rerun_workflow_request *request,
    struct task **out_target
);
static err unknown_task(struct decision *decision, bytes task_id);
static err go_on_whole(struct workflow *workflow);
static err
replace_input(struct workflow *workflow, const struct api_rerun_workflow_request *request);

err rerun_workflow(
    struct decision *decision,
    bytes workflow_id,
    const struct api_rerun_workflow_request *request,
    struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    TRY(lifecycle_check_ended(workflow, "rerun"));
    TRY(closing_finish(workflow));
    struct task *target = NULL;
    bool from_task = request->rerun_from_task_id.size > 0;
    if (from_task) {
        TRY(open_target(workflow, request, &target));
        lifecycle_reopen(workflow, true);
        TRY(replace_input(workflow, request));
        TRY(rerun_begin(target, request->task_input));
        TRY(go_on_whole(workflow));
    } else {
        TRY(lifecycle_new_run(workflow, request->workflow_input));
        lifecycle_reopen(workflow, true);
    }
    if (request->correlation_id.data != NULL) {
        workflow->row.correlation = request->correlation_id;
        workflow->row.flags |= WORKFLOW_HAS_CORRELATION;
    }
    TRY(lifecycle_tell_parent(workflow, BYTES_LITERAL("reran")));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 200, .kind = REPLY_TEXT, .body = workflow->id_text};
    return ERR_NONE;
}

// A member of an older release that takes over in the middle would not go on.
static err go_on_whole(struct workflow *workflow) {
    bool whole = workflow->decision->reruns_whole;
    while (whole && (workflow->row.flags & WORKFLOW_WANTS_RERUN) != 0 && !workflow->ending.wanted) {
        TRY(rerun_go_on(workflow));
    }
    return ERR_NONE;
}

err check_rerun(struct decision *decision, bytes workflow_id) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    return lifecycle_check_ended(workflow, "rerun");
}

err find_workflow_of_task(struct decision *decision, bytes task_id, bytes *out_workflow) {
    struct workflow *workflow = NULL;
    struct task *task = NULL;
    err error = task_open(decision, task_id, &workflow, &task);
    if (error.code == ERR_NOT_FOUND) {
        return unknown_task(decision, task_id);
    }
    TRY(error);
    *out_workflow = workflow->id_text;
    return ERR_NONE;
}

err find_parent(struct decision *decision, bytes workflow_id, bytes *out_parent) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    *out_parent = id_is_zero(workflow->row.parent)
                      ? BYTES_EMPTY
                      : workflow_id_text(decision, workflow->row.parent);
    return ERR_NONE;
}

static err open_target(
    struct workflow *workflow,
    const struct api_rerun_workflow_request *request,
    struct task **out_target
) {
    struct decision *decision = workflow->decision;
    struct workflow *owner = NULL;
    struct task *found = NULL;
    err error = task_open(decision, request->rerun_from_task_id, &owner, &found);
    if (error.code == ERR_NOT_FOUND || (!err_is(error) && !id_equal(owner->id, workflow->id))) {
        return unknown_task(decision, request->rerun_from_task_id);
    }
    TRY(error);
    return task_load(workflow, found->number, out_target);
}

static err unknown_task(struct decision *decision, bytes task_id) {
    return err_make(
        ERR_INVALID, arena_format(decision->arena, "Task %.*s not found", BYTES_ARG(task_id))
    );
}

static err
replace_input(struct workflow *workflow, const struct api_rerun_workflow_request *request) {
    if (request->workflow_input.data != NULL) {
        struct payload stored = payload_store(workflow, request->workflow_input);
        workflow->row.input_blob = stored.blob;
        workflow->row.input_bytes = stored.bytes;
        workflow->dirty = true;
    }
    return ERR_NONE;
}
