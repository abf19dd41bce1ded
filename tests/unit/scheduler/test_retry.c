// engine-cases.md B: failure, retry, optional, permissive; E: failure workflow.
#include "tests/unit/scheduler/world.h"

static const char *
failed_text(struct world *world, bytes task, const char *status, const char *reason) {
    bytes id = world_text(world, task, "taskId");
    return arena_format(
        world->arena,
        "Task %.*s failed with status: %s and reason: '%s'",
        BYTES_ARG(id),
        status,
        reason
    );
}

static void assert_reason(struct world *world, bytes workflow, const char *text) {
    bytes reason = world_text(world, world_get(world, workflow), "reasonForIncompletion");
    assert_int_equal(reason.size, strlen(text));
    assert_memory_equal(reason.data, text, reason.size);
}

// A workflow of one task `a` with more members in its task definition, failed `times` times.
static bytes fail_times(struct world *world, const char *members, int times) {
    world_tasks(world, arena_format(world->arena, "[{\"name\":\"a\",%s}]", members));
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    for (int i = 0; i < times; i++) {
        world_fail(world, id, "a", "x");
    }
    return id;
}

static void case_23_and_48_a_failure_without_retries_fails_the_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_result(
        world, id, "a", "FAILED", "\"reasonForIncompletion\":\"boom\",\"outputData\":{\"e\":1}"
    );
    bytes task = world_task(world, id, "a");
    assert_status(world, id, "FAILED");
    assert_reason(world, id, failed_text(world, task, "FAILED", "boom"));
    bytes workflow = world_get(world, id);
    assert_json(world, workflow, "failedReferenceTaskNames", "[\"a\"]");
    assert_json(world, workflow, "failedTaskNames", "[\"a\"]");
    assert_json(world, workflow, "output", "{\"e\":1}");
    assert_at(world, task, "executed", "false");
}

static void case_24_a_terminal_error_is_not_retried(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":3}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_result(world, id, "a", "FAILED_WITH_TERMINAL_ERROR", NULL);
    assert_list(world, id, "a:FAILED_WITH_TERMINAL_ERROR");
    assert_reason(world, id, failed_text(world, world_task(world, id, "a"), "FAILED", "null"));
    assert_json(world, world_get(world, id), "failedTaskNames", "[\"a\"]");
}

static void case_25_attempts_are_linked_and_numbered(void **state) {
    struct world *world = *state;
    bytes id = fail_times(world, "\"retryCount\":2,\"retryDelaySeconds\":0", 3);
    assert_list(world, id, "a:FAILED a#1:FAILED a#2:FAILED");
    assert_status(world, id, "FAILED");
    bytes first = world_attempt(world, id, "a", 0);
    bytes second = world_attempt(world, id, "a", 1);
    assert_true(
        bytes_equal(world_text(world, second, "retriedTaskId"), world_text(world, first, "taskId"))
    );
    assert_false(
        bytes_equal(world_text(world, second, "taskId"), world_text(world, first, "taskId"))
    );
    assert_at(world, first, "retried", "true");
    assert_at(world, second, "retried", "true");
    assert_at(world, world_attempt(world, id, "a", 2), "retried", "false");
}

static void case_26_a_retry_may_succeed(void **state) {
    struct world *world = *state;
    bytes id = fail_times(world, "\"retryCount\":2,\"retryDelaySeconds\":0", 1);
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "a:FAILED a#1:COMPLETED");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "failedReferenceTaskNames", "[\"a\"]");
}

static void case_27_a_new_attempt_shows_why_the_old_one_failed(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_result(
        world, id, "a", "FAILED", "\"reasonForIncompletion\":\"x\",\"outputData\":{\"e\":1}"
    );
    bytes task = world_task(world, id, "a");
    assert_at(world, task, "reasonForIncompletion", "x");
    assert_at(world, task, "pollCount", "0");
    assert_json(world, task, "outputData", "{}");
    assert_at(world, task, "workerId", "null");
    assert_at(world, task, "startTime", "0");
}

static void case_28_the_tasks_own_retry_count_wins(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":3,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"retryCount\":1")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:FAILED a#1:FAILED");
    assert_status(world, id, "FAILED");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"retryCount\":0")));
    id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    assert_status(world, id, "FAILED");
}

