// Replicas move along the cheapest way from who has too many to who has too few, a way through
// other members if there is no direct one. A move that undoes or diverts another costs nothing, so
// what stood before this placement is touched only when nothing else helps.
#include "node/ring/place_internal.h"

#include <string.h>

static bool stands_there_now(const struct placing *placing, uint32_t partition, uint8_t member) {
    const struct place_target *now = placing->now;
    for (uint32_t at = 0; now != NULL && at < now->replica_count; at++) {
        if (now->nodes[(size_t)partition * now->replica_count + at] ==
            placing->members[member].node_id) {
            return true;
        }
    }
    return false;
}

uint32_t place_zones_of(const struct placing *placing, uint32_t partition) {
    uint64_t zones = 0;
    uint32_t count = 0;
    for (uint32_t at = 0; at < placing->replica_count; at++) {
        uint8_t member = placing->slots[(size_t)partition * placing->replica_count + at];
        if (member != PLACE_NOBODY && (zones >> placing->zone[member] & 1) == 0) {
            zones |= UINT64_C(1) << placing->zone[member];
            count++;
        }
    }
    return count;
}

bool place_may_replace(const struct placing *placing, uint32_t slot, uint8_t member) {
    uint32_t first = slot - slot % placing->replica_count;
    uint8_t out = placing->slots[slot];
    bool out_zone_stays = placing->zone[member] == placing->zone[out];
    bool in_zone_is_new = !out_zone_stays;
    for (uint32_t at = first; at < first + placing->replica_count; at++) {
        uint8_t other = placing->slots[at];
        if (other == member) {
            return false;
        }
        if (at != slot) {
            out_zone_stays = out_zone_stays || placing->zone[other] == placing->zone[out];
            in_zone_is_new = in_zone_is_new && placing->zone[other] != placing->zone[member];
        }
    }
    return out_zone_stays || in_zone_is_new;
}

void place_replace(struct placing *placing, uint32_t slot, uint8_t member) {
    placing->load[placing->slots[slot]]--;
    placing->load[member]++;
    placing->slots[slot] = member;
}

static void find_ways(const struct placing *placing, struct place_ways *ways) {
    memset(ways->cost, PLACE_NO_WAY, sizeof(ways->cost));
    for (uint32_t slot = 0; slot < placing->partition_count * placing->replica_count; slot++) {
        uint32_t partition = slot / placing->replica_count;
        uint8_t out = placing->slots[slot];
        bool out_is_new = !stands_there_now(placing, partition, out);
        for (uint8_t in = 0; in < placing->member_count; in++) {
            uint8_t cost = !out_is_new && !stands_there_now(placing, partition, in) ? 1 : 0;
            if (cost < ways->cost[out][in] && place_may_replace(placing, slot, in)) {
                ways->cost[out][in] = cost;
                ways->slot[out][in] = slot;
            }
        }
    }
}

// False: nothing could be moved. A later step of a way may be barred by an earlier one; then what
// was moved so far stays.
static bool
follow(struct placing *placing, const struct place_ways *ways, const struct place_path *path) {
    for (uint32_t at = 0; at + 1 < path->length; at++) {
        uint32_t slot = ways->slot[path->members[at]][path->members[at + 1]];
        if (placing->slots[slot] != path->members[at] ||
            !place_may_replace(placing, slot, path->members[at + 1])) {
            return at > 0;
        }
        place_replace(placing, slot, path->members[at + 1]);
    }
    return path->length > 1;
}

static void too_much_of(const struct placing *placing, double *out_too_much) {
    for (uint32_t at = 0; at < placing->member_count; at++) {
        out_too_much[at] = (double)placing->load[at] - placing->fair[at];
    }
}

// One replica away from `member`. False: there is no way.
static bool shed_one(struct placing *placing, struct place_ways *ways, uint32_t member) {
    bool from[PLACE_MEMBERS_MAX] = {false};
    bool into[PLACE_MEMBERS_MAX] = {false};
    double too_much[PLACE_MEMBERS_MAX];
    from[member] = true;
    too_much_of(placing, too_much);
    find_ways(placing, ways);
    const uint32_t *bounds[] = {placing->even, placing->cap};
    for (int bound = 0; bound < 2; bound++) {
        for (uint32_t at = 0; at < placing->member_count; at++) {
            into[at] = at != member && placing->load[at] < bounds[bound][at];
        }
        struct place_path path = place_path_find(placing->member_count, ways, from, into, too_much);
        if (path.length > 0) {
            return follow(placing, ways, &path);
        }
    }
    return false;
}

// One replica to `member` from who has more than `level`, if that costs no more than `cost_max`.
// False: there is no way.
static bool fill_one(
    struct placing *placing,
    struct place_ways *ways,
    uint32_t member,
    const uint32_t *level,
    uint32_t cost_max
) {
    bool from[PLACE_MEMBERS_MAX] = {false};
    bool into[PLACE_MEMBERS_MAX] = {false};
    double too_much[PLACE_MEMBERS_MAX];
    into[member] = true;
    too_much_of(placing, too_much);
    find_ways(placing, ways);
    for (uint32_t at = 0; at < placing->member_count; at++) {
        from[at] = at != member && placing->load[at] > level[at];
    }
    struct place_path path = place_path_find(placing->member_count, ways, from, into, too_much);
    return path.length > 0 && path.cost <= cost_max && follow(placing, ways, &path);
}

// True: something was moved.
static bool balance_once(struct placing *placing, struct place_ways *ways, uint32_t *moves_left) {
    uint32_t before = *moves_left;
    for (uint32_t at = 0; at < placing->member_count; at++) {
        while (placing->load[at] > placing->cap[at] && *moves_left > 0 &&
               shed_one(placing, ways, at)) {
            --*moves_left;
        }
    }
    // What is free is evened out as far as it goes; what stood is moved only to who has far too
    // few.
    for (uint32_t at = 0; at < placing->member_count; at++) {
        while (placing->load[at] < placing->full[at] && *moves_left > 0 &&
               fill_one(placing, ways, at, placing->full, 0)) {
            --*moves_left;
        }
        while (placing->load[at] < placing->least[at] && *moves_left > 0 &&
               fill_one(placing, ways, at, placing->least, UINT32_MAX)) {
            --*moves_left;
        }
    }
    return *moves_left < before;
}

void place_balance(struct placing *placing) {
    struct place_ways *ways = ARENA_NEW(placing->arena, struct place_ways);
    // Enough to put every replica elsewhere; ways that bar each other end here.
    uint32_t moves_left = 2 * placing->partition_count * placing->replica_count;
    while (balance_once(placing, ways, &moves_left)) {
    }
}
