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

enum stage {
    STAGE_DROP, // from the newest task on: an attempt goes before the one it replaced
    STAGE_NOTE, // what is the newest of a loop's tasks now
    STAGE_BEGIN,
    STAGE_OPEN,
};

static err drop_some(struct task *target);
static err drop(struct task *target, struct task *task, struct task **forks);
static err note_some(struct workflow *workflow);
static err begin(struct task *target);
static err open_some(struct task *target);
static err finish(struct task *target);
static err find_forks(const struct task *target, struct task ***out_forks);
static bool is_beside(const struct task *target, const struct task *task, struct task **forks);
static uint32_t
branch_of(const struct definition *definition, uint32_t fork, const struct definition_task *task);
static bool is_child_done(const struct task *target);
static err begin_target(struct task *target);
static bool maps_again(enum definition_task_type type);
static err map_target(struct task *target);
static err open_again(struct task *task);
static bool is_around(const struct task *task, const struct task *target);
static bool waits_for(const struct task *task, const struct task *target);
static err rewind_to(const struct task *target, struct task *loop);

err rerun_begin(struct task *target, bytes input) {
    struct workflow *workflow = target->workflow;
    struct workflow_row *row = &workflow->row;
    if (input.data != NULL && !is_child_done(target) && !task_set_input(target, input)) {
        return err_make(ERR_TOO_LARGE, "the task's input is too large");
    }
    row->flags |= WORKFLOW_WANTS_RERUN;
    row->rerun_task = target->number;
    row->rerun_stage = STAGE_DROP;
    row->walk_until = row->first_task_no;
    row->walk_next = row->next_task_no; // and down
    row->next_seq = target->row.seq + 1;
    row->pending.count = 0;
    row->looks.count = 0;
    workflow->dirty = true;
    return ERR_NONE;
}

err rerun_go_on(struct workflow *workflow) {
    struct task *target = NULL;
    TRY(task_load(workflow, workflow->row.rerun_task, &target));
    workflow->dirty = true;
    switch ((enum stage)workflow->row.rerun_stage) {
    case STAGE_DROP:
        TRY(drop_some(target));
        break;
    case STAGE_NOTE:
        TRY(note_some(workflow));
        break;
    case STAGE_BEGIN:
        TRY(begin(target));
        break;
    case STAGE_OPEN:
    default:
        TRY(open_some(target));
        break;
    }
    workflow_save_now_and_then(workflow);
    return ERR_NONE;
}

static uint32_t slice_of(const struct workflow *workflow) {
    uint32_t most = workflow_tasks_max(workflow);
    return most < LIMIT_WALK_SLICE ? most : LIMIT_WALK_SLICE;
}

static bool has_loops(const struct workflow *workflow) {
    bool has = false;
    for (uint32_t i = 0; i < workflow->definition->task_count && !has; i++) {
        has = workflow->definition->tasks[i].type == TASK_TYPE_DO_WHILE;
    }
    return has;
}

// The next step is one of `stage`, which goes through the tasks from the first on.
static void stage_begin(struct workflow *workflow, enum stage stage) {
    workflow->row.rerun_stage = (uint8_t)stage;
    workflow->row.walk_next = workflow->row.first_task_no;
}

// --- what came after it --------------------------------------------------------------------------

static err drop_some(struct task *target) {
    struct workflow *workflow = target->workflow;
    struct workflow_row *row = &workflow->row;
    struct task **forks = NULL;
    TRY(find_forks(target, &forks));
    for (uint32_t i = slice_of(workflow); i > 0 && row->walk_next > row->walk_until; i--) {
        struct task *task = NULL;
        TRY(task_find(workflow, --row->walk_next, &task));
        if (task != NULL && task->row.seq > target->row.seq) {
            TRY(drop(target, task, forks));
        }
        workflow->handled_count += task != NULL;
    }
    bool cut_off = mutant_is("rerun_ends_with_its_slice");
    if (row->walk_next == row->walk_until || cut_off) {
        row->walk_until = row->next_task_no;
        stage_begin(workflow, has_loops(workflow) ? STAGE_NOTE : STAGE_BEGIN);
    }
    return ERR_NONE;
}

