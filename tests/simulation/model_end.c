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

bytes model_value(struct judge *judge, bytes expression, int64_t seq) {
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
    return bytes_starts_with(text, BYTES_LITERAL("${")) ? model_value(judge, text, seq) : given;
}

static void
check_members(struct judge *judge, bytes reference, bytes parameters, bytes object, int64_t seq) {
    struct json_iter iter = json_iter(parameters.data != NULL ? parameters : JSON_EMPTY_OBJECT);
    bytes key = BYTES_EMPTY;
    bytes given = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &given)) {
        bytes right = expected(judge, given, seq);
        bytes shown = BYTES_EMPTY;
        bool there = json_get(object, json_string(key, judge->arena), &shown);
        if (right.data != NULL && (!there || !json_equal(shown, right))) {
            model_object(
                judge,
                reference,
                "%.*s is %.*s, not %.*s",
                BYTES_ARG(key),
                BYTES_ARG(shown),
                BYTES_ARG(right)
            );
        }
    }
}

void model_check_input(
    struct judge *judge, const struct model_task *task, const struct task_view *row
) {
    bytes input = row->input;
    if (judge->facts.revived || task->kind == MODEL_JOIN || task->kind == MODEL_LOOP) {
        return;
    }
    if (bytes_equal_text(task->type, "SUB_WORKFLOW")) {
        input = read_value(input, "workflowInput");
    }
    check_members(
        judge, task->reference, read_value(task->json, "inputParameters"), input, row->seq
    );
}

// --- causes --------------------------------------------------------------------------------------

static bool contains(bytes text, const char *wanted) {
    bytes part = bytes_from_text(wanted);
    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (bytes_starts_with(bytes_slice(text, i, text.size), part)) {
            return true;
        }
    }
    return false;
}

// `Task <id> failed with status: …`: that task failed for good, and the status follows from it.
static void check_failed_task(struct judge *judge, bytes reason) {
    id128 id;
    const struct task_view *row = NULL;
    const struct model_task *task = NULL;
    bool is_id =
        reason.size > 5 + ID_TEXT_BYTES && id_parse(bytes_slice(reason, 5, 5 + ID_TEXT_BYTES), &id);
    for (uint32_t i = 0; is_id && i < judge->execution->task_count; i++) {
        if (id_equal(judge->execution->tasks[i].id, id)) {
            row = &judge->execution->tasks[i];
            task = judge->of[i];
        }
    }
    if (row == NULL || task == NULL) {
        model_object(judge, BYTES_LITERAL("end"), "no such task: %.*s", BYTES_ARG(reason));
        return;
    }
    const char *status = model_is(row, "CANCELED")                         ? "TERMINATED"
                         : model_is(row, "TIMED_OUT") && !task->permissive ? "TIMED_OUT"
                                                                           : "FAILED";
    if (status_is_successful(row->status) || task->optional || model_retry_is_due(task, row)) {
        model_object(judge, row->reference, "%.*s ended it without right", BYTES_ARG(row->status));
    } else if (!bytes_equal_text(judge->execution->status, status)) {
        model_object(judge, row->reference, "ends it, but as %s", status);
    }
}

// A timeout whose policy ends the execution.
static void check_task_timeout(struct judge *judge, bytes reason) {
    bool total = contains(reason, "exceeded total timeout");
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct model_task *task = judge->of[i];
        const struct model_type *type = task != NULL ? task->task_type : NULL;
        if (type != NULL && (total ? type->has_total
                                   : bytes_equal_text(type->timeout_policy, "TIME_OUT_WF") &&
                                         model_is(&judge->execution->tasks[i], "TIMED_OUT"))) {
            return;
        }
    }
    model_object(judge, BYTES_LITERAL("end"), "no task timed out: %.*s", BYTES_ARG(reason));
}

