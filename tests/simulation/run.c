// First harm, then heal (distributed.md §15.1): definitions are registered, clients and workers act
// while faults strike; then, without faults and with honest workers, some more work, in time; then
// no new work, and everything that was begun must come to its end within the longest time its
// definition can take and a minute.

#include "tests/simulation/run.h"

#include "proto/base/check.h"
#include "tests/simulation/aftermath.h"
#include "tests/simulation/archive.h"
#include "tests/simulation/check_raft.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/client.h"
#include "tests/simulation/harm.h"
#include "tests/simulation/model.h"
#include "tests/simulation/operator.h"
#include "tests/simulation/scene.h"
#include "tests/simulation/steward.h"
#include "tests/simulation/worker.h"

#include <stdio.h>

enum {
    SCRATCH_BYTES = 256 * 1024,
    BODY_BYTES_MAX = 1024 * 1024,
    WORKERS_MAX = 32,
    AFTERMATH_EVERY = 2, // seeds that look what would be after the loss of most disks
    DEFINITIONS_MAX = 64,
    REGISTER_SECONDS_MAX = 300,
    SETTLE_SECONDS = 60,   // invariant 36
    READ_SECONDS = 2,      // of an execution
    LIMITED_SECONDS = 600, // a hundred tasks of a type that may be handed out every third second
    POLL_CHECK_MS = 200,
    SKEW_SECONDS_MAX = 25,   // of partition times, when a clock was set
    LEVEL_SECONDS_MAX = 30,  // until all copies are equal
    STALL_SECONDS_MAX = 14,  // of a sync that began before harm ended
    SLEEP_SECONDS_MAX = 12,  // of a process, and of a poll that came to it meanwhile
    UNHEARD_SECONDS_MAX = 6, // until a node that left unheard is stopped
    CALM_SECONDS = 4,        // of work without harm
    CALM_STARTS = 6,
    BACKUP_SECONDS_MAX = 60 // without harm
};

struct run {
    struct scene scene;
    struct arena *lasting;
    struct operator* operator;
    struct worker *workers[WORKERS_MAX];
    uint32_t worker_count;
    uint64_t steps_to_audit;
    bool clocks_were_set;
    struct harm *harm;
    struct steward *steward;
    struct raft_watch *raft_watch;
    struct archive *archive; // NULL: no backup is taken
    char rest[200];
};

// --- checks that go along ------------------------------------------------------------------------

static void stepped(void *argument, uint16_t number, bool wrote) {
    struct run *run = argument;
    raft_watch_stepped(run->raft_watch, number);
    if (fleet_stepped(run->scene.fleet, number, wrote) || wrote) {
        check_permits(&run->scene);
    }
    check_time(&run->scene, number);
    if (--run->steps_to_audit > 0) {
        return;
    }
    // Most steps of a cluster are heartbeats and acknowledgements.
    uint64_t factor = fleet_is_alone(run->scene.fleet) ? 1 : 2U * fleet_size(run->scene.fleet);
    run->steps_to_audit = factor * (uint64_t)world_draw(run->scene.world, 50, 600);
    check_rows(&run->scene);
}

static void recovered(void *argument, uint16_t number) {
    struct run *run = argument;
    run->scene.clocks[number - 1].fired = 0;
    fleet_recovered(run->scene.fleet, number);
    (void)fleet_stepped(run->scene.fleet, number, true);
    raft_watch_stepped(run->raft_watch, number);
    check_rows(&run->scene);
}

static const struct machine *machine_at(void *argument, uint16_t number) {
    struct run *run = argument;
    return fleet_machine(run->scene.fleet, number);
}

static void died(void *argument, uint16_t number) {
    struct run *run = argument;
    fleet_died(run->scene.fleet, number);
}

static void check_polls(void *argument, uint64_t token) {
    (void)token;
    struct run *run = argument;
    arena_reset(run->scene.scratch);
    for (uint32_t i = 0; i < run->worker_count; i++) {
        worker_check_poll(run->workers[i]);
    }
    world_after(run->scene.world, POLL_CHECK_MS * WORLD_MS, check_polls, run, 0);
}

// --- the cast ------------------------------------------------------------------------------------

static void add_worker(struct run *run, uint32_t type, const char *domain) {
    check(run->worker_count < WORKERS_MAX);
    struct scene *scene = &run->scene;
    struct worker *worker =
        worker_create(scene, run->lasting, run->worker_count, &scene->flows.types[type], domain);
    run->workers[run->worker_count++] = worker;
    worker_begin(worker);
}

static void begin_actors(struct run *run) {
    struct scene *scene = &run->scene;
    uint32_t count = scene->swarm.worker_count;
    count = count < scene->flows.type_count ? scene->flows.type_count : count;
    for (uint32_t i = 0; i < count; i++) {
        add_worker(run, i % scene->flows.type_count, "");
    }
    for (uint32_t i = 0; i < scene->swarm.domain_count; i++) {
        char domain[16];
        int size = snprintf(domain, sizeof(domain), "domain_%u", i);
        check(size > 0);
        bytes kept = bytes_of(domain, (size_t)size);
        add_worker(run, 0, arena_text(run->lasting, kept));
    }
    for (uint32_t i = 0; i < scene->swarm.client_count; i++) {
        client_begin(client_create(scene, run->lasting));
    }
}

