// Ties each link to its connection: frames go to the link, its frames go out, and what changes is
// told. All of it on the core's thread; `line` and `door` are the border to NNG's threads.
//
// The lower id dials. What comes in at the door is a stranger until its first frame says which node
// it is, and nobody until it proved that: it takes the place of a connection that is not up, never
// of one that is. A turn takes at most the frames that were there when it began, so that a peer
// that floods cannot hold the core; the bell has rung for the rest.
#include "node/peer/address.h"
#include "node/peer/options.h"
#include "node/peer/peers_internal.h"
#include "proto/base/check.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 4 * 1024,
    BUSY_MS = 20, // to look again at a line that was busy
};

struct peer *peers_find(const struct peers *peers, uint32_t node) {
    for (size_t at = 0; at < peers->count; at++) {
        if (peers->items[at].node == node) {
            return &peers->items[at];
        }
    }
    return NULL;
}

// --- opening and closing

static struct link_options
link_options_of(const struct peers *peers, const struct peers_options *options) {
    const char *release = arena_format(peers->arena, "%s", options->release);
    return (struct link_options){
        .self =
            {
                .cluster_id = options->cluster_id,
                .node_id = options->self_id,
                .store_uuid = options->store_uuid,
                .incarnation = options->incarnation,
                .release_low = options->release_low,
                .release_high = options->release_high,
                .release = bytes_from_text(release),
                .plain = options->plain,
            },
        .key = link_key_from_secret(options->key),
        .heartbeat_ms = options->heartbeat_ms > 0 ? options->heartbeat_ms : LIMIT_PEER_HEARTBEAT_MS,
        .silence_ms = options->silence_ms > 0 ? options->silence_ms : LIMIT_PEER_SILENCE_MS,
    };
}

MUST_USE static err
open_door(struct peers *peers, const struct peers_options *options, struct arena *arena) {
    struct address address;
    check(address_parse(options_member(options, options->self_id)->address, &address));
    if (options->listen_host != NULL) {
        address.host = bytes_from_text(options->listen_host);
    }
    return door_open(&peers->bell, address_url(arena, address), arena, &peers->door);
}

MUST_USE static err
open_peers(struct peers *peers, const struct peers_options *options, struct arena *arena) {
    TRY(doorbell_init(&peers->bell));
    TRY(open_door(peers, options, arena));
    for (size_t at = 0; at < options->member_count; at++) {
        if (options->members[at].node_id != options->self_id) {
            TRY(peers_open_peer(peers, &options->members[at], arena));
        }
    }
    return ERR_NONE;
}

err peers_create(
    const struct peers_options *options, struct arena *arena, struct peers **out_peers
) {
    TRY(options_check(options, arena));
    if (sodium_init() < 0) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct peers *peers = calloc(1, sizeof(*peers));
    check(peers != NULL);
    peers->arena = arena_create(ARENA_BYTES);
    peers->log = options->log;
    peers->bell.fd = -1;
    peers->items = calloc(LIMIT_NODES, sizeof(struct peer));
    check(peers->items != NULL);
    peers->loopback_only = options->plain && !options->plain_anywhere;
    peers->link_options = link_options_of(peers, options);
    err error = open_peers(peers, options, arena);
    if (err_is(error)) {
        peers_destroy(&peers);
        return error;
    }
    *out_peers = peers;
    return ERR_NONE;
}

void peers_destroy(struct peers **peers) {
    struct peers *gone = *peers;
    *peers = NULL;
    if (gone == NULL) {
        return;
    }
    door_close(&gone->door);
    strangers_destroy(gone);
    for (size_t at = 0; at < gone->count; at++) {
        peers_close_peer(&gone->items[at]);
    }
    sodium_memzero(&gone->link_options.key, sizeof(gone->link_options.key));
    doorbell_deinit(&gone->bell);
    free(gone->items);
    arena_destroy(&gone->arena);
    free(gone);
}

// --- what is told

static void log_refusal_of_link(struct peers *peers, struct peer *peer) {
    enum link_fault fault = LINK_FAULT_NONE;
    const char *detail = "";
    if (link_take_refusal(peer->link, &fault, &detail)) {
        peers_log_refusal(peers, peer, fault, detail);
    }
}

