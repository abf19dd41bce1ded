// The other nodes: who is there, what they say, what is said to them.
#include "node/core/carry.h"
#include "node/core/definitions.h"
#include "node/core/forward.h"
#include "node/core/interest.h"
#include "node/core/lead.h"
#include "node/core/members.h"
#include "node/core/membership.h"
#include "node/core/node_internal.h"
#include "node/core/outside.h"
#include "node/core/report.h"
#include "node/core/timekeeping.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

// --- who is there
// -----------------------------------------------------------------------------------------

node_id node_leader(const struct node *node, group_id group) {
    const struct group *known = &node->groups[group];
    if (known->leading) {
        return node->self;
    }
    node_id leader = known->has_copy ? raft_leader(node->raft, group) : 0;
    // A copy that is still being made may not know, and one that is none any more is not told.
    bool told =
        !known->has_copy || known->is_outside || known->told_term > raft_term(node->raft, group);
    return leader == 0 && told ? known->told_leader : leader;
}

void cluster_peer_changed(struct node *node, struct node_peer *peer, bool up) {
    peer->up = up;
    raft_peer_changed(node->raft, peer->id, up);
    interest_peer_changed(node, peer->id, up);
    if (up) {
        lead_tell(node, peer);
        fitness_peer_up(node, peer);
        fitness_tell(node, peer);
        timekeeping_peer_up(node, peer);
        definitions_ask(node);
        report_peer_up(node);
    } else {
        peer->down_since = node->mono;
        forward_peer_down(node, peer->id);
    }
    membership_touched(node);
    node->forwards_looked = (mono_time){0};
}

void cluster_hearsay(struct node *node, node_id id, bytes word) {
    struct node_peer *peer = node_peer_of(node, id);
    if (peer != NULL && word.size < sizeof(peer->hearsay)) {
        memcpy(peer->hearsay, word.data, word.size);
        peer->hearsay[word.size] = '\0';
    }
}

// --- saying something
// -------------------------------------------------------------------------------------

// A message as an effect; takes over the bytes.
static void send_owned(struct node *node, node_id to, enum link_class link, bytes message) {
    struct node_effect effect = {.kind = EFFECT_SEND, .to = to, .link = link, .body = message};
    node_effects_add(node->effects, &effect);
    node->stats.messages_sent++;
}

void node_send_bytes(struct node *node, node_id to, enum link_class link, bytes message) {
    uint8_t *copy = malloc(message.size);
    check(copy != NULL);
    memcpy(copy, message.data, message.size);
    send_owned(node, to, link, bytes_of(copy, message.size));
}

void node_send_frame(struct node *node, node_id to, enum link_class link, bytes frame) {
    struct stamp stamp;
    bool stamped = timekeeping_stamp(node, to, &stamp);
    bytes riders = riders_take(node, to);
    size_t before = riders.size > 0 ? 1 + riders.size : 0;
    size_t head = before + 1 + (stamped ? STAMP_BYTES : 0);
    uint8_t *copy = malloc(frame.size + head);
    check(copy != NULL);
    if (riders.size > 0) {
        copy[0] = PEER_RIDERS;
        memcpy(copy + 1, riders.data, riders.size);
    }
    copy[before] = stamped ? PEER_RAFT_STAMPED : PEER_RAFT;
    if (stamped) {
        stamp_write(&stamp, copy + before + 1);
    }
    if (frame.size > 0) {
        memcpy(copy + head, frame.data, frame.size);
    }
    send_owned(node, to, link, bytes_of(copy, frame.size + head));
}

void node_send(
    struct node *node,
    node_id to,
    enum link_class link,
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value
) {
    struct buffer message;
    buffer_init(&message, LIMIT_PEER_MESSAGE_BYTES);
    peer_message_write(kind, record, value, &message);
    if (err_is(buffer_status(&message))) {
        node->stats.messages_too_large++;
    } else {
        node_send_bytes(node, to, link, buffer_bytes(&message));
    }
    buffer_deinit(&message);
}

// --- being told something
// ---------------------------------------------------------------------------------

static void polled(struct node *node, const struct peer_polled *said) {
    struct poll_wish wish = {
        .type = said->type,
        .domain = said->domain.size > 0 ? said->domain : BYTES_EMPTY,
        .worker = said->worker.size > 0 ? said->worker : BYTES_EMPTY,
    };
    poll_mark(node, &wish);
}

