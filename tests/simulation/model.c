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

// --- objections ----------------------------------------------------------------------------------

PRINTF_LIKE(3, 0)
static void note(struct judge *judge, bytes reference, const char *format, va_list arguments) {
    char text[OBJECTION_BYTES];
    (void)vsnprintf(text, sizeof(text), format, arguments);
    judge->objection = arena_format(
        judge->arena,
        "%.*s (%.*s): %.*s: %s",
        BYTES_ARG(judge->definition->name),
        BYTES_ARG(judge->execution->status),
        BYTES_ARG(reference),
        text
    );
}

void model_object(struct judge *judge, const char *what, const char *format, ...) {
    if (judge->objection == NULL) {
        va_list arguments;
        va_start(arguments, format);
        note(judge, bytes_from_text(what), format, arguments);
        va_end(arguments);
    }
}

void model_expect(const struct place *place, bool holds, const char *format, ...) {
    if (!holds && place->judge->objection == NULL) {
        const char *reference = arena_format(
            place->judge->arena,
            "%.*s%.*s",
            BYTES_ARG(place->task->reference),
            BYTES_ARG(place->scope)
        );
        va_list arguments;
        va_start(arguments, format);
        note(place->judge, bytes_from_text(reference), format, arguments);
        va_end(arguments);
    }
}

// --- tasks by name -------------------------------------------------------------------------------

bool model_is(const struct task_view *row, const char *status) {
    return bytes_equal_text(row->status, status);
}

static bool is_of(const struct task_view *row, bytes reference, bytes scope) {
    bytes name = bytes_slice(row->reference, 1, row->reference.size - 1);
    return name.size == reference.size + scope.size && bytes_starts_with(name, reference) &&
           bytes_equal(bytes_slice(name, reference.size, name.size), scope);
}

