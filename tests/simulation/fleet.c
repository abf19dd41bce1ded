// Where copies lie is the nodes' own decision; it is read from them when they come up, and must not
// change. Who leads is asked all the time and changes rarely: the answer is kept until some node's
// role, term or life is another.

#include "tests/simulation/fleet.h"

#include "node/raft/raft.h"
#include "proto/base/check.h"

#include <stdio.h>
#include <stdlib.h>

// What a node was to a group when it last stepped.
struct standing {
    uint64_t term;
    int64_t led_since_ns; // 0: it does not lead it
};

struct known_leader {
    uint64_t revision; // of the fleet, when this was found out
    uint16_t leader;
};

struct fleet {
    struct world *world;
    const struct swarm *swarm;
    uint16_t size; // the highest number
    struct machine_watch watch;
    struct network *network;
    struct chronicle *chronicle;
    struct outside *outside;
    struct machine *machines[NETWORK_NODES_MAX + 1]; // from 1
    uint64_t *copies;             // by node and group: the replica's number and one; 0: no copy
    struct standing *standings;   // by node and group
    struct known_leader *leaders; // by group
    uint64_t revision;            // of roles, terms and lives
    char unlevel[200];
};

// What differs between machines of one fleet.
static void draw_traits(struct fleet *fleet, struct machine_plan *plan) {
    static const char *const zones[] = {"here", "there", "yonder"};
    const struct swarm *swarm = fleet->swarm;
    check(swarm->zone_count <= sizeof(zones) / sizeof(zones[0]));
    plan->zone = swarm->zone_count == 0
                     ? ""
                     : zones[world_draw(fleet->world, 0, (int64_t)swarm->zone_count - 1)];
    plan->weight = (uint32_t)world_draw(fleet->world, 1, swarm->weight_max);
    bool old = world_maybe(fleet->world, swarm->old_release_per_mille);
    plan->release = MACHINE_RELEASE - (old ? 1 : 0);
}

static struct machine *make(struct fleet *fleet, uint16_t number) {
    const struct swarm *swarm = fleet->swarm;
    struct machine_plan plan = {
        .number = number,
        .founders = swarm->alone ? 0 : swarm->node_count,
        .replicas = swarm->replicas,
        .dead_after_ms = swarm->dead_after_ms,
        .network = fleet->network,
        .chronicle = fleet->chronicle,
        .outside = fleet->outside,
    };
    draw_traits(fleet, &plan);
    return machine_create(fleet->world, swarm, &plan, &fleet->watch);
}

struct fleet *
fleet_create(struct world *world, const struct swarm *swarm, const struct machine_watch *watch) {
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    check(fleet != NULL);
    size_t places = (NETWORK_NODES_MAX + 1U) * swarm->group_count;
    fleet->world = world;
    fleet->swarm = swarm;
    fleet->size = swarm->node_count;
    fleet->watch = *watch;
    fleet->network = network_create(world, swarm->delay_us_max);
    fleet->chronicle = chronicle_create(world, swarm->group_count);
    fleet->outside = outside_create(world, swarm);
    fleet->copies = calloc(places, sizeof(*fleet->copies));
    fleet->standings = calloc(places, sizeof(struct standing));
    fleet->leaders = calloc(swarm->group_count, sizeof(struct known_leader));
    fleet->revision = 1;
    check(fleet->copies != NULL && fleet->standings != NULL && fleet->leaders != NULL);
    for (uint16_t number = 1; number <= fleet->size; number++) {
        fleet->machines[number] = make(fleet, number);
    }
    return fleet;
}

void fleet_destroy(struct fleet **fleet_at) {
    struct fleet *fleet = *fleet_at;
    if (fleet == NULL) {
        return;
    }
    for (uint16_t number = 1; number <= fleet->size; number++) {
        machine_destroy(&fleet->machines[number]);
    }
    network_destroy(&fleet->network);
    chronicle_destroy(&fleet->chronicle);
    outside_destroy(&fleet->outside);
    free(fleet->copies);
    free(fleet->standings);
    free(fleet->leaders);
    free(fleet);
    *fleet_at = NULL;
}

