// A wait watches the executions its last look went through: the target and the open children below
// it. Any entry with a header of one of them makes it look again, at the end of the turn, on the
// newest state; the answer waits for the log like every other. Of those in partitions led elsewhere
// it asks the leader to be told (look.h).
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
    bool late;          // its time is over; it waits for the last look
    mono_time look_at;  // when it looks again in any case; 0: when it is touched
    struct looks looks; // what it asked of other nodes
    bytes held;         // another node's question, and no wish
    struct watch *watches;
    size_t watch_count;
    bool touched;
    struct wait *next_touched;
    struct wait *previous;
    struct wait *next;
};

// --- looking
// --------------------------------------------------------------------------------------------

static err look_below(
    struct node *node,
    const struct look_asker *asker,
    struct look_question *question,
    struct wait_found *found,
    int depth
) {
    id128 id;
    bytes workflow = question->id;
    if (!id_parse(workflow, &id) || found->watched_count == LIMIT_WAIT_WATCHED) {
        return depth > 0
                   ? ERR_NONE
                   : err_make(
                         ERR_NOT_FOUND,
                         arena_format(
                             node->arena, "No such workflow found by id: %.*s", BYTES_ARG(workflow)
                         )
                     );
    }
    found->watched[found->watched_count++] = id;
    struct look_answer answer;
    err looked = look(node, asker, question, &answer);
    if (looked.code == ERR_NOT_FOUND && depth > 0) {
        return ERR_NONE; // a child that has not begun
    }
    TRY(looked);
    if (depth == 0) {
        found->terminal = answer.terminal;
        found->status = answer.status;
    }
    for (uint32_t i = 0; i < answer.steps.count && found->task.size == 0; i++) {
        if (answer.step_is_child.items[i] == 0) {
            found->task = answer.steps.items[i];
            found->workflow = workflow;
        } else if (depth < LIMIT_WORKFLOW_DEPTH) {
            question->id = answer.steps.items[i];
            TRY(look_below(node, asker, question, found, depth + 1));
        }
    }
    return ERR_NONE;
}

