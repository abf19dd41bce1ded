// The reference walks all tasks at each turn; here a turn – a *generation* – is the list of tasks
// that became terminal since the last one, in the order of their numbers, and costs what they cost:
//
//   1. follow up each: retry, or give up, or count it as settled and map its successors
//   2. admit what was mapped: numbers, rows, queues
//   3. begin what the server runs itself, in order; what ends is the next generation
//   4. look at the JOINs and loops that were waiting for what settled
//
// A loop that goes on maps its next iteration in 4, so 2 and 3 follow once more. A script that has
// to be run first gives the decision up (decision.h); what else of the generation wants one asks
// for it before that.
//
// Generations are the passes of the reference's loop: numbers of tasks come out in its order, and
// so does the `executed` flag, which it does not write for the pass that completes the workflow
// (Q1). Nothing open and nothing pending is the end: every branch of the flow was followed to a
// task without successor.
#include "scheduler/decider.h"

#include "proto/limits.h"
#include "scheduler/closing.h"
#include "scheduler/ending.h"
#include "scheduler/lifecycle.h"
#include "scheduler/queue.h"
#include "scheduler/retry.h"
#include "scheduler/schedule.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

#include <stdlib.h>
#include <string.h>

struct generation {
    struct workflow *workflow;
    struct task **tasks; // followed up in this turn
    uint32_t count;
    struct schedule schedule;
    struct task **joins; // JOINs and loops to look at, in the order in which they came up
    uint32_t join_count;
    uint32_t join_capacity;
    uint32_t begun; // tasks of the schedule that were begun
};

static err begin_flow(struct workflow *workflow);
static err expand_fork(struct workflow *workflow);
static err turn(struct workflow *workflow);
static err go_on(struct generation *generation);
static err take_pending(struct generation *generation);
static err follow_up(struct generation *generation, struct task *task);
static err settle(struct generation *generation, struct task *task);
static err expand(struct generation *generation, struct task *task);
static err admit(struct generation *generation);
static err begin(struct generation *generation);
static err look_at_joins(struct generation *generation);
static void add_join(struct generation *generation, struct task *join);
static void mark_executed(struct generation *generation);
static void forget_retries(struct generation *generation);

err decider_run(struct workflow *workflow) {
    if (closing_is_due(workflow)) {
        return closing_go_on(workflow);
    }
    while (!workflow_is_terminal(workflow)) {
        if (workflow->ending.wanted) {
            return ending_apply(workflow, true);
        }
        if (workflow_status(workflow) == API_WORKFLOW_PAUSED) {
            return ERR_NONE;
        }
        if ((workflow->row.flags &
             (WORKFLOW_WANTS_RETRY | WORKFLOW_WANTS_REVIVAL | WORKFLOW_WANTS_RERUN)) != 0) {
            if (workflow_is_over_bounds(workflow)) {
                timer_continue(workflow);
                return ERR_NONE;
            }
            TRY(lifecycle_go_on(workflow));
            continue;
        }
        if (workflow->row.next_seq == 1) {
            if (workflow->decision->evaluated.record_only) {
                timer_continue(workflow);
                return ERR_NONE;
            }
            TRY(begin_flow(workflow));
            continue;
        }
        if (workflow->row.pending.count == 0 && workflow->row.expanding.count == 0) {
            return workflow->row.open_count > 0 ? ERR_NONE : ending_complete(workflow);
        }
        if (workflow_is_over_bounds(workflow)) {
            timer_continue(workflow);
            return ERR_NONE;
        }
        TRY(workflow->row.pending.count > 0 ? turn(workflow) : expand_fork(workflow));
    }
    return ERR_NONE;
}

err decider_admit(struct schedule *schedule) {
    struct generation generation = {.workflow = schedule->workflow, .schedule = *schedule};
    return go_on(&generation);
}

static err begin_flow(struct workflow *workflow) {
    if (workflow->definition->first == DEFINITION_NONE) {
        workflow_want_end(
            workflow, API_WORKFLOW_COMPLETED, BYTES_LITERAL("No tasks found to be executed"), NULL
        );
        return ERR_NONE;
    }
    struct generation generation = {.workflow = workflow, .schedule = {.workflow = workflow}};
    TRY(schedule_map(
        &generation.schedule, &workflow->definition->tasks[workflow->definition->first]
    ));
    if (workflow->ending.wanted) {
        return ERR_NONE;
    }
    return go_on(&generation);
}

