// engine-cases.md D: pause, resume, terminate.
#include "tests/unit/scheduler/world.h"

static bytes start_two(struct world *world) {
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    return world_start(world, "w", "{}");
}

static void case_65_a_paused_workflow_schedules_nothing(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_poll(world, "a");
    world_pause(world, id);
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "a:COMPLETED");
    assert_status(world, id, "PAUSED");
    world_advance(world, 1000);
    world_resume(world, id);
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    assert_true(world_at(world, world_get(world, id), "lastRetriedTime").size > 1);
}

static void case_66_a_task_of_a_paused_workflow_may_be_polled(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_pause(world, id);
    assert_non_null(world_poll(world, "a").data);
    assert_list(world, id, "a:IN_PROGRESS");
}

static void case_67_pause_and_resume_in_the_wrong_state(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_resume(world, id);
    assert_err(world->last, ERR_ILLEGAL_STATE);
    assert_string_equal(
        world->last.text,
        arena_format(
            world->arena,
            "The workflow id %.*s is not PAUSED so cannot resume. Current status is RUNNING",
            BYTES_ARG(id)
        )
    );
    world_pause(world, id);
    world_pause(world, id);
    assert_ok(world->last);
    world_resume(world, id);
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_pause(world, id);
    assert_err(world->last, ERR_CONFLICT);
    assert_string_equal(
        world->last.text,
        arena_format(
            world->arena, "Workflow w.1/%.*s has ended, status cannot be updated.", BYTES_ARG(id)
        )
    );
}

static void case_68_terminate_cancels_what_is_open(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_poll(world, "a");
    world_terminate(world, id, "r");
    assert_status(world, id, "TERMINATED");
    assert_at(world, world_get(world, id), "reasonForIncompletion", "r");
    assert_list(world, id, "a:CANCELED");
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "a:CANCELED");
}

static void case_69_terminate_of_what_has_ended(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_terminate(world, id, NULL);
    assert_at(world, world_get(world, id), "reasonForIncompletion", "null");
    world_terminate(world, id, "again");
    assert_ok(world->last);
    assert_at(world, world_get(world, id), "reasonForIncompletion", "null");
    id = world_start(world, "w", "{}");
    world_fail(world, id, "a", "x");
    assert_status(world, id, "FAILED");
    world_terminate(world, id, "over");
    assert_status(world, id, "TERMINATED");
    assert_at(world, world_get(world, id), "reasonForIncompletion", "over");
    id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_terminate(world, id, "late");
    assert_err(world->last, ERR_CONFLICT);
    assert_string_equal(world->last.text, "Cannot terminate a COMPLETED workflow.");
}

static void the_timeout_of_a_workflow_starts_over_with_a_resume(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world, WORKFLOW_WITH(S("a"), ",\"timeoutSeconds\":3,\"timeoutPolicy\":\"TIME_OUT_WF\"")
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 2000);
    world_pause(world, id);
    world_resume(world, id);
    world_advance(world, 2999);
    assert_status(world, id, "RUNNING");
    world_advance(world, 1);
    assert_status(world, id, "TIMED_OUT");
}

static void a_failure_while_paused_is_followed_up_at_the_resume(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_pause(world, id);
    world_fail(world, id, "a", "x");
    assert_list(world, id, "a:FAILED");
    world_resume(world, id);
    assert_list(world, id, "a:FAILED a#1:SCHEDULED");
}

static void a_paused_workflow_that_is_terminated_lists_its_failures(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_pause(world, id);
    world_fail(world, id, "a", "x");
    world_terminate(world, id, "r");
    assert_json(world, world_get(world, id), "failedReferenceTaskNames", "[\"a\"]");
}

static void case_290_a_task_completes_once(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    bytes task = world_text(world, world_poll(world, "a"), "taskId");
    world_result_of(world, id, task, "COMPLETED", "\"outputData\":{\"first\":true}");
    world_result_of(world, id, task, "COMPLETED", "\"outputData\":{\"second\":true}");
    assert_ok(world->last);
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    assert_json(world, world_task(world, id, "a"), "outputData", "{\"first\":true}");
}

static void the_status_of_an_execution_is_short(void **state) {
    struct world *world = *state;
    bytes id = start_two(world);
    world_complete(world, id, "a", "{}");
    bytes json = world_get_status(world, id, false, false);
    assert_at(world, json, "status", "RUNNING");
    assert_at(world, json, "output", "null");
    json = world_get_status(world, id, true, true);
    assert_json(world, json, "output", "{}");
    assert_json(world, json, "variables", "{}");
}

static void an_unknown_execution_is_not_found(void **state) {
    struct world *world = *state;
    assert_int_equal(world_get(world, BYTES_LITERAL("x")).size, 0);
    assert_string_equal(world->last.text, "No such workflow found by id: x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_65_a_paused_workflow_schedules_nothing),
        world_test(case_66_a_task_of_a_paused_workflow_may_be_polled),
        world_test(case_67_pause_and_resume_in_the_wrong_state),
        world_test(case_68_terminate_cancels_what_is_open),
        world_test(case_69_terminate_of_what_has_ended),
        world_test(the_timeout_of_a_workflow_starts_over_with_a_resume),
        world_test(a_failure_while_paused_is_followed_up_at_the_resume),
        world_test(a_paused_workflow_that_is_terminated_lists_its_failures),
        world_test(case_290_a_task_completes_once),
        world_test(the_status_of_an_execution_is_short),
        world_test(an_unknown_execution_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
