// Swarm testing (distributed.md §15.1): a fault that exists in every run at the same rate hides
// what needs its absence, so each seed first draws which faults exist and only then how often.

#include "tests/simulation/swarm.h"

static size_t kib(struct world *world, int64_t low, int64_t high) {
    return (size_t)world_draw(world, low, high) * 1024;
}

// A rate in half the worlds, none in the others.
static uint32_t sometimes(struct world *world, int64_t low, int64_t high) {
    bool exists = world_maybe(world, 500);
    uint32_t rate = (uint32_t)world_draw(world, low, high);
    return exists ? rate : 0;
}

// One node is quick and finds what one node can do wrong; three are what people run.
static void
draw_cluster(struct world *world, struct swarm *swarm, uint16_t node_count, bool churn) {
    static const uint16_t sizes[] = {2, 3, 3, 3, 3, 3, 4, 5};
    swarm->node_count = world_maybe(world, 600) ? 1 : sizes[world_draw(world, 0, 7)];
    swarm->node_count = node_count > 0 ? node_count : swarm->node_count;
    swarm->alone = swarm->node_count == 1 && !churn;
    swarm->churn = churn || (!swarm->alone && world_maybe(world, 300));
    if (swarm->churn) {
        swarm->node_count = world_maybe(world, 400) ? 1 : swarm->node_count;
        swarm->dead_after_ms = world_maybe(world, 600) ? world_draw(world, 3000, 12000) : 0;
        swarm->zone_count = sometimes(world, 2, 3);
        swarm->weight_max = world_maybe(world, 300) ? 4 : 1;
        swarm->old_release_per_mille = sometimes(world, 300, 1000);
    }
    swarm->replicas = world_maybe(world, 900) ? 3 : (uint32_t)world_draw(world, 1, 5);
    swarm->delay_us_max =
        world_maybe(world, 700) ? world_draw(world, 200, 2000) : world_draw(world, 2000, 40000);
    swarm->rate_ppm_max = world_maybe(world, 300) ? world_draw(world, 100, 20000) : 0;
    if (swarm->alone) {
        swarm->rate_ppm_max = 0;
    }
}

static void draw_store(struct world *world, struct swarm *swarm) {
    swarm->group_count = (uint32_t)world_draw(world, 2, 17);
    swarm->segment_bytes = 4 * kib(world, 4, 128); // whole blocks
    swarm->overlay_bytes_max =
        world_maybe(world, 300) ? kib(world, 160, 512) : kib(world, 1024, 65536);
    swarm->checkpoint_bytes = world_maybe(world, 500) ? kib(world, 4, 64) : kib(world, 1024, 4096);
    swarm->checkpoint_ms = world_draw(world, 20, 2000);
    swarm->sync_us_max =
        world_maybe(world, 700) ? world_draw(world, 100, 2000) : world_draw(world, 5000, 60000);
    swarm->checkpoint_us_max = world_maybe(world, 700) ? world_draw(world, 1000, 20000)
                                                       : world_draw(world, 100000, 1500000);
    if (!swarm->alone) {
        swarm->group_count = (uint32_t)world_draw(world, 2, 9);
        // What a follower lacks and the leader no longer keeps goes as rows.
        swarm->history_bytes = world_maybe(world, 500) ? kib(world, 2, 256) : 0;
    }
    swarm->attest_entries = (uint64_t)world_draw(world, 16, 256);
}

static void draw_workload(struct world *world, struct swarm *swarm) {
    swarm->task_type_count = (uint32_t)world_draw(world, 1, 5);
    swarm->flow_count = (uint32_t)world_draw(world, 2, 7);
    swarm->client_count = (uint32_t)world_draw(world, 1, 4);
    swarm->worker_count = (uint32_t)world_draw(world, 2, 8);
    swarm->domain_count = world_maybe(world, 300) ? (uint32_t)world_draw(world, 1, 2) : 0;
    swarm->starts_max = (uint32_t)world_draw(world, 5, 60);
    swarm->think_ms_max = world_draw(world, 50, 1500);
    swarm->safety_ms = world_draw(world, 8000, 40000);
    swarm->control_per_mille = sometimes(world, 20, 200);
    swarm->pad_bytes_max = 0;
    if (world_maybe(world, 300)) {
        swarm->pad_bytes_max = world_maybe(world, 800) ? 4000 : 40000;
    }
    swarm->human_per_mille = sometimes(world, 50, 200);
    swarm->kinds = (uint32_t)world_draw(world, 0, UINT32_MAX); // each in half the worlds
    swarm->merge_per_mille = sometimes(world, 200, 700);
    swarm->nested_per_mille = sometimes(world, 200, 700);
    swarm->keep_per_mille = sometimes(world, 200, 700);
    swarm->typed_per_mille = sometimes(world, 50, 300);
    swarm->permissive_per_mille = sometimes(world, 50, 200);
    swarm->failure_per_mille = sometimes(world, 200, 600);
    swarm->limits = world_maybe(world, 250);
    swarm->lifecycle_per_mille = sometimes(world, 50, 400);
    swarm->decision_tasks = sometimes(world, 1, 6);
    swarm->answer_tasks = sometimes(world, 1, 4);
    if (world_maybe(world, 500)) {
        uint32_t chunk = (uint32_t)world_draw(world, 8, 400);
        swarm->staging = (struct staging_bounds){
            .chunk_bytes = chunk,
            .bytes = (uint32_t)world_draw(world, 20, 600),
            .entry_bytes = chunk * (uint32_t)world_draw(world, 1, 5),
            .expiry_ms = world_draw(world, 300, 20000),
        };
    }
}

