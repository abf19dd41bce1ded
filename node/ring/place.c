// Four steps: what stands and may stay, holes by the ring, zones, balance; then the leaders.
//
// Why where replicas are now is an input: a pure function of the members alone cannot both hold the
// cap and, when a member leaves, move only what it had. If it moves only that, each partition has
// one fixed order of preference over all nodes that may ever be; then the cap must hold for every
// subset of them, which no 64 orders over 30 nodes do. So the ring alone fills a new cluster, and
// later targets are the least change of what there is.
#include "node/ring/place_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)PLACE_MEMBERS_MAX == (int)LIMIT_NODES, "two names of one bound");

static int order_members(const void *left, const void *right) {
    const struct place_member *first = left;
    const struct place_member *second = right;
    return (first->node_id > second->node_id) - (first->node_id < second->node_id);
}

static void take_members(struct placing *placing, const struct place_input *input) {
    memcpy(placing->members, input->members, input->member_count * sizeof(struct place_member));
    qsort(placing->members, input->member_count, sizeof(struct place_member), order_members);
    for (uint32_t at = 0; at < placing->member_count; at++) {
        const struct place_member *member = &placing->members[at];
        check(member->node_id != 0 && member->weight >= 1 && member->weight <= PLACE_WEIGHT_MAX);
        check(at == 0 || member->node_id != placing->members[at - 1].node_id);
        placing->zone[at] = (uint8_t)placing->zone_count;
        for (uint32_t before = 0; before < at; before++) {
            if (placing->members[before].zone == member->zone) {
                placing->zone[at] = placing->zone[before];
            }
        }
        placing->zone_count += placing->zone[at] == placing->zone_count;
    }
    placing->zones_wanted =
        placing->zone_count < placing->replica_count ? placing->zone_count : placing->replica_count;
    if (mutant_is("ring_zones_ignored")) {
        placing->zones_wanted = 1;
    }
}

static struct placing *begin(const struct place_input *input, struct arena *arena) {
    check(input->member_count >= 1 && input->member_count <= PLACE_MEMBERS_MAX);
    check(input->replica_count >= 1 && input->replica_count <= PLACE_REPLICAS_MAX);
    check(input->partition_count >= 1);
    check(input->now == NULL || input->now->partition_count == input->partition_count);
    struct placing *placing = ARENA_NEW(arena, struct placing);
    placing->arena = arena;
    placing->cluster_id = input->cluster_id;
    placing->member_count = (uint32_t)input->member_count;
    placing->partition_count = input->partition_count;
    placing->replica_count =
        input->replica_count < placing->member_count ? input->replica_count : placing->member_count;
    placing->now = input->now;
    take_members(placing, input);
    size_t slots = (size_t)placing->partition_count * placing->replica_count;
    placing->slots = ARENA_ARRAY(arena, uint8_t, slots);
    memset(placing->slots, PLACE_NOBODY, slots);
    return placing;
}

static uint8_t member_of(const struct placing *placing, uint32_t node_id) {
    for (uint8_t at = 0; at < placing->member_count; at++) {
        if (placing->members[at].node_id == node_id) {
            return at;
        }
    }
    return PLACE_NOBODY;
}

static bool has_member(const struct placing *placing, uint32_t partition, uint8_t member) {
    return memchr(
               placing->slots + (size_t)partition * placing->replica_count,
               member,
               placing->replica_count
           ) != NULL;
}

static bool has_zone(const struct placing *placing, uint32_t partition, uint8_t zone) {
    for (uint32_t at = 0; at < placing->replica_count; at++) {
        uint8_t member = placing->slots[(size_t)partition * placing->replica_count + at];
        if (member != PLACE_NOBODY && placing->zone[member] == zone) {
            return true;
        }
    }
    return false;
}

// Puts a member into a free slot of the partition. False: there is none.
static bool put(struct placing *placing, uint32_t partition, uint8_t member) {
    uint8_t *slots = placing->slots + (size_t)partition * placing->replica_count;
    uint8_t *free_slot = memchr(slots, PLACE_NOBODY, placing->replica_count);
    if (free_slot == NULL) {
        return false;
    }
    *free_slot = member;
    placing->load[member]++;
    return true;
}

