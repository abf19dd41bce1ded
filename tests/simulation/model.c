// Following the flow: from the first task on, each one that the flow came to must be there, and
// what stands behind it is to be there when it let the flow go on. What nothing led to must not be
// there. While an execution is PAUSED, and after a bad end, things that were due may be missing:
// whatever happened last was not followed up.

#include "tests/simulation/model.h"

#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"

#include <stdarg.h>

#include <stdio.h>

enum {
    OBJECTION_BYTES = 600,
    SCRIPTS_OF_ONE_DECISION = 16 // above it the server may be between two entries
};

void model_object(struct judge *judge, bytes reference, const char *format, ...) {
    if (judge->objection != NULL) {
        return;
    }
    char text[OBJECTION_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    judge->objection = arena_format(
        judge->arena,
        "%.*s (%.*s): %.*s: %s",
        BYTES_ARG(judge->definition->name),
        BYTES_ARG(judge->execution->status),
        BYTES_ARG(reference),
        text
    );
}

bool model_is(const struct task_view *row, const char *status) {
    return bytes_equal_text(row->status, status);
}

bytes model_reference(struct judge *judge, bytes reference, bytes scope) {
    return bytes_from_text(
        arena_format(judge->arena, "%.*s%.*s", BYTES_ARG(reference), BYTES_ARG(scope))
    );
}

static bool is_of(const struct task_view *row, bytes reference) {
    return row->reference.size == reference.size + 2 &&
           bytes_equal(bytes_slice(row->reference, 1, reference.size + 1), reference);
}

const struct task_view *model_newest(const struct judge *judge, bytes reference) {
    for (uint32_t i = judge->execution->task_count; i > 0; i--) {
        if (is_of(&judge->execution->tasks[i - 1], reference)) {
            return &judge->execution->tasks[i - 1];
        }
    }
    return NULL;
}

bool model_same_output(bytes left, bytes right) {
    struct json_iter iter = json_iter(left);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bytes other = BYTES_EMPTY;
    bool same =
        json_is_object(left) && json_is_object(right) && json_count(left) == json_count(right);
    while (same && json_next_member(&iter, &key, &value)) {
        bytes name = bytes_slice(key, 1, key.size - 1);
        same = json_get(right, name, &other) &&
               (json_equal(value, other) || bytes_equal_text(name, "subWorkflowId"));
    }
    return same;
}

// --- attempts (engine.md §3) ---------------------------------------------------------------------

static bool is_never_retried(const struct model_task *task) {
    return task->kind == MODEL_SWITCH || task->kind == MODEL_FORK ||
           task->kind == MODEL_DYNAMIC_FORK || task->kind == MODEL_JOIN ||
           task->kind == MODEL_EXCLUSIVE_JOIN || task->kind == MODEL_LOOP;
}

bool model_retry_is_due(const struct model_task *task, const struct task_view *row) {
    bool retriable = model_is(row, "FAILED") || model_is(row, "TIMED_OUT");
    return retriable && !is_never_retried(task) && row->attempt < task->retries;
}

// Notes what every attempt of the task belongs to, and that they are as many as may be.
static void take_attempts(struct judge *judge, const struct model_task *task, bytes reference) {
    const struct task_view *before = NULL;
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        if (!is_of(row, reference)) {
            continue;
        }
        judge->of[i] = task;
        if (judge->facts.revived) {
            continue;
        }
        if (row->attempt != (before == NULL ? 0 : before->attempt + 1)) {
            model_object(judge, reference, "attempt %lld is out of turn", (long long)row->attempt);
        }
        if (before != NULL && !model_retry_is_due(task, before)) {
            model_object(
                judge,
                reference,
                "attempt %lld, %.*s, was followed by another, with %lld retries",
                (long long)before->attempt,
                BYTES_ARG(before->status),
                (long long)task->retries
            );
        }
        before = row;
    }
}

enum model_way
model_settle(struct judge *judge, const struct model_task *task, const struct task_view *row) {
    if (!status_is_terminal(row->status)) {
        return WAY_WAITS;
    }
    if (model_is(row, "COMPLETED_WITH_ERRORS") && !task->optional && task->kind != MODEL_JOIN) {
        model_object(judge, task->reference, "is passed over, but not optional");
    }
    if (status_is_successful(row->status)) {
        return WAY_ON;
    }
    bool due = model_retry_is_due(task, row);
    if (judge->settled && due) {
        model_object(
            judge,
            task->reference,
            "%.*s: attempt %lld of %lld retries is not followed by another",
            BYTES_ARG(row->status),
            (long long)row->attempt,
            (long long)task->retries
        );
    } else if (judge->settled && task->optional) {
        model_object(judge, task->reference, "is optional, failed, and was not passed over");
    } else if (!due && task->permissive && !task->optional) {
        judge->permissive_failure = true;
        return WAY_ON;
    } else if (judge->settled) {
        model_object(judge, task->reference, "failed for good, and the execution does not end");
    }
    return WAY_ENDS;
}

// --- the flow ------------------------------------------------------------------------------------

static void follow_nothing(struct judge *judge, const struct model_task *task, bytes scope) {
    for (uint32_t i = 0; i < task->list_count; i++) {
        (void)model_follow(judge, &task->lists[i], scope, false);
    }
}

static enum model_way follow_fork(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    bool split = model_is(row, "COMPLETED");
    for (uint32_t i = 0; i < task->list_count; i++) {
        (void)model_follow(judge, &task->lists[i], scope, split);
    }
    return model_settle(judge, task, row);
}

