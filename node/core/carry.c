#include "node/core/carry.h"

#include "node/core/marks.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

static const int64_t NS_PER_MS = 1000000;

// --- applying
// ---------------------------------------------------------------------------------------------

struct arrival {
    const struct stream_position *position;
    bytes message;
};

static err decide_arrival(struct decision *decision, void *argument) {
    const struct arrival *arrival = argument;
    const struct stream_position *position = arrival->position;
    return apply_message(decision, position->source, position->sequence, arrival->message);
}

enum applied {
    APPLIED,
    APPLY_LATER, // the store has no room now
    APPLY_STAGED // its bodies are written first; carry_again goes on
};

// Applies one message to a group that is led here.
static enum applied
apply(struct node *node, const struct stream_position *position, bytes message) {
    struct decision decision;
    struct arrival arrival = {position, message};
    node->random_begun = node->job == NULL ? node->random : node->random_begun;
    if (!marks_reach(node, position->destination)) {
        return APPLY_LATER;
    }
    err applied = node_decide_to_record_large(
        node, position->destination, decide_arrival, &arrival, &decision
    );
    if (applied.code == ERR_UNAVAILABLE) {
        return APPLY_LATER;
    }
    check(!err_is(applied));
    if (stages_look(&decision, applied).code == ERR_SUSPENDED) {
        bool waits = job_suspend_message(node, position, message, &decision);
        return waits ? APPLY_STAGED : APPLY_LATER;
    }
    (void)node_decision_commit(node, &decision);
    struct group *destination = &node->groups[position->destination];
    group_ack_add(destination, destination->last_index, position->source, position->sequence);
    streams_applied(node->streams, position->source, position->destination, position->sequence);
    node->stats.messages_applied++;
    if (mutant_is("message_acked_before_commit")) {
        struct group_ack early = {0, position->source, position->sequence};
        carry_committed(node, position->destination, &early);
    }
    return APPLIED;
}

void carry_received(struct node *node, node_id from, const struct peer_stream *message) {
    struct stream_position position = {message->source, message->destination, message->sequence};
    marks_heard(node, message->mark);
    if (position.source >= node->settings.group_count ||
        position.destination >= node->settings.group_count ||
        !node->groups[position.destination].leading) {
        return; // sent to who led it: it is sent again
    }
    uint64_t acked = streams_newest_acked(node->streams, position.source, position.destination);
    if (position.sequence <= acked) {
        struct peer_stream ack = {
            position.source, position.destination, acked, BYTES_EMPTY, node->mark};
        node_send(node, from, LINK_URGENT, PEER_STREAM_ACK, &peer_stream_record, &ack);
        return;
    }
    uint64_t applied = streams_newest_applied(node->streams, position.source, position.destination);
    bool is_next = position.sequence == applied + 1 ||
                   (mutant_is("message_out_of_order") && position.sequence > applied);
    if (is_next && !job_has_message(node, &position)) {
        (void)apply(node, &position, message->message);
    }
}

void carry_again(struct node *node, const struct stream_position *position, bytes message) {
    uint64_t applied =
        streams_newest_applied(node->streams, position->source, position->destination);
    if (node->groups[position->destination].leading && position->sequence == applied + 1) {
        (void)apply(node, position, message);
        streams_resume(node->streams, position->source, position->destination);
    }
}

void carry_committed(struct node *node, group_id destination, const struct group_ack *ack) {
    streams_acknowledged(node->streams, ack->source, destination, ack->sequence);
    node_id leader = node_leader(node, ack->source);
    if (leader != node->self && node_peer_is_up(node, leader)) {
        struct peer_stream news = {
            ack->source, destination, ack->sequence, BYTES_EMPTY, node->mark};
        node_send(node, leader, LINK_URGENT, PEER_STREAM_ACK, &peer_stream_record, &news);
    }
}

void carry_acknowledged(struct node *node, const struct peer_stream *ack) {
    if (!mutant_is("mark_not_in_acks")) {
        marks_heard(node, ack->mark);
    }
    if (ack->source < node->settings.group_count && ack->destination < node->settings.group_count &&
        node->groups[ack->source].leading && !node->groups[ack->destination].leading) {
        streams_acknowledged(node->streams, ack->source, ack->destination, ack->sequence);
    }
}

// --- sending
// ----------------------------------------------------------------------------------------------

// Hands one message to the node that leads its destination. False: not now.
static bool send(struct node *node, const struct stream_position *position, bytes message) {
    node_id leader = node_leader(node, position->destination);
    uint64_t acked = streams_newest_acked(node->streams, position->source, position->destination);
    if (!node_peer_is_up(node, leader) || position->sequence > acked + LIMIT_STREAM_WINDOW) {
        return false;
    }
    struct peer_stream carried = {
        position->source, position->destination, position->sequence, message, node->mark};
    node_send(node, leader, LINK_BULK, PEER_STREAM, &peer_stream_record, &carried);
    streams_applied(node->streams, position->source, position->destination, position->sequence);
    return true;
}

static void retry(struct node *node) {
    if (!streams_are_open(node->streams)) {
        node->streams_retry_at = (mono_time){0};
    } else if (node->streams_retry_at.ns == 0) {
        node->streams_retry_at.ns = node->mono.ns + LIMIT_STREAM_RETRY_MS * NS_PER_MS;
    } else if (node->streams_retry_at.ns <= node->mono.ns && !mutant_is("message_not_sent_again")) {
        streams_retry(node->streams);
        node->streams_retry_at = (mono_time){0};
    }
}

// One of a group that is led here, too. False: not now.
static bool apply_here(struct node *node, const struct stream_position *position, bytes message) {
    bool waits = job_has_message(node, position);
    enum applied applied = waits ? APPLY_STAGED : apply(node, position, message);
    if (applied == APPLY_STAGED) {
        streams_stall(node->streams, position->source, position->destination);
    }
    return applied != APPLY_LATER;
}

void streams_pump(struct node *node) {
    if (!node->alone) {
        retry(node);
    }
    struct stream_position position;
    for (int taken = 0; streams_next(node->streams, &position); taken++) {
        if (taken == LIMIT_MESSAGES_PER_TURN) {
            node->more_to_do = true;
            return;
        }
        struct key key = key_outbox(position.destination, position.sequence);
        bytes stored = BYTES_EMPTY;
        err read = store_get(node->store, position.source, key_bytes(&key), &stored);
        check(!err_is(read));
        bytes message = arena_copy(node->arena, stored);
        if (!node->groups[position.destination].leading) {
            if (!send(node, &position, message)) {
                streams_stall(node->streams, position.source, position.destination);
            }
        } else if (!apply_here(node, &position, message)) {
            node->more_to_do = true;
            return;
        }
        arena_reset(node->arena);
    }
}

bool carry_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->streams_retry_at;
    return node->streams_retry_at.ns != 0;
}

// --- acknowledgements
// -------------------------------------------------------------------------------------

void acks_pump(struct node *node) {
    group_id source = 0;
    if (!streams_ack_group(node->streams, &source)) {
        node->acks_since = (mono_time){0};
        return;
    }
    if (node->acks_since.ns == 0) {
        node->acks_since = node->mono;
    }
    if (node->mono.ns - node->acks_since.ns < LIMIT_ACK_RIDE_MS * NS_PER_MS) {
        return;
    }
    do {
        struct decision decision;
        if (!marks_reach(node, source) || err_is(node_decision_begin(node, source, &decision))) {
            node->more_to_do = true;
            return;
        }
        (void)node_decision_commit(node, &decision);
    } while (streams_ack_group(node->streams, &source));
    node->acks_since = (mono_time){0};
}
