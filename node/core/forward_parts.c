// Answers that are too large for one message, in parts: each is asked for once the one before it is
// where it belongs, so no more than one part of an answer is on its way or in a link's queue,
// whoever reads slowly. A part that got lost is asked for again, and the other node still has it.
//
// What a client is to hear goes on to it part by part; what this node needs whole – a list that is
// merged, tasks for a poll – is put together first.
#include "node/core/forward.h"
#include "node/core/forward_internal.h"
#include "node/core/long_answer.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

// --- the node that answers -----------------------------------------------------------------------

struct outgoing {
    bytes held; // on the C heap; what of it was sent last is from … to
    size_t from;
    size_t to;
    uint32_t number; // of the part sent last
    bool more;       // will come behind what is held
    bool broken;     // and nothing will
    bool asked;      // the next part is waited for there
    bool collects;   // who asked knows no parts: all of it goes as one
    struct buffer collected;
    struct peer_answer head;
    mono_time heard;
};

static void held_set(struct outgoing *outgoing, bytes body) {
    struct node_effect owner = {.body = outgoing->held};
    node_effect_release(&owner);
    outgoing->held = node_effect_keep(body);
    outgoing->from = 0;
    outgoing->to = 0;
}

void outgoing_destroy(struct node *node, struct run *run) {
    if (run->outgoing != NULL) {
        held_set(run->outgoing, BYTES_EMPTY);
        buffer_deinit(&run->outgoing->collected);
        free(run->outgoing);
        run->outgoing = NULL;
        node->outgoing_count--;
    }
}

static bytes cut(struct outgoing *outgoing) {
    size_t rest = outgoing->held.size - outgoing->to;
    outgoing->from = outgoing->to;
    outgoing->to += rest < LIMIT_PEER_PART_BYTES ? rest : (size_t)LIMIT_PEER_PART_BYTES;
    return bytes_slice(outgoing->held, outgoing->from, outgoing->to);
}

static bool has_more(const struct outgoing *outgoing) {
    return outgoing->to < outgoing->held.size || outgoing->more;
}

// What gives it is a telling here, or yet another node that the run was handed on to.
void run_source_taken(struct node *node, const struct run *run) {
    if (!forward_taken(node, run->id)) {
        long_answer_taken(node, run->id);
    }
}

void outgoing_begin(struct node *node, struct run *run, const struct peer_answer *answer) {
    struct outgoing *outgoing = calloc(1, sizeof(*outgoing));
    check(outgoing != NULL);
    check(run->outgoing == NULL);
    run->outgoing = outgoing;
    node->outgoing_count++;
    buffer_init(&outgoing->collected, LIMIT_REPLY_BYTES);
    outgoing->heard = node->mono;
    outgoing->more = answer->more;
    outgoing->head = *answer;
    outgoing->collects = !run->takes_parts;
    if (outgoing->collects) {
        buffer_append(&outgoing->collected, answer->body);
        run_source_taken(node, run);
        return;
    }
    held_set(outgoing, answer->body);
    struct peer_answer first = *answer;
    first.total = answer->more ? 0 : answer->body.size;
    first.body = cut(outgoing);
    first.more = has_more(outgoing);
    node_send(node, run->origin, LINK_BULK, PEER_ANSWER, &peer_answer_record, &first);
}

static void send_part(struct node *node, const struct run *run) {
    const struct outgoing *outgoing = run->outgoing;
    struct peer_part part = {
        .call = run->call,
        .number = outgoing->number,
        .body = bytes_slice(outgoing->held, outgoing->from, outgoing->to),
        .last = !has_more(outgoing),
        .broken = outgoing->broken,
    };
    node_send(node, run->origin, LINK_BULK, PEER_PART, &peer_part_record, &part);
}

static void send_next(struct node *node, const struct run *run) {
    struct outgoing *outgoing = run->outgoing;
    outgoing->asked = false;
    outgoing->number++;
    (void)cut(outgoing);
    send_part(node, run);
}

