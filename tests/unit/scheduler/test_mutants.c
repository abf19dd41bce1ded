// The planted bugs of the scheduler, each seen by the audit or by what a client sees
// (distributed.md §15.3). Without -DMUTANTS=ON the same scenarios must be clean.
#include "proto/base/mutant.h"
#include "scheduler/permit.h"
#include "storage/keys.h"
#include "tests/unit/scheduler/world.h"

// Whether the scenario shows a fault with the mutant chosen; in an ordinary build none is.
#ifdef ORPHEUS_MUTANTS
#define assert_seen(condition) assert_true(condition)
#else
#define mutant_choose(name) (void)(name)
#define assert_seen(condition) assert_false(condition)
#endif

static void begin(struct world *world, const char *mutant) {
    world->count_faults = true;
    mutant_choose(mutant);
}

static void a_claim_that_leaves_its_row_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "double_claim");
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    (void)world_start(world, "w", "{}");
    (void)world_poll(world, "a");
    mutant_choose(NULL);
    assert_seen(world->faults_seen > 0);
}

static void a_lease_without_a_timer_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "lease_timer_not_rearmed");
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":2}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    (void)world_poll(world, "a");
    world_advance(world, 1000);
    world_extend_lease(world, id, "a");
    world_advance(world, 1000);
    mutant_choose(NULL);
    assert_seen(world->faults_seen > 0);
}

static void a_stale_timer_that_acts_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "timer_generation_ignored");
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    (void)world_poll(world, "a");
    id128 workflow;
    assert_true(id_parse(id, &workflow));
    struct key stale = key_timer(world->now.ms, 1, workflow, 1, 77);
    world_fire(world, id, key_bytes(&stale));
    mutant_choose(NULL);
    assert_seen(world->faults_seen > 0);
}

static void a_message_without_its_watermark_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "watermark_elsewhere");
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world, WORKFLOW(TYPED("SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"child\"}"))
    );
    (void)world_start(world, "w", "{}");
    world_settle(world);
    mutant_choose(NULL);
    assert_seen(world->faults_seen > 0);
}

static void a_join_that_does_not_wait_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "join_counts_running");
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW(TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "],[" S("b") "]]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]"
        ))
    );
    bytes id = world_start(world, "w", "{}");
    mutant_choose(NULL);
    assert_seen(
        bytes_equal_text(world_text(world, world_task(world, id, "j"), "status"), "COMPLETED")
    );
}

static void a_retry_without_end_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "retry_forgets_attempt");
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    world_fail(world, id, "a", "x");
    mutant_choose(NULL);
    assert_seen(bytes_equal_text(world_status(world, id), "RUNNING"));
}

static void a_late_answer_that_is_taken_is_seen(void **state) {
    struct world *world = *state;
    begin(world, "late_call_accepted");
    world_workflow(
        world,
        WORKFLOW(
            TYPED("HTTP", "h", ",\"inputParameters\":{\"uri\":\"http://p\",\"method\":\"GET\"}")
        )
    );
    bytes id = world_start(world, "w", "{}");
    assert_true(world_call(world));
    struct call_claim lost = world->call_claim;
    world_advance(world, 60 * 1000);
    assert_true(world_call(world));
    struct call_result late = {.outcome = CALL_ANSWERED, .status = 200};
    world_called_with(world, &lost, &late);
    mutant_choose(NULL);
    assert_seen(bytes_equal_text(world_status(world, id), "COMPLETED"));
}

// Two tasks are out under a limit of one.
static void a_permit_that_arrives_twice_is_seen(void **state) {
    struct world *world = *state;
    world->settings.permits_travel = true;
    begin(world, "permit_granted_twice");
    world_tasks(
        world, "[{\"name\":\"a\",\"responseTimeoutSeconds\":60,\"concurrentExecLimit\":1}]"
    );
    world_workflow(world, WORKFLOW(S("a")));
    group_id home = permit_home_group(&world->settings, BYTES_LITERAL("a"));
    uint32_t partitions = world->settings.group_count - 1;
    world->slot = (uint16_t)(partitions + home % partitions);
    (void)world_start(world, "w", "{}");
    (void)world_start(world, "w", "{}");
    assert_null(world_poll(world, "a").data);
    world_settle(world);
    assert_non_null(world_poll(world, "a").data);
    bytes second = world_poll(world, "a");
    mutant_choose(NULL);
    assert_seen(second.data != NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_claim_that_leaves_its_row_is_seen),
        world_test(a_lease_without_a_timer_is_seen),
        world_test(a_stale_timer_that_acts_is_seen),
        world_test(a_message_without_its_watermark_is_seen),
        world_test(a_join_that_does_not_wait_is_seen),
        world_test(a_retry_without_end_is_seen),
        world_test(a_late_answer_that_is_taken_is_seen),
        world_test(a_permit_that_arrives_twice_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
