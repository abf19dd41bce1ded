// Values that expressions give, and the end of an execution: its status must have a cause among its
// tasks, and its output must be what its definition says (engine.md §3.1, §4, §5.5, §8.1, §10.12).

#include "proto/base/id.h"
#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"

// --- expressions ---------------------------------------------------------------------------------

// The newest task of that plain reference, of any iteration, that came before `seq`.
static const struct task_view *seen_at(const struct judge *judge, bytes name, int64_t seq) {
    const struct task_view *seen = NULL;
    for (uint32_t i = 0; i < judge->execution->task_count && judge->execution->tasks[i].seq < seq;
         i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        bytes reference = bytes_slice(row->reference, 1, row->reference.size - 1);
        if (!bytes_starts_with(reference, name)) {
            continue;
        }
        bytes rest = bytes_slice(reference, name.size, reference.size);
        if (rest.size == 0 || bytes_starts_with(rest, BYTES_LITERAL("__"))) {
            seen = row;
        }
    }
    return seen;
}

// `a.b` without its first part, which is given; the rest is empty at the end.
static bytes take_part(bytes *path) {
    size_t end = bytes_find(*path, 0, '.');
    bytes part = bytes_slice(*path, 0, end);
    *path = bytes_slice(*path, end < path->size ? end + 1 : end, path->size);
    return part;
}

static bytes value_at(bytes json, bytes path) {
    while (path.size > 0 && json.data != NULL) {
        bytes value = BYTES_EMPTY;
        bytes part = take_part(&path);
        json = json_is_object(json) && json_get(json, part, &value) ? value : BYTES_EMPTY;
    }
    return json.data != NULL ? json : JSON_NULL_TEXT;
}

// The value of `${…}` for a task of that seq.
static bytes value_of(struct judge *judge, bytes expression, int64_t seq) {
    bytes path = bytes_slice(expression, 2, expression.size - 1);
    bytes first = take_part(&path);
    if (bytes_equal_text(first, "workflow")) {
        return value_at(judge->execution->head, path);
    }
    const struct task_view *row = seen_at(judge, first, seq);
    bytes side = take_part(&path);
    if (row == NULL) {
        return JSON_NULL_TEXT;
    }
    return value_at(bytes_equal_text(side, "input") ? row->input : row->output, path);
}

// A member as it must come out: an expression's value, or itself. data NULL: not judged.
static bytes expected(struct judge *judge, bytes given, int64_t seq) {
    if (!json_is_string(given)) {
        return json_is_object(given) || json_is_array(given) ? BYTES_EMPTY : given;
    }
    bytes text = json_string(given, judge->arena);
    return bytes_starts_with(text, BYTES_LITERAL("${")) ? value_of(judge, text, seq) : given;
}

bytes model_values(struct judge *judge, bytes parameters, int64_t seq) {
    struct json_iter iter = json_iter(parameters.data != NULL ? parameters : JSON_EMPTY_OBJECT);
    bytes key = BYTES_EMPTY;
    bytes given = BYTES_EMPTY;
    const char *text = "";
    while (json_next_member(&iter, &key, &given)) {
        bytes value = expected(judge, given, seq);
        if (value.data != NULL) {
            text = arena_format(
                judge->arena,
                "%s%s%.*s:%.*s",
                text,
                text[0] != 0 ? "," : "",
                BYTES_ARG(key),
                BYTES_ARG(value)
            );
        }
    }
    return bytes_from_text(arena_format(judge->arena, "{%s}", text));
}

static void
check_members(struct judge *judge, const char *what, bytes parameters, bytes object, int64_t seq) {
    struct json_iter iter = json_iter(model_values(judge, parameters, seq));
    bytes key = BYTES_EMPTY;
    bytes right = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &right)) {
        bytes shown = BYTES_EMPTY;
        bool there = json_get(object, json_string(key, judge->arena), &shown);
        if (!there || !json_equal(shown, right)) {
            model_object(
                judge,
                what,
                "%.*s is %.*s, not %.*s",
                BYTES_ARG(key),
                BYTES_ARG(shown),
                BYTES_ARG(right)
            );
        }
    }
}