bool outgoing_add(struct node *node, struct run *run, const struct node_effect *effect) {
    struct outgoing *outgoing = run->outgoing;
    outgoing->more = effect->more;
    outgoing->broken = effect->broken;
    if (!outgoing->collects) {
        held_set(outgoing, effect->body);
        if (outgoing->asked) {
            send_next(node, run);
        }
        return false;
    }
    buffer_append(&outgoing->collected, effect->body);
    run_source_taken(node, run);
    return !effect->more;
}

// The whole of what was collected; it lives until the run ends.
struct peer_answer outgoing_whole(const struct run *run) {
    struct peer_answer whole = run->outgoing->head;
    whole.body = buffer_bytes(&run->outgoing->collected);
    whole.more = false;
    if (run->outgoing->broken || err_is(buffer_status(&run->outgoing->collected))) {
        whole = (struct peer_answer){.call = run->call, .outcome = PEER_UNKNOWN};
    }
    return whole;
}

void outgoing_wanted(struct node *node, struct run *run, const struct peer_want *want) {
    struct outgoing *outgoing = run->outgoing;
    outgoing->heard = node->mono;
    if (want->later || outgoing->collects) {
        return;
    }
    if (want->number == outgoing->number && want->number > 0) {
        send_part(node, run); // it was lost
    } else if (want->number == outgoing->number + 1 && (has_more(outgoing) || outgoing->broken)) {
        if (outgoing->to < outgoing->held.size || outgoing->broken) {
            send_next(node, run);
        } else {
            outgoing->asked = true;
            run_source_taken(node, run);
        }
    }
}

bool outgoing_is_silent(const struct node *node, const struct run *run) {
    return run->outgoing != NULL && !run->outgoing->collects &&
           node->mono.ns - run->outgoing->heard.ns > LIMIT_PART_SILENCE_MS * NS_PER_MS;
}

// --- the node that asked -------------------------------------------------------------------------

struct incoming {
    bool passes;            // each part goes on to the client
    struct buffer together; // else
    struct peer_answer head;
    uint32_t number; // of the next part
    bool asking;     // for it; else the client is slow
    mono_time look_at;
    mono_time deadline; // of the asking
};

static void want_tell(struct node *node, const struct forward *forward, bool later, bool over) {
    struct peer_want want = {
        .call = forward->id,
        .number = forward->incoming->number,
        .later = later,
        .over = over,
    };
    if (forward->asked == node->self) {
        forward_run_wanted(node, node->self, &want);
    } else {
        node_send(node, forward->asked, LINK_URGENT, PEER_WANT, &peer_want_record, &want);
    }
}

static void ask(struct node *node, struct forward *forward) {
    struct incoming *incoming = forward->incoming;
    incoming->asking = true;
    incoming->look_at.ns = node->mono.ns + LIMIT_PART_ASK_MS * NS_PER_MS;
    incoming->deadline.ns = node->mono.ns + LIMIT_FORWARD_MS * NS_PER_MS;
    want_tell(node, forward, false, false);
}

static void rest(struct node *node, struct forward *forward) {
    forward->incoming->asking = false;
    forward->incoming->look_at.ns = node->mono.ns + LIMIT_PART_LATER_MS * NS_PER_MS;
}

static void
part_out(struct node *node, const struct forward *forward, bytes body, bool more, bool broken) {
    struct node_effect effect = {
        .kind = EFFECT_PART,
        .request_id = forward->request_id,
        .more = more,
        .broken = broken,
        .body = node_effect_keep(body),
    };
    node_effect_out(node, &effect);
}

