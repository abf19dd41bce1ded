#include "node/core/membership.h"

#include "node/core/founding.h"
#include "node/core/lead.h"
#include "node/core/members.h"
#include "node/core/node_internal.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

static const int64_t NS_PER_MS = 1000000;

void membership_create(struct node *node, const struct node_options *options) {
    node->dead_after_ms =
        options->dead_after_ms == 0 ? LIMIT_DEAD_AFTER_MS : options->dead_after_ms;
    node->facts = (struct self_facts){
        .store_id = options->store_id,
        .api_address = options->api_address,
        .zone = options->zone,
        .weight = options->weight == 0 ? 1 : options->weight,
        .release_low = options->release_low,
        .release_high = options->release_high,
    };
}

void membership_lead(struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        node->peers[i].down_since = node->mono;
    }
    membership_touched(node);
}

void membership_touched(struct node *node) {
    node->membership_at = node->mono;
}

// --- what becomes of a member
// ----------------------------------------------------------------------------

static bool has_caught_up(const struct node *node, const struct node_peer *peer) {
    log_index committed = raft_commit_index(node->raft, CATALOG_GROUP);
    return peer->catalog_applied > 0 &&
           peer->catalog_applied + LIMIT_MEMBER_LAG_ENTRIES >= committed;
}

static bool store_note(const struct node *node, const struct node_peer *peer, id128 *store_id) {
    id128 seen = peer->id == node->self ? node->facts.store_id : peer->linked_store;
    if (!id_is_zero(*store_id) || id_is_zero(seen) || (peer->id != node->self && !peer->up)) {
        return false;
    }
    *store_id = seen;
    return true;
}

// A node that was started with another release.
static bool
release_note(const struct node *node, const struct node_peer *peer, struct member_row *row) {
    bool self = peer->id == node->self;
    uint16_t low = self ? node->facts.release_low : peer->release_low;
    uint16_t high = self ? node->facts.release_high : peer->release_high;
    if (high == 0 || (!self && !peer->up) ||
        (row->release_low == low && row->release_high == high)) {
        return false;
    }
    row->release_low = low;
    row->release_high = high;
    return true;
}

// Rises when all members speak the next one; who is gone and may come back counts as it was.
static bool version_turn(const struct node *node, struct system_table *table) {
    uint32_t common = UINT16_MAX;
    for (uint32_t i = 0; i < table->member_count; i++) {
        const struct member_row *row = &table->members[i].row;
        if (row->state != MEMBER_LEFT && row->release_high < common) {
            common = row->release_high;
        }
    }
    if (mutant_is("version_rises_early")) {
        common = node->facts.release_high;
    }
    if (common == UINT16_MAX || common <= table->cluster.version) {
        return false;
    }
    table->cluster.version = common;
    return true;
}

// True: the row changed.
static bool member_turn(const struct node *node, struct system_member *member, wall_time now) {
    const struct node_peer *peer = node_peer_of(node, member->id);
    if (peer == NULL || member->row.state == MEMBER_LEFT) {
        return false;
    }
    bool changed = store_note(node, peer, &member->row.store_id);
    changed = release_note(node, peer, &member->row) || changed;
    enum member_state state = (enum member_state)member->row.state;
    if (state == MEMBER_JOINING && peer->up && has_caught_up(node, peer)) {
        state = MEMBER_ACTIVE;
    }
    if (state != member->row.state) {
        member->row.state = (uint8_t)state;
        member->row.since_ms = now.ms;
        changed = true;
    }
    return changed;
}

static bool turn(struct node *node, struct decision *decision) {
    struct system_table table;
    system_table_read(decision, &table);
    if (!table.founded) {
        founding_write(node, decision);
        return true;
    }
    bool changed = false;
    for (uint32_t i = 0; i < table.member_count; i++) {
        if (member_turn(node, &table.members[i], decision->now)) {
            system_put_member(decision, table.members[i].id, &table.members[i].row);
            changed = true;
        }
    }
    if (version_turn(node, &table)) {
        system_put_cluster(decision, &table.cluster);
        changed = true;
    }
    return changed;
}

static bool decides(const struct node *node) {
    return !node->alone && lead_may_decide(node, CATALOG_GROUP);
}

