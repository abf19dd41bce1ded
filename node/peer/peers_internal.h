// What the files of this room share: the links of a node, with their connections.
#pragma once

#include "node/peer/door.h"
#include "node/peer/link/link.h"
#include "node/peer/peers.h"
#include "proto/limits.h"

struct peer {
    uint32_t node;
    char *address; // its own copy
    struct link *link;
    struct line *line;       // the connection, or NULL
    struct knocker *knocker; // NULL: it dials us
    mono_time dials_at;      // not before
    mono_time gives_up_at;   // while it dials
    uint32_t pause_ms;       // after the next failure
    size_t budget;           // frames of this turn
    struct line_frame *frame;
    bool removed; // goes as soon as its end is told
    bool told_up;
    uint64_t told_incarnation;
    id128 told_store;
    enum link_fault last_fault;
    mono_time logged[LINK_FAULT_COUNT]; // when; {0}: never
};

struct stranger {
    struct line *line;
    mono_time since;
};

struct peers {
    struct arena *arena;              // texts that live as long
    struct link_options link_options; // of the links to come; `peer` is each one's own
    bool loopback_only;
    struct doorbell bell;
    const struct log *log;
    mono_time now;
    bool unread; // peers_next has not said yet that there is nothing more
    struct door *door;
    mono_time door_retries_at;
    struct stranger strangers[LIMIT_PEER_STRANGERS];
    size_t stranger_count;
    mono_time strangers_logged;
    size_t count;
    uint32_t cut[LIMIT_NODES]; // nodes that nothing passes to or from
    size_t cut_count;
    size_t cursor;      // whose turn it is in peers_next
    struct peer *items; // LIMIT_NODES places
};

// The peer of that id, or NULL.
struct peer *peers_find(const struct peers *peers, uint32_t node);

// Whether nothing passes to or from that node.
bool peers_is_cut(const struct peers *peers, uint32_t node);

static inline mono_time peers_later(mono_time now, uint32_t ms) {
    return (mono_time){now.ns + (int64_t)ms * 1000 * 1000};
}

// --- peers.c: the connection of a link. The line is the peer's from here on.
void peers_begin_connection(struct peers *peers, struct peer *peer, struct line *line);
void peers_end_connection(struct peers *peers, struct peer *peer);

// --- peers_members.c: who is a member.
// Adds the link to a node that has none. Errors: ERR_INVALID: its address.
MUST_USE err
peers_open_peer(struct peers *peers, const struct peers_member *member, struct arena *arena);
void peers_close_peer(struct peer *peer);
// Frees the links of removed nodes whose end was told.
void peers_sweep(struct peers *peers);

// --- strangers.c: who knocks: takes them in at the door, and gives them to the link of the node
// they say they are, or sends them away.
void strangers_pump(struct peers *peers);
void strangers_destroy(struct peers *peers);
mono_time strangers_next_wakeup(const struct peers *peers);

// --- peers_log.c: what people should know, each kind of refusal of a peer now and then.
void peers_log_refusal(
    struct peers *peers, struct peer *peer, enum link_fault fault, const char *detail
);
// That a node is a member from now on, or no more.
void peers_log_member(const struct peers *peers, const struct peer *peer, const char *name);
void peers_log_stranger(struct peers *peers, uint32_t from);
// That the link came up or went down, as told_up says.
void peers_log_change(const struct peers *peers, const struct peer *peer);
