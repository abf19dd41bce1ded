// The device under a simulated node: so large, partly somebody else's. It is measured as the
// server's shell does, and the ballast is kept as the core's judgement says. Only in worlds in
// which disks fill.

#include "proto/limits.h"
#include "tests/simulation/machine_internal.h"

static const uint64_t DEVICE_BYTES = 256 * 1024 * 1024;
static const uint64_t BALLAST_BYTES = 8 * 1024 * 1024;

static uint64_t own_bytes(const struct machine *machine) {
    return memory_disk_used(machine->disk) + memory_map_used(machine->map) +
           (machine->ballast_held ? BALLAST_BYTES : 0);
}

static uint64_t free_bytes(const struct machine *machine) {
    uint64_t used = own_bytes(machine) + machine->foreign_bytes;
    return used < DEVICE_BYTES ? DEVICE_BYTES - used : 0;
}

static void measure(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, measure, argument, incarnation)) {
        return;
    }
    const struct disk_measure disk = {
        .used_bytes = DEVICE_BYTES - free_bytes(machine),
        .free_bytes = free_bytes(machine),
        .ballast_bytes = BALLAST_BYTES,
        .ballast_held = machine->ballast_held,
    };
    enum room_level was = node_fitness(machine->node).room;
    struct node_event event = {.kind = NODE_DISK, .disk = &disk};
    machine_step(machine, &event);
    if (!machine->up) {
        return;
    }
    enum room_level level = node_fitness(machine->node).room;
    if (level != was) {
        world_trace(machine->world, "n%u: room %s", machine->plan.number, room_level_name(level));
    }
    if (level == ROOM_HARD) {
        machine->ballast_held = false;
    } else if (free_bytes(machine) / 2 > BALLAST_BYTES) {
        machine->ballast_held = true;
    }
    world_after(
        machine->world, LIMIT_DISK_LOOK_MS * WORLD_MS, measure, machine, machine->incarnation
    );
}

void machine_watch_disk(struct machine *machine) {
    if (machine->swarm->fill_per_second > 0) {
        world_after(machine->world, 0, measure, machine, machine->incarnation);
    }
}

void machine_bound_disk(struct machine *machine) {
    uint64_t left = free_bytes(machine) + 1; // 0 would be no bound
    machine->faults.full_at_bytes = memory_disk_used(machine->disk) + left;
    machine->faults.map_full_at_bytes = memory_map_used(machine->map) + left;
}

void machine_fill(struct machine *machine, uint32_t permille) {
    uint64_t wanted = DEVICE_BYTES / 1000 * permille;
    uint64_t own = own_bytes(machine);
    machine->foreign_bytes = wanted > own ? wanted - own : 0;
    world_trace(machine->world, "n%u: its disk is %u/1000 full", machine->plan.number, permille);
}
