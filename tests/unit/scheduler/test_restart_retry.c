// engine-cases.md D: restart and retry.
#include "tests/unit/scheduler/world.h"

static bytes start_two(struct world *world) {
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    return world_start(world, "w", "{\"in\":1}");
}

static void case_60_a_retry_starts_the_workflows_clock_again(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world, WORKFLOW_WITH(S("a"), ",\"timeoutSeconds\":3,\"timeoutPolicy\":\"TIME_OUT_WF\"")
    );
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_advance(world, 3000);
    assert_status(world, id, "TIMED_OUT");
    world_advance(world, 10000);
    world_retry(world, id);
    assert_list(world, id, "a:CANCELED a#1:SCHEDULED");
    assert_status(world, id, "RUNNING");
    world_advance(world, 2999);
    assert_status(world, id, "RUNNING");
    world_advance(world, 1);
    assert_status(world, id, "TIMED_OUT");
}

static void case_71_a_running_workflow_is_not_restarted(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_restart(world, id, false);
    assert_err(world->last, ERR_CONFLICT);
    assert_string_equal(
        world->last.text,
        arena_format(
            world->arena,
            "Workflow: w.1/%.*s.RUNNING is not in terminal state, unable to restart.",
            BYTES_ARG(id)
        )
    );
}

static void case_72_a_restart_begins_anew_under_the_same_id(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    bytes old = world_text(world, world_task(world, id, "a"), "taskId");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "x");
    assert_status(world, id, "FAILED");
    int64_t created = 0;
    assert_true(json_i64(world_at(world, world_get(world, id), "createTime"), &created));
    world_advance(world, 5);
    world_restart(world, id, false);
    assert_ok(world->last);
    assert_int_equal(world->reply.status, 204);
    bytes workflow = world_get(world, id);
    assert_list(world, id, "a:SCHEDULED");
    assert_at(world, workflow, "status", "RUNNING");
    assert_at(world, workflow, "reasonForIncompletion", "null");
    assert_at(world, workflow, "endTime", "0");
    assert_json(world, workflow, "input", "{\"in\":1}");
    assert_json(world, workflow, "output", "{}");
    assert_at(world, workflow, "tasks.0.seq", "1");
    int64_t again = 0;
    assert_true(json_i64(world_at(world, workflow, "createTime"), &again));
    assert_true(again > created);
    assert_false(bytes_equal(world_text(world, world_task(world, id, "a"), "taskId"), old));
    world_settle(world);
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "failedReferenceTaskNames", "[]");
}

static void the_rows_of_a_run_go_with_it(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    bytes old = world_text(world, world_task(world, id, "a"), "taskId");
    world_fail(world, id, "a", "x");
    world_restart(world, id, false);
    world_settle(world);
    assert_int_equal(world_rows(world, 'S'), 1);
    assert_int_equal(world_rows(world, 'A'), 1);
    assert_int_equal(world_rows(world, 'R'), 1);
    world_result_of(world, id, old, "COMPLETED", NULL);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_list(world, id, "a:SCHEDULED");
}

static void case_73_a_workflow_may_forbid_to_be_restarted_once_completed(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"restartable\":false"));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    world_restart(world, id, false);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_true(strstr(world->last.text, "is non-restartable") != NULL);
    id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    world_restart(world, id, false);
    assert_ok(world->last);
    assert_list(world, id, "a:SCHEDULED");
}

static void case_74_the_latest_definition_is_used_when_asked_for(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_fail(world, id, "a", "x");
    world_workflow(world, "{\"name\":\"w\",\"version\":2,\"tasks\":[" S("b") "]}");
    world_restart(world, id, false);
    assert_list(world, id, "a:SCHEDULED");
    assert_at(world, world_get(world, id), "workflowVersion", "1");
    world_fail(world, id, "a", "x");
    world_restart(world, id, true);
    assert_list(world, id, "b:SCHEDULED");
    assert_at(world, world_get(world, id), "workflowVersion", "2");
}

