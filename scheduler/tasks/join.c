// JOIN: waits for the references in its joinOn (engine.md §10.6).
//
// Counted, not polled: the JOIN's R row holds how many of its references are settled – terminal and
// not to be retried. The full look, which walks joinOn, is taken when the JOIN begins, when the
// count is complete, and when a joined task failed. So a fork of n branches costs n small steps and
// two walks, and a failed attempt whose retry is decided in the same step is never seen.
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/tasks/kind.h"

struct look {
    bool all;        // every reference is settled
    uint32_t joined; // settled entries of joinOn
    struct task *failed;
    bool all_canceled; // every failed one is CANCELED
    struct buffer reasons;
    struct buffer notes;
};

static bool is_settled(struct workflow *workflow, const struct task *task);
static err look_at(struct task *join, struct look *look);
static void look_at_one(struct look *look, struct task *task);
static void note_failure(struct look *look, struct task *task);
static err finish(struct task *join, enum api_task_status status, bytes reason);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *task = task_new(schedule->workflow, definition, API_TASK_IN_PROGRESS);
    struct arena *arena = schedule->workflow->decision->arena;
    const char *input =
        arena_format(arena, "{\"joinOn\":%.*s}", BYTES_ARG(definition->model.join_on));
    schedule_input(task, bytes_from_text(input));
    schedule_add(schedule, task);
    return ERR_NONE;
}

err join_note(
    struct workflow *workflow,
    const struct definition_task *join_definition,
    const struct task *settled,
    struct task **out_join
) {
    *out_join = NULL;
    struct task *join = NULL;
    struct reference_row row = {0};
    TRY(task_newest(workflow, join_definition->model.task_reference_name, &join, &row));
    if (join == NULL || task_is_terminal(join)) {
        return ERR_NONE;
    }
    bytes reference = settled->definition->model.task_reference_name;
    for (uint32_t i = 0; i < join_definition->join_on_count; i++) {
        row.joined += bytes_equal(join_definition->join_on[i], reference) ? 1u : 0u;
    }
    task_put_reference(workflow, &row);
    if (row.joined >= join_definition->join_on_count || !task_is_successful(settled)) {
        *out_join = join;
    }
    return ERR_NONE;
}

err join_evaluate(struct task *join) {
    struct workflow *workflow = join->workflow;
    struct look look = {.all = true, .all_canceled = true};
    buffer_init(&look.reasons, LIMIT_REPLY_BYTES);
    buffer_init(&look.notes, LIMIT_REPLY_BYTES);
    err error = look_at(join, &look);
    struct reference_row row = {
        .reference = join->row.reference, .task_no = join->number, .joined = look.joined};
    task_put_reference(workflow, &row);
    struct arena *arena = workflow->decision->arena;
    bytes reasons = arena_copy(arena, buffer_bytes(&look.reasons));
    bytes notes = arena_copy(arena, buffer_bytes(&look.notes));
    buffer_deinit(&look.reasons);
    buffer_deinit(&look.notes);
    TRY(error);
    if (look.failed != NULL) {
        return finish(join, look.all_canceled ? API_TASK_CANCELED : API_TASK_FAILED, reasons);
    }
    if (!look.all) {
        return ERR_NONE;
    }
    if (notes.size == 0) {
        return finish(join, API_TASK_COMPLETED, BYTES_EMPTY);
    }
    const char *text = arena_format(arena, "%.*s completed with errors", BYTES_ARG(notes));
    return finish(join, API_TASK_COMPLETED_WITH_ERRORS, bytes_from_text(text));
}