static void case_29_a_fixed_delay_keeps_the_attempt_from_workers(void **state) {
    struct world *world = *state;
    bytes id = fail_times(world, "\"retryCount\":2,\"retryDelaySeconds\":10", 1);
    assert_at(world, world_task(world, id, "a"), "callbackAfterSeconds", "10");
    world_advance(world, 9999);
    assert_int_equal(world_poll(world, "a").size, 0);
    world_advance(world, 1);
    assert_non_null(world_poll(world, "a").data);
}

static void assert_delays(struct world *world, const char *members, const char *const *delays) {
    world_tasks(world, arena_format(world->arena, "[{\"name\":\"a\",%s}]", members));
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    for (; *delays != NULL; delays++) {
        world_fail(world, id, "a", "x");
        bytes delay = world_text(world, world_task(world, id, "a"), "callbackAfterSeconds");
        assert_true(bytes_equal_text(delay, *delays));
    }
}

static void case_30_to_34_delays_by_logic_and_cap(void **state) {
    struct world *world = *state;
    assert_delays(
        world,
        "\"retryCount\":9,\"retryLogic\":\"LINEAR_BACKOFF\",\"retryDelaySeconds\":2,"
        "\"backoffScaleFactor\":2",
        (const char *[]){"4", "8", "12", NULL}
    );
    assert_delays(
        world,
        "\"retryCount\":9,\"retryLogic\":\"LINEAR_BACKOFF\",\"retryDelaySeconds\":4,"
        "\"backoffScaleFactor\":2,\"maxRetryDelaySeconds\":5",
        (const char *[]){"5", "5", NULL}
    );
    assert_delays(
        world,
        "\"retryCount\":9,\"retryLogic\":\"EXPONENTIAL_BACKOFF\",\"retryDelaySeconds\":2",
        (const char *[]){"2", "4", "8", NULL}
    );
    assert_delays(
        world,
        "\"retryCount\":9,\"retryLogic\":\"EXPONENTIAL_BACKOFF\",\"retryDelaySeconds\":2,"
        "\"maxRetryDelaySeconds\":3",
        (const char *[]){"2", "3", "3", NULL}
    );
    assert_delays(
        world,
        "\"retryCount\":9,\"retryDelaySeconds\":10,\"maxRetryDelaySeconds\":4",
        (const char *[]){"4", NULL}
    );
    assert_delays(
        world,
        "\"retryCount\":19,\"retryLogic\":\"EXPONENTIAL_BACKOFF\",\"retryDelaySeconds\":100000000",
        (const char *[]
        ){"100000000",
          "200000000",
          "400000000",
          "800000000",
          "1600000000",
          "2147483647",
          "2147483647",
          NULL}
    );
}

static void case_33_jitter_is_added_in_milliseconds(void **state) {
    struct world *world = *state;
    bytes id =
        fail_times(world, "\"retryCount\":2,\"retryDelaySeconds\":60,\"backoffJitterMs\":5000", 1);
    assert_at(world, world_task(world, id, "a"), "callbackAfterSeconds", "60");
    world_advance(world, 59999);
    assert_int_equal(world_poll(world, "a").size, 0);
    world_advance(world, 5001);
    assert_non_null(world_poll(world, "a").data);
}

static void case_35_the_total_budget_ends_the_retries(void **state) {
    struct world *world = *state;
    bytes id = fail_times(
        world,
        "\"retryCount\":10,\"retryDelaySeconds\":3,\"totalTimeoutSeconds\":5,\"timeoutPolicy\":"
        "\"ALERT_ONLY\"",
        1
    );
    world_advance(world, 6000);
    assert_list(world, id, "a:FAILED a#1:SCHEDULED");
    world_fail(world, id, "a", "x");
    assert_status(world, id, "FAILED");
    bytes task = world_text(world, world_task(world, id, "a"), "taskId");
    assert_reason(
        world,
        id,
        arena_format(
            world->arena,
            "Task %.*s/a exceeded total timeout of 5 seconds (elapsed 6 seconds across all "
            "attempts). No further retries will be attempted.",
            BYTES_ARG(task)
        )
    );
}

