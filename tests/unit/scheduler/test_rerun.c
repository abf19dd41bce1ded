// engine-cases.md D: rerun.
#include "tests/unit/scheduler/world.h"

static const char *
from_task(struct world *world, bytes id, const char *reference, const char *more) {
    bytes task = world_text(world, world_task(world, id, reference), "taskId");
    return arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"%s}", BYTES_ARG(task), more);
}

static bytes start_three(struct world *world) {
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(S("a") "," S_WITH("b", ",\"inputParameters\":{\"r\":\"${a.output.r}\"}") "," S("c")
        )
    );
    return world_start(world, "w", "{\"p\":1}");
}

static void case_83_without_a_task_it_runs_from_the_first(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "x");
    world_rerun(world, id, "{\"workflowInput\":{\"p\":2},\"correlationId\":\"k\"}");
    assert_ok(world->last);
    assert_true(bytes_equal(world->reply.body, id));
    bytes workflow = world_get(world, id);
    assert_list(world, id, "a:SCHEDULED");
    assert_json(world, workflow, "input", "{\"p\":2}");
    assert_at(world, workflow, "correlationId", "k");
    assert_at(world, workflow, "reasonForIncompletion", "null");
    world_settle(world);
    assert_int_equal(world_rows(world, 'S'), 1);
}

static void case_84_from_a_task_what_follows_runs_again(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_complete(world, id, "a", "{\"r\":1}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    assert_status(world, id, "COMPLETED");
    bytes task = world_text(world, world_task(world, id, "b"), "taskId");
    world_rerun(world, id, from_task(world, id, "b", ",\"taskInput\":{\"z\":1}"));
    assert_ok(world->last);
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    bytes again = world_task(world, id, "b");
    assert_true(bytes_equal(world_text(world, again, "taskId"), task));
    assert_json(world, again, "inputData", "{\"z\":1}");
    assert_json(world, again, "outputData", "{}");
    assert_at(world, again, "pollCount", "0");
    world_complete(world, id, "b", "{}");
    assert_list(world, id, "a:COMPLETED b:COMPLETED c:SCHEDULED");
    assert_at(world, world_task(world, id, "c"), "seq", "3");
    world_complete(world, id, "c", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_85_the_stored_input_is_kept(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_complete(world, id, "a", "{\"r\":1}");
    world_fail(world, id, "b", "x");
    world_rerun(world, id, from_task(world, id, "b", ""));
    assert_json(world, world_task(world, id, "b"), "inputData", "{\"r\":1}");
    assert_non_null(world_poll(world, "b").data);
}

static void case_86_refusals_of_a_rerun(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_rerun(world, id, "{}");
    assert_err(world->last, ERR_CONFLICT);
    assert_true(strstr(world->last.text, "is not in terminal state, unable to rerun.") != NULL);
    world_terminate(world, id, NULL);
    world_rerun(world, id, "{\"reRunFromTaskId\":\"nope\"}");
    assert_err(world->last, ERR_INVALID);
    assert_string_equal(world->last.text, "Task nope not found");
}

static void case_87_a_server_side_task_runs_again_at_once(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":\"${workflow.input.x}\"}"
        ) "," S("a"))
    );
    bytes id = world_start(world, "w", "{\"x\":1}");
    world_fail(world, id, "a", "x");
    world_rerun(world, id, from_task(world, id, "v", ",\"taskInput\":{\"x\":9}"));
    assert_list(world, id, "v:COMPLETED a:SCHEDULED");
    assert_json(world, world_get(world, id), "variables", "{\"x\":9}");
}

// In the reference it completes without a branch and hangs.
static void a_switch_is_evaluated_again(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "SWITCH",
            "s",
            ",\"evaluatorType\":\"value-param\",\"expression\":\"k\",\"inputParameters\":{\"k\":"
            "\"${workflow.input.k}\"},\"decisionCases\":{\"x\":[" S("a") "],\"y\":[" S("b") "]}"
        ) "," S("c"))
    );
    bytes id = world_start(world, "w", "{\"k\":\"x\"}");
    bytes task = world_text(world, world_task(world, id, "s"), "taskId");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "c", "x");
    world_rerun(world, id, from_task(world, id, "s", ",\"workflowInput\":{\"k\":\"y\"}"));
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
    assert_true(bytes_equal(world_text(world, world_task(world, id, "s"), "taskId"), task));
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    assert_status(world, id, "COMPLETED");
}

static bytes start_fork(struct world *world) {
    world_simple(world, "abcdz");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "," S("b") "],[" S("c") "," S("d") "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"b\",\"d\"]") "," S("z"))
    );
    return world_start(world, "w", "{}");
}

// In the reference it stays SCHEDULED for ever.
static void a_fork_schedules_its_branches_again(void **state) {
    struct world *world = *state;
    bytes id = start_fork(world);
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "c", "x");
    world_rerun(world, id, from_task(world, id, "f", ""));
    assert_list(world, id, "f:COMPLETED a:SCHEDULED c:SCHEDULED j:IN_PROGRESS");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    world_complete(world, id, "d", "{}");
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
}

