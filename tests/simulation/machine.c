// The shell of a simulated node: what node/shell does with threads and sockets, done with actions
// of the world. One step, then effects whose gate is open, then the jobs that can begin.
//
// The log's and the map's jobs are machine_jobs.c, the evaluator's machine_script.c.
//
// Death: the disk forgets, everything in memory goes, who waited hears that the connection is lost.
// Actions of the dead node carry its incarnation and are ignored.

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "tests/simulation/machine_internal.h"
#include "tests/simulation/rot.h"

#include <stdlib.h>

enum {
    ARENA_BLOCK_BYTES = 64 * 1024
};

static void boot(void *argument, uint64_t incarnation);
static void pump(struct machine *machine);
static void tell(struct machine *machine, enum node_event_kind kind, uint64_t number);
static void tell_called(
    void *argument, uint64_t incarnation, uint64_t call_id, const struct call_result *result
);

// --- life ----------------------------------------------------------------------------------------

struct machine *
machine_create(struct world *world, const struct swarm *swarm, const struct machine_watch *watch) {
    struct machine *machine = calloc(1, sizeof(*machine));
    check(machine != NULL);
    machine->world = world;
    machine->swarm = swarm;
    machine->watch = *watch;
    machine->settings = (struct scheduler_settings){
        .group_count = swarm->group_count,
        .server_name = BYTES_LITERAL("server"),
    };
    memory_faults_init(&machine->faults, world_seed(world));
    machine->disk = memory_disk_create(&machine->faults);
    machine->map = memory_map_create(&machine->faults);
    machine->shadow = shadow_create(world, swarm->group_count);
    machine->questions = questions_create();
    machine->outside = outside_create(world, swarm, tell_called, machine);
    machine->arena = arena_create(ARENA_BLOCK_BYTES);
    machine->scripts = arena_create(ARENA_BLOCK_BYTES);
    boot(machine, machine->incarnation);
    return machine;
}

// Ends what lives in memory.
static void die(struct machine *machine) {
    if (!machine->up) {
        return;
    }
    machine->up = false;
    machine->incarnation++;
    machine->wake_ns = 0;
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
    die(machine);
    memory_disk_destroy(&machine->disk);
    memory_map_destroy(&machine->map);
    shadow_destroy(&machine->shadow);
    questions_destroy(&machine->questions);
    outside_destroy(&machine->outside);
    arena_destroy(&machine->arena);
    arena_destroy(&machine->scripts);
    free(machine);
    *machine_at = NULL;
}

static void no_faults(struct machine *machine) {
    machine->fault_planned = false;
    machine->faults.stop_at = 0;
    machine->faults.write_fails_one_in = 0;
    machine->faults.sync_fails_one_in = 0;
    machine->faults.commit_fails_one_in = 0;
    machine->faults.full_one_in = 0;
}

static void boot(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    check(!machine->up && incarnation == machine->incarnation);
    no_faults(machine);
    const struct store_options options = {
        .disk = machine->disk,
        .map = machine->map,
        .group_count = machine->swarm->group_count,
        .lane_count = 1,
        .segment_bytes = machine->swarm->segment_bytes,
        .overlay_bytes_max = machine->swarm->overlay_bytes_max,
        .checkpoint_bytes = machine->swarm->checkpoint_bytes,
        .checkpoint_ms = machine->swarm->checkpoint_ms,
        .cluster = {'s', 'i', 'm'},
        .random_seed = world_seed(machine->world),
    };
    struct rot *rot = NULL;
    if (world_maybe(machine->world, machine->swarm->rot_per_crash)) {
        rot = rot_take(machine->world, machine->disk, machine->map);
    }
    arena_reset(machine->arena);
    err opened = store_open(&options, machine->arena, &machine->store);
    if (err_is(opened)) {
        world_fail(machine->world, "recovery", "%s: %s", err_name(opened.code), opened.text);
        return;
    }
    shadow_recover(machine->shadow, machine->store);
    if (rot != NULL) {
        rot_check(&rot, machine->shadow, &options);
    }
    if (world_failed(machine->world)) {
        store_close(&machine->store);
        return;
    }
    const struct node_options node_options = {
        .store = machine->store,
        .settings = machine->settings,
        .random_seed = world_seed(machine->world),
        .host = BYTES_LITERAL("simulated"),
        .version = BYTES_LITERAL("simulation"),
        .wall = world_wall(machine->world),
        .mono = world_mono(machine->world),
    };
    machine->node = node_create(&node_options);
    machine->effects = node_effects_create();
    machine->up = true;
    world_trace(machine->world, "node is up");
    shadow_follow(machine->shadow, machine->store);
    if (machine->watch.recovered != NULL) {
        machine->watch.recovered(machine->watch.argument);
    }
    pump(machine);
}