static void case_36_the_budget_spent_by_a_timeout_times_the_workflow_out(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"a\",\"retryCount\":10,\"retryDelaySeconds\":0,\"totalTimeoutSeconds\":5,"
        "\"responseTimeoutSeconds\":6,\"timeoutPolicy\":\"ALERT_ONLY\"}]"
    );
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_advance(world, 6000);
    assert_status(world, id, "TIMED_OUT");
}

static void case_37_a_task_a_worker_cancels_terminates_the_workflow(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":3}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_result(world, id, "a", "CANCELED", "\"reasonForIncompletion\":\"r\"");
    assert_status(world, id, "TERMINATED");
    assert_reason(world, id, failed_text(world, world_task(world, id, "a"), "TERMINATED", "r"));
}

static void case_38_an_optional_failure_is_passed_over(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"optional\":true") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:COMPLETED_WITH_ERRORS b:SCHEDULED");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "failedReferenceTaskNames", "[]");
}

static void case_39_an_optional_task_is_retried_first(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_simple(world, "b");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"optional\":true") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:FAILED a#1:SCHEDULED");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:FAILED a#1:COMPLETED_WITH_ERRORS b:SCHEDULED");
}

// The reference stores FAILED here (Q1); engine.md §2.3 asks for this instead.
static void case_40_an_optional_last_task_completes_with_errors(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"optional\":true")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:COMPLETED_WITH_ERRORS");
    assert_status(world, id, "COMPLETED");
}

static void case_41_a_terminal_error_of_an_optional_task_is_passed_over(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"optional\":true") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_result(world, id, "a", "FAILED_WITH_TERMINAL_ERROR", NULL);
    assert_list(world, id, "a:COMPLETED_WITH_ERRORS b:SCHEDULED");
}

static void case_42_a_permissive_failure_fails_the_end(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"permissive\":true") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "r");
    assert_list(world, id, "a:FAILED b:SCHEDULED");
    assert_status(world, id, "RUNNING");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "FAILED");
    assert_reason(world, id, failed_text(world, world_task(world, id, "a"), "FAILED", "r"));
}

static void case_43_permissive_failures_are_joined(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(
            S_WITH("a", ",\"permissive\":true") "," S_WITH("b", ",\"permissive\":true") "," S("c")
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "1");
    world_fail(world, id, "b", "2");
    world_complete(world, id, "c", "{}");
    assert_reason(
        world,
        id,
        arena_format(
            world->arena,
            "%s. %s",
            failed_text(world, world_task(world, id, "a"), "FAILED", "1"),
            failed_text(world, world_task(world, id, "b"), "FAILED", "2")
        )
    );
}

static void case_44_optional_beats_permissive(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(
        world, WORKFLOW(S_WITH("a", ",\"permissive\":true,\"optional\":true") "," S("b"))
    );
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "r");
    world_complete(world, id, "b", "{}");
    assert_list(world, id, "a:COMPLETED_WITH_ERRORS b:COMPLETED");
    assert_status(world, id, "COMPLETED");
}

static void case_45_only_the_newest_permissive_attempt_counts(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"permissive\":true")));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "r");
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_46_a_permissive_terminal_error_shows_the_task_status(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"permissive\":true") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_result(world, id, "a", "FAILED_WITH_TERMINAL_ERROR", "\"reasonForIncompletion\":\"r\"");
    world_complete(world, id, "b", "{}");
    assert_reason(
        world, id, failed_text(world, world_task(world, id, "a"), "FAILED_WITH_TERMINAL_ERROR", "r")
    );
}