static err drop(struct task *target, struct task *task, struct task **forks) {
    struct workflow_row *row = &target->workflow->row;
    bool all_stay = target->definition->type == TASK_TYPE_SUB_WORKFLOW; // engine.md §5.7 b 3
    bool stays = all_stay || is_beside(target, task, forks);
    bool newer_attempt = bytes_equal(task->row.reference, target->row.reference);
    if ((stays && !newer_attempt) || mutant_is("rerun_keeps_what_follows")) {
        row->next_seq = task->row.seq >= row->next_seq ? task->row.seq + 1 : row->next_seq;
        return ERR_NONE;
    }
    return task_remove(task);
}

static err note_some(struct workflow *workflow) {
    struct workflow_row *row = &workflow->row;
    for (uint32_t i = slice_of(workflow); i > 0 && row->walk_next < row->walk_until; i--) {
        struct task *task = NULL;
        TRY(task_find(workflow, row->walk_next++, &task));
        if (task != NULL) {
            TRY(task_note_latest(task)); // of an earlier iteration, perhaps
        }
        workflow->handled_count += task != NULL;
    }
    if (row->walk_next == row->walk_until) {
        stage_begin(workflow, STAGE_BEGIN);
    }
    return ERR_NONE;
}

// The loops around a task, from itself outwards.
static uint32_t loop_depth(const struct definition *definition, uint32_t at) {
    uint32_t depth = 0;
    for (at = definition->tasks[at].loop; at != DEFINITION_NONE; at = definition->tasks[at].loop) {
        depth++;
    }
    return depth;
}

// The first `depth` iterations of a suffix; data NULL: it has fewer.
static bytes outer_suffix(bytes suffix, uint32_t depth) {
    size_t at = 0;
    for (uint32_t i = 0; i < depth; i++) {
        if (at + 2 >= suffix.size) {
            return BYTES_EMPTY;
        }
        at += 2;
        while (at < suffix.size && suffix.data[at] != '_') {
            at++;
        }
    }
    return bytes_of(suffix.data, at);
}

