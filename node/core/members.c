// Members have places in an array of fixed size, which other files number their own records by; a
// place is used again when its member has left.
#include "node/core/members.h"

#include "node/core/interest.h"
#include "node/core/node_internal.h"
#include "node/core/renewals.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_MS = 1000000;

// --- places
// ----------------------------------------------------------------------------------------------

struct node_peer *node_peer_of(const struct node *node, node_id id) {
    for (size_t i = 0; i < node->peer_count && id != 0; i++) {
        if (node->peers[i].id == id) {
            return &node->peers[i];
        }
    }
    return NULL;
}

bool node_peer_is_up(const struct node *node, node_id id) {
    const struct node_peer *peer = node_peer_of(node, id);
    return peer != NULL && peer->up;
}

size_t members_count(const struct node *node) {
    size_t count = 0;
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct node_peer *peer = &node->peers[i];
        count += peer->id != 0 && (peer->id == node->self || peer->state != MEMBER_JOINING);
    }
    return count;
}

static struct node_peer *place_take(struct node *node, node_id id) {
    size_t at = 0;
    while (at < node->peer_count && node->peers[at].id != 0) {
        at++;
    }
    check(at < LIMIT_CLUSTER_NODES);
    node->peer_count = at == node->peer_count ? at + 1 : node->peer_count;
    node->peers[at] = (struct node_peer){
        .id = id,
        // An earlier leader of the system group may have known it and given it a lease.
        .lease_end.ns =
            node->mono.ns + (LIMIT_CATALOG_LEASE_MS + LIMIT_CATALOG_LEASE_SLACK_MS) * NS_PER_MS,
    };
    if (node->raft != NULL) {
        raft_peer_add(node->raft, id);
    }
    return &node->peers[at];
}

// --- who is there
// ----------------------------------------------------------------------------------------

static void reckon(struct node *node, struct node_peer *peer) {
    if (peer->id != node->self && peer->up != peer->linked) {
        cluster_peer_changed(node, peer, peer->linked);
    }
}

void members_linked(struct node *node, node_id id, bool linked, const struct member_proof *proof) {
    struct node_peer *peer = node_peer_of(node, id);
    if (peer == NULL) {
        return;
    }
    if (linked && peer->up && !id_equal(peer->linked_store, proof->store_id)) {
        members_linked(node, id, false, proof); // another process, and nobody said that one went
    }
    if (linked) { // what was told meanwhile it did not hear, and nothing may change any more
        node->progress_changed = true;
    }
    peer->linked = linked;
    peer->met = peer->met || linked;
    peer->linked_store = proof->store_id;
    peer->release_low = proof->release_low;
    peer->release_high = proof->release_high;
    reckon(node, peer);
}

// --- rows
// ------------------------------------------------------------------------------------------------

static void leave(struct node *node, node_id id) {
    struct node_peer *peer = node_peer_of(node, id);
    if (peer == NULL || peer->state == MEMBER_LEFT) {
        return;
    }
    peer->state = MEMBER_LEFT;
    peer->told = false;
    peer->left_at = node->mono;
}

static void address_set(struct node_peer *peer, bytes address) {
    size_t size = address.size < sizeof(peer->address) ? address.size : sizeof(peer->address) - 1;
    if (size > 0) {
        memcpy(peer->address, address.data, size);
    }
    peer->address[size] = '\0';
}

static void row_take(struct node *node, node_id id, const struct member_row *row) {
    if (row->state == MEMBER_LEFT) {
        leave(node, id);
        return;
    }
    struct node_peer *peer = node_peer_of(node, id);
    if (peer == NULL) {
        peer = place_take(node, id);
    }
    if (peer->state == MEMBER_UNKNOWN || !bytes_equal_text(row->address, peer->address)) {
        peer->told = false;
    }
    address_set(peer, row->address);
    peer->state = row->state;
}

static void version_take(struct node *node, bytes value) {
    struct cluster_row row;
    if (err_is(wire_decode(&cluster_row_record, value, node->arena, &row))) {
        return;
    }
    if (row.version > node->cluster_version) {
        node->cluster_version = row.version;
    }
    renewals_epoch(node, row.stream_epoch);
}