// In the reference it is never evaluated.
static void a_join_is_evaluated_again(void **state) {
    struct world *world = *state;
    bytes id = start_fork(world);
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    world_complete(world, id, "d", "{}");
    world_fail(world, id, "z", "x");
    // What has a later number than the JOIN in the branches is dropped with what follows it.
    world_rerun(world, id, from_task(world, id, "z", ""));
    assert_list(
        world,
        id,
        "f:COMPLETED a:COMPLETED c:COMPLETED j:COMPLETED b:COMPLETED d:COMPLETED z:SCHEDULED"
    );
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
}

// In the reference the later tasks of other branches go, and the JOIN waits for ever.
static void other_branches_stay_and_canceled_ones_go_on(void **state) {
    struct world *world = *state;
    bytes id = start_fork(world);
    world_complete(world, id, "c", "{}");
    world_complete(world, id, "d", "{\"k\":1}");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "x");
    assert_status(world, id, "FAILED");
    world_rerun(world, id, from_task(world, id, "a", ""));
    assert_list(world, id, "f:COMPLETED a:SCHEDULED c:COMPLETED d:COMPLETED");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    assert_list(
        world,
        id,
        "f:COMPLETED a:COMPLETED c:COMPLETED d:COMPLETED b:COMPLETED j:COMPLETED z:SCHEDULED"
    );
    world_fail(world, id, "z", "x");
    // From a task behind the JOIN's number: the JOIN waits again.
    world_rerun(world, id, from_task(world, id, "b", ""));
    assert_at(world, world_task(world, id, "b"), "status", "SCHEDULED");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
    id = start_fork(world);
    world_poll(world, "c");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "f:COMPLETED a:FAILED c:CANCELED j:CANCELED");
    world_rerun(world, id, from_task(world, id, "a", ""));
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    world_complete(world, id, "d", "{}");
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
}

// The reference revives both (engine.md §5.7, Q).
static void only_the_newest_attempt_of_a_task_is_revived(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"a\",\"retryCount\":0},{\"name\":\"b\",\"retryCount\":1,\"retryDelaySeconds\":"
        "0}]"
    );
    world_workflow(
        world,
        WORKFLOW(TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" S("b") "],[" S("a") "]]") "," TYPED(
            "JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]"
        ))
    );
    bytes id = world_start(world, "w", "{}");
    world_fail(world, id, "b", "x");
    world_poll(world, "b");
    world_fail(world, id, "a", "x");
    assert_list(world, id, "f:COMPLETED b:FAILED a:FAILED j:CANCELED b#1:CANCELED");
    world_rerun(world, id, from_task(world, id, "a", ""));
    assert_list(world, id, "f:COMPLETED b:FAILED a:SCHEDULED b#1:SCHEDULED");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
}

// A SUB_WORKFLOW keeps what comes after it, a branch of a dynamic fork its siblings; neither may
// keep an attempt that replaced the one that begins again, or a reference would have two.
static void newer_attempts_of_the_target_go(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"k\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world,
        WORKFLOW(
            TYPED("SUB_WORKFLOW", "c", ",\"retryCount\":1,\"subWorkflowParam\":{\"name\":\"k\"}")
        )
    );
    bytes id = world_start(world, "w", "{}");
    bytes first = world_text(world, world_task(world, id, "c"), "taskId");
    for (int attempt = 0; attempt < 2; attempt++) {
        world_advance(world, 60000); // the default delay of a retry
        bytes child = world_text(world, world_task(world, id, "c"), "subWorkflowId");
        world_fail(world, child, "a", "x");
        world_settle(world);
    }
    assert_list(world, id, "c:FAILED c#1:FAILED");
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(first))
    );
    assert_ok(world->last);
    assert_list(world, id, "c:IN_PROGRESS");
}

// What its branches did after their first tasks has later numbers than the JOIN, and comes before
// it all the same; without it the JOIN would wait for ever.
static void a_rerun_from_a_join_keeps_its_branches(void **state) {
    struct world *world = *state;
    bytes id = start_fork(world);
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "c", "{}");
    world_complete(world, id, "d", "{}");
    world_fail(world, id, "z", "x");
    world_rerun(world, id, from_task(world, id, "j", ""));
    assert_ok(world->last);
    assert_list(
        world,
        id,
        "f:COMPLETED a:COMPLETED c:COMPLETED j:COMPLETED b:COMPLETED d:COMPLETED z:SCHEDULED"
    );
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
}

// It would be RUNNING with nothing to wait for: what follows the TERMINATE is never scheduled.
static void a_terminate_that_stays_ends_a_rerun_beside_it(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" TYPED(
                "TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"FAILED\"}"
            ) "," S("b") "],[" S("a") "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]"))
    );
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "f:COMPLETED t:COMPLETED a:CANCELED j:CANCELED");
    world_rerun(world, id, from_task(world, id, "a", ""));
    assert_ok(world->last);
    assert_list(world, id, "f:COMPLETED t:COMPLETED a:CANCELED");
    assert_status(world, id, "FAILED");
}