void membership_pump(struct node *node) {
    if (!decides(node) || node->mono.ns < node->membership_at.ns) {
        return;
    }
    node->membership_at.ns = node->mono.ns + LIMIT_MEMBERSHIP_MS * NS_PER_MS;
    struct decision decision;
    if (err_is(node_decision_begin(node, CATALOG_GROUP, &decision))) {
        return; // no room now: the next look is soon
    }
    if (turn(node, &decision)) {
        (void)node_decision_commit(node, &decision);
    } else {
        (void)node_decision_abort(node, &decision);
    }
    arena_reset(node->arena);
}

bool membership_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->membership_at;
    return decides(node);
}

// --- who wants to be one
// ---------------------------------------------------------------------------------

static bool is_there(const struct system_member *member) {
    return member->row.state != MEMBER_LEFT;
}

// Refuses who cannot be let in beside those who are there.
static err wish_check(
    struct node *node, const struct system_table *table, const struct membership_wish *wish
) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->member_count; i++) {
        const struct system_member *member = &table->members[i];
        if (!is_there(member)) {
            continue;
        }
        count++;
        // One that is gone may have been at the same place.
        if (bytes_equal(member->row.address, wish->address) &&
            (member->id == node->self || node_peer_is_up(node, member->id))) {
            const char *text = arena_format(
                node->arena,
                "node %u has the address %.*s already, with another store: remove it first, or "
                "give this node an address of its own",
                member->id,
                BYTES_ARG(wish->address)
            );
            return err_make(ERR_CONFLICT, text);
        }
    }
    if (count >= LIMIT_CLUSTER_NODES) {
        const char *text = arena_format(
            node->arena, "the cluster has %u nodes, as many as it can: remove one first", count
        );
        return err_make(ERR_CONFLICT, text);
    }
    bool speaks = wish->release_high == 0 || // it does not say: its links will
                  (wish->release_high >= node->facts.release_low &&
                   wish->release_low <= node->facts.release_high);
    if (!speaks) {
        const char *text = arena_format(
            node->arena,
            "the node speaks versions %u to %u of messages, the cluster %u to %u",
            wish->release_low,
            wish->release_high,
            node->facts.release_low,
            node->facts.release_high
        );
        return err_make(ERR_CONFLICT, text);
    }
    if (wish->release_high != 0 && wish->release_high < table->cluster.version) {
        const char *text = arena_format(
            node->arena,
            "the node speaks versions up to %u of messages, all members speak %u: start a newer "
            "release",
            wish->release_high,
            table->cluster.version
        );
        return err_make(ERR_CONFLICT, text);
    }
    return ERR_NONE;
}

static err known_again(
    struct node *node,
    struct decision *decision,
    struct system_member *member,
    const struct membership_wish *wish
) {
    if (member->row.state == MEMBER_LEFT) {
        const char *text = arena_format(
            node->arena,
            "this store was node %u, which has left: it may join again with an empty store",
            member->id
        );
        return err_make(ERR_CONFLICT, text);
    }
    if (member->row.state == MEMBER_JOINING) { // may have been started anew elsewhere
        member->row.address = wish->address;
        member->row.api_address = wish->api_address;
        system_put_member(decision, member->id, &member->row);
    }
    return ERR_NONE;
}

err membership_add(
    struct node *node,
    struct decision *decision,
    const struct membership_wish *wish,
    node_id *out_id
) {
    struct system_table table;
    system_table_read(decision, &table);
    if (!table.founded) {
        return err_make(ERR_UNAVAILABLE, "the cluster is being formed; try again");
    }
    for (uint32_t i = 0; i < table.member_count; i++) {
        if (id_equal(table.members[i].row.store_id, wish->store_id)) {
            *out_id = table.members[i].id;
            return known_again(node, decision, &table.members[i], wish);
        }
    }
    TRY(wish_check(node, &table, wish));
    struct member_row row = {
        .address = wish->address,
        .api_address = wish->api_address,
        .zone = wish->zone,
        .weight = wish->weight,
        .store_id = wish->store_id,
        .release_low = wish->release_low,
        .release_high = wish->release_high,
        .state = MEMBER_JOINING,
        .since_ms = decision->now.ms,
    };
    *out_id = (node_id)table.cluster.next_node++;
    system_put_member(decision, *out_id, &row);
    system_put_cluster(decision, &table.cluster);
    return ERR_NONE;
}