uint32_t members_version(const struct node *node) {
    return node->cluster_version;
}

void members_entry(struct node *node, bytes key, bytes value) {
    uint32_t id = 0;
    struct member_row row;
    if (value.data != NULL && key.data[0] == KEY_NODE && key_node_parse(key, &id) &&
        !err_is(wire_decode(&member_row_record, value, node->arena, &row))) {
        row_take(node, (node_id)id, &row);
    } else if (value.data != NULL && key.data[0] == KEY_VERSION) {
        version_take(node, value);
    }
}

void members_load(struct node *node) {
    struct key prefix = key_kind_prefix(KEY_NODE);
    struct store_cursor *cursor =
        store_cursor_open(node->store, NULL, CATALOG_GROUP, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_NODE) {
        members_entry(node, key, value);
    }
    store_cursor_close(&cursor);
    struct key version = key_version();
    if (!err_is(store_get(node->store, CATALOG_GROUP, key_bytes(&version), &value))) {
        version_take(node, value);
    }
}

// A row that is not committed yet may never be.
bool node_has_left(struct node *node, node_id id) {
    struct store_group system = store_group(node->store, CATALOG_GROUP);
    struct key key = key_node(id);
    bytes value = BYTES_EMPTY;
    struct member_row row;
    return !node->alone && node_peer_of(node, id) == NULL &&
           system.last_index == system.commit_index &&
           !err_is(store_get(node->store, CATALOG_GROUP, key_bytes(&key), &value)) &&
           !err_is(wire_decode(&member_row_record, value, node->arena, &row)) &&
           row.state == MEMBER_LEFT;
}

void members_reach(struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].id != 0 && node->peers[i].id != node->self) {
            raft_peer_add(node->raft, node->peers[i].id);
        }
    }
}

void members_create(struct node *node, const struct node_options *options) {
    check(options->member_count <= LIMIT_CLUSTER_NODES);
    node->self = options->member_count == 0 ? 1 : options->self;
    node->alone = options->member_count == 0;
    node->settings.permits_travel = !node->alone;
    node->peers = calloc(LIMIT_CLUSTER_NODES, sizeof(*node->peers));
    check(node->peers != NULL);
    for (size_t i = 0; i < options->member_count; i++) {
        struct node_peer *peer = place_take(node, options->members[i]);
        peer->told = true; // who gave the list knows it
        if (options->addresses != NULL) {
            address_set(peer, options->addresses[i]);
        }
    }
    if (node->alone) {
        (void)place_take(node, node->self);
        node->peers[0].told = true;
    } else {
        members_load(node);
    }
    if (node_peer_of(node, node->self) == NULL) {
        (void)place_take(node, node->self);
    }
}

// --- telling the shell
// -----------------------------------------------------------------------------------

static void tell(struct node *node, struct node_peer *peer) {
    struct node_effect effect = {.kind = EFFECT_MEMBER, .to = peer->id};
    if (peer->state != MEMBER_LEFT) {
        effect.body = node_effect_keep(bytes_from_text(peer->address));
    }
    node_effects_add(node->effects, &effect);
    peer->told = true;
}

// It had time to hear that it left.
static void place_free(struct node *node, struct node_peer *peer) {
    peer->linked = false;
    reckon(node, peer);
    interest_peer_changed(node, peer->id, false);
    raft_peer_remove(node->raft, peer->id);
    tell(node, peer);
    *peer = (struct node_peer){0};
}

static void tell_version(struct node *node) {
    node->version_told = node->cluster_version;
    struct node_effect effect = {.kind = EFFECT_VERSION, .version = node->cluster_version};
    node_effects_add(node->effects, &effect);
}

void members_pump(struct node *node) {
    if (node->version_told != node->cluster_version) {
        tell_version(node);
    }
    for (size_t i = 0; i < node->peer_count; i++) {
        struct node_peer *peer = &node->peers[i];
        if (peer->id == 0 || peer->told) {
            continue;
        }
        if (peer->state != MEMBER_LEFT || peer->id == node->self) {
            tell(node, peer);
        } else if (node->mono.ns - peer->left_at.ns >= LIMIT_LEFT_MS * NS_PER_MS) {
            place_free(node, peer);
        }
    }
}
