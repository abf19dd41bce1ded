// SWITCH: chooses a branch when it is mapped, and brings the branch's first task with it
// (engine.md §10.8). A script that fails fails the task; its workflow goes on only if that is
// optional.
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

#include <string.h>

static err script(
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    struct evaluation *out_evaluation
);
static uint32_t branch_of(const struct definition_task *definition, bytes name);
static void give(struct task *task, bytes input, bytes name, bool has_children);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    bytes evaluator = definition->model.evaluator_type;
    bool is_script = script_is_javascript(evaluator);
    if (!is_script && !bytes_equal_text(evaluator, "value-param")) {
        const char *text = arena_format(
            workflow->decision->arena,
            "No evaluator registered for type: %.*s",
            BYTES_ARG(evaluator.data != NULL ? evaluator : JSON_NULL_TEXT)
        );
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(text), NULL);
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(schedule_task(schedule, definition, &task));
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    struct evaluation_result result = {.outcome = EVALUATION_DONE, .json = JSON_NULL_TEXT};
    if (is_script) {
        struct evaluation evaluation;
        TRY(script(workflow->decision, definition, input, &evaluation));
        TRY(script_run(workflow, definition, &evaluation, &result));
    } else {
        (void)json_get(input, definition->model.expression, &result.json);
    }
    if (result.outcome != EVALUATION_DONE) {
        task_set_reason(task, result.error);
        task->row.status = API_TASK_FAILED;
        return ERR_NONE;
    }
    bytes name = script_case_text(result.json, workflow->decision->arena);
    uint32_t branch = branch_of(definition, name);
    give(task, input, name, branch != DEFINITION_NONE);
    if (branch == DEFINITION_NONE || task_is_terminal(task)) {
        return ERR_NONE;
    }
    task->row.flags |= TASK_HAS_CHILDREN;
    return schedule_map(schedule, &workflow->definition->tasks[branch]);
}

static err script(
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    struct evaluation *out_evaluation
) {
    (void)decision;
    bool is_script = script_is_javascript(definition->model.evaluator_type);
    *out_evaluation = (struct evaluation){
        .language = EVALUATION_JAVASCRIPT,
        .text = is_script ? definition->model.expression : BYTES_EMPTY,
        .input = input,
    };
    return ERR_NONE;
}

static err begin(struct task *task) {
    return task_move(task, API_TASK_COMPLETED);
}

// A case that is there with an empty list means nothing, not the default.
static uint32_t branch_of(const struct definition_task *definition, bytes name) {
    for (uint32_t i = 0; i < definition->case_count; i++) {
        if (bytes_equal(definition->cases[i].name, name)) {
            return definition->cases[i].first;
        }
    }
    return definition->default_first;
}

static void give(struct task *task, bytes input, bytes name, bool has_children) {
    struct arena *arena = task->workflow->decision->arena;
    bytes text = json_string_value(name, arena);
    const char *added = arena_format(
        arena, "{\"case\":%.*s%s}", BYTES_ARG(text), has_children ? ",\"hasChildren\":\"true\"" : ""
    );
    schedule_input(task, json_merge(input, bytes_from_text(added), arena));
    const char *output = arena_format(
        arena,
        "{\"evaluationResult\":[%.*s],\"selectedCase\":%.*s}",
        BYTES_ARG(text),
        BYTES_ARG(text)
    );
    if (!task_set_output(task, bytes_from_text(output))) {
        task_set_too_large(task, strlen(output));
        task->row.status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
}

const struct task_kind task_kind_switch = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .map = map,
    .script = script,
    .begin = begin,
};
