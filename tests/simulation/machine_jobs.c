// The jobs of a simulated node: log batches and checkpoints.
//
// A job has three moments, as in life: it is taken, it is carried out on its own, it is told to the
// core; the world turns between them, and the power may go between any two, or inside the second.
// What a job does to the disk happens at one moment of virtual time.

#include "tests/simulation/machine_internal.h"

void machine_no_faults(struct machine *machine) {
    machine->fault_planned = false;
    machine->faults.stop_at = 0;
    machine->faults.write_fails_one_in = 0;
    machine->faults.sync_fails_one_in = 0;
    machine->faults.commit_fails_one_in = 0;
    machine->faults.full_one_in = 0;
}

// An error inside a job: ours, and then the process ends; or a bug.
static void job_failed(struct machine *machine, const char *job, err error) {
    if (!machine->fault_planned && error.code != ERR_FULL) {
        world_fail(
            machine->world, "store", "%s failed: %s %s", job, err_name(error.code), error.text
        );
        return;
    }
    machine_crash(machine, error.text);
}

static void plan_batch_fault(struct machine *machine) {
    const struct swarm *swarm = machine->swarm;
    machine->fault_planned = true;
    if (world_maybe(machine->world, swarm->sync_error_per_batch)) {
        machine->faults.sync_fails_one_in = 1;
    } else if (world_maybe(machine->world, swarm->full_per_batch)) {
        machine->faults.write_fails_one_in = 1;
        machine->faults.full_one_in = 1;
    } else if (world_maybe(machine->world, swarm->crash_in_write)) {
        machine->faults.stop_at =
            machine->faults.operations + (uint64_t)world_draw(machine->world, 1, 5);
    } else {
        machine->fault_planned = false;
    }
}

// The core hears of it; later batches may have come back meanwhile.
static void batch_told(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, batch_told, argument, incarnation)) {
        return;
    }
    struct node_event event = {.kind = NODE_LOG_DONE, .lsn = machine->untold_lsn};
    machine->untold_lsn = 0;
    shadow_batch_told(machine->shadow);
    world_trace(
        machine->world,
        "n%u: log is durable to %llu",
        machine->plan.number,
        (unsigned long long)event.lsn
    );
    machine_step(machine, &event);
}

static void batch_end(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, batch_end, argument, incarnation)) {
        return;
    }
    bool telling = machine->untold_lsn != 0;
    machine->untold_lsn = store_batch_end(machine->store, &machine->batch);
    machine->stats.batches++;
    shadow_batch_ended(machine->shadow);
    if (telling) {
        machine_begin_jobs(machine);
    } else if (world_maybe(machine->world, machine->swarm->late_commit)) {
        int64_t ms = world_draw(machine->world, 1, 12000);
        world_after(machine->world, ms * WORLD_MS, batch_told, machine, machine->incarnation);
        machine_begin_jobs(machine);
    } else {
        batch_told(machine, incarnation);
    }
}

static void batch_write(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, batch_write, argument, incarnation)) {
        return;
    }
    plan_batch_fault(machine);
    machine_bound_disk(machine);
    err written = store_batch_write(machine->batch);
    if (err_is(written)) {
        job_failed(machine, "a log batch", written);
        return;
    }
    shadow_batch_durable(machine->shadow);
    machine->batch_written = true;
    if (machine->fault_planned) {
        machine_crash(machine, "with a batch that nobody was told of");
        return;
    }
    world_after(
        machine->world,
        world_draw(machine->world, 0, 300) * WORLD_MS / 1000,
        batch_end,
        machine,
        machine->incarnation
    );
}

static void checkpoint_told(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, checkpoint_told, argument, incarnation)) {
        return;
    }
    machine_note_full(machine);
    store_checkpoint_end(machine->store, &machine->checkpoint);
    for (uint32_t i = 0; i < machine->settings.group_count; i++) {
        chronicle_attested(machine->plan.chronicle, machine->store, (group_id)i);
    }
    if (store_stats(machine->store).rotten > 0) { // maps do not rot in any world
        world_fail(
            machine->world, "rot", "node %u takes its rows for rotten", machine->plan.number
        );
    }
    machine->stats.checkpoints++;
    world_trace(machine->world, "n%u: checkpoint done", machine->plan.number);
    struct node_event event = {.kind = NODE_CHECKPOINT_DONE};
    machine_step(machine, &event);
}

static void checkpoint_write(void *argument, uint64_t incarnation) {
    struct machine *machine = argument;
    if (incarnation != machine->incarnation ||
        machine_sleeps(machine, checkpoint_write, argument, incarnation)) {
        return;
    }
    if (world_maybe(machine->world, machine->swarm->crash_in_checkpoint / 2)) {
        machine_crash(machine, "before a checkpoint's commit");
        return;
    }
    machine->fault_planned = world_maybe(machine->world, machine->swarm->crash_in_checkpoint / 2);
    machine->faults.commit_fails_one_in = machine->fault_planned ? 1 : 0;
    machine_bound_disk(machine);
    err written = store_checkpoint_write(machine->checkpoint);
    if (err_is(written)) {
        job_failed(machine, "a checkpoint", written);
        return;
    }
    machine->checkpoint_written = true;
    if (world_maybe(machine->world, machine->swarm->crash_in_checkpoint / 2)) {
        machine_crash(machine, "after a checkpoint's commit");
        return;
    }
    world_after(
        machine->world,
        world_draw(machine->world, 0, 5000) * WORLD_MS / 1000,
        checkpoint_told,
        machine,
        machine->incarnation
    );
}

void machine_begin_jobs(struct machine *machine) {
    struct world *world = machine->world;
    if (machine->batch == NULL) {
        machine->batch = store_batch_begin(machine->store);
        if (machine->batch != NULL) {
            machine->batch_written = false;
            shadow_batch_taken(machine->shadow);
            int64_t us = world_draw(world, 20, machine->swarm->sync_us_max);
            if (world_maybe(world, machine->swarm->stall_per_batch)) {
                us = world_draw(world, 1000000, 10000000);
            }
            world_after(world, us * 1000, batch_write, machine, machine->incarnation);
        }
    }
    if (machine->checkpoint == NULL) {
        machine->checkpoint =
            store_checkpoint_begin(machine->store, clock_mono(&machine->clock), false);
        if (machine->checkpoint != NULL) {
            machine->checkpoint_written = false;
            int64_t us = world_draw(world, 100, machine->swarm->checkpoint_us_max);
            world_after(world, us * 1000, checkpoint_write, machine, machine->incarnation);
        }
    }
}
