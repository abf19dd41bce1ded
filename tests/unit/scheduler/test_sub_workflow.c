// engine-cases.md K: SUB_WORKFLOW.
#include "tests/unit/scheduler/world.h"

#define SUB(name, parameters, members) \
    TYPED("SUB_WORKFLOW", name, ",\"subWorkflowParam\":{" parameters "}" members)
#define CHILD SUB("s", "\"name\":\"child\"", "")

// Registers a child of one task `a`, and the parent as given; starts and settles the parent.
static bytes start_parent(struct world *world, const char *parent) {
    world_simple(world, "ab");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, parent);
    bytes id = world_start_request(
        world, "{\"name\":\"w\",\"input\":{\"q\":3},\"correlationId\":\"c\",\"priority\":5}"
    );
    assert_ok(world->last);
    world_settle(world);
    return id;
}

static bytes child_of(struct world *world, bytes parent) {
    return world_text(world, world_task(world, parent, "s"), "subWorkflowId");
}

static void case_197_a_child_is_linked_to_its_parent(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(CHILD));
    assert_list(world, id, "s:IN_PROGRESS");
    bytes task = world_task(world, id, "s");
    bytes child = child_of(world, id);
    assert_true(bytes_equal(world_text(world, task, "outputData.subWorkflowId"), child));
    bytes workflow = world_get(world, child);
    assert_true(bytes_equal(world_text(world, workflow, "parentWorkflowId"), id));
    assert_true(bytes_equal(
        world_text(world, workflow, "parentWorkflowTaskId"), world_text(world, task, "taskId")
    ));
    assert_at(world, workflow, "correlationId", "c");
    assert_at(world, workflow, "priority", "0");
    assert_list(world, child, "a:SCHEDULED");
    assert_json(
        world,
        task,
        "inputData",
        "{\"subWorkflowDefinition\":null,\"workflowInput\":{},\"subWorkflowTaskToDomain\":null,"
        "\"idempotencyKey\":null,\"subWorkflowName\":\"child\",\"priority\":null,"
        "\"subWorkflowVersion\":1,\"idempotencyStrategy\":null}"
    );
}

static void case_198_a_child_that_completes_completes_its_task(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(CHILD "," S("b")));
    bytes child = child_of(world, id);
    world_complete(world, child, "a", "{\"r\":1}");
    world_settle(world);
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
    bytes output = world_at(world, world_task(world, id, "s"), "outputData");
    assert_at(world, output, "r", "1");
    assert_true(bytes_equal(world_text(world, output, "subWorkflowId"), child));
    assert_int_equal(world_outbox(world), 0);
}

static void case_199_the_childs_input(void **state) {
    struct world *world = *state;
    bytes id = start_parent(
        world,
        WORKFLOW(
            SUB("s", "\"name\":\"child\"", ",\"inputParameters\":{\"x\":\"${workflow.input.q}\"}")
        )
    );
    assert_json(world, world_get(world, child_of(world, id)), "input", "{\"x\":3}");
    id = start_parent(world, WORKFLOW(CHILD));
    assert_at(world, world_get(world, child_of(world, id)), "input.subWorkflowName", "child");
}

static void case_200_a_child_that_fails_fails_its_parent(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(CHILD));
    bytes child = child_of(world, id);
    world_fail(world, child, "a", "boom");
    world_settle(world);
    bytes reason = world_text(world, world_get(world, child), "reasonForIncompletion");
    const char *expected = arena_format(
        world->arena,
        "Sub workflow child.1/%.*s failure reason: %.*s",
        BYTES_ARG(child),
        BYTES_ARG(reason)
    );
    bytes task = world_task(world, id, "s");
    assert_at(world, task, "status", "FAILED");
    assert_true(bytes_equal_text(world_text(world, task, "reasonForIncompletion"), expected));
    assert_status(world, id, "FAILED");
    bytes task_id = world_text(world, task, "taskId");
    assert_true(bytes_equal_text(
        world_text(world, world_get(world, id), "reasonForIncompletion"),
        arena_format(
            world->arena,
            "Task %.*s failed with status: FAILED and reason: '%s'",
            BYTES_ARG(task_id),
            expected
        )
    ));
}

static void case_201_a_child_that_is_terminated_terminates_its_parent(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(CHILD));
    world_terminate(world, child_of(world, id), "r");
    world_settle(world);
    assert_list(world, id, "s:CANCELED");
    assert_status(world, id, "TERMINATED");
}

static void case_202_a_child_that_times_out_times_its_parent_out(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world,
        "{\"name\":\"slow\",\"tasks\":[" S("a") "],\"timeoutSeconds\":3,\"timeoutPolicy\":"
                                                "\"TIME_OUT_WF\"}"
    );
    world_workflow(world, WORKFLOW(SUB("s", "\"name\":\"slow\"", "")));
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 3000);
    assert_list(world, id, "s:TIMED_OUT");
    assert_status(world, id, "TIMED_OUT");
}

