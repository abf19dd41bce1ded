// node/core: the operations on executions that ended, bulk operations, lists (rest-api.md §3, §6).
#include "tests/unit/node_core/world.h"

#include <stdio.h>
#include <string.h>

#define textf(world, ...) arena_format((world)->arena, __VA_ARGS__)

static const char *keep(struct world *world) {
    return arena_format(world->arena, "%s", world->body);
}

static const char *start(struct world *world) {
    assert_int_equal(world_ask(world, "POST", "/api/workflow/w?correlationId=k", "{}"), 200);
    return keep(world);
}

static void fail_task(struct world *world, const char *id) {
    const char *target = textf(world, "/api/tasks/%s/a/%s", id, "FAILED");
    assert_int_equal(world_ask(world, "POST", target, "{}"), 200);
}

static void an_execution_is_retried_restarted_and_removed(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *id = start(world);
    const char *retry = textf(world, "/api/workflow/%s/%s", id, "retry");
    const char *restart = textf(world, "/api/workflow/%s/%s", id, "restart");
    const char *tasks = textf(world, "/api/workflow/%s/%s", id, "tasks");
    assert_int_equal(world_ask(world, "POST", retry, ""), 404);
    assert_non_null(strstr(world->body, "Workflow is still running.  status=RUNNING"));
    fail_task(world, id);
    assert_int_equal(world_ask(world, "POST", retry, ""), 204);
    assert_int_equal(world_ask(world, "GET", tasks, ""), 200);
    assert_non_null(strstr(world->body, "\"totalHits\":2"));
    assert_int_equal(
        world_ask(world, "GET", textf(world, "%s?status=scheduled%s", tasks, ""), ""), 200
    );
    assert_non_null(strstr(world->body, "\"totalHits\":1"));
    assert_int_equal(world_ask(world, "GET", textf(world, "%s?start=7%s", tasks, ""), ""), 200);
    assert_non_null(strstr(world->body, "\"results\":[]"));
    fail_task(world, id);
    assert_int_equal(world_ask(world, "POST", restart, ""), 204);
    assert_int_equal(world_ask(world, "GET", tasks, ""), 200);
    assert_non_null(strstr(world->body, "\"totalHits\":1"));
    const char *remove = textf(world, "/api/workflow/%s/%s", id, "remove");
    assert_int_equal(world_ask(world, "DELETE", remove, ""), 400);
    const char *end = textf(world, "/api/workflow/%s/%s", id, "terminate-remove");
    assert_int_equal(world_ask(world, "DELETE", end, ""), 200);
    assert_int_equal(world_ask(world, "GET", textf(world, "/api/workflow/%s%s", id, ""), ""), 200);
    assert_int_equal(
        world_ask(world, "DELETE", textf(world, "%s?archiveWorkflow=%s", remove, "false"), ""), 200
    );
    assert_int_equal(world_ask(world, "GET", textf(world, "/api/workflow/%s%s", id, ""), ""), 404);
}

static void a_restart_outlives_a_crash_in_the_middle_of_the_sweep(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *id = start(world);
    fail_task(world, id);
    assert_int_equal(
        world_ask(world, "POST", textf(world, "/api/workflow/%s/%s", id, "restart"), ""), 204
    );
    world_crash(world);
    world_tick(world, 1);
    assert_int_equal(
        world_ask(world, "GET", textf(world, "/api/workflow/%s/%s", id, "tasks"), ""), 200
    );
    assert_non_null(strstr(world->body, "\"totalHits\":1"));
    assert_int_equal(world_ask(world, "GET", "/api/tasks/queue/size?taskType=a", ""), 200);
    assert_string_equal(world->body, "1");
}

static void case_96_each_id_of_a_bulk_stands_for_itself(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *good = start(world);
    const char *running = start(world);
    fail_task(world, good);
    const char *body = textf(world, "[\"%s\",\"%s\",\"nobody\"]", good, running);
    assert_int_equal(world_ask(world, "POST", "/api/workflow/bulk/retry", body), 200);
    assert_string_equal(
        world->body,
        arena_format(
            world->arena,
            "{\"bulkErrorResults\":{\"%s\":\"Workflow is still running.  status=RUNNING\","
            "\"nobody\":\"No such workflow found by id: nobody\"},\"bulkSuccessfulResults\":"
            "[\"%s\"]}",
            running,
            good
        )
    );
    assert_int_equal(world_ask(world, "PUT", "/api/workflow/bulk/pause", "[]"), 400);
    assert_non_null(strstr(world->body, "WorkflowIds list cannot be null."));
    body = textf(world, "[\"%s\"%s]", good, "");
    assert_int_equal(world_ask(world, "DELETE", "/api/workflow/bulk/terminate-remove", body), 200);
    assert_string_equal(
        world->body,
        arena_format(
            world->arena,
            "{\"bulkErrorResults\":{},\"bulkSuccessfulResults\":[\"%s\",\"%s\"]}",
            good,
            good
        )
    );
}

