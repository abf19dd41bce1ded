// The table from type to kind. A type that is not named here is not built; the switch is complete
// so that a new type is a compiler's question.
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"

static err check_switch(const struct definition_task *task, struct arena *arena);
static err unsupported(const struct definition_task *task, const char *what, struct arena *arena);

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
    case TASK_TYPE_EXCLUSIVE_JOIN:
    case TASK_TYPE_DECISION:
    case TASK_TYPE_DO_WHILE:
    case TASK_TYPE_START_WORKFLOW:
    case TASK_TYPE_INLINE:
    case TASK_TYPE_LAMBDA:
    case TASK_TYPE_JSON_JQ_TRANSFORM:
    case TASK_TYPE_HTTP:
    case TASK_TYPE_EVENT:
    case TASK_TYPE_DYNAMIC:
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
            return unsupported(task, "", arena);
        }
        if (task->type == TASK_TYPE_SWITCH) {
            TRY(check_switch(task, arena));
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

// Scripts need the evaluator; an evaluator nobody knows is the workflow's failure (engine.md
// §10.8).
static err check_switch(const struct definition_task *task, struct arena *arena) {
    static const char *const scripts[] = {"javascript", "graaljs", "python"};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        if (bytes_equal_text(task->model.evaluator_type, scripts[i])) {
            return unsupported(
                task, arena_format(arena, " with evaluatorType '%s'", scripts[i]), arena
            );
        }
    }
    return ERR_NONE;
}

static err unsupported(const struct definition_task *task, const char *what, struct arena *arena) {
    return err_make(
        ERR_UNSUPPORTED,
        arena_format(
            arena,
            "Task type '%.*s'%s of task '%.*s' is not supported yet",
            BYTES_ARG(task->model.type),
            what,
            BYTES_ARG(task->model.task_reference_name)
        )
    );
}