static void draw_faults(struct world *world, struct swarm *swarm) {
    swarm->stop_per_second = sometimes(world, 20, 200);
    swarm->crash_per_second = sometimes(world, 20, 300);
    swarm->crash_after_reply = sometimes(world, 2, 15);
    swarm->crash_in_write = sometimes(world, 1, 10);
    swarm->crash_in_checkpoint = sometimes(world, 5, 60);
    swarm->stall_per_batch = world_maybe(world, 300) ? (uint32_t)world_draw(world, 1, 3) : 0;
    swarm->sync_error_per_batch = world_maybe(world, 250) ? (uint32_t)world_draw(world, 1, 4) : 0;
    swarm->fill_per_second = world_maybe(world, 250) ? (uint32_t)world_draw(world, 20, 150) : 0;
    swarm->full_per_batch = world_maybe(world, 250) ? (uint32_t)world_draw(world, 1, 4) : 0;
    swarm->rot_per_crash = sometimes(world, 100, 500);
    swarm->wall_step_per_second =
        world_maybe(world, 200) ? (uint32_t)world_draw(world, 10, 100) : 0;
    if (!swarm->alone) {
        swarm->sleep_per_second = sometimes(world, 20, 200);
        swarm->partition_per_second = sometimes(world, 20, 200);
        swarm->clog_per_second = sometimes(world, 20, 300);
        swarm->cut_per_second = sometimes(world, 20, 300);
    }
    if (swarm->churn) {
        swarm->replicas = 3;
        swarm->freeze_per_second = sometimes(world, 20, 100);
        swarm->fill_per_second = sometimes(world, 20, 150);
    }
    swarm->late_commit = world_maybe(world, 300) ? (uint32_t)world_draw(world, 2, 20) : 0;
    swarm->hand_out_breaks = sometimes(world, 10, 150);
    swarm->late_tick = sometimes(world, 10, 200);
    swarm->down_ms_max =
        world_maybe(world, 800) ? world_draw(world, 10, 500) : world_draw(world, 1000, 8000);
    swarm->script_slow = sometimes(world, 20, 200);
    swarm->script_late = sometimes(world, 5, 50);
    swarm->script_unavailable = sometimes(world, 5, 50);

    swarm->worker_slow = sometimes(world, 5, 100);
    swarm->worker_dies = sometimes(world, 5, 100);
    swarm->worker_repeats = sometimes(world, 20, 200);
    swarm->worker_fails = sometimes(world, 20, 150);
    swarm->worker_in_progress = sometimes(world, 20, 150);
    swarm->worker_extends = sometimes(world, 20, 200);
    swarm->poll_leaves = sometimes(world, 20, 200);
    swarm->stranger = sometimes(world, 50, 400);
}

struct swarm swarm_draw(struct world *world, uint16_t node_count, bool churn) {
    struct swarm swarm = {.weight_max = 1};
    draw_cluster(world, &swarm, node_count, churn);
    draw_store(world, &swarm);
    draw_workload(world, &swarm);
    draw_faults(world, &swarm);
    swarm.backup_per_mille = world_maybe(world, 350) ? (uint32_t)world_draw(world, 1, 1000) : 0;
    swarm.script_killed = sometimes(world, 5, 50);
    return swarm;
}

