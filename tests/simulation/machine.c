// The shell of a simulated node: what node/shell does with threads and sockets, done with actions
// of the world. One step, then effects whose gate is open, then the jobs that can begin. The front
// door is machine_door.c, the log's and the map's jobs are machine_jobs.c, the evaluator's
// machine_script.c; what strikes it is machine_fate.c.

#include "proto/base/check.h"
#include "tests/simulation/machine_internal.h"
#include "tests/simulation/rot.h"

#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BLOCK_BYTES = 64 * 1024,
    AUDIT_REST_MS = 4000
};

// Where nodes find each other: host and port.
static const char *const ADDRESSES[NETWORK_NODES_MAX] = {
    "n1:1",
    "n2:1",
    "n3:1",
    "n4:1",
    "n5:1",
    "n6:1",
    "n7:1",
    "n8:1",
    "n9:1",
    "n10:1",
    "n11:1",
    "n12:1",
    "n13:1",
    "n14:1",
    "n15:1",
    "n16:1",
};

static struct store_options store_options_of(struct machine *machine);
static void note_store_id(struct machine *machine);
static void pump(struct machine *machine);
static struct network_end network_end_of(struct machine *machine);

// --- life ----------------------------------------------------------------------------------------

bool machine_is_alone(const struct machine *machine) {
    return machine->plan.founders == 0;
}

// A fresh store, which has an id of its own.
static void format(struct machine *machine) {
    const struct store_options options = store_options_of(machine);
    machine_bound_disk(machine);
    check(!err_is(store_open(&options, machine->arena, &machine->store)));
    note_store_id(machine);
    store_close(&machine->store);
    arena_reset(machine->arena);
}

static void attach(struct machine *machine) {
    struct network_end end = network_end_of(machine);
    network_attach(machine->plan.network, machine->plan.number, &end);
    world_after(machine->world, 0, machine_boot, machine, machine->incarnation);
}

struct machine *machine_create(
    struct world *world,
    const struct swarm *swarm,
    const struct machine_plan *plan,
    const struct machine_watch *watch
) {
    struct machine *machine = calloc(1, sizeof(*machine));
    check(machine != NULL);
    machine->world = world;
    machine->swarm = swarm;
    machine->plan = *plan;
    machine->watch = *watch;
    machine->settings = (struct scheduler_settings){
        .group_count = swarm->group_count,
        .server_name = BYTES_LITERAL("server"),
        .decision_tasks = swarm->decision_tasks,
        .answer_tasks = swarm->answer_tasks,
        .staging = swarm->staging,
    };
    clock_init(&machine->clock, world);
    memory_faults_init(&machine->faults, world_seed(world));
    machine_get_disk(machine);
    machine->questions = questions_create();
    machine->arena = arena_create(ARENA_BLOCK_BYTES);
    machine->scripts = arena_create(ARENA_BLOCK_BYTES);
    machine->committed = calloc(swarm->group_count, sizeof(*machine->committed));
    machine->old_replicas = calloc(swarm->group_count, sizeof(*machine->old_replicas));
    check(machine->committed != NULL && machine->old_replicas != NULL);
    if (plan->number == 0) {
        format(machine);
        return machine;
    }
    for (uint16_t member = 1; member <= plan->founders; member++) {
        machine->addresses[machine->member_count] = bytes_from_text(ADDRESSES[member - 1]);
        machine->members[machine->member_count++] = member;
    }
    attach(machine);
    return machine;
}

void machine_enroll(
    struct machine *machine, uint16_t number, const uint16_t *members, uint32_t member_count
) {
    check(machine->plan.number == 0 && member_count <= NETWORK_NODES_MAX);
    machine->plan.number = number;
    machine->joined = true;
    machine->member_count = member_count;
    memcpy(machine->members, members, member_count * sizeof(members[0]));
    shadow_name(machine->shadow, number);
    attach(machine);
}

void machine_die(struct machine *machine) {
    if (!machine->up) {
        return;
    }
    machine->up = false;
    machine->incarnation++;
    machine->wake_ns = 0;
    machine->asleep_until_ns = 0;
    machine->untold_lsn = 0;
    machine->batch = NULL; // the store's own
    machine->checkpoint = NULL;
    node_destroy(&machine->node);
    node_effects_destroy(&machine->effects);
    store_close(&machine->store);
}

