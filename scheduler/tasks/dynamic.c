// DYNAMIC: becomes, when it is mapped, a task of the name its input gives (engine.md §10.3). The
// TaskDef stays the one of its own name, as in the reference: retry counts of existing definitions
// depend on it.
#include "proto/json/json.h"
#include "scheduler/blueprint.h"
#include "scheduler/expression/expression.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static bool runs_alone(enum definition_task_type type);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    struct arena *arena = workflow->decision->arena;
    struct task *task = NULL;
    TRY(schedule_task(schedule, definition, &task));
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    bytes parameter = definition->model.dynamic_task_name_param;
    bytes value = BYTES_EMPTY;
    bytes name = BYTES_EMPTY;
    if (json_get(input, parameter, &value) && !json_is_null(value)) {
        name = script_case_text(value, arena);
    }
    if (name.size == 0) { // no worker could ask for it
        bytes text = expression_java_text(input, arena);
        const char *reason = arena_format(
            arena,
            "Cannot map a dynamic task based on the parameter and input. Parameter= %.*s, input= "
            "%.*s",
            BYTES_ARG(parameter),
            BYTES_ARG(text)
        );
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(reason), NULL);
        return ERR_NONE;
    }
    struct definition_task *own = blueprint_of_dynamic(workflow, definition, name);
    if (!runs_alone(own->type)) {
        const char *reason = arena_format(
            arena,
            "Task type '%.*s' of dynamic task '%.*s' is not supported",
            BYTES_ARG(name),
            BYTES_ARG(definition->model.task_reference_name)
        );
        workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(reason), NULL);
        return ERR_NONE;
    }
    task->row.own_name = name;
    task->definition = own;
    int64_t delay_s = definition->model.start_delay > 0 ? definition->model.start_delay : 0;
    if (task_kind_of(own->type)->wake != NULL) {
        task->row.start_delay_s = delay_s;
        task->row.callback_s = delay_s;
        task->row.ready_ms = workflow->decision->now.ms + delay_s * 1000;
    }
    return ERR_NONE;
}

// Types that want tasks of the definition beside or below them would wait for ever.
static bool runs_alone(enum definition_task_type type) {
    const struct task_kind *kind = task_kind_of(type);
    return kind != NULL && kind->begin != NULL && kind->look == NULL && kind->expand == NULL &&
           type != TASK_TYPE_SWITCH && type != TASK_TYPE_DECISION;
}

const struct task_kind task_kind_dynamic = {
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_SCHEDULED,
    .map = map,
};