void swarm_heal(struct swarm *swarm) {
    swarm->stop_per_second = 0;
    swarm->crash_per_second = 0;
    swarm->crash_after_reply = 0;
    swarm->crash_in_write = 0;
    swarm->crash_in_checkpoint = 0;
    swarm->stall_per_batch = 0;
    swarm->sync_error_per_batch = 0;
    swarm->full_per_batch = 0;
    swarm->fill_per_second = 0;
    swarm->rot_per_crash = 0;
    swarm->wall_step_per_second = 0;
    swarm->old_release_per_mille = 0;
    swarm->sleep_per_second = 0;
    swarm->freeze_per_second = 0;
    swarm->partition_per_second = 0;
    swarm->clog_per_second = 0;
    swarm->cut_per_second = 0;
    swarm->late_commit = 0;
    swarm->hand_out_breaks = 0;
    swarm->late_tick = 0;
    swarm->down_ms_max = 10;
    swarm->sync_us_max = 1000;
    swarm->checkpoint_us_max = 5000;
    swarm->control_per_mille = 0;
    swarm->lifecycle_per_mille = 0;
    swarm->script_slow = 0;
    swarm->script_late = 0;
    swarm->script_unavailable = 0;
    swarm->script_killed = 0;
    swarm->worker_slow = 0;
    swarm->worker_dies = 0;
    swarm->worker_repeats = 0;
    swarm->worker_fails = 0;
    swarm->worker_in_progress = 0;
    swarm->worker_extends = 0;
    swarm->poll_leaves = 0;
    swarm->stranger = 0;
}

void swarm_trace(const struct swarm *swarm, struct world *world) {
    world_trace(world, "swarm backup=%u", swarm->backup_per_mille);
    world_trace(
        world,
        "swarm nodes=%u churn=%d dead=%lldms zones=%u weight=%lld old=%u copies=%u delay=%lldus "
        "rate=%lldppm groups=%u "
        "segment=%zu overlay=%zu "
        "checkpoint=%zu/%lldms sync=%lldus "
        "checkpoint=%lldus types=%u flows=%u clients=%u workers=%u domains=%u starts=%u "
        "safety=%lldms",
        swarm->node_count,
        swarm->churn,
        (long long)swarm->dead_after_ms,
        swarm->zone_count,
        (long long)swarm->weight_max,
        swarm->old_release_per_mille,
        swarm->replicas,
        (long long)swarm->delay_us_max,
        (long long)swarm->rate_ppm_max,
        swarm->group_count,
        swarm->segment_bytes,
        swarm->overlay_bytes_max,
        swarm->checkpoint_bytes,
        (long long)swarm->checkpoint_ms,
        (long long)swarm->sync_us_max,
        (long long)swarm->checkpoint_us_max,
        swarm->task_type_count,
        swarm->flow_count,
        swarm->client_count,
        swarm->worker_count,
        swarm->domain_count,
        swarm->starts_max,
        (long long)swarm->safety_ms
    );
    world_trace(
        world,
        "swarm kinds=%x merge=%u nested=%u keep=%u typed=%u permissive=%u failure=%u limits=%d "
        "lifecycle=%u scripts=%u/%u/%u/%u cut=%u told=%u stages=%u/%u/%u/%lld",
        swarm->kinds,
        swarm->merge_per_mille,
        swarm->nested_per_mille,
        swarm->keep_per_mille,
        swarm->typed_per_mille,
        swarm->permissive_per_mille,
        swarm->failure_per_mille,
        swarm->limits,
        swarm->lifecycle_per_mille,
        swarm->script_slow,
        swarm->script_late,
        swarm->script_unavailable,
        swarm->script_killed,
        swarm->decision_tasks,
        swarm->answer_tasks,
        swarm->staging.bytes,
        swarm->staging.entry_bytes,
        swarm->staging.chunk_bytes,
        (long long)swarm->staging.expiry_ms
    );
    world_trace(
        world,
        "swarm faults stop=%u/s crash=%u/s reply=%u write=%u checkpoint=%u stall=%u error=%u "
        "full=%u "
        "fill=%u/s wall=%u "
        "sleep=%u freeze=%u partition=%u clog=%u cut=%u "
        "late=%u slow=%u dies=%u repeats=%u fails=%u progress=%u extends=%u leaves=%u",
        swarm->stop_per_second,
        swarm->crash_per_second,
        swarm->crash_after_reply,
        swarm->crash_in_write,
        swarm->crash_in_checkpoint,
        swarm->stall_per_batch,
        swarm->sync_error_per_batch,
        swarm->full_per_batch,
        swarm->fill_per_second,
        swarm->wall_step_per_second,
        swarm->sleep_per_second,
        swarm->freeze_per_second,
        swarm->partition_per_second,
        swarm->clog_per_second,
        swarm->cut_per_second,
        swarm->late_tick,
        swarm->worker_slow,
        swarm->worker_dies,
        swarm->worker_repeats,
        swarm->worker_fails,
        swarm->worker_in_progress,
        swarm->worker_extends,
        swarm->poll_leaves
    );
}
