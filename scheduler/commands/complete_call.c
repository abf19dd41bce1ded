// The answer of a call comes back. It counts for the claim it was made under and no other: a claim
// whose lease ended was handed out anew, and of two answers the task takes one (distributed.md §9).
#include "proto/base/mutant.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

static bool is_current(const struct task *task, const struct call_claim *claim);

err complete_call(
    struct decision *decision, const struct call_claim *claim, const struct call_result *result
) {
    struct workflow *workflow = NULL;
    err error = workflow_open_id(decision, claim->workflow, &workflow);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    if (workflow->row.run != claim->run || claim->task_no >= workflow->row.next_task_no) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(workflow, claim->task_no, &task));
    if (task == NULL || !is_current(task, claim)) {
        return ERR_NONE;
    }
    const struct task_kind *kind = task_kind_of(task->definition->type);
    TRY(result->outcome == CALL_RELEASED ? kind->wake(task) : kind->answer(task, result));
    if (!task_is_terminal(task)) {
        timer_arm(task);
    }
    TRY(decider_run(workflow));
    workflow_save(workflow);
    return ERR_NONE;
}

static bool is_current(const struct task *task, const struct call_claim *claim) {
    if (task->row.status != API_TASK_IN_PROGRESS || task->row.place != TASK_PLACE_CLAIMED) {
        return false;
    }
    return mutant_is("late_call_accepted") ||
           (task->row.executor == claim->executor && task->row.call_number == claim->number);
}