void machine_destroy(struct machine **machine_at) {
    struct machine *machine = *machine_at;
    if (machine == NULL) {
        return;
    }
    machine_die(machine);
    memory_disk_destroy(&machine->disk);
    memory_map_destroy(&machine->map);
    shadow_destroy(&machine->shadow);
    questions_destroy(&machine->questions);
    arena_destroy(&machine->arena);
    arena_destroy(&machine->scripts);
    free(machine->committed);
    free(machine->old_replicas);
    free(machine);
    *machine_at = NULL;
}

static struct store_options store_options_of(struct machine *machine) {
    const struct swarm *swarm = machine->swarm;
    return (struct store_options){
        .disk = machine->disk,
        .map = machine->map,
        .group_count = swarm->group_count,
        .lane_count = 1,
        .segment_bytes = swarm->segment_bytes,
        .overlay_bytes_max = swarm->overlay_bytes_max,
        .checkpoint_bytes = swarm->checkpoint_bytes,
        .checkpoint_ms = swarm->checkpoint_ms,
        .attest_entries = swarm->attest_entries,
        .scrub_bytes = swarm->checkpoint_bytes / 4,
        .scrub_ms = 4 * swarm->checkpoint_ms,
        .scrub_rest_ms = 20 * 1000,
        .history_bytes = machine_is_alone(machine) ? 0 : swarm->history_bytes,
        .cluster = {'s', 'i', 'm'},
        .random_seed = world_seed(machine->world),
    };
}

static struct node_options node_options_of(struct machine *machine) {
    return (struct node_options){
        .store = machine->store,
        .settings = machine->settings,
        .random_seed = world_seed(machine->world),
        .audit_rest_ms = AUDIT_REST_MS,
        .members = machine->members,
        .member_count = machine->member_count,
        .addresses = machine->joined ? NULL : machine->addresses,
        .joined = machine->joined,
        .self = machine->plan.number,
        .cluster_id = {{'s', 'i', 'm'}},
        .replicas = machine->plan.replicas,
        .store_id = machine->store_id,
        .dead_after_ms = machine->plan.dead_after_ms,
        .zone = bytes_from_text(machine->plan.zone),
        .weight = machine->plan.weight,
        .release_low = (uint16_t)(machine->plan.release - 1),
        .release_high = machine->plan.release,
        .incarnation = machine->lives,
        .host = BYTES_LITERAL("simulated"),
        .version = BYTES_LITERAL("simulation"),
        .wall = clock_wall(&machine->clock),
        .mono = clock_mono(&machine->clock),
    };
}

// What the store brought back must be the log as it was and the rows that it wrote.
static void look_at_recovered(struct machine *machine) {
    shadow_recover(machine->shadow, machine->store);
    machine->rows_compared +=
        chronicle_compare(machine->plan.chronicle, machine->store, machine->plan.number);
    for (uint32_t i = 0; i < machine->settings.group_count; i++) {
        machine->committed[i] = store_group(machine->store, (group_id)i).commit_index;
    }
}

static void note_store_id(struct machine *machine) {
    store_identity(machine->store, machine->store_id.bytes);
}

// As a process that starts: those it was told of at first; the core tells of others.
static void know_members(struct machine *machine) {
    network_know_nobody(machine->plan.network, machine->plan.number);
    for (uint32_t i = 0; i < machine->member_count; i++) {
        if (machine->members[i] != machine->plan.number) {
            network_know(machine->plan.network, machine->plan.number, machine->members[i], true);
        }
    }
}

