// node/core: polls wait, are woken by the entry that makes work for them, and give back what nobody
// got.
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

static const char POLL[] = "/api/tasks/poll/batch/a?count=2&timeout=1000&workerid=me";
static const char POLL_NOW[] = "/api/tasks/poll/batch/a?count=9&timeout=0";

static void a_waiting_poll_gets_the_task_of_a_start_in_the_same_sync(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t poll = world_send(world, "GET", POLL, "");
    world_sync(world);
    assert_false(world_receive(world));
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}");
    world_sync(world);
    bool polled = false;
    while (world_receive(world)) {
        polled = polled || world->answered == poll;
    }
    assert_true(polled);
    assert_non_null(strstr(world->body, "\"status\":\"IN_PROGRESS\""));
    assert_non_null(strstr(world->body, "\"workerId\":\"me\""));
    assert_int_equal(node_stats(world->node).polls_parked, 0);
}

static void a_poll_without_work_ends_empty_at_its_deadline(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t batch = world_send(world, "GET", POLL, "");
    uint64_t single = world_send(world, "GET", "/api/tasks/poll/a", "");
    world_sync(world);
    world_tick(world, 99);
    assert_false(world_receive(world));
    world_tick(world, 1);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, single);
    assert_int_equal(world->status, 204);
    world_tick(world, 899);
    assert_false(world_receive(world));
    world_tick(world, 1);
    assert_true(world_receive(world));
    assert_int_equal(world->answered, batch);
    assert_int_equal(world->status, 200);
    assert_string_equal(world->body, "[]");
}

static void a_client_that_leaves_frees_its_poll(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t poll = world_send(world, "GET", POLL, "");
    assert_int_equal(node_stats(world->node).polls_parked, 1);
    world_tell(world, NODE_GONE, poll);
    assert_int_equal(node_stats(world->node).polls_parked, 0);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/all", ""), 200);
    assert_string_equal(world->body, "{\"a\":1}");
}

static void a_task_whose_answer_nobody_got_goes_back_at_once(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t poll = world_send(world, "GET", POLL, "");
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}");
    world_tell(world, NODE_GONE, poll); // between the claim and its sync
    assert_int_equal(node_stats(world->node).tasks_returned, 1);
    world_sync(world);
    while (world_receive(world)) {
    }
    assert_int_equal(world_ask(world, "GET", POLL_NOW, ""), 200);
    assert_non_null(strstr(world->body, "\"pollCount\":1,"));
    assert_non_null(strstr(world->body, "\"referenceTaskName\":\"a\""));
}

static void a_delivered_task_stays_with_its_worker(void **state) {
    struct world *world = *state;
    world_define(world);
    uint64_t poll = world_send(world, "GET", POLL, "");
    (void)world_send(world, "POST", "/api/workflow", "{\"name\":\"w\"}");
    world_sync(world);
    bool told = false;
    while (world_receive(world)) {
        told = told || (world->answered == poll && world->with_tasks);
    }
    assert_true(told);
    world_tell(world, NODE_DELIVERED, poll);
    world_tell(world, NODE_GONE, poll);
    assert_int_equal(node_stats(world->node).tasks_returned, 0);
    assert_int_equal(world_ask(world, "GET", POLL_NOW, ""), 200);
    assert_string_equal(world->body, "[]");
}

static void a_lease_that_ran_out_ends_the_task_by_a_timer(void **state) {
    struct world *world = *state;
    world_define(world);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    char target[128];
    (void)snprintf(target, sizeof(target), "/api/workflow/%.36s", world->body);
    assert_int_equal(world_ask(world, "GET", POLL_NOW, ""), 200);
    world_tick(world, 4999);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"RUNNING\""));
    world_tick(world, 1);
    assert_int_equal(world_ask(world, "GET", target, ""), 200);
    assert_non_null(strstr(world->body, "\"status\":\"TIMED_OUT\""));
}

static void update_and_poll_hands_out_the_next_task(void **state) {
    struct world *world = *state;
    world_define(world);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a", ""), 200);
    char workflow[64];
    char task[64];
    const char *at = strstr(world->body, "\"workflowInstanceId\":\"");
    assert_non_null(at);
    (void)snprintf(workflow, sizeof(workflow), "%.36s", at + 22);
    at = strstr(world->body, "\"taskId\":\"");
    assert_non_null(at);
    (void)snprintf(task, sizeof(task), "%.36s", at + 10);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\"}"), 200);
    char body[256];
    (void)snprintf(
        body,
        sizeof(body),
        "{\"workflowInstanceId\":\"%s\",\"taskId\":\"%s\",\"status\":\"COMPLETED\"}",
        workflow,
        task
    );
    assert_int_equal(world_ask(world, "POST", "/api/tasks/update-v2", body), 200);
    assert_null(strstr(world->body, task));
    assert_non_null(strstr(world->body, "\"referenceTaskName\":\"a\""));
}

static void a_decision_that_goes_on_lets_others_in_between(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *wide = "{\"name\":\"wide\",\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":\"f\","
                       "\"type\":\"FORK_JOIN_DYNAMIC\",\"inputParameters\":{\"forkTaskName\":\"a\","
                       "\"forkTaskInputs\":\"${workflow.input.list}\"}},"
                       "{\"name\":\"j\",\"taskReferenceName\":\"j\",\"type\":\"JOIN\"}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", wide), 200);
    char input[8192] = "{\"list\":[0";
    for (int i = 1; i < 2000; i++) {
        (void)strncat(input, ",0", sizeof(input) - strlen(input) - 1);
    }
    (void)strncat(input, "]}", sizeof(input) - strlen(input) - 1);
    uint64_t entries = node_stats(world->node).entries;
    (void)world_send(world, "POST", "/api/workflow/wide", input);
    // The start and at most one going on of it; the rest of the slices is for turns of their own.
    assert_true(node_stats(world->node).entries <= entries + 2);
    for (int turn = 0; turn < 20; turn++) {
        world_tick(world, 0);
    }
    assert_true(node_stats(world->node).entries > entries + 2);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/size?taskType=a", ""), 200);
    assert_string_equal(world->body, "2000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_waiting_poll_gets_the_task_of_a_start_in_the_same_sync, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_poll_without_work_ends_empty_at_its_deadline, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_client_that_leaves_frees_its_poll, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_task_whose_answer_nobody_got_goes_back_at_once, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_delivered_task_stays_with_its_worker, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_lease_that_ran_out_ends_the_task_by_a_timer, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            update_and_poll_hands_out_the_next_task, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_decision_that_goes_on_lets_others_in_between, world_setup, world_teardown
        ),
    };
    return cmocka_run_group_tests_name("node/core polls", tests, NULL, NULL);
}
