// JOIN: waits for the references in its joinOn (engine.md §10.6).
//
// Counted, not polled: the JOIN's R row holds how many of its references are settled – terminal and
// not to be retried. The full look, which walks joinOn, is taken when the JOIN begins, when the
// count is complete, and when a joined task failed. So a fork of n branches costs n small steps and
// two walks, and a failed attempt whose retry is decided in the same step is never seen.
#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/closing.h"
#include "scheduler/tasks/kind.h"

struct look {
    bool all;        // every reference is settled
    uint32_t joined; // settled entries of joinOn
    struct task *failed;
    bool all_canceled; // every failed one is CANCELED
    struct buffer reasons;
    struct buffer notes;
};

static uint32_t times_joined(const struct task *join, const struct task *settled);
static bool is_settled(struct workflow *workflow, const struct task *task);
static err look_at(struct task *join, struct look *look);
static err put_count(struct task *join, uint32_t joined);
static void look_at_one(struct look *look, struct task *task);
static void note_failure(struct look *look, struct task *task);
static err finish(struct task *join, enum api_task_status status, bytes reason);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct arena *arena = schedule->workflow->decision->arena;
    struct task *task = schedule_new(schedule, definition, API_TASK_IN_PROGRESS);
    task->row.width = definition->join_on_count;
    bytes input = JSON_EMPTY_OBJECT;
    bytes references = BYTES_EMPTY;
    TRY(fork_dynamic_references(schedule, definition, &references, &task->row.width));
    if (references.size > 0) {
        input = definition->model.input_parameters;
    } else {
        references = definition->model.join_on;
    }
    const char *joined = arena_format(arena, "{\"joinOn\":%.*s}", BYTES_ARG(references));
    schedule_input(task, json_merge(input, bytes_from_text(joined), arena));
    schedule_add(schedule, task);
    return ERR_NONE;
}

err join_note(
    struct workflow *workflow, bytes reference, const struct task *settled, struct task **out_join
) {
    *out_join = NULL;
    struct task *join = NULL;
    struct reference_row row = {0};
    TRY(task_newest(workflow, reference, &join, &row));
    if (join == NULL || task_is_terminal(join)) {
        return ERR_NONE;
    }
    if (join->definition->type != TASK_TYPE_JOIN) {
        *out_join = join;
        return ERR_NONE;
    }
    row.joined = times_joined(join, settled) + (mutant_is("join_counts_once") ? 0 : row.joined);
    task_put_reference(workflow, &row);
    if (row.joined >= join->row.width ||
        (!task_is_successful(settled) && !settled->definition->model.permissive)) {
        *out_join = join;
    }
    return ERR_NONE;
}

