// node/core: synchronous starts and signals (rest-api.md §4).
#include "tests/unit/node_core/world.h"

#include <string.h>

#define WAIT_TASK(name) \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"WAIT\"}"
#define EXECUTE "/api/workflow/execute/x/1?requestId=r"

static void define(struct world *world, const char *tasks) {
    world_define(world);
    const char *workflow = arena_format(world->arena, "{\"name\":\"x\",\"tasks\":[%s]}", tasks);
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", workflow), 200);
}

// Syncs and lets time pass until the answer to the request left. False: it does not.
static bool answered(struct world *world, uint64_t request, int64_t ms) {
    for (int64_t i = 0; i <= ms; i++) {
        while (world_receive(world)) {
            if (world->answered == request) {
                return true;
            }
        }
        world_sync(world);
        while (world_receive(world)) {
            if (world->answered == request) {
                return true;
            }
        }
        if (i < ms) {
            world_tick(world, 1);
        }
    }
    return false;
}

static const char *field(struct world *world, const char *name) {
    const char *key = arena_format(world->arena, "\"%s\":\"", name);
    const char *at = strstr(world->body, key);
    assert_non_null(at);
    at += strlen(key);
    return arena_format(world->arena, "%.*s", (int)strcspn(at, "\""), at);
}

static void an_execution_that_ends_at_once_is_answered_at_once(void **state) {
    struct world *world = *state;
    define(world, "{\"name\":\"n\",\"taskReferenceName\":\"n\",\"type\":\"NOOP\"}");
    uint64_t request = world_send(world, "POST", EXECUTE, "{\"input\":{\"i\":1}}");
    assert_true(answered(world, request, 0));
    assert_int_equal(world->status, 200);
    assert_string_equal(field(world, "responseType"), "TARGET_WORKFLOW");
    assert_string_equal(field(world, "targetWorkflowStatus"), "COMPLETED");
    assert_string_equal(field(world, "requestId"), "r");
    assert_non_null(strstr(world->body, "\"input\":{\"i\":1}"));
    assert_non_null(strstr(world->body, "\"signalTimeout\":false"));
}

static void an_open_wait_blocks(void **state) {
    struct world *world = *state;
    define(world, "{\"name\":\"a\",\"taskReferenceName\":\"a\"}," WAIT_TASK("t"));
    uint64_t request = world_send(world, "POST", EXECUTE "&returnStrategy=BLOCKING_TASK", "{}");
    assert_false(answered(world, request, 50));
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a", ""), 200);
    const char *id = field(world, "workflowInstanceId");
    const char *complete = arena_format(world->arena, "/api/tasks/%s/a/COMPLETED", id);
    (void)world_send(world, "POST", complete, "{}");
    assert_true(answered(world, request, 0));
    assert_string_equal(field(world, "responseType"), "BLOCKING_TASK");
    assert_string_equal(field(world, "referenceTaskName"), "t");
    assert_string_equal(field(world, "targetWorkflowId"), id);
}

static void an_ended_task_that_was_named_blocks(void **state) {
    struct world *world = *state;
    define(
        world,
        "{\"name\":\"a\",\"taskReferenceName\":\"a\"},{\"name\":\"a\",\"taskReferenceName\":\"b\"}"
    );
    uint64_t request = world_send(world, "POST", EXECUTE "&waitUntilTaskRef=q,%20a", "{}");
    assert_false(answered(world, request, 5));
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a", ""), 200);
    const char *complete =
        arena_format(world->arena, "/api/tasks/%s/a/COMPLETED", field(world, "workflowInstanceId"));
    (void)world_send(world, "POST", complete, "{}");
    assert_true(answered(world, request, 0));
    assert_string_equal(field(world, "targetWorkflowStatus"), "RUNNING");
}

static void its_time_is_over_at_its_deadline(void **state) {
    struct world *world = *state;
    define(world, "{\"name\":\"a\",\"taskReferenceName\":\"a\"}");
    uint64_t request = world_send(world, "POST", EXECUTE "&waitForSeconds=2", "{}");
    world_sync(world);
    world_tick(world, 1999);
    assert_false(answered(world, request, 0));
    assert_true(node_next_wakeup(world->node).ns <= world->mono.ns + 1000000);
    world_tick(world, 1);
    assert_true(answered(world, request, 0));
    assert_int_equal(world->status, 200);
    assert_non_null(strstr(world->body, "\"signalTimeout\":true"));
}

static void a_client_that_left_is_forgotten(void **state) {
    struct world *world = *state;
    define(world, "{\"name\":\"a\",\"taskReferenceName\":\"a\"}");
    uint64_t request = world_send(world, "POST", EXECUTE "&waitForSeconds=2", "{}");
    world_sync(world);
    world_tell(world, NODE_GONE, request);
    assert_false(answered(world, request, 2100));
}

static void an_unknown_strategy_is_refused(void **state) {
    struct world *world = *state;
    define(world, WAIT_TASK("t"));
    assert_int_equal(world_ask(world, "POST", EXECUTE "&returnStrategy=ALL", "{}"), 500);
}

// engine-cases.md 245.
static void case_245_signals_reach_a_wait_in_a_child(void **state) {
    struct world *world = *state;
    define(world, WAIT_TASK("t") "," WAIT_TASK("u"));
    const char *parent =
        "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
        "\"SUB_WORKFLOW\",\"subWorkflowParam\":{\"name\":\"x\"}}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", parent), 200);
    uint64_t request = world_send(
        world, "POST", "/api/workflow/execute/p/0?returnStrategy=BLOCKING_WORKFLOW", "{}"
    );
    assert_true(answered(world, request, 20));
    const char *id = field(world, "targetWorkflowId");
    assert_true(strcmp(field(world, "workflowId"), id) != 0);
    const char *signal = arena_format(world->arena, "/api/tasks/%s/COMPLETED/signal", id);
    const char *sync = arena_format(world->arena, "%s/sync?returnStrategy=BLOCKING_TASK", signal);
    assert_int_equal(world_ask(world, "POST", sync, "{\"by\":1}"), 200);
    assert_string_equal(field(world, "referenceTaskName"), "u");
    assert_int_equal(world_ask(world, "POST", signal, "{}"), 200);
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    const char *status = arena_format(world->arena, "/api/workflow/%s/status", id);
    assert_int_equal(world_ask(world, "GET", status, ""), 200);
    assert_non_null(strstr(world->body, "COMPLETED"));
    assert_int_equal(world_ask(world, "POST", signal, "{}"), 200);
    assert_int_equal(world_ask(world, "POST", sync, "{}"), 404);
    assert_non_null(strstr(world->body, "Found no blocked task in workflow"));
    assert_int_equal(world_ask(world, "POST", "/api/tasks/zz/COMPLETED/signal", "{}"), 404);
}

#define node_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        node_test(an_execution_that_ends_at_once_is_answered_at_once),
        node_test(an_open_wait_blocks),
        node_test(an_ended_task_that_was_named_blocks),
        node_test(its_time_is_over_at_its_deadline),
        node_test(a_client_that_left_is_forgotten),
        node_test(an_unknown_strategy_is_refused),
        node_test(case_245_signals_reach_a_wait_in_a_child),
    };
    return cmocka_run_group_tests_name("node/core waits", tests, NULL, NULL);
}