// Where the reference keeps them, engine.md §5.3 wants them reset.
static void case_75_a_restart_resets_variables_and_failed_names(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED("SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":2}") "," S("a"),
            ",\"variables\":{\"x\":1}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    assert_json(world, world_get(world, id), "variables", "{\"x\":2}");
    world_fail(world, id, "a", "x");
    world_workflow(
        world, "{\"name\":\"w\",\"version\":2,\"variables\":{\"x\":7},\"tasks\":[" S("a") "]}"
    );
    world_restart(world, id, true);
    assert_json(world, world_get(world, id), "variables", "{\"x\":7}");
    world_complete(world, id, "a", "{}");
    assert_json(world, world_get(world, id), "failedTaskNames", "[]");
}

static void case_76_a_running_workflow_is_not_retried(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_retry(world, id);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_string_equal(world->last.text, "Workflow is still running.  status=RUNNING");
}

static void case_77_a_completed_workflow_has_nothing_to_retry(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_retry(world, id);
    assert_err(world->last, ERR_CONFLICT);
    assert_string_equal(
        world->last.text,
        "There are no retryable tasks! Use restart if you want to attempt entire workflow "
        "execution again."
    );
}

static void case_78_and_79_a_retry_adds_an_attempt_at_once(void **state) {
    struct world *world = *state;
    world_tasks(
        world, "[{\"name\":\"a\"},{\"name\":\"b\",\"retryCount\":0,\"retryDelaySeconds\":60}]"
    );
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "boom");
    bytes failed = world_text(world, world_task(world, id, "b"), "taskId");
    world_retry(world, id);
    assert_ok(world->last);
    assert_list(world, id, "a:COMPLETED b:FAILED b#1:SCHEDULED");
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "RUNNING");
    assert_at(world, workflow, "reasonForIncompletion", "null");
    bytes attempt = world_attempt(world, id, "b", 1);
    assert_at(world, attempt, "reasonForIncompletion", "null");
    assert_at(world, attempt, "callbackAfterSeconds", "0");
    assert_true(bytes_equal(world_text(world, attempt, "retriedTaskId"), failed));
    assert_at(world, world_attempt(world, id, "b", 0), "retried", "true");
    assert_at(world, world_attempt(world, id, "b", 0), "executed", "true");
    assert_non_null(world_poll(world, "b").data);
    world_fail(world, id, "b", "boom");
    assert_status(world, id, "FAILED");
    world_retry(world, id);
    assert_list(world, id, "a:COMPLETED b:FAILED b#1:FAILED b#2:SCHEDULED");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_80_a_terminated_fork_goes_on_where_it_was(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "],[" S("b") "]]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]"
        ) "," S("c"))
    );
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_poll(world, "b");
    bytes join = world_text(world, world_task(world, id, "j"), "taskId");
    world_terminate(world, id, "r");
    assert_list(world, id, "f:COMPLETED a:CANCELED b:CANCELED j:CANCELED");
    world_retry(world, id);
    assert_list(
        world, id, "f:COMPLETED a:CANCELED b:CANCELED j:IN_PROGRESS a#1:SCHEDULED b#1:SCHEDULED"
    );
    assert_true(bytes_equal(world_text(world, world_task(world, id, "j"), "taskId"), join));
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_81_a_wait_keeps_its_deadline(void **state) {
    struct world *world = *state;
    world_workflow(
        world, WORKFLOW(TYPED("WAIT", "t", ",\"inputParameters\":{\"duration\":\"1 hours\"}"))
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 600 * 1000);
    world_terminate(world, id, NULL);
    world_advance(world, 600 * 1000);
    world_retry(world, id);
    assert_list(world, id, "t:CANCELED t#1:IN_PROGRESS");
    world_advance(world, 2399 * 1000);
    assert_status(world, id, "RUNNING");
    world_advance(world, 1000);
    assert_status(world, id, "COMPLETED");
    id = world_start(world, "w", "{}");
    world_terminate(world, id, NULL);
    world_advance(world, 7200 * 1000);
    world_retry(world, id);
    assert_list(world, id, "t:CANCELED t#1:COMPLETED");
}