void model_check_input(const struct place *place) {
    const struct model_task *task = place->task;
    bytes input = place->row->input;
    if (place->judge->facts.revived || task->kind == MODEL_JOIN || task->kind == MODEL_LOOP ||
        bytes_equal_text(task->type, "DECISION")) {
        return; // of a DECISION the case is all that is kept, of the others nothing
    }
    if (bytes_equal_text(task->type, "SUB_WORKFLOW")) {
        input = read_value(input, "workflowInput");
    }
    check_members(
        place->judge,
        arena_text(place->judge->arena, task->reference),
        read_value(task->json, "inputParameters"),
        input,
        place->row->seq
    );
}

// --- causes --------------------------------------------------------------------------------------

// `Task <id> failed with status: …`: that task failed for good, and the status follows from it.
static void check_failed_task(struct judge *judge, bytes reason) {
    const struct task_view *row = NULL;
    const struct model_task *task = NULL;
    id128 id = {{0}};
    bool is_id =
        reason.size > 5 + ID_TEXT_BYTES && id_parse(bytes_slice(reason, 5, 5 + ID_TEXT_BYTES), &id);
    for (uint32_t i = 0; is_id && i < judge->execution->task_count; i++) {
        if (id_equal(judge->execution->tasks[i].id, id)) {
            row = &judge->execution->tasks[i];
            task = judge->of[i];
        }
    }
    if (row == NULL || task == NULL) {
        model_object(judge, "end", "no such task: %.*s", BYTES_ARG(reason));
        return;
    }
    const char *reference = arena_text(judge->arena, row->reference);
    const char *status = model_is(row, "CANCELED")                         ? "TERMINATED"
                         : model_is(row, "TIMED_OUT") && !task->permissive ? "TIMED_OUT"
                                                                           : "FAILED";
    if (status_is_successful(row->status) || task->optional || model_retry_is_due(task, row)) {
        model_object(judge, reference, "%.*s ended it without right", BYTES_ARG(row->status));
    } else if (!bytes_equal_text(judge->execution->status, status)) {
        model_object(judge, reference, "ends it, but as %s", status);
    }
}

// Whether there is a task that a timeout of its own may have ended the execution by.
static bool has_timeout(const struct judge *judge, bool total) {
    bool found = false;
    for (uint32_t i = 0; i < judge->execution->task_count && !found; i++) {
        const struct model_task *task = judge->of[i];
        const struct model_type *type = task != NULL ? task->task_type : NULL;
        found = type != NULL && (total ? type->has_total
                                       : bytes_equal_text(type->timeout_policy, "TIME_OUT_WF") &&
                                             model_is(&judge->execution->tasks[i], "TIMED_OUT"));
    }
    return found;
}

// Whether the definition has a task that ends the execution without ever being there: a DYNAMIC
// that becomes nothing, a DECISION whose script fails.
static bool has_type(const struct model_list *list, const char *type) {
    bool found = false;
    for (uint32_t i = 0; i < list->count && !found; i++) {
        found = bytes_equal_text(list->tasks[i].type, type);
        for (uint32_t j = 0; j < list->tasks[i].list_count && !found; j++) {
            found = has_type(&list->tasks[i].lists[j], type);
        }
    }
    return found;
}

static bool has_cause(const struct judge *judge, bytes reason) {
    bool timed_out = bytes_equal_text(judge->execution->status, "TIMED_OUT");
    bool failed = bytes_equal_text(judge->execution->status, "FAILED");
    bool total = read_contains(reason, "exceeded total timeout");
    if (timed_out && read_contains(reason, "Workflow timed out")) {
        return read_int(judge->definition->json, "timeoutSeconds") > 0;
    }
    if (total || (timed_out && read_contains(reason, "timed out after"))) {
        return has_timeout(judge, total);
    }
    const struct model_list *list = &judge->definition->list;
    return failed &&
           ((read_contains(reason, "Cannot map a dynamic task") && has_type(list, "DYNAMIC")) ||
            (read_contains(reason, "Error while evaluating script") && has_type(list, "DECISION")));
}