void machine_boot(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    check(!machine->up && incarnation == machine->incarnation);
    if (machine->gone) {
        return;
    }
    machine_no_faults(machine);
    const struct store_options options = store_options_of(machine);
    struct rot *rot = NULL;
    if (world_maybe(machine->world, machine->swarm->rot_per_crash)) {
        rot = rot_take(machine->world, machine->disk, machine->map);
    }
    arena_reset(machine->arena);
    machine_bound_disk(machine);
    err opened = store_open(&options, machine->arena, &machine->store);
    if (opened.code == ERR_FULL) { // somebody starts it again, until there is room
        world_trace(machine->world, "n%u: no room to start", machine->plan.number);
        world_after(machine->world, WORLD_SECOND, machine_boot, machine, machine->incarnation);
        return;
    }
    if (err_is(opened)) {
        world_fail(machine->world, "recovery", "%s: %s", err_name(opened.code), opened.text);
        return;
    }
    look_at_recovered(machine);
    if (rot != NULL) {
        rot_check(&rot, machine->shadow, machine->plan.chronicle, machine->plan.number, &options);
    }
    if (world_failed(machine->world)) {
        store_close(&machine->store);
        return;
    }
    machine->lives++;
    machine->leaves = false;
    machine->stopping = false;
    machine->plan.release =
        machine->next_release > 0 ? machine->next_release : machine->plan.release;
    machine->tasks_returned = 0;
    note_store_id(machine);
    know_members(machine);
    const struct node_options node_options = node_options_of(machine);
    machine->node = node_create(&node_options);
    machine->effects = node_effects_create();
    machine->up = true;
    world_trace(machine->world, "n%u is up", machine->plan.number);
    (void)machine_follow(machine);
    if (machine_is_alone(machine)) { // it committed all that it found
        machine->rows_compared +=
            chronicle_compare(machine->plan.chronicle, machine->store, machine->plan.number);
    }
    network_node_up(machine->plan.network, machine->plan.number);
    machine->watch.recovered(machine->watch.argument, machine->plan.number);
    machine_watch_disk(machine);
    pump(machine);
}

void machine_adopt(struct machine *machine, struct machine *from) {
    check(!machine->up && machine->lives == 0);
    memory_disk_destroy(&machine->disk);
    memory_map_destroy(&machine->map);
    machine->disk = memory_disk_copy(from->disk, &machine->faults);
    machine->map = memory_map_copy(from->map, &machine->faults);
    machine->lives = from->lives;
}

struct store *machine_open(struct machine *machine) {
    const struct store_options options = store_options_of(machine);
    check(!machine->up);
    check(!err_is(store_open(&options, machine->arena, &machine->store)));
    return machine->store;
}

void machine_close(struct machine *machine) {
    chronicle_adopt(machine->plan.chronicle, machine->store);
    shadow_adopt(machine->shadow, machine->store);
    store_close(&machine->store);
    arena_reset(machine->arena);
}

// --- stepping ------------------------------------------------------------------------------------

bool machine_follow(struct machine *machine) {
    bool changed = shadow_follow(machine->shadow, machine->store);
    for (uint32_t i = 0; i < machine->settings.group_count; i++) {
        log_index upto = store_group(machine->store, (group_id)i).commit_index;
        if (upto > machine->committed[i]) {
            chronicle_follow(
                machine->plan.chronicle,
                machine->store,
                (group_id)i,
                machine->committed[i],
                machine->plan.number
            );
            machine->committed[i] = upto;
        }
    }
    return changed;
}

// Of the entries of this node, committed or not. What a node proposes while nobody hears it is not
// in the chronicle yet, and may be committed long after by the time it was proposed at.
static int64_t newest_time_ms(const struct machine *machine) {
    int64_t newest_ms = chronicle_time_ms(machine->plan.chronicle);
    for (uint32_t i = 0; i < machine->settings.group_count; i++) {
        int64_t time_ms = store_group(machine->store, (group_id)i).time_ms;
        newest_ms = time_ms > newest_ms ? time_ms : newest_ms;
    }
    return newest_ms;
}

// Tasks that nobody got are in their old places again.
static void note_returned(struct machine *machine) {
    uint64_t returned = node_stats(machine->node).tasks_returned;
    if (returned != machine->tasks_returned) {
        machine->tasks_returned = returned;
        machine->last_gone.ms = newest_time_ms(machine);
    }
}

static bool is_full(const struct machine *machine) {
    return machine->store != NULL &&
           store_stats(machine->store).overlay_bytes > machine->swarm->overlay_bytes_max;
}

