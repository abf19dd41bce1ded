// distributed.md §5.1: the end of an execution with many open tasks, its retry, its removal and
// what piled up while it was PAUSED are cut into entries, and between these everyone sees what the
// whole would be. Decisions are cut here after a few tasks, and rows audited after each entry.
#include "scheduler/rows.h"
#include "tests/unit/scheduler/world.h"

enum {
    BRANCHES = 20,
    DECISION_TASKS = 3
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world->settings.decision_tasks = DECISION_TASKS;
    world_simple(world, "ab");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("b") "]}");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"inputParameters\":{\"forkTaskName\":\"a\",\"forkTaskInputs\":"
            "\"${workflow.input.n}\"}"
        ) "," TYPED("JOIN", "j", ""))
    );
    world_workflow(
        world,
        "{\"name\":\"parent\",\"tasks\":[" TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"inputParameters\":{\"forkTaskWorkflow\":\"child\",\"forkTaskInputs\":"
            "\"${workflow.input.n}\"}"
        ) "," TYPED("JOIN", "j", "") "]}"
    );
    return result;
}

// An execution of BRANCHES open tasks, all in one partition.
static bytes start(struct world *world, const char *name) {
    const char *list = "0";
    for (int i = 1; i < BRANCHES; i++) {
        list = arena_format(world->arena, "%s,%d", list, i);
    }
    bytes id = world_start(world, name, arena_format(world->arena, "{\"n\":[%s]}", list));
    world_settle(world);
    return id;
}

static int count_status(struct world *world, bytes id, const char *status) {
    bytes tasks = world_at(world, world_get(world, id), "tasks");
    struct json_iter iter = json_iter(tasks);
    bytes task = BYTES_EMPTY;
    int count = 0;
    while (json_next_element(&iter, &task)) {
        count += bytes_equal_text(world_text(world, task, "status"), status);
    }
    return count;
}

static void assert_all_canceled(struct world *world, bytes id) {
    assert_status(world, id, "TERMINATED");
    assert_int_equal(count_status(world, id, "CANCELED"), BRANCHES + 1); // and the JOIN
    assert_int_equal(count_status(world, id, "SCHEDULED"), 0);
}

static void an_end_of_many_is_whole_for_who_looks(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    assert_int_equal(world_rows(world, 'Q'), BRANCHES);
    world_terminate(world, id, "enough");
    assert_in_range(world_rows(world, 'Q'), BRANCHES - DECISION_TASKS, BRANCHES); // not gone yet
    assert_all_canceled(world, id);
    bytes last = world_task(world, id, "_a_19");
    assert_true(bytes_equal(
        world_at(world, last, "endTime"), world_at(world, world_get(world, id), "endTime")
    ));
    assert_int_equal(world_poll(world, "a").size, 0);
    bytes task = world_text(world, last, "taskId");
    world_result_of(world, id, task, "COMPLETED", "\"outputData\":{\"x\":1}");
    assert_ok(world->last); // too late, as for any that is canceled
    world->now.ms += 5000;
    world_settle(world);
    assert_all_canceled(world, id);
    assert_int_equal(world_rows(world, 'Q'), 0);
    assert_int_equal(world_rows(world, 'T'), 0);
    assert_true(bytes_equal(
        world_at(world, world_task(world, id, "_a_19"), "endTime"), world_at(world, last, "endTime")
    ));
    assert_json(world, world_task(world, id, "_a_19"), "outputData", "{}");
}

// The timer is older than the CONTINUE, and its task the last of all. Rows are audited between.
static void a_timer_that_fires_between_two_slices_cancels_its_task(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    bytes task = world_text(world, world_task(world, id, "_a_19"), "taskId");
    world_result_of(world, id, task, "IN_PROGRESS", "\"callbackAfterSeconds\":3");
    assert_ok(world->last);
    world->now.ms += 5000;
    world_terminate(world, id, "enough");
    assert_all_canceled(world, id);
    bytes last = world_task(world, id, "_a_19");
    world_settle(world);
    assert_all_canceled(world, id);
    assert_true(json_equal(world_task(world, id, "_a_19"), last));
    assert_int_equal(world_rows(world, 'Q') + world_rows(world, 'T'), 0);
}

static void what_is_yet_to_be_canceled_shows_the_output_it_leaves(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_complete(world, id, "_a_3", "{\"x\":1}");
    world_terminate(world, id, "enough");
    bytes join = world_task(world, id, "j");
    assert_json(world, join, "outputData", "{\"_a_3\":{\"x\":1}}");
    world_settle(world);
    assert_true(json_equal(world_task(world, id, "j"), join));
}

