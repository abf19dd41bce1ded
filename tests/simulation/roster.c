// Rows are taken as they come; what must hold between them is judged when their entry is whole,
// against what was there before it.

#include "tests/simulation/roster.h"

#include "node/raft/config.h"
#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "storage/keys.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const CHECKER = "members";

enum {
    GROUPS_MAX = 32,
    ARENA_BLOCK_BYTES = 4096,
    FOUNDERS_NEXT = 8 // above the replicas' numbers of any group as it was founded
};

// Nodes as sets of bits.
struct plan {
    uint64_t voters;
    uint64_t target;
};

struct group {
    struct config config; // the newest; no members: none was committed yet
    struct plan plan;
    uint32_t planned; // new places of the plan so far
    uint32_t taken;   // new voters so far
};

struct roster {
    struct world *world;
    struct arena *arena; // of one row
    uint32_t group_count;
    struct roster_member members[ROSTER_NODES];
    struct roster_member before[ROSTER_NODES]; // the entry
    struct cluster_row cluster;
    uint32_t version_before;
    bool changed; // a member or the cluster's row, by this entry
    struct group groups[GROUPS_MAX];
};

struct roster *roster_create(struct world *world, uint32_t group_count) {
    struct roster *roster = calloc(1, sizeof(*roster));
    check(roster != NULL && group_count <= GROUPS_MAX);
    roster->world = world;
    roster->group_count = group_count;
    roster->arena = arena_create(ARENA_BLOCK_BYTES);
    return roster;
}

void roster_destroy(struct roster **roster) {
    if (*roster != NULL) {
        arena_destroy(&(*roster)->arena);
        free(*roster);
        *roster = NULL;
    }
}

// --- looking -------------------------------------------------------------------------------------

const struct roster_member *roster_member(const struct roster *roster, uint16_t node) {
    check(node < ROSTER_NODES);
    return &roster->members[node];
}

static uint64_t in_state(const struct roster *roster, enum member_state state) {
    uint64_t nodes = 0;
    for (uint32_t node = 1; node < ROSTER_NODES; node++) {
        nodes |= roster->members[node].state == state ? 1ULL << node : 0;
    }
    return nodes;
}

static uint32_t count_of(uint64_t nodes) {
    return (uint32_t)__builtin_popcountll(nodes);
}

uint32_t roster_version(const struct roster *roster) {
    return roster->cluster.version;
}

uint32_t roster_count(const struct roster *roster, enum member_state state) {
    return count_of(in_state(roster, state));
}

uint64_t roster_replica(const struct roster *roster, group_id group, uint16_t node) {
    const struct config_member *member = config_find(&roster->groups[group].config, node);
    return member == NULL ? 0 : member->replica;
}

uint64_t roster_next_replica(const struct roster *roster, group_id group) {
    const struct config *config = &roster->groups[group].config;
    return config->count == 0 ? FOUNDERS_NEXT : config->next_replica;
}

// --- configs -------------------------------------------------------------------------------------

// Those who have one of these votes.
static uint64_t nodes_of(const struct config *config, uint8_t votes) {
    uint64_t nodes = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        bool is_one = (config->members[i].votes & votes) != 0;
        nodes |= is_one ? 1ULL << config->members[i].node : 0;
    }
    return nodes;
}

// Those who vote in the new one do so in what the old one leads to: a majority of the one has
// somebody of any majority of the other. Who is new has a number that nobody had.
static void judge_config(struct roster *roster, group_id group, const struct config *now) {
    const struct config *old = &roster->groups[group].config;
    bool follows = old->count == 0 || nodes_of(now, CONFIG_NOW) == nodes_of(old, CONFIG_NEXT);
    bool fresh = now->next_replica >= old->next_replica;
    for (uint32_t i = 0; i < now->count && old->count > 0; i++) {
        const struct config_member *was = config_find(old, now->members[i].node);
        bool same = was != NULL && was->replica == now->members[i].replica;
        fresh = fresh && (same || now->members[i].replica >= old->next_replica);
    }
    if (!follows || !fresh) {
        world_fail(
            roster->world,
            "config",
            "group %u: a config %s",
            group,
            follows ? "uses a replica's number again" : "shares no majority with the one before"
        );
    }
}

// Members that become new replicas, because their disk is lost: they get all rows and their vote
// again.
static uint32_t count_renewed(const struct config *old, const struct config *now) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        const struct config_member *is = config_find(now, old->members[i].node);
        count += is != NULL && is->replica != old->members[i].replica;
    }
    return count;
}