err wait_look(
    struct node *node,
    const struct look_asker *asker,
    const struct wait_wish *wish,
    enum wait_for wanted,
    struct wait_found *out_found
) {
    struct wait_found found = {.watched = ARENA_ARRAY(node->arena, id128, LIMIT_WAIT_WATCHED)};
    bytes *references = ARENA_ARRAY(node->arena, bytes, wish->reference_count + 1);
    for (size_t i = 0; i < wish->reference_count; i++) {
        references[i] = wish->references[i];
    }
    struct look_question question = {
        .kind = LOOK_WAIT,
        .id = wish->workflow,
        .wanted = (uint8_t)wanted,
        .references = {references, (uint32_t)wish->reference_count},
    };
    TRY(look_below(node, asker, &question, &found, 0));
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

// What is shown lies in one partition, what was looked at perhaps in several.
static err
view(struct node *node, struct wait *wait, const struct wait_found *found, bytes *out_view) {
    const struct wait_wish *wish = &wait->wish;
    bool blocked = found->task.size > 0;
    struct look_question question = {
        .kind = LOOK_SHOW_WORKFLOW,
        .id = wish->workflow,
        .response_type = wish->strategy,
        .target_id = wish->workflow,
        .target_status = found->status,
        .request_id = wish->request_name,
        .timed_out = !found->terminal && !blocked,
    };
    if (blocked && (is_strategy(wish->strategy, "BLOCKING_TASK") ||
                    is_strategy(wish->strategy, "BLOCKING_TASK_INPUT"))) {
        question.kind = LOOK_SHOW_TASK;
        question.id = found->task;
    } else if (blocked && is_strategy(wish->strategy, "BLOCKING_WORKFLOW")) {
        question.id = found->workflow;
    }
    struct look_answer answer;
    TRY(look(node, &(struct look_asker){.looks = &wait->looks}, &question, &answer));
    *out_view = answer.found;
    return ERR_NONE;
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

static void
watches_set(struct node *node, struct wait *wait, const id128 *watched, size_t watched_count) {
    watches_drop(node, wait);
    wait->watches = calloc(watched_count + 1, sizeof(*wait->watches));
    check(wait->watches != NULL);
    wait->watch_count = watched_count;
    for (size_t i = 0; i < watched_count; i++) {
        uint64_t key = watch_key(watched[i]);
        struct watch *watch = &wait->watches[i];
        *watch = (struct watch){
            .workflow = watched[i],
            .wait = wait,
            .next = table_take(&node->watches, key),
        };
        table_put(&node->watches, key, watch);
    }
}

static void touch(struct node *node, struct wait *wait) {
    if (!wait->touched) {
        wait->touched = true;
        wait->next_touched = node->waits_touched;
        node->waits_touched = wait;
    }
}

void wait_touched(struct node *node, id128 workflow) {
    if (node->wait_count == 0) {
        return;
    }
    struct watch *watch = table_get(&node->watches, watch_key(workflow));
    for (; watch != NULL; watch = watch->next) {
        struct wait *wait = watch->wait;
        if (id_equal(watch->workflow, workflow)) {
            touch(node, wait);
        }
    }
}

// --- parking
// --------------------------------------------------------------------------------------------

static void wait_destroy(struct node *node, struct wait *wait) {
    watches_drop(node, wait);
    looks_forget(node, &wait->looks);
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
    wait->looks = (struct looks){.owner = LOOK_OF_WAIT, .owner_id = wish->request_id};
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

static mono_time after_ms(const struct node *node, int64_t ms) {
    return (mono_time){node->mono.ns + ms * NS_PER_MS};
}

static void wait_fail(struct node *node, struct wait *wait, err error) {
    node_answer_error(node, wait->request_id, error, GATE_ALL);
    wait_destroy(node, wait);
}

// Nobody could be asked: again in a while, or no more.
static void look_later(struct node *node, struct wait *wait, err looked) {
    if (wait->late) {
        wait_fail(node, wait, looked);
    } else {
        wait->look_at = after_ms(node, LIMIT_LOOK_RETRY_MS);
    }
}

static void look_for_wish(struct node *node, struct wait *wait) {
    struct look_asker asker = {.looks = &wait->looks};
    struct wait_found found;
    bytes shown = BYTES_EMPTY;
    bool done = false;
    wait->look_at = (mono_time){0};
    if (wait->looks.unanswered == 0) {
        looks_round(node, &wait->looks);
    }
    err looked = wait_look(node, &asker, &wait->wish, WAIT_FOR_BLOCKING_TASK, &found);
    if (!err_is(looked)) {
        done = found.terminal || found.task.size > 0 || wait->late;
        looked = done ? view(node, wait, &found, &shown) : ERR_NONE;
    }
    if (looked.code == ERR_SUSPENDED) {
        return; // wait_looked comes
    }
    if (looked.code == ERR_UNAVAILABLE) {
        look_later(node, wait, looked);
    } else if (err_is(looked)) {
        wait_fail(node, wait, looked);
    } else if (done) {
        struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = shown};
        node_answer(node, wait->request_id, &reply, GATE_ALL);
        wait_destroy(node, wait);
    } else {
        watches_set(node, wait, found.watched, found.watched_count);
        looks_watch(node, &wait->looks);
    }
}

static void look_again(struct node *node, struct wait *wait) {
    if (wait->held.size == 0) {
        look_for_wish(node, wait);
    } else if (look_run_again(node, wait->request_id, wait->held, wait->late)) {
        wait_destroy(node, wait);
    }
}

void wait_begin(struct node *node, const struct wait_wish *wish) {
    if (node->wait_count == LIMIT_WAITS) {
        err many = err_make(ERR_UNAVAILABLE, "too many requests wait for executions");
        node_answer_error(node, wish->request_id, many, GATE_ALL);
        return;
    }
    look_again(node, wait_create(node, wish));
}

void wait_hold(struct node *node, uint64_t run_id, bytes question, bytes workflow) {
    struct wait_wish wish = {.request_id = run_id, .timeout_ms = LIMIT_LOOK_HOLD_MS};
    id128 id;
    if (!id_parse(workflow, &id) || node->wait_count == LIMIT_WAITS) {
        bool answered = look_run_again(node, run_id, question, true);
        check(answered);
        return;
    }
    struct wait *wait = wait_create(node, &wish);
    wait->held = arena_copy(wait->kept, question);
    watches_set(node, wait, &id, 1);
}

void wait_looked(struct node *node, uint64_t request_id) {
    struct wait *wait = table_get(&node->wait_table, request_id);
    if (wait != NULL) {
        touch(node, wait);
    }
}

void waits_ask_elsewhere(struct node *node) {
    for (struct wait *wait = node->waits; wait != NULL; wait = wait->next) {
        touch(node, wait);
    }
}

// It looks once more, with time to ask other nodes.
static void time_is_over(struct node *node, struct wait *wait) {
    if (wait->late) {
        wait_fail(node, wait, err_make(ERR_UNAVAILABLE, "other partitions did not answer in time"));
    } else {
        wait->late = true;
        wait->deadline = after_ms(node, LIMIT_FORWARD_MS);
        touch(node, wait);
    }
}

void wait_pump(struct node *node) {
    struct wait *next = NULL;
    for (struct wait *wait = node->waits; wait != NULL; wait = next) {
        next = wait->next;
        if (wait->deadline.ns <= node->mono.ns) {
            time_is_over(node, wait);
        } else if (wait->look_at.ns != 0 && wait->look_at.ns <= node->mono.ns) {
            touch(node, wait);
        }
    }
    size_t rounds = node->wait_count; // a look makes no entry, so nothing is touched meanwhile
    for (size_t i = 0; i < rounds && node->waits_touched != NULL && !node->more_to_do; i++) {
        struct wait *wait = node->waits_touched;
        node->waits_touched = wait->next_touched;
        wait->touched = false;
        look_again(node, wait);
        arena_reset(node->arena);
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
        if (wait->look_at.ns != 0 && wait->look_at.ns < out_deadline->ns) {
            *out_deadline = wait->look_at;
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