void machine_note_full(struct machine *machine) {
    if (is_full(machine)) {
        machine->last_full = world_mono(machine->world);
    }
}

void machine_step(struct machine *machine, struct node_event *event) {
    event->mono = clock_mono(&machine->clock);
    event->wall = clock_wall(&machine->clock);
    node_step(machine->node, event, machine->effects);
    bool wrote = machine_follow(machine);
    note_returned(machine);
    machine->watch.stepped(machine->watch.argument, machine->plan.number, wrote);
    pump(machine);
}

// --- calls ---------------------------------------------------------------------------------------

static bool is_life(void *argument, uint64_t incarnation) {
    const struct machine *machine = argument;
    return machine->up && incarnation == machine->incarnation;
}

static bool tell_called(
    void *argument, uint64_t incarnation, uint64_t call_id, const struct call_result *result
) {
    struct machine *machine = argument;
    bool sleeps = machine_awake_at(machine) > world_mono(machine->world).ns;
    if (!is_life(machine, incarnation) || sleeps) {
        return false;
    }
    struct node_event event = {.kind = NODE_CALLED, .call_id = call_id, .called = result};
    machine_step(machine, &event);
    return true;
}

static void call(struct machine *machine, const struct node_effect *effect) {
    if (machine->stopping) { // as the server's shell does
        const struct call_result released = {.outcome = CALL_RELEASED};
        struct node_event event = {
            .kind = NODE_CALLED, .call_id = effect->call_id, .called = &released};
        machine_step(machine, &event);
        return;
    }
    const struct outside_caller caller = {
        .number = machine->plan.number,
        .incarnation = machine->incarnation,
        .argument = machine,
        .told = tell_called,
        .lives = is_life,
    };
    outside_call(machine->plan.outside, &caller, effect);
}

static void tick(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation || !machine->up ||
        machine_sleeps(machine, tick, argument, incarnation)) {
        return;
    }
    if (machine->wake_ns == 0 || machine->wake_ns > world_mono(machine->world).ns) {
        return; // an earlier tick took its place
    }
    machine->wake_ns = 0;
    struct node_event event = {.kind = NODE_TICK};
    machine_step(machine, &event);
}

static void plan_tick(struct machine *machine) {
    int64_t now_ns = world_mono(machine->world).ns;
    int64_t at_ns = now_ns + clock_wait_ns(&machine->clock, node_next_wakeup(machine->node));
    // The age of a checkpoint is nobody's event.
    int64_t latest_ns = now_ns + machine->swarm->checkpoint_ms * WORLD_MS;
    at_ns = at_ns > latest_ns ? latest_ns : at_ns;
    at_ns = at_ns < now_ns + WORLD_MS / 10 ? now_ns + WORLD_MS / 10 : at_ns;
    if (machine->wake_ns != 0 && machine->wake_ns <= at_ns) {
        return;
    }
    if (world_maybe(machine->world, machine->swarm->late_tick)) {
        at_ns += world_draw(machine->world, 0, 300) * WORLD_MS;
    }
    machine->wake_ns = at_ns;
    world_after(machine->world, at_ns - now_ns, tick, machine, machine->incarnation);
}

// --- other nodes ---------------------------------------------------------------------------------