// Why the execution ended badly. True: the engine ended it, so its failure workflow is due.
static bool check_cause(struct judge *judge, bytes reason) {
    bool timed_out = bytes_equal_text(judge->execution->status, "TIMED_OUT");
    bool terminated = bytes_equal_text(judge->execution->status, "TERMINATED");
    bool child = !id_is_zero(judge->execution->parent);
    if (terminated && judge->facts.terminated && bytes_equal_text(reason, "because")) {
        return false;
    }
    if (terminated && child &&
        bytes_starts_with(reason, BYTES_LITERAL("Parent workflow has been terminated"))) {
        return false;
    }
    if (contains(reason, " failed with status: ")) {
        check_failed_task(judge, reason); // before a TERMINATE of the same step, if there is one
    } else if (judge->terminate != NULL) {
        if (!bytes_equal(
                judge->execution->status,
                read_text(judge->terminate->input, "terminationStatus", judge->arena)
            )) {
            model_object(judge, BYTES_LITERAL("end"), "not as its TERMINATE says");
        }
    } else if (timed_out && bytes_starts_with(reason, BYTES_LITERAL("Workflow timed out"))) {
        if (read_int(judge->definition->json, "timeoutSeconds") == 0) {
            model_object(judge, BYTES_LITERAL("end"), "timed out without a timeout");
        }
    } else if ((timed_out && contains(reason, "timed out after")) || contains(reason, "exceeded total timeout")) {
        check_task_timeout(judge, reason);
    } else {
        model_object(judge, BYTES_LITERAL("end"), "without a cause: %.*s", BYTES_ARG(reason));
    }
    return true;
}

// --- outputs -------------------------------------------------------------------------------------

static void check_output(struct judge *judge, bool failure_is_due) {
    if (judge->execution->task_count == 0) {
        return; // its parent ended before it began
    }
    bytes output = read_value(judge->execution->head, "output");
    bytes parameters = read_value(judge->definition->json, "outputParameters");
    bool completed = bytes_equal_text(judge->execution->status, "COMPLETED");
    bool told = read_value(output, "conductor.failure_workflow").data != NULL;
    bool has_failure = read_value(judge->definition->json, "failureWorkflow").data != NULL;
    bool by_child = parameters.data == NULL; // its end's output is its parent's
    if (told != (failure_is_due && has_failure) &&
        !(told && (judge->facts.terminated || by_child))) {
        model_object(
            judge,
            BYTES_LITERAL("end"),
            "its failure workflow %s",
            told ? "was started without right" : "was not started"
        );
    }
    if (judge->terminate != NULL && completed) {
        if (!json_equal(output, judge->terminate->output)) {
            model_object(judge, BYTES_LITERAL("output"), "is not its TERMINATE's");
        }
    } else if (parameters.data != NULL && judge->terminate == NULL) {
        check_members(judge, BYTES_LITERAL("output"), parameters, output, INT64_MAX);
    } else if (completed && !model_same_output(output, judge->execution->tasks[judge->execution->task_count - 1].output)) {
        model_object(judge, BYTES_LITERAL("output"), "is not the last task's");
    }
}

void model_check_end(struct judge *judge, enum model_way way) {
    bytes reason = read_text(judge->execution->head, "reasonForIncompletion", judge->arena);
    bool failure_is_due = false;
    if (!status_is_terminal(judge->execution->status)) {
        bool open = false;
        for (uint32_t i = 0; i < judge->execution->task_count; i++) {
            open = open || !status_is_terminal(judge->execution->tasks[i].status);
        }
        if (judge->settled && !open) {
            model_object(judge, BYTES_LITERAL("end"), "nothing is open, and it does not end");
        }
        return;
    }
    if (!bytes_equal_text(judge->execution->status, "COMPLETED")) {
        failure_is_due = check_cause(judge, reason);
    } else if (judge->terminate != NULL) {
        if (!read_is(judge->terminate->input, "terminationStatus", "COMPLETED")) {
            model_object(judge, BYTES_LITERAL("end"), "not as its TERMINATE says");
        }
    } else if (way != WAY_ON) {
        model_object(judge, BYTES_LITERAL("end"), "its flow is not done");
    } else if (judge->permissive_failure) {
        model_object(judge, BYTES_LITERAL("end"), "a permissive task failed, and it did not");
    }
    check_output(judge, failure_is_due);
}
