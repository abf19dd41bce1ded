// One thing after the other: the steward draws what to do, does it or gives the order, and rests.
// The size it wants changes now and then, between three nodes and five. A machine or its disk is
// lost only where that can lose nothing: no other one is missing, and every group it votes in keeps
// a majority that holds everything.

#include "tests/simulation/steward.h"

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/simulation/orders.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "steward";

enum {
    REST_MS_MIN = 300,
    REST_MS_MAX = 4000,
    LOOK_AFTER_MS = 1000,
    UNHEARD_LOOKS = 4,
    SIZE_LEAST = 3,
    SIZE_MOST = 5
};

struct steward {
    struct scene *scene;
    struct harm *harm;
    struct orders *orders;
    uint32_t size; // that it wants
    bool rests;
    bool idle; // nothing more is planned
    struct machine *newcomer;
    uint32_t joins;
    uint64_t changes;
    uint32_t leaving;  // nodes that were told to leave
    uint32_t draining; // nodes that were told to give away what they have, and to stay
    uint32_t lost;     // nodes that are gone, and nobody said so yet
    uint8_t unheard[NETWORK_NODES_MAX + 1]; // looks since it rests at which the node had left
};

static void act(void *argument, uint64_t token);

static void act_later(struct steward *steward) {
    struct world *world = steward->scene->world;
    world_after(world, world_draw(world, REST_MS_MIN, REST_MS_MAX) * WORLD_MS, act, steward, 0);
}

// --- who is there --------------------------------------------------------------------------------

static bool is_here(const struct steward *steward, uint16_t number) {
    const struct machine *machine = fleet_machine(steward->scene->fleet, number);
    return machine != NULL && !machine_is_gone(machine);
}

static bool stays(const struct steward *steward, uint16_t number) {
    return is_here(steward, number) && (steward->leaving >> number & 1) == 0;
}

static uint32_t count_staying(const struct steward *steward) {
    uint32_t count = 0;
    for (uint16_t number = 1; number <= fleet_size(steward->scene->fleet); number++) {
        count += stays(steward, number) ? 1 : 0;
    }
    return count;
}

static uint16_t any_staying(struct steward *steward) {
    uint32_t skip =
        (uint32_t)world_draw(steward->scene->world, 0, (int64_t)count_staying(steward) - 1);
    uint16_t number = 1;
    while (!stays(steward, number) || skip-- > 0) {
        number++;
    }
    return number;
}

// --- a loss --------------------------------------------------------------------------------------

static bool holds_all(const struct steward *steward, uint16_t number, group_id group) {
    struct fleet *fleet = steward->scene->fleet;
    const struct shadow *shadow = machine_shadow(fleet_machine(fleet, number));
    log_index last = chronicle_last(fleet_chronicle(fleet), group);
    return shadow_durable(shadow, group) >= last && !shadow_is_installing(shadow, group);
}

// A disk that was lost before counts until its replicas have numbers of their own: who came back
// without knows nothing of what it voted for, and does not vote in the place of what it was.
static bool has_own_number(const struct steward *steward, uint16_t number, group_id group) {
    struct fleet *fleet = steward->scene->fleet;
    uint64_t old = machine_old_replicas(fleet_machine(fleet, number), group);
    return old == 0 ||
           roster_replica(chronicle_roster(fleet_chronicle(fleet)), group, number) >= old;
}

// Whether the voters without the node, and without those that are gone already, are a majority that
// has all that the group committed.
static bool others_suffice(
    const struct steward *steward,
    const struct fleet_members *members,
    uint16_t number,
    group_id group
) {
    uint32_t others = 0;
    bool whole = false;
    for (uint16_t other = 1; other <= fleet_size(steward->scene->fleet); other++) {
        if (other != number && (members->voters >> other & 1) != 0 && is_here(steward, other) &&
            has_own_number(steward, other, group)) {
            others |= 1U << other;
            whole = whole || holds_all(steward, other, group);
        }
    }
    return whole && fleet_is_majority(members, others);
}

static bool is_whole(const struct steward *steward, uint16_t number, group_id group) {
    return holds_all(steward, number, group) && has_own_number(steward, number, group);
}