struct outside *fleet_outside(struct fleet *fleet) {
    return fleet->outside;
}

struct machine *fleet_newcomer(struct fleet *fleet) {
    return make(fleet, 0);
}

void fleet_enroll(
    struct fleet *fleet,
    struct machine *newcomer,
    uint16_t number,
    const uint16_t *members,
    uint32_t member_count
) {
    check(number >= 1 && number <= NETWORK_NODES_MAX && fleet->machines[number] == NULL);
    fleet->size = number > fleet->size ? number : fleet->size;
    fleet->machines[number] = newcomer;
    machine_enroll(newcomer, number, members, member_count);
}

// --- clients -------------------------------------------------------------------------------------

uint64_t fleet_ask(
    struct fleet *fleet, const struct question *question, machine_answered answered, void *argument
) {
    uint16_t number = fleet_any(fleet);
    uint64_t asked = machine_ask(fleet->machines[number], question, answered, argument);
    return asked * (NETWORK_NODES_MAX + 1) + number;
}

void fleet_leave(struct fleet *fleet, uint64_t ticket) {
    uint16_t number = (uint16_t)(ticket % (NETWORK_NODES_MAX + 1));
    machine_leave(fleet->machines[number], ticket / (NETWORK_NODES_MAX + 1));
}

// --- parts ---------------------------------------------------------------------------------------

uint16_t fleet_size(const struct fleet *fleet) {
    return fleet->size;
}

struct machine *fleet_machine(struct fleet *fleet, uint16_t number) {
    check(number >= 1 && number <= NETWORK_NODES_MAX);
    return fleet->machines[number];
}

static bool is_here(const struct fleet *fleet, uint16_t number) {
    return fleet->machines[number] != NULL && !machine_is_gone(fleet->machines[number]);
}

uint16_t fleet_any(struct fleet *fleet) {
    uint16_t here[NETWORK_NODES_MAX];
    uint16_t count = 0;
    for (uint16_t number = 1; number <= fleet->size; number++) {
        if (is_here(fleet, number)) {
            here[count++] = number;
        }
    }
    check(count > 0);
    return here[count == 1 ? 0 : world_draw(fleet->world, 0, count - 1)];
}

bool fleet_is_alone(const struct fleet *fleet) {
    return fleet->swarm->alone;
}

struct network *fleet_network(struct fleet *fleet) {
    return fleet->network;
}

const struct scheduler_settings *fleet_settings(const struct fleet *fleet) {
    return machine_settings(fleet->machines[1]);
}

const struct chronicle *fleet_chronicle(const struct fleet *fleet) {
    return fleet->chronicle;
}

bool fleet_has_copy(const struct fleet *fleet, uint16_t number, group_id group) {
    return fleet->copies[number * fleet->swarm->group_count + group] != 0;
}

// A replica that is a member by the newest config that is committed is somebody's copy. One that
// does not know its number may be any of its node's.
static void copy_goes(const struct fleet *fleet, uint16_t number, group_id group, uint64_t was) {
    uint64_t member = roster_replica(chronicle_roster(fleet->chronicle), group, number);
    if (member != 0 && (was == member || was == 0)) {
        world_fail(
            fleet->world,
            "members",
            "n%u forgets replica %llu of group %u, of which it is member %llu",
            number,
            (unsigned long long)was,
            group,
            (unsigned long long)member
        );
    }
}

static void note_copies(struct fleet *fleet, uint16_t number) {
    const struct raft *raft = node_raft(machine_node(fleet->machines[number]));
    uint64_t *known = &fleet->copies[number * fleet->swarm->group_count];
    for (uint32_t group = 0; group < fleet->swarm->group_count; group++) {
        uint64_t replica = 0;
        bool has = raft_has_replica(raft, (group_id)group, &replica);
        uint64_t now = has ? replica + 1 : 0;
        bool another = now != known[group] && known[group] > 1 && now != 1;
        if (known[group] != 0 && (now == 0 || another)) {
            copy_goes(fleet, number, (group_id)group, known[group] - 1);
        }
        // While its rows are replaced a replica may not know its number.
        known[group] = now == 1 && known[group] > 1 ? known[group] : now;
    }
}

