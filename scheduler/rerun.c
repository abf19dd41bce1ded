// What comes after a task is read from the definition's tree, not from numbers alone: a task with a
// later number is dropped unless it stands in a branch of a fork that began before the target, and
// the target not in that branch. It may be in another, or behind the JOIN, which need not wait for
// all that its branches do: one that names a SWITCH goes on while the SWITCH's branch runs. The
// reference drops those, too, and then waits for ever for what nothing makes (engine.md §5.7, Q).
//
// A task whose kind decides while it is mapped (SWITCH, forks) is mapped again under its old id;
// any other is begun again in place with its stored input.
#include "scheduler/rerun.h"

#include "proto/base/mutant.h"
#include "scheduler/decider.h"
#include "scheduler/lifecycle.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

static err drop_later(struct task *target, struct task **tasks, uint32_t count);
static struct task **forks_before(const struct task *target, struct task **tasks, uint32_t count);
static bool is_beside(const struct task *target, const struct task *task, struct task **forks);
static uint32_t
branch_of(const struct definition *definition, uint32_t fork, const struct definition_task *task);
static err begin_target(struct task *target, bytes input);
static bool maps_again(enum definition_task_type type);
static err map_target(struct task *target);
static err open_again(struct task *task);
static bool is_around(const struct task *task, const struct task *target);
static err open_around(struct task *target, struct task **tasks, uint32_t count);

err rerun_from(struct task *target, bytes input) {
    struct workflow *workflow = target->workflow;
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    bool child_done = target->definition->type == TASK_TYPE_SUB_WORKFLOW &&
                      target->row.status == API_TASK_COMPLETED;
    TRY(drop_later(target, tasks, count));
    // What is dropped may have been the newest attempt of a task that stays.
    if (child_done) {
        target->row.flags &= ~(uint32_t)TASK_EXECUTED;
        target->dirty = true;
    } else {
        TRY(begin_target(target, input));
    }
    for (uint32_t i = 0; i < count && !workflow->ending.wanted; i++) {
        struct task *task = tasks[i];
        if (!task->removed && task_is_terminal(task) && !task_is_successful(task) &&
            (task->row.flags & TASK_RETRIED) == 0) {
            TRY(open_again(task));
        }
    }
    TRY(open_around(target, tasks, count));
    TRY(lifecycle_recollect(workflow));
    for (uint32_t i = 0; i < count && !workflow->ending.wanted; i++) {
        const struct task_kind *kind = task_kind_of(tasks[i]->definition->type);
        if (!tasks[i]->removed && kind->look != NULL && !task_is_terminal(tasks[i])) {
            TRY(kind->look(tasks[i]));
        }
    }
    return ERR_NONE;
}

static err drop_later(struct task *target, struct task **tasks, uint32_t count) {
    struct workflow *workflow = target->workflow;
    bool all_stay = target->definition->type == TASK_TYPE_SUB_WORKFLOW; // engine.md §5.7 b 3
    uint32_t next_seq = target->row.seq + 1;
    struct task **forks = forks_before(target, tasks, count);
    // From the newest on: an attempt goes before the one it replaced.
    for (uint32_t i = count; i > 0; i--) {
        struct task *task = tasks[i - 1];
        if (task->row.seq <= target->row.seq) {
            continue;
        }
        bool stays = all_stay || is_beside(target, task, forks);
        bool newer_attempt = bytes_equal(task->row.reference, target->row.reference);
        if ((stays && !newer_attempt) || mutant_is("rerun_keeps_what_follows")) {
            next_seq = task->row.seq >= next_seq ? task->row.seq + 1 : next_seq;
        } else {
            TRY(task_remove(task));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!tasks[i]->removed) {
            TRY(task_note_latest(tasks[i])); // of an earlier iteration, perhaps
        }
    }
    workflow->row.next_seq = next_seq;
    workflow->dirty = true;
    return ERR_NONE;
}