// --- phases --------------------------------------------------------------------------------------

static void turn_until_done(struct run *run, int64_t ns_max, const char *what) {
    struct world *world = run->scene.world;
    int64_t end_ns = world_mono(world).ns + ns_max;
    while (!operator_is_done(run->operator) && world_mono(world).ns < end_ns) {
        if (!world_turn(world)) {
            break;
        }
    }
    if (!world_failed(world) && !operator_is_done(run->operator)) {
        world_fail(
            world,
            "liveness",
            "%s is not done after %lld s: %s",
            what,
            (long long)(ns_max / WORLD_SECOND),
            operator_state(run->operator)
        );
    }
}

static void turn_for(struct run *run, int64_t ns) {
    struct world *world = run->scene.world;
    int64_t end_ns = world_mono(world).ns + ns;
    while (world_mono(world).ns < end_ns && world_turn(world)) {
    }
}

static void safety(struct run *run) {
    struct world *world = run->scene.world;
    int64_t whole_ns = run->scene.swarm.safety_ms * WORLD_MS;
    int64_t end_ns = world_mono(world).ns + whole_ns;
    begin_actors(run);
    if (run->archive != NULL) {
        turn_for(run, whole_ns / 1000 * run->scene.swarm.backup_per_mille);
        (void)archive_take(run->archive, end_ns - world_mono(world).ns);
    }
    if (world_mono(world).ns < end_ns) {
        turn_for(run, end_ns - world_mono(world).ns);
    }
}

// A backup that harm kept from being whole goes on.
static void end_backup(struct run *run) {
    struct world *world = run->scene.world;
    if (run->archive == NULL || world_failed(world)) {
        return;
    }
    bool whole = archive_take(run->archive, BACKUP_SECONDS_MAX * WORLD_SECOND);
    if (!whole && !world_failed(world)) {
        world_fail(world, "liveness", "a backup is not whole after %d s", (int)BACKUP_SECONDS_MAX);
    }
}

// Harm ends; once what it left is over, polls must be answered in time.
static void calm(struct run *run) {
    struct scene *scene = &run->scene;
    world_trace(scene->world, "harm ends");
    harm_end(run->harm);
    steward_rest(run->steward);
    bool stalls = scene->swarm.stall_per_batch + scene->swarm.late_commit > 0;
    run->clocks_were_set = scene->swarm.wall_step_per_second + scene->swarm.rate_ppm_max > 0;
    bool sleeps = scene->swarm.sleep_per_second + scene->swarm.freeze_per_second > 0;
    swarm_heal(&scene->swarm);
    int64_t rest = scene->swarm.churn ? UNHEARD_SECONDS_MAX : 3;
    turn_for(run, (stalls ? STALL_SECONDS_MAX : sleeps ? SLEEP_SECONDS_MAX : rest) * WORLD_SECOND);
    scene->calm = true;
    outside_calm(fleet_outside(scene->fleet));
    scene->swarm.starts_max = scene->starts + scene->starts_unknown + CALM_STARTS;
    check_polls(run, 0);
    turn_for(run, CALM_SECONDS * WORLD_SECOND);
    end_backup(run);
}

static void liveness(struct run *run) {
    struct scene *scene = &run->scene;
    world_trace(scene->world, "work ends");
    scene->settling = true;
    operator_see_through(run->operator);
    int64_t ns_max = scene->flows.longest_ms * WORLD_MS + SETTLE_SECONDS * WORLD_SECOND;
    ns_max += run->clocks_were_set ? SKEW_SECONDS_MAX * WORLD_SECOND : 0;
    ns_max += scene->swarm.limits ? LIMITED_SECONDS * WORLD_SECOND : 0;
    // Each is read several times, and a large one is told in hundreds of pieces.
    ns_max += (int64_t)ledger_workflow_count(scene->ledger) * READ_SECONDS * WORLD_SECOND;
    turn_until_done(run, ns_max, "seeing executions through");
}

// What is not as it shall be in the end, for a person; NULL: nothing.
static const char *unsettled(struct run *run) {
    struct fleet *fleet = run->scene.fleet;
    const struct roster *roster = chronicle_roster(fleet_chronicle(fleet));
    if (!steward_is_done(run->steward)) {
        return "an order is not done";
    }
    if (run->scene.swarm.churn && !roster_is_settled(roster, run->rest, sizeof(run->rest))) {
        return run->rest;
    }
    return fleet_is_level(fleet) ? NULL : fleet_unlevel(fleet);
}

