// The life of a link. What makes a peer believed is in receive.c, what leaves is in send.c.
//
// Nothing is kept for a peer that is away: a message for later would be old news by then, and its
// sender has its own way to try again. A refused connection is held for a while before it is
// closed, because the other end dials again at once.
#include "node/peer/link/link_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 1024
};

static const size_t QUEUE_BYTES[PEER_CLASS_COUNT] = {
    LIMIT_PEER_URGENT_BYTES,
    LIMIT_PEER_BULK_BYTES,
    LIMIT_PEER_STREAM_BYTES,
};

// From each state, a bit for each that may follow.
#define TO(name) (1U << LINK_##name)
static const unsigned MOVES[LINK_STATE_COUNT] = {
    [LINK_CLOSED] = TO(GREETING),
    [LINK_GREETING] = TO(PROVING) | TO(REFUSED) | TO(CLOSED),
    [LINK_PROVING] = TO(PROVING) | TO(UP) | TO(REFUSED) | TO(CLOSED),
    [LINK_UP] = TO(SILENT) | TO(CLOSED),
    [LINK_SILENT] = TO(UP) | TO(CLOSED),
    [LINK_REFUSED] = TO(CLOSED),
};
#undef TO

const char *link_state_name(enum link_state state) {
    static const char *const NAMES[] = {
#define LINK_STATE_NAME(name, word) word,
        LINK_STATES(LINK_STATE_NAME)
#undef LINK_STATE_NAME
    };
    return NAMES[state];
}

struct link *link_create(const struct link_options *options) {
    struct link *link = calloc(1, sizeof(*link));
    check(link != NULL);
    link->options = *options;
    link->arena = arena_create(ARENA_BYTES);
    buffer_init(&link->hello_own, LINK_HELLO_BYTES_MAX);
    buffer_init(&link->hello_theirs, LINK_HELLO_BYTES_MAX);
    buffer_init(&link->pieces, LIMIT_PEER_FRAME_BYTES);
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        link_queue_init(&link->queues[at], QUEUE_BYTES[at]);
        link_assembly_init(&link->assemblies[at]);
    }
    return link;
}

void link_destroy(struct link **link) {
    struct link *gone = *link;
    *link = NULL;
    if (gone == NULL) {
        return;
    }
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        link_queue_deinit(&gone->queues[at]);
        link_assembly_deinit(&gone->assemblies[at]);
    }
    buffer_deinit(&gone->hello_own);
    buffer_deinit(&gone->hello_theirs);
    buffer_deinit(&gone->pieces);
    arena_destroy(&gone->arena);
    link_session_forget(&gone->session_in);
    link_session_forget(&gone->session_out);
    free(gone);
}

static void drop_everything(struct link *link) {
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        link->counters.dropped_down += link_queue_clear(&link->queues[at]);
        link->part_offset[at] = 0;
    }
}

void link_move(struct link *link, enum link_state state, mono_time now) {
    check((MOVES[link->state] >> state & 1) != 0);
    if (state == LINK_UP) {
        link->counters.ups++;
    }
    if (link->state == LINK_UP) {
        link->counters.downs++;
        link->rest = BYTES_EMPTY;
        drop_everything(link);
    }
    link->state = state;
    link->since = now;
}

void link_refuse(struct link *link, enum link_fault fault, const char *detail, mono_time now) {
    link->fault = fault;
    link->fault_detail = arena_format(link->arena, "%s", detail);
    link->fault_taken = false;
    link->owes_hello = false;
    link->owes_proof = false;
    link->owes_refusal = fault != LINK_FAULT_REFUSES && fault != LINK_FAULT_SILENT;
    link->counters.refused_hello++;
    link_move(link, LINK_REFUSED, now);
}

void link_connected(struct link *link, mono_time now, bytes nonce) {
    check(nonce.size == LINK_NONCE_BYTES);
    link_disconnected(link, now);
    arena_reset(link->arena);
    buffer_clear(&link->hello_own);
    buffer_clear(&link->hello_theirs);
    memcpy(link->nonce, nonce.data, LINK_NONCE_BYTES);
    link_hello_put(&link->hello_own, &link->options.self, link->options.peer, nonce);
    check(!link->hello_own.overflowed);
    link->fault = LINK_FAULT_NONE;
    link->fault_taken = true;
    link->owes_hello = true;
    link_move(link, LINK_GREETING, now);
}