static void case_47_a_retry_evaluates_its_input_again(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_tasks(world, "[{\"name\":\"b\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED(
                "FORK_JOIN",
                "f",
                ",\"forkTasks\":[[" S("a") "," TYPED("SET_VARIABLE", "v", ",\"inputParameters\":{\"v\":2}") "],[" S_WITH(
                    "b",
                    ",\"inputParameters\":{\"v\":\"${workflow.variables.v}\",\"me\":\"${CPEWF_TASK_"
                    "ID}\"}"
                ) "]]"
            ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"v\",\"b\"]"),
            ",\"variables\":{\"v\":1}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    assert_at(world, world_task(world, id, "b"), "inputData.v", "1");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "x");
    bytes task = world_task(world, id, "b");
    assert_at(world, task, "retryCount", "1");
    assert_at(world, task, "inputData.v", "2");
    assert_true(
        bytes_equal(world_text(world, task, "inputData.me"), world_text(world, task, "taskId"))
    );
}

// The execution that a failed one started to handle its failure.
static bytes handler_of(struct world *world, bytes failed) {
    bytes output = world_at(world, world_get(world, failed), "output");
    bytes id = BYTES_EMPTY;
    assert_true(json_get_text(output, "conductor.failure_workflow", &id));
    return json_string(id, world->arena);
}

static void case_98_a_failure_workflow_starts(void **state) {
    struct world *world = *state;
    world_simple(world, "ah");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"failureWorkflow\":\"fw\""));
    bytes id =
        world_start_request(world, "{\"name\":\"w\",\"input\":{\"p\":1},\"correlationId\":\"c\"}");
    world_fail(world, id, "a", "boom");
    bytes workflow = world_get(world, id);
    bytes handler = world_text(world, world_at(world, workflow, "output"), "conductor");
    (void)handler;
    bytes output = world_at(world, workflow, "output");
    bytes raw = BYTES_EMPTY;
    assert_true(json_get_text(output, "conductor.failure_workflow", &raw));
    handler = json_string(raw, world->arena);
    world_settle(world);
    bytes started = world_get(world, handler);
    assert_at(world, started, "status", "RUNNING");
    assert_at(world, started, "correlationId", "c");
    assert_at(world, started, "input.p", "1");
    assert_at(world, started, "input.failureStatus", "FAILED");
    assert_true(bytes_equal(world_text(world, started, "input.workflowId"), id));
    assert_true(bytes_equal(
        world_text(world, started, "input.reason"),
        world_text(world, workflow, "reasonForIncompletion")
    ));
    assert_true(bytes_equal(
        world_text(world, started, "input.failureTaskId"),
        world_text(world, world_task(world, id, "a"), "taskId")
    ));
    assert_at(world, started, "input.failedWorkflow.tasks.0.status", "FAILED");
}

static void case_99_an_unknown_failure_workflow_is_told_in_the_output(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"failureWorkflow\":\"none\""));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "boom");
    assert_status(world, id, "FAILED");
    bytes raw = BYTES_EMPTY;
    assert_true(json_get_text(
        world_at(world, world_get(world, id), "output"), "conductor.failure_workflow", &raw
    ));
    assert_starts_with(
        json_string(raw, world->arena), "Error workflow none failed to start.  reason: "
    );
}

static void case_100_the_failure_workflow_may_be_named_by_the_input(void **state) {
    struct world *world = *state;
    world_simple(world, "ah");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"failureWorkflow\":\"$workflow.input.h\""));
    bytes id = world_start(world, "w", "{\"h\":\"fw\"}");
    world_fail(world, id, "a", "boom");
    assert_int_equal(world_outbox(world), 1);
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"failureWorkflow\":\"${workflow.input.h}\""));
    world_settle(world);
    id = world_start(world, "w", "{\"h\":\"fw\"}");
    world_fail(world, id, "a", "boom");
    assert_int_equal(world_outbox(world), 0);
}

static void case_101_what_else_starts_a_failure_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "ah");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    world_workflow(
        world,
        WORKFLOW_WITH(
            S("a"),
            ",\"failureWorkflow\":\"fw\",\"timeoutSeconds\":3,\"timeoutPolicy\":\"TIME_OUT_WF\""
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 3000);
    assert_status(world, id, "TIMED_OUT");
    bytes handler = handler_of(world, id);
    assert_at(world, world_get(world, handler), "input.failureStatus", "TIMED_OUT");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED("TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"FAILED\"}"),
            ",\"failureWorkflow\":\"fw\""
        )
    );
    id = world_start(world, "w", "{}");
    world_settle(world);
    handler = handler_of(world, id);
    bytes task = world_text(world, world_task(world, id, "t"), "taskId");
    assert_true(
        bytes_equal(world_text(world, world_get(world, handler), "input.failureTaskId"), task)
    );
}

