#include "node/core/membership.h"

#include "node/core/founding.h"
#include "node/core/lead.h"
#include "node/core/mover.h"
#include "node/core/node_internal.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <string.h>

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

// Given up: silent for too long, and the others can hold as many copies without it.
static bool
is_lost(const struct node *node, const struct system_table *table, const struct node_peer *peer) {
    uint32_t holders = system_table_count(table, MEMBER_ACTIVE);
    uint32_t copies = table->cluster.copies < holders ? table->cluster.copies : holders;
    int64_t silent_ms = (node->mono.ns - peer->down_since.ns) / NS_PER_MS;
    return peer->id != node->self && !peer->up && silent_ms >= node->dead_after_ms &&
           holders > copies;
}

static bool votes_in_system(const struct node *node, node_id id) {
    const struct truth *truth = &node->truths[CATALOG_GROUP];
    return !truth->known || truth->changing || move_has(&truth->voters, id);
}

static enum member_state next_state(
    const struct node *node,
    const struct system_table *table,
    const struct system_member *member,
    const struct node_peer *peer
) {
    enum member_state state = (enum member_state)member->row.state;
    switch (state) {
    case MEMBER_JOINING:
        return peer->up && has_caught_up(node, peer) ? MEMBER_ACTIVE : state;
    case MEMBER_ACTIVE:
        return is_lost(node, table, peer) ? MEMBER_DEAD : state;
    case MEMBER_DEAD:
        return peer->up ? MEMBER_ACTIVE : state;
    case MEMBER_DRAINING: {
        struct move_state moves = mover_state(node, table);
        bool needed = !member->row.leaves || move_is_needed(&moves, member->id) ||
                      votes_in_system(node, member->id);
        return needed && !(member->row.leaves && mutant_is("left_with_replicas")) ? state
                                                                                  : MEMBER_LEFT;
    }
    case MEMBER_LEFT:
    case MEMBER_UNKNOWN:
        break;
    }
    return state;
}

// --- what a node says of itself
// ----------------------------------------------------------------------------

static bool text_note(struct node *node, bytes *text, const char *told) {
    if (bytes_equal_text(*text, told)) {
        return false;
    }
    *text = arena_copy(node->arena, bytes_from_text(told));
    return true;
}

static bool facts_note(struct node *node, const struct node_peer *peer, struct member_row *row) {
    if (!peer->facts_told) {
        return false;
    }
    bool changed = text_note(node, &row->api_address, peer->api_address);
    changed = text_note(node, &row->zone, peer->zone) || changed;
    if (row->weight != peer->weight) {
        row->weight = peer->weight;
        changed = true;
    }
    return changed;
}

static void text_keep(char *kept, size_t size, bytes text) {
    size_t length = text.size < size ? text.size : size - 1;
    if (length > 0) {
        memcpy(kept, text.data, length);
    }
    kept[length] = '\0';
}

void membership_facts_told(
    struct node *node, struct node_peer *peer, const struct peer_report *report
) {
    (void)node;
    uint32_t weight = report->weight < 1 ? 1 : report->weight;
    peer->facts_told = true;
    peer->weight = weight < LIMIT_MEMBER_WEIGHT ? weight : LIMIT_MEMBER_WEIGHT;
    text_keep(peer->api_address, sizeof(peer->api_address), report->api_address);
    text_keep(peer->zone, sizeof(peer->zone), report->zone);
}

// A node whose store is another one lost its disk. One that joins is known by its store: there is
// nobody else it could be.
static bool
store_note(const struct node *node, const struct node_peer *peer, struct member_row *row) {
    id128 seen = peer->id == node->self ? node->facts.store_id : peer->linked_store;
    if (id_is_zero(seen) || id_equal(seen, row->store_id) ||
        (peer->id != node->self && !peer->up) ||
        (row->state == MEMBER_JOINING && !id_is_zero(row->store_id))) {
        return false;
    }
    row->store_id = seen;
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

// --- a look
// ------------------------------------------------------------------------------------------------

// True: the row changed.
static bool member_turn(
    struct node *node, const struct system_table *table, struct system_member *member, wall_time now
) {
    const struct node_peer *peer = node_peer_of(node, member->id);
    if (peer == NULL || member->row.state == MEMBER_LEFT) {
        return false;
    }
    bool changed = store_note(node, peer, &member->row);
    changed = release_note(node, peer, &member->row) || changed;
    changed = facts_note(node, peer, &member->row) || changed;
    enum member_state state = next_state(node, table, member, peer);
    if (state != (enum member_state)member->row.state) {
        member->row.state = (uint8_t)state;
        member->row.since_ms = now.ms;
        changed = true;
    }
    return changed;
}

static bool turn(struct node *node, struct decision *decision, struct raft_target *out_system) {
    struct system_table table;
    system_table_read(decision, &table);
    if (!table.founded) {
        founding_write(node, decision);
        return true;
    }
    bool changed = false;
    for (uint32_t i = 0; i < table.member_count; i++) {
        if (member_turn(node, &table, &table.members[i], decision->now)) {
            system_put_member(decision, table.members[i].id, &table.members[i].row);
            changed = true;
        }
    }
    bool raised = table.cluster.stream_epoch < node->epoch_wanted;
    if (raised) {
        table.cluster.stream_epoch = node->epoch_wanted;
    }
    if (version_turn(node, &table) || raised) {
        system_put_cluster(decision, &table.cluster);
        changed = true;
    }
    return mover_turn(node, decision, &table, out_system) || changed;
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
    struct raft_target system = {0};
    if (turn(node, &decision, &system)) {
        (void)node_decision_commit(node, &decision);
    } else {
        (void)node_decision_abort(node, &decision);
    }
    if (system.voter_count > 0) {
        (void)raft_want(node->raft, CATALOG_GROUP, &system);
    }
    arena_reset(node->arena);
}

bool membership_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->membership_at;
    return decides(node);
}
