// Calls and runs have numbers of their own, above all that the front door gives: bit 62 is set.
#include "node/core/forward.h"
#include "node/core/forward_internal.h"
#include "node/core/long_answer.h"
#include "node/core/node_internal.h"
#include "node/core/wait.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const uint64_t RUN_BIT = (uint64_t)1 << 62;
static const int64_t NS_PER_MS = 1000000;

// --- memory
// ----------------------------------------------------------------------------------------------

// A call's number together with the node that gave it.
static uint64_t forward_key(node_id origin, uint64_t forward) {
    return (uint64_t)origin << 48 ^ forward;
}

static struct run *
run_create(struct node *node, node_id origin, uint64_t forward, bool takes_parts) {
    struct run *run = calloc(1, sizeof(*run));
    check(run != NULL);
    run->id = ++node->run_count | RUN_BIT;
    run->origin = origin;
    run->call = forward;
    run->takes_parts = takes_parts;
    run->next = node->runs;
    if (run->next != NULL) {
        run->next->previous = run;
    }
    node->runs = run;
    table_put(&node->run_table, run->id, run);
    table_put(&node->run_of_forward, forward_key(origin, forward), run);
    return run;
}

static void run_destroy(struct node *node, struct run *run) {
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        node->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
    (void)table_take(&node->run_table, run->id);
    (void)table_take(&node->run_of_forward, forward_key(run->origin, run->call));
    outgoing_destroy(node, run);
    free(run);
}

// Who asked is not there any more: nothing of it is wanted.
static void request_gone(struct node *node, uint64_t id) {
    if (!long_answer_gone(node, id) && !wait_gone(node, id)) {
        poll_gone(node, id);
    }
}

static void run_gone(struct node *node, struct run *run) {
    uint64_t id = run->id;
    bool answered = run->answered;
    run_destroy(node, run);
    if (answered) {
        poll_delivered(node, id); // perhaps they were: the lease decides
    } else {
        request_gone(node, id);
    }
}

uint64_t run_begin(struct node *node, node_id origin, uint64_t call, bool takes_parts) {
    return run_create(node, origin, call, takes_parts)->id;
}

void runs_destroy(struct node *node) {
    while (node->runs != NULL) {
        run_destroy(node, node->runs);
    }
}

// --- runs
// --------------------------------------------------------------------------------------------------

bool forward_is_run(uint64_t request_id) {
    return (request_id & RUN_BIT) != 0;
}

void forward_run(struct node *node, node_id from, const struct peer_forward *forward) {
    size_t count = forward->parameters.count / 2;
    struct api_parameter *parameters = ARENA_ARRAY(node->arena, struct api_parameter, count + 1);
    for (size_t i = 0; i < count; i++) {
        parameters[i].name = forward->parameters.items[2 * i];
        parameters[i].value = forward->parameters.items[2 * i + 1];
    }
    struct node_request request = {
        .method = forward->method,
        .segments = forward->segments.items,
        .segment_count = forward->segments.count,
        .parameters = {.items = parameters, .count = count},
        .body = forward->body,
        .chosen_id = forward->chosen_id,
        .aim = forward->aim,
        .scoped = forward->scoped,
        .groups = forward->groups.items,
        .group_count = forward->groups.count,
        .from = from,
    };
    uint64_t run = run_begin(node, from, forward->call, forward->parts);
    node_request(node, run, &request);
}

// What a link cannot carry is said in words instead.
static void too_large_tell(struct node *node, const struct run *run, size_t size) {
    struct api_error error = {
        .status = 500,
        .message = bytes_from_text(arena_format(
            node->arena,
            "the answer has %zu bytes, more than one node passes on to another (%d): ask node %u, "
            "which leads its partition now",
            size,
            (int)LIMIT_PEER_BODY_BYTES,
            node->self
        )),
        .instance = node->host,
    };
    struct buffer body;
    buffer_init(&body, LIMIT_PEER_BODY_BYTES);
    struct json_writer writer = json_writer(&body);
    api_write_error(&error, &writer);
    struct peer_answer said = {
        .call = run->call,
        .outcome = PEER_ANSWERED,
        .status = error.status,
        .reply_kind = REPLY_JSON,
        .body = buffer_bytes(&body),
    };
    node_send(node, run->origin, LINK_BULK, PEER_ANSWER, &peer_answer_record, &said);
    buffer_deinit(&body);
}

static void run_tell(struct node *node, const struct run *run, const struct peer_answer *answer) {
    if (run->origin != node->self && answer->body.size > LIMIT_PEER_BODY_BYTES) {
        too_large_tell(node, run, answer->body.size);
        struct run *kept = table_get(&node->run_table, run->id);
        if (kept != NULL) { // with tasks, and nobody gets them
            uint64_t id = kept->id;
            run_destroy(node, kept);
            poll_gone(node, id);
        }
    } else if (run->origin == node->self) {
        forward_answered(node, node->self, answer);
    } else {
        node_send(node, run->origin, LINK_BULK, PEER_ANSWER, &peer_answer_record, answer);
    }
}