static void case_102_child_and_parent_each_start_their_own(void **state) {
    struct world *world = *state;
    world_simple(world, "ah");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "],\"failureWorkflow\":\"fw\"}");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED("SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"child\"}"),
            ",\"failureWorkflow\":\"fw\""
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes child = world_text(world, world_task(world, id, "s"), "subWorkflowId");
    world_fail(world, child, "a", "boom");
    world_settle(world);
    bytes of_child = handler_of(world, child);
    bytes of_parent = handler_of(world, id);
    assert_false(bytes_equal(of_child, of_parent));
    assert_status(world, of_child, "RUNNING");
    bytes input = world_at(world, world_get(world, of_parent), "input");
    bytes task = world_text(world, world_task(world, id, "s"), "taskId");
    assert_true(bytes_equal(world_text(world, input, "failureTaskId"), task));
    assert_true(bytes_equal(world_text(world, input, "workflowId"), id));
}

static void case_70_a_terminate_starts_no_failure_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "ah");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"failureWorkflow\":\"fw\""));
    bytes id = world_start(world, "w", "{}");
    world_terminate(world, id, "r");
    assert_int_equal(world_outbox(world), 0);
    assert_json(world, world_get(world, id), "output", "{}");
}

static void an_end_in_the_same_decision_leaves_no_task_marked_as_retried(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1},{\"name\":\"b\",\"retryCount\":0}]");
    world_workflow(
        world,
        WORKFLOW(TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "],[" S("b") "]]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]"
        ))
    );
    bytes id = world_start(world, "w", "{}");
    world_pause(world, id);
    world_fail(world, id, "a", "x");
    world_fail(world, id, "b", "x");
    world_resume(world, id);
    assert_status(world, id, "FAILED");
    assert_list(world, id, "f:COMPLETED a:FAILED b:FAILED j:CANCELED");
    assert_at(world, world_task(world, id, "a"), "retried", "false");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_23_and_48_a_failure_without_retries_fails_the_workflow),
        world_test(case_24_a_terminal_error_is_not_retried),
        world_test(case_25_attempts_are_linked_and_numbered),
        world_test(case_26_a_retry_may_succeed),
        world_test(case_27_a_new_attempt_shows_why_the_old_one_failed),
        world_test(case_28_the_tasks_own_retry_count_wins),
        world_test(case_29_a_fixed_delay_keeps_the_attempt_from_workers),
        world_test(case_30_to_34_delays_by_logic_and_cap),
        world_test(case_33_jitter_is_added_in_milliseconds),
        world_test(case_35_the_total_budget_ends_the_retries),
        world_test(case_36_the_budget_spent_by_a_timeout_times_the_workflow_out),
        world_test(case_37_a_task_a_worker_cancels_terminates_the_workflow),
        world_test(case_38_an_optional_failure_is_passed_over),
        world_test(case_39_an_optional_task_is_retried_first),
        world_test(case_40_an_optional_last_task_completes_with_errors),
        world_test(case_41_a_terminal_error_of_an_optional_task_is_passed_over),
        world_test(case_42_a_permissive_failure_fails_the_end),
        world_test(case_43_permissive_failures_are_joined),
        world_test(case_44_optional_beats_permissive),
        world_test(case_45_only_the_newest_permissive_attempt_counts),
        world_test(case_46_a_permissive_terminal_error_shows_the_task_status),
        world_test(case_47_a_retry_evaluates_its_input_again),
        world_test(case_98_a_failure_workflow_starts),
        world_test(case_99_an_unknown_failure_workflow_is_told_in_the_output),
        world_test(case_100_the_failure_workflow_may_be_named_by_the_input),
        world_test(case_101_what_else_starts_a_failure_workflow),
        world_test(case_102_child_and_parent_each_start_their_own),
        world_test(case_70_a_terminate_starts_no_failure_workflow),
        world_test(an_end_in_the_same_decision_leaves_no_task_marked_as_retried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
