// Once a second it is drawn what strikes within the next. Partitions come one at a time; they and
// clogs end link by link, in another order than they began in.

#include "tests/simulation/harm.h"

#include "proto/base/check.h"

#include <stdlib.h>

enum {
    WALL_STEP_MS = 20000,
    WALL_STEP_TROUBLE_MS = 15000, // until a majority has made up its mind
    WALL_STEP_FAR_MS = 3600000,   // in a cluster only: a node alone has nothing but its clock
    PARTITION_MS_MAX = 8000,
    CLOG_MS_MAX = 5000,
    SLEEP_MS_MAX = 5000,
    FREEZE_MS_MAX = 180000,
    SLEEP_NOTICED_MS = 500, // longer sleep is silence on the network
    MEND_MS_MAX = 1000,
    FULL_MS_MAX = 10000,
    FULL_PERMILLE_MIN = 800 // below the limits, too
};

struct harm {
    struct world *world;
    const struct swarm *swarm;
    struct fleet *fleet;
    bool over;
    bool parted;
    int64_t first_wrong; // the nodes from it on, fewer than half, are those whose clocks step
    uint16_t wrong;      // while nodes come and go: the one whose clock stepped; 0: none
};

static uint16_t any_node(struct harm *harm) {
    return fleet_any(harm->fleet);
}

// What is told meanwhile may be lost on its way.
static void trouble(struct harm *harm, int64_t ms) {
    outside_trouble(fleet_outside(harm->fleet), ms);
}

// --- nodes ---------------------------------------------------------------------------------------

static void crash(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    if (harm->over) {
        return;
    }
    uint16_t size = fleet_size(harm->fleet);
    uint16_t one = any_node(harm);
    bool all = size > 1 && world_maybe(harm->world, 100);
    for (uint16_t number = 1; number <= size; number++) {
        struct machine *machine = fleet_machine(harm->fleet, number);
        if (machine != NULL && (all || number == one)) {
            machine_crash(machine, all ? "the power goes" : "of the machine");
        }
    }
}

static void stop(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    struct machine *machine = fleet_machine(harm->fleet, any_node(harm));
    if (!harm->over && machine != NULL) {
        machine_stop(machine);
    }
}

// Nothing that the node sends arrives, or it may again.
static void silence(struct harm *harm, uint16_t node, bool silent) {
    for (uint16_t other = 1; other <= fleet_size(harm->fleet); other++) {
        if (other != node && silent) {
            network_block(fleet_network(harm->fleet), node, other);
        } else if (other != node) {
            network_allow(fleet_network(harm->fleet), node, other);
        }
    }
}

static void speak_again(void *argument, uint64_t node) {
    struct harm *harm = argument;
    harm->parted = false;
    silence(harm, (uint16_t)node, false);
}

static void sleep_some(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    if (harm->over) {
        return;
    }
    uint16_t node = any_node(harm);
    int64_t ms = world_maybe(harm->world, 500) ? world_draw(harm->world, 5, SLEEP_NOTICED_MS)
                                               : world_draw(harm->world, 5, SLEEP_MS_MAX);
    if (ms > SLEEP_NOTICED_MS && !harm->parted) {
        harm->parted = true;
        silence(harm, node, true);
        world_after(harm->world, ms * WORLD_MS, speak_again, harm, node);
    }
    trouble(harm, ms);
    machine_pause(fleet_machine(harm->fleet, node), ms * WORLD_MS);
}

// While nodes come and go, one clock at a time is wrong, of a node that has at least two others
// beside it that are members for certain.
static bool may_be_wrong(const struct harm *harm, uint16_t node) {
    const struct roster *roster = chronicle_roster(fleet_chronicle(harm->fleet));
    return roster_count(roster, MEMBER_ACTIVE) >= 3 &&
           roster_member(roster, node)->state == MEMBER_ACTIVE;
}

static void set_right(struct harm *harm) {
    if (harm->wrong != 0) {
        machine_clock(fleet_machine(harm->fleet, harm->wrong))->step_ms = 0;
        world_trace(harm->world, "n%u: wall clock is right again", harm->wrong);
        harm->wrong = 0;
    }
}

static uint16_t choose_wrong(struct harm *harm) {
    uint16_t size = fleet_size(harm->fleet);
    if (!harm->swarm->churn) {
        int64_t wrong = size < 3 ? 1 : (size - 1) / 2;
        int64_t at = harm->first_wrong + world_draw(harm->world, 0, wrong - 1);
        return (uint16_t)(at % size + 1);
    }
    set_right(harm);
    harm->wrong = any_node(harm);
    harm->wrong = may_be_wrong(harm, harm->wrong) ? harm->wrong : 0;
    return harm->wrong;
}

