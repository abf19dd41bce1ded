// What must hold is less than while no disk is lost: what was acknowledged last may be gone. But
// who is left agrees with himself: every partition is renewed, nobody waits for who is not there,
// no orphan runs, permits are those in use, rows are as the audit wants them. And where the lost
// ones could have committed nothing alone, all that was promised is there.
#include "tests/simulation/aftermath.h"

#include "node/backup/verify/kin.h"
#include "node/recover/recover.h"
#include "proto/api/enums.h"
#include "proto/base/check.h"
#include "scheduler/commands/commands.h"
#include "scheduler/renewal.h"
#include "scheduler/rows.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

#include <stdio.h>

static const char *const CHECKER = "aftermath";

enum {
    ROUNDS = 40, // of work
    ROUND_MS = 500,
    QUIET_MS = 8000, // until all is put right
    ANSWER_SECONDS_MAX = 5,
    POLL_COUNT = 5
};

struct aftermath {
    struct scene *scene; // that is looked at
    struct scene other;
    uint16_t left;    // the node whose disk is
    group_id emptied; // a partition whose copy was at its beginning; 0: none
    struct arena *arena;
};

static uint16_t choose(struct scene *scene, struct random *random);
static bool recover(struct aftermath *after);
static void live_on(struct aftermath *after);
static void check_left(struct aftermath *after);

static void stepped(void *argument, uint16_t number, bool wrote) {
    struct scene *other = argument;
    (void)fleet_stepped(other->fleet, number, wrote);
}

static void died(void *argument, uint16_t number) {
    struct scene *other = argument;
    fleet_died(other->fleet, number);
}

static void recovered(void *argument, uint16_t number) {
    struct scene *other = argument;
    fleet_recovered(other->fleet, number);
    (void)fleet_stepped(other->fleet, number, true);
}

static const struct machine *machine_at(void *argument, uint16_t number) {
    struct scene *other = argument;
    return fleet_machine(other->fleet, number);
}

void aftermath_check(struct scene *scene, uint64_t seed) {
    struct random random;
    struct aftermath after = {.scene = scene};
    struct scene *other = &after.other;
    random_init(&random, seed);
    after.left = scene->swarm.node_count < 2 ? 0 : choose(scene, &random);
    if (after.left == 0) {
        return;
    }
    if (random_one_in(&random, 2)) {
        after.emptied = (group_id)(1 + random_below(&random, scene->swarm.group_count - 1));
    }
    *other = (struct scene){.definitions = scene->definitions, .scratch = scene->scratch};
    other->world = world_create(random_u64(&random), false);
    other->flows = scene->flows;
    other->swarm = scene->swarm;
    other->swarm.churn = false;
    swarm_heal(&other->swarm);
    after.arena = arena_create(64 * 1024);
    const struct machine_watch watch = {other, stepped, recovered, died, machine_at};
    other->fleet = fleet_create(other->world, &other->swarm, &watch);
    if (recover(&after)) {
        live_on(&after);
        check_left(&after);
    }
    if (world_failed(other->world)) {
        world_fail(
            scene->world,
            CHECKER,
            "with the disk of n%u: %s",
            after.left,
            world_failure(other->world)
        );
    }
    fleet_destroy(&other->fleet);
    world_destroy(&other->world);
    arena_destroy(&after.arena);
}

// A founder that is there: the other world's machines have its numbers.
static uint16_t choose(struct scene *scene, struct random *random) {
    uint16_t here[NETWORK_NODES_MAX];
    uint32_t count = 0;
    for (uint16_t number = 1; number <= scene->swarm.node_count; number++) {
        const struct machine *machine = fleet_machine(scene->fleet, number);
        if (machine != NULL && !machine_is_gone(machine)) {
            here[count++] = number;
        }
    }
    return count == 0 ? 0 : here[random_below(random, count)];
}

// --- the loss ------------------------------------------------------------------------------------