// A learner may be dropped and taken again by leaders that know different plans, a voter not. All
// nodes follow the system group, planned or not.
static void count_taken(struct roster *roster, group_id group, const struct config *now) {
    struct group *of = &roster->groups[group];
    uint64_t fresh = nodes_of(now, CONFIG_VOTER) & ~nodes_of(&of->config, CONFIG_VOTER);
    of->planned += count_renewed(&of->config, now);
    of->taken += of->config.count == 0 ? 0 : count_of(fresh);
    if (group > 0 && of->taken > of->planned) {
        world_fail(
            roster->world,
            CHECKER,
            "group %u got %u new voters, and %u were planned",
            group,
            of->taken,
            of->planned
        );
    }
}

static void take_config(struct roster *roster, group_id group, bytes value) {
    struct config now;
    if (err_is(config_take(value, &now))) {
        world_fail(roster->world, "config", "group %u: a config that cannot be", group);
        return;
    }
    judge_config(roster, group, &now);
    count_taken(roster, group, &now);
    roster->groups[group].config = now;
}

// --- rows of the system group --------------------------------------------------------------------

static uint64_t set_of(const struct wire_u32_list *list) {
    uint64_t nodes = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        check(list->items[i] < ROSTER_NODES);
        nodes |= 1ULL << list->items[i];
    }
    return nodes;
}

static void take_member(struct roster *roster, uint32_t node, bytes value) {
    struct member_row row = {0};
    check(node > 0 && node < ROSTER_NODES);
    if (value.data == NULL || err_is(wire_decode(&member_row_record, value, roster->arena, &row))) {
        world_fail(roster->world, CHECKER, "the row of n%u is gone, or none", node);
        return;
    }
    roster->members[node] = (struct roster_member){
        .state = (enum member_state)row.state,
        .store = row.store_id,
        .zone = hash_sip64(row.zone),
        .release_high = row.release_high,
    };
    roster->changed = true;
}

static void take_plan(struct roster *roster, group_id group, bytes value) {
    struct partition_row row = {0};
    struct group *of = &roster->groups[group];
    check(!err_is(wire_decode(&partition_row_record, value, roster->arena, &row)));
    struct plan now = {.voters = set_of(&row.voters), .target = set_of(&row.target)};
    of->planned += of->plan.voters == 0 ? 0 : count_of(now.voters & ~of->plan.voters);
    of->plan = now;
}

void roster_write(struct roster *roster, group_id group, bytes key, bytes value) {
    uint32_t node = 0;
    group_id planned = 0;
    if (key.data[0] == KEY_CONFIG && key.size == 1 && value.data != NULL) {
        take_config(roster, group, value);
    } else if (group != 0) {
        return;
    } else if (key_node_parse(key, &node)) {
        take_member(roster, node, value);
    } else if (key_partition_parse(key, &planned)) {
        take_plan(roster, planned, value);
    } else if (key.data[0] == KEY_VERSION && key.size == 1) {
        check(!err_is(wire_decode(&cluster_row_record, value, roster->arena, &roster->cluster)));
        roster->changed = true;
    }
    arena_reset(roster->arena);
}

// --- an entry ------------------------------------------------------------------------------------

static bool may_follow(enum member_state before, enum member_state now) {
    static const uint8_t next[] = {
        [MEMBER_UNKNOWN] = 1 << MEMBER_JOINING | 1 << MEMBER_ACTIVE,
        [MEMBER_JOINING] = 1 << MEMBER_ACTIVE | 1 << MEMBER_DRAINING,
        [MEMBER_ACTIVE] = 1 << MEMBER_DRAINING | 1 << MEMBER_DEAD,
        [MEMBER_DRAINING] = 1 << MEMBER_ACTIVE | 1 << MEMBER_LEFT,
        [MEMBER_DEAD] = 1 << MEMBER_ACTIVE | 1 << MEMBER_DRAINING,
    };
    return before == now || (before != MEMBER_LEFT && (next[before] >> now & 1) != 0);
}

static void judge_left(struct roster *roster, uint32_t node) {
    for (uint32_t group = 0; group < roster->group_count; group++) {
        if ((nodes_of(&roster->groups[group].config, CONFIG_VOTER) >> node & 1) != 0) {
            world_fail(roster->world, CHECKER, "n%u left with a vote in group %u", node, group);
        }
    }
}