const struct task_view *model_newest(const struct judge *judge, bytes reference, bytes scope) {
    for (uint32_t i = judge->execution->task_count; i > 0; i--) {
        if (is_of(&judge->execution->tasks[i - 1], reference, scope)) {
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
    bool same = json_is_object(right) && json_count(left) == json_count(right);
    while (same && json_next_member(&iter, &key, &value)) {
        bytes name = bytes_slice(key, 1, key.size - 1);
        same = json_get(right, name, &other) &&
               (json_equal(value, other) || bytes_equal_text(name, "subWorkflowId"));
    }
    return same;
}

// --- attempts (engine.md §3) ---------------------------------------------------------------------

bool model_retry_is_due(const struct model_task *task, const struct task_view *row) {
    bool retriable = model_is(row, "FAILED") || model_is(row, "TIMED_OUT");
    bool never = task->kind == MODEL_SWITCH || task->kind == MODEL_FORK ||
                 task->kind == MODEL_DYNAMIC_FORK || task->kind == MODEL_JOIN ||
                 task->kind == MODEL_EXCLUSIVE_JOIN || task->kind == MODEL_LOOP;
    return retriable && !never && row->attempt < task->retries;
}

// Notes what every attempt of the task belongs to, and that they are as many as may be.
static void take_attempts(const struct place *place) {
    struct judge *judge = place->judge;
    const struct task_view *before = NULL;
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        if (!is_of(row, place->task->reference, place->scope)) {
            continue;
        }
        judge->of[i] = place->task;
        if (judge->facts.revived) {
            continue;
        }
        int64_t number = before == NULL ? 0 : before->attempt + 1;
        model_expect(
            place, row->attempt == number, "attempt %lld is out of turn", (long long)row->attempt
        );
        model_expect(
            place,
            before == NULL || model_retry_is_due(place->task, before),
            "attempt %lld was followed by another, with %lld retries",
            (long long)number - 1,
            (long long)place->task->retries
        );
        before = row;
    }
}

enum model_way model_settle(const struct place *place) {
    const struct model_task *task = place->task;
    const struct task_view *row = place->row;
    struct judge *judge = place->judge;
    if (!status_is_terminal(row->status)) {
        return WAY_WAITS;
    }
    bool passed = model_is(row, "COMPLETED_WITH_ERRORS") && task->kind != MODEL_JOIN;
    model_expect(place, !passed || task->optional, "is passed over, but not optional");
    if (status_is_successful(row->status)) {
        return WAY_ON;
    }
    bool due = model_retry_is_due(task, row);
    if (!due && task->permissive && !task->optional) {
        judge->permissive_failure = true;
        return WAY_ON;
    }
    model_expect(
        place,
        !judge->settled || !due,
        "%.*s: attempt %lld of %lld retries is not followed by another",
        BYTES_ARG(row->status),
        (long long)row->attempt,
        (long long)task->retries
    );
    model_expect(
        place,
        !judge->settled,
        task->optional ? "is optional, failed, and was not passed over"
                       : "failed for good, and the execution does not end"
    );
    return WAY_ENDS;
}

// --- the flow ------------------------------------------------------------------------------------

static enum model_way follow_terminate(const struct place *place) {
    struct judge *judge = place->judge;
    enum model_way way = model_settle(place);
    if (way != WAY_ON) {
        return way;
    }
    bool earlier = judge->terminate == NULL || place->row->seq < judge->terminate->seq;
    judge->terminate = earlier ? place->row : judge->terminate; // of two of one step the first ends
    return WAY_ENDS;
}

static enum model_way follow_kind(const struct place *place) {
    switch (place->task->kind) {
    case MODEL_FORK:
        return model_fork(place);
    case MODEL_DYNAMIC_FORK:
        return model_dynamic_fork(place);
    case MODEL_JOIN:
        return model_join(place);
    case MODEL_EXCLUSIVE_JOIN:
        return model_exclusive_join(place);
    case MODEL_SWITCH:
        return model_switch(place);
    case MODEL_LOOP:
        return model_loop(place);
    case MODEL_SCRIPT:
        return model_script(place);
    case MODEL_TERMINATE:
        return follow_terminate(place);
    case MODEL_WORKER:
        model_check_type(place);
        break;
    case MODEL_OTHER:
        break;
    }
    return model_settle(place);
}

static enum model_way
follow_task(struct judge *judge, const struct model_task *task, bytes scope, bool reached) {
    struct place place = {judge, task, model_newest(judge, task->reference, scope), scope};
    bool skipped = place.row != NULL && model_is(place.row, "SKIPPED");
    take_attempts(&place);
    // A task that began again after what follows it was there leads to it all the same.
    reached = reached || skipped || (judge->facts.revived && place.row != NULL);
    model_expect(&place, reached || place.row == NULL, "is there, but nothing led to it");
    model_expect(
        &place,
        !reached || place.row != NULL || !judge->settled,
        "is missing, and everything before it is done"
    );
    if (reached && place.row != NULL && !skipped) {
        model_check_input(&place);
        return follow_kind(&place);
    }
    for (uint32_t i = 0; i < task->list_count; i++) {
        (void)model_follow(judge, &task->lists[i], scope, false);
    }
    return skipped ? WAY_ON : WAY_WAITS;
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
    const struct execution *execution = judge->execution;
    bool completed = bytes_equal_text(execution->status, "COMPLETED");
    bool running = bytes_equal_text(execution->status, "RUNNING") && !judge->facts.revived &&
                   !judge->facts.cut && execution->task_count > 0;
    int64_t scripts = 0;
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *row = &execution->tasks[i];
        bool ended = status_is_terminal(row->status);
        if (raw_is(row->type, "TERMINATE") && model_is(row, "COMPLETED")) {
            return false;
        }
        // Timers and answers of calls are recorded at once, and may have to wait for scripts then.
        bool by_timer = model_is(row, "TIMED_OUT") || raw_is(row->type, "HTTP") ||
                        (raw_is(row->type, "WAIT") && ended);
        running = running && !(raw_is(row->type, "SUB_WORKFLOW") && ended) &&
                  !(by_timer && judge->definition->has_scripts);
        scripts += raw_is(row->type, "INLINE") || raw_is(row->type, "LAMBDA") ||
                   raw_is(row->type, "JSON_JQ_TRANSFORM") || raw_is(row->type, "SWITCH") ||
                   raw_is(row->type, "DECISION");
        scripts += raw_is(row->type, "DO_WHILE") ? row->iteration : 0;
    }
    return completed || (running && scripts < SCRIPTS_OF_ONE_DECISION);
}

static void check_all_belong(struct judge *judge) {
    bool ended = status_is_terminal(judge->execution->status);
    for (uint32_t i = 0; i < judge->execution->task_count; i++) {
        const struct task_view *row = &judge->execution->tasks[i];
        const char *reference = arena_text(judge->arena, row->reference);
        // An iteration that is dropped leaves what is open in it, which a child is that went on.
        bool left = judge->facts.revived && row->iteration > 0 && raw_is(row->type, "SUB_WORKFLOW");
        if (judge->of[i] == NULL && !left) {
            model_object(judge, reference, "belongs to no task of the definition");
        }
        if (ended && !status_is_terminal(row->status)) {
            model_object(judge, reference, "is %.*s", BYTES_ARG(row->status));
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
    judge->settled = is_settled(judge);
    enum model_way way = model_follow(judge, &judge->definition->list, BYTES_EMPTY, true);
    check_all_belong(judge);
    model_check_end(judge, way);
    return judge->objection;
}