static const char *message_name(bytes message) {
    static const char *const names[] = {
        "nothing",
        "raft",
        "forward",
        "answer",
        "delivery",
        "interest",
        "hint",
        "stream",
        "stream-ack",
        "applied",
        "polled",
        "catalog",
        "leads",
    };
    size_t kind = message.size > 0 ? message.data[0] : 0;
    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

static void send(struct machine *machine, const struct node_effect *effect) {
    if (effect->body.size > 0 && effect->body.data[0] != 1) { // Raft's frames say little
        world_trace(
            machine->world,
            "n%u to n%u: %s, %zu bytes",
            machine->plan.number,
            effect->to,
            message_name(effect->body),
            effect->body.size
        );
    }
    machine->stats.messages++;
    network_send(
        machine->plan.network, machine->plan.number, effect->to, effect->link, effect->body
    );
}

static void peer_changed(void *argument, uint16_t peer, bool up) {
    struct machine *machine = argument;
    if (machine->up) {
        struct node_event event = {.kind = up ? NODE_PEER_UP : NODE_PEER_DOWN, .peer = peer};
        if (up) {
            const struct machine *other = machine->watch.machine(machine->watch.argument, peer);
            event.store_id = other->store_id;
            event.release_low = (uint16_t)(other->plan.release - 1);
            event.release_high = other->plan.release;
        }
        machine_step(machine, &event);
    }
}

static void peer_message(void *argument, uint16_t peer, bytes message) {
    struct machine *machine = argument;
    if (machine->up) {
        struct node_event event = {.kind = NODE_PEER_MESSAGE, .peer = peer, .message = message};
        machine_step(machine, &event);
    }
}

static struct network_end network_end_of(struct machine *machine) {
    return (struct network_end){machine, machine_awake_at, peer_changed, peer_message};
}

// --- effects -------------------------------------------------------------------------------------

static void hear_of_member(struct machine *machine, const struct node_effect *effect) {
    bool is_one = effect->body.size > 0;
    world_trace(
        machine->world,
        "n%u: n%u is %s",
        machine->plan.number,
        effect->to,
        is_one ? "a member" : "no member"
    );
    if (effect->to != machine->plan.number) {
        network_know(machine->plan.network, machine->plan.number, effect->to, is_one);
    } else if (!is_one) {
        machine->leaves = true;
    }
}

static void carry_out(struct machine *machine, const struct node_effect *effect) {
    switch (effect->kind) {
    case EFFECT_REPLY:
        machine_answer(machine, effect);
        break;
    case EFFECT_PART:
        machine_part(machine, effect);
        break;
    case EFFECT_FINDING:
        world_fail(
            machine->world, "auditor", "n%u: %.*s", machine->plan.number, BYTES_ARG(effect->body)
        );
        break;
    case EFFECT_CALL:
        call(machine, effect);
        break;
    case EFFECT_SEND:
        send(machine, effect);
        break;
    case EFFECT_EVALUATE:
        machine_run_script(machine, effect);
        break;
    case EFFECT_MEMBER:
        hear_of_member(machine, effect);
        break;
    case EFFECT_VERSION:
    case EFFECT_KIND_COUNT:
        break;
    }
}

static void pump(struct machine *machine) {
    struct node_effect effect;
    while (machine->up && node_effects_take(machine->effects, &effect)) {
        carry_out(machine, &effect);
        bool replied = effect.kind == EFFECT_REPLY;
        node_effect_release(&effect);
        if (world_failed(machine->world)) {
            return;
        }
        if (replied && world_maybe(machine->world, machine->swarm->crash_after_reply)) {
            machine_crash(machine, "after an answer");
        }
    }
    if (machine->up && machine->leaves) { // as the server's shell stops by itself
        machine_lose(machine);
    }
    if (machine->up) {
        machine_begin_jobs(machine);
        plan_tick(machine);
    }
}

// --- looking -------------------------------------------------------------------------------------

bool machine_is_up(const struct machine *machine) {
    return machine->up;
}

struct store *machine_store(struct machine *machine) {
    return machine->up ? machine->store : NULL;
}

const struct node *machine_node(struct machine *machine) {
    return machine->up ? machine->node : NULL;
}

const struct shadow *machine_shadow(const struct machine *machine) {
    return machine->shadow;
}

struct clock *machine_clock(struct machine *machine) {
    return &machine->clock;
}

const struct scheduler_settings *machine_settings(const struct machine *machine) {
    return &machine->settings;
}

const struct machine_plan *machine_plan_of(const struct machine *machine) {
    return &machine->plan;
}

id128 machine_store_id(const struct machine *machine) {
    return machine->store_id;
}

struct machine_stats machine_stats(const struct machine *machine) {
    struct machine_stats stats = machine->stats;
    stats.entries = shadow_entries(machine->shadow);
    stats.rows_compared = machine->rows_compared;
    return stats;
}

wall_time machine_last_gone(const struct machine *machine) {
    return machine->last_gone;
}

mono_time machine_last_full(const struct machine *machine) {
    return is_full(machine) ? world_mono(machine->world) : machine->last_full;
}
