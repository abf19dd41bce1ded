// A wait watches the executions its last look went through: the target and the open children below
// it, in other partitions perhaps. Any entry with a header of one of them makes it look again, at
// the end of the turn, on the newest state; the answer waits for the log like every other.
//
// Rejected: a condition kept per workflow row by row. A look costs a walk over the tasks, but only
// of executions somebody waits for, and waits are few.
#include "node/core/wait.h"

#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_MS = 1000000;

struct watch {
    id128 workflow;
    struct wait *wait;
    struct watch *next; // of the same execution
};

struct wait {
    uint64_t request_id;
    struct arena *kept; // texts of the wish
    struct wait_wish wish;
    mono_time deadline;
    struct watch *watches;
    size_t watch_count;
    bool touched;
    struct wait *next_touched;
    struct wait *previous;
    struct wait *next;
};

// --- looking
// --------------------------------------------------------------------------------------------

static err look(
    struct node *node,
    bytes workflow,
    enum wait_for wanted,
    const bytes *references,
    size_t reference_count,
    struct wait_found *found,
    int depth
) {
    struct decision decision;
    id128 id;
    if (!id_parse(workflow, &id) || found->watched_count == LIMIT_WAIT_WATCHED) {
        return depth == 0
                   ? err_make(
                         ERR_NOT_FOUND,
                         arena_format(
                             node->arena, "No such workflow found by id: %.*s", BYTES_ARG(workflow)
                         )
                     )
                   : ERR_NONE;
    }
    found->watched[found->watched_count++] = id;
    TRY(node_decision_look(node, decision_group_of(&node->settings, workflow), &decision));
    struct wait_look look_here = {0};
    err looked =
        look_for_wait(&decision, workflow, wanted, references, reference_count, &look_here);
    (void)node_decision_abort(node, &decision);
    if (looked.code == ERR_NOT_FOUND && depth > 0) {
        return ERR_NONE; // a child that has not begun
    }
    TRY(looked);
    if (depth == 0) {
        found->terminal = look_here.terminal;
        found->status = look_here.status;
    }
    for (size_t i = 0; i < look_here.step_count && found->task.size == 0; i++) {
        const struct wait_step *step = &look_here.steps[i];
        if (!step->is_child) {
            found->task = step->id;
            found->workflow = workflow;
        } else if (depth < LIMIT_WORKFLOW_DEPTH) {
            TRY(look(node, step->id, wanted, references, reference_count, found, depth + 1));
        }
    }
    return ERR_NONE;
}

err wait_look(
    struct node *node,
    bytes workflow,
    enum wait_for wanted,
    const bytes *references,
    size_t reference_count,
    struct wait_found *out_found
) {
    struct wait_found found = {.watched = ARENA_ARRAY(node->arena, id128, LIMIT_WAIT_WATCHED)};
    TRY(look(node, workflow, wanted, references, reference_count, &found, 0));
    *out_found = found;
    return ERR_NONE;
}

// --- answering
// -------------------------------------------------------------------------------------------

static bool is_strategy(bytes strategy, const char *name) {
    return bytes_equal_text(strategy, name);
}

bool wait_knows_strategy(bytes strategy) {
    return is_strategy(strategy, "TARGET_WORKFLOW") || is_strategy(strategy, "BLOCKING_WORKFLOW") ||
           is_strategy(strategy, "BLOCKING_TASK") || is_strategy(strategy, "BLOCKING_TASK_INPUT");
}