static void case_203_a_parent_takes_its_children_along(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"grandchild\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world, "{\"name\":\"child\",\"tasks\":[" SUB("s", "\"name\":\"grandchild\"", "") "]}"
    );
    world_workflow(world, WORKFLOW(CHILD));
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes child = child_of(world, id);
    bytes grandchild = child_of(world, child);
    world_terminate(world, id, "r");
    world_settle(world);
    assert_list(world, id, "s:CANCELED");
    assert_status(world, child, "TERMINATED");
    assert_at(
        world,
        world_get(world, child),
        "reasonForIncompletion",
        "Parent workflow has been terminated with reason: r"
    );
    assert_status(world, grandchild, "TERMINATED");
    assert_int_equal(world_poll(world, "a").size, 0);
}

static void case_204_a_retry_is_another_child(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"s\",\"retryCount\":1,\"retryDelaySeconds\":2}]");
    bytes id = start_parent(world, WORKFLOW(CHILD));
    bytes first = child_of(world, id);
    world_fail(world, first, "a", "boom");
    world_settle(world);
    assert_list(world, id, "s:FAILED s#1:SCHEDULED");
    world_advance(world, 2000);
    assert_list(world, id, "s:FAILED s#1:IN_PROGRESS");
    bytes second = child_of(world, id);
    assert_false(bytes_equal(first, second));
    assert_status(world, first, "FAILED");
    world_complete(world, second, "a", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

static void case_205_an_optional_child_may_fail(void **state) {
    struct world *world = *state;
    bytes id = start_parent(
        world, WORKFLOW(SUB("s", "\"name\":\"child\"", ",\"optional\":true") "," S("b"))
    );
    world_fail(world, child_of(world, id), "a", "boom");
    world_settle(world);
    assert_list(world, id, "s:COMPLETED_WITH_ERRORS b:SCHEDULED");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_211_a_version_is_pinned_at_the_start(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, WORKFLOW(S("b") "," CHILD));
    bytes id = world_start(world, "w", "{}");
    world_workflow(world, "{\"name\":\"child\",\"version\":2,\"tasks\":[" S("c") "]}");
    world_complete(world, id, "b", "{}");
    world_settle(world);
    assert_at(world, world_get(world, child_of(world, id)), "workflowVersion", "1");
}

static void case_212_a_child_nobody_knows(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(CHILD));
    (void)world_start_request(world, "{\"name\":\"w\"}");
    assert_err(world->last, ERR_ILLEGAL_STATE);
    assert_string_equal(
        world->last.text,
        "The Task s defined as a sub-workflow has no workflow definition available "
    );
    world_workflow(world, WORKFLOW(SUB("s", "\"name\":\"child\",\"version\":7", "")));
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes task = world_task(world, id, "s");
    assert_at(world, task, "status", "FAILED");
    assert_at(
        world, task, "reasonForIncompletion", "No such workflow defined. name=child, version=7"
    );
    assert_at(world, task, "subWorkflowId", "null");
    assert_status(world, id, "FAILED");
}

static void case_213_an_embedded_definition(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW(SUB("s", "\"workflowDefinition\":{\"name\":\"inner\",\"tasks\":[" S("a") "]}", ""))
    );
    bytes id = world_start(world, "w", "{}");
    world_settle(world);
    bytes child = world_get(world, child_of(world, id));
    assert_at(world, child, "workflowName", "inner");
    assert_at(world, child, "input._systemMetadata.dynamic", "true");
    world_workflow(
        world,
        WORKFLOW(S("b") "," SUB(
            "s", "\"name\":\"x\",\"version\":1,\"workflowDefinition\":\"${b.output.def}\"", ""
        ))
    );
    id = world_start(world, "w", "{}");
    world_complete(world, id, "b", "{\"def\":{\"name\":\"late\",\"tasks\":[" S("a") "]}}");
    world_settle(world);
    assert_at(world, world_get(world, child_of(world, id)), "workflowName", "late");
}

static void case_214_a_name_may_be_an_expression(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world, WORKFLOW(SUB("s", "\"name\":\"${workflow.input.child}\",\"version\":1", ""))
    );
    bytes id = world_start(world, "w", "{\"child\":\"child\"}");
    world_settle(world);
    assert_at(world, world_get(world, child_of(world, id)), "workflowName", "child");
}

static void case_215_a_paused_parent_records_its_childs_end(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(CHILD "," S("b")));
    world_pause(world, id);
    world_complete(world, child_of(world, id), "a", "{}");
    world_settle(world);
    assert_list(world, id, "s:COMPLETED");
    world_resume(world, id);
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
}

