// Rejected: a fast way for requests whose group is led here. It would spare a copy of the request
// and cost a second way to be lost on: an entry proposed here commits or not just like one that was
// proposed for another node, and the client should hear the same.
#include "node/core/forward.h"

#include "node/core/calls.h"
#include "node/core/forward_internal.h"
#include "node/core/gather.h"
#include "node/core/look.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

// Tasks that came with an answer for a client: the node that gave them waits to hear of them.
struct grant {
    node_id node;
    uint64_t call;
};

static void forward_send(struct node *node, struct forward *forward);

// --- memory
// ----------------------------------------------------------------------------------------------

static struct forward *forward_create(struct node *node, const struct forward_wish *wish) {
    struct forward *forward = calloc(1, sizeof(*forward));
    check(forward != NULL);
    forward->id = ++node->forward_count;
    forward->purpose = wish->purpose;
    forward->request_id = wish->request_id;
    forward->kept = arena_create(LIMIT_FORWARD_ARENA_BYTES);
    forward->request = request_copy(forward->kept, wish->request);
    forward->group = wish->group;
    forward->fixed = wish->node;
    forward->idempotent = wish->idempotent;
    forward->deadline.ns = node->mono.ns + wish->timeout_ms * NS_PER_MS;
    forward->gather = wish->gather;
    forward->next = node->forwards;
    if (forward->next != NULL) {
        forward->next->previous = forward;
    }
    node->forwards = forward;
    table_put(&node->forward_table, forward->id, forward);
    if (forward->purpose == FORWARD_REQUEST) {
        table_put(&node->forward_of_request, forward->request_id, forward);
    }
    return forward;
}

void forward_destroy(struct node *node, struct forward *forward) {
    incoming_free(forward);
    if (forward->previous != NULL) {
        forward->previous->next = forward->next;
    } else {
        node->forwards = forward->next;
    }
    if (forward->next != NULL) {
        forward->next->previous = forward->previous;
    }
    (void)table_take(&node->forward_table, forward->id);
    if (forward->purpose == FORWARD_REQUEST) {
        (void)table_take(&node->forward_of_request, forward->request_id);
    }
    arena_destroy(&forward->kept);
    free(forward);
}

void forward_all_destroy(struct node *node) {
    while (node->forwards != NULL) {
        forward_destroy(node, node->forwards);
    }
    runs_destroy(node);
    struct grant *grant = NULL;
    for (size_t i = 0; i < node->grants.capacity; i++) {
        grant = node->grants.slots[i].value;
        free(grant);
    }
}

// --- the end of a call
// -----------------------------------------------------------------------------------

static const char NOBODY[] =
    "no node leads this partition now (election, or no majority of its copies is reachable); "
    "nothing was done, try again";
static const char UNKNOWN[] =
    "leadership of the partition moved while the request was on its way; it may or may not have "
    "been done";

static const char REFUSED[] =
    "the node that was asked first is lost from sight, and it was refused when asked again; it may "
    "or may not have been done";

void forward_fail(struct node *node, struct forward *forward, const char *text) {
    err error = err_make(ERR_UNAVAILABLE, text);
    if (incoming_end(node, forward)) {
        forward_destroy(node, forward);
        return;
    }
    switch (forward->purpose) {
    case FORWARD_REQUEST:
        node_answer_error(node, forward->request_id, error, GATE_OPEN);
        break;
    case FORWARD_PART:
        gather_failed(node, forward->gather, error);
        break;
    case FORWARD_CLAIM:
        poll_granted(node, forward->request_id, forward->fixed, BYTES_LITERAL("[]"));
        break;
    case FORWARD_LOOK:
        look_answered(node, forward->request_id, (bytes){0});
        break;
    case FORWARD_CALLED:
        calls_reported(node, forward->request_id, REPORT_LATER, forward->request.body);
        break;
    }
    forward_destroy(node, forward);
}

static void grant_note(struct node *node, uint64_t request_id, node_id from, uint64_t call) {
    struct grant *grant = malloc(sizeof(*grant));
    check(grant != NULL);
    *grant = (struct grant){from, call};
    struct grant *older = table_take(&node->grants, request_id);
    free(older);
    table_put(&node->grants, request_id, grant);
}

static void delivery_tell(struct node *node, node_id to, uint64_t forward, bool gone) {
    struct peer_delivery delivery = {.call = forward, .gone = gone};
    if (to == node->self) {
        forward_told(node, to, &delivery);
    } else {
        node_send(node, to, LINK_URGENT, PEER_DELIVERY, &peer_delivery_record, &delivery);
    }
}

// A release before this one knows no reports: the claim is left to its lease.
static enum report_outcome report_outcome(uint16_t status) {
    return status == 200 ? REPORT_TAKEN : status == 503 ? REPORT_LATER : REPORT_REFUSED;
}

