// FORK_JOIN: the fork is done when it is mapped; it brings the first task of each branch and its
// JOIN with it (engine.md §10.4).
#include "scheduler/tasks/kind.h"

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    const struct definition *tree = workflow->definition;
    if (definition->next == DEFINITION_NONE ||
        tree->tasks[definition->next].type != TASK_TYPE_JOIN) {
        workflow_want_end(
            workflow,
            API_WORKFLOW_FAILED,
            BYTES_LITERAL(
                "Fork task definition is not followed by a join task.  Check the blueprint"
            ),
            NULL
        );
        return ERR_NONE;
    }
    struct task *fork = NULL;
    TRY(schedule_task(schedule, definition, &fork));
    for (uint32_t i = 0; i < definition->branch_count && !workflow->ending.wanted; i++) {
        TRY(schedule_map(schedule, &tree->tasks[definition->branches[i]]));
    }
    return schedule_map(schedule, &tree->tasks[definition->next]);
}

const struct task_kind task_kind_fork_join = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_COMPLETED,
    .map = map,
};