// Whoever was promised to exist exists where the others could have committed nothing alone.
static void
check_promised(struct aftermath *after, const struct recover_look *look, struct store *store) {
    struct scene *scene = after->scene;
    for (size_t i = 0; i < ledger_workflow_count(scene->ledger); i++) {
        const struct ledger_workflow *known = ledger_workflow_at(scene->ledger, i);
        group_id group = (group_id)(1 + id_slot(known->id) % (look->group_count - 1));
        const struct recover_group *fate = &look->groups[group];
        bool promised = known->started_turn != 0 && !known->remove_sent &&
                        fate->fate != RECOVER_NOTHING && !fate->may_lack;
        struct key key = key_workflow(known->id);
        bytes value = BYTES_EMPTY;
        if (promised && err_is(store_get(store, group, key_bytes(&key), &value))) {
            world_fail(
                scene->world,
                CHECKER,
                "execution %s is lost with disks that could have committed nothing alone",
                id_text(known->id).text
            );
        }
    }
}

// As if that copy had heard of nothing yet: what groups know of each other is as wrong as can be.
static void empty(struct aftermath *after, struct store *store) {
    struct store_txn *txn = NULL;
    struct key_list {
        bytes key;
        struct key_list *next;
    } *found = NULL;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    check(!err_is(store_txn_begin(store, after->emptied, &txn)));
    struct store_cursor *cursor = store_cursor_open(store, txn, after->emptied, BYTES_EMPTY);
    while (store_cursor_next(cursor, &key, &value)) {
        if (key.data[0] != KEY_CONFIG && key.data[0] != KEY_RENEWAL) {
            struct key_list *item = ARENA_NEW(after->arena, struct key_list);
            *item = (struct key_list){arena_copy(after->arena, key), found};
            found = item;
        }
    }
    store_cursor_close(&cursor);
    for (; found != NULL; found = found->next) {
        store_txn_del(txn, found->key);
    }
    struct store_group log = store_group(store, after->emptied);
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, log.term, log.time_ms, &index, &lsn);
    if (index != 0) {
        store_commit(store, after->emptied, index);
    }
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        check(!err_is(store_batch_write(batch)));
        (void)store_batch_end(store, &batch);
    }
}

// False: there is nothing to recover, or no way to.
static bool recover(struct aftermath *after) {
    struct fleet *fleet = after->other.fleet;
    struct machine *machine = fleet_machine(fleet, after->left);
    struct recover_look look;
    for (uint16_t number = 1; number <= fleet_size(fleet); number++) {
        if (number != after->left) {
            machine_lose(fleet_machine(fleet, number));
        }
    }
    machine_adopt(machine, fleet_machine(after->scene->fleet, after->left));
    struct recover_store store = {
        .name = "disk",
        .node = after->left,
        .store = machine_open(machine),
        .cluster_id = {{'s', 'i', 'm'}},
        .group_count = after->other.swarm.group_count,
        .founders = {.count = after->other.swarm.node_count, .copies = after->other.swarm.replicas},
    };
    for (uint16_t number = 1; number <= after->other.swarm.node_count; number++) {
        store.founders.ids[number - 1] = number;
    }
    err done = recover_look(&store, 1, after->arena, &look);
    bool can = !err_is(done) && look.lost_count > 0 && look.groups[0].fate != RECOVER_NOTHING;
    if (can) {
        done = recover_force(&look, world_wall(after->other.world), after->arena);
        check_promised(after, &look, store.store);
    }
    if (can && !err_is(done) && after->emptied != 0 &&
        look.groups[after->emptied].fate == RECOVER_LOST) {
        empty(after, store.store);
    }
    if (err_is(done)) {
        world_fail(after->scene->world, CHECKER, "is refused: %s", done.text);
    }
    machine_close(machine);
    world_trace(
        after->scene->world,
        "aftermath: n%u is left, %u groups lost their majority, %u every copy",
        after->left,
        look.lost_count,
        look.nothing_count
    );
    return can && !err_is(done);
}

