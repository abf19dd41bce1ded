// Where the replicas of partitions belong: a pure function of the members and of where they are
// now.
//
// A node gets its share of replicas by weight, and of one partition at most one. Zones come first:
// a partition has replicas in as many zones as there are, up to its number of replicas, whatever
// the weights say. What stands stays unless it must move: for a node that is gone, for a zone that
// is missing, from a node over its cap, to a node far below its share. Holes are filled by a walk
// of the hash ring, so that the first placement needs nothing but the members.
//
// It proposes; the table in the system group disposes, and the configs in the groups' logs are the
// truth (distributed.md §2). Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/id.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PLACE_MEMBERS_MAX = 64, // LIMIT_NODES
    PLACE_REPLICAS_MAX = 7,
    PLACE_WEIGHT_MAX = 16,
};

struct place_member {
    uint32_t node_id; // not 0, each once; the order of members does not matter
    uint32_t weight;  // 1 … PLACE_WEIGHT_MAX; nodes alike: all 1
    uint32_t zone;    // equal numbers fail together; nobody knows: all 0
};

// Replicas of partition p (from 0) are nodes[p * replica_count …], the preferred leader first.
struct place_target {
    uint32_t partition_count;
    uint32_t replica_count; // the number asked for, or that of the members if it is less
    uint32_t *nodes;        // ids; 0: none (only in what a caller gives as `now`)
};

struct place_input {
    id128 cluster_id;
    const struct place_member *members;
    size_t member_count; // 1 … PLACE_MEMBERS_MAX
    uint32_t partition_count;
    uint32_t replica_count;         // 1 … PLACE_REPLICAS_MAX
    const struct place_target *now; // where replicas are; NULL: nowhere yet
};

// The target, in `arena`. Equal inputs give equal targets, on every machine.
struct place_target place(const struct place_input *input, struct arena *arena);

// How many replicas of `target` are on a node that has none of that partition in `now`.
uint32_t place_moves(const struct place_target *now, const struct place_target *target);
