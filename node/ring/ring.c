#include "node/ring/place_internal.h"
#include "proto/base/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    POINTS_PER_WEIGHT = 128,
    SEED_BYTES = sizeof(id128) + 8
};

struct point {
    uint64_t at;
    uint8_t member;
};

struct place_ring {
    id128 cluster_id;
    uint32_t member_count;
    size_t count;
    struct point *points;
};

// The place on the ring of one of a thing's points.
static uint64_t point_at(id128 cluster_id, uint32_t thing, uint32_t number) {
    uint8_t seed[SEED_BYTES];
    memcpy(seed, cluster_id.bytes, sizeof(cluster_id.bytes));
    bytes_put_u32(seed + sizeof(id128), thing);
    bytes_put_u32(seed + sizeof(id128) + 4, number);
    return hash_sip64(bytes_of(seed, sizeof(seed)));
}

static int order_points(const void *left, const void *right) {
    const struct point *first = left;
    const struct point *second = right;
    if (first->at != second->at) {
        return first->at < second->at ? -1 : 1;
    }
    return (int)first->member - (int)second->member;
}

struct place_ring *place_ring_create(const struct placing *placing) {
    struct place_ring *ring = ARENA_NEW(placing->arena, struct place_ring);
    ring->cluster_id = placing->cluster_id;
    ring->member_count = placing->member_count;
    for (uint32_t at = 0; at < placing->member_count; at++) {
        ring->count += (size_t)POINTS_PER_WEIGHT * placing->members[at].weight;
    }
    ring->points = ARENA_ARRAY(placing->arena, struct point, ring->count);
    size_t next = 0;
    for (uint32_t at = 0; at < placing->member_count; at++) {
        const struct place_member *member = &placing->members[at];
        for (uint32_t number = 1; number <= POINTS_PER_WEIGHT * member->weight; number++) {
            ring->points[next++] = (struct point
            ){.at = point_at(ring->cluster_id, member->node_id, number), .member = (uint8_t)at};
        }
    }
    qsort(ring->points, ring->count, sizeof(struct point), order_points);
    return ring;
}

void place_ring_walk(
    const struct place_ring *ring, uint32_t partition, uint8_t out_order[PLACE_MEMBERS_MAX]
) {
    uint64_t start = point_at(ring->cluster_id, partition, 0);
    size_t low = 0;
    size_t high = ring->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ring->points[middle].at < start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint64_t met = 0; // a bit a member
    uint32_t count = 0;
    for (size_t step = 0; step < ring->count && count < ring->member_count; step++) {
        uint8_t member = ring->points[(low + step) % ring->count].member;
        if ((met >> member & 1) == 0) {
            met |= UINT64_C(1) << member;
            out_order[count++] = member;
        }
    }
}