// The next branches of the first fork that has any left.
static err expand_fork(struct workflow *workflow) {
    struct generation generation = {.workflow = workflow, .schedule = {.workflow = workflow}};
    struct task *fork = NULL;
    TRY(task_load(workflow, workflow->row.expanding.items[0], &fork));
    generation.schedule.scope = schedule_scope_of(fork);
    TRY(task_kind_of(fork->definition->type)->expand(&generation.schedule, fork));
    if (workflow->ending.wanted) {
        return ERR_NONE;
    }
    TRY(go_on(&generation));
    workflow_save_now_and_then(workflow);
    return ERR_NONE;
}

static err turn(struct workflow *workflow) {
    struct generation generation = {.workflow = workflow, .schedule = {.workflow = workflow}};
    TRY(take_pending(&generation));
    err suspended = ERR_NONE;
    for (uint32_t i = 0; i < generation.count && !workflow->ending.wanted; i++) {
        err error = follow_up(&generation, generation.tasks[i]);
        if (error.code != ERR_SUSPENDED) {
            TRY(error);
        } else {
            suspended = error;
        }
    }
    TRY(suspended);
    if (workflow->ending.wanted) {
        forget_retries(&generation);
        if (workflow->ending.by_terminate_task &&
            workflow->ending.status != API_WORKFLOW_COMPLETED) {
            mark_executed(&generation);
        }
        return ERR_NONE;
    }
    TRY(go_on(&generation));
    if (workflow->row.open_count > 0 || workflow->row.pending.count > 0) {
        mark_executed(&generation);
    }
    workflow_save_now_and_then(workflow);
    return ERR_NONE;
}