// What stands stays; when there are to be fewer replicas, those that keep the zones.
static void keep(struct placing *placing, uint32_t partition) {
    const struct place_target *now = placing->now;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t at = 0; now != NULL && at < now->replica_count; at++) {
            uint32_t node = now->nodes[(size_t)partition * now->replica_count + at];
            uint8_t member = member_of(placing, node);
            if (member == PLACE_NOBODY || has_member(placing, partition, member) ||
                (pass == 0 && has_zone(placing, partition, placing->zone[member]))) {
                continue;
            }
            if (!put(placing, partition, member)) {
                return;
            }
        }
    }
}

// The first member of the walk that may hold the partition and has room; if none has, the one with
// the least too much.
static uint8_t
choose(const struct placing *placing, const struct place_ring *ring, uint32_t partition) {
    uint8_t order[PLACE_MEMBERS_MAX];
    uint8_t best = PLACE_NOBODY;
    bool new_zone = place_zones_of(placing, partition) < placing->zones_wanted;
    place_ring_walk(ring, partition, order);
    for (uint32_t at = 0; at < placing->member_count; at++) {
        uint8_t member = order[at];
        if (has_member(placing, partition, member) ||
            (new_zone && has_zone(placing, partition, placing->zone[member]))) {
            continue;
        }
        if (placing->load[member] < placing->even[member]) {
            return member;
        }
        if (best == PLACE_NOBODY || (double)placing->load[member] - placing->fair[member] <
                                        (double)placing->load[best] - placing->fair[best]) {
            best = member;
        }
    }
    return best;
}

// A slot whose zone the partition has twice, of the member with the most too much.
static uint32_t twice_in_zone(const struct placing *placing, uint32_t partition) {
    uint32_t first = partition * placing->replica_count;
    uint32_t best = UINT32_MAX;
    for (uint32_t slot = first; slot < first + placing->replica_count; slot++) {
        uint8_t member = placing->slots[slot];
        bool twice = false;
        for (uint32_t other = first; other < first + placing->replica_count; other++) {
            twice = twice || (other != slot &&
                              placing->zone[placing->slots[other]] == placing->zone[member]);
        }
        if (twice && (best == UINT32_MAX || (double)placing->load[member] - placing->fair[member] >
                                                (double)placing->load[placing->slots[best]] -
                                                    placing->fair[placing->slots[best]])) {
            best = slot;
        }
    }
    return best;
}

static void
spread_over_zones(struct placing *placing, const struct place_ring *ring, uint32_t partition) {
    while (place_zones_of(placing, partition) < placing->zones_wanted) {
        place_replace(placing, twice_in_zone(placing, partition), choose(placing, ring, partition));
    }
}

static struct place_target finish(const struct placing *placing) {
    size_t slots = (size_t)placing->partition_count * placing->replica_count;
    struct place_target target = {
        .partition_count = placing->partition_count,
        .replica_count = placing->replica_count,
        .nodes = ARENA_ARRAY(placing->arena, uint32_t, slots),
    };
    for (size_t slot = 0; slot < slots; slot++) {
        target.nodes[slot] = placing->members[placing->slots[slot]].node_id;
    }
    return target;
}

struct place_target place(const struct place_input *input, struct arena *arena) {
    struct placing *placing = begin(input, arena);
    place_shares(placing);
    const struct place_ring *ring = place_ring_create(placing);
    for (uint32_t partition = 0; partition < placing->partition_count; partition++) {
        keep(placing, partition);
    }
    for (uint32_t partition = 0; partition < placing->partition_count; partition++) {
        while (memchr(
                   placing->slots + (size_t)partition * placing->replica_count,
                   PLACE_NOBODY,
                   placing->replica_count
               ) != NULL) {
            check(put(placing, partition, choose(placing, ring, partition)));
        }
        spread_over_zones(placing, ring, partition);
    }
    if (!mutant_is("ring_cap_ignored")) {
        place_balance(placing);
    }
    place_leaders(placing);
    return finish(placing);
}

uint32_t place_moves(const struct place_target *now, const struct place_target *target) {
    uint32_t moves = 0;
    for (uint32_t partition = 0; partition < target->partition_count; partition++) {
        const uint32_t *before = now->nodes + (size_t)partition * now->replica_count;
        const uint32_t *after = target->nodes + (size_t)partition * target->replica_count;
        for (uint32_t at = 0; at < target->replica_count; at++) {
            bool stands = false;
            for (uint32_t other = 0; other < now->replica_count; other++) {
                stands = stands || before[other] == after[at];
            }
            moves += !stands;
        }
    }
    return moves;
}