static void answer(
    struct node *node, const struct wait_wish *wish, const struct wait_found *found, bool timed_out
) {
    struct run_view run = {
        .response_type = wish->strategy,
        .target_id = wish->workflow,
        .target_status = found->status,
        .request_id = wish->request_name,
        .timed_out = timed_out,
    };
    bool blocked = found->task.size > 0;
    bool task_wanted = is_strategy(wish->strategy, "BLOCKING_TASK") ||
                       is_strategy(wish->strategy, "BLOCKING_TASK_INPUT");
    bytes shown = wish->workflow;
    if (blocked && task_wanted) {
        shown = found->task;
    } else if (blocked && is_strategy(wish->strategy, "BLOCKING_WORKFLOW")) {
        shown = found->workflow;
    }
    struct decision decision;
    err done = node_decision_look(node, decision_group_of(&node->settings, shown), &decision);
    struct reply reply = {0};
    if (!err_is(done)) {
        done = blocked && task_wanted ? get_task_run(&decision, shown, &run, &reply)
                                      : get_workflow_run(&decision, shown, &run, &reply);
        (void)node_decision_abort(node, &decision);
    }
    // What was looked at lies in several partitions.
    struct gate gate = GATE_ALL;
    if (err_is(done)) {
        node_answer_error(node, wish->request_id, done, gate);
    } else {
        node_answer(node, wish->request_id, &reply, gate);
    }
}

// --- who watches what
// ------------------------------------------------------------------------------------

static uint64_t watch_key(id128 workflow) {
    return hash_sip64(bytes_of(workflow.bytes, sizeof(workflow.bytes)));
}

static void watches_drop(struct node *node, struct wait *wait) {
    for (size_t i = 0; i < wait->watch_count; i++) {
        struct watch *watch = &wait->watches[i];
        uint64_t key = watch_key(watch->workflow);
        struct watch *first = table_take(&node->watches, key);
        struct watch **at = &first;
        while (*at != NULL && *at != watch) {
            at = &(*at)->next;
        }
        if (*at == watch) {
            *at = watch->next;
        }
        if (first != NULL) {
            table_put(&node->watches, key, first);
        }
    }
    free(wait->watches);
    wait->watches = NULL;
    wait->watch_count = 0;
}

static void watches_set(struct node *node, struct wait *wait, const struct wait_found *found) {
    watches_drop(node, wait);
    wait->watches = calloc(found->watched_count + 1, sizeof(*wait->watches));
    check(wait->watches != NULL);
    wait->watch_count = found->watched_count;
    for (size_t i = 0; i < found->watched_count; i++) {
        uint64_t key = watch_key(found->watched[i]);
        struct watch *watch = &wait->watches[i];
        *watch = (struct watch){
            .workflow = found->watched[i],
            .wait = wait,
            .next = table_take(&node->watches, key),
        };
        table_put(&node->watches, key, watch);
    }
}

void wait_touched(struct node *node, id128 workflow) {
    if (node->wait_count == 0) {
        return;
    }
    struct watch *watch = table_get(&node->watches, watch_key(workflow));
    for (; watch != NULL; watch = watch->next) {
        struct wait *wait = watch->wait;
        if (!wait->touched && id_equal(watch->workflow, workflow)) {
            wait->touched = true;
            wait->next_touched = node->waits_touched;
            node->waits_touched = wait;
        }
    }
}

// --- parking
// --------------------------------------------------------------------------------------------

static void wait_destroy(struct node *node, struct wait *wait) {
    watches_drop(node, wait);
    if (wait->touched) {
        struct wait **at = &node->waits_touched;
        while (*at != wait) {
            at = &(*at)->next_touched;
        }
        *at = wait->next_touched;
    }
    if (wait->previous != NULL) {
        wait->previous->next = wait->next;
    } else {
        node->waits = wait->next;
    }
    if (wait->next != NULL) {
        wait->next->previous = wait->previous;
    }
    node->wait_count--;
    (void)table_take(&node->wait_table, wait->request_id);
    arena_destroy(&wait->kept);
    free(wait);
}

