// engine-cases.md C: timeouts.
#include "tests/unit/scheduler/world.h"

// One task `a` of these task definition members, started.
static bytes start_with(struct world *world, const char *members) {
    world_tasks(world, arena_format(world->arena, "[{\"name\":\"a\",%s}]", members));
    world_workflow(world, WORKFLOW(S("a")));
    return world_start(world, "w", "{}");
}

static void case_49_and_259_no_response_is_a_timeout_that_is_retried(void **state) {
    struct world *world = *state;
    bytes id =
        start_with(world, "\"retryCount\":1,\"retryDelaySeconds\":0,\"responseTimeoutSeconds\":2");
    bytes task = world_text(world, world_poll(world, "a"), "taskId");
    world_advance(world, 1999);
    assert_list(world, id, "a:IN_PROGRESS");
    world_advance(world, 1);
    assert_list(world, id, "a:TIMED_OUT a#1:SCHEDULED");
    assert_status(world, id, "RUNNING");
    bytes reason = world_text(world, world_attempt(world, id, "a", 0), "reasonForIncompletion");
    assert_true(bytes_equal_text(
        reason,
        arena_format(
            world->arena,
            "responseTimeout: 2 exceeded for the taskId: %.*s with Task Definition: a",
            BYTES_ARG(task)
        )
    ));
}

static void case_50_no_response_without_retries_times_the_workflow_out(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "\"retryCount\":0,\"responseTimeoutSeconds\":2");
    world_poll(world, "a");
    world_advance(world, 2000);
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "TIMED_OUT");
    bytes reason = world_text(world, workflow, "reasonForIncompletion");
    assert_starts_with(reason, "Task ");
    assert_json(world, workflow, "failedReferenceTaskNames", "[]");
}

static void case_51_a_task_timeout_with_policy_retry(void **state) {
    struct world *world = *state;
    bytes id = start_with(
        world,
        "\"retryCount\":1,\"retryDelaySeconds\":0,\"timeoutSeconds\":3,\"responseTimeoutSeconds\":"
        "3,"
        "\"timeoutPolicy\":\"RETRY\""
    );
    world_poll(world, "a");
    world_advance(world, 3000);
    assert_list(world, id, "a:TIMED_OUT a#1:SCHEDULED");
    world_advance(world, 100000); // not started: no task timeout
    assert_list(world, id, "a:TIMED_OUT a#1:SCHEDULED");
    world_poll(world, "a");
    world_advance(world, 3000);
    assert_status(world, id, "TIMED_OUT");
}

static void case_52_a_task_timeout_that_ends_the_workflow(void **state) {
    struct world *world = *state;
    bytes id =
        start_with(world, "\"retryCount\":5,\"timeoutSeconds\":3,\"responseTimeoutSeconds\":3");
    world_poll(world, "a");
    world_advance(world, 3000);
    assert_list(world, id, "a:TIMED_OUT");
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "TIMED_OUT");
    assert_at(
        world,
        workflow,
        "reasonForIncompletion",
        "Task timed out after 3 seconds. Timeout configured as 3 seconds. Timeout policy "
        "configured to TIME_OUT_WF"
    );
}