// The forks that had begun before the target, by their index in the definition; NULL: not begun.
// Those of other iterations than the target's have no part in it.
static err find_forks(const struct task *target, struct task ***out_forks) {
    struct workflow *workflow = target->workflow;
    const struct definition *definition = workflow->definition;
    struct arena *arena = workflow->decision->arena;
    struct task **forks = ARENA_ARRAY(arena, struct task *, definition->task_count);
    for (uint32_t i = 0; i < definition->task_count; i++) {
        forks[i] = NULL;
        enum definition_task_type type = definition->tasks[i].type;
        uint32_t depth = loop_depth(definition, i);
        bytes suffix = outer_suffix(task_suffix(target), depth);
        if ((type != TASK_TYPE_FORK_JOIN && type != TASK_TYPE_FORK_JOIN_DYNAMIC) ||
            (depth > 0 && suffix.size == 0)) {
            continue;
        }
        const char *reference = arena_format(
            arena,
            "%.*s%.*s",
            BYTES_ARG(definition->tasks[i].model.task_reference_name),
            BYTES_ARG(suffix)
        );
        struct task *fork = NULL;
        TRY(task_newest(workflow, bytes_from_text(reference), &fork, NULL));
        while (fork != NULL && fork->row.seq >= target->row.seq) {
            TRY(task_before(fork, &fork)); // an attempt that comes to go
        }
        forks[i] = fork;
    }
    *out_forks = forks;
    return ERR_NONE;
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

// --- the target ----------------------------------------------------------------------------------

static bool is_child_done(const struct task *target) {
    return target->definition->type == TASK_TYPE_SUB_WORKFLOW &&
           target->row.status == API_TASK_COMPLETED;
}

// What is dropped may have been the newest attempt of a task that stays.
static err begin(struct task *target) {
    struct workflow *workflow = target->workflow;
    stage_begin(workflow, STAGE_OPEN);
    if (is_child_done(target)) {
        target->row.flags &= ~(uint32_t)TASK_EXECUTED;
        target->dirty = true;
        return ERR_NONE;
    }
    return begin_target(target);
}

static err begin_target(struct task *target) {
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
    TRY(decider_admit(&schedule));
    workflow->row.rerun_task = task->number;
    return ERR_NONE;
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

// --- what else runs again ------------------------------------------------------------------------

// Whether the task is a JOIN behind a fork around the target, or a loop around it.
static bool waits_for(const struct task *task, const struct task *target) {
    const struct definition *definition = target->workflow->definition;
    const struct definition_task *own = &definition->tasks[target->definition->index];
    uint32_t wanted = task->definition->index;
    bool waits = target->row.own_blob != 0 && own->type == TASK_TYPE_FORK_JOIN_DYNAMIC &&
                 own->next == wanted; // a branch goes by its fork's definition
    uint32_t at = target->definition->parent;
    while (at != DEFINITION_NONE && !waits) {
        const struct definition_task *around = &definition->tasks[at];
        waits = (around->type == TASK_TYPE_DO_WHILE && at == wanted) ||
                (around->type == TASK_TYPE_FORK_JOIN && around->next == wanted);
        at = around->parent;
    }
    return waits && task != target && task->row.own_blob == 0 && is_around(task, target) &&
           (task->row.flags & TASK_RETRIED) == 0;
}

static err open_one(struct task *target, struct task *task) {
    if (task_is_terminal(task) && !task_is_successful(task) &&
        (task->row.flags & TASK_RETRIED) == 0) {
        TRY(open_again(task));
    }
    if (task_is_terminal(task) && waits_for(task, target)) {
        task_reopen(task, API_TASK_IN_PROGRESS);
        task_set_reason(task, BYTES_EMPTY);
        timer_arm(task);
    }
    lifecycle_take_note(task);
    return ERR_NONE;
}

static err open_some(struct task *target) {
    struct workflow *workflow = target->workflow;
    struct workflow_row *row = &workflow->row;
    if (row->walk_next == row->walk_until) {
        return finish(target);
    }
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(lifecycle_walk(workflow, &tasks, &count));
    for (uint32_t i = 0; i < count && !workflow->ending.wanted; i++) {
        TRY(open_one(target, tasks[i]));
    }
    return ERR_NONE;
}

// All runs again that is to: JOINs and loops look.
static err finish(struct task *target) {
    struct workflow *workflow = target->workflow;
    struct wire_u32_list looks = workflow->row.looks;
    workflow->row.flags &= ~(uint32_t)WORKFLOW_WANTS_RERUN;
    workflow->row.looks.count = 0;
    workflow->row.walk_next = 0;
    workflow->row.rerun_task = 0;
    if (task_kind_of(target->definition->type)->look != NULL && !task_is_terminal(target) &&
        !workflow_list_has(&looks, target->number)) {
        workflow_list_add(workflow, &looks, target->number); // mapped anew
    }
    for (uint32_t i = 0; i < looks.count && !workflow->ending.wanted; i++) {
        struct task *task = NULL;
        TRY(task_load(workflow, looks.items[i], &task));
        if (waits_for(task, target)) {
            TRY(rewind_to(target, task));
        }
    }
    for (uint32_t i = 0; i < looks.count && !workflow->ending.wanted; i++) {
        struct task *task = NULL;
        TRY(task_load(workflow, looks.items[i], &task));
        if (!task_is_terminal(task)) {
            TRY(task_kind_of(task->definition->type)->look(task));
        }
    }
    return ERR_NONE;
}

static err rewind_to(const struct task *target, struct task *loop) {
    uint32_t iteration = iteration_in(target, loop->definition->index);
    if (iteration != 0 && loop->row.iteration > iteration) {
        TRY(do_while_rewind(loop, iteration));
    }
    return ERR_NONE;
}