// The forks that had begun before the target, by their index in the definition; NULL: not begun.
// Those of other iterations than the target's have no part in it.
static struct task **forks_before(const struct task *target, struct task **tasks, uint32_t count) {
    const struct workflow *workflow = target->workflow;
    struct task **forks =
        ARENA_ARRAY(workflow->decision->arena, struct task *, workflow->definition->task_count);
    for (uint32_t i = 0; i < workflow->definition->task_count; i++) {
        forks[i] = NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct definition_task *definition = tasks[i]->definition;
        bool forks_off = definition->type == TASK_TYPE_FORK_JOIN ||
                         definition->type == TASK_TYPE_FORK_JOIN_DYNAMIC;
        if (forks_off && tasks[i]->row.own_blob == 0 && tasks[i]->row.seq < target->row.seq &&
            is_around(tasks[i], target)) {
            forks[definition->index] = tasks[i];
        }
    }
    return forks;
}

// In a branch of a fork that began before the target, which is not in that branch. A branch of a
// dynamic fork is one task and goes by its fork's definition.
static bool is_beside(const struct task *target, const struct task *task, struct task **forks) {
    const struct definition *definition = target->workflow->definition;
    uint32_t at = task->row.own_blob != 0 ? task->definition->index : task->definition->parent;
    while (at != DEFINITION_NONE) {
        bool began = forks[at] != NULL && is_around(forks[at], task);
        if (began && definition->tasks[at].type == TASK_TYPE_FORK_JOIN_DYNAMIC) {
            return true; // its own newer attempts are another matter
        }
        if (began && branch_of(definition, at, target->definition) !=
                         branch_of(definition, at, task->definition)) {
            return true;
        }
        at = definition->tasks[at].parent;
    }
    return false;
}

// The branch of the fork that the task is in, however deep; DEFINITION_NONE: not in it.
static uint32_t
branch_of(const struct definition *definition, uint32_t fork, const struct definition_task *task) {
    while (task->parent != fork) {
        if (task->parent == DEFINITION_NONE) {
            return DEFINITION_NONE;
        }
        task = &definition->tasks[task->parent];
    }
    for (uint32_t branch = 0; branch < definition->tasks[fork].branch_count; branch++) {
        uint32_t at = definition->tasks[fork].branches[branch];
        while (at != DEFINITION_NONE && at != task->index) {
            at = definition->tasks[at].next;
        }
        if (at == task->index) {
            return branch;
        }
    }
    return DEFINITION_NONE;
}

static err begin_target(struct task *target, bytes input) {
    if (input.data != NULL && !task_set_input(target, input)) {
        return err_make(ERR_TOO_LARGE, "the task's input is too large");
    }
    if (maps_again(target->definition->type)) {
        return map_target(target);
    }
    const struct task_kind *kind = task_kind_of(target->definition->type);
    if (!task_is_terminal(target)) {
        return ERR_NONE;
    }
    if (kind->look != NULL && kind->begin == NULL) {
        task_reopen(target, API_TASK_IN_PROGRESS);
        lifecycle_clear(target);
        target->row.start_ms = target->workflow->decision->now.ms;
        timer_arm(target);
        return ERR_NONE;
    }
    target->row.wait_ms = 0;
    return lifecycle_begin_again(target);
}

static bool maps_again(enum definition_task_type type) {
    return type == TASK_TYPE_SWITCH || type == TASK_TYPE_DECISION || type == TASK_TYPE_FORK_JOIN ||
           type == TASK_TYPE_FORK_JOIN_DYNAMIC;
}

// The old row goes, the new one takes its id, attempt and place in the list.
static err map_target(struct task *target) {
    struct workflow *workflow = target->workflow;
    struct task_row old = target->row;
    struct schedule schedule = {.workflow = workflow, .scope = schedule_scope_of(target)};
    if ((old.flags & TASK_LONG_NAMES) == 0) {
        workflow->row.flags &= ~(uint32_t)WORKFLOW_HAS_FORKED; // its branches keep their names
    }
    uint32_t next_seq = workflow->row.next_seq;
    bool is_last = next_seq == old.seq + 1;
    TRY(task_remove(target));
    TRY(task_kind_of(target->definition->type)->map(&schedule, target->definition));
    if (workflow->ending.wanted) {
        return ERR_NONE;
    }
    struct task *task = schedule.items[0];
    task->row.id = old.id;
    task->row.retry_count = old.retry_count;
    task->row.retried_task = old.retried_task;
    task->row.iteration = old.iteration;
    workflow->row.next_seq = is_last ? old.seq : next_seq;
    return decider_admit(&schedule);
}

