// engine-cases.md G: FORK_JOIN and JOIN; P: many workers.
#include "tests/unit/scheduler/world.h"

#define FORK(name, branches) TYPED("FORK_JOIN", name, ",\"forkTasks\":[" branches "]")
#define JOIN(name, on) TYPED("JOIN", name, ",\"joinOn\":[" on "]")

static bytes start_fork(struct world *world, const char *definition) {
    world_workflow(world, definition);
    return world_start(world, "w", "{}");
}

static void case_130_branches_run_side_by_side(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\",\"b\"") "," S("c"))
    );
    assert_list(world, id, "f:COMPLETED a:SCHEDULED b:SCHEDULED j:IN_PROGRESS");
    bytes fork = world_task(world, id, "f");
    assert_at(world, fork, "taskType", "FORK");
    assert_at(world, fork, "taskDefName", "FORK");
    assert_json(world, world_task(world, id, "j"), "inputData", "{\"joinOn\":[\"a\",\"b\"]}");
    world_complete(world, id, "b", "{}");
    assert_list(world, id, "f:COMPLETED a:SCHEDULED b:COMPLETED j:IN_PROGRESS");
    world_complete(world, id, "a", "{\"x\":1}");
    assert_list(world, id, "f:COMPLETED a:COMPLETED b:COMPLETED j:COMPLETED c:SCHEDULED");
    assert_json(world, world_task(world, id, "j"), "outputData", "{\"a\":{\"x\":1}}");
}

static void case_131_a_branch_is_a_list(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S("a") "," S("c") "],[" S("b") "]") "," JOIN("j", "\"c\",\"b\""))
    );
    world_complete(world, id, "a", "{\"x\":1}");
    assert_list(world, id, "f:COMPLETED a:COMPLETED b:SCHEDULED j:IN_PROGRESS c:SCHEDULED");
    world_complete(world, id, "b", "{\"y\":1}");
    world_complete(world, id, "c", "{\"z\":1}");
    assert_status(world, id, "COMPLETED");
    assert_json(
        world, world_task(world, id, "j"), "outputData", "{\"c\":{\"z\":1},\"b\":{\"y\":1}}"
    );
}

static void case_132_the_flow_goes_on_when_the_join_is_satisfied(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\"") "," S("c"))
    );
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "f:COMPLETED a:COMPLETED b:SCHEDULED j:COMPLETED c:SCHEDULED");
    world_complete(world, id, "c", "{}");
    assert_status(world, id, "RUNNING");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_133_a_failed_branch_ends_the_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\",\"b\""))
    );
    world_fail(world, id, "a", "x");
    assert_status(world, id, "FAILED");
    assert_list(world, id, "f:COMPLETED a:FAILED b:CANCELED j:CANCELED");
    assert_int_equal(world_poll(world, "b").size, 0);
}

static void case_135_an_optional_failure_marks_the_join(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S_WITH("a", ",\"optional\":true") "],[" S("b") "]") "," JOIN(
            "j", "\"a\",\"b\""
        ))
    );
    world_fail(world, id, "a", "x");
    world_complete(world, id, "b", "{}");
    assert_list(
        world, id, "f:COMPLETED a:COMPLETED_WITH_ERRORS b:COMPLETED j:COMPLETED_WITH_ERRORS"
    );
    bytes task = world_text(world, world_task(world, id, "a"), "taskId");
    bytes reason = world_text(world, world_task(world, id, "j"), "reasonForIncompletion");
    assert_true(bytes_equal_text(
        reason, arena_format(world->arena, "a/%.*s completed with errors", BYTES_ARG(task))
    ));
    assert_status(world, id, "COMPLETED");
}

static void case_136_a_permissive_failure_fails_the_join_at_its_end(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S_WITH("a", ",\"permissive\":true") "],[" S("b") "]") "," JOIN(
            "j", "\"a\",\"b\""
        ))
    );
    world_fail(world, id, "a", "why");
    assert_list(world, id, "f:COMPLETED a:FAILED b:SCHEDULED j:IN_PROGRESS");
    world_complete(world, id, "b", "{}");
    assert_list(world, id, "f:COMPLETED a:FAILED b:COMPLETED j:FAILED");
    assert_at(world, world_task(world, id, "j"), "reasonForIncompletion", "why");
    assert_status(world, id, "FAILED");
}

