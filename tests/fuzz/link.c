// A link that gets any frames, from strangers and from its peer, whole, changed and late. Input:
// steps of `u8 what, u16 size, bytes`.
//
// It never reads past a frame, hands up messages only while it is up, none too large, and is never
// brought up by a stranger. Pieces that are taken are what they are written as.
#include "node/peer/link/link.h"

#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum step {
    STEP_STRANGER,  // a frame as it is
    STEP_PREFIXED,  // behind a good prefix
    STEP_SEND,      // a message, which the peer will seal
    STEP_CHANGED,   // the peer's next frame, with bytes changed
    STEP_CARRY,     // the peer's next frame
    STEP_TIME,      // passes
    STEP_RECONNECT, // with new nonces
    STEP_COUNT,
};

struct pair_of_links {
    struct link *ours;
    struct link *theirs;
    mono_time now;
    uint8_t nonces;
};

static struct link *open_link(uint32_t self) {
    return link_create(&(struct link_options){
        .self =
            {
                .node_id = self,
                .incarnation = self,
                .release_low = 1,
                .release_high = 1,
                .release = BYTES_LITERAL("f"),
            },
        .peer = 3 - self,
        .key = link_key_from_secret(BYTES_LITERAL("a key of a fuzzer")),
        .heartbeat_ms = LIMIT_PEER_HEARTBEAT_MS,
        .silence_ms = LIMIT_PEER_SILENCE_MS,
    });
}

// Gives a frame, in memory of exactly its size, to `to`.
static void give(struct pair_of_links *pair, struct link *to, bytes frame) {
    uint8_t *copy = malloc(frame.size > 0 ? frame.size : 1);
    check(copy != NULL);
    if (frame.size > 0) {
        memcpy(copy, frame.data, frame.size);
    }
    link_receive(to, pair->now, copy, frame.size);
    enum peer_class peer_class;
    bytes message;
    while (link_next_message(to, &peer_class, &message)) {
        check(link_is_up(to));
        check(peer_class < PEER_CLASS_COUNT);
        check(message.size > 0 && message.size <= LIMIT_PEER_MESSAGE_BYTES);
        uint8_t last = message.data[message.size - 1];
        (void)last;
    }
    free(copy);
}

// The next frame of a link into `out`. Its size, or 0.
static size_t next_frame(struct pair_of_links *pair, struct link *from, uint8_t *out) {
    size_t size = link_frame_begin(from, pair->now);
    if (size > 0) {
        link_frame_finish(from, out);
    }
    return size;
}

static void reconnect(struct pair_of_links *pair) {
    uint8_t nonce[LINK_NONCE_BYTES] = {++pair->nonces};
    link_connected(pair->ours, pair->now, bytes_of(nonce, sizeof(nonce)));
    nonce[1] = 1;
    link_connected(pair->theirs, pair->now, bytes_of(nonce, sizeof(nonce)));
}

static void change(uint8_t *frame, size_t size, bytes how) {
    for (size_t at = 0; at + 1 < how.size; at += 2) {
        frame[how.data[at] % size] ^= how.data[at + 1];
    }
}

static void take_step(struct pair_of_links *pair, enum step step, bytes rest, uint8_t *frame) {
    size_t size = 0;
    switch (step) {
    case STEP_STRANGER:
        give(pair, pair->ours, rest);
        break;
    case STEP_PREFIXED:
        size = rest.size < 600 ? rest.size : 600;
        link_frame_put_prefix(
            frame, rest.size > 0 ? (enum link_frame_kind)(rest.data[0] % 7) : LINK_FRAME_HELLO
        );
        if (size > 0) {
            memcpy(frame + LINK_FRAME_PREFIX_BYTES, rest.data, size);
        }
        give(pair, pair->ours, bytes_of(frame, LINK_FRAME_PREFIX_BYTES + size));
        break;
    case STEP_SEND:
        if (rest.size > 0) {
            (void)link_send(pair->theirs, (enum peer_class)(rest.data[0] % 3), rest);
        }
        break;
    case STEP_CHANGED:
        size = next_frame(pair, pair->theirs, frame);
        if (size > 0) {
            change(frame, size, rest);
            give(pair, pair->ours, bytes_of(frame, size));
        }
        break;
    case STEP_CARRY:
        size = next_frame(pair, pair->theirs, frame);
        give(pair, pair->ours, bytes_of(frame, size));
        size = next_frame(pair, pair->ours, frame);
        give(pair, pair->theirs, bytes_of(frame, size));
        break;
    case STEP_TIME:
        pair->now.ns += INT64_C(100) * 1000 * 1000 * (rest.size > 0 ? rest.data[0] : 1);
        link_tick(pair->ours, pair->now);
        link_tick(pair->theirs, pair->now);
        check(link_next_wakeup(pair->ours, true).ns >= 0);
        break;
    case STEP_RECONNECT:
        reconnect(pair);
        break;
    case STEP_COUNT:
        break;
    }
}

static void check_pieces(bytes input) {
    struct buffer again;
    buffer_init(&again, SIZE_MAX);
    bytes rest = input;
    struct link_piece piece;
    while (rest.size > 0 && !err_is(link_piece_take(&rest, &piece))) {
        check(piece.offset + piece.content.size <= LIMIT_PEER_MESSAGE_BYTES);
        link_piece_put(&again, &piece);
    }
    check(again.size <= input.size);
    check(bytes_equal(buffer_bytes(&again), bytes_slice(input, 0, again.size)));
    buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct pair_of_links pair = {
        .ours = open_link(1), .theirs = open_link(2), .now = {INT64_C(1000000000)}};
    uint8_t *frame = malloc(LIMIT_PEER_FRAME_BYTES);
    check(frame != NULL);
    bytes rest = bytes_of(input, size);
    bool strangers_only = true;
    reconnect(&pair);
    while (rest.size >= 3) {
        enum step step = (enum step)(rest.data[0] % STEP_COUNT);
        size_t bytes_max = rest.size - 3;
        size_t part = ((size_t)rest.data[1] << 8 | rest.data[2]) % (bytes_max + 1);
        strangers_only = strangers_only && step != STEP_CARRY && step != STEP_CHANGED;
        take_step(&pair, step, bytes_slice(rest, 3, 3 + part), frame);
        rest = bytes_slice(rest, 3 + part, rest.size);
    }
    check(!strangers_only || !link_is_up(pair.ours));
    check_pieces(bytes_of(input, size));
    free(frame);
    link_destroy(&pair.ours);
    link_destroy(&pair.theirs);
    return 0;
}
