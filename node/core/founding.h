// How a cluster begins: from one list of nodes, the same on all of them. Every node computes the
// same first replicas from it, without a word between them; the first leader of the system group
// writes down what that came to (distributed.md §12). Thread: core.
#pragma once

#include "node/raft/raft.h"
#include "node/ring/place.h"
#include "proto/limits.h"
#include "scheduler/decision.h"

struct node;
struct node_options;

// The nodes that formed the cluster. None on a node that joined it.
struct founders {
    node_id ids[LIMIT_CLUSTER_FOUNDERS];
    size_t count;
    uint32_t copies; // wanted of every partition; 0: three
};

// Where the first replicas of the partitions are, partition 1 first; in `arena`. Those of the
// system group are on all founders.
struct place_target founding_place(
    id128 cluster_id, const struct founders *founders, uint32_t group_count, struct arena *arena
);

// Gives the groups that have a first replica here their voters. Nothing on a node that joined.
void founding_configure(struct node *node, const struct node_options *options);

// The first rows of the system group, into the decision.
void founding_write(struct node *node, struct decision *decision);