// Whether the link came up or went down and nobody was told.
static bool tell_change(struct peers *peers, struct peer *peer, struct peer_event *out_event) {
    bool up = link_is_up(peer->link);
    if (up == peer->told_up) {
        return false;
    }
    peer->told_up = up;
    if (up) {
        peer->told_incarnation = link_peer_incarnation(peer->link);
        peer->told_store = link_peer_store(peer->link);
        peer->pause_ms = LIMIT_PEER_RECONNECT_MS;
    }
    peers_log_change(peers, peer);
    *out_event = (struct peer_event){
        .kind = up ? PEER_UP : PEER_DOWN,
        .node = peer->node,
        .incarnation = peer->told_incarnation,
        .store_uuid = peer->told_store,
    };
    if (up) {
        link_peer_release_range(peer->link, &out_event->release_low, &out_event->release_high);
    }
    return true;
}

void peers_require_release(struct peers *peers, uint16_t version) {
    struct link_identity *self = &peers->link_options.self; // of links to come
    self->release_low = self->release_low < version ? version : self->release_low;
    for (size_t at = 0; at < peers->count; at++) {
        link_require_release(peers->items[at].link, version);
    }
}

// --- connections

void peers_begin_connection(struct peers *peers, struct peer *peer, struct line *line) {
    uint8_t nonce[LINK_NONCE_BYTES];
    randombytes_buf(nonce, sizeof(nonce));
    peer->line = line;
    link_connected(peer->link, peers->now, bytes_of(nonce, sizeof(nonce)));
}

// The next attempt comes later and later, until one succeeds.
static void put_off_dialling(struct peers *peers, struct peer *peer) {
    uint32_t doubled = 2 * peer->pause_ms;
    peer->dials_at = peers_later(peers->now, peer->pause_ms);
    peer->pause_ms = doubled < LIMIT_PEER_RECONNECT_MS_MAX ? doubled : LIMIT_PEER_RECONNECT_MS_MAX;
}

void peers_end_connection(struct peers *peers, struct peer *peer) {
    line_frame_free(&peer->frame);
    line_destroy(&peer->line);
    link_disconnected(peer->link, peers->now);
    peer->budget = 0;
    put_off_dialling(peers, peer);
}

static void dial(struct peers *peers, struct peer *peer) {
    switch (knocker_state_of(peer->knocker)) {
    case KNOCKER_OPENED:
        peers_begin_connection(peers, peer, knocker_take(peer->knocker));
        break;
    case KNOCKER_IDLE:
    case KNOCKER_FAILED:
        if (peers->now.ns >= peer->dials_at.ns) {
            put_off_dialling(peers, peer);
            peer->gives_up_at = peers_later(peers->now, LIMIT_PEER_DIAL_MS);
            knocker_start(peer->knocker);
        }
        break;
    case KNOCKER_DIALS:
        if (peers->now.ns >= peer->gives_up_at.ns) {
            // The system would wait for minutes, and longer each time, while the way is open again.
            knocker_give_up(peer->knocker);
        }
        break;
    }
}

static void send_frame(struct peers *peers, struct peer *peer) {
    if (peer->line == NULL || !line_is_free(peer->line) || peers_is_cut(peers, peer->node)) {
        return;
    }
    size_t size = link_frame_begin(peer->link, peers->now);
    if (size > 0) {
        link_frame_finish(peer->link, line_begin(peer->line, size));
        line_send(peer->line);
    }
}

// --- frames

// The next frame of this turn. True: it, or the end of the connection, was looked at.
static bool take_frame(struct peers *peers, struct peer *peer) {
    line_frame_free(&peer->frame);
    if (peer->line == NULL) {
        return false;
    }
    if (peer->budget == 0) {
        bool over = line_has_ended(peer->line) && line_waiting(peer->line) == 0;
        if (over) {
            peers_end_connection(peers, peer);
        }
        return over;
    }
    peer->budget--;
    peer->frame = line_take(peer->line);
    check(peer->frame != NULL);
    link_receive(peer->link, peers->now, peer->frame->data, peer->frame->size);
    log_refusal_of_link(peers, peer);
    return true;
}

bool peers_next(struct peers *peers, struct peer_event *out_event) {
    for (size_t idle = 0; idle < peers->count;) {
        struct peer *peer = &peers->items[peers->cursor];
        if (tell_change(peers, peer, out_event)) {
            return true;
        }
        enum peer_class peer_class = PEER_URGENT;
        bytes message = BYTES_EMPTY;
        if (link_next_message(peer->link, &peer_class, &message)) {
            *out_event = (struct peer_event){
                .kind = PEER_MESSAGE,
                .node = peer->node,
                .incarnation = peer->told_incarnation,
                .store_uuid = peer->told_store,
                .peer_class = peer_class,
                .message = message,
            };
            return true;
        }
        if (take_frame(peers, peer)) {
            idle = 0;
        } else {
            idle++;
            peers->cursor = (peers->cursor + 1) % peers->count;
        }
    }
    peers->unread = false;
    return false;
}