static err take(struct node *node, node_id from, enum peer_message_kind kind, bytes content) {
    union {
        struct peer_forward forward;
        struct peer_answer answer;
        struct peer_part part;
        struct peer_want want;
        struct peer_delivery delivery;
        struct peer_interest interest;
        struct peer_hint hint;
        struct peer_stream stream;
        struct peer_applied applied;
        struct peer_polled polled;
        struct peer_leads leads;
        struct peer_catalog catalog;
        struct peer_fitness fitness;
        struct peer_report report;
        struct peer_progress progress;
        struct peer_outside outside;
        struct peer_attest attest;
    } said;
    switch (kind) {
    case PEER_RAFT:
        return raft_receive(node->raft, from, content);
    case PEER_RAFT_STAMPED:
        TRY(timekeeping_heard(node, node_peer_of(node, from), &content));
        return raft_receive(node->raft, from, content);
    case PEER_FORWARD:
        TRY(wire_decode(&peer_forward_record, content, node->arena, &said.forward));
        forward_run(node, from, &said.forward);
        break;
    case PEER_ANSWER:
        TRY(wire_decode(&peer_answer_record, content, node->arena, &said.answer));
        forward_answered(node, from, &said.answer);
        break;
    case PEER_DELIVERY:
        TRY(wire_decode(&peer_delivery_record, content, node->arena, &said.delivery));
        forward_told(node, from, &said.delivery);
        break;
    case PEER_INTEREST:
        TRY(wire_decode(&peer_interest_record, content, node->arena, &said.interest));
        interest_told(node, from, &said.interest);
        break;
    case PEER_HINT:
        TRY(wire_decode(&peer_hint_record, content, node->arena, &said.hint));
        interest_hinted(node, from, &said.hint);
        break;
    case PEER_STREAM:
        TRY(wire_decode(&peer_stream_record, content, node->arena, &said.stream));
        carry_received(node, from, &said.stream);
        break;
    case PEER_STREAM_ACK:
        TRY(wire_decode(&peer_stream_record, content, node->arena, &said.stream));
        carry_acknowledged(node, &said.stream);
        break;
    case PEER_APPLIED:
        TRY(wire_decode(&peer_applied_record, content, node->arena, &said.applied));
        definitions_asked(node, from, &said.applied);
        break;
    case PEER_POLLED:
        TRY(wire_decode(&peer_polled_record, content, node->arena, &said.polled));
        polled(node, &said.polled);
        break;
    case PEER_LEADS:
        TRY(wire_decode(&peer_leads_record, content, node->arena, &said.leads));
        lead_told(node, from, &said.leads);
        break;
    case PEER_CATALOG:
        TRY(wire_decode(&peer_catalog_record, content, node->arena, &said.catalog));
        definitions_told(node, from, &said.catalog);
        break;
    case PEER_FITNESS:
        TRY(wire_decode(&peer_fitness_record, content, node->arena, &said.fitness));
        fitness_told(node, node_peer_of(node, from), &said.fitness);
        break;
    case PEER_RIDERS:
        return err_make(ERR_CORRUPT, "riders on riders");
    case PEER_REPORT:
        TRY(wire_decode(&peer_report_record, content, node->arena, &said.report));
        return report_told(node, from, &said.report);
    case PEER_PROGRESS:
        TRY(wire_decode(&peer_progress_record, content, node->arena, &said.progress));
        report_progress_told(node, &said.progress);
        break;
    case PEER_OUTSIDE:
        TRY(wire_decode(&peer_outside_record, content, node->arena, &said.outside));
        outside_asked(node, from, &said.outside);
        break;
    case PEER_CONFIRMED:
        TRY(wire_decode(&peer_outside_record, content, node->arena, &said.outside));
        outside_confirmed(node, from, &said.outside);
        break;
    case PEER_ATTEST:
        TRY(wire_decode(&peer_attest_record, content, node->arena, &said.attest));
        attest_told(node, node_peer_of(node, from), &said.attest);
        break;
    case PEER_PART:
        TRY(wire_decode(&peer_part_record, content, node->arena, &said.part));
        forward_part(node, from, &said.part);
        break;
    case PEER_WANT:
        TRY(wire_decode(&peer_want_record, content, node->arena, &said.want));
        forward_run_wanted(node, from, &said.want);
        break;
    case PEER_MESSAGE_KINDS:
        break;
    }
    return ERR_NONE;
}

// A message, or several that came as one.
static err take_all(struct node *node, node_id from, bytes message) {
    enum peer_message_kind kind = PEER_MESSAGE_KINDS;
    bytes content = BYTES_EMPTY;
    TRY(peer_message_read(message, &kind, &content));
    if (kind != PEER_RIDERS) {
        return take(node, from, kind, content);
    }
    bytes rest = content;
    bytes rider = BYTES_EMPTY;
    TRY(riders_next(&rest, &rider));
    while (rider.size > 0) {
        TRY(peer_message_read(rider, &kind, &content));
        TRY(take(node, from, kind, content));
        TRY(riders_next(&rest, &rider));
    }
    TRY(peer_message_read(rest, &kind, &content));
    return take(node, from, kind, content);
}

void cluster_own(struct node *node, bytes message) {
    enum peer_message_kind kind = PEER_MESSAGE_KINDS;
    bytes content = BYTES_EMPTY;
    err read = peer_message_read(message, &kind, &content);
    if (!err_is(read)) {
        read = take(node, node->self, kind, content);
    }
    check(!err_is(read));
}

void cluster_event(struct node *node, const struct node_event *event) {
    if (event->kind != NODE_PEER_MESSAGE) {
        members_linked(
            node,
            event->peer,
            event->kind == NODE_PEER_UP,
            &(struct member_proof){event->store_id, event->release_low, event->release_high}
        );
        return;
    }
    err read = node_peer_of(node, event->peer) != NULL ? take_all(node, event->peer, event->message)
                                                       : err_make(ERR_CORRUPT, "not a member");
    node->stats.messages_received++;
    node->stats.messages_refused += err_is(read) ? 1 : 0;
}