static void judge_member(struct roster *roster, uint32_t node) {
    const struct roster_member *before = &roster->before[node];
    const struct roster_member *now = &roster->members[node];
    if (!may_follow(before->state, now->state)) {
        world_fail(
            roster->world,
            CHECKER,
            "n%u, which was %s, is %s",
            node,
            member_state_name((uint8_t)before->state),
            member_state_name((uint8_t)now->state)
        );
    }
    if (before->state == MEMBER_UNKNOWN && now->release_high != 0 &&
        now->release_high < roster->cluster.version) {
        world_fail(roster->world, CHECKER, "n%u does not speak as the members do", node);
    }
    if (now->state == MEMBER_LEFT && before->state != MEMBER_LEFT) {
        judge_left(roster, node);
    }
    for (uint32_t other = 1; other < ROSTER_NODES; other++) {
        if (other != node && !id_is_zero(now->store) &&
            id_equal(now->store, roster->members[other].store)) {
            world_fail(roster->world, CHECKER, "n%u and n%u have one store", node, other);
        }
    }
}

// What all members speak; 0: that is not known of all.
static uint32_t common_release(const struct roster *roster) {
    uint32_t common = UINT32_MAX;
    for (uint32_t node = 1; node < ROSTER_NODES; node++) {
        const struct roster_member *member = &roster->members[node];
        bool counts = member->state != MEMBER_UNKNOWN && member->state != MEMBER_LEFT;
        common = counts && member->release_high < common ? member->release_high : common;
    }
    return common == UINT32_MAX ? 0 : common;
}

static void judge_version(struct roster *roster) {
    uint32_t version = roster->cluster.version;
    bool rose = version > roster->version_before && roster->version_before != 0;
    uint32_t common = common_release(roster);
    if (version < roster->version_before || (rose && version > common)) {
        world_fail(
            roster->world,
            CHECKER,
            "the cluster's version goes from %u to %u, its members speak %u",
            roster->version_before,
            version,
            common
        );
    }
    roster->version_before = version;
}

void roster_entry_ends(struct roster *roster) {
    if (!roster->changed) {
        return;
    }
    roster->changed = false;
    judge_version(roster);
    for (uint32_t node = 1; node < ROSTER_NODES; node++) {
        judge_member(roster, node);
        roster->before[node] = roster->members[node];
    }
}

void roster_adopted(struct roster *roster) {
    for (uint32_t group = 0; group < roster->group_count; group++) {
        roster->groups[group].planned = count_of(roster->groups[group].plan.voters);
    }
    for (uint32_t node = 1; node < ROSTER_NODES; node++) {
        roster->before[node] = roster->members[node];
    }
    roster->version_before = roster->cluster.version;
    roster->changed = false;
}

// --- the end -------------------------------------------------------------------------------------

static uint32_t zones_of(const struct roster *roster, uint64_t nodes) {
    uint32_t count = 0;
    for (uint32_t node = 1; node < ROSTER_NODES; node++) {
        bool fresh = (nodes >> node & 1) != 0;
        for (uint32_t earlier = 1; earlier < node && fresh; earlier++) {
            fresh = (nodes >> earlier & 1) == 0 ||
                    roster->members[earlier].zone != roster->members[node].zone;
        }
        count += fresh;
    }
    return count;
}

static uint32_t lesser(uint32_t left, uint32_t right) {
    return left < right ? left : right;
}

// NULL: the group is as it shall be.
static const char *unsettled(const struct roster *roster, const struct group *group) {
    uint64_t holders = in_state(roster, MEMBER_ACTIVE);
    uint32_t copies = lesser(roster->cluster.copies, count_of(holders));
    uint64_t now = nodes_of(&group->config, CONFIG_NOW);
    bool joint = now != nodes_of(&group->config, CONFIG_NEXT);
    now = group->config.count == 0 ? group->plan.voters : now; // as it was founded
    if (joint || now != group->plan.voters) {
        return "is not as planned";
    }
    if (now != group->plan.target) {
        return "is not where it shall end";
    }
    if (count_of(now) != copies) {
        return "has not as many copies as can be";
    }
    return zones_of(roster, now) < lesser(zones_of(roster, holders), copies)
               ? "is in fewer zones than can be"
               : NULL;
}

bool roster_is_settled(const struct roster *roster, char *out_rest, size_t size) {
    for (uint32_t group = 1; group < roster->group_count; group++) {
        const struct group *of = &roster->groups[group];
        const char *rest = unsettled(roster, of);
        if (rest != NULL) {
            (void)snprintf(
                out_rest,
                size,
                "group %u %s: voters %llx, planned %llx, target %llx, active %llx",
                group,
                rest,
                (unsigned long long)nodes_of(&of->config, CONFIG_NOW),
                (unsigned long long)of->plan.voters,
                (unsigned long long)of->plan.target,
                (unsigned long long)in_state(roster, MEMBER_ACTIVE)
            );
            return false;
        }
    }
    uint32_t common = common_release(roster);
    if (common > roster->cluster.version) {
        (void)snprintf(
            out_rest, size, "all speak version %u, it is %u", common, roster->cluster.version
        );
    }
    return common <= roster->cluster.version;
}