static void case_53_a_timeout_that_only_alerts(void **state) {
    struct world *world = *state;
    bytes id = start_with(
        world,
        "\"retryCount\":0,\"timeoutSeconds\":3,\"responseTimeoutSeconds\":3,\"timeoutPolicy\":"
        "\"ALERT_ONLY\""
    );
    world_poll(world, "a");
    world_advance(world, 2000);
    world_extend_lease(world, id, "a");
    world_advance(world, 2000);
    assert_list(world, id, "a:IN_PROGRESS");
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_54_a_task_nobody_polls(void **state) {
    struct world *world = *state;
    bytes id = start_with(
        world,
        "\"retryCount\":1,\"retryDelaySeconds\":0,\"pollTimeoutSeconds\":2,\"timeoutPolicy\":"
        "\"RETRY\""
    );
    world_advance(world, 2000);
    assert_list(world, id, "a:TIMED_OUT a#1:SCHEDULED");
    bytes reason = world_text(world, world_attempt(world, id, "a", 0), "reasonForIncompletion");
    assert_starts_with(reason, "Task poll timed out after 2 seconds");
}

static void case_55_a_lease_may_be_extended_for_ever(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "\"retryCount\":0,\"responseTimeoutSeconds\":2");
    world_poll(world, "a");
    for (int second = 0; second < 6; second++) {
        world_advance(world, 1000);
        world_extend_lease(world, id, "a");
    }
    world_advance(world, 1999);
    assert_list(world, id, "a:IN_PROGRESS");
    assert_at(world, world_task(world, id, "a"), "pollCount", "1");
    world_advance(world, 1);
    assert_list(world, id, "a:TIMED_OUT");
}

static void case_56_a_worker_may_ask_to_be_called_back(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "\"retryCount\":0");
    bytes first = world_text(world, world_poll(world, "a"), "startTime");
    world_advance(world, 1000);
    world_result(world, id, "a", "IN_PROGRESS", "\"callbackAfterSeconds\":5");
    bytes task = world_task(world, id, "a");
    assert_at(world, task, "status", "SCHEDULED");
    assert_at(world, task, "callbackAfterSeconds", "5");
    world_advance(world, 4999);
    assert_int_equal(world_poll(world, "a").size, 0);
    world_advance(world, 1);
    task = world_poll(world, "a");
    assert_at(world, task, "pollCount", "2");
    assert_true(bytes_equal(world_text(world, task, "startTime"), first));
}

static void case_57_a_callback_of_zero_is_at_once(void **state) {
    struct world *world = *state;
    bytes id = start_with(world, "\"retryCount\":0");
    world_poll(world, "a");
    world_result(world, id, "a", "IN_PROGRESS", NULL);
    assert_non_null(world_poll(world, "a").data);
}

static void case_58_a_workflow_timeout(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world, WORKFLOW_WITH(S("a"), ",\"timeoutSeconds\":3,\"timeoutPolicy\":\"TIME_OUT_WF\"")
    );
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_advance(world, 2999);
    assert_status(world, id, "RUNNING");
    world_advance(world, 1);
    assert_status(world, id, "TIMED_OUT");
    assert_list(world, id, "a:CANCELED");
    assert_at(
        world,
        world_get(world, id),
        "reasonForIncompletion",
        "Workflow timed out after 3 seconds. Timeout configured as 3 seconds. Timeout policy "
        "configured to TIME_OUT_WF"
    );
}

static void case_59_a_workflow_timeout_only_alerts_unless_told(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"timeoutSeconds\":3"));
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 10000);
    assert_status(world, id, "RUNNING");
}

static void case_61_a_paused_workflow_times_out(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world, WORKFLOW_WITH(S("a"), ",\"timeoutSeconds\":3,\"timeoutPolicy\":\"TIME_OUT_WF\"")
    );
    bytes id = world_start(world, "w", "{}");
    world_pause(world, id);
    world_advance(world, 5000);
    assert_status(world, id, "TIMED_OUT");
}

static void case_62_an_open_wait_with_a_registered_timeout(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"x\",\"retryCount\":1,\"retryDelaySeconds\":60,\"responseTimeoutSeconds\":2}]"
    );
    world_workflow(world, WORKFLOW(TYPED("WAIT", "x", "")));
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "x:IN_PROGRESS");
    world_advance(world, 2000);
    assert_list(world, id, "x:TIMED_OUT x#1:IN_PROGRESS");
    world_advance(world, 2000);
    assert_status(world, id, "TIMED_OUT");
}

static void case_63_an_open_wait_without_a_definition_waits(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(TYPED("WAIT", "x", "")));
    bytes id = world_start(world, "w", "{}");
    world_advance(world, INT64_C(1000) * 86400 * 365);
    assert_list(world, id, "x:IN_PROGRESS");
}

