// What becomes of a machine by others' doing: death and return, sleep, a disk that is lost, another
// release.
//
// Death: the disk forgets, everything in memory goes, who waited hears that the connection is lost.
// Actions of the dead node carry its incarnation and are ignored. Sleep: actions are put off, all
// to the same moments, so that they keep their order and somebody may wake it early.

#include "proto/base/check.h"
#include "proto/limits.h"
#include "tests/simulation/machine_internal.h"

enum {
    STOP_LOOK_MS = 50
};

static const int64_t SLICE_NS = 1000 * WORLD_MS; // of sleep

// --- death ---------------------------------------------------------------------------------------

// The process is no more.
static void end_process(struct machine *machine, const char *why) {
    world_trace(machine->world, "CRASH of n%u: %s", machine->plan.number, why);
    machine_die(machine);
    memory_disk_crash(machine->disk);
    memory_map_crash(machine->map);
    bool silent = world_maybe(machine->world, 500);
    network_node_down(machine->plan.network, machine->plan.number, silent);
    machine->watch.died(machine->watch.argument, machine->plan.number);
}

// Ends the process; the machine starts another one some time later.
static void start_again(struct machine *machine, const char *why) {
    end_process(machine, why);
    int64_t down_ms = world_draw(machine->world, 1, machine->swarm->down_ms_max);
    if (!machine->stopping) {
        outside_trouble(machine->plan.outside, down_ms);
    }
    world_after(machine->world, down_ms * WORLD_MS, machine_boot, machine, machine->incarnation);
    machine_lose_askers(machine);
}

void machine_crash(struct machine *machine, const char *why) {
    if (machine->up) {
        machine->stats.crashes++;
        machine->stopping = false;
        start_again(machine, why);
    }
}

static void look_whether_done(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (!machine->up || incarnation != machine->incarnation ||
        machine_sleeps(machine, look_whether_done, machine, incarnation)) {
        return;
    }
    struct node_stats stats = node_stats(machine->node);
    bool leads = stats.groups_led > 0 && !machine_is_alone(machine);
    bool late = world_mono(machine->world).ns >= machine->stop_by_ns;
    // A server brings its log to the disk before it ends (shell.c, settle).
    struct store_stats log = store_stats(machine->store);
    bool settled = log.appended_lsn == log.durable_lsn;
    if (late || (!leads && stats.calls_open == 0 && settled)) {
        machine->stopping = !late;
        start_again(machine, "it was stopped");
    } else {
        world_after(
            machine->world, STOP_LOOK_MS * WORLD_MS, look_whether_done, machine, incarnation
        );
    }
}

void machine_stop(struct machine *machine) {
    if (!machine->up || machine->stopping ||
        machine_awake_at(machine) > world_mono(machine->world).ns) {
        return;
    }
    world_trace(machine->world, "n%u is asked to stop", machine->plan.number);
    machine->stopping = true;
    machine->stop_by_ns = world_mono(machine->world).ns + LIMIT_STOP_MS * WORLD_MS;
    uint64_t incarnation = machine->incarnation;
    struct node_event event = {.kind = NODE_LEAVE};
    machine_step(machine, &event);
    look_whether_done(machine, incarnation);
}

void machine_lose(struct machine *machine) {
    if (machine->gone) {
        return;
    }
    machine->gone = true;
    if (machine->up) {
        end_process(machine, "for ever");
        machine_lose_askers(machine);
    }
}

bool machine_is_gone(const struct machine *machine) {
    return machine->gone;
}

// --- its disk, its release -----------------------------------------------------------------------

void machine_get_disk(struct machine *machine) {
    machine->disk = memory_disk_create(&machine->faults);
    machine->map = memory_map_create(&machine->faults);
    machine->shadow = shadow_create(
        machine->world,
        machine->plan.chronicle,
        machine->plan.number,
        machine->swarm->group_count,
        machine_is_alone(machine)
    );
}

void machine_lose_disk(struct machine *machine) {
    check(machine->up);
    const struct roster *roster = chronicle_roster(machine->plan.chronicle);
    machine_crash(machine, "and its disk is lost");
    memory_disk_destroy(&machine->disk);
    memory_map_destroy(&machine->map);
    shadow_destroy(&machine->shadow);
    machine_get_disk(machine);
    for (uint32_t group = 0; group < machine->settings.group_count; group++) {
        machine->committed[group] = 0;
        machine->old_replicas[group] = roster_next_replica(roster, (group_id)group);
    }
}

uint64_t machine_old_replicas(const struct machine *machine, group_id group) {
    return machine->old_replicas[group];
}

bool machine_may_upgrade(const struct machine *machine) {
    return machine->up && machine->plan.release < MACHINE_RELEASE && machine->next_release == 0;
}

void machine_upgrade(struct machine *machine) {
    check(machine_may_upgrade(machine));
    machine->next_release = MACHINE_RELEASE;
    machine_stop(machine);
}

// --- sleep ---------------------------------------------------------------------------------------

void machine_pause(struct machine *machine, int64_t ns) {
    if (machine->up) {
        world_trace(
            machine->world,
            "n%u sleeps for %lld ms",
            machine->plan.number,
            (long long)(ns / WORLD_MS)
        );
        machine->asleep_until_ns = world_mono(machine->world).ns + ns;
    }
}

// With the end of the slice: what was put off to it comes first.
void machine_wake(struct machine *machine) {
    int64_t end_ns = (world_mono(machine->world).ns / SLICE_NS + 1) * SLICE_NS;
    if (machine->asleep_until_ns > end_ns) {
        machine->asleep_until_ns = end_ns;
    }
}

int64_t machine_awake_at(const void *argument) {
    const struct machine *machine = argument;
    int64_t now_ns = world_mono(machine->world).ns;
    int64_t slice_ns = (now_ns / SLICE_NS + 1) * SLICE_NS;
    int64_t at_ns = machine->asleep_until_ns > now_ns ? machine->asleep_until_ns : now_ns;
    return at_ns < slice_ns ? at_ns : slice_ns;
}

bool machine_sleeps(
    struct machine *machine,
    void (*action)(void *argument, uint64_t token),
    void *argument,
    uint64_t token
) {
    int64_t wait_ns = machine_awake_at(machine) - world_mono(machine->world).ns;
    if (wait_ns > 0) {
        world_after(machine->world, wait_ns, action, argument, token);
    }
    return wait_ns > 0;
}