// The first three are canceled at once; then come the loop, the JOIN and what is in the loop.
static void loops_and_joins_of_them_show_the_output_they_leave(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        "{\"name\":\"loops\",\"tasks\":[" TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" S("b") "],[" TYPED("HUMAN", "h", "") "],[" TYPED("HUMAN", "k", "") "],[" TYPED(
                "DO_WHILE",
                "l",
                ",\"loopCondition\":\"$.l['iteration'] < 3\",\"loopOver\":[" S("a") "]"
            ) "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"b\",\"l\"]") "]}"
    );
    static const struct world_script scripts[] = {
        {"$.l['iteration'] < 3", NULL, EVALUATION_DONE, "true", NULL},
    };
    world_scripts(world, scripts);
    bytes id = world_start(world, "loops", "{}");
    world_complete(world, id, "a__1", "{\"x\":1}");
    world_settle(world);
    world_terminate(world, id, "enough");
    bytes loop = world_task(world, id, "l");
    bytes join = world_task(world, id, "j");
    assert_int_equal(count_status(world, id, "IN_PROGRESS"), 0);
    world_settle(world);
    assert_true(json_equal(world_task(world, id, "l"), loop));
    assert_true(json_equal(world_task(world, id, "j"), join));
}

// What ends the workflow is of the loop, whose present iteration is shown then, as far as it went.
static void a_loop_that_one_of_its_own_ends_shows_the_output_it_leaves(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        "{\"name\":\"own\",\"tasks\":[" TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" TYPED("HUMAN", "h", "") "],[" TYPED("HUMAN", "k", "") "],[" TYPED("HUMAN", "m", "") "],[" TYPED(
                "DO_WHILE",
                "l",
                ",\"loopCondition\":\"true\",\"loopOver\":[" TYPED(
                    "FORK_JOIN",
                    "g",
                    ",\"forkTasks\":[[" S("a") "],[" S("b") "," TYPED(
                        "TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"FAILED\"}"
                    ) "]]"
                ) "," TYPED("JOIN", "i", ",\"joinOn\":[\"a\",\"t\"]") "]"
            ) "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"l\"]") "]}"
    );
    bytes id = world_start(world, "own", "{}");
    world_settle(world);
    world_complete(world, id, "b__1", "{\"x\":1}");
    assert_status(world, id, "FAILED");
    bytes loop = world_task(world, id, "l");
    assert_json(world, loop, "outputData.1.b", "{\"x\":1}");
    world_settle(world);
    assert_true(json_equal(world_task(world, id, "l"), loop));
}

static void a_failure_cancels_the_rest_in_slices(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_fail(world, id, "_a_7", "broken");
    assert_status(world, id, "FAILED");
    assert_int_equal(count_status(world, id, "CANCELED"), BRANCHES);
    world_settle(world);
    assert_int_equal(count_status(world, id, "CANCELED"), BRANCHES);
    assert_int_equal(world_rows(world, 'Q'), 0);
}

static void complete_all(struct world *world) {
    for (bytes task = world_poll(world, "a"); task.size > 0; task = world_poll(world, "a")) {
        bytes workflow = world_text(world, task, "workflowInstanceId");
        world_result_of(world, workflow, world_text(world, task, "taskId"), "COMPLETED", NULL);
        world_settle(world);
    }
}

static void a_retry_of_many_goes_on_beside_its_workers(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_complete(world, id, "_a_0", "{\"x\":1}");
    world_terminate(world, id, "enough");
    world_settle(world);
    world_retry(world, id);
    assert_ok(world->last);
    assert_status(world, id, "RUNNING");
    bytes task = world_poll(world, "a"); // one of the first slice
    assert_true(task.size > 0);
    world_result_of(world, id, world_text(world, task, "taskId"), "COMPLETED", NULL);
    assert_status(world, id, "RUNNING");
    world_settle(world);
    assert_at(world, world_task(world, id, "j"), "status", "IN_PROGRESS");
    complete_all(world);
    assert_status(world, id, "COMPLETED");
    assert_int_equal(count_status(world, id, "COMPLETED"), BRANCHES + 2);
    assert_json(world, world_task(world, id, "_a_0"), "outputData", "{\"x\":1}");
}

