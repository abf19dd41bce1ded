// One thing after the other: the steward draws what to do, asks until it is answered, and rests.
// The size it wants changes now and then, between three nodes and five. A machine is lost only
// where that can lose nothing: no other one is missing, and every group it votes in keeps a
// majority that holds everything.

#include "tests/simulation/steward.h"

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static const char *const CHECKER = "steward";

enum {
    REST_MS_MIN = 300,
    REST_MS_MAX = 4000,
    RETRY_MS = 400,
    LOOK_AFTER_MS = 1000,
    SIZE_LEAST = 3,
    SIZE_MOST = 5
};

enum deed {
    DEED_NONE,
    DEED_JOIN,
    DEED_LEAVE,
    DEED_MOVE,
};

struct steward {
    struct scene *scene;
    struct harm *harm;
    uint32_t size; // that it wants
    bool rests;
    enum deed deed; // that is asked for
    uint16_t node;  // it is about
    uint16_t other; // MOVE: where to; a loss's replacement: whose place
    uint32_t group;
    struct machine *newcomer;
    uint32_t joins;
    uint64_t changes;
    uint32_t leaving; // nodes that were told to leave
    uint32_t lost;    // nodes that are gone, and nobody said so yet
    uint32_t unheard; // nodes that left and run, and that nobody spoke to at the last look
};

static void act(void *argument, uint64_t token);
static void ask(void *argument, uint64_t token);

static void act_later(struct steward *steward) {
    struct world *world = steward->scene->world;
    steward->deed = DEED_NONE;
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
        if (other != number && (members->voters >> other & 1) != 0 && is_here(steward, other)) {
            others |= 1U << other;
            whole = whole || holds_all(steward, other, group);
        }
    }
    return whole && fleet_is_majority(members, others);
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

// It is found dead by itself, or somebody says that it does not come back.
static void lose(struct steward *steward, uint16_t number) {
    machine_lose(fleet_machine(steward->scene->fleet, number));
    steward->changes++;
    steward->lost |= 1U << number;
    act_later(steward);
}

static void report_loss(struct steward *steward) {
    steward->node = (uint16_t)__builtin_ctz(steward->lost);
    steward->deed = DEED_LEAVE;
    ask(steward, 0);
}

// --- who was forgotten ---------------------------------------------------------------------------

// A node that was down while it was taken out of the cluster cannot hear that it left: it keeps
// what it has, and refuses what it is asked, until somebody stops it.
static void look_after(void *argument, uint64_t token) {
    (void)token;
    struct steward *steward = argument;
    struct fleet *fleet = steward->scene->fleet;
    uint32_t unheard = 0;
    for (uint16_t number = 1; number <= fleet_size(fleet) && steward->rests; number++) {
        bool left = is_here(steward, number) && !stays(steward, number);
        if (!left || network_is_known(fleet_network(fleet), number)) {
            continue;
        }
        unheard |= 1U << number;
        if ((steward->unheard >> number & 1) != 0) {
            world_trace(steward->scene->world, "somebody stops n%u, which left unheard", number);
            machine_lose(fleet_machine(fleet, number));
        }
    }
    steward->unheard = unheard;
    world_after(steward->scene->world, LOOK_AFTER_MS * WORLD_MS, look_after, steward, 0);
}

// --- what is asked -------------------------------------------------------------------------------

static void write_wish(struct steward *steward) {
    struct buffer *body = &steward->scene->body;
    char address[32];
    (void)snprintf(address, sizeof(address), "newcomer%u:1", steward->joins);
    buffer_clear(body);
    struct json_writer writer = json_writer(body);
    json_object_begin(&writer);
    json_member_text(&writer, "address", bytes_from_text(address));
    struct id_text store = id_text(machine_store_id(steward->newcomer));
    json_member_text(&writer, "storeId", bytes_from_text(store.text));
    json_object_end(&writer);
}

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

