// The table from type to kind. A type that is not named here is not built; the switch is complete
// so that a new type is a compiler's question.
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"

static err unsupported(const struct definition_task *task, struct arena *arena);

const struct task_kind *task_kind_of(enum definition_task_type type) {
    switch (type) {
    case TASK_TYPE_SIMPLE:
    case TASK_TYPE_USER_DEFINED:
        return &task_kind_worker;
    case TASK_TYPE_FORK_JOIN:
        return &task_kind_fork_join;
    case TASK_TYPE_JOIN:
        return &task_kind_join;
    case TASK_TYPE_SWITCH:
        return &task_kind_switch;
    case TASK_TYPE_SUB_WORKFLOW:
        return &task_kind_sub_workflow;
    case TASK_TYPE_TERMINATE:
        return &task_kind_terminate;
    case TASK_TYPE_WAIT:
        return &task_kind_wait;
    case TASK_TYPE_HUMAN:
        return &task_kind_human;
    case TASK_TYPE_NOOP:
        return &task_kind_noop;
    case TASK_TYPE_SET_VARIABLE:
        return &task_kind_set_variable;
    case TASK_TYPE_FORK_JOIN_DYNAMIC:
        return &task_kind_fork_dynamic;
    case TASK_TYPE_EXCLUSIVE_JOIN:
        return &task_kind_exclusive_join;
    case TASK_TYPE_DECISION:
        return &task_kind_decision;
    case TASK_TYPE_DO_WHILE:
        return &task_kind_do_while;
    case TASK_TYPE_START_WORKFLOW:
        return &task_kind_start_workflow;
    case TASK_TYPE_INLINE:
        return &task_kind_inline;
    case TASK_TYPE_LAMBDA:
        return &task_kind_lambda;
    case TASK_TYPE_JSON_JQ_TRANSFORM:
        return &task_kind_jq;
    case TASK_TYPE_DYNAMIC:
        return &task_kind_dynamic;
    case TASK_TYPE_HTTP:
        return &task_kind_http;
    case TASK_TYPE_EVENT:
    case TASK_TYPE_KAFKA_PUBLISH:
    case TASK_TYPE_COUNT:
        break;
    }
    return NULL;
}

err task_kinds_check(const struct definition *definition, struct arena *arena) {
    for (uint32_t i = 0; i < definition->task_count; i++) {
        const struct definition_task *task = &definition->tasks[i];
        if (task_kind_of(task->type) == NULL) {
            return unsupported(task, arena);
        }
        for (uint32_t branch = 0; branch < task->branch_count; branch++) {
            if (task->branches[branch] == DEFINITION_NONE) {
                return err_make(
                    ERR_ILLEGAL_STATE,
                    arena_format(
                        arena,
                        "A branch of fork task '%.*s' has no tasks",
                        BYTES_ARG(task->model.task_reference_name)
                    )
                );
            }
        }
    }
    return ERR_NONE;
}

static err unsupported(const struct definition_task *task, struct arena *arena) {
    return err_make(
        ERR_UNSUPPORTED,
        arena_format(
            arena,
            "Task type '%.*s' of task '%.*s' is not supported yet",
            BYTES_ARG(task->model.type),
            BYTES_ARG(task->model.task_reference_name)
        )
    );
}
