// What is believed of what arrives. A frame that does not belong to this session changes nothing:
// what waited in a socket when its peer died reaches its successor, and a stranger can send
// anything. Only a hello, and a proof that answers our nonce, can end in a refusal.
#include "node/peer/link/link_internal.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <string.h>

// A process of that node from before one that is known, or twice the same with two stores.
static enum link_fault compare_with_known(struct link *link, const char **out_detail) {
    if (link->peer.incarnation < link->incarnation && !mutant_is("link_old_process_admitted")) {
        *out_detail = arena_format(
            link->arena,
            "theirs=%llu known=%llu",
            (unsigned long long)link->peer.incarnation,
            (unsigned long long)link->incarnation
        );
        return LINK_FAULT_INCARNATION;
    }
    if (link->peer.incarnation == link->incarnation &&
        !id_equal(link->peer.store_uuid, link->store_uuid)) {
        *out_detail =
            arena_format(link->arena, "incarnation=%llu", (unsigned long long)link->incarnation);
        return LINK_FAULT_STORE;
    }
    return LINK_FAULT_NONE;
}

static void receive_hello(struct link *link, mono_time now, bytes frame) {
    if (link->state != LINK_GREETING && link->state != LINK_PROVING) {
        link->counters.refused_foreign++;
        return;
    }
    const char *detail = "";
    buffer_clear(&link->hello_theirs);
    buffer_append(
        &link->hello_theirs,
        bytes_slice(frame, 0, frame.size > LINK_HELLO_BYTES_MAX ? 0 : frame.size)
    );
    enum link_fault fault = link_hello_take(
        buffer_bytes(&link->hello_theirs),
        &link->options.self,
        link->options.peer,
        link->arena,
        &link->peer,
        &detail
    );
    if (fault == LINK_FAULT_NONE) {
        fault = compare_with_known(link, &detail);
    }
    if (fault != LINK_FAULT_NONE) {
        link_refuse(link, fault, detail, now);
        return;
    }
    // A second hello replaces the first: that one waited in the socket for an earlier connection.
    link->owes_proof = true;
    link_move(link, LINK_PROVING, now);
}

static void receive_proof(struct link *link, mono_time now, bytes frame) {
    if (link->state != LINK_PROVING || frame.size != LINK_PROOF_FRAME_BYTES ||
        !bytes_equal(
            bytes_slice(
                frame, LINK_FRAME_PREFIX_BYTES, LINK_FRAME_PREFIX_BYTES + LINK_ANSWER_BYTES
            ),
            bytes_of(link->nonce, LINK_ANSWER_BYTES)
        )) {
        link->counters.refused_foreign++;
        return;
    }
    bytes proof = bytes_slice(frame, LINK_FRAME_PREFIX_BYTES + LINK_ANSWER_BYTES, frame.size);
    bytes ours = buffer_bytes(&link->hello_own);
    bytes theirs = buffer_bytes(&link->hello_theirs);
    if (!mutant_is("link_proof_unchecked") &&
        !link_proof_holds(&link->options.key, theirs, ours, proof)) {
        link_refuse(link, LINK_FAULT_KEY, "", now);
        return;
    }
    link->session_in = link_session_derive(&link->options.key, theirs, ours);
    link->session_out = link_session_derive(&link->options.key, ours, theirs);
    link->incarnation = link->peer.incarnation;
    link->store_uuid = link->peer.store_uuid;
    link->heard = now;
    link_move(link, LINK_UP, now);
}

static void receive_refusal(struct link *link, mono_time now, bytes frame) {
    if ((link->state != LINK_GREETING && link->state != LINK_PROVING) ||
        frame.size != LINK_REFUSAL_FRAME_BYTES) {
        link->counters.refused_foreign++;
        return;
    }
    enum link_fault theirs = (enum link_fault)frame.data[LINK_FRAME_PREFIX_BYTES];
    const char *detail = arena_format(
        link->arena,
        "its_fault=%s its_meaning=\"%s\"",
        link_fault_name(theirs),
        link_fault_meaning(theirs)
    );
    link_refuse(link, LINK_FAULT_REFUSES, detail, now);
}