static void answered(void *argument, const struct answer *answer) {
    struct steward *steward = argument;
    struct scene *scene = steward->scene;
    arena_reset(scene->scratch);
    if (answer->outcome != OUTCOME_ANSWERED || answer->status == 503) {
        world_after(scene->world, RETRY_MS * WORLD_MS, ask, steward, 0);
        return;
    }
    world_trace(
        scene->world,
        "the steward is answered %u %.*s",
        answer->status,
        BYTES_ARG(bytes_slice(answer->body, 0, answer->body.size < 200 ? answer->body.size : 200))
    );
    bool done = answer->status == 200;
    // What cannot be now is refused with the reason; what was asked twice is no longer there.
    bool refused = answer->status == 409 || answer->status == 404;
    if (!done && (!refused || steward->deed == DEED_JOIN)) {
        world_fail(
            scene->world,
            CHECKER,
            "%d about n%u was answered %u %.*s",
            (int)steward->deed,
            steward->node,
            answer->status,
            BYTES_ARG(answer->body)
        );
        return;
    }
    if (done && steward->deed == DEED_JOIN) {
        bytes json = BYTES_EMPTY;
        if (err_is(json_validate(answer->body, scene->scratch, &json))) {
            world_fail(scene->world, CHECKER, "an answer that is no JSON");
            return;
        }
        enroll(steward, json);
    } else if (steward->deed == DEED_LEAVE && (done || answer->status == 404)) {
        steward->leaving |= 1U << steward->node;
        steward->changes += is_here(steward, steward->node);
        steward->lost &= ~(1U << steward->node);
    }
    act_later(steward);
}

static void ask(void *argument, uint64_t token) {
    (void)token;
    struct steward *steward = argument;
    struct buffer *body = &steward->scene->body;
    char path[96] = "/api/cluster/nodes";
    arena_reset(steward->scene->scratch);
    buffer_clear(body);
    switch (steward->deed) {
    case DEED_NONE:
        return;
    case DEED_JOIN:
        write_wish(steward);
        break;
    case DEED_LEAVE:
        (void)snprintf(path, sizeof(path), "/api/cluster/nodes/%u/remove", steward->node);
        break;
    case DEED_MOVE:
        (void)snprintf(path, sizeof(path), "/api/cluster/move");
        struct json_writer writer = json_writer(body);
        json_object_begin(&writer);
        json_member_int(&writer, "partition", steward->group);
        json_member_int(&writer, "from", steward->node);
        json_member_int(&writer, "to", steward->other);
        json_object_end(&writer);
        break;
    }
    world_trace(steward->scene->world, "the steward asks %s", path);
    struct question question = {"POST", path, "", buffer_bytes(body)};
    (void)fleet_ask(steward->scene->fleet, &question, answered, steward);
}

// --- what to do ----------------------------------------------------------------------------------

static bool may_join(const struct steward *steward) {
    return fleet_size(steward->scene->fleet) < NETWORK_NODES_MAX;
}

static void join(struct steward *steward) {
    steward->newcomer = fleet_newcomer(steward->scene->fleet);
    steward->joins++;
    steward->deed = DEED_JOIN;
    ask(steward, 0);
}

static void move(struct steward *steward) {
    uint32_t groups = fleet_settings(steward->scene->fleet)->group_count;
    steward->group = (uint32_t)world_draw(steward->scene->world, 1, (int64_t)groups - 1);
    steward->node = any_staying(steward);
    steward->other = any_staying(steward);
    steward->deed = DEED_MOVE;
    ask(steward, 0);
}

static void act(void *argument, uint64_t token) {
    (void)token;
    struct steward *steward = argument;
    struct world *world = steward->scene->world;
    if (steward->lost != 0 && (steward->rests || world_maybe(world, 300))) {
        report_loss(steward);
        return;
    }
    if (steward->rests) {
        return;
    }
    uint32_t count = count_staying(steward);
    uint16_t some = any_staying(steward);
    if (world_maybe(world, 150)) {
        steward->size = (uint32_t)world_draw(world, SIZE_LEAST, SIZE_MOST);
    }
    if (count < steward->size && may_join(steward)) {
        join(steward);
    } else if (count > SIZE_LEAST && world_maybe(world, 300) && can_be_lost(steward, some)) {
        lose(steward, some);
    } else if (count > steward->size) {
        steward->deed = DEED_LEAVE;
        steward->node = some;
        ask(steward, 0);
    } else if (count > 1 && world_maybe(world, 300)) {
        move(steward);
    } else {
        act_later(steward);
    }
}

// --- life ----------------------------------------------------------------------------------------

struct steward *steward_begin(struct scene *scene, struct harm *harm, struct arena *arena) {
    struct steward *steward = ARENA_NEW(arena, struct steward);
    steward->scene = scene;
    steward->harm = harm;
    steward->size = SIZE_LEAST;
    if (scene->swarm.churn) {
        act_later(steward);
        look_after(steward, 0);
    }
    return steward;
}

void steward_rest(struct steward *steward) {
    steward->rests = true;
}

bool steward_is_done(const struct steward *steward) {
    return steward->deed == DEED_NONE && steward->lost == 0;
}

uint64_t steward_changes(const struct steward *steward) {
    return steward->changes;
}

void steward_end(struct steward *steward) {
    if (steward != NULL) {
        machine_destroy(&steward->newcomer);
    }
}