static void case_134_a_failed_fork_is_retried(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\",\"b\""))
    );
    bytes join = world_text(world, world_task(world, id, "j"), "taskId");
    world_fail(world, id, "a", "x");
    world_retry(world, id);
    assert_list(
        world, id, "f:COMPLETED a:FAILED b:CANCELED j:IN_PROGRESS a#1:SCHEDULED b#1:SCHEDULED"
    );
    assert_true(bytes_equal(world_text(world, world_task(world, id, "j"), "taskId"), join));
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_137_a_permissive_failure_is_retried(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S_WITH("a", ",\"permissive\":true") "],[" S("b") "]") "," JOIN(
            "j", "\"a\",\"b\""
        ))
    );
    bytes join = world_text(world, world_task(world, id, "j"), "taskId");
    world_fail(world, id, "a", "why");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "FAILED");
    world_retry(world, id);
    assert_list(world, id, "f:COMPLETED a:FAILED b:COMPLETED j:IN_PROGRESS a#1:SCHEDULED");
    assert_true(bytes_equal(world_text(world, world_task(world, id, "j"), "taskId"), join));
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_138_forks_in_forks(void **state) {
    struct world *world = *state;
    world_simple(world, "xyz");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK(
            "f2",
            "[" FORK("f1", "[" S("x") "],[" S("y") "]") "," JOIN("j1", "\"x\",\"y\"") "],[" S("z"
            ) "]"
        ) "," JOIN("j2", "\"j1\",\"z\""))
    );
    world_complete(world, id, "x", "{\"v\":1}");
    world_complete(world, id, "y", "{\"v\":2}");
    assert_at(world, world_task(world, id, "j1"), "status", "COMPLETED");
    world_complete(world, id, "z", "{\"v\":3}");
    assert_json(
        world,
        world_task(world, id, "j2"),
        "outputData",
        "{\"j1\":{\"x\":{\"v\":1},\"y\":{\"v\":2}},\"z\":{\"v\":3}}"
    );
    assert_status(world, id, "COMPLETED");
}

static void case_139_a_switch_brings_its_first_task_into_the_branch(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK(
            "f",
            "[" TYPED(
                "SWITCH",
                "s",
                ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{"
                "\"p\":"
                "\"A\"},\"decisionCases\":{\"A\":[" S("a") "]}"
            ) "],[" S("b") "]"
        ) "," JOIN("j", "\"a\",\"b\""))
    );
    assert_list(world, id, "f:COMPLETED s:COMPLETED a:SCHEDULED b:SCHEDULED j:IN_PROGRESS");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_140_a_join_on_nothing_completes(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(world, WORKFLOW(FORK("f", "[" S("a") "]") "," JOIN("j", "") "," S("b")));
    assert_list(world, id, "f:COMPLETED a:SCHEDULED j:COMPLETED b:SCHEDULED");
    assert_json(world, world_task(world, id, "j"), "outputData", "{}");
}

static void case_141_a_join_on_what_never_runs_waits(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "]") "," JOIN("j", "\"a\",\"b\"") "," S("b"))
    );
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "f:COMPLETED a:COMPLETED j:IN_PROGRESS");
    assert_status(world, id, "RUNNING");
}

static void case_142_a_fork_without_a_join_fails_the_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = world_start_request(
        world, "{\"name\":\"w\",\"workflowDef\":" WORKFLOW(FORK("f", "[" S("a") "]") "," S("b")) "}"
    );
    assert_ok(world->last);
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "FAILED");
    assert_at(
        world,
        workflow,
        "reasonForIncompletion",
        "Fork task definition is not followed by a join task.  Check the blueprint"
    );
}