// Whether all who vote beside the node have everything, so that its disk may be lost.
static bool others_are_whole(const struct steward *steward, uint16_t number) {
    struct fleet *fleet = steward->scene->fleet;
    uint32_t groups = fleet_settings(fleet)->group_count;
    for (uint32_t group = 0; group < groups; group++) {
        uint16_t leader = fleet_leader(fleet, (group_id)group);
        if (leader == 0) {
            return false;
        }
        uint32_t voters = fleet_members(fleet, leader, (group_id)group).voters;
        for (uint16_t other = 1; other <= fleet_size(fleet); other++) {
            bool votes = other != number && (voters >> other & 1) != 0;
            if (votes && (!is_here(steward, other) || !is_whole(steward, other, (group_id)group))) {
                return false;
            }
        }
    }
    return true;
}

// Whether every group goes on without the node.
static bool can_be_lost(const struct steward *steward, uint16_t number) {
    struct fleet *fleet = steward->scene->fleet;
    uint32_t groups = fleet_settings(fleet)->group_count;
    for (uint32_t group = 0; group < groups; group++) {
        uint16_t leader = fleet_leader(fleet, (group_id)group);
        if (leader == 0) {
            return false;
        }
        struct fleet_members members = fleet_members(fleet, leader, (group_id)group);
        bool votes = (members.voters >> number & 1) != 0;
        if (members.incoming != 0 ||
            (votes && !others_suffice(steward, &members, number, (group_id)group))) {
            return false;
        }
    }
    return true;
}

// --- who was forgotten ---------------------------------------------------------------------------

// A node that was down while it was taken out of the cluster cannot hear that it left: it keeps
// what it has, and refuses what it is asked, until somebody stops it.
static void look_after(void *argument, uint64_t token) {
    (void)token;
    struct steward *steward = argument;
    struct fleet *fleet = steward->scene->fleet;
    const struct roster *roster = chronicle_roster(fleet_chronicle(fleet));
    for (uint16_t number = 1; number <= fleet_size(fleet) && steward->rests; number++) {
        bool left = is_here(steward, number) && roster_member(roster, number)->state == MEMBER_LEFT;
        if (left && ++steward->unheard[number] == UNHEARD_LOOKS) {
            world_trace(steward->scene->world, "somebody stops n%u, which left unheard", number);
            machine_lose(fleet_machine(fleet, number));
        }
    }
    world_after(steward->scene->world, LOOK_AFTER_MS * WORLD_MS, look_after, steward, 0);
}

// --- what is done --------------------------------------------------------------------------------

static void give(struct steward *steward, enum order_kind kind, uint16_t node, uint16_t other) {
    struct order order = {.kind = kind, .node = node, .other = other};
    orders_give(steward->orders, &order);
}

static bool may_join(const struct steward *steward, uint16_t some) {
    (void)some;
    return count_staying(steward) < steward->size &&
           fleet_size(steward->scene->fleet) < NETWORK_NODES_MAX;
}

static void join(struct steward *steward, uint16_t some) {
    (void)some;
    steward->newcomer = fleet_newcomer(steward->scene->fleet);
    const struct order order = {
        .kind = ORDER_JOIN,
        .newcomer = steward->newcomer,
        .address = ++steward->joins,
    };
    orders_give(steward->orders, &order);
}

static bool may_be_lost(const struct steward *steward, uint16_t some) {
    return count_staying(steward) > SIZE_LEAST && can_be_lost(steward, some);
}

// It is found dead by itself, or somebody says that it does not come back.
static void lose(struct steward *steward, uint16_t some) {
    machine_lose(fleet_machine(steward->scene->fleet, some));
    steward->changes++;
    steward->lost |= 1U << some;
    steward->draining &= ~(1U << some);
    act_later(steward);
}

// It is started with the list that it founded the cluster by – one that joined would ask to join –,
// and finds nobody else: rows come from a leader that it may not know (node/core/README.md).
static bool may_lose_disk(const struct steward *steward, uint16_t some) {
    uint16_t founders = steward->scene->swarm.node_count;
    return founders > 1 && fleet_size(steward->scene->fleet) == founders &&
           machine_is_up(fleet_machine(steward->scene->fleet, some)) &&
           can_be_lost(steward, some) && others_are_whole(steward, some);
}

static void lose_disk(struct steward *steward, uint16_t some) {
    machine_lose_disk(fleet_machine(steward->scene->fleet, some));
    steward->changes++;
    act_later(steward);
}

static bool may_upgrade(const struct steward *steward, uint16_t some) {
    return machine_may_upgrade(fleet_machine(steward->scene->fleet, some));
}