// Why the execution ended badly. True: the engine ended it, so its failure workflow is due.
static bool check_cause(struct judge *judge, bytes reason) {
    bool terminated = bytes_equal_text(judge->execution->status, "TERMINATED");
    bool child = !id_is_zero(judge->execution->parent);
    if ((terminated && judge->facts.terminated && bytes_equal_text(reason, "because")) ||
        (terminated && child && read_contains(reason, "Parent workflow has been terminated"))) {
        return false;
    }
    // What a TERMINATE ended and a client brought back may end by something else. Where decisions
    // are cut, the execution's timeout may come between a TERMINATE and what it does.
    bool by_terminate = judge->terminate != NULL;
    bool between = judge->facts.cut && read_contains(reason, "Workflow timed out after ");
    bool otherwise = !by_terminate || judge->facts.revived || between;
    if (read_contains(reason, " failed with status: ")) {
        check_failed_task(judge, reason); // before a TERMINATE of the same step, if there is one
    } else if (by_terminate && bytes_equal(judge->execution->status, read_text(judge->terminate->input, "terminationStatus", judge->arena))) {
        return true;
    } else if (!otherwise || !has_cause(judge, reason)) {
        model_object(
            judge,
            "end",
            "%s: %.*s",
            by_terminate ? "not as its TERMINATE says" : "without a cause",
            BYTES_ARG(reason)
        );
    }
    return true;
}

// --- the end -------------------------------------------------------------------------------------

static void check_output(struct judge *judge, bool failure_is_due) {
    const struct execution *execution = judge->execution;
    bytes output = read_value(execution->head, "output");
    bytes parameters = read_value(judge->definition->json, "outputParameters");
    bool completed = bytes_equal_text(execution->status, "COMPLETED");
    bool told = read_value(output, "conductor.failure_workflow").data != NULL;
    bool has_failure = read_value(judge->definition->json, "failureWorkflow").data != NULL;
    bool by_child = parameters.data == NULL; // its end's output is its parent's
    if (told != (failure_is_due && has_failure) &&
        !(told && (judge->facts.terminated || by_child))) {
        model_object(
            judge,
            "end",
            "its failure workflow %s",
            told ? "was started without right" : "was not started"
        );
    }
    if (judge->terminate != NULL) {
        if (completed && !json_equal(output, judge->terminate->output)) {
            model_object(judge, "output", "is not its TERMINATE's");
        }
    } else if (parameters.data != NULL) {
        check_members(judge, "output", parameters, output, INT64_MAX);
    } else if (completed && !model_same_output(output, execution->tasks[execution->task_count - 1].output)) {
        model_object(judge, "output", "is not the last task's");
    }
}

void model_check_end(struct judge *judge, enum model_way way) {
    const struct execution *execution = judge->execution;
    bytes reason = read_text(execution->head, "reasonForIncompletion", judge->arena);
    bool completed = bytes_equal_text(execution->status, "COMPLETED");
    if (!status_is_terminal(execution->status)) {
        bool open = false;
        for (uint32_t i = 0; i < execution->task_count; i++) {
            open = open || !status_is_terminal(execution->tasks[i].status);
        }
        if (judge->settled && !open) {
            model_object(judge, "end", "nothing is open, and it does not end");
        }
        return;
    }
    bool failure_is_due = !completed && check_cause(judge, reason);
    if (completed && judge->terminate != NULL) {
        if (!read_is(judge->terminate->input, "terminationStatus", "COMPLETED")) {
            model_object(judge, "end", "not as its TERMINATE says");
        }
    } else if (completed && way != WAY_ON) {
        model_object(judge, "end", "its flow is not done");
    } else if (completed && judge->permissive_failure) {
        model_object(judge, "end", "a permissive task failed, and it did not");
    }
    if (execution->task_count > 0) { // otherwise its parent ended before it began
        check_output(judge, failure_is_due);
    }
}
