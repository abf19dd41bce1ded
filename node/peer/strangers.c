// A stranger is a connection that has not said who it is. There are few places, for a short time
// each: the newest takes the place of the oldest, so that silent ones keep nobody out. What it says
// is not believed yet: it may take the place of a connection that is not up, never of one that is.
#include "node/peer/peers_internal.h"

// The place is free; the others stay in the order of their coming.
static void release(struct peers *peers, size_t index) {
    peers->stranger_count--;
    for (size_t at = index; at < peers->stranger_count; at++) {
        peers->strangers[at] = peers->strangers[at + 1];
    }
}

static void forget(struct peers *peers, size_t index) {
    line_destroy(&peers->strangers[index].line);
    release(peers, index);
}

static void open_the_door(struct peers *peers) {
    struct line *line = NULL;
    while ((line = door_take(peers->door)) != NULL) {
        if (peers->stranger_count == LIMIT_PEER_STRANGERS) {
            forget(peers, 0);
        }
        peers->strangers[peers->stranger_count++] =
            (struct stranger){.line = line, .since = peers->now};
    }
    if (door_has_failed(peers->door) && peers->now.ns >= peers->door_retries_at.ns) {
        peers->door_retries_at = peers_later(peers->now, LIMIT_PEER_RECONNECT_MS_MAX);
        door_retry(peers->door);
    }
}

// Tells why; the connection is then closed.
static void send_away(struct line *line, enum link_fault fault) {
    link_refusal_put(line_begin(line, LINK_REFUSAL_FRAME_BYTES), fault);
    line_send(line);
}

// Gives the connection to the node that its first frame names. False: to nobody.
static bool admit(struct peers *peers, struct line *line, bytes hello) {
    uint32_t from = 0;
    bool greets = link_hello_peek(hello, &from);
    if (greets && peers_is_cut(peers, from)) {
        return false;
    }
    struct peer *peer = greets ? peers_find(peers, from) : NULL;
    if (greets && (peer == NULL || peer->removed)) {
        send_away(line, LINK_FAULT_MEMBER);
    }
    if (peer == NULL || peer->removed || peer->knocker != NULL) {
        peers_log_stranger(peers, from);
        return false;
    }
    // A connection whose end is not looked at yet is none: its node was restarted.
    if (link_is_up(peer->link) && !line_has_ended(peer->line)) {
        send_away(line, LINK_FAULT_TWICE);
        peers_log_refusal(peers, peer, LINK_FAULT_TWICE, "");
        return false;
    }
    if (peer->line != NULL) {
        peers_end_connection(peers, peer);
    }
    peers_begin_connection(peers, peer, line);
    return true;
}

static void look_at_all(struct peers *peers) {
    for (size_t at = 0; at < peers->stranger_count;) {
        struct stranger *stranger = &peers->strangers[at];
        bytes hello = BYTES_EMPTY;
        bool spoke = line_peek(stranger->line, &hello);
        if (spoke && admit(peers, stranger->line, hello)) {
            release(peers, at);
        } else if (spoke || line_has_ended(stranger->line) ||
                   peers->now.ns >= peers_later(stranger->since, LIMIT_PEER_HELLO_MS).ns) {
            forget(peers, at);
        } else {
            at++;
        }
    }
}

void strangers_pump(struct peers *peers) {
    open_the_door(peers);
    look_at_all(peers);
}

void strangers_destroy(struct peers *peers) {
    while (peers->stranger_count > 0) {
        forget(peers, 0);
    }
}

mono_time strangers_next_wakeup(const struct peers *peers) {
    mono_time first = {
        peers->door != NULL && door_has_failed(peers->door) ? peers->door_retries_at.ns
                                                            : INT64_MAX};
    for (size_t at = 0; at < peers->stranger_count; at++) {
        mono_time due = peers_later(peers->strangers[at].since, LIMIT_PEER_HELLO_MS);
        first = due.ns < first.ns ? due : first;
    }
    return first;
}