static void executions_are_found_by_name_and_correlation(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *first = start(world);
    const char *second = start(world);
    assert_int_equal(world_ask(world, "GET", "/api/workflow/w/correlated/k", ""), 200);
    assert_non_null(strstr(world->body, first));
    assert_non_null(strstr(world->body, second));
    assert_int_equal(world_ask(world, "GET", "/api/workflow/running/w", ""), 200);
    assert_non_null(strstr(world->body, first));
    fail_task(world, first);
    assert_int_equal(world_ask(world, "GET", "/api/workflow/running/w", ""), 200);
    assert_string_equal(world->body, textf(world, "[\"%s\"%s]", second, ""));
    assert_int_equal(world_ask(world, "GET", "/api/workflow/running/w?version=2", ""), 200);
    assert_string_equal(world->body, "[]");
    assert_int_equal(
        world_ask(
            world,
            "GET",
            "/api/workflow/running/w?startTime=1699999999999&endTime=1700000000001",
            ""
        ),
        200
    );
    assert_non_null(strstr(world->body, first));
    assert_int_equal(world_ask(world, "POST", "/api/workflow/w/correlated", "[\"k\",\"z\"]"), 200);
    assert_null(strstr(world->body, first));
    assert_non_null(strstr(world->body, second));
    assert_non_null(strstr(world->body, "\"z\":[]"));
    assert_int_equal(
        world_ask(world, "GET", "/api/workflow/w/correlated/k?includeClosed=true", ""), 200
    );
    assert_non_null(strstr(world->body, first));
    assert_non_null(strstr(world->body, "\"tasks\":[]"));
}

static void a_skip_is_read_from_body_or_query(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *workflow =
        "{\"name\":\"two\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"},{\"name\":\"a\","
        "\"taskReferenceName\":\"b\"},{\"name\":\"a\",\"taskReferenceName\":\"c\"}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", workflow), 200);
    assert_int_equal(world_ask(world, "POST", "/api/workflow/two", "{}"), 200);
    const char *id = keep(world);
    const char *b = textf(world, "/api/workflow/%s/skiptask/b%s", id, "");
    const char *c = textf(world, "/api/workflow/%s/skiptask/c%s", id, "?taskOutput[q]=7");
    assert_int_equal(world_ask(world, "PUT", b, "{\"taskOutput\":{\"k\":1}}"), 200);
    assert_int_equal(world_ask(world, "PUT", c, ""), 200);
    assert_int_equal(world_ask(world, "PUT", c, ""), 500);
    assert_int_equal(
        world_ask(world, "GET", textf(world, "/api/workflow/%s/%s", id, "tasks"), ""), 200
    );
    assert_non_null(strstr(world->body, "\"outputData\":{\"k\":1}"));
    assert_non_null(strstr(world->body, "\"outputData\":{\"q\":\"7\"}"));
}

// engine-cases.md 88, 208: what lies in a child is found from its parent.
static void children_are_reached_from_their_parents(void **state) {
    struct world *world = *state;
    world_define(world);
    const char *parent =
        "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
        "\"SUB_WORKFLOW\",\"subWorkflowParam\":{\"name\":\"w\"}}]}";
    assert_int_equal(world_ask(world, "POST", "/api/metadata/workflow", parent), 200);
    assert_int_equal(world_ask(world, "POST", "/api/workflow/p", "{}"), 200);
    const char *id = keep(world);
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    assert_int_equal(world_ask(world, "GET", "/api/tasks/poll/a", ""), 200);
    const char *at = strstr(world->body, "\"taskId\":\"");
    assert_non_null(at);
    const char *task = arena_format(world->arena, "%.36s", at + strlen("\"taskId\":\""));
    at = strstr(world->body, "\"workflowInstanceId\":\"");
    assert_non_null(at);
    const char *child =
        arena_format(world->arena, "%.36s", at + strlen("\"workflowInstanceId\":\""));
    fail_task(world, child);
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    const char *status = textf(world, "/api/workflow/%s/%s", id, "status");
    assert_int_equal(world_ask(world, "GET", status, ""), 200);
    assert_non_null(strstr(world->body, "FAILED"));
    assert_int_equal(
        world_ask(
            world,
            "POST",
            textf(world, "/api/workflow/%s/retry?resumeSubworkflowTasks=%s", id, "true"),
            ""
        ),
        204
    );
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    assert_int_equal(world_ask(world, "GET", status, ""), 200);
    assert_non_null(strstr(world->body, "RUNNING"));
    fail_task(world, child);
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    const char *rerun = textf(world, "/api/workflow/%s/%s", id, "rerun");
    assert_int_equal(world_ask(world, "POST", rerun, "{\"reRunFromTaskId\":\"nope\"}"), 400);
    assert_int_equal(
        world_ask(world, "POST", rerun, textf(world, "{\"reRunFromTaskId\":\"%s\"%s}", task, "")),
        200
    );
    assert_string_equal(world->body, id);
    for (int i = 0; i < 5; i++) {
        world_sync(world);
        world_tick(world, 1);
    }
    assert_int_equal(world_ask(world, "GET", status, ""), 200);
    assert_non_null(strstr(world->body, "RUNNING"));
}

#define node_test(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        node_test(an_execution_is_retried_restarted_and_removed),
        node_test(a_restart_outlives_a_crash_in_the_middle_of_the_sweep),
        node_test(case_96_each_id_of_a_bulk_stands_for_itself),
        node_test(executions_are_found_by_name_and_correlation),
        node_test(a_skip_is_read_from_body_or_query),
        node_test(children_are_reached_from_their_parents),
    };
    return cmocka_run_group_tests_name("node/core lifecycle", tests, NULL, NULL);
}