void machine_crash(struct machine *machine, const char *why) {
    if (!machine->up) {
        return;
    }
    world_trace(machine->world, "CRASH %s", why);
    machine->stats.crashes++;
    die(machine);
    memory_disk_crash(machine->disk);
    memory_map_crash(machine->map);
    int64_t down_ms = world_draw(machine->world, 1, machine->swarm->down_ms_max);
    world_after(machine->world, down_ms * WORLD_MS, boot, machine, machine->incarnation);
    uint64_t number = 0;
    struct asker asker;
    const struct answer lost = {.outcome = OUTCOME_LOST};
    while (questions_take_arrived(machine->questions, &number, &asker)) {
        world_trace(machine->world, "lost #%llu", (unsigned long long)number);
        asker.answered(asker.argument, &lost);
    }
}

// --- stepping ------------------------------------------------------------------------------------

void machine_step(struct machine *machine, struct node_event *event) {
    event->mono = world_mono(machine->world);
    event->wall = world_wall(machine->world);
    node_step(machine->node, event, machine->effects);
    shadow_follow(machine->shadow, machine->store);
    if (machine->watch.stepped != NULL) {
        machine->watch.stepped(machine->watch.argument);
    }
    pump(machine);
}

static void tell_called(
    void *argument, uint64_t incarnation, uint64_t call_id, const struct call_result *result
) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation || !machine->up) {
        return;
    }
    struct node_event event = {.kind = NODE_CALLED, .call_id = call_id, .called = result};
    machine_step(machine, &event);
}

