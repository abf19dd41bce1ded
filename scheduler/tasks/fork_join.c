// FORK_JOIN: brings the first task of each branch and its JOIN with it, and is done when it is
// mapped (engine.md §10.4). One of more than LIMIT_FORK_SLICE branches is mapped slice by slice, as
// a dynamic one is, and stays IN_PROGRESS meanwhile; its JOIN follows it as any successor does.
#include "scheduler/tasks/kind.h"

static err map_slice(struct schedule *schedule, struct task *fork);

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
    fork->row.width = definition->branch_count;
    TRY(map_slice(schedule, fork));
    if (!fork_has_more(fork)) {
        return schedule_map(schedule, &tree->tasks[definition->next]);
    }
    fork->row.status = API_TASK_IN_PROGRESS;
    return ERR_NONE;
}

static err expand(struct schedule *schedule, struct task *fork) {
    struct workflow *workflow = schedule->workflow;
    TRY(map_slice(schedule, fork));
    if (workflow->ending.wanted || fork_has_more(fork)) {
        return ERR_NONE;
    }
    workflow_list_remove(workflow, &workflow->row.expanding, fork->number);
    return task_is_terminal(fork) ? ERR_NONE : task_move(fork, API_TASK_COMPLETED);
}

err fork_begin(struct task *fork) {
    workflow_list_add(fork->workflow, &fork->workflow->row.expanding, fork->number);
    return ERR_NONE;
}

bool fork_has_more(const struct task *task) {
    return task_kind_of(task->definition->type)->expand != NULL &&
           task->row.cursor < task->row.width;
}

static err map_slice(struct schedule *schedule, struct task *fork) {
    const struct workflow *workflow = schedule->workflow;
    const struct definition_task *definition = fork->definition;
    uint32_t end = fork->row.cursor + LIMIT_FORK_SLICE;
    fork->dirty = true;
    while (!workflow->ending.wanted && fork->row.cursor < definition->branch_count &&
           fork->row.cursor < end) {
        uint32_t branch = definition->branches[fork->row.cursor++];
        TRY(schedule_map(schedule, &workflow->definition->tasks[branch]));
    }
    return ERR_NONE;
}

const struct task_kind task_kind_fork_join = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_COMPLETED,
    .map = map,
    .begin = fork_begin,
    .expand = expand,
};
