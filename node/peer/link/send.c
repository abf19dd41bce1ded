// What leaves, and in which order: what a connection owes, then messages by class. A frame is
// gathered from the queues when the socket is free, and numbered and sealed as it is written, so
// that nothing waits behind a number.
//
// A message that fits into an empty frame goes whole; it may close a frame early, but is never cut.
// Larger ones are cut to fill frames; the urgent queue is looked at first for each.
#include "node/peer/link/link_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <string.h>

enum {
    PIECES_BYTES_MAX = LIMIT_PEER_FRAME_BYTES - LINK_FRAME_HEAD_BYTES - LINK_SEAL_BYTES,
    WHOLE_BYTES_MAX = PIECES_BYTES_MAX - LINK_PIECE_WHOLE_BYTES,
};

_Static_assert(
    (int)LIMIT_PEER_BULK_BYTES >= (int)LIMIT_PEER_MESSAGE_BYTES + (int)LINK_QUEUE_HEAD_BYTES &&
        (int)LIMIT_PEER_STREAM_BYTES >= (int)LIMIT_PEER_MESSAGE_BYTES + (int)LINK_QUEUE_HEAD_BYTES,
    "a queue holds a message of the largest size"
);

bool link_send(struct link *link, enum peer_class peer_class, bytes message) {
    check(message.size > 0);
    if (message.size > LIMIT_PEER_MESSAGE_BYTES) {
        link->counters.dropped_large++;
        return false;
    }
    if (link->state != LINK_UP) {
        link->counters.dropped_down++;
        return false;
    }
    if (!link_queue_push(&link->queues[peer_class], message)) {
        link->counters.dropped_full++;
        return false;
    }
    return true;
}

// Moves the first message of a class, or a part of it, into the frame. False: no room for it now.
static bool gather_one(struct link *link, enum peer_class peer_class, bytes message) {
    size_t room = PIECES_BYTES_MAX - link->pieces.size;
    if (message.size <= WHOLE_BYTES_MAX) {
        if (link_piece_bytes(false, message.size) > room) {
            return false;
        }
        link_piece_put(
            &link->pieces, &(struct link_piece){.peer_class = peer_class, .content = message}
        );
        link_queue_pop(&link->queues[peer_class]);
        link->counters.messages_sent++;
        return true;
    }
    if (room <= LINK_PIECE_PART_BYTES) {
        return false;
    }
    size_t offset = link->part_offset[peer_class];
    size_t size = room - LINK_PIECE_PART_BYTES;
    bool last = message.size - offset <= size;
    size = last ? message.size - offset : size;
    if (offset == 0) {
        link->part_stream[peer_class]++;
    }
    link_piece_put(
        &link->pieces,
        &(struct link_piece){
            .peer_class = peer_class,
            .part = true,
            .last = last,
            .stream = link->part_stream[peer_class],
            .offset = (uint32_t)offset,
            .content = bytes_slice(message, offset, offset + size),
        }
    );
    link->part_offset[peer_class] = last ? 0 : (uint32_t)(offset + size);
    if (last) {
        link_queue_pop(&link->queues[peer_class]);
        link->counters.messages_sent++;
    }
    return last;
}

// Fills the frame in the order of classes; the first message that does not fit closes it.
static void gather(struct link *link) {
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        bytes message = BYTES_EMPTY;
        while (link_queue_first(&link->queues[at], &message)) {
            if (!gather_one(link, (enum peer_class)at, message)) {
                return;
            }
        }
    }
}

size_t link_frame_begin(struct link *link, mono_time now) {
    link->begun = LINK_FRAME_NONE;
    buffer_clear(&link->pieces);
    if (link->owes_hello) {
        link->begun = LINK_FRAME_HELLO;
        return link->hello_own.size;
    }
    if (link->owes_proof) {
        link->begun = LINK_FRAME_PROOF;
        return LINK_PROOF_FRAME_BYTES;
    }
    if (link->owes_refusal) {
        link->begun = LINK_FRAME_REFUSAL;
        return LINK_REFUSAL_FRAME_BYTES;
    }
    if (link->state != LINK_UP && link->state != LINK_SILENT) {
        return 0;
    }
    gather(link);
    bool beat = now.ns - link->spoke.ns >= link_ms(link->options.heartbeat_ms);
    if (link->pieces.size == 0 && !beat) {
        return 0;
    }
    link->spoke = now;
    link->begun = link->options.self.plain ? LINK_FRAME_PLAIN : LINK_FRAME_SEALED;
    return LINK_FRAME_HEAD_BYTES + link->pieces.size +
           (link->options.self.plain ? 0 : LINK_SEAL_BYTES);
}

static void finish_proof(struct link *link, uint8_t *out) {
    bytes theirs = link->peer.nonce;
    link_frame_put_prefix(out, LINK_FRAME_PROOF);
    memcpy(out + LINK_FRAME_PREFIX_BYTES, theirs.data, LINK_ANSWER_BYTES);
    link_proof_make(
        &link->options.key,
        buffer_bytes(&link->hello_own),
        buffer_bytes(&link->hello_theirs),
        out + LINK_FRAME_PREFIX_BYTES + LINK_ANSWER_BYTES
    );
    link->owes_proof = false;
}

static void finish_pieces(struct link *link, uint8_t *out) {
    bytes pieces = buffer_bytes(&link->pieces);
    struct link_frame_head head = {
        .kind = link->begun,
        .session = link->session_out.tag,
        .from_incarnation = link->options.self.incarnation,
        .to_incarnation = link->peer.incarnation,
        .number = ++link->number_out,
    };
    link_frame_put_head(out, &head);
    if (link->begun == LINK_FRAME_SEALED) {
        link_seal(
            &link->session_out.key,
            head.number,
            bytes_of(out, LINK_FRAME_HEAD_BYTES),
            pieces,
            out + LINK_FRAME_HEAD_BYTES
        );
        link->counters.bytes_sent += LINK_SEAL_BYTES;
    } else if (pieces.size > 0) {
        memcpy(out + LINK_FRAME_HEAD_BYTES, pieces.data, pieces.size);
    }
    link->counters.frames_sent++;
    link->counters.bytes_sent += LINK_FRAME_HEAD_BYTES + pieces.size;
}

void link_frame_finish(struct link *link, uint8_t *out) {
    switch (link->begun) {
    case LINK_FRAME_HELLO:
        memcpy(out, link->hello_own.data, link->hello_own.size);
        link->owes_hello = false;
        break;
    case LINK_FRAME_PROOF:
        finish_proof(link, out);
        break;
    case LINK_FRAME_REFUSAL:
        link_refusal_put(out, link->fault);
        link->owes_refusal = false;
        break;
    case LINK_FRAME_SEALED:
    case LINK_FRAME_PLAIN:
        finish_pieces(link, out);
        break;
    case LINK_FRAME_NONE:
    case LINK_FRAME_KIND_END:
        check_failed("a frame was begun", __FILE__, __LINE__);
    }
    link->begun = LINK_FRAME_NONE;
}

bool link_has_frame(const struct link *link) {
    bool waits = link->owes_hello || link->owes_proof || link->owes_refusal;
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        waits = waits || link->queues[at].count > 0;
    }
    return waits;
}
