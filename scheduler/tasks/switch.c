// SWITCH: chooses a branch when it is mapped, and brings the branch's first task with it
// (engine.md §10.8). Of the evaluators `value-param` is built; task_kinds_check refuses the
// scripts.
#include "proto/json/json.h"
#include "scheduler/expression/expression.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

static bytes case_of(struct task *task, bytes input);
static uint32_t branch_of(const struct definition_task *definition, bytes name);
static void give(struct task *task, bytes input, bytes name, bool has_children);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    if (!bytes_equal_text(definition->model.evaluator_type, "value-param")) {
        const char *text = arena_format(
            workflow->decision->arena,
            "No evaluator registered for type: %.*s",
            BYTES_ARG(
                definition->model.evaluator_type.data != NULL ? definition->model.evaluator_type
                                                              : JSON_NULL_TEXT
            )
        );
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(text), NULL);
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(schedule_task(schedule, definition, &task));
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    bytes name = case_of(task, input);
    uint32_t branch = branch_of(definition, name);
    give(task, input, name, branch != DEFINITION_NONE);
    if (branch == DEFINITION_NONE || task_is_terminal(task)) {
        return ERR_NONE;
    }
    task->row.flags |= TASK_HAS_CHILDREN;
    return schedule_map(schedule, &workflow->definition->tasks[branch]);
}

static err begin(struct task *task) {
    return task_move(task, API_TASK_COMPLETED);
}

static bytes case_of(struct task *task, bytes input) {
    struct arena *arena = task->workflow->decision->arena;
    bytes value = BYTES_EMPTY;
    if (!json_get(input, task->definition->model.expression, &value)) {
        value = JSON_NULL_TEXT;
    }
    return json_is_string(value) ? json_string(value, arena) : expression_java_text(value, arena);
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
    .map = map,
    .begin = begin,
};
