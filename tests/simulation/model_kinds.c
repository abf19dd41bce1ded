// Kinds whose end follows from their input: the type of a worker task, scripts, switches (engine.md
// §10.1–10.3, 10.8, 10.9, 10.18–10.20).

#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"
#include "tests/simulation/script.h"

// The name is the queue of SIMPLE, what its input says that of DYNAMIC, any other type its own.
void model_check_type(const struct place *place) {
    bytes type = place->task->type;
    if (bytes_equal_text(type, "SIMPLE")) {
        type = read_text(place->task->json, "name", place->judge->arena);
    } else if (bytes_equal_text(type, "DYNAMIC")) {
        bytes parameter = read_text(place->task->json, "dynamicTaskNameParam", place->judge->arena);
        type = read_text(
            place->row->input, arena_text(place->judge->arena, parameter), place->judge->arena
        );
    }
    model_expect(
        place,
        raw_is(place->row->type, arena_text(place->judge->arena, type)),
        "is of type %.*s, not %.*s",
        BYTES_ARG(place->row->type),
        BYTES_ARG(type)
    );
}

// --- scripts -------------------------------------------------------------------------------------

struct evaluation_result model_script_answer(
    struct judge *judge, enum evaluation_language language, bytes text, bytes input
) {
    struct evaluation_result result = {.outcome = EVALUATION_UNAVAILABLE};
    if (!script_answer(language, text, input, judge->arena, &result)) {
        model_object(judge, "script", "unknown: %.*s", BYTES_ARG(text));
    }
    return result;
}

// Whether a task that a script decides failed as the script does. One that was not run in time, or
// whose processes were killed, says so, which no model knows beforehand.
static void check_failure(const struct place *place, const struct evaluation_result *result) {
    const struct task_view *row = place->row;
    bool failed = model_is(row, "FAILED") || model_is(row, "FAILED_WITH_TERMINAL_ERROR") ||
                  model_is(row, "COMPLETED_WITH_ERRORS");
    bool works = result->outcome == EVALUATION_DONE;
    bool hurt = read_contains(row->reason, "Script not evaluated within") ||
                read_contains(row->reason, "broke its evaluator");
    model_expect(place, !failed || !works || hurt, "failed, but its script does not");
    model_expect(place, !model_is(row, "COMPLETED") || works, "is COMPLETED, but its script fails");
}

enum model_way model_script(const struct place *place) {
    struct judge *judge = place->judge;
    const struct task_view *row = place->row;
    bool jq = bytes_equal_text(place->task->type, "JSON_JQ_TRANSFORM");
    bool lambda = bytes_equal_text(place->task->type, "LAMBDA");
    const char *key = jq ? "queryExpression" : lambda ? "scriptExpression" : "expression";
    struct evaluation_result result = model_script_answer(
        judge,
        jq ? EVALUATION_JQ : EVALUATION_JAVASCRIPT,
        read_text(row->input, key, judge->arena),
        row->input
    );
    check_failure(place, &result);
    bytes given = read_value(row->output, jq ? "resultList" : "result");
    bool done = model_is(row, "COMPLETED") && result.outcome == EVALUATION_DONE;
    model_expect(
        place,
        !done || (given.data != NULL && json_equal(given, result.json)),
        "gives %.*s, not %.*s",
        BYTES_ARG(row->output),
        BYTES_ARG(result.json)
    );
    model_expect(
        place,
        !judge->settled || status_is_terminal(row->status),
        "is not done in the step that made it"
    );
    return model_settle(place);
}

// --- switches ------------------------------------------------------------------------------------

// The case as text; data NULL: its script fails.
static bytes case_of(const struct place *place) {
    struct judge *judge = place->judge;
    bytes json = place->task->json;
    bool old = bytes_equal_text(place->task->type, "DECISION");
    bytes script = read_text(json, old ? "caseExpression" : "expression", judge->arena);
    bytes key = read_text(json, old ? "caseValueParam" : "expression", judge->arena);
    // Of a DECISION's input only the case is kept.
    bytes parameters = read_value(json, "inputParameters");
    bytes input = old ? model_values(judge, parameters, place->row->seq) : place->row->input;
    bytes value = BYTES_EMPTY;
    if (old && judge->facts.revived) {
        value = read_value(place->row->input, "case"); // what it saw then may have changed
    } else if (old ? script.size == 0 : read_is(json, "evaluatorType", "value-param")) {
        value = read_value(input, arena_text(judge->arena, key));
    } else {
        struct evaluation_result result =
            model_script_answer(judge, EVALUATION_JAVASCRIPT, script, input);
        check_failure(place, &result);
        value = result.outcome == EVALUATION_DONE ? result.json : BYTES_EMPTY;
    }
    return value.data != NULL && json_is_string(value) ? json_string(value, judge->arena) : value;
}

enum model_way model_switch(const struct place *place) {
    const struct model_task *task = place->task;
    bytes chosen = case_of(place);
    enum model_way way = model_settle(place);
    bool entered = model_is(place->row, "COMPLETED");
    uint32_t taken = task->list_count - 1;
    for (uint32_t i = 0; i + 1 < task->list_count; i++) {
        bool empty = bytes_equal_text(task->type, "DECISION") && task->lists[i].count == 0;
        taken = bytes_equal(task->cases[i], chosen) && !empty ? i : taken;
    }
    for (uint32_t i = 0; i < task->list_count; i++) {
        bool led = entered && i == taken;
        enum model_way end = model_follow(place->judge, &task->lists[i], place->scope, led);
        way = led ? end : way;
    }
    return way;
}