void forward_pass_on(
    struct node *node, struct forward *forward, node_id from, const struct peer_answer *answer
) {
    struct reply reply = {
        .status = answer->status,
        .kind = (enum reply_kind)answer->reply_kind,
        .body = answer->body,
    };
    switch (forward->purpose) {
    case FORWARD_REQUEST:
        if (answer->with_tasks) {
            grant_note(node, forward->request_id, from, answer->call);
        }
        node_answer_passed(node, forward->request_id, answer);
        break;
    case FORWARD_PART:
        gather_part(node, forward->gather, &reply);
        break;
    case FORWARD_CLAIM:
        if (answer->with_tasks) {
            grant_note(node, forward->request_id, from, answer->call);
        }
        poll_granted(
            node, forward->request_id, from, reply.status == 200 ? reply.body : BYTES_LITERAL("[]")
        );
        break;
    case FORWARD_LOOK:
        look_answered(node, forward->request_id, reply.status == 200 ? reply.body : (bytes){0});
        break;
    case FORWARD_CALLED:
        calls_reported(
            node, forward->request_id, report_outcome(reply.status), forward->request.body
        );
        break;
    }
    forward_destroy(node, forward);
}

// Nobody waits for these tasks any more: they go back where they came from.
static void refuse_tasks(struct node *node, node_id from, const struct peer_answer *answer) {
    if (answer->outcome == PEER_ANSWERED && answer->with_tasks) {
        delivery_tell(node, from, answer->call, true);
    }
}

static void forward_wait(struct node *node, struct forward *forward) {
    forward->asked = 0;
    forward->again_at.ns = node->mono.ns + LIMIT_FORWARD_RETRY_MS * NS_PER_MS;
    node->forwards_waiting = true;
}

static void forward_unknown(struct node *node, struct forward *forward) {
    forward->uncertain = !mutant_is("called_undone");
    bool repeats = forward->idempotent || mutant_is("forward_repeats_anything");
    if (mutant_is("start_id_chosen_anew")) {
        forward->request.chosen_id = (id128){{0}};
    }
    if (forward->purpose == FORWARD_CLAIM || !repeats) {
        forward_fail(node, forward, UNKNOWN);
    } else {
        forward_wait(node, forward);
    }
}

// A refusal speaks of its own try. The one before it may have been done, or will be: it waits for
// its script, and the second one found no evaluator.
static bool is_doubtful(const struct forward *forward, const struct peer_answer *answer) {
    return answer->status == 503 && forward->uncertain && forward->purpose == FORWARD_REQUEST &&
           !bytes_equal_text(forward->request.method, "GET");
}

void forward_answered(struct node *node, node_id from, const struct peer_answer *answer) {
    struct forward *forward = table_get(&node->forward_table, answer->call);
    if (forward == NULL || forward->asked != from || forward->incoming != NULL) {
        refuse_tasks(node, from, answer);
        return;
    }
    switch ((enum peer_outcome)answer->outcome) {
    case PEER_ANSWERED:
        if (is_doubtful(forward, answer)) {
            forward_fail(node, forward, REFUSED);
        } else if (answer->more) {
            incoming_begin(node, forward, answer);
        } else {
            forward_pass_on(node, forward, from, answer);
        }
        break;
    case PEER_NOT_LEADER:
        if (forward->purpose == FORWARD_PART) {
            gather_again(node, forward->gather, &forward->request);
            forward_destroy(node, forward);
        } else if (forward->purpose == FORWARD_CLAIM) {
            forward_fail(node, forward, NOBODY);
        } else {
            forward_wait(node, forward);
        }
        break;
    case PEER_UNKNOWN:
    default:
        forward_unknown(node, forward);
        break;
    }
}

// --- asking
// ------------------------------------------------------------------------------------------------

static node_id whom_to_ask(const struct node *node, const struct forward *forward) {
    node_id leader = forward->fixed;
    if (leader == 0) {
        leader = node_leader(node, forward->group);
    }
    return leader == node->self || node_peer_is_up(node, leader) ? leader : 0;
}

static void forward_write(const struct forward *forward, struct arena *arena, struct buffer *out) {
    const struct node_request *request = &forward->request;
    size_t count = request->parameters.count * 2;
    bytes *parameters = ARENA_ARRAY(arena, bytes, count + 1);
    for (size_t i = 0; i < request->parameters.count; i++) {
        parameters[2 * i] = request->parameters.items[i].name;
        parameters[2 * i + 1] = request->parameters.items[i].value;
    }
    bytes *segments = ARENA_ARRAY(arena, bytes, request->segment_count + 1);
    for (size_t i = 0; i < request->segment_count; i++) {
        segments[i] = request->segments[i];
    }
    uint32_t *groups = ARENA_ARRAY(arena, uint32_t, request->group_count + 1);
    for (size_t i = 0; i < request->group_count; i++) {
        groups[i] = request->groups[i];
    }
    struct peer_forward said = {
        .call = forward->id,
        .method = request->method,
        .segments = {segments, (uint32_t)request->segment_count},
        .parameters = {parameters, (uint32_t)count},
        .body = request->body,
        .chosen_id = request->chosen_id,
        .aim = request->aim,
        .scoped = request->scoped,
        .groups = {groups, (uint32_t)request->group_count},
        .parts = true,
    };
    peer_message_write(PEER_FORWARD, &peer_forward_record, &said, out);
}

