// engine-cases.md M: domains and queues.
#include "tests/unit/scheduler/world.h"

static bytes start_with(struct world *world, const char *domains) {
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    bytes id = world_start_request(
        world, arena_format(world->arena, "{\"name\":\"w\",\"taskToDomain\":%s}", domains)
    );
    assert_ok(world->last);
    return id;
}

static void case_250_a_task_goes_to_its_domain(void **state) {
    struct world *world = *state;
    start_with(world, "{\"a\":\"d1\"}");
    assert_int_equal(world_poll(world, "a").size, 0);
    bytes task = world_poll_domain(world, "a", "d1");
    assert_at(world, task, "domain", "d1");
}

static void case_251_all_tasks_but_one(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "{\"*\":\"d1\",\"b\":\"NO_DOMAIN\"}");
    assert_non_null(world_poll_domain(world, "a", "d1").data);
    world_complete(world, id, "a", "{}");
    assert_non_null(world_poll(world, "b").data);
}

static void case_252_and_253_the_first_active_domain_or_the_last(void **state) {
    struct world *world = *state;
    world_record_poll(world, "a", "d1");
    world_advance(world, 5000);
    bytes id = start_with(world, "{\"a\":\"d1, d2\"}");
    assert_at(world, world_task(world, id, "a"), "domain", "d1");
    world_advance(world, 6000); // eleven seconds ago is not active
    id = start_with(world, "{\"a\":\"d1,d2\"}");
    assert_at(world, world_task(world, id, "a"), "domain", "d2");
    id = start_with(world, "{\"a\":\"d1,no_domain\"}");
    assert_at(world, world_task(world, id, "a"), "domain", "null");
}

static void case_254_a_retry_chooses_anew(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"c\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S("c")));
    world_record_poll(world, "c", "d1");
    bytes id = world_start_request(world, "{\"name\":\"w\",\"taskToDomain\":{\"c\":\"d1,d2\"}}");
    assert_at(world, world_task(world, id, "c"), "domain", "d1");
    world_advance(world, 11000);
    world_fail(world, id, "c", "x");
    assert_at(world, world_task(world, id, "c"), "domain", "d2");
    assert_at(world, world_attempt(world, id, "c", 0), "domain", "d1");
}

// The reference's queue may hand it out again; completing once is enough for both.
static void case_260_a_task_is_handed_out_once(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "{}");
    bytes task = world_text(world, world_poll(world, "a"), "taskId");
    assert_int_equal(world_poll(world, "a").size, 0);
    world_result_of(world, id, task, "COMPLETED", NULL);
    world_result_of(world, id, task, "COMPLETED", NULL);
    assert_ok(world->last);
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
}

static void queues_are_first_in_first_out(void **state) {
    struct world *world = *state;
    world->slot = 5; // order holds within a partition
    bytes first = start_with(world, "{}");
    bytes second = start_with(world, "{}");
    assert_true(bytes_equal(world_text(world, world_poll(world, "a"), "workflowInstanceId"), first)
    );
    assert_true(bytes_equal(world_text(world, world_poll(world, "a"), "workflowInstanceId"), second)
    );
    assert_int_equal(world_poll(world, "a").size, 0);
}

static void a_hand_out_nobody_got_goes_back_to_its_place(void **state) {
    struct world *world = *state;
    world->slot = 5;
    bytes first = start_with(world, "{}");
    world_advance(world, 10);
    (void)start_with(world, "{}");
    (void)world_poll(world, "a");
    struct task_claim lost = world->claim;
    world_return(world, &lost);
    bytes task = world_task(world, first, "a");
    assert_at(world, task, "status", "SCHEDULED");
    assert_at(world, task, "pollCount", "0");
    assert_at(world, task, "workerId", "null");
    task = world_poll(world, "a");
    assert_true(bytes_equal(world_text(world, task, "workflowInstanceId"), first));
    world_advance(world, 10);
    world_extend_lease(world, first, "a"); // its worker has it
    world_return(world, &world->claim);
    assert_at(world, world_task(world, first, "a"), "status", "IN_PROGRESS");
    world_return(world, &lost); // an older hand-out
    assert_at(world, world_task(world, first, "a"), "status", "IN_PROGRESS");
}

static void requeue_counts_what_waits(void **state) {
    struct world *world = *state;
    world->slot = 5;
    start_with(world, "{}");
    start_with(world, "{\"a\":\"d1\"}");
    start_with(world, "{}");
    world_poll(world, "a");
    bytes text = world_requeue(world, "a");
    assert_bytes_text(text, "2");
    bytes none = world_requeue(world, "zz");
    assert_bytes_text(none, "0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_250_a_task_goes_to_its_domain),
        world_test(case_251_all_tasks_but_one),
        world_test(case_252_and_253_the_first_active_domain_or_the_last),
        world_test(case_254_a_retry_chooses_anew),
        world_test(case_260_a_task_is_handed_out_once),
        world_test(queues_are_first_in_first_out),
        world_test(a_hand_out_nobody_got_goes_back_to_its_place),
        world_test(requeue_counts_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