static err join_evaluate(struct task *join) {
    struct workflow *workflow = join->workflow;
    struct look look = {.all = true, .all_canceled = true};
    buffer_init(&look.reasons, LIMIT_REPLY_BYTES);
    buffer_init(&look.notes, LIMIT_REPLY_BYTES);
    err error = look_at(join, &look);
    struct arena *arena = workflow->decision->arena;
    bytes reasons = arena_copy(arena, buffer_bytes(&look.reasons));
    bytes notes = arena_copy(arena, buffer_bytes(&look.notes));
    buffer_deinit(&look.reasons);
    buffer_deinit(&look.notes);
    TRY(error);
    TRY(put_count(join, look.joined));
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

// How many of its references are settled, as the look found.
static err put_count(struct task *join, uint32_t joined) {
    struct task *newest = NULL;
    struct reference_row row = {0};
    TRY(task_newest(join->workflow, join->row.reference, &newest, &row));
    if (newest == join) {
        row.joined = joined;
        task_put_reference(join->workflow, &row);
    }
    return ERR_NONE;
}

err join_output(struct task *join, bytes *out_json) {
    struct composed_part all = {.count = UINT32_MAX};
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    buffer_append_text(&buffer, "{");
    err error = join_output_part(join, &all, &buffer);
    buffer_append_text(&buffer, "}");
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    return payload_take(&buffer, join->workflow->decision->arena, out_json);
}

static err output_of(const struct task *join, struct task *task, bytes *out_output) {
    bool leaves = task->is_closing && task->number < join->number &&
                  task_kind_of(task->definition->type)->leaves != NULL;
    *out_output = BYTES_EMPTY;
    if (leaves) {
        return closing_output(task, out_output);
    }
    return task->row.output_blob == 0 ? ERR_NONE
                                      : payload_load(task->workflow, task_output(task), out_output);
}

err join_output_part(struct task *join, struct composed_part *part, struct buffer *out) {
    struct json_writer writer = json_writer(out);
    writer.comma = part->comma;
    bytes *references = NULL;
    uint32_t count = 0;
    TRY(join_references(join, &references, &count));
    uint32_t left = part->from < count ? count - part->from : 0;
    uint32_t end = part->from + (part->count < left ? part->count : left);
    for (uint32_t i = part->from; i < end; i++) {
        struct task *task = NULL;
        bytes output = BYTES_EMPTY;
        TRY(task_newest(join->workflow, references[i], &task, NULL));
        if (task != NULL) {
            TRY(output_of(join, task, &output));
        }
        if (output.data != NULL) {
            json_key_bytes(&writer, task->row.reference);
            json_raw(&writer, output);
        }
    }
    part->comma = writer.comma;
    part->end = end >= count;
    return ERR_NONE;
}

static err look_at(struct task *join, struct look *look) {
    bytes *references = NULL;
    uint32_t count = 0;
    TRY(join_references(join, &references, &count));
    struct task **tasks =
        ARENA_ARRAY(join->workflow->decision->arena, struct task *, (size_t)count + 1);
    for (uint32_t i = 0; i < count; i++) {
        TRY(task_newest(join->workflow, references[i], &tasks[i], NULL));
        bool settled = tasks[i] != NULL && is_settled(join->workflow, tasks[i]);
        look->all = look->all && settled;
        look->joined += settled ? 1u : 0u;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (tasks[i] != NULL && is_settled(join->workflow, tasks[i])) {
            look_at_one(look, tasks[i]);
        }
    }
    return ERR_NONE;
}

// The references a JOIN waits for, with the suffix of its iteration. Behind a dynamic fork they
// stand in its input, the definition's are ignored then (engine.md §10.5).
err join_references(struct task *join, bytes **out_references, uint32_t *out_count) {
    struct arena *arena = join->workflow->decision->arena;
    bytes input = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    TRY(payload_load(join->workflow, task_input(join), &input));
    if (!json_get_text(input, "joinOn", &list) || !json_is_array(list)) {
        *out_count = 0;
        return ERR_NONE;
    }
    bytes suffix = task_suffix(join);
    bytes *references = ARENA_ARRAY(arena, bytes, json_count(list) + 1);
    uint32_t count = 0;
    struct json_iter iter = json_iter(list);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        if (!json_is_string(element)) {
            continue;
        }
        references[count] = json_string(element, arena);
        if (suffix.size > 0) {
            const char *text =
                arena_format(arena, "%.*s%.*s", BYTES_ARG(references[count]), BYTES_ARG(suffix));
            references[count] = bytes_from_text(text);
        }
        count++;
    }
    *out_references = references;
    *out_count = count;
    return ERR_NONE;
}

// How many of the entries a JOIN waits for a task is: those of a definition may repeat themselves.
static uint32_t times_joined(const struct task *join, const struct task *settled) {
    const struct definition_task *definition = join->definition;
    if (settled->row.own_blob != 0) {
        return 1;
    }
    uint32_t times = 0;
    for (uint32_t i = 0; i < definition->join_on_count; i++) {
        bytes reference = settled->definition->model.task_reference_name;
        times += bytes_equal(definition->join_on[i], reference) ? 1u : 0u;
    }
    return times;
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

const struct task_kind task_kind_join = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_IN_PROGRESS,
    .map = map,
    .look = join_evaluate,
    .leaves = join_output, // what was joined so far stays visible
};
