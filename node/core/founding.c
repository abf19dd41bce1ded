#include "node/core/founding.h"

#include "node/core/node_internal.h"
#include "node/core/system_table.h"
#include "node/ring/place.h"
#include "proto/base/check.h"
#include "proto/limits.h"

_Static_assert((int)LIMIT_CLUSTER_FOUNDERS <= (int)RAFT_VOTERS_MAX, "all have a vote at first");
_Static_assert((int)LIMIT_CLUSTER_NODES <= (int)PLACE_MEMBERS_MAX, "all can be placed");

enum {
    REPLICAS_DEFAULT = 3,
    FIRST_VERSION = 1
};

struct place_target founding_place(
    id128 cluster_id, const struct founders *founders, uint32_t group_count, struct arena *arena
) {
    struct place_member members[LIMIT_CLUSTER_FOUNDERS];
    for (size_t i = 0; i < founders->count; i++) {
        members[i] = (struct place_member){.node_id = founders->ids[i], .weight = 1};
    }
    struct place_input input = {
        .cluster_id = cluster_id,
        .members = members,
        .member_count = founders->count,
        .partition_count = group_count - 1,
        .replica_count = founders->copies == 0 ? REPLICAS_DEFAULT : founders->copies,
    };
    return place(&input, arena);
}

static struct place_target first_placement(struct node *node) {
    return founding_place(
        node->cluster_id, &node->founders, node->settings.group_count, node->arena
    );
}

// --- replicas
// --------------------------------------------------------------------------------------------

static void configure(struct node *node, group_id group, const uint32_t *voters, uint32_t count) {
    struct raft_config config = {.voter_count = count};
    bool here = false;
    for (uint32_t i = 0; i < count; i++) {
        config.voters[i] = (node_id)voters[i];
        here = here || config.voters[i] == node->self;
    }
    node->groups[group].home = config.voters[0];
    if (here) {
        raft_configure(node->raft, group, &config);
    }
    node->groups[group].has_copy = raft_status(node->raft, group).configured;
}

void founding_configure(struct node *node, const struct node_options *options) {
    node->cluster_id = options->cluster_id;
    node->founders.copies = options->replicas == 0 ? REPLICAS_DEFAULT : options->replicas;
    if (options->joined) {
        return;
    }
    uint32_t ids[LIMIT_CLUSTER_FOUNDERS] = {node->self};
    node->founders.count = options->member_count == 0 ? 1 : options->member_count;
    check(node->founders.count <= LIMIT_CLUSTER_FOUNDERS);
    for (size_t i = 0; i < node->founders.count; i++) {
        ids[i] = options->member_count == 0 ? node->self : options->members[i];
        node->founders.ids[i] = (node_id)ids[i];
    }
    struct place_target target = first_placement(node);
    configure(node, CATALOG_GROUP, ids, (uint32_t)node->founders.count);
    for (uint32_t i = 0; i < target.partition_count; i++) {
        const uint32_t *voters = &target.nodes[(size_t)i * target.replica_count];
        configure(node, (group_id)(i + 1), voters, target.replica_count);
    }
    arena_reset(node->arena);
}

// --- rows
// --------------------------------------------------------------------------------------------

static void members_write(struct node *node, struct decision *decision) {
    for (size_t i = 0; i < node->founders.count; i++) {
        const struct node_peer *peer = node_peer_of(node, node->founders.ids[i]);
        check(peer != NULL);
        struct member_row row = {
            .address = bytes_from_text(peer->address),
            .weight = 1,
            .state = MEMBER_ACTIVE,
            .since_ms = decision->now.ms,
        };
        system_put_member(decision, peer->id, &row);
    }
}

void founding_write(struct node *node, struct decision *decision) {
    members_write(node, decision);
    node_id highest = 0;
    for (size_t i = 0; i < node->founders.count; i++) {
        highest = node->founders.ids[i] > highest ? node->founders.ids[i] : highest;
    }
    struct place_target target = first_placement(node);
    for (uint32_t i = 0; i < target.partition_count; i++) {
        struct wire_u32_list nodes = {
            .items = &target.nodes[(size_t)i * target.replica_count],
            .count = target.replica_count,
        };
        struct partition_row row = {.voters = nodes, .target = nodes};
        system_put_partition(decision, (group_id)(i + 1), &row);
    }
    struct cluster_row cluster = {
        .version = FIRST_VERSION,
        .next_node = highest + 1U,
        .copies = node->founders.copies,
        .partitions = target.partition_count,
    };
    system_put_cluster(decision, &cluster);
}