err join_output(struct task *join, bytes *out_json) {
    struct workflow *workflow = join->workflow;
    const struct definition_task *definition = join->definition;
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    err error = ERR_NONE;
    for (uint32_t i = 0; i < definition->join_on_count && !err_is(error); i++) {
        struct task *task = NULL;
        bytes output = BYTES_EMPTY;
        error = task_newest(workflow, definition->join_on[i], &task, NULL);
        if (!err_is(error) && task != NULL && task->row.output_blob != 0) {
            error = payload_load(workflow, task_output(task), &output);
            json_key_bytes(&writer, task->row.reference);
            json_raw(&writer, output);
        }
    }
    json_object_end(&writer);
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

static err look_at(struct task *join, struct look *look) {
    const struct definition_task *definition = join->definition;
    struct task **tasks =
        ARENA_ARRAY(join->workflow->decision->arena, struct task *, definition->join_on_count + 1);
    for (uint32_t i = 0; i < definition->join_on_count; i++) {
        TRY(task_newest(join->workflow, definition->join_on[i], &tasks[i], NULL));
        bool settled = tasks[i] != NULL && is_settled(join->workflow, tasks[i]);
        look->all = look->all && settled;
        look->joined += settled ? 1u : 0u;
    }
    for (uint32_t i = 0; i < definition->join_on_count; i++) {
        if (tasks[i] != NULL && is_settled(join->workflow, tasks[i])) {
            look_at_one(look, tasks[i]);
        }
    }
    return ERR_NONE;
}

static void look_at_one(struct look *look, struct task *task) {
    const struct api_workflow_task *model = &task->definition->model;
    if (!task_is_successful(task)) {
        note_failure(look, task);
        if (look->failed == NULL && !model->optional && (!model->permissive || look->all)) {
            look->failed = task;
        }
    }
    if (model->optional && task->row.status == API_TASK_COMPLETED_WITH_ERRORS) {
        bytes name = task_definition_name(task);
        bytes id = task_id_text(task);
        buffer_format(
            &look->notes,
            "%s%.*s/%.*s",
            look->notes.size > 0 ? " " : "",
            BYTES_ARG(name),
            BYTES_ARG(id)
        );
    }
}

static void note_failure(struct look *look, struct task *task) {
    if ((task->row.flags & TASK_HAS_REASON) != 0) {
        buffer_append_text(&look->reasons, look->reasons.size > 0 ? " " : "");
        buffer_append(&look->reasons, task->row.reason);
    }
    if (!task->definition->model.optional && task->row.status != API_TASK_CANCELED) {
        look->all_canceled = false;
    }
}

// Terminal, and the decider has been past it: what is still pending may yet be retried.
static bool is_settled(struct workflow *workflow, const struct task *task) {
    if (!task_is_terminal(task)) {
        return mutant_is("join_counts_running");
    }
    for (uint32_t i = 0; i < workflow->row.pending.count; i++) {
        if (workflow->row.pending.items[i] == task->number) {
            return false;
        }
    }
    return (task->row.flags & TASK_RETRIED) == 0;
}

static err finish(struct task *join, enum api_task_status status, bytes reason) {
    bytes output = BYTES_EMPTY;
    err error = join_output(join, &output);
    if (error.code == ERR_TOO_LARGE) {
        task_set_too_large(join, LIMIT_REPLY_BYTES);
        return task_move(join, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    TRY(error);
    if (!task_set_output(join, output)) {
        task_set_too_large(join, output.size);
        return task_move(join, API_TASK_FAILED_WITH_TERMINAL_ERROR);
    }
    if (reason.data != NULL && reason.size > 0) {
        task_set_reason(join, reason);
    }
    return task_move(join, status);
}

// What was joined so far stays visible in a JOIN that its workflow's end cancels.
static err cancel(struct task *task, bytes reason) {
    (void)reason;
    bytes output = BYTES_EMPTY;
    err error = join_output(task, &output);
    if (error.code == ERR_TOO_LARGE) {
        return ERR_NONE;
    }
    TRY(error);
    if (!task_set_output(task, output)) {
        task_set_too_large(task, output.size);
    }
    return ERR_NONE;
}

const struct task_kind task_kind_join = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_IN_PROGRESS,
    .map = map,
    .look = join_evaluate,
    .cancel = cancel,
};