// --- the life after it ---------------------------------------------------------------------------

struct slot {
    struct arena *arena;
    bytes body;
    uint16_t status;
    bool ended;
};

static void answered(void *argument, const struct answer *answer) {
    struct slot *slot = argument;
    slot->ended = true;
    slot->status = answer->outcome == OUTCOME_ANSWERED ? answer->status : 0;
    slot->body = arena_copy(slot->arena, answer->body);
}

static void turn_for(struct aftermath *after, int64_t ms) {
    struct world *world = after->other.world;
    int64_t end_ns = world_mono(world).ns + ms * WORLD_MS;
    while (world_mono(world).ns < end_ns && world_turn(world)) {
    }
}

// The answer's body when it is 200; else nothing.
static bytes ask(struct aftermath *after, const struct question *question) {
    struct world *world = after->other.world;
    struct slot slot = {.arena = after->arena};
    uint64_t ticket = fleet_ask(after->other.fleet, question, answered, &slot);
    int64_t end_ns = world_mono(world).ns + ANSWER_SECONDS_MAX * WORLD_SECOND;
    while (!slot.ended && world_mono(world).ns < end_ns && world_turn(world)) {
    }
    if (!slot.ended) {
        fleet_leave(after->other.fleet, ticket);
    }
    return slot.ended && slot.status == 200 ? slot.body : BYTES_EMPTY;
}

static void complete(struct aftermath *after, bytes task) {
    struct buffer body;
    buffer_init(&body, 4096);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_raw(&writer, "taskId", read_value(task, "taskId"));
    json_member_raw(&writer, "workflowInstanceId", read_value(task, "workflowInstanceId"));
    json_member_text(&writer, "status", BYTES_LITERAL("COMPLETED"));
    json_object_end(&writer);
    const struct question question = {"POST", "/api/tasks", "", buffer_bytes(&body)};
    (void)ask(after, &question);
    buffer_deinit(&body);
}

static void work(struct aftermath *after, const struct task_type *type) {
    char path[128];
    (void)snprintf(path, sizeof(path), "/api/tasks/poll/batch/%s", type->name);
    const struct question question = {
        "GET", path, "workerid=after&count=5&timeout=100", BYTES_EMPTY};
    bytes list = BYTES_EMPTY;
    bytes body = ask(after, &question);
    if (body.size == 0 || err_is(json_validate(body, after->arena, &list))) {
        return;
    }
    struct json_iter iter = json_iter(list);
    bytes task = BYTES_EMPTY;
    while (json_next_element(&iter, &task)) {
        complete(after, task);
    }
}

// A while without work first: else who waits for nobody would be done before anybody looks.
static void live_on(struct aftermath *after) {
    const struct flows *flows = &after->scene->flows;
    turn_for(after, QUIET_MS);
    check_left(after);
    for (int round = 0; round < ROUNDS && !world_failed(after->other.world); round++) {
        for (uint32_t i = 0; i < flows->type_count; i++) {
            work(after, &flows->types[i]);
            arena_reset(after->arena);
        }
        turn_for(after, ROUND_MS);
    }
}

// --- what is left --------------------------------------------------------------------------------

static void fault(void *argument, uint32_t invariant, const char *text) {
    struct world *world = argument;
    world_fail(world, CHECKER, "invariant %u: %s", invariant, text);
}

static bool is_open(uint8_t status) {
    return status == API_TASK_SCHEDULED || status == API_TASK_IN_PROGRESS;
}