static struct wait *wait_create(struct node *node, const struct wait_wish *wish) {
    struct wait *wait = calloc(1, sizeof(*wait));
    check(wait != NULL);
    wait->request_id = wish->request_id;
    wait->kept = arena_create(1024);
    wait->wish = *wish;
    wait->wish.workflow = arena_copy(wait->kept, wish->workflow);
    wait->wish.strategy = arena_copy(wait->kept, wish->strategy);
    wait->wish.request_name = arena_copy(wait->kept, wish->request_name);
    bytes *references = ARENA_ARRAY(wait->kept, bytes, wish->reference_count + 1);
    for (size_t i = 0; i < wish->reference_count; i++) {
        references[i] = arena_copy(wait->kept, wish->references[i]);
    }
    wait->wish.references = references;
    wait->deadline.ns = node->mono.ns + wish->timeout_ms * NS_PER_MS;
    wait->next = node->waits;
    if (wait->next != NULL) {
        wait->next->previous = wait;
    }
    node->waits = wait;
    node->wait_count++;
    table_put(&node->wait_table, wait->request_id, wait);
    return wait;
}

void wait_begin(struct node *node, const struct wait_wish *wish) {
    struct wait_found found;
    err looked = wait_look(
        node,
        wish->workflow,
        WAIT_FOR_BLOCKING_TASK,
        wish->references,
        wish->reference_count,
        &found
    );
    if (!err_is(looked) && node->wait_count == LIMIT_WAITS) {
        looked = err_make(ERR_UNAVAILABLE, "too many requests wait for executions");
    }
    if (err_is(looked)) {
        node_answer_error(node, wish->request_id, looked, GATE_ALL);
    } else if (found.terminal || found.task.size > 0) {
        answer(node, wish, &found, false);
    } else {
        watches_set(node, wait_create(node, wish), &found);
    }
}

static void look_again(struct node *node, struct wait *wait, bool timed_out) {
    const struct wait_wish *wish = &wait->wish;
    struct wait_found found;
    err looked = wait_look(
        node,
        wish->workflow,
        WAIT_FOR_BLOCKING_TASK,
        wish->references,
        wish->reference_count,
        &found
    );
    if (looked.code == ERR_UNAVAILABLE && !timed_out) {
        wait->touched = true;
        wait->next_touched = node->waits_touched;
        node->waits_touched = wait;
        node->more_to_do = true;
        return;
    }
    if (err_is(looked)) {
        node_answer_error(node, wait->request_id, looked, GATE_ALL);
        wait_destroy(node, wait);
        return;
    }
    bool satisfied = found.terminal || found.task.size > 0;
    if (satisfied || timed_out) {
        answer(node, wish, &found, !satisfied);
        wait_destroy(node, wait);
        return;
    }
    watches_set(node, wait, &found);
}

void wait_pump(struct node *node) {
    size_t rounds = node->wait_count; // a look makes no entry, so nothing is touched meanwhile
    for (size_t i = 0; i < rounds && node->waits_touched != NULL && !node->more_to_do; i++) {
        struct wait *wait = node->waits_touched;
        node->waits_touched = wait->next_touched;
        wait->touched = false;
        look_again(node, wait, false);
        arena_reset(node->arena);
    }
    struct wait *next = NULL;
    for (struct wait *wait = node->waits; wait != NULL; wait = next) {
        next = wait->next;
        if (wait->deadline.ns <= node->mono.ns) {
            look_again(node, wait, true);
            arena_reset(node->arena);
        }
    }
}

bool wait_next_deadline(const struct node *node, mono_time *out_deadline) {
    if (node->waits == NULL) {
        return false;
    }
    *out_deadline = node->waits->deadline;
    for (const struct wait *wait = node->waits; wait != NULL; wait = wait->next) {
        if (wait->deadline.ns < out_deadline->ns) {
            *out_deadline = wait->deadline;
        }
    }
    return true;
}

bool wait_gone(struct node *node, uint64_t request_id) {
    struct wait *wait = table_get(&node->wait_table, request_id);
    if (wait == NULL) {
        return false;
    }
    wait_destroy(node, wait);
    return true;
}

void wait_all_destroy(struct node *node) {
    while (node->waits != NULL) {
        wait_destroy(node, node->waits);
    }
}