static void case_82_a_workflow_that_timed_out_between_tasks_goes_on(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW_WITH(S("a") "," S("b"), ",\"timeoutSeconds\":5,\"timeoutPolicy\":\"TIME_OUT_WF\"")
    );
    bytes id = world_start(world, "w", "{}");
    world_pause(world, id);
    world_complete(world, id, "a", "{}");
    world_advance(world, 5000);
    assert_status(world, id, "TIMED_OUT");
    assert_list(world, id, "a:COMPLETED");
    world_retry(world, id);
    assert_ok(world->last);
    assert_status(world, id, "RUNNING");
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    world_advance(world, 4999);
    assert_status(world, id, "RUNNING");
}

// Where the reference keeps the first, engine.md §5.4 wants it cleared.
static void case_97_the_failed_task_is_the_one_of_the_last_failure(void **state) {
    struct world *world = *state;
    world_simple(world, "abz");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("z") "]}");
    world_workflow(world, WORKFLOW_WITH(S("a") "," S("b"), ",\"failureWorkflow\":\"fw\""));
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    world_retry(world, id);
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "y");
    bytes failed = world_text(world, world_task(world, id, "b"), "taskId");
    world_settle(world);
    bytes output = world_at(world, world_get(world, id), "output");
    bytes handler = world_text(world, output, "conductor.failure_workflow");
    if (json_get_text(output, "conductor.failure_workflow", &handler)) {
        handler = json_string(handler, world->arena);
    }
    assert_true(
        bytes_equal(world_text(world, world_get(world, handler), "input.failureTaskId"), failed)
    );
}

static void case_254_a_retry_stays_in_its_domain(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    world_record_poll(world, "a", "d1");
    bytes id = world_start_request(
        world, "{\"name\":\"w\",\"input\":{},\"taskToDomain\":{\"a\":\"d1,NO_DOMAIN\"}}"
    );
    assert_at(world, world_task(world, id, "a"), "domain", "d1");
    world_fail(world, id, "a", "x");
    world_advance(world, 20000);
    world_retry(world, id);
    assert_at(world, world_attempt(world, id, "a", 1), "domain", "d1");
    assert_non_null(world_poll_domain(world, "a", "d1").data);
}

static void a_workflow_is_retried_and_restarted_again_and_again(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    for (int i = 0; i < 3; i++) {
        world_fail(world, id, "a", "x");
        world_retry(world, id);
        world_complete(world, id, "a", "{}");
        world_fail(world, id, "b", "x");
        world_restart(world, id, false);
        world_settle(world);
        assert_list(world, id, "a:SCHEDULED");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_60_a_retry_starts_the_workflows_clock_again),
        world_test(case_71_a_running_workflow_is_not_restarted),
        world_test(case_72_a_restart_begins_anew_under_the_same_id),
        world_test(the_rows_of_a_run_go_with_it),
        world_test(case_73_a_workflow_may_forbid_to_be_restarted_once_completed),
        world_test(case_74_the_latest_definition_is_used_when_asked_for),
        world_test(case_75_a_restart_resets_variables_and_failed_names),
        world_test(case_76_a_running_workflow_is_not_retried),
        world_test(case_77_a_completed_workflow_has_nothing_to_retry),
        world_test(case_78_and_79_a_retry_adds_an_attempt_at_once),
        world_test(case_80_a_terminated_fork_goes_on_where_it_was),
        world_test(case_81_a_wait_keeps_its_deadline),
        world_test(case_82_a_workflow_that_timed_out_between_tasks_goes_on),
        world_test(case_97_the_failed_task_is_the_one_of_the_last_failure),
        world_test(case_254_a_retry_stays_in_its_domain),
        world_test(a_workflow_is_retried_and_restarted_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