// Whether the head is of this session and newer than all before.
static bool head_is_fresh(struct link *link, const struct link_frame_head *head) {
    bool up = link->state == LINK_UP || link->state == LINK_SILENT;
    if (up && mutant_is("link_foreign_frame_taken")) {
        return head->number > link->number_in;
    }
    if (!up || head->session != link->session_in.tag ||
        head->from_incarnation != link->peer.incarnation ||
        head->to_incarnation != link->options.self.incarnation) {
        link->counters.refused_foreign++;
        return false;
    }
    if (head->number <= link->number_in && !mutant_is("link_frame_repeated")) {
        link->counters.refused_old++;
        return false;
    }
    return true;
}

static void receive_pieces(struct link *link, mono_time now, uint8_t *frame, size_t size) {
    struct link_frame_head head;
    if (err_is(link_frame_take_head(bytes_of(frame, size), &head))) {
        link->counters.refused_broken++;
        return;
    }
    if (!head_is_fresh(link, &head)) {
        return;
    }
    bool plain = link->options.self.plain;
    uint8_t *content = frame + LINK_FRAME_HEAD_BYTES;
    size_t content_bytes = size - LINK_FRAME_HEAD_BYTES;
    if (plain != (head.kind == LINK_FRAME_PLAIN) ||
        (!plain && !link_open(
                       &link->session_in.key,
                       head.number,
                       bytes_of(frame, LINK_FRAME_HEAD_BYTES),
                       content,
                       content_bytes
                   ))) {
        link->counters.refused_broken++;
        return;
    }
    link->counters.frames_lost += head.number - link->number_in - 1;
    link->counters.frames_received++;
    link->counters.bytes_received += size;
    link->number_in = head.number;
    link->heard = now;
    link->rest = bytes_of(content, content_bytes - (plain ? 0 : LINK_SEAL_BYTES));
    if (link->state == LINK_SILENT) {
        link->owes_close = false;
        link_move(link, LINK_UP, now);
    }
}

void link_receive(struct link *link, mono_time now, uint8_t *frame, size_t size) {
    bytes whole = bytes_of(frame, size);
    enum link_frame_kind kind;
    link->rest = BYTES_EMPTY;
    if (size > LIMIT_PEER_FRAME_BYTES || err_is(link_frame_kind_of(whole, &kind))) {
        link->counters.refused_broken++;
        if (link->state == LINK_GREETING) {
            link_refuse(link, LINK_FAULT_FORM, "frame=unknown", now);
        }
        return;
    }
    switch (kind) {
    case LINK_FRAME_HELLO:
        receive_hello(link, now, whole);
        break;
    case LINK_FRAME_PROOF:
        receive_proof(link, now, whole);
        break;
    case LINK_FRAME_REFUSAL:
        receive_refusal(link, now, whole);
        break;
    case LINK_FRAME_SEALED:
    case LINK_FRAME_PLAIN:
        receive_pieces(link, now, frame, size);
        break;
    case LINK_FRAME_NONE:
    case LINK_FRAME_KIND_END:
        break;
    }
}

bool link_next_message(struct link *link, enum peer_class *out_class, bytes *out_message) {
    while (link->rest.size > 0) {
        struct link_piece piece;
        if (err_is(link_piece_take(&link->rest, &piece))) {
            // Sealed by a peer that proved itself: its release is broken, not its honesty.
            link->counters.refused_broken++;
            link->rest = BYTES_EMPTY;
            return false;
        }
        struct link_assembly *assembly = &link->assemblies[piece.peer_class];
        *out_class = piece.peer_class;
        if (!piece.part) {
            link->counters.partial_lost += link_assembly_drop(assembly);
            link->counters.messages_received++;
            *out_message = piece.content;
            return true;
        }
        switch (link_assembly_take(assembly, &piece, out_message)) {
        case LINK_ASSEMBLY_DONE:
            link->counters.messages_received++;
            return true;
        case LINK_ASSEMBLY_LOST:
            link->counters.partial_lost++;
            break;
        case LINK_ASSEMBLY_MORE:
            break;
        }
    }
    return false;
}