static void case_144_a_join_never_sees_a_failure_that_is_retried(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":2,\"retryDelaySeconds\":0}]");
    world_simple(world, "b");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\",\"b\""))
    );
    world_fail(world, id, "a", "x");
    assert_at(world, world_task(world, id, "j"), "status", "IN_PROGRESS");
    world_complete(world, id, "b", "{}");
    world_fail(world, id, "a", "x");
    assert_at(world, world_task(world, id, "j"), "status", "IN_PROGRESS");
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_145_a_sync_join_is_no_different(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world,
        WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"a\",\"b\"],\"joinMode\":\"SYNC\""
        ))
    );
    world_complete(world, id, "a", "{\"v\":1}");
    assert_json(world, world_task(world, id, "j"), "outputData", "{\"a\":{\"v\":1}}");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

static void a_join_on_earlier_tasks_is_satisfied_when_it_begins(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id =
        start_fork(world, WORKFLOW(S("a") "," FORK("f", "[" S("b") "]") "," JOIN("j", "\"a\"")));
    world_complete(world, id, "a", "{\"v\":1}");
    assert_list(world, id, "a:COMPLETED f:COMPLETED b:SCHEDULED j:COMPLETED");
}

static void a_reference_named_twice_counts_twice(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start_fork(
        world, WORKFLOW(FORK("f", "[" S("a") "],[" S("b") "]") "," JOIN("j", "\"a\",\"a\",\"b\""))
    );
    world_complete(world, id, "a", "{}");
    assert_at(world, world_task(world, id, "j"), "status", "IN_PROGRESS");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

// Fifty branches of a static fork, completed in an odd order.
static void case_289_and_294_fifty_branches_join_once(void **state) {
    struct world *world = *state;
    const char *branches = "";
    const char *on = "";
    for (int i = 0; i < 50; i++) {
        const char *comma = i > 0 ? "," : "";
        branches = arena_format(
            world->arena,
            "%s%s[{\"name\":\"a\",\"taskReferenceName\":\"t%d\",\"type\":\"SIMPLE\"}]",
            branches,
            comma,
            i
        );
        on = arena_format(world->arena, "%s%s\"t%d\"", on, comma, i);
    }
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    bytes id = start_fork(
        world,
        arena_format(
            world->arena,
            "{\"name\":\"w\",\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":\"f\",\"type\":"
            "\"FORK_JOIN\",\"forkTasks\":[%s]},{\"name\":\"j\",\"taskReferenceName\":\"j\","
            "\"type\":\"JOIN\",\"joinOn\":[%s]}]}",
            branches,
            on
        )
    );
    for (int i = 0; i < 50; i++) {
        const char *reference = arena_format(world->arena, "t%d", (i * 37) % 50);
        if (i % 3 == 0) {
            world_fail(world, id, reference, "once");
        }
        assert_status(world, id, "RUNNING");
        world_complete(world, id, reference, "{\"v\":1}");
    }
    assert_status(world, id, "COMPLETED");
    bytes output = world_at(world, world_task(world, id, "j"), "outputData");
    assert_int_equal(json_count(output), 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_130_branches_run_side_by_side),
        world_test(case_131_a_branch_is_a_list),
        world_test(case_132_the_flow_goes_on_when_the_join_is_satisfied),
        world_test(case_133_a_failed_branch_ends_the_workflow),
        world_test(case_135_an_optional_failure_marks_the_join),
        world_test(case_136_a_permissive_failure_fails_the_join_at_its_end),
        world_test(case_134_a_failed_fork_is_retried),
        world_test(case_137_a_permissive_failure_is_retried),
        world_test(case_138_forks_in_forks),
        world_test(case_139_a_switch_brings_its_first_task_into_the_branch),
        world_test(case_140_a_join_on_nothing_completes),
        world_test(case_141_a_join_on_what_never_runs_waits),
        world_test(case_142_a_fork_without_a_join_fails_the_workflow),
        world_test(case_144_a_join_never_sees_a_failure_that_is_retried),
        world_test(case_145_a_sync_join_is_no_different),
        world_test(a_join_on_earlier_tasks_is_satisfied_when_it_begins),
        world_test(a_reference_named_twice_counts_twice),
        world_test(case_289_and_294_fifty_branches_join_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