static void upgrade(struct steward *steward, uint16_t some) {
    machine_upgrade(fleet_machine(steward->scene->fleet, some));
    act_later(steward);
}

static bool may_remove(const struct steward *steward, uint16_t some) {
    (void)some;
    return count_staying(steward) > steward->size;
}

static void remove_some(struct steward *steward, uint16_t some) {
    struct order order = {.kind = ORDER_REMOVE, .node = some};
    order.forced = world_maybe(steward->scene->world, 50);
    orders_give(steward->orders, &order);
}

static bool may_drain(const struct steward *steward, uint16_t some) {
    (void)some;
    return steward->draining == 0 && count_staying(steward) > SIZE_LEAST;
}

static void drain(struct steward *steward, uint16_t some) {
    give(steward, ORDER_DRAIN, some, 0);
}

static bool is_draining(const struct steward *steward, uint16_t some) {
    (void)some;
    return steward->draining != 0;
}

static void end_drain(struct steward *steward, uint16_t some) {
    (void)some;
    bool goes = count_staying(steward) > SIZE_LEAST && world_maybe(steward->scene->world, 300);
    uint16_t node = (uint16_t)__builtin_ctz(steward->draining);
    give(steward, goes ? ORDER_REMOVE : ORDER_CANCEL, node, 0);
}

static bool always(const struct steward *steward, uint16_t some) {
    (void)steward;
    (void)some;
    return true;
}

static void move(struct steward *steward, uint16_t some) {
    uint32_t groups = fleet_settings(steward->scene->fleet)->group_count;
    const struct order order = {
        .kind = ORDER_MOVE,
        .node = some,
        .other = any_staying(steward),
        .group = (uint32_t)world_draw(steward->scene->world, 1, (int64_t)groups - 1),
    };
    orders_give(steward->orders, &order);
}

// Orders that there is no reason for. One is done all the same when the node is out of reach.
static void fumble(struct steward *steward, uint16_t some) {
    switch (world_draw(steward->scene->world, 0, 2)) {
    case 0:
        give(steward, ORDER_CANCEL, some, 0);
        break;
    case 1:
        give(steward, ORDER_REPLACE, some, any_staying(steward));
        break;
    default:
        give(steward, ORDER_REMOVE, NETWORK_NODES_MAX + 1, 0);
        break;
    }
}

static void rest(struct steward *steward, uint16_t some) {
    (void)some;
    act_later(steward);
}

// Of those that may be, one is drawn by weight.
static const struct deed {
    uint32_t weight;
    bool (*may)(const struct steward *steward, uint16_t some);
    void (*begin)(struct steward *steward, uint16_t some);
} DEEDS[] = {
    {700, may_join, join},
    {200, may_remove, remove_some},
    {150, may_be_lost, lose},
    {100, may_lose_disk, lose_disk},
    {150, may_upgrade, upgrade},
    {100, may_drain, drain},
    {200, is_draining, end_drain},
    {150, always, move},
    {50, always, fumble},
    {150, always, rest},
};

enum {
    DEED_COUNT = sizeof(DEEDS) / sizeof(DEEDS[0])
};

static void do_one(struct steward *steward) {
    uint16_t some = any_staying(steward);
    bool may[DEED_COUNT];
    uint32_t sum = 0;
    for (size_t i = 0; i < DEED_COUNT; i++) {
        may[i] = DEEDS[i].may(steward, some);
        sum += may[i] ? DEEDS[i].weight : 0;
    }
    uint32_t drawn = (uint32_t)world_draw(steward->scene->world, 0, (int64_t)sum - 1);
    size_t at = 0;
    for (; !may[at] || drawn >= DEEDS[at].weight; at++) {
        drawn -= may[at] ? DEEDS[at].weight : 0;
    }
    DEEDS[at].begin(steward, some);
}

// Somebody says that a machine does not come back: it is taken out, or another has its place.
static void report_loss(struct steward *steward) {
    uint16_t node = (uint16_t)__builtin_ctz(steward->lost);
    if (!steward->rests && world_maybe(steward->scene->world, 500)) {
        give(steward, ORDER_REPLACE, any_staying(steward), node);
        return;
    }
    const struct order order = {.kind = ORDER_REMOVE, .node = node, .forced = steward->rests};
    orders_give(steward->orders, &order);
}