// engine.md §5.7 b 4.
static err open_again(struct task *task) {
    const struct task_kind *kind = task_kind_of(task->definition->type);
    if (kind->look != NULL) {
        task_reopen(task, API_TASK_IN_PROGRESS);
        task_set_reason(task, BYTES_EMPTY);
        timer_arm(task);
        return ERR_NONE;
    }
    if (maps_again(task->definition->type) && !fork_has_more(task)) {
        return ERR_NONE;
    }
    return lifecycle_begin_again(task);
}

// Whether the task is of the target's iteration, or of one that the target's is part of.
static bool is_around(const struct task *task, const struct task *target) {
    bytes outer = task_suffix(task);
    bytes inner = task_suffix(target);
    return bytes_starts_with(inner, outer) &&
           (inner.size == outer.size || inner.data[outer.size] == '_');
}

// The iteration of the loop that the target is in, from its reference: a loop inside another counts
// its own iterations in its row. 0: the loop is not around it.
static uint32_t iteration_in(const struct task *target, uint32_t loop) {
    const struct definition *definition = target->workflow->definition;
    uint32_t at = definition->tasks[target->definition->index].loop;
    bytes suffix = task_suffix(target); // `__<iteration>` for each loop, the innermost last
    while (suffix.size > 0 && at != DEFINITION_NONE) {
        size_t digits = suffix.size;
        while (suffix.data[digits - 1] != '_') {
            digits--;
        }
        int64_t iteration = 0;
        if (at == loop && bytes_parse_i64(bytes_slice(suffix, digits, suffix.size), &iteration)) {
            return (uint32_t)iteration;
        }
        at = definition->tasks[at].loop;
        suffix = bytes_slice(suffix, 0, digits - 2);
    }
    return 0;
}

// What stands at `waits` around the target waits for it again.
static err open_at(struct task *target, struct task **tasks, uint32_t count, uint32_t waits) {
    for (uint32_t i = 0; i < count && waits != DEFINITION_NONE; i++) {
        struct task *task = tasks[i];
        if (task->removed || task->definition->index != waits || !is_around(task, target) ||
            (task->row.flags & TASK_RETRIED) != 0) {
            continue;
        }
        if (task_is_terminal(task)) {
            task_reopen(task, API_TASK_IN_PROGRESS);
            task_set_reason(task, BYTES_EMPTY);
            timer_arm(task);
        }
        uint32_t iteration = iteration_in(target, waits);
        if (iteration != 0 && task->row.iteration > iteration) {
            TRY(do_while_rewind(task, iteration));
        }
    }
    return ERR_NONE;
}

// The JOINs behind the forks around the target, and the loops around it, wait for it again.
static err open_around(struct task *target, struct task **tasks, uint32_t count) {
    const struct definition *definition = target->workflow->definition;
    const struct definition_task *own = &definition->tasks[target->definition->index];
    if (target->row.own_blob != 0 && own->type == TASK_TYPE_FORK_JOIN_DYNAMIC) {
        TRY(open_at(target, tasks, count, own->next)); // a branch goes by its fork's definition
    }
    uint32_t at = target->definition->parent;
    while (at != DEFINITION_NONE) {
        const struct definition_task *around = &definition->tasks[at];
        if (around->type == TASK_TYPE_DO_WHILE) {
            TRY(open_at(target, tasks, count, at));
        } else if (around->type == TASK_TYPE_FORK_JOIN) {
            TRY(open_at(target, tasks, count, around->next));
        }
        at = around->parent;
    }
    return ERR_NONE;
}
