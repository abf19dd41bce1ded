#include "node/core/mover.h"

#include "node/core/node_internal.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"

static const int64_t NS_PER_MS = 1000000;

struct wire_u32_list mover_list(struct node *node, const struct move_nodes *nodes) {
    struct wire_u32_list list = {
        .items = ARENA_ARRAY(node->arena, uint32_t, nodes->count + 1),
        .count = nodes->count,
    };
    for (uint32_t i = 0; i < nodes->count; i++) {
        list.items[i] = nodes->items[i];
    }
    return list;
}

struct move_nodes mover_nodes(const struct wire_u32_list *list) {
    struct move_nodes nodes = {
        .count = list->count < MOVE_NODES_MAX ? list->count : MOVE_NODES_MAX,
    };
    for (uint32_t i = 0; i < nodes.count; i++) {
        nodes.items[i] = list->items[i];
    }
    return nodes;
}

// --- what there is
// ---------------------------------------------------------------------------------------

// Zones by number, in the order in which they are met.
static uint32_t zone_number(const struct system_table *table, uint32_t at) {
    uint32_t zone = at;
    for (uint32_t before = 0; before < at; before++) {
        if (bytes_equal(table->members[before].row.zone, table->members[at].row.zone)) {
            return before;
        }
    }
    return zone;
}

static bool is_full(const struct node *node, node_id id) {
    if (id == node->self) {
        return node->fitness.room != ROOM_ENOUGH;
    }
    const struct node_peer *peer = node_peer_of(node, id);
    return peer != NULL && peer->fitness.room != ROOM_ENOUGH;
}

static struct move_member *
members_of(const struct node *node, const struct system_table *table, uint32_t *out_count) {
    struct move_member *members =
        ARENA_ARRAY(node->arena, struct move_member, table->member_count + 1);
    *out_count = 0;
    for (uint32_t at = 0; at < table->member_count; at++) {
        const struct system_member *member = &table->members[at];
        if (member->row.state == MEMBER_LEFT) {
            continue;
        }
        members[(*out_count)++] = (struct move_member){
            .id = member->id,
            .weight = member->row.weight == 0 ? 1 : member->row.weight,
            .zone = zone_number(table, at),
            .holds = member->row.state == MEMBER_ACTIVE,
            .up = member->id == node->self || node_peer_is_up(node, member->id),
            .full = is_full(node, member->id),
        };
    }
    return members;
}

struct move_state mover_state(const struct node *node, const struct system_table *table) {
    struct move_state state = {.group_count = table->group_count};
    state.members = members_of(node, table, &state.member_count);
    struct move_group *groups = ARENA_ARRAY(node->arena, struct move_group, table->group_count);
    for (uint32_t at = 0; at < table->group_count; at++) {
        const struct truth *truth = &node->truths[at];
        groups[at] = (struct move_group){
            .planned = mover_nodes(&table->partitions[at].voters),
            .target = mover_nodes(&table->partitions[at].target),
            .known = truth->known,
            .changing = truth->changing,
            .leader = truth->leader,
            .voters = truth->voters,
        };
    }
    state.groups = groups;
    return state;
}

// --- what shall be
// ---------------------------------------------------------------------------------------

// Computes the targets when what they follow from changed.
static bool
targets_write(struct node *node, struct decision *decision, struct system_table *table) {
    struct move_state state = mover_state(node, table);
    uint64_t basis = move_basis(&state, table->cluster.copies);
    if (basis == table->cluster.placed || move_copies(&state, table->cluster.copies) == 0) {
        return false;
    }
    struct move_nodes *targets = ARENA_ARRAY(node->arena, struct move_nodes, table->group_count);
    move_targets(&state, node->cluster_id, table->cluster.copies, node->arena, targets);
    for (uint32_t group = 1; group < table->group_count; group++) {
        table->partitions[group].target = mover_list(node, &targets[group]);
        system_put_partition(decision, (group_id)group, &table->partitions[group]);
    }
    table->cluster.placed = basis;
    system_put_cluster(decision, &table->cluster);
    return true;
}

static bool is_paused(const struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct node_peer *peer = &node->peers[i];
        if (peer->busy && (peer->up || peer->id == node->self)) {
            return true;
        }
    }
    return false;
}

static bool
steps_write(struct node *node, struct decision *decision, struct system_table *table, bool paused) {
    struct move_state state = mover_state(node, table);
    struct move_bounds bounds = {.per_node = LIMIT_MOVES_PER_NODE, .paused = paused};
    struct move_step *steps = ARENA_ARRAY(node->arena, struct move_step, table->group_count);
    uint32_t count = move_steps(&state, &bounds, steps);
    for (uint32_t i = 0; i < count; i++) {
        struct partition_row *row = &table->partitions[steps[i].group];
        row->voters = mover_list(node, &steps[i].planned);
        system_put_partition(decision, (group_id)steps[i].group, row);
    }
    return count > 0;
}

// --- its own group
// ---------------------------------------------------------------------------------------

// All other members follow the group: they decide by its definitions.
static struct raft_target system_target(const struct node *node, const struct move_state *state) {
    struct raft_target target = {0};
    const struct truth *truth = &node->truths[CATALOG_GROUP];
    if (!truth->known) {
        return target;
    }
    struct move_nodes voters = move_system_voters(state, &truth->voters);
    for (uint32_t i = 0; i < voters.count; i++) {
        target.voters[target.voter_count++] = (node_id)voters.items[i];
    }
    for (size_t i = 0; i < node->peer_count; i++) {
        node_id id = node->peers[i].id;
        // One that left is told so before it goes.
        if (id != 0 && node->peers[i].state != MEMBER_UNKNOWN && !move_has(&voters, id)) {
            target.learners[target.learner_count++] = id;
        }
    }
    return target;
}

// --- for people
// ------------------------------------------------------------------------------------------

static uint64_t moved_bytes(const struct node *node) {
    uint64_t sum = 0;
    for (size_t i = 0; i < node->peer_count; i++) {
        sum += node->peers[i].moved_bytes;
    }
    return sum;
}

static void progress_note(struct node *node, const struct move_state *state, bool paused) {
    struct move_rest rest = move_rest(state);
    struct peer_progress *progress = &node->progress;
    if (rest.left == 0 && progress->left == 0) {
        return;
    }
    if (progress->left == 0) { // something began
        *progress = (struct peer_progress){0};
        node->moves_since = node->mono;
        node->moves_total = 0;
        node->moved_before = moved_bytes(node);
    }
    uint32_t done = node->moves_total > progress->left ? node->moves_total - progress->left : 0;
    if (rest.left > progress->left) { // or there is more to do than there was
        node->moves_total = done + rest.left;
    }
    int64_t running_ms = (node->mono.ns - node->moves_since.ns) / NS_PER_MS;
    uint64_t moved = moved_bytes(node);
    *progress = (struct peer_progress){
        .done = node->moves_total - rest.left,
        .left = rest.left,
        .moving = rest.moving,
        .paused = paused,
        .running_ms = (uint64_t)running_ms,
    };
    if (running_ms > 0 && moved > node->moved_before) {
        progress->bytes_per_second = (moved - node->moved_before) * 1000 / (uint64_t)running_ms;
    }
    node->progress_changed = true;
}

bool mover_turn(
    struct node *node,
    struct decision *decision,
    struct system_table *table,
    struct raft_target *out_system
) {
    bool paused = is_paused(node);
    bool changed = targets_write(node, decision, table);
    changed = steps_write(node, decision, table, paused) || changed;
    struct move_state state = mover_state(node, table);
    *out_system = system_target(node, &state);
    progress_note(node, &state, paused);
    return changed;
}