static void step_wall(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    if (harm->over) {
        return;
    }
    uint16_t node = choose_wrong(harm);
    bool far = fleet_size(harm->fleet) > 1 && world_maybe(harm->world, 500);
    int64_t most_ms = far ? WALL_STEP_FAR_MS : WALL_STEP_MS;
    int64_t ms = world_draw(harm->world, -most_ms, most_ms);
    if (node == 0) {
        return;
    }
    machine_clock(fleet_machine(harm->fleet, node))->step_ms = ms;
    trouble(harm, WALL_STEP_TROUBLE_MS);
    world_trace(harm->world, "n%u: wall clock steps to %lld ms", node, (long long)ms);
}

// Fewer than half of the members stand still, for longer than anybody waits for them.
static void freeze(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    uint32_t members = roster_count(chronicle_roster(fleet_chronicle(harm->fleet)), MEMBER_ACTIVE);
    uint32_t most = members < 3 || harm->parted ? 0 : (members - 1) / 2;
    int64_t ms = world_draw(harm->world, SLEEP_MS_MAX, FREEZE_MS_MAX);
    trouble(harm, most > 0 ? ms : 0);
    for (uint32_t i = 0; i < most && !harm->over; i++) {
        uint16_t node = any_node(harm);
        harm->parted = true;
        silence(harm, node, true);
        world_after(harm->world, ms * WORLD_MS, speak_again, harm, node);
        machine_pause(fleet_machine(harm->fleet, node), ms * WORLD_MS);
    }
}

static void empty(void *argument, uint64_t node) {
    struct harm *harm = argument;
    machine_fill(fleet_machine(harm->fleet, (uint16_t)node), 0);
}

static void fill(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    if (harm->over) {
        return;
    }
    uint16_t node = any_node(harm);
    uint32_t permille = (uint32_t)world_draw(harm->world, FULL_PERMILLE_MIN, 1000);
    machine_fill(fleet_machine(harm->fleet, node), permille);
    int64_t ms = world_draw(harm->world, 100, FULL_MS_MAX);
    trouble(harm, ms);
    world_after(harm->world, ms * WORLD_MS, empty, harm, node);
}

// --- the network ---------------------------------------------------------------------------------

enum parting {
    PART_ONE,     // a node from all others
    PART_HALVES,  // two halves
    PART_BRIDGE,  // two halves that share a node
    PART_RING,    // everybody hears two neighbours only
    PART_ONE_WAY, // a node is not heard
    PART_DEAF,    // a node does not hear
    PARTINGS
};

static bool
reaches(enum parting parting, uint16_t size, uint16_t node, uint16_t from, uint16_t to) {
    bool from_low = from <= size / 2;
    bool to_low = to <= size / 2;
    switch (parting) {
    case PART_ONE:
        return from != node && to != node;
    case PART_HALVES:
        return from_low == to_low;
    case PART_BRIDGE:
        return from_low == to_low || from == node || to == node;
    case PART_RING:
        return from % size + 1 == to || to % size + 1 == from;
    case PART_ONE_WAY:
        return from != node;
    case PART_DEAF:
        return to != node;
    case PARTINGS:
        break;
    }
    return true;
}

static void mend_one(void *argument, uint64_t pair) {
    struct harm *harm = argument;
    network_allow(fleet_network(harm->fleet), (uint16_t)(pair >> 16), (uint16_t)pair);
}

// Each way is opened at a moment of its own.
static void mend(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    uint16_t size = fleet_size(harm->fleet);
    bool at_once = world_maybe(harm->world, 500);
    harm->parted = false;
    for (uint16_t from = 1; from <= size; from++) {
        for (uint16_t to = 1; to <= size; to++) {
            int64_t ms = at_once ? 0 : world_draw(harm->world, 0, MEND_MS_MAX);
            if (from != to) {
                world_after(harm->world, ms * WORLD_MS, mend_one, harm, (uint64_t)from << 16 | to);
            }
        }
    }
}