static void act(void *argument, uint64_t token) {
    (void)token;
    struct steward *steward = argument;
    struct world *world = steward->scene->world;
    if (world_maybe(world, 150)) {
        steward->size = (uint32_t)world_draw(world, SIZE_LEAST, SIZE_MOST);
    }
    if (steward->lost != 0 && (steward->rests || world_maybe(world, 300))) {
        report_loss(steward);
    } else if (steward->rests && steward->draining != 0) {
        end_drain(steward, 0);
    } else if (steward->rests) {
        steward->idle = true;
    } else {
        do_one(steward);
    }
}

// --- what became of it ---------------------------------------------------------------------------

// A machine is a member now.
static void enroll(struct steward *steward, bytes json) {
    uint16_t members[NETWORK_NODES_MAX];
    uint32_t count = 0;
    int64_t number = read_int(json, "nodeId");
    bytes list = read_value(json, "members");
    if (number < 1 || number > NETWORK_NODES_MAX || list.data == NULL || !json_is_array(list)) {
        world_fail(steward->scene->world, CHECKER, "let in as no node: %.*s", BYTES_ARG(json));
        return;
    }
    struct json_iter iter = json_iter(list);
    bytes member = BYTES_EMPTY;
    while (count < NETWORK_NODES_MAX && json_next_element(&iter, &member)) {
        members[count++] = (uint16_t)read_int(member, "nodeId");
    }
    harm_newcomer(steward->harm, steward->newcomer);
    fleet_enroll(steward->scene->fleet, steward->newcomer, (uint16_t)number, members, count);
    steward->newcomer = NULL;
    steward->changes++;
}

// One that does not speak as the members do by now has to stay outside.
static void joined(struct steward *steward, const struct order_answer *answer) {
    struct scene *scene = steward->scene;
    const struct roster *roster = chronicle_roster(fleet_chronicle(scene->fleet));
    bool is_old = machine_plan_of(steward->newcomer)->release < roster_version(roster);
    bytes json = BYTES_EMPTY;
    if (answer->status == 200 && !err_is(json_validate(answer->body, scene->scratch, &json))) {
        enroll(steward, json);
    } else if (answer->status == 409 && is_old) {
        machine_destroy(&steward->newcomer);
    } else {
        world_fail(
            scene->world,
            CHECKER,
            "a join was answered %u %.*s",
            answer->status,
            BYTES_ARG(answer->body)
        );
    }
}

static void leaves(struct steward *steward, uint16_t node) {
    uint32_t bit = 1U << node;
    steward->changes += is_here(steward, node) && (steward->leaving & bit) == 0;
    steward->leaving |= bit;
    steward->draining &= ~bit;
    steward->lost &= ~bit;
}

static void answered(void *argument, const struct order *order, const struct order_answer *answer) {
    struct steward *steward = argument;
    bool done = answer->status == 200;
    bool is_gone = done || answer->status == 404;
    if (order->kind == ORDER_JOIN) {
        joined(steward, answer);
    } else if (order->kind == ORDER_REMOVE && is_gone && order->node <= NETWORK_NODES_MAX) {
        leaves(steward, order->node);
    } else if (order->kind == ORDER_REPLACE && done) {
        leaves(steward, order->other);
    } else if (order->kind == ORDER_DRAIN && done) {
        steward->draining |= 1U << order->node;
    } else if (order->kind == ORDER_CANCEL && is_gone) {
        steward->draining &= ~(1U << order->node);
    }
    act_later(steward);
}

// --- life ----------------------------------------------------------------------------------------

struct steward *steward_begin(struct scene *scene, struct harm *harm, struct arena *arena) {
    struct steward *steward = ARENA_NEW(arena, struct steward);
    steward->scene = scene;
    steward->harm = harm;
    steward->size = SIZE_LEAST;
    steward->idle = !scene->swarm.churn;
    if (scene->swarm.churn) {
        steward->orders = orders_create(scene, arena, answered, steward);
        act_later(steward);
        look_after(steward, 0);
    }
    return steward;
}

void steward_rest(struct steward *steward) {
    steward->rests = true;
}

bool steward_is_done(const struct steward *steward) {
    return steward->idle;
}

uint64_t steward_changes(const struct steward *steward) {
    return steward->changes;
}

void steward_end(struct steward *steward) {
    if (steward != NULL) {
        machine_destroy(&steward->newcomer);
    }
}