void incoming_begin(struct node *node, struct forward *forward, const struct peer_answer *answer) {
    struct incoming *incoming = calloc(1, sizeof(*incoming));
    check(incoming != NULL);
    check(forward->incoming == NULL);
    forward->incoming = incoming;
    incoming->passes = forward->purpose == FORWARD_REQUEST && !answer->with_tasks;
    incoming->number = 1;
    incoming->head = *answer;
    incoming->head.body = BYTES_EMPTY;
    incoming->head.more = false;
    buffer_init(&incoming->together, LIMIT_REPLY_BYTES);
    if (incoming->passes) {
        rest(node, forward);
        node_answer_passed(node, forward->request_id, answer);
    } else {
        buffer_append(&incoming->together, answer->body);
        ask(node, forward);
    }
}

void incoming_free(struct forward *forward) {
    if (forward->incoming != NULL) {
        buffer_deinit(&forward->incoming->together);
        free(forward->incoming);
        forward->incoming = NULL;
    }
}

bool incoming_end(struct node *node, struct forward *forward) {
    if (forward->incoming == NULL) {
        return false;
    }
    bool passed = forward->incoming->passes;
    want_tell(node, forward, false, true);
    incoming_free(forward);
    if (passed) {
        node->stats.long_answers_broken++;
        part_out(node, forward, BYTES_EMPTY, false, true);
    }
    return passed;
}

static void come_together(
    struct node *node, struct forward *forward, node_id from, const struct peer_part *part
) {
    struct incoming *incoming = forward->incoming;
    buffer_append(&incoming->together, part->body);
    if (!part->last) {
        ask(node, forward);
        return;
    }
    want_tell(node, forward, false, true);
    struct buffer whole = incoming->together;
    struct peer_answer answer = incoming->head;
    buffer_init(&incoming->together, LIMIT_REPLY_BYTES);
    incoming_free(forward);
    answer.body = buffer_bytes(&whole);
    if (err_is(buffer_status(&whole))) {
        forward_fail(node, forward, "the answer of another node is larger than one may be");
    } else {
        forward_pass_on(node, forward, from, &answer);
    }
    buffer_deinit(&whole);
}

void forward_part(struct node *node, node_id from, const struct peer_part *part) {
    struct forward *forward = table_get(&node->forward_table, part->call);
    struct incoming *incoming = forward == NULL ? NULL : forward->incoming;
    if (incoming == NULL || forward->asked != from || !incoming->asking ||
        (from != node->self && part->number != incoming->number)) {
        return; // it came before, or nobody wants it any more
    }
    if (part->broken) {
        forward_fail(node, forward, "the answer of another node broke off; try again");
        return;
    }
    incoming->number++;
    if (!incoming->passes) {
        come_together(node, forward, from, part);
        return;
    }
    rest(node, forward);
    part_out(node, forward, part->body, !part->last, false);
    if (part->last) {
        want_tell(node, forward, false, true);
        forward_destroy(node, forward);
    }
}

bool forward_taken(struct node *node, uint64_t request_id) {
    struct forward *forward = table_get(&node->forward_of_request, request_id);
    if (forward == NULL || forward->incoming == NULL) {
        return false;
    }
    if (forward->incoming->passes && !forward->incoming->asking) {
        ask(node, forward);
    }
    return true;
}

void incoming_look(struct node *node, struct forward *forward) {
    struct incoming *incoming = forward->incoming;
    bool handed_on = forward_is_run(forward->request_id) && forward->purpose == FORWARD_REQUEST;
    if (handed_on && table_get(&node->run_table, forward->request_id) == NULL) {
        want_tell(node, forward, false, true); // who asked this node for it is gone
        forward_destroy(node, forward);
    } else if (incoming->asking && incoming->deadline.ns <= node->mono.ns) {
        forward_fail(node, forward, "the answer of another node broke off; try again");
    } else if (incoming->look_at.ns <= node->mono.ns && !mutant_is("part_not_asked_again")) {
        int64_t again_ms = incoming->asking ? LIMIT_PART_ASK_MS : LIMIT_PART_LATER_MS;
        incoming->look_at.ns = node->mono.ns + again_ms * NS_PER_MS;
        want_tell(node, forward, !incoming->asking, false);
    }
}