static void a_failure_among_those_retried_waits_for_the_rest(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_terminate(world, id, "enough");
    world_settle(world);
    world_retry(world, id);
    bytes task = world_text(world, world_poll(world, "a"), "taskId");
    world_result_of(world, id, task, "FAILED", NULL);
    world_settle(world);
    assert_status(world, id, "FAILED");
    assert_int_equal(world_rows(world, 'Q'), 0);
    world_retry(world, id);
    world_settle(world);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
}

static void what_brings_it_back_comes_after_its_end(void **state) {
    struct world *world = *state;
    for (int verb = 0; verb < 3; verb++) {
        bytes id = start(world, "w");
        bytes fork = world_text(world, world_task(world, id, "f"), "taskId");
        world_terminate(world, id, "enough");
        if (verb == 0) {
            world_retry(world, id);
        } else if (verb == 1) {
            world_restart(world, id, false);
        } else {
            world_rerun(
                world,
                id,
                arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(fork))
            );
        }
        assert_ok(world->last);
        world_settle(world);
        assert_int_equal(world_rows(world, 'Q'), BRANCHES);
        complete_all(world);
        assert_status(world, id, "COMPLETED");
    }
}

static void an_end_reaches_all_children(void **state) {
    struct world *world = *state;
    bytes id = start(world, "parent");
    bytes last = world_text(world, world_task(world, id, "_SUB_WORKFLOW_19"), "subWorkflowId");
    assert_int_equal(world_rows(world, 'Q'), BRANCHES);
    world_terminate(world, id, "enough");
    world_settle(world);
    assert_int_equal(world_rows(world, 'Q'), 0);
    assert_status(world, last, "TERMINATED");
    assert_at(
        world,
        world_get(world, last),
        "reasonForIncompletion",
        "Parent workflow has been terminated with reason: enough"
    );
}

// The child's word comes while its siblings' tasks are still being canceled.
static void a_child_that_goes_on_brings_back_a_parent_that_just_ended(void **state) {
    struct world *world = *state;
    bytes id = start(world, "parent");
    bytes child = world_text(world, world_task(world, id, "_SUB_WORKFLOW_19"), "subWorkflowId");
    world_fail(world, child, "b", "broken");
    world_settle(world);
    assert_status(world, id, "FAILED");
    world_retry(world, child);
    world_settle(world);
    assert_status(world, id, "RUNNING");
    for (bytes task = world_poll(world, "b"); task.size > 0; task = world_poll(world, "b")) {
        bytes workflow = world_text(world, task, "workflowInstanceId");
        world_result_of(world, workflow, world_text(world, task, "taskId"), "COMPLETED", NULL);
        world_settle(world);
    }
    assert_status(world, id, "COMPLETED");
}

static void a_removed_one_is_gone_at_once(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_remove(world, id, false);
    assert_ok(world->last);
    assert_true(world_get(world, id).data == NULL);
    assert_int_equal(world_poll(world, "a").size, 0);
    world_settle(world);
    assert_int_equal(world_rows(world, 'W') + world_rows(world, 'S') + world_rows(world, 'A'), 0);
    assert_int_equal(world_rows(world, 'Q') + world_rows(world, 'T') + world_rows(world, 'X'), 0);
}

static void what_completed_while_it_was_paused_is_followed_up(void **state) {
    struct world *world = *state;
    bytes id = start(world, "w");
    world_pause(world, id);
    complete_all(world);
    assert_status(world, id, "PAUSED");
    world_resume(world, id);
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

#define wide_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        wide_test(an_end_of_many_is_whole_for_who_looks),
        wide_test(a_timer_that_fires_between_two_slices_cancels_its_task),
        wide_test(what_is_yet_to_be_canceled_shows_the_output_it_leaves),
        wide_test(loops_and_joins_of_them_show_the_output_they_leave),
        wide_test(a_loop_that_one_of_its_own_ends_shows_the_output_it_leaves),
        wide_test(a_failure_cancels_the_rest_in_slices),
        wide_test(a_retry_of_many_goes_on_beside_its_workers),
        wide_test(a_failure_among_those_retried_waits_for_the_rest),
        wide_test(what_brings_it_back_comes_after_its_end),
        wide_test(an_end_reaches_all_children),
        wide_test(a_child_that_goes_on_brings_back_a_parent_that_just_ended),
        wide_test(a_removed_one_is_gone_at_once),
        wide_test(what_completed_while_it_was_paused_is_followed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