static void case_225_terminate_takes_a_child_along(void **state) {
    struct world *world = *state;
    bytes id = start_parent(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" CHILD "],[" S("b") "," TYPED(
                "TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"COMPLETED\"}"
            ) "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"s\",\"t\"]"))
    );
    bytes child = child_of(world, id);
    world_complete(world, id, "b", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
    assert_status(world, child, "TERMINATED");
    assert_starts_with(
        world_text(world, world_get(world, child), "reasonForIncompletion"),
        "Parent workflow has been terminated with "
    );
}

static void case_143_a_terminated_child_ends_the_fork(void **state) {
    struct world *world = *state;
    bytes id = start_parent(
        world,
        WORKFLOW(TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" CHILD "],[" S("b") "]]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"s\",\"b\"]"
        ))
    );
    world_terminate(world, child_of(world, id), NULL);
    world_settle(world);
    assert_status(world, id, "TERMINATED");
    assert_list(world, id, "f:COMPLETED s:CANCELED b:CANCELED j:CANCELED");
}

static void case_255_domains_pass_to_the_child(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(world, WORKFLOW(CHILD));
    (void)world_start_request(world, "{\"name\":\"w\",\"taskToDomain\":{\"a\":\"d1\"}}");
    world_settle(world);
    assert_non_null(world_poll_domain(world, "a", "d1").data);
    world_workflow(
        world, WORKFLOW(SUB("s", "\"name\":\"child\",\"taskToDomain\":{\"x\":\"d9\"}", ""))
    );
    bytes id = world_start_request(world, "{\"name\":\"w\",\"taskToDomain\":{\"a\":\"d1\"}}");
    world_settle(world);
    assert_int_equal(world_poll_domain(world, "a", "d1").size, 0);
    assert_non_null(world_poll(world, "a").data);
    assert_json(world, world_get(world, child_of(world, id)), "taskToDomain", "{\"x\":\"d9\"}");
}

// As recorded from the reference: complex_wf_signal_test.
static void a_failed_parent_shows_its_own_child_and_a_good_one_the_last(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"leaf\",\"tasks\":[" S("a") "]}");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" SUB("s", "\"name\":\"leaf\"", "") "]}");
    world_workflow(world, WORKFLOW(CHILD));
    for (int good = 0; good < 2; good++) {
        bytes id = world_start(world, "w", "{}");
        world_settle(world);
        bytes child = child_of(world, id);
        bytes leaf = child_of(world, child);
        if (good) {
            world_complete(world, leaf, "a", "{}");
        } else {
            world_fail(world, leaf, "a", "no");
        }
        world_settle(world);
        bytes shown = world_text(world, world_get(world, id), "output.subWorkflowId");
        assert_true(bytes_equal(shown, good ? leaf : child));
    }
}

static void a_late_answer_to_an_old_attempt_changes_nothing(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"s\",\"retryCount\":1,\"retryDelaySeconds\":0,\"timeoutSeconds\":5,"
        "\"responseTimeoutSeconds\":5,\"timeoutPolicy\":\"RETRY\"}]"
    );
    bytes id = start_parent(world, WORKFLOW(CHILD));
    bytes first = child_of(world, id);
    world_advance(world, 5000);
    assert_list(world, id, "s:TIMED_OUT s#1:IN_PROGRESS");
    world_complete(world, first, "a", "{}");
    world_settle(world);
    assert_list(world, id, "s:TIMED_OUT s#1:IN_PROGRESS");
}

static void a_delayed_sub_workflow_starts_on_time(void **state) {
    struct world *world = *state;
    bytes id = start_parent(world, WORKFLOW(SUB("s", "\"name\":\"child\"", ",\"startDelay\":5")));
    assert_list(world, id, "s:SCHEDULED");
    world_advance(world, 5000);
    assert_list(world, id, "s:IN_PROGRESS");
    assert_status(world, child_of(world, id), "RUNNING");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_197_a_child_is_linked_to_its_parent),
        world_test(case_198_a_child_that_completes_completes_its_task),
        world_test(case_199_the_childs_input),
        world_test(case_200_a_child_that_fails_fails_its_parent),
        world_test(case_201_a_child_that_is_terminated_terminates_its_parent),
        world_test(case_202_a_child_that_times_out_times_its_parent_out),
        world_test(case_203_a_parent_takes_its_children_along),
        world_test(case_204_a_retry_is_another_child),
        world_test(case_205_an_optional_child_may_fail),
        world_test(case_211_a_version_is_pinned_at_the_start),
        world_test(case_212_a_child_nobody_knows),
        world_test(case_213_an_embedded_definition),
        world_test(case_214_a_name_may_be_an_expression),
        world_test(case_215_a_paused_parent_records_its_childs_end),
        world_test(case_225_terminate_takes_a_child_along),
        world_test(case_143_a_terminated_child_ends_the_fork),
        world_test(case_255_domains_pass_to_the_child),
        world_test(a_failed_parent_shows_its_own_child_and_a_good_one_the_last),
        world_test(a_late_answer_to_an_old_attempt_changes_nothing),
        world_test(a_delayed_sub_workflow_starts_on_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
