// What the files of this room share: a placement in the making.
#pragma once

#include "node/ring/place.h"
#include "proto/base/attr.h"

#include <stdbool.h>

enum {
    PLACE_NOBODY = UINT8_MAX, // in place of a member's index
    PLACE_NO_WAY = UINT8_MAX, // in place of a cost
};

// Members are sorted by id, and named by their index from here on; zones by theirs.
struct placing {
    struct arena *arena;
    id128 cluster_id;
    uint32_t member_count;
    uint32_t zone_count;
    uint32_t partition_count;
    uint32_t replica_count;
    uint32_t zones_wanted; // zones a partition is spread over
    const struct place_target *now;
    struct place_member members[PLACE_MEMBERS_MAX];
    uint8_t zone[PLACE_MEMBERS_MAX];
    double fair[PLACE_MEMBERS_MAX];    // replicas by weight; sums to all of them
    uint32_t least[PLACE_MEMBERS_MAX]; // number of replicas on a member: filled up to this
    uint32_t full[PLACE_MEMBERS_MAX];  // … to this when it costs no move
    uint32_t even[PLACE_MEMBERS_MAX];  // … best at most
    uint32_t cap[PLACE_MEMBERS_MAX];   // … never above
    uint32_t load[PLACE_MEMBERS_MAX];
    uint8_t *slots; // partition_count * replica_count members
};

// Where one unit may go from one member to another, and by which slot. Kept out of the stack.
struct place_ways {
    uint8_t cost[PLACE_MEMBERS_MAX][PLACE_MEMBERS_MAX]; // 0, 1 or PLACE_NO_WAY
    uint32_t slot[PLACE_MEMBERS_MAX][PLACE_MEMBERS_MAX];
};

struct place_path {
    uint32_t length; // members on it; 0: there is none
    uint32_t cost;
    uint8_t members[PLACE_MEMBERS_MAX];
};

// --- shares.c: how much each member should hold; sets fair and what follows it
void place_shares(struct placing *placing);

// --- ring.c: the walk
struct place_ring;
struct place_ring *place_ring_create(const struct placing *placing);
// The members in the order in which they are met clockwise from the partition's point.
void place_ring_walk(
    const struct place_ring *ring, uint32_t partition, uint8_t out_order[PLACE_MEMBERS_MAX]
);

// --- path.c: the cheapest way from a member of `from` to one of `into`. Of equal ways one that
// begins where there is the most too much, and ends where there is the least.
struct place_path place_path_find(
    uint32_t member_count,
    const struct place_ways *ways,
    const bool *from,
    const bool *into,
    const double *too_much
);

// --- balance.c: moves replicas until caps hold and nobody is far below its share
void place_balance(struct placing *placing);
// Whether a member may take the place of the one in `slot`: it is not there yet, and the partition
// keeps as many zones.
bool place_may_replace(const struct placing *placing, uint32_t slot, uint8_t member);
void place_replace(struct placing *placing, uint32_t slot, uint8_t member);
uint32_t place_zones_of(const struct placing *placing, uint32_t partition);

// --- leaders.c: puts the preferred leader of each partition first, spread over the members
void place_leaders(struct placing *placing);
