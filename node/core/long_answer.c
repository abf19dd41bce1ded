// A step is made on a turn of the clock and on nothing else: a loop that serves a crowd comes by
// here once for each of them, and a step for each would be the stall that all this is to avoid.
//
// Rejected: rendering ahead of the client. A piece takes less than the wire needs for it, and what
// is rendered ahead is memory for a reader that may never come.
#include "node/core/long_answer.h"

#include "node/core/forward.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/telling.h"

#include <stdlib.h>

struct long_answer {
    struct long_answer_wish wish;
    struct telling *telling;
    struct store_past *past;
    uint16_t status;
    enum reply_kind kind;
    bool begun;  // its first piece was made
    bool wanted; // the next one is waited for
    struct long_answer *previous;
    struct long_answer *next;
};

static void append(struct node *node, struct long_answer *answer) {
    answer->previous = node->long_answer_last;
    answer->next = NULL;
    if (answer->previous != NULL) {
        answer->previous->next = answer;
    } else {
        node->long_answers = answer;
    }
    node->long_answer_last = answer;
}

static void unlink_it(struct node *node, struct long_answer *answer) {
    if (answer->previous != NULL) {
        answer->previous->next = answer->next;
    } else {
        node->long_answers = answer->next;
    }
    if (answer->next != NULL) {
        answer->next->previous = answer->previous;
    } else {
        node->long_answer_last = answer->previous;
    }
}

static void end(struct node *node, struct long_answer *answer) {
    unlink_it(node, answer);
    (void)table_take(&node->long_answer_table, answer->wish.request_id);
    node->stats.long_answers--;
    store_past_end(&answer->past);
    telling_destroy(&answer->telling);
    free(answer);
}

void long_answers_destroy(struct node *node) {
    while (node->long_answers != NULL) {
        end(node, node->long_answers);
    }
}

void long_answer_begin(
    struct node *node, const struct long_answer_wish *wish, const struct reply *reply
) {
    struct telling *telling = reply->telling;
    if (node->stats.long_answers >= LIMIT_LONG_ANSWERS) {
        telling_destroy(&telling);
        err many = err_make(
            ERR_UNAVAILABLE, "too many large answers are on their way from this node; try again"
        );
        node_answer_error(node, wish->request_id, many, wish->gate);
        return;
    }
    struct long_answer *answer = calloc(1, sizeof(*answer));
    check(answer != NULL);
    answer->wish = *wish;
    answer->wish.gate.tenure = gates_tenure(node->gates, wish->group);
    answer->telling = telling;
    answer->status = reply->status;
    answer->kind = reply->kind;
    answer->wanted = true;
    size_t count = 0;
    struct store_scope *scopes = telling_scopes(telling, node->arena, &count);
    answer->past = store_past_begin(node->store, wish->group, scopes, count);
    append(node, answer);
    table_put(&node->long_answer_table, wish->request_id, answer);
    node->stats.long_answers++;
    node->stats.long_answers_begun++;
    node->more_to_do = true;
}

void long_answer_taken(struct node *node, uint64_t request_id) {
    struct long_answer *answer = table_get(&node->long_answer_table, request_id);
    if (answer != NULL && answer->begun) {
        answer->wanted = true;
    }
}

bool long_answer_gone(struct node *node, uint64_t request_id) {
    struct long_answer *answer = table_get(&node->long_answer_table, request_id);
    if (answer != NULL) {
        end(node, answer);
    }
    return answer != NULL;
}

// --- a step --------------------------------------------------------------------------------------

static void part_out(struct node *node, uint64_t request_id, bytes text, bool more, bool broken) {
    struct node_effect effect = {
        .kind = EFFECT_PART,
        .request_id = request_id,
        .more = more,
        .broken = broken,
        .body = node_effect_keep(text),
    };
    node_effect_out(node, &effect);
}

// It cannot be told to its end. Before its first piece it may be asked for again.
static void give_up(struct node *node, struct long_answer *answer, err error) {
    struct long_answer_wish wish = answer->wish;
    bool begun = answer->begun;
    end(node, answer);
    node->stats.long_answers_broken++;
    if (begun) {
        part_out(node, wish.request_id, BYTES_EMPTY, false, true);
    } else if (error.code == ERR_UNAVAILABLE && forward_is_run(wish.request_id)) {
        forward_run_lost(node, wish.request_id);
    } else {
        wish.gate.tenure = 0;
        node_answer_error(node, wish.request_id, error, wish.gate);
    }
}

static err step(struct node *node, struct long_answer *answer, struct buffer *text) {
    const struct long_answer_wish *wish = &answer->wish;
    bool led = wish->gate.tenure == gates_tenure(node->gates, wish->group);
    if (!answer->begun && !wish->stale && !led) {
        return err_make(ERR_UNAVAILABLE, "leadership of the partition moved; try again");
    }
    struct store_txn *txn = NULL;
    TRY(store_past_read(answer->past, &txn));
    struct decision decision = {
        .store = node->store,
        .txn = txn,
        .arena = node->arena,
        .now = wish->now,
        .random = &node->random,
        .definitions = node->definitions,
        .settings = &node->settings,
    };
    err told = telling_step(answer->telling, &decision, text);
    store_txn_abort(&txn);
    return told;
}

static void hand_out(struct node *node, struct long_answer *answer, bytes text) {
    bool more = !telling_is_over(answer->telling);
    uint64_t request_id = answer->wish.request_id;
    answer->wanted = false;
    if (answer->begun) {
        if (!more) {
            end(node, answer);
        }
        part_out(node, request_id, text, more, false);
        return;
    }
    answer->begun = true;
    check(more);
    struct reply reply = {.status = answer->status, .kind = answer->kind, .body = text};
    node_answer_first(
        node,
        request_id,
        &reply,
        answer->wish.gate,
        answer->wish.stale ? &answer->wish.age_ms : NULL
    );
}

static void go_on(struct node *node, struct long_answer *answer) {
    struct buffer text;
    buffer_init(&text, LIMIT_REPLY_BYTES);
    err told = step(node, answer, &text);
    arena_reset(node->arena);
    if (err_is(told)) {
        give_up(node, answer, told);
    } else if (text.size > 0) {
        hand_out(node, answer, buffer_bytes(&text));
    }
    buffer_deinit(&text);
}

static struct long_answer *first_wanted(const struct node *node) {
    struct long_answer *answer = node->long_answers;
    while (answer != NULL && !answer->wanted) {
        answer = answer->next;
    }
    return answer;
}

void long_answers_pump(struct node *node, bool tick) {
    struct long_answer *answer = first_wanted(node);
    if (answer == NULL) {
        return;
    }
    if (tick) {
        unlink_it(node, answer); // the others come first the next time
        append(node, answer);
        go_on(node, answer);
    }
    node->more_to_do = node->more_to_do || first_wanted(node) != NULL;
}