void fleet_recovered(struct fleet *fleet, uint16_t number) {
    fleet->revision++;
    note_copies(fleet, number);
}

// --- who agrees ----------------------------------------------------------------------------------

static uint32_t set_of(const node_id *nodes, uint32_t count) {
    uint32_t set = 0;
    for (uint32_t i = 0; i < count; i++) {
        set |= 1U << nodes[i];
    }
    return set;
}

struct fleet_members fleet_members(struct fleet *fleet, uint16_t number, group_id group) {
    const struct raft *raft = node_raft(machine_node(fleet->machines[number]));
    struct raft_group_status status = raft_status(raft, group);
    return (struct fleet_members){
        .voters = set_of(status.voters, status.voter_count),
        .incoming = set_of(status.incoming, status.incoming_count),
        .learners = set_of(status.learners, status.learner_count),
        .index = status.config_index,
    };
}

static bool is_most(uint32_t nodes, uint32_t of) {
    return 2 * __builtin_popcount(nodes & of) > __builtin_popcount(of);
}

bool fleet_is_majority(const struct fleet_members *members, uint32_t nodes) {
    return is_most(nodes, members->voters) &&
           (members->incoming == 0 || is_most(nodes, members->incoming));
}

// --- who leads -----------------------------------------------------------------------------------

static uint16_t find_leader(struct fleet *fleet, group_id group) {
    uint16_t leader = 0;
    uint64_t leader_term = 0;
    uint64_t newest_term = 0;
    uint32_t seen = 0;
    for (uint16_t number = 1; number <= fleet->size; number++) {
        struct machine *machine = fleet->machines[number];
        if (machine == NULL || !machine_is_up(machine) || !fleet_has_copy(fleet, number, group)) {
            continue;
        }
        seen |= 1U << number;
        const struct raft *raft = node_raft(machine_node(machine));
        uint64_t term = raft_term(raft, group);
        newest_term = term > newest_term ? term : newest_term;
        if (raft_is_leader(raft, group) && term > leader_term) {
            leader = number;
            leader_term = term;
        }
    }
    if (leader == 0 || leader_term < newest_term) {
        return 0;
    }
    // A newer leader was elected by a majority, and some of any majority were seen.
    struct fleet_members members = fleet_members(fleet, leader, group);
    return fleet_is_majority(&members, seen) ? leader : 0;
}

uint16_t fleet_leader(struct fleet *fleet, group_id group) {
    struct known_leader *known = &fleet->leaders[group];
    if (known->revision != fleet->revision) {
        *known = (struct known_leader){fleet->revision, find_leader(fleet, group)};
    }
    return known->leader;
}

bool fleet_stepped(struct fleet *fleet, uint16_t number, bool wrote) {
    const struct node *node = machine_node(fleet->machines[number]);
    struct standing *standings = &fleet->standings[number * fleet->swarm->group_count];
    bool changed = false;
    for (uint32_t group = 0; group < fleet->swarm->group_count && node != NULL; group++) {
        struct standing *standing = &standings[group];
        bool leads = raft_is_leader(node_raft(node), (group_id)group);
        uint64_t term = raft_term(node_raft(node), (group_id)group);
        changed = changed || term != standing->term || leads != (standing->led_since_ns != 0);
        standing->term = term;
        if (!leads) {
            standing->led_since_ns = 0;
        } else if (standing->led_since_ns == 0) {
            standing->led_since_ns = world_mono(fleet->world).ns;
        }
    }
    bool may_have_moved = wrote && fleet->swarm->churn && node != NULL;
    if (may_have_moved) {
        note_copies(fleet, number);
    }
    fleet->revision += changed || may_have_moved ? 1 : 0;
    return changed;
}

void fleet_died(struct fleet *fleet, uint16_t number) {
    fleet->revision++;
    for (uint32_t group = 0; group < fleet->swarm->group_count; group++) {
        fleet->standings[number * fleet->swarm->group_count + group].led_since_ns = 0;
        fleet->copies[number * fleet->swarm->group_count + group] =
            0; // one just made was in memory
    }
}