static void case_64_a_sub_workflow_knows_no_response_timeout(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_tasks(
        world,
        "[{\"name\":\"s\",\"retryCount\":0,\"responseTimeoutSeconds\":1,\"timeoutSeconds\":2}]"
    );
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world, WORKFLOW(TYPED("SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"child\"}"))
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 1500);
    assert_list(world, id, "s:IN_PROGRESS");
    world_advance(world, 500);
    assert_list(world, id, "s:TIMED_OUT");
    assert_status(world, id, "TIMED_OUT");
}

static void a_delayed_attempt_is_not_timed_out_for_its_delay(void **state) {
    struct world *world = *state;
    bytes id = start_with(
        world,
        "\"retryCount\":1,\"retryDelaySeconds\":10,\"pollTimeoutSeconds\":2,\"timeoutPolicy\":"
        "\"RETRY\""
    );
    world_fail(world, id, "a", "x");
    world_advance(world, 11999);
    assert_list(world, id, "a:FAILED a#1:SCHEDULED");
    world_advance(world, 1); // the delay is counted once (engine.md §4, Q2)
    assert_list(world, id, "a:FAILED a#1:TIMED_OUT");
}

static void a_total_timeout_fires_between_attempts(void **state) {
    struct world *world = *state;
    bytes id =
        start_with(world, "\"retryCount\":9,\"retryDelaySeconds\":60,\"totalTimeoutSeconds\":5");
    world_fail(world, id, "a", "x");
    world_advance(world, 5000);
    assert_list(world, id, "a:FAILED a#1:TIMED_OUT");
    assert_starts_with(world_text(world, world_get(world, id), "reasonForIncompletion"), "Task a/");
    assert_status(world, id, "TIMED_OUT");
}

static void case_295_a_human_task_does_not_stop_the_clock(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED("HUMAN", "h", ""), ",\"timeoutSeconds\":5,\"timeoutPolicy\":\"TIME_OUT_WF\""
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 5000);
    assert_status(world, id, "TIMED_OUT");
    assert_list(world, id, "h:CANCELED");
}

static void a_timed_out_lease_leaves_nothing_to_a_late_worker(void **state) {
    struct world *world = *state;
    bytes id =
        start_with(world, "\"retryCount\":1,\"retryDelaySeconds\":0,\"responseTimeoutSeconds\":2");
    bytes late = world_text(world, world_poll(world, "a"), "taskId");
    world_advance(world, 2000);
    world_result_of(world, id, late, "COMPLETED", NULL);
    assert_ok(world->last);
    assert_list(world, id, "a:TIMED_OUT a#1:SCHEDULED");
    assert_at(world, world_poll(world, "a"), "pollCount", "1"); // case 259
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_49_and_259_no_response_is_a_timeout_that_is_retried),
        world_test(case_50_no_response_without_retries_times_the_workflow_out),
        world_test(case_51_a_task_timeout_with_policy_retry),
        world_test(case_52_a_task_timeout_that_ends_the_workflow),
        world_test(case_53_a_timeout_that_only_alerts),
        world_test(case_54_a_task_nobody_polls),
        world_test(case_55_a_lease_may_be_extended_for_ever),
        world_test(case_56_a_worker_may_ask_to_be_called_back),
        world_test(case_57_a_callback_of_zero_is_at_once),
        world_test(case_58_a_workflow_timeout),
        world_test(case_59_a_workflow_timeout_only_alerts_unless_told),
        world_test(case_61_a_paused_workflow_times_out),
        world_test(case_62_an_open_wait_with_a_registered_timeout),
        world_test(case_63_an_open_wait_without_a_definition_waits),
        world_test(case_64_a_sub_workflow_knows_no_response_timeout),
        world_test(a_delayed_attempt_is_not_timed_out_for_its_delay),
        world_test(a_total_timeout_fires_between_attempts),
        world_test(case_295_a_human_task_does_not_stop_the_clock),
        world_test(a_timed_out_lease_leaves_nothing_to_a_late_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