// An attempt that came after the JOIN has a later number than it; the JOIN waits for it again all
// the same (simulator seed 255 of 2026-11-27: completed, and what follows the JOIN never ran).
static void a_rerun_from_a_late_attempt_of_a_dynamic_branch_opens_its_join(void **state) {
    struct world *world = *state;
    world_simple(world, "abz");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"dynamicForkTasksParam\":\"t\",\"dynamicForkTasksInputParamName\":\"i\","
            "\"inputParameters\":{\"i\":{\"a\":{},\"b\":{}},\"t\":["
            "{\"name\":\"a\",\"taskReferenceName\":\"a\",\"type\":\"SIMPLE\"},"
            "{\"name\":\"b\",\"taskReferenceName\":\"b\",\"type\":\"SIMPLE\",\"retryCount\":1}]}"
        ) "," TYPED("JOIN", "j", "") "," S("z"))
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "b", "x");
    world_advance(world, 60000);
    world_complete(world, id, "b", "{}");
    world_fail(world, id, "z", "x");
    assert_status(world, id, "FAILED");
    world_rerun(world, id, from_task(world, id, "b", ""));
    assert_ok(world->last);
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "RUNNING");
    world_complete(world, id, "z", "{}");
    assert_status(world, id, "COMPLETED");
}

// A JOIN that names a SWITCH goes on while the SWITCH's branch runs, so tasks of the branch may
// have later numbers than what follows the JOIN (simulator seed 296: they were dropped, and the
// execution completed without them). The reference drops them and never ends.
static void a_branch_that_was_joined_early_stays(void **state) {
    struct world *world = *state;
    world_simple(world, "abyz");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" TYPED(
                "SWITCH",
                "s",
                ",\"evaluatorType\":\"value-param\",\"expression\":\"k\",\"inputParameters\":{"
                "\"k\":\"x\"},\"decisionCases\":{\"x\":[" S("a") "," S("b") "]}"
            ) "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"s\"]") "," S("z") "," S("y"))
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "z", "{}");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "y", "x");
    assert_list(
        world, id, "f:COMPLETED s:COMPLETED a:COMPLETED j:COMPLETED z:COMPLETED y:FAILED b:CANCELED"
    );
    world_rerun(world, id, from_task(world, id, "z", ""));
    assert_list(
        world, id, "f:COMPLETED s:COMPLETED a:COMPLETED j:COMPLETED z:SCHEDULED b:SCHEDULED"
    );
    world_complete(world, id, "b", "{}");
    world_complete(world, id, "z", "{}");
    world_complete(world, id, "y", "{}");
    assert_status(world, id, "COMPLETED");
    world_rerun(world, id, from_task(world, id, "f", ""));
    assert_list(world, id, "f:COMPLETED s:COMPLETED a:SCHEDULED j:COMPLETED z:SCHEDULED");
}

// What stands beside the target does so in the target's iteration; those after it begin anew.
static void other_branches_of_later_iterations_go(void **state) {
    struct world *world = *state;
    static const struct world_script scripts[] = {
        {.text = "true", .outcome = EVALUATION_DONE, .answer = "true"},
    };
    world->scripts = scripts;
    world->script_count = 1;
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "DO_WHILE",
            "l",
            ",\"loopCondition\":\"true\",\"loopOver\":[" TYPED(
                "FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "],[" S("b") "]]"
            ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"a\",\"b\"]") "]"
        ))
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "b__1", "{}");
    world_complete(world, id, "b__2", "{}");
    world_fail(world, id, "a__2", "x");
    world_rerun(world, id, from_task(world, id, "a__1", ""));
    assert_list(world, id, "l:IN_PROGRESS f__1:COMPLETED a__1:SCHEDULED b__1:COMPLETED");
    world_complete(world, id, "a__1", "{}");
    assert_at(world, world_task(world, id, "b__2"), "status", "SCHEDULED");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_83_without_a_task_it_runs_from_the_first),
        world_test(case_84_from_a_task_what_follows_runs_again),
        world_test(case_85_the_stored_input_is_kept),
        world_test(case_86_refusals_of_a_rerun),
        world_test(case_87_a_server_side_task_runs_again_at_once),
        world_test(a_switch_is_evaluated_again),
        world_test(a_fork_schedules_its_branches_again),
        world_test(a_join_is_evaluated_again),
        world_test(other_branches_stay_and_canceled_ones_go_on),
        world_test(only_the_newest_attempt_of_a_task_is_revived),
        world_test(newer_attempts_of_the_target_go),
        world_test(a_rerun_from_a_join_keeps_its_branches),
        world_test(a_terminate_that_stays_ends_a_rerun_beside_it),
        world_test(a_rerun_from_a_late_attempt_of_a_dynamic_branch_opens_its_join),
        world_test(a_branch_that_was_joined_early_stays),
        world_test(other_branches_of_later_iterations_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