static void part(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    uint16_t size = fleet_size(harm->fleet);
    if (harm->over || harm->parted) {
        return;
    }
    harm->parted = true;
    enum parting parting = (enum parting)world_draw(harm->world, 0, PARTINGS - 1);
    uint16_t node = any_node(harm);
    static const char *const names[PARTINGS] = {
        "one node alone", "two halves", "a bridge", "a ring", "a node unheard", "a deaf node"};
    world_trace(harm->world, "partition: %s, n%u", names[parting], node);
    for (uint16_t from = 1; from <= size; from++) {
        for (uint16_t to = 1; to <= size; to++) {
            if (from != to && !reaches(parting, size, node, from, to)) {
                network_block(fleet_network(harm->fleet), from, to);
            }
        }
    }
    int64_t ms = world_draw(harm->world, 50, PARTITION_MS_MAX);
    trouble(harm, ms + MEND_MS_MAX);
    world_after(harm->world, ms * WORLD_MS, mend, harm, 0);
}

static void clog_ways(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    if (harm->over) {
        return;
    }
    uint16_t node = any_node(harm);
    uint16_t only = any_node(harm);
    bool all = world_maybe(harm->world, 300);
    int64_t ms = world_maybe(harm->world, 700) ? world_draw(harm->world, 10, 500)
                                               : world_draw(harm->world, 10, CLOG_MS_MAX);
    trouble(harm, ms);
    for (uint16_t other = 1; other <= fleet_size(harm->fleet); other++) {
        if (other == node || (!all && other != only)) {
            continue;
        }
        network_clog(fleet_network(harm->fleet), node, other, ms * WORLD_MS);
        if (world_maybe(harm->world, 300)) {
            network_clog(fleet_network(harm->fleet), other, node, ms * WORLD_MS / 2);
        }
    }
}

static void cut(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    uint16_t one = any_node(harm);
    uint16_t other = any_node(harm);
    if (!harm->over && one != other) {
        trouble(harm, 0);
        network_cut(fleet_network(harm->fleet), one, other);
    }
}

// --- striking ------------------------------------------------------------------------------------

static void
strike(struct harm *harm, uint32_t per_mille, void (*what)(void *argument, uint64_t token)) {
    if (world_maybe(harm->world, per_mille)) {
        world_after(harm->world, world_draw(harm->world, 0, WORLD_SECOND), what, harm, 0);
    }
}

static void every_second(void *argument, uint64_t token) {
    (void)token;
    struct harm *harm = argument;
    const struct swarm *swarm = harm->swarm;
    if (harm->over) {
        return;
    }
    if (harm->wrong != 0 && !may_be_wrong(harm, harm->wrong)) {
        set_right(harm);
    }
    strike(harm, swarm->stop_per_second, stop);
    strike(harm, swarm->crash_per_second, crash);
    strike(harm, swarm->wall_step_per_second, step_wall);
    strike(harm, swarm->sleep_per_second, sleep_some);
    strike(harm, swarm->freeze_per_second, freeze);
    strike(harm, swarm->partition_per_second, part);
    strike(harm, swarm->clog_per_second, clog_ways);
    strike(harm, swarm->cut_per_second, cut);
    strike(harm, swarm->fill_per_second, fill);
    world_after(harm->world, WORLD_SECOND, every_second, harm, 0);
}

void harm_newcomer(struct harm *harm, struct machine *machine) {
    int64_t ppm_max = harm->swarm->rate_ppm_max;
    if (ppm_max > 0) {
        clock_set_rate(machine_clock(machine), world_draw(harm->world, -ppm_max, ppm_max));
    }
}

struct harm *harm_begin(struct world *world, const struct swarm *swarm, struct fleet *fleet) {
    struct harm *harm = calloc(1, sizeof(*harm));
    check(harm != NULL);
    harm->world = world;
    harm->swarm = swarm;
    harm->fleet = fleet;
    harm->first_wrong = world_draw(world, 0, fleet_size(fleet) - 1);
    for (uint16_t number = 1; number <= fleet_size(fleet); number++) {
        harm_newcomer(harm, fleet_machine(fleet, number));
    }
    every_second(harm, 0);
    return harm;
}

void harm_end(struct harm *harm) {
    harm->over = true;
    network_heal(fleet_network(harm->fleet));
    for (uint16_t number = 1; number <= fleet_size(harm->fleet); number++) {
        struct machine *machine = fleet_machine(harm->fleet, number);
        if (machine != NULL) {
            clock_correct(machine_clock(machine));
            machine_fill(machine, 0);
            machine_wake(machine);
        }
    }
}

void harm_destroy(struct harm **harm) {
    free(*harm);
    *harm = NULL;
}