static void forward_send(struct node *node, struct forward *forward) {
    node_id leader = whom_to_ask(node, forward);
    if (leader == 0) {
        if (forward->fixed != 0 && forward->purpose == FORWARD_PART) {
            gather_again(node, forward->gather, &forward->request);
            forward_destroy(node, forward);
        } else if (forward->purpose == FORWARD_CLAIM) {
            forward_fail(node, forward, NOBODY);
        } else {
            forward_wait(node, forward);
        }
        return;
    }
    forward->asked = leader;
    if (leader == node->self) {
        uint64_t run = run_begin(node, node->self, forward->id, true);
        node_request(node, run, &forward->request);
        return;
    }
    struct buffer message;
    buffer_init(&message, LIMIT_PEER_MESSAGE_BYTES);
    forward_write(forward, node->arena, &message);
    if (err_is(buffer_status(&message))) {
        forward->asked = 0;
        forward_fail(
            node,
            forward,
            "the request is too large to be sent to the node that leads its partition"
        );
    } else {
        node_send_bytes(node, leader, LINK_BULK, buffer_bytes(&message));
    }
    buffer_deinit(&message);
}

void forward_begin(struct node *node, const struct forward_wish *wish) {
    struct forward *forward = forward_create(node, wish);
    if (node->forward_table.count > LIMIT_FORWARDS) {
        forward_fail(
            node, forward, "too many requests wait at this node; try again, or another one"
        );
    } else {
        forward_send(node, forward);
    }
}

// --- clients
// -----------------------------------------------------------------------------------------------

bool forward_gone(struct node *node, uint64_t request_id) {
    struct forward *forward = table_get(&node->forward_of_request, request_id);
    if (forward == NULL) {
        return false;
    }
    if (forward->asked != 0) {
        delivery_tell(node, forward->asked, forward->id, true);
    }
    forward_destroy(node, forward);
    return true;
}

bool forward_delivered(struct node *node, uint64_t request_id, bool gone) {
    struct grant *grant = table_take(&node->grants, request_id);
    if (grant == NULL) {
        return false;
    }
    delivery_tell(node, grant->node, grant->call, gone);
    free(grant);
    return true;
}

void forward_peer_down(struct node *node, node_id peer) {
    runs_peer_down(node, peer);
    struct forward *next_forward = NULL;
    for (struct forward *forward = node->forwards; forward != NULL; forward = next_forward) {
        next_forward = forward->next;
        if (forward->asked == peer && incoming_end(node, forward)) {
            forward_destroy(node, forward);
        } else if (forward->asked == peer) {
            forward->asked = 0;
            if (forward->purpose == FORWARD_PART && forward->idempotent) {
                gather_again(node, forward->gather, &forward->request);
                forward_destroy(node, forward);
            } else {
                forward_unknown(node, forward);
            }
        }
    }
}

// --- time
// --------------------------------------------------------------------------------------------------

void forward_pump(struct node *node) {
    runs_look(node);
    int64_t every_ms = node->forwards_waiting ? LIMIT_FORWARD_RETRY_MS : LIMIT_FORWARD_LOOK_MS;
    if (node->forwards == NULL || node->mono.ns < node->forwards_looked.ns + every_ms * NS_PER_MS) {
        return;
    }
    node->forwards_looked = node->mono;
    node->forwards_waiting = false;
    struct forward *next = NULL;
    for (struct forward *forward = node->forwards; forward != NULL; forward = next) {
        next = forward->next;
        if (forward->incoming != NULL) {
            incoming_look(node, forward);
        } else if (forward->deadline.ns <= node->mono.ns) {
            bool nothing_done = forward->asked == 0 && !forward->uncertain;
            forward_fail(node, forward, nothing_done ? NOBODY : UNKNOWN);
        } else if (forward->asked == 0 && forward->again_at.ns <= node->mono.ns) {
            forward_send(node, forward);
            arena_reset(node->arena);
        } else {
            node->forwards_waiting = node->forwards_waiting || forward->asked == 0;
        }
    }
}

bool forward_next_wakeup(const struct node *node, mono_time *out_at) {
    if (node->forwards == NULL) {
        return false;
    }
    int64_t wait_ms = node->forwards_waiting ? LIMIT_FORWARD_RETRY_MS : LIMIT_FORWARD_LOOK_MS;
    out_at->ns = node->forwards_looked.ns + wait_ms * NS_PER_MS;
    return true;
}