int64_t fleet_led_ns(const struct fleet *fleet, uint16_t number, group_id group) {
    int64_t since_ns = fleet->standings[number * fleet->swarm->group_count + group].led_since_ns;
    return since_ns == 0 ? 0 : world_mono(fleet->world).ns - since_ns;
}

struct store *fleet_store(struct fleet *fleet, group_id group) {
    uint16_t leader = fleet_leader(fleet, group);
    return leader == 0 ? NULL : machine_store(fleet->machines[leader]);
}

// --- the end -------------------------------------------------------------------------------------

static bool is_level(struct fleet *fleet, uint16_t number, group_id group) {
    struct store_group state = store_group(machine_store(fleet->machines[number]), group);
    log_index last = chronicle_last(fleet->chronicle, group);
    bool whole =
        store_installing(machine_store(fleet->machines[number]), group) == STORE_INSTALL_NONE;
    if (state.last_index == last && state.commit_index == last && whole) {
        return true;
    }
    (void)snprintf(
        fleet->unlevel,
        sizeof(fleet->unlevel),
        "n%u has entries of group %u up to %llu, %llu committed, of %llu%s",
        number,
        group,
        (unsigned long long)state.last_index,
        (unsigned long long)state.commit_index,
        (unsigned long long)last,
        whole ? "" : ", its rows are being replaced"
    );
    return false;
}

// The members of the group are all here and equal, and nobody else has a copy.
static bool is_group_level(struct fleet *fleet, group_id group) {
    uint16_t leader = fleet_leader(fleet, group);
    if (leader == 0) {
        (void)snprintf(
            fleet->unlevel, sizeof(fleet->unlevel), "group %u has no leader for certain", group
        );
        return false;
    }
    struct fleet_members members = fleet_members(fleet, leader, group);
    uint32_t wanted = members.voters | members.learners;
    for (uint16_t number = 1; number <= fleet->size; number++) {
        bool is_member = (wanted >> number & 1) != 0;
        bool here = is_here(fleet, number);
        bool has = here && fleet_has_copy(fleet, number, group);
        if (is_member != has || members.incoming != 0) {
            (void)snprintf(
                fleet->unlevel,
                sizeof(fleet->unlevel),
                "n%u is %s member of group %u, and has %s copy%s%s",
                number,
                is_member ? "a" : "no",
                group,
                has ? "a" : "no",
                here ? "" : "; it is gone",
                members.incoming != 0 ? "; its config is joint" : ""
            );
            return false;
        }
        if (has && !is_level(fleet, number, group)) {
            return false;
        }
    }
    return true;
}

bool fleet_is_level(struct fleet *fleet) {
    for (uint16_t number = 1; number <= fleet->size; number++) {
        if (is_here(fleet, number) && !machine_is_up(fleet->machines[number])) {
            (void)snprintf(fleet->unlevel, sizeof(fleet->unlevel), "n%u is down", number);
            return false;
        }
    }
    for (uint32_t group = 0; group < fleet->swarm->group_count; group++) {
        if (!is_group_level(fleet, (group_id)group)) {
            return false;
        }
    }
    return true;
}

const char *fleet_unlevel(struct fleet *fleet) {
    return fleet->unlevel;
}

void fleet_settle(struct fleet *fleet) {
    for (uint16_t number = 1; number <= fleet->size && !world_failed(fleet->world); number++) {
        if (is_here(fleet, number)) {
            machine_settle(fleet->machines[number]);
        }
    }
}

struct machine_stats fleet_stats(struct fleet *fleet) {
    struct machine_stats sum = {0};
    for (uint16_t number = 1; number <= fleet->size; number++) {
        if (fleet->machines[number] == NULL) {
            continue;
        }
        struct machine_stats stats = machine_stats(fleet->machines[number]);
        sum.crashes += stats.crashes;
        sum.questions += stats.questions;
        sum.answers += stats.answers;
        sum.batches += stats.batches;
        sum.checkpoints += stats.checkpoints;
        sum.entries += stats.entries;
        sum.rows_compared += stats.rows_compared;
        sum.messages += stats.messages;
    }
    return sum;
}
