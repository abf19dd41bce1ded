// Leaders cost the most, so they are spread by number, not by weight: at most ceil(1.1·P/N) a
// member where replicas allow it. Who leads now goes on if it can; leaders move along ways, as
// replicas do.
#include "node/ring/place_internal.h"

#include <string.h>

struct leading {
    const struct placing *placing;
    struct place_ways *ways;
    uint32_t *slots; // of each partition, who leads it
    uint32_t load[PLACE_MEMBERS_MAX];
    uint32_t least;
    uint32_t even;
    uint32_t cap;
};

static uint8_t leader_of(const struct leading *leading, uint32_t partition) {
    return leading->placing->slots[leading->slots[partition]];
}

static void lead(struct leading *leading, uint32_t partition, uint32_t slot) {
    leading->load[leader_of(leading, partition)]--;
    leading->slots[partition] = slot;
    leading->load[leader_of(leading, partition)]++;
}

static void begin(struct leading *leading) {
    const struct placing *placing = leading->placing;
    const struct place_target *now = placing->now;
    for (uint32_t partition = 0; partition < placing->partition_count; partition++) {
        uint32_t first = partition * placing->replica_count;
        leading->slots[partition] = first;
        for (uint32_t slot = first; now != NULL && slot < first + placing->replica_count; slot++) {
            if (placing->members[placing->slots[slot]].node_id ==
                now->nodes[(size_t)partition * now->replica_count]) {
                leading->slots[partition] = slot;
            }
        }
        leading->load[leader_of(leading, partition)]++;
    }
}

static void find_ways(struct leading *leading) {
    const struct placing *placing = leading->placing;
    memset(leading->ways->cost, PLACE_NO_WAY, sizeof(leading->ways->cost));
    for (uint32_t partition = 0; partition < placing->partition_count; partition++) {
        uint8_t leader = leader_of(leading, partition);
        uint32_t first = partition * placing->replica_count;
        for (uint32_t slot = first; slot < first + placing->replica_count; slot++) {
            uint8_t other = placing->slots[slot];
            if (other != leader && leading->ways->cost[leader][other] == PLACE_NO_WAY) {
                leading->ways->cost[leader][other] = 1;
                leading->ways->slot[leader][other] = slot;
            }
        }
    }
}

// Moves one leadership from `from` to `into`. Each partition is on the way once: its leader differs
// from step to step.
static bool
move_one(struct leading *leading, const bool *from, const bool *into, const double *too_much) {
    struct place_path path =
        place_path_find(leading->placing->member_count, leading->ways, from, into, too_much);
    for (uint32_t at = 0; at + 1 < path.length; at++) {
        uint32_t slot = leading->ways->slot[path.members[at]][path.members[at + 1]];
        lead(leading, slot / leading->placing->replica_count, slot);
    }
    return path.length > 1;
}

// One leadership less, or more, for `member`. False: there is no way.
static bool even_out(struct leading *leading, uint32_t member, bool more) {
    bool one[PLACE_MEMBERS_MAX] = {false};
    bool others[PLACE_MEMBERS_MAX] = {false};
    double too_much[PLACE_MEMBERS_MAX];
    find_ways(leading);
    one[member] = true;
    for (uint32_t at = 0; at < leading->placing->member_count; at++) {
        too_much[at] = leading->load[at];
    }
    const uint32_t below[] = {leading->even, leading->cap}; // who takes one has less than this
    const uint32_t above[] = {leading->even, leading->least};
    for (int bound = 0; bound < 2; bound++) {
        for (uint32_t at = 0; at < leading->placing->member_count; at++) {
            others[at] = at != member && (more ? leading->load[at] > above[bound]
                                               : leading->load[at] < below[bound]);
        }
        if (more ? move_one(leading, others, one, too_much)
                 : move_one(leading, one, others, too_much)) {
            return true;
        }
    }
    return false;
}

// True: something was moved.
static bool even_out_once(struct leading *leading) {
    bool moved = false;
    for (uint32_t at = 0; at < leading->placing->member_count; at++) {
        while (leading->load[at] > leading->cap && even_out(leading, at, false)) {
            moved = true;
        }
        while (leading->load[at] < leading->least && even_out(leading, at, true)) {
            moved = true;
        }
    }
    return moved;
}

// The leader first, the others by id.
static void arrange(struct placing *placing, uint32_t partition, uint32_t leader_slot) {
    uint32_t first = partition * placing->replica_count;
    uint8_t leader = placing->slots[leader_slot];
    placing->slots[leader_slot] = placing->slots[first];
    placing->slots[first] = leader;
    for (uint32_t at = first + 2; at < first + placing->replica_count; at++) {
        uint8_t member = placing->slots[at];
        uint32_t to = at;
        for (; to > first + 1 && placing->slots[to - 1] > member; to--) {
            placing->slots[to] = placing->slots[to - 1];
        }
        placing->slots[to] = member;
    }
}

void place_leaders(struct placing *placing) {
    uint32_t partitions = placing->partition_count;
    uint32_t members = placing->member_count;
    struct leading leading = {
        .placing = placing,
        .ways = ARENA_NEW(placing->arena, struct place_ways),
        .slots = ARENA_ARRAY(placing->arena, uint32_t, partitions),
        .least = 9 * partitions / (10 * members),
        .even = (partitions + members - 1) / members,
        .cap = (11 * partitions + 10 * members - 1) / (10 * members),
    };
    begin(&leading);
    while (even_out_once(&leading)) {
    }
    for (uint32_t partition = 0; partition < partitions; partition++) {
        arrange(placing, partition, leading.slots[partition]);
    }
}
