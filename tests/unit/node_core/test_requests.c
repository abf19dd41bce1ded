// node/core: the transport rules of rest-api.md §1 and §2 that are about routes and bodies.
#include "tests/unit/node_core/world.h"

#include <string.h>

static void unknown_paths_are_404_for_every_method(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/token", "{}"), 404);
    assert_int_equal(world_ask(world, "GET", "/api/workflow/", ""), 404);
    assert_int_equal(world_ask(world, "DELETE", "/api/nothing/here", ""), 404);
    assert_non_null(strstr(world->body, "\"retryable\":false"));
}

static void a_known_path_with_another_method_is_405(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "GET", "/api/tasks/update-v2/a/b", ""), 405);
    assert_non_null(strstr(world->body, "Request method 'GET' is not supported"));
    assert_int_equal(world_ask(world, "PUT", "/api/workflow", "{}"), 405);
}

static void options_tells_the_methods(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "OPTIONS", "/api/workflow", ""), 200);
    assert_true((world->allow & (1u << API_METHOD_POST)) != 0);
    assert_true((world->allow & (1u << API_METHOD_DELETE)) == 0);
}

static void a_row_that_is_not_built_says_so(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "GET", "/api/workflow/search", ""), 501);
}

static void bodies_must_be_json_where_json_is_wanted(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{\"name\":"), 400);
    assert_non_null(strstr(world->body, "malformed JSON at byte"));
    assert_int_equal(world_ask(world, "POST", "/api/workflow", ""), 400);
    assert_int_equal(world_ask(world, "POST", "/api/workflow", "{}"), 400);
    assert_non_null(strstr(world->body, "Workflow name cannot be null or empty"));
    assert_non_null(strstr(world->body, "startWorkflow.startWorkflowRequest.name"));
}

static void case_258_a_poll_may_not_wait_longer_than_five_seconds(void **state) {
    struct world *world = *state;
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/batch/a?timeout=6000", ""), 400);
    assert_non_null(strstr(world->body, "Long Poll Timeout value cannot be more than 5 seconds"));
}

static void queues_are_counted_over_all_partitions(void **state) {
    struct world *world = *state;
    world_define(world);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(world_ask(world, "POST", "/api/workflow/w", "{}"), 200);
    }
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/size?taskType=a", ""), 200);
    assert_string_equal(world->body, "10");
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/batch/a?count=4&timeout=0", ""), 200);
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/sizes?taskType=a,b", ""), 200);
    assert_string_equal(world->body, "{\"a\":6,\"b\":0}");
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/all/verbose", ""), 200);
    assert_string_equal(world->body, "{\"a\":{\"a\":{\"size\":6,\"uacked\":4}}}");
}

static void one_idempotency_key_means_one_execution(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *start = "{\"name\":\"w\",\"idempotencyKey\":\"k\",\"idempotencyStrategy\":"
                        "\"RETURN_EXISTING\"}";
    assert_int_equal(world_ask(world, "POST", "/api/workflow", start), 200);
    char first[64];
    (void)strncpy(first, world->body, sizeof(first) - 1);
    first[sizeof(first) - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        assert_int_equal(world_ask(world, "POST", "/api/workflow", start), 200);
        assert_string_equal(world->body, first);
    }
    assert_int_equal(
        world_ask(world, "POST", "/api/workflow", "{\"name\":\"w\",\"idempotencyKey\":\"k\"}"), 409
    );
}

static void who_polled_is_told(void **state) {
    struct world *world = *state;
    world_define(world);
    assert_int_equal(
        world_ask(world, "GET", "/api/tasks/poll/batch/a?timeout=0&workerid=me&domain=d", ""), 200
    );
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/polldata?taskType=a", ""), 200);
    assert_string_equal(
        world->body,
        "[{\"queueName\":\"a\",\"domain\":\"d\",\"workerId\":\"me\",\"lastPollTime\":1700000000000}"
        "]"
    );
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/polldata/all", ""), 200);
    assert_non_null(strstr(world->body, "\"workerId\":\"me\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            unknown_paths_are_404_for_every_method, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_known_path_with_another_method_is_405, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(options_tells_the_methods, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(
            a_row_that_is_not_built_says_so, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            bodies_must_be_json_where_json_is_wanted, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            case_258_a_poll_may_not_wait_longer_than_five_seconds, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            queues_are_counted_over_all_partitions, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            one_idempotency_key_means_one_execution, world_setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(who_polled_is_told, world_setup, world_teardown),
    };
    return cmocka_run_group_tests_name("node/core requests", tests, NULL, NULL);
}