static int by_number(const void *left, const void *right) {
    const uint32_t *a = left;
    const uint32_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

// No more than a decision may handle: what completed while a workflow was PAUSED may be more.
static err take_pending(struct generation *generation) {
    struct workflow *workflow = generation->workflow;
    struct wire_u32_list *pending = &workflow->row.pending;
    if (pending->count > 1) {
        qsort(pending->items, pending->count, sizeof pending->items[0], by_number);
    }
    uint32_t most = workflow_tasks_max(workflow);
    uint32_t count = pending->count < most ? pending->count : most;
    generation->count = count;
    generation->tasks = ARENA_ARRAY(workflow->decision->arena, struct task *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        TRY(task_load(workflow, pending->items[i], &generation->tasks[i]));
    }
    pending->count -= count;
    memmove(pending->items, pending->items + count, pending->count * sizeof pending->items[0]);
    workflow->handled_count += count;
    workflow->dirty = true;
    return ERR_NONE;
}

// Steps 2 to 4 of the design note.
static err go_on(struct generation *generation) {
    struct workflow *workflow = generation->workflow;
    workflow->schedule = &generation->schedule;
    err error = ERR_NONE;
    while (!err_is(error) && !workflow->ending.wanted &&
           (generation->begun < generation->schedule.count || generation->join_count > 0)) {
        error = admit(generation);
        if (!err_is(error)) {
            error = begin(generation);
        }
        if (!err_is(error) && !workflow->ending.wanted) {
            error = look_at_joins(generation);
        }
    }
    workflow->schedule = NULL;
    return error;
}

static err follow_up(struct generation *generation, struct task *task) {
    struct workflow *workflow = generation->workflow;
    generation->schedule.scope = schedule_scope_of(task);
    if (task->definition->type == TASK_TYPE_TERMINATE && task->row.status == API_TASK_COMPLETED) {
        terminate_want_end(task);
        return ERR_NONE;
    }
    if (!task_is_successful(task)) {
        bool retried = false;
        TRY(retry_settle(&generation->schedule, task, &retried));
        if (retried || workflow->ending.wanted) {
            return ERR_NONE;
        }
    }
    TRY(settle(generation, task));
    TRY(expand(generation, task));
    struct task *loop = NULL;
    TRY(do_while_of(task, &loop));
    if (loop != NULL && !task_is_terminal(loop)) {
        add_join(generation, loop);
    }
    return ERR_NONE;
}

// The JOINs that name this task learn that it is decided.
static err settle(struct generation *generation, struct task *task) {
    const struct definition_task *definition = task->definition;
    for (uint32_t i = 0; i < definition->joined_by_count; i++) {
        bool seen = false;
        for (uint32_t before = 0; before < i; before++) {
            seen = seen || definition->joined_by[before] == definition->joined_by[i];
        }
        if (seen) {
            continue;
        }
        struct workflow *workflow = generation->workflow;
        const struct definition_task *waiting =
            &workflow->definition->tasks[definition->joined_by[i]];
        if (waiting->loop != definition->loop) {
            continue; // it names a reference without suffix, which no task will have
        }
        bytes reference = schedule_reference(&generation->schedule, waiting);
        struct task *join = NULL;
        TRY(join_note(workflow, reference, task, &join));
        if (join != NULL) {
            add_join(generation, join);
        }
    }
    return ERR_NONE;
}

// engine.md §2.7
static err expand(struct generation *generation, struct task *task) {
    const struct definition *definition = generation->workflow->definition;
    if ((task->row.flags & TASK_HAS_CHILDREN) != 0) {
        return ERR_NONE;
    }
    uint32_t next = task->definition->successor;
    while (next != DEFINITION_NONE) {
        struct task *instance = NULL;
        bytes reference = schedule_reference(&generation->schedule, &definition->tasks[next]);
        TRY(task_newest(generation->workflow, reference, &instance, NULL));
        if (instance == NULL) {
            return schedule_map(&generation->schedule, &definition->tasks[next]);
        }
        if (instance->row.status != API_TASK_SKIPPED) {
            return ERR_NONE;
        }
        next = definition->tasks[next].successor;
    }
    return ERR_NONE;
}

static err admit(struct generation *generation) {
    struct workflow *workflow = generation->workflow;
    int64_t now_ms = workflow->decision->now.ms;
    for (uint32_t i = generation->begun; i < generation->schedule.count; i++) {
        struct task *task = generation->schedule.items[i];
        const struct task_kind *kind = task_kind_of(task->definition->type);
        if (kind->worker) {
            if (!task->keeps_domain) {
                TRY(queue_choose_domain(task));
            }
        } else if (task->row.start_ms == 0) {
            task->row.start_ms = now_ms;
        }
        TRY(task_admit(task));
    }
    return ERR_NONE;
}

static err begin(struct generation *generation) {
    struct workflow *workflow = generation->workflow;
    uint32_t count = generation->schedule.count;
    err suspended = ERR_NONE;
    while (generation->begun < count && !workflow->ending.wanted) {
        struct task *task = generation->schedule.items[generation->begun++];
        const struct task_kind *kind = task_kind_of(task->definition->type);
        if (task_is_terminal(task)) {
            continue;
        }
        if (kind->look != NULL) {
            add_join(generation, task);
        }
        if (kind->begin != NULL) {
            err error = kind->begin(task);
            if (error.code != ERR_SUSPENDED) {
                TRY(error);
            } else {
                suspended = error;
            }
        }
        timer_arm(task);
    }
    return suspended;
}

static err look_at_joins(struct generation *generation) {
    err suspended = ERR_NONE;
    for (uint32_t i = 0; i < generation->join_count; i++) {
        struct task *task = generation->joins[i];
        err error =
            task_is_terminal(task) ? ERR_NONE : task_kind_of(task->definition->type)->look(task);
        if (error.code != ERR_SUSPENDED) {
            TRY(error);
        } else {
            suspended = error;
        }
    }
    generation->join_count = 0;
    return suspended;
}

static void add_join(struct generation *generation, struct task *join) {
    for (uint32_t i = 0; i < generation->join_count; i++) {
        if (generation->joins[i] == join) {
            return;
        }
    }
    if (generation->join_count == generation->join_capacity) {
        uint32_t capacity = generation->join_capacity == 0 ? 4 : generation->join_capacity * 2;
        struct task **joins =
            ARENA_ARRAY(generation->workflow->decision->arena, struct task *, capacity);
        if (generation->join_count > 0) {
            memcpy(joins, generation->joins, generation->join_count * sizeof(struct task *));
        }
        generation->joins = joins;
        generation->join_capacity = capacity;
    }
    generation->joins[generation->join_count++] = join;
}

static void mark_executed(struct generation *generation) {
    for (uint32_t i = 0; i < generation->count; i++) {
        struct task *task = generation->tasks[i];
        if ((task->row.flags & TASK_RETRIED) == 0) {
            task->row.flags |= TASK_EXECUTED;
            task->dirty = true;
        }
    }
}

// The workflow ends before the attempts that were mapped in this generation exist.
static void forget_retries(struct generation *generation) {
    for (uint32_t i = 0; i < generation->count; i++) {
        generation->tasks[i]->row.flags &= ~(uint32_t)TASK_RETRIED;
    }
}