static enum model_way
follow_terminate(struct judge *judge, const struct model_task *task, const struct task_view *row) {
    enum model_way way = model_settle(judge, task, row);
    if (way != WAY_ON) {
        return way;
    }
    bool earlier = judge->terminate == NULL || row->seq < judge->terminate->seq;
    judge->terminate = earlier ? row : judge->terminate; // two of one step: the first ends it
    return WAY_ENDS;
}

static enum model_way follow_kind(
    struct judge *judge, const struct model_task *task, const struct task_view *row, bytes scope
) {
    switch (task->kind) {
    case MODEL_FORK:
        return follow_fork(judge, task, row, scope);
    case MODEL_DYNAMIC_FORK:
        return model_dynamic_fork(judge, task, row, scope);
    case MODEL_JOIN:
        return model_join(judge, task, row, scope);
    case MODEL_EXCLUSIVE_JOIN:
        return model_exclusive_join(judge, task, row, scope);
    case MODEL_SWITCH:
        return model_switch(judge, task, row, scope);
    case MODEL_LOOP:
        return model_loop(judge, task, row, scope);
    case MODEL_SCRIPT:
        return model_script(judge, task, row);
    case MODEL_TERMINATE:
        return follow_terminate(judge, task, row);
    case MODEL_WORKER:
    case MODEL_OTHER:
        break;
    }
    return model_settle(judge, task, row);
}

static enum model_way
follow_task(struct judge *judge, const struct model_task *task, bytes scope, bool reached) {
    bytes reference = model_reference(judge, task->reference, scope);
    take_attempts(judge, task, reference);
    const struct task_view *row = model_newest(judge, reference);
    if (row != NULL && model_is(row, "SKIPPED")) {
        follow_nothing(judge, task, scope);
        return WAY_ON;
    }
    // A task that began again after what follows it was there leads to it all the same.
    reached = reached || (judge->facts.revived && row != NULL);
    if (!reached) {
        if (row != NULL) {
            model_object(judge, reference, "is there, but nothing led to it");
        }
        follow_nothing(judge, task, scope);
        return WAY_WAITS;
    }
    if (row == NULL) {
        if (judge->settled) {
            model_object(judge, reference, "is missing, and everything before it is done");
        }
        follow_nothing(judge, task, scope);
        return WAY_WAITS;
    }
    model_check_input(judge, task, row);
    return follow_kind(judge, task, row, scope);
}

enum model_way
model_follow(struct judge *judge, const struct model_list *list, bytes scope, bool reached) {
    enum model_way way = reached ? WAY_ON : WAY_WAITS;
    for (uint32_t i = 0; i < list->count; i++) {
        enum model_way next = follow_task(judge, &list->tasks[i], scope, way == WAY_ON);
        way = way == WAY_ON ? next : way;
    }
    return way;
}

// --- the whole -----------------------------------------------------------------------------------

// Whether everything that is due has happened by the time of this answer. Between two entries of
// one decision, at a child's begin and after its end, something may yet come; no answer says so.
static bool is_settled(const struct judge *judge) {
    if (bytes_equal_text(judge->execution->status, "COMPLETED")) {
        return true;
    }
    if (!bytes_equal_text(judge->execution->status, "RUNNING") || judge->facts.revived ||
        judge->execution->task_count == 0) {
        return false;
    }
    uint32_t scripts = 0;
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        if (raw_is(row->type, "SUB_WORKFLOW") && status_is_terminal(row->status)) {
            return false;
        }
        bool by_timer = model_is(row, "TIMED_OUT") || raw_is(row->type, "HTTP") ||
                        (raw_is(row->type, "WAIT") && status_is_terminal(row->status));
        if (by_timer && judge->definition->has_scripts) {
            return false; // timers and answers of calls are recorded at once, and may have to wait
                          // for scripts then
        }
        scripts += raw_is(row->type, "INLINE") || raw_is(row->type, "JSON_JQ_TRANSFORM") ||
                   raw_is(row->type, "SWITCH");
        scripts += raw_is(row->type, "DO_WHILE") ? (uint32_t)row->iteration : 0;
    }
    return scripts < SCRIPTS_OF_ONE_DECISION;
}

static bool is_terminated_by_task(const struct judge *judge) {
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        if (raw_is(row->type, "TERMINATE") && model_is(row, "COMPLETED")) {
            return true;
        }
    }
    return false;
}

static void check_all_belong(struct judge *judge) {
    bool ended = status_is_terminal(judge->execution->status);
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        if (judge->of[i] == NULL) {
            model_object(judge, row->reference, "belongs to no task of the definition");
        }
        if (ended && !status_is_terminal(row->status)) {
            model_object(judge, row->reference, "is %.*s", BYTES_ARG(row->status));
        }
    }
}

const char *model_judge(
    const struct model *model,
    const struct execution *execution,
    const struct model_facts *facts,
    struct arena *arena
) {
    struct judge *judge = ARENA_NEW(arena, struct judge);
    *judge =
        (struct judge){.model = model, .facts = *facts, .arena = arena, .execution = execution};
    judge->of = ARENA_ARRAY(arena, const struct model_task *, execution->task_count + 1);
    judge->definition = model_definition_find(model, execution->name, execution->version);
    if (judge->definition == NULL) {
        return "nobody registered its definition";
    }
    judge->settled = is_settled(judge) && !is_terminated_by_task(judge);
    enum model_way way = model_follow(judge, &judge->definition->list, BYTES_EMPTY, true);
    check_all_belong(judge);
    model_check_end(judge, way);
    return judge->objection;
}
