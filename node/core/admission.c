// What people and joining nodes ask of the membership. Each refusal says what would make it
// possible.
#include "node/core/membership.h"
#include "node/core/mover.h"
#include "node/core/node_internal.h"
#include "proto/limits.h"

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

// --- who is to leave
// -------------------------------------------------------------------------------------

static err
member_find(struct node *node, struct system_table *table, node_id id, struct system_member **out) {
    *out = table->founded ? system_table_member(table, id) : NULL;
    if (*out == NULL || !is_there(*out)) {
        const char *text = arena_format(node->arena, "node %u is no member of this cluster", id);
        return err_make(ERR_NOT_FOUND, text);
    }
    return ERR_NONE;
}

// Its row stays for ever.
static bool has_left(struct system_table *table, node_id id) {
    const struct system_member *member = table->founded ? system_table_member(table, id) : NULL;
    return member != NULL && member->row.state == MEMBER_LEFT;
}

static void
state_put(struct decision *decision, struct system_member *member, enum member_state state) {
    member->row.state = (uint8_t)state;
    member->row.since_ms = decision->now.ms;
    system_put_member(decision, member->id, &member->row);
}

static err drain(
    struct node *node,
    struct decision *decision,
    struct system_table *table,
    struct system_member *member,
    bool forced
) {
    struct move_state state = mover_state(node, table);
    const char *reason = move_refusal(&state, table->cluster.copies, member->id, node->arena);
    bool last = reason != NULL && move_copies(&state, 2) < 2;
    if (reason != NULL && (!forced || last)) {
        const char *text =
            arena_format(node->arena, "node %u cannot be spared: %s", member->id, reason);
        return err_make(ERR_CONFLICT, text);
    }
    member->row.forced = forced;
    state_put(decision, member, MEMBER_DRAINING);
    return ERR_NONE;
}

err membership_drain(struct node *node, struct decision *decision, node_id id, bool forced) {
    struct system_table table;
    struct system_member *member = NULL;
    system_table_read(decision, &table);
    TRY(member_find(node, &table, id, &member));
    if (member->row.state == MEMBER_DRAINING) {
        return ERR_NONE;
    }
    if (id != node->self && !node_peer_is_up(node, id)) {
        const char *text = arena_format(
            node->arena, "node %u is out of reach: remove it, or replace it by another", id
        );
        return err_make(ERR_CONFLICT, text);
    }
    return drain(node, decision, &table, member, forced);
}

err membership_remove(
    struct node *node,
    struct decision *decision,
    node_id id,
    bool forced,
    enum member_state *out_state
) {
    struct system_table table;
    struct system_member *member = NULL;
    system_table_read(decision, &table);
    *out_state = has_left(&table, id) ? MEMBER_LEFT : MEMBER_DRAINING;
    if (*out_state == MEMBER_LEFT) {
        return ERR_NONE;
    }
    TRY(member_find(node, &table, id, &member));
    member->row.leaves = true;
    if (member->row.state == MEMBER_DRAINING) {
        system_put_member(decision, id, &member->row);
        return ERR_NONE;
    }
    return drain(node, decision, &table, member, forced);
}

err membership_cancel_drain(struct node *node, struct decision *decision, node_id id) {
    struct system_table table;
    struct system_member *member = NULL;
    system_table_read(decision, &table);
    TRY(member_find(node, &table, id, &member));
    if (member->row.state == MEMBER_DRAINING) {
        member->row.forced = false;
        member->row.leaves = false;
        state_put(decision, member, MEMBER_ACTIVE);
    }
    return ERR_NONE;
}

// --- who is to hold what
// ---------------------------------------------------------------------------------

static err
holder_find(struct node *node, struct system_table *table, node_id id, struct system_member **out) {
    TRY(member_find(node, table, id, out));
    if ((*out)->row.state != MEMBER_ACTIVE || (id != node->self && !node_peer_is_up(node, id))) {
        const char *text = arena_format(
            node->arena,
            "node %u is %s: a replica goes to nodes that are active and within reach",
            id,
            (*out)->row.state == MEMBER_ACTIVE ? "out of reach"
                                               : member_state_name((*out)->row.state)
        );
        return err_make(ERR_CONFLICT, text);
    }
    return ERR_NONE;
}

// Puts `to` where `from` stands in the target. False: it is not there, or the other is.
static bool target_change(
    struct decision *decision, struct system_table *table, uint32_t group, node_id from, node_id to
) {
    struct partition_row *row = &table->partitions[group];
    struct move_nodes target = mover_nodes(&row->target);
    if (!move_has(&target, from) || move_has(&target, to)) {
        return false;
    }
    for (uint32_t i = 0; i < target.count; i++) {
        row->target.items[i] = target.items[i] == from ? to : target.items[i];
    }
    system_put_partition(decision, (group_id)group, row);
    return true;
}

err membership_replace(struct node *node, struct decision *decision, node_id id, node_id gone) {
    struct system_table table;
    struct system_member *member = NULL;
    struct system_member *lost = NULL;
    system_table_read(decision, &table);
    if (has_left(&table, gone)) {
        return holder_find(node, &table, id, &member);
    }
    TRY(member_find(node, &table, gone, &lost));
    TRY(holder_find(node, &table, id, &member));
    if (id == gone || gone == node->self || node_peer_is_up(node, gone)) {
        const char *text = arena_format(
            node->arena, "node %u is within reach: drain it instead of replacing it", gone
        );
        return err_make(ERR_CONFLICT, text);
    }
    lost->row.leaves = true;
    state_put(decision, lost, MEMBER_DRAINING);
    bool all = true;
    struct move_state before = mover_state(node, &table);
    for (uint32_t group = 1; group < table.group_count; group++) {
        const struct move_nodes *now = &before.groups[group].target;
        all = all && !(move_has(now, gone) && move_loses_zone(&before, now, gone, id));
        (void)target_change(decision, &table, group, gone, id);
        struct move_nodes target = mover_nodes(&table.partitions[group].target);
        all = all && !move_has(&target, gone);
    }
    // These targets stand; else the new node has some already, or is in a zone that does, and all
    // are placed anew.
    if (all) {
        struct move_state state = mover_state(node, &table);
        table.cluster.placed = move_basis(&state, table.cluster.copies);
        system_put_cluster(decision, &table.cluster);
    }
    return ERR_NONE;
}

err membership_move(
    struct node *node, struct decision *decision, uint32_t partition, node_id from, node_id to
) {
    struct system_table table;
    struct system_member *member = NULL;
    system_table_read(decision, &table);
    if (!table.founded || partition < 1 || partition >= table.group_count) {
        return err_make(
            ERR_NOT_FOUND, arena_format(node->arena, "there is no partition %u", partition)
        );
    }
    TRY(holder_find(node, &table, to, &member));
    struct move_state state = mover_state(node, &table);
    if (move_has(&state.groups[partition].target, from) &&
        move_loses_zone(&state, &state.groups[partition].target, from, to)) {
        const char *text = arena_format(
            node->arena,
            "partition %u would have copies in fewer zones: move it to a node in a zone that has "
            "none of it",
            partition
        );
        return err_make(ERR_CONFLICT, text);
    }
    if (!target_change(decision, &table, partition, from, to)) {
        const char *text = arena_format(
            node->arena,
            "partition %u is to be on node %u and not on node %u already: see GET /api/cluster",
            partition,
            from,
            to
        );
        return err_make(ERR_CONFLICT, text);
    }
    return ERR_NONE;
}