static void tick(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation || !machine->up) {
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
    int64_t at_ns = node_next_wakeup(machine->node).ns;
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

static void tell_delivered(void *argument, uint64_t number) {
    tell(argument, NODE_DELIVERED, number);
}

static void tell_gone(void *argument, uint64_t number) {
    tell(argument, NODE_GONE, number);
}

// An answer with tasks is told to be delivered or not; a connection may take its time to break.
static void tell_hand_out(struct machine *machine, uint64_t number, bool delivered) {
    struct world *world = machine->world;
    int64_t us =
        world_maybe(world, 700) ? world_draw(world, 0, 500) : world_draw(world, 0, 3000000);
    world_after(world, us * 1000, delivered ? tell_delivered : tell_gone, machine, number);
}

static void answer_one(struct machine *machine, const struct node_effect *effect) {
    struct asker asker;
    world_trace(
        machine->world,
        "answer #%llu %u %zu bytes %016llx",
        (unsigned long long)effect->request_id,
        effect->status,
        effect->body.size,
        (unsigned long long)hash_sip64(effect->body)
    );
    bool waits = questions_take(machine->questions, effect->request_id, &asker);
    if (waits && effect->with_tasks &&
        world_maybe(machine->world, machine->swarm->hand_out_breaks)) {
        const struct answer lost = {.outcome = OUTCOME_LOST, .body = effect->body};
        tell_hand_out(machine, effect->request_id, false);
        asker.answered(asker.argument, &lost);
        return;
    }
    if (effect->with_tasks) {
        // The bytes may have gone out to somebody who no longer reads them.
        bool delivered = waits || world_maybe(machine->world, 300);
        tell_hand_out(machine, effect->request_id, delivered);
    }
    if (!waits) {
        return; // its asker left
    }
    machine->stats.answers++;
    const struct answer answer = {
        .outcome = OUTCOME_ANSWERED,
        .status = effect->status,
        .body = effect->body,
        .time_ms = machine_time_ms(machine),
    };
    asker.answered(asker.argument, &answer);
}

static void pump(struct machine *machine) {
    struct node_effect effect;
    while (machine->up && node_effects_take(machine->effects, &effect)) {
        if (effect.kind == EFFECT_REPLY) {
            answer_one(machine, &effect);
        } else if (effect.kind == EFFECT_CALL) {
            outside_call(machine->outside, machine->incarnation, &effect);
        } else {
            machine_run_script(machine, &effect);
        }
        node_effect_release(&effect);
        if (world_failed(machine->world)) {
            return;
        }
        if (world_maybe(machine->world, machine->swarm->crash_after_reply)) {
            machine_crash(machine, "after an answer");
        }
    }
    if (machine->up) {
        machine_begin_jobs(machine);
        plan_tick(machine);
    }
}

// --- questions -----------------------------------------------------------------------------------

static void arrive(void *argument, uint64_t number) {
    struct machine *machine = argument;
    const char *line = questions_line(machine->questions, number);
    struct asker asker;
    if (!machine->up) {
        if (questions_take(machine->questions, number, &asker)) {
            const struct answer refused = {.outcome = OUTCOME_REFUSED};
            asker.answered(asker.argument, &refused);
        }
        return;
    }
    const struct node_request *request = questions_arrive(machine->questions, number);
    if (request == NULL) {
        return;
    }
    world_trace(machine->world, "ask #%llu %s", (unsigned long long)number, line);
    machine->stats.questions++;
    struct node_event event = {
        .kind = NODE_REQUEST,
        .request_id = number,
        .request = request,
    };
    machine_step(machine, &event);
}

uint64_t machine_ask(
    struct machine *machine,
    const struct question *question,
    machine_answered answered,
    void *argument
) {
    uint64_t number = questions_add(machine->questions, question, answered, argument);
    int64_t us = world_draw(machine->world, 20, 1500);
    world_after(machine->world, us * 1000, arrive, machine, number);
    return number;
}

// The front door tells what became of a connection; the core ignores one of an earlier life.
static void tell(struct machine *machine, enum node_event_kind kind, uint64_t number) {
    if (!machine->up) {
        return;
    }
    world_trace(
        machine->world,
        "%s #%llu",
        kind == NODE_GONE ? "gone" : "delivered",
        (unsigned long long)number
    );
    if (kind == NODE_GONE) {
        machine->last_gone = world_wall(machine->world);
    }
    struct node_event event = {.kind = kind, .request_id = number};
    machine_step(machine, &event);
}

void machine_leave(struct machine *machine, uint64_t number) {
    struct asker asker;
    if (questions_take(machine->questions, number, &asker)) {
        world_after(
            machine->world,
            world_draw(machine->world, 20, 500) * 1000 + 1500 * 1000,
            tell_gone,
            machine,
            number
        );
    }
}

// --- looking -------------------------------------------------------------------------------------

bool machine_is_up(const struct machine *machine) {
    return machine->up;
}

struct store *machine_store(struct machine *machine) {
    return machine->up ? machine->store : NULL;
}

const struct scheduler_settings *machine_settings(const struct machine *machine) {
    return &machine->settings;
}

struct machine_stats machine_stats(const struct machine *machine) {
    struct machine_stats stats = machine->stats;
    stats.entries = shadow_entries(machine->shadow);
    stats.rows_compared = shadow_rows_compared(machine->shadow);
    return stats;
}

wall_time machine_last_gone(const struct machine *machine) {
    return machine->last_gone;
}

int64_t machine_time_ms(const struct machine *machine) {
    int64_t newest = 0;
    for (uint32_t i = 0; i < machine->settings.group_count; i++) {
        int64_t time_ms = store_group(machine->store, (group_id)i).time_ms;
        newest = time_ms > newest ? time_ms : newest;
    }
    return newest;
}