void link_disconnected(struct link *link, mono_time now) {
    if (link->state == LINK_CLOSED) {
        return;
    }
    link_move(link, LINK_CLOSED, now);
    link->owes_hello = false;
    link->owes_proof = false;
    link->owes_refusal = false;
    link->owes_close = false;
    link->begun = LINK_FRAME_NONE;
    link->number_in = 0;
    link->number_out = 0;
    link->rest = BYTES_EMPTY;
    link_session_forget(&link->session_in);
    link_session_forget(&link->session_out);
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        link->counters.partial_lost += link_assembly_drop(&link->assemblies[at]);
    }
}

// How long a state may last; 0: for ever.
static uint32_t patience_ms(const struct link *link) {
    switch (link->state) {
    case LINK_GREETING:
    case LINK_PROVING:
        return LIMIT_PEER_HELLO_MS;
    case LINK_UP:
        return link->options.silence_ms;
    case LINK_SILENT:
        return LIMIT_PEER_ABANDON_MS;
    case LINK_CLOSED:
    case LINK_REFUSED:
    case LINK_STATE_COUNT:
        break;
    }
    return 0;
}

static bool patience_is_over(const struct link *link, mono_time now) {
    int64_t since = link->state == LINK_UP ? link->heard.ns : link->since.ns;
    uint32_t ms = patience_ms(link);
    return ms > 0 && now.ns - since >= link_ms(ms);
}

void link_tick(struct link *link, mono_time now) {
    if (link->state == LINK_REFUSED) {
        link->owes_close =
            link->owes_close || now.ns - link->since.ns >= link_ms(LIMIT_PEER_REFUSED_MS);
        return;
    }
    if (!patience_is_over(link, now)) {
        return;
    }
    if (link->state == LINK_UP) {
        if (mutant_is("link_silence_unnoticed")) {
            return;
        }
        link->counters.silences++;
        link_move(link, LINK_SILENT, now);
    } else if (link->state == LINK_SILENT) {
        link->owes_close = true;
    } else {
        link_refuse(link, LINK_FAULT_SILENT, "", now);
        link->owes_close = true;
    }
}

bool link_wants_close(const struct link *link) {
    return link->owes_close;
}

mono_time link_next_wakeup(const struct link *link, bool socket_is_free) {
    mono_time never = {INT64_MAX};
    int64_t due = INT64_MAX;
    if (link->state == LINK_REFUSED) {
        return link->owes_close ? never
                                : (mono_time){link->since.ns + link_ms(LIMIT_PEER_REFUSED_MS)};
    }
    uint32_t ms = patience_ms(link);
    if (ms > 0 && !link->owes_close) {
        due = (link->state == LINK_UP ? link->heard.ns : link->since.ns) + link_ms(ms);
    }
    if (socket_is_free && (link->state == LINK_UP || link->state == LINK_SILENT)) {
        int64_t beat = link->spoke.ns + link_ms(link->options.heartbeat_ms);
        due = beat < due ? beat : due;
    }
    return (mono_time){due};
}

enum link_state link_state_of(const struct link *link) {
    return link->state;
}

bool link_is_up(const struct link *link) {
    return link->state == LINK_UP;
}

uint64_t link_peer_incarnation(const struct link *link) {
    return link->incarnation;
}

id128 link_peer_store(const struct link *link) {
    return link->store_uuid;
}

bytes link_peer_release(const struct link *link) {
    bool known = link->state == LINK_UP || link->state == LINK_SILENT;
    return known ? link->peer.release : BYTES_EMPTY;
}

uint16_t link_release_agreed(const struct link *link) {
    bool known = link->state == LINK_UP || link->state == LINK_SILENT;
    uint16_t theirs = link->peer.release_high;
    uint16_t ours = link->options.self.release_high;
    return !known ? 0 : theirs < ours ? theirs : ours;
}

void link_peer_release_range(const struct link *link, uint16_t *out_low, uint16_t *out_high) {
    *out_low = link->peer.release_low;
    *out_high = link->peer.release_high;
}

void link_require_release(struct link *link, uint16_t version) {
    if (link->options.self.release_low < version) {
        link->options.self.release_low = version;
    }
}

size_t link_queued_bytes(const struct link *link, enum peer_class peer_class) {
    return link_queue_bytes(&link->queues[peer_class]);
}

const struct peer_counters *link_counters(const struct link *link) {
    return &link->counters;
}

bool link_take_refusal(struct link *link, enum link_fault *out_fault, const char **out_detail) {
    if (link->fault == LINK_FAULT_NONE || link->fault_taken) {
        return false;
    }
    link->fault_taken = true;
    *out_fault = link->fault;
    *out_detail = link->fault_detail;
    return true;
}