// --- turns

// What came over a way that is cut was never there.
static void lose_frames(struct peer *peer) {
    line_frame_free(&peer->frame);
    while (peer->line != NULL && line_waiting(peer->line) > 0) {
        struct line_frame *frame = line_take(peer->line);
        line_frame_free(&frame);
    }
}

static void pump_peer(struct peers *peers, struct peer *peer) {
    bool cut = peers_is_cut(peers, peer->node);
    if (cut) {
        lose_frames(peer);
    }
    peer->budget = peer->line != NULL ? line_waiting(peer->line) : 0;
    if (peer->budget == 0) {
        // With frames waiting it is we who were silent.
        link_tick(peer->link, peers->now);
        log_refusal_of_link(peers, peer);
    }
    if (link_wants_close(peer->link)) {
        peers_end_connection(peers, peer);
    }
    if (peer->line == NULL && peer->knocker != NULL && !peer->removed && !cut) {
        dial(peers, peer);
    }
    send_frame(peers, peer);
}

void peers_pump(struct peers *peers, mono_time now) {
    peers->now = now;
    doorbell_quiet(&peers->bell);
    peers_sweep(peers);
    strangers_pump(peers);
    peers->unread = true;
    for (size_t at = 0; at < peers->count; at++) {
        pump_peer(peers, &peers->items[at]);
    }
}

void peers_flush(struct peers *peers, mono_time now) {
    peers->now = now;
    for (size_t at = 0; at < peers->count; at++) {
        send_frame(peers, &peers->items[at]);
    }
}

bool peers_send(struct peers *peers, uint32_t to, enum peer_class peer_class, bytes message) {
    struct peer *peer = peers_find(peers, to);
    return peer != NULL && link_send(peer->link, peer_class, message);
}

int peers_fd(const struct peers *peers) {
    return peers->bell.fd;
}

static mono_time wakeup_of(const struct peers *peers, const struct peer *peer) {
    if (peers_is_cut(peers, peer->node)) {
        return peer->line != NULL ? link_next_wakeup(peer->link, false) : (mono_time){INT64_MAX};
    }
    if (peer->line == NULL) {
        if (peer->knocker == NULL || peer->removed) {
            return (mono_time){INT64_MAX};
        }
        bool dials = knocker_state_of(peer->knocker) == KNOCKER_DIALS;
        return dials ? peer->gives_up_at : peer->dials_at;
    }
    if (link_has_frame(peer->link)) {
        return line_want(peer->line) ? peers->now : link_next_wakeup(peer->link, false);
    }
    // A heartbeat that is due while a frame is being written waits a little: a bell for the end of
    // each frame would wake the core once more for every message.
    mono_time due = link_next_wakeup(peer->link, true);
    mono_time soon = peers_later(peers->now, BUSY_MS);
    return due.ns < soon.ns && !line_is_free(peer->line) ? soon : due;
}

static mono_time sooner(mono_time left, mono_time right) {
    return left.ns < right.ns ? left : right;
}

mono_time peers_next_wakeup(const struct peers *peers) {
    mono_time first = peers->unread ? peers->now : strangers_next_wakeup(peers);
    for (size_t at = 0; at < peers->count; at++) {
        first = sooner(first, wakeup_of(peers, &peers->items[at]));
    }
    return first;
}

// --- what is known

bool peers_status(const struct peers *peers, size_t index, struct peer_status *out_status) {
    if (index >= peers->count) {
        return false;
    }
    const struct peer *peer = &peers->items[index];
    *out_status = (struct peer_status){
        .node = peer->node,
        .address = peer->address,
        .up = link_is_up(peer->link),
        .state = link_state_name(link_state_of(peer->link)),
        .last_fault = link_fault_name(peer->last_fault),
        .incarnation = link_peer_incarnation(peer->link),
        .store_uuid = link_peer_store(peer->link),
        .release_agreed = link_release_agreed(peer->link),
        .release = link_peer_release(peer->link),
        .counters = *link_counters(peer->link),
    };
    for (int at = 0; at < PEER_CLASS_COUNT; at++) {
        out_status->queued_bytes[at] = link_queued_bytes(peer->link, (enum peer_class)at);
    }
    return true;
}

struct peer_counters peers_stats(const struct peers *peers) {
    struct peer_counters sum = {0};
    for (size_t at = 0; at < peers->count; at++) {
        const struct peer_counters *one = link_counters(peers->items[at].link);
#define PEER_COUNTER_ADD(name, meaning) sum.name += one->name;
        PEER_COUNTERS(PEER_COUNTER_ADD)
#undef PEER_COUNTER_ADD
    }
    return sum;
}
