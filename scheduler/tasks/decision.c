// DECISION: the old SWITCH (engine.md §10.9). Unlike it, a case with an empty list means the
// default, the stored input is the case alone, and a script that fails ends the workflow.
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static err
choose(struct workflow *workflow, const struct definition_task *definition, bytes *out_name);
static uint32_t branch_of(const struct definition_task *definition, bytes name);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    struct arena *arena = workflow->decision->arena;
    bytes name = BYTES_EMPTY;
    TRY(choose(workflow, definition, &name));
    if (workflow->ending.wanted) {
        return ERR_NONE;
    }
    uint32_t branch = branch_of(definition, name);
    struct task *task = schedule_new(schedule, definition, API_TASK_IN_PROGRESS);
    bytes text = json_string_value(name, arena);
    const char *input = arena_format(
        arena,
        "{\"case\":%.*s%s}",
        BYTES_ARG(text),
        branch != DEFINITION_NONE ? ",\"hasChildren\":\"true\"" : ""
    );
    schedule_input(task, bytes_from_text(input));
    const char *output = arena_format(arena, "{\"caseOutput\":[%.*s]}", BYTES_ARG(text));
    if (!task_set_output(task, bytes_from_text(output))) {
        task_set_too_large(task, text.size);
        task->row.status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
    schedule_add(schedule, task);
    if (branch == DEFINITION_NONE || task_is_terminal(task)) {
        return ERR_NONE;
    }
    task->row.flags |= TASK_HAS_CHILDREN;
    return schedule_map(schedule, &workflow->definition->tasks[branch]);
}

static err begin(struct task *task) {
    return task_move(task, API_TASK_COMPLETED);
}

static err script(
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    struct evaluation *out_evaluation
) {
    (void)decision;
    bytes expression = definition->model.case_expression;
    *out_evaluation = (struct evaluation){
        .language = EVALUATION_JAVASCRIPT,
        .text = bytes_trim(expression).size > 0 ? expression : BYTES_EMPTY,
        .input = input,
    };
    return ERR_NONE;
}

static err
choose(struct workflow *workflow, const struct definition_task *definition, bytes *out_name) {
    struct arena *arena = workflow->decision->arena;
    struct context_options options = {.task_id = BYTES_EMPTY};
    bytes input = BYTES_EMPTY;
    TRY(context_task_input(workflow, definition, &options, &input));
    bytes expression = definition->model.case_expression;
    struct evaluation_result result = {.outcome = EVALUATION_DONE, .json = JSON_NULL_TEXT};
    struct evaluation evaluation;
    TRY(script(workflow->decision, definition, input, &evaluation));
    if (evaluation.text.data != NULL) {
        TRY(script_run(workflow, definition, &evaluation, &result));
    } else {
        (void)json_get(input, definition->model.case_value_param, &result.json);
    }
    if (result.outcome != EVALUATION_DONE) {
        const char *text =
            arena_format(arena, "Error while evaluating script: %.*s", BYTES_ARG(expression));
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(text), NULL);
        return ERR_NONE;
    }
    *out_name = script_case_text(result.json, arena);
    return ERR_NONE;
}

static uint32_t branch_of(const struct definition_task *definition, bytes name) {
    for (uint32_t i = 0; i < definition->case_count; i++) {
        if (bytes_equal(definition->cases[i].name, name) &&
            definition->cases[i].first != DEFINITION_NONE) {
            return definition->cases[i].first;
        }
    }
    return definition->default_first;
}

const struct task_kind task_kind_decision = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_IN_PROGRESS,
    .at_once = true,
    .map = map,
    .script = script,
    .begin = begin,
};