// A task that waits for a child has one: in a partition that is there.
static void check_child(
    struct aftermath *after, struct store *store, group_id group, const struct task_row *task
) {
    id128 child;
    if (!is_open(task->status) || (task->flags & TASK_CHILD_STARTED) == 0 ||
        !id_parse(task->child, &child)) {
        return;
    }
    group_id home = (group_id)(1 + id_slot(child) % (after->other.swarm.group_count - 1));
    struct key key = key_workflow(child);
    struct key stream_key = key_stream(home);
    struct stream_row stream = {0};
    bytes value = BYTES_EMPTY;
    uint64_t applied = 0;
    if (fleet_store(after->other.fleet, home) == NULL ||
        !err_is(store_get(store, home, key_bytes(&key), &value))) {
        return;
    }
    if (!err_is(store_get(store, group, key_bytes(&stream_key), &value))) {
        check(!err_is(wire_decode(&stream_row_record, value, NULL, &stream)));
    }
    check(!err_is(message_watermark(store, home, group, &applied)));
    if (applied == stream.sequence) { // nothing is on its way
        world_fail(
            after->other.world,
            CHECKER,
            "a task of group %u waits for child %s, which is not there",
            group,
            id_text(child).text
        );
    }
}

static void check_children_there(struct aftermath *after, struct store *store, group_id group) {
    struct key from = key_kind_prefix(KEY_EXECUTION);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_task_parts parts;
    while (store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_EXECUTION) {
        struct task_row task = {0};
        if (key_task_parse(key, &parts)) {
            bytes kept = arena_copy(after->arena, value);
            check(!err_is(wire_decode(&task_row_record, kept, after->arena, &task)));
            check_child(after, store, group, &task);
        }
    }
    store_cursor_close(&cursor);
    arena_reset(after->arena);
}

// A child that runs has a parent, in a partition that is there, unless it went on by itself.
static void check_orphans(struct aftermath *after, struct store *store, group_id group) {
    struct key from = key_kind_prefix(KEY_WORKFLOW);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    id128 child;
    while (store_cursor_next(cursor, &key, &value) && key_workflow_parse(key, &child)) {
        struct workflow_row row = {0};
        bytes kept = arena_copy(after->arena, value);
        check(!err_is(wire_decode(&workflow_row_record, kept, after->arena, &row)));
        bool runs = row.status == API_WORKFLOW_RUNNING || row.status == API_WORKFLOW_PAUSED;
        if (!runs || id_is_zero(row.parent) || (row.flags & WORKFLOW_REVIVED) != 0) {
            continue;
        }
        group_id home = (group_id)(1 + id_slot(row.parent) % (after->other.swarm.group_count - 1));
        struct key parent = key_workflow(row.parent);
        struct store *there = fleet_store(after->other.fleet, home);
        if (there != NULL && err_is(store_get(there, home, key_bytes(&parent), &value))) {
            world_fail(
                after->other.world,
                CHECKER,
                "execution %s of group %u runs for a parent that is not there",
                id_text(child).text,
                group
            );
        }
    }
    store_cursor_close(&cursor);
    arena_reset(after->arena);
}

static void check_renewed(struct aftermath *after, struct store *store, group_id group) {
    struct renewal_row row;
    check(!err_is(renewal_read(store, group, after->arena, &row)));
    if (renewal_is_due(&row) || row.walking) {
        world_fail(
            after->other.world,
            CHECKER,
            "group %u is not put right: epoch %u of %u%s",
            group,
            row.epoch,
            row.wanted,
            row.walking ? ", walking" : ""
        );
    }
}

static void check_left(struct aftermath *after) {
    struct scene *other = &after->other;
    if (world_failed(other->world)) {
        return;
    }
    check_rows(other);
    check_permits(other);
    const struct audit_report report = {.fault = fault, .argument = other->world};
    for (uint32_t group = 1; group < other->swarm.group_count; group++) {
        struct store *store = fleet_store(other->fleet, (group_id)group);
        if (store == NULL) {
            continue; // no copy of it was left
        }
        check_renewed(after, store, (group_id)group);
        check_children_there(after, store, (group_id)group);
        check_orphans(after, store, (group_id)group);
        err looked = kin_check(store, (group_id)group, other->swarm.group_count, &report);
        check(!err_is(looked));
    }
}
