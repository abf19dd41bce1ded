// node/core: concurrency and rate limits of task definitions (engine.md §7.7).
#include "tests/unit/node_core/world.h"

#include <string.h>

#define POLL "/api/tasks/poll/batch/l?count=10&timeout=0"
#define POLL_LONG "/api/tasks/poll/batch/l?count=1&timeout=5000"

// Starts a workflow of one task `l`, so many times.
static void start(struct world *world, const char *limit, int count) {
    const char *task = arena_format(
        world->arena, "[{\"name\":\"l\",\"retryCount\":0,\"responseTimeoutSeconds\":5,%s}]", limit
    );
    const char *workflow =
        "{\"name\":\"v\",\"tasks\":[{\"name\":\"l\",\"taskReferenceName\":\"l\"}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/taskdefs", task), 200);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", workflow), 200);
    for (int i = 0; i < count; i++) {
        assert_int_equal(world_ask(world, "POST", "/api/workflow/v", "{}"), 200);
    }
}

static int tasks_of(const char *body) {
    int count = 0;
    for (const char *at = body; (at = strstr(at, "\"pollCount\":")) != NULL; at++) {
        count++;
    }
    return count;
}

static int poll(struct world *world) {
    assert_int_equal(world_ask(world, "GET", POLL, ""), 200);
    world_tell(world, NODE_DELIVERED, world->answered);
    return tasks_of(world->body);
}

static const char *complete_first(struct world *world) {
    const char *at = strstr(world->body, "\"workflowInstanceId\":\"");
    assert_non_null(at);
    return arena_format(
        world->arena, "/api/tasks/%.36s/l/COMPLETED", at + strlen("\"workflowInstanceId\":\"")
    );
}

static bool answered(struct world *world, uint64_t request) {
    for (int i = 0; i < 3; i++) {
        while (world_receive(world)) {
            if (world->answered == request) {
                return true;
            }
        }
        world_sync(world);
    }
    return false;
}

static void case_256_a_concurrency_limit_is_exact(void **state) {
    struct world *world = *state;
    start(world, "\"concurrentExecLimit\":2", 5);
    assert_int_equal(poll(world), 2);
    const char *complete = complete_first(world);
    assert_int_equal(poll(world), 0);
    uint64_t waiting = world_send(world, "GET", POLL_LONG, "");
    assert_false(answered(world, waiting));
    (void)world_send(world, "POST", complete, "{}");
    assert_true(answered(world, waiting));
    assert_int_equal(tasks_of(world->body), 1);
    assert_int_equal(poll(world), 0);
}

static void a_permit_comes_back_with_the_lease(void **state) {
    struct world *world = *state;
    start(world, "\"concurrentExecLimit\":1", 2);
    assert_int_equal(poll(world), 1);
    assert_int_equal(poll(world), 0);
    world_tick(world, 5000);
    assert_int_equal(poll(world), 1);
}

static void a_permit_survives_a_crash(void **state) {
    struct world *world = *state;
    start(world, "\"concurrentExecLimit\":1", 2);
    assert_int_equal(poll(world), 1);
    const char *complete = complete_first(world);
    world_crash(world);
    assert_int_equal(poll(world), 0);
    assert_int_equal(world_ask(world, "POST", complete, "{}"), 200);
    assert_int_equal(poll(world), 1);
}

static void case_257_a_rate_limit_is_exact(void **state) {
    struct world *world = *state;
    start(world, "\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":60", 3);
    assert_int_equal(poll(world), 1);
    assert_int_equal(poll(world), 0);
    world_tick(world, 57000);
    uint64_t waiting = world_send(world, "GET", POLL_LONG, "");
    world_tick(world, 2999);
    assert_false(answered(world, waiting));
    assert_true(node_next_wakeup(world->node).ns <= world->mono.ns + 1000000);
    world_tick(world, 1);
    assert_true(answered(world, waiting));
    assert_int_equal(tasks_of(world->body), 1);
    world_tell(world, NODE_DELIVERED, waiting);
    assert_int_equal(poll(world), 0);
}

static void a_window_slides(void **state) {
    struct world *world = *state;
    start(world, "\"rateLimitPerFrequency\":2,\"rateLimitFrequencyInSeconds\":10", 6);
    assert_int_equal(world_ask(world, "GET", POLL_LONG, ""), 200);
    world_tell(world, NODE_DELIVERED, world->answered);
    world_tick(world, 6000);
    assert_int_equal(poll(world), 1);
    assert_int_equal(poll(world), 0);
    world_tick(world, 4000);
    assert_int_equal(poll(world), 1);
    assert_int_equal(poll(world), 0);
    world_tick(world, 5999);
    assert_int_equal(poll(world), 0);
    world_tick(world, 1);
    assert_int_equal(poll(world), 1);
}

static void a_hand_out_that_nobody_got_counts_for_no_window(void **state) {
    struct world *world = *state;
    start(world, "\"rateLimitPerFrequency\":1,\"rateLimitFrequencyInSeconds\":60", 2);
    uint64_t gone = world_send(world, "GET", POLL, "");
    world_tell(world, NODE_GONE, gone);
    while (world_receive(world)) {
    }
    world_sync(world);
    while (world_receive(world)) {
    }
    assert_int_equal(poll(world), 1);
    assert_int_equal(poll(world), 0);
}

// Not the newest one for it: that stays in the window for longer.
static void its_own_hand_out_is_forgotten(void **state) {
    struct world *world = *state;
    start(world, "\"rateLimitPerFrequency\":3,\"rateLimitFrequencyInSeconds\":4", 12);
    uint64_t lost = world_send(world, "GET", "/api/tasks/poll/batch/l?count=2&timeout=0", "");
    assert_true(answered(world, lost));
    assert_int_equal(tasks_of(world->body), 2);
    world_tick(world, 3000);
    assert_int_equal(poll(world), 1);
    world_tick(world, 500);
    world_tell(world, NODE_GONE, lost);
    while (world_receive(world)) {
    }
    assert_int_equal(poll(world), 2);
    world_tick(world, 600);
    assert_int_equal(poll(world), 0); // the three of the last second and a half
}

#define node_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        node_test(case_256_a_concurrency_limit_is_exact),
        node_test(a_permit_comes_back_with_the_lease),
        node_test(a_permit_survives_a_crash),
        node_test(case_257_a_rate_limit_is_exact),
        node_test(a_window_slides),
        node_test(a_hand_out_that_nobody_got_counts_for_no_window),
        node_test(its_own_hand_out_is_forgotten),
    };
    return cmocka_run_group_tests_name("node/core limits", tests, NULL, NULL);
}