// All copies become equal, and are what was agreed on.
static void last_checks(struct run *run) {
    struct scene *scene = &run->scene;
    struct world *world = scene->world;
    world_trace(world, "all is done");
    int64_t end_ns = world_mono(world).ns + LEVEL_SECONDS_MAX * WORLD_SECOND;
    const char *rest = unsettled(run);
    while (rest != NULL && world_mono(world).ns < end_ns && world_turn(world)) {
        rest = unsettled(run);
    }
    if (!world_failed(world) && rest != NULL) {
        world_fail(world, "liveness", "after %d s: %s", LEVEL_SECONDS_MAX, rest);
    }
    if (!world_failed(world)) {
        check_rows(scene);
        fleet_settle(scene->fleet);
    }
    if (!world_failed(world) && run->archive != NULL) {
        archive_check(run->archive);
    }
}

// The model reads what the operator registers.
static struct model *teach_model(struct scene *scene) {
    struct model *model = model_create();
    buffer_clear(&scene->body);
    flows_write_types(&scene->flows, &scene->body);
    model_add_types(model, buffer_bytes(&scene->body));
    world_note(scene->world, buffer_bytes(&scene->body));
    for (uint32_t i = 0; i < scene->flows.count; i++) {
        buffer_clear(&scene->body);
        flow_write(&scene->flows, &scene->flows.flows[i], &scene->body);
        model_add_definition(model, buffer_bytes(&scene->body));
        world_note(scene->world, buffer_bytes(&scene->body));
    }
    return model;
}

static void fill_result(struct run *run, struct run_result *result) {
    struct scene *scene = &run->scene;
    struct machine_stats stats = fleet_stats(scene->fleet);
    result->failed = world_failed(scene->world);
    (void)snprintf(result->failure, sizeof(result->failure), "%s", world_failure(scene->world));
    result->trace_hash = world_trace_hash(scene->world);
    result->events = world_turns(scene->world);
    result->crashes = stats.crashes;
    result->answers = stats.answers;
    result->entries = stats.entries;
    result->rows_compared = stats.rows_compared;
    result->starts = scene->starts;
    result->executions = ledger_workflow_count(scene->ledger);
    result->updates = scene->updates;
    result->clusters = fleet_is_alone(scene->fleet) ? 0 : 1;
    result->elections = raft_watch_elections(run->raft_watch);
    result->messages = stats.messages;
    result->changes = steward_changes(run->steward);
    result->virtual_ns = world_mono(scene->world).ns;
}

void run_seed(
    uint64_t seed, uint16_t node_count, bool churn, bool trace, struct run_result *out_result
) {
    struct run run = {.steps_to_audit = 1};
    struct scene *scene = &run.scene;
    *out_result = (struct run_result){.seed = seed};
    run.lasting = arena_create(SCRATCH_BYTES);
    scene->world = world_create(seed, trace);
    scene->swarm = swarm_draw(scene->world, node_count, churn);
    scene->rate_ppm_max = scene->swarm.rate_ppm_max;
    swarm_trace(&scene->swarm, scene->world);
    scene->scratch = arena_create(SCRATCH_BYTES);
    buffer_init(&scene->body, BODY_BYTES_MAX);
    scene->definitions = definition_cache_create(DEFINITIONS_MAX);
    scene->flows = flows_draw(scene->world, &scene->swarm, run.lasting);
    scene->ledger = ledger_create(scene->world, scene->flows.some_forget);
    scene->model = teach_model(scene);
    const struct machine_watch watch = {&run, stepped, recovered, died, machine_at};
    scene->fleet = fleet_create(scene->world, &scene->swarm, &watch);
    run.raft_watch = raft_watch_create(scene->world, scene->fleet);
    run.operator= operator_create(scene, run.lasting);

    run.archive = scene->swarm.backup_per_mille > 0 ? archive_create(scene) : NULL;
    run.harm = harm_begin(scene->world, &scene->swarm, scene->fleet);
    run.steward = steward_begin(scene, run.harm, run.lasting);
    operator_register(run.operator);
    turn_until_done(&run, REGISTER_SECONDS_MAX * WORLD_SECOND, "registering");
    if (!world_failed(scene->world)) {
        safety(&run);
    }
    if (!world_failed(scene->world) && seed % AFTERMATH_EVERY == 0) {
        aftermath_check(scene, seed);
    }
    if (!world_failed(scene->world)) {
        calm(&run);
    }
    if (!world_failed(scene->world)) {
        liveness(&run);
    }
    if (!world_failed(scene->world)) {
        last_checks(&run);
    }
    fill_result(&run, out_result);

    steward_end(run.steward);
    archive_destroy(&run.archive);
    harm_destroy(&run.harm);
    raft_watch_destroy(&run.raft_watch);
    fleet_destroy(&scene->fleet);
    ledger_destroy(&scene->ledger);
    model_destroy(&scene->model);
    definition_cache_destroy(&scene->definitions);
    buffer_deinit(&scene->body);
    arena_destroy(&scene->scratch);
    arena_destroy(&run.lasting);
    world_destroy(&scene->world);
}