void forward_run_answered(struct node *node, const struct node_effect *effect) {
    struct run *run = table_get(&node->run_table, effect->request_id);
    if (run == NULL) {
        if (effect->with_tasks) {
            poll_gone(node, effect->request_id); // the gateway went: nobody got them
        }
        return;
    }
    struct peer_answer answer = {
        .call = run->call,
        .outcome = PEER_ANSWERED,
        .status = effect->status,
        .reply_kind = (uint8_t)effect->reply_kind,
        .retry_after = effect->retry_after,
        .with_tasks = effect->with_tasks,
        .old_definitions = effect->old_definitions,
        .more = effect->more,
        .total = effect->total,
        .body = effect->body,
    };
    bool whole = run->origin == node->self || (!effect->more && !run->takes_parts);
    run->answered = effect->with_tasks;
    if (!whole && (effect->more || effect->body.size > LIMIT_PEER_WHOLE_BYTES)) {
        outgoing_begin(node, run, &answer);
    } else if (effect->with_tasks || effect->more) {
        run_tell(node, run, &answer);
    } else {
        struct run told = *run;
        run_destroy(node, run);
        run_tell(node, &told, &answer);
    }
}

// --- answers in parts
// ----------------------------------------------------------------------------------

void forward_run_part(struct node *node, const struct node_effect *effect) {
    struct run *run = table_get(&node->run_table, effect->request_id);
    if (run == NULL) {
        return;
    }
    if (run->origin == node->self) {
        struct peer_part part = {
            .call = run->call,
            .body = effect->body,
            .last = !effect->more,
            .broken = effect->broken,
        };
        forward_part(node, node->self, &part);
    } else if (outgoing_add(node, run, effect)) {
        uint64_t id = run->id;
        struct peer_answer whole = outgoing_whole(run);
        run_tell(node, run, &whole);
        run = table_get(&node->run_table, id);
        if (run != NULL) { // what is too large to be told ended it
            run_destroy(node, run);
        }
    }
}

void forward_run_wanted(struct node *node, node_id from, const struct peer_want *want) {
    struct run *run = table_get(&node->run_of_forward, forward_key(from, want->call));
    if (run == NULL) {
        if (!want->over && from != node->self) { // it was given up here
            struct peer_part gone = {.call = want->call, .number = want->number, .broken = true};
            node_send(node, from, LINK_BULK, PEER_PART, &peer_part_record, &gone);
        }
    } else if (want->over) {
        if (run->answered) {
            outgoing_destroy(node, run); // its tasks are still to be delivered
        } else {
            run_destroy(node, run);
        }
    } else if (run->outgoing != NULL) {
        outgoing_wanted(node, run, want);
    } else {
        run_source_taken(node, run);
    }
}

void runs_look(struct node *node) {
    if (node->outgoing_count == 0 ||
        node->mono.ns - node->outgoing_looked.ns < LIMIT_PART_LATER_MS * NS_PER_MS) {
        return;
    }
    node->outgoing_looked = node->mono;
    struct run *next = NULL;
    for (struct run *run = node->runs; run != NULL; run = next) {
        next = run->next;
        if (outgoing_is_silent(node, run)) {
            run_gone(node, run);
        }
    }
}

// --- ends
// ----------------------------------------------------------------------------------------------

static void run_end(struct node *node, uint64_t run_id, const struct peer_answer *answer) {
    struct run *run = table_get(&node->run_table, run_id);
    if (run != NULL) {
        struct run told = *run;
        run_destroy(node, run);
        struct peer_answer said = *answer;
        said.call = told.call;
        run_tell(node, &told, &said);
    }
}

void forward_run_lost(struct node *node, uint64_t run_id) {
    run_end(node, run_id, &(struct peer_answer){.outcome = PEER_UNKNOWN});
}

void forward_run_refuse(struct node *node, uint64_t run_id, group_id group) {
    struct peer_answer answer = {
        .outcome = PEER_NOT_LEADER,
        .leader = raft_leader(node->raft, group),
    };
    run_end(node, run_id, &answer);
}

void forward_told(struct node *node, node_id from, const struct peer_delivery *delivery) {
    struct run *run = table_get(&node->run_of_forward, forward_key(from, delivery->call));
    if (run == NULL) {
        return;
    }
    uint64_t id = run->id;
    run_destroy(node, run);
    if (!delivery->gone && !mutant_is("delivered_is_gone")) {
        poll_delivered(node, id);
    } else {
        request_gone(node, id);
    }
}

void runs_peer_down(struct node *node, node_id peer) {
    struct run *next_run = NULL;
    for (struct run *run = node->runs; run != NULL; run = next_run) {
        next_run = run->next;
        if (run->origin != peer) {
            continue;
        }
        uint64_t id = run->id;
        bool answered = run->answered;
        run_destroy(node, run);
        if (answered && !mutant_is("answered_is_undelivered")) {
            poll_delivered(node, id); // perhaps it was: the lease decides
        } else {
            request_gone(node, id);
        }
    }
}
