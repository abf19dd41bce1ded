// Who is a member: links come and go while the node runs. What comes is one more link among the
// others. What goes is closed at once, and its place freed a turn later, when its end was told, so
// that whoever watches the events sees the same as when a process ends.
#include "node/peer/address.h"
#include "node/peer/options.h"
#include "node/peer/peers_internal.h"
#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

// The lower id dials.
static bool dials(const struct peers *peers, uint32_t node) {
    return peers->link_options.self.node_id < node;
}

MUST_USE static err
make_knocker(struct peers *peers, struct peer *peer, const char *text, struct arena *arena) {
    struct address address;
    check(address_parse(text, &address));
    return dials(peers, peer->node)
               ? knocker_create(&peers->bell, address_url(arena, address), arena, &peer->knocker)
               : ERR_NONE;
}

err peers_open_peer(struct peers *peers, const struct peers_member *member, struct arena *arena) {
    check(peers->count < LIMIT_NODES);
    struct peer *peer = &peers->items[peers->count++];
    struct link_options options = peers->link_options;
    options.peer = member->node_id;
    *peer = (struct peer){
        .node = member->node_id,
        .address = strdup(member->address),
        .link = link_create(&options),
        .pause_ms = LIMIT_PEER_RECONNECT_MS,
    };
    check(peer->address != NULL);
    err made = make_knocker(peers, peer, member->address, arena);
    if (err_is(made)) {
        peers_close_peer(peer);
        peers->count--;
    }
    return made;
}

void peers_close_peer(struct peer *peer) {
    knocker_destroy(&peer->knocker);
    line_destroy(&peer->line);
    line_frame_free(&peer->frame);
    link_destroy(&peer->link);
    free(peer->address);
    *peer = (struct peer){0};
}

// A connection that stands stays; the next one is to the new address.
MUST_USE static err
move_peer(struct peers *peers, struct peer *peer, const char *text, struct arena *arena) {
    char *kept = strdup(text);
    check(kept != NULL);
    free(peer->address);
    peer->address = kept;
    knocker_destroy(&peer->knocker);
    return make_knocker(peers, peer, text, arena);
}

err peers_add(struct peers *peers, const struct peers_member *member, struct arena *arena) {
    TRY(options_check_address(member->address, peers->loopback_only, arena));
    struct peer *known = peers_find(peers, member->node_id);
    if (member->node_id == 0 || member->node_id == peers->link_options.self.node_id) {
        return err_make(
            ERR_INVALID,
            arena_format(arena, "node %u is not another node", (unsigned)member->node_id)
        );
    }
    if (known != NULL) {
        bool same = strcmp(known->address, member->address) == 0;
        known->removed = false;
        return same ? ERR_NONE : move_peer(peers, known, member->address, arena);
    }
    if (peers->count == LIMIT_NODES) {
        return err_make(
            ERR_INVALID, arena_format(arena, "no more than %d nodes are linked", LIMIT_NODES)
        );
    }
    TRY(peers_open_peer(peers, member, arena));
    peers_log_member(peers, &peers->items[peers->count - 1], "member_added");
    return ERR_NONE;
}

void peers_remove(struct peers *peers, uint32_t node_id) {
    struct peer *peer = peers_find(peers, node_id);
    if (peer == NULL || peer->removed) {
        return;
    }
    peers_log_member(peers, peer, "member_removed");
    peer->removed = true;
    peers->unread = true;
    if (peer->line != NULL) {
        peers_end_connection(peers, peer);
    }
}

void peers_sweep(struct peers *peers) {
    size_t kept = 0;
    for (size_t at = 0; at < peers->count; at++) {
        struct peer *peer = &peers->items[at];
        if (peer->removed && !peer->told_up) {
            peers_close_peer(peer);
        } else {
            if (kept != at) {
                peers->items[kept] = *peer;
            }
            kept++;
        }
    }
    if (kept < peers->count) {
        peers->count = kept;
        peers->cursor = 0;
    }
}

// --- drills
// -------------------------------------------------------------------------------------------

void peers_cut(struct peers *peers, const uint32_t *nodes, size_t count) {
    check(count <= LIMIT_NODES);
    peers->cut_count = count;
    if (count > 0) {
        memcpy(peers->cut, nodes, count * sizeof(nodes[0]));
    }
}

bool peers_is_cut(const struct peers *peers, uint32_t node) {
    for (size_t at = 0; at < peers->cut_count; at++) {
        if (peers->cut[at] == node) {
            return true;
        }
    }
    return false;
}
