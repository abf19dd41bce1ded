// engine-cases.md D: skip, callbacks, removal; signals.
#include "tests/unit/scheduler/world.h"

static bytes start_three(struct world *world) {
    world_simple(world, "abc");
    world_workflow(
        world,
        WORKFLOW(S("a") "," S("b") "," S_WITH("c", ",\"inputParameters\":{\"k\":\"${b.output.k}\"}")
        )
    );
    return world_start(world, "w", "{}");
}

static void case_90_a_skipped_task_is_stepped_over(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_skip(world, id, "b", "{\"taskInput\":{\"i\":1},\"taskOutput\":{\"k\":5}}");
    assert_ok(world->last);
    assert_list(world, id, "b:SKIPPED a:SCHEDULED");
    bytes skipped = world_task(world, id, "b");
    assert_at(world, skipped, "seq", "0");
    assert_at(world, skipped, "taskType", "b");
    assert_json(world, skipped, "inputData", "{\"i\":1}");
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "b:SKIPPED a:COMPLETED c:SCHEDULED");
    assert_json(world, world_task(world, id, "c"), "inputData", "{\"k\":5}");
    world_complete(world, id, "c", "{\"last\":true}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "output", "{\"last\":true}");
}

static void case_91_refusals_of_a_skip(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_skip(world, id, "a", "{}");
    assert_err(world->last, ERR_ILLEGAL_STATE);
    assert_string_equal(
        world->last.text, "The task referenced a has already been processed, cannot be skipped"
    );
    world_skip(world, id, "q", "{}");
    assert_err(world->last, ERR_ILLEGAL_STATE);
    assert_string_equal(
        world->last.text, "The task referenced by q does not exist in the WorkflowDefinition w"
    );
    world_pause(world, id);
    world_skip(world, id, "b", "{}");
    assert_err(world->last, ERR_ILLEGAL_STATE);
    assert_string_equal(
        world->last.text,
        arena_format(
            world->arena,
            "The workflow %.*s is not running so the task referenced by b cannot be skipped",
            BYTES_ARG(id)
        )
    );
}

static void case_92_the_last_task_may_be_skipped(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_skip(world, id, "c", "{}");
    world_skip(world, id, "b", "{}");
    world_complete(world, id, "a", "{\"r\":1}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "output", "{\"r\":1}");
}

// In the reference the JOIN never completes (engine.md §5.8).
static void case_146_a_skipped_task_counts_for_a_join(void **state) {
    struct world *world = *state;
    world_simple(world, "abcdz");
    world_workflow(
        world,
        WORKFLOW(S("z") "," TYPED(
            "FORK_JOIN", "f", ",\"forkTasks\":[[" S("a") "," S("b") "],[" S("c") "," S("d") "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"b\",\"d\"]"))
    );
    bytes id = world_start(world, "w", "{}");
    world_skip(world, id, "c", "{}");
    world_complete(world, id, "z", "{}");
    assert_list(
        world, id, "c:SKIPPED z:COMPLETED f:COMPLETED a:SCHEDULED d:SCHEDULED j:IN_PROGRESS"
    );
    world_skip(world, id, "b", "{}");
    world_complete(world, id, "d", "{}");
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_93_callbacks_are_reset(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_result(world, id, "a", "IN_PROGRESS", "\"callbackAfterSeconds\":3600");
    assert_null(world_poll(world, "a").data);
    world_reset_callbacks(world, id);
    assert_ok(world->last);
    assert_at(world, world_task(world, id, "a"), "callbackAfterSeconds", "0");
    assert_non_null(world_poll(world, "a").data);
    world_terminate(world, id, NULL);
    world_reset_callbacks(world, id);
    assert_err(world->last, ERR_CONFLICT);
    assert_string_equal(world->last.text, "Workflow is in terminal state. Status = TERMINATED");
    world_workflow(
        world,
        "{\"name\":\"t\",\"tasks\":[" TYPED(
            "WAIT", "t", ",\"inputParameters\":{\"duration\":\"1 hours\"}"
        ) "]}"
    );
    id = world_start(world, "t", "{}");
    world_reset_callbacks(world, id);
    assert_at(world, world_task(world, id, "t"), "callbackAfterSeconds", "3600");
}

static void case_94_removal_of_a_running_workflow(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_remove(world, id, true);
    assert_err(world->last, ERR_INVALID);
    assert_string_equal(
        world->last.text,
        arena_format(
            world->arena, "Cannot archive workflow: %.*s with status: RUNNING", BYTES_ARG(id)
        )
    );
    world_remove(world, id, false);
    assert_ok(world->last);
    assert_null(world_get(world, id).data);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_null(world_poll(world, "a").data);
    world_settle(world);
    static const char kinds[] = "WRSBEAXYT";
    for (size_t i = 0; kinds[i] != '\0'; i++) {
        assert_int_equal(world_rows(world, kinds[i]), 0);
    }
}

// The reference's SQL stores lose it; engine.md §5.11 wants it readable until it is purged.
static void case_95_an_archived_execution_stays_readable(void **state) {
    struct world *world = *state;
    bytes id = start_three(world);
    world_terminate(world, id, "r");
    world_remove(world, id, true);
    assert_ok(world->last);
    assert_status(world, id, "TERMINATED");
    assert_int_equal(world_rows(world, 'Y'), 0);
    world_remove(world, id, true);
    assert_ok(world->last);
    world_remove(world, id, false);
    assert_null(world_get(world, id).data);
}

static void a_large_execution_is_swept_in_bounded_entries(void **state) {
    struct world *world = *state;
    // Many tasks at one stroke: adding them one by one reads the execution as often.
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"inputParameters\":{\"forkTaskName\":\"a\",\"forkTaskInputs\":"
            "\"${workflow.input.n}\"}"
        ) "," TYPED("JOIN", "j", ""))
    );
    const char *inputs = "{\"n\":[0";
    for (int i = 1; i < 700; i++) {
        inputs = arena_format(world->arena, "%s,%d", inputs, i);
    }
    bytes id = world_start(world, "w", arena_format(world->arena, "%s]}", inputs));
    world_settle(world);
    world_terminate(world, id, NULL);
    world_remove(world, id, false);
    assert_int_equal(world_rows(world, 'T'), 1);
    uint64_t before = world_rows(world, 'S') + world_rows(world, 'A');
    assert_true(before > LIMIT_SWEEP_ROWS);
    world_settle(world);
    assert_int_equal(world_rows(world, 'S') + world_rows(world, 'A') + world_rows(world, 'B'), 0);
}

static void a_definition_goes_with_its_last_execution(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    world->slot = 5; // one partition
    bytes first = world_start(world, "w", "{}");
    bytes second = world_start(world, "w", "{}");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"optional\":true")));
    bytes third = world_start(world, "w", "{}");
    assert_int_equal(world_rows(world, 'F'), 2);
    world_remove(world, first, false);
    world_terminate(world, second, NULL);
    world_remove(world, second, true); // archived, it can be read
    assert_int_equal(world_rows(world, 'F'), 2);
    assert_status(world, second, "TERMINATED");
    world_restart(world, second, true);
    assert_ok(world->last);
    assert_int_equal(world_rows(world, 'F'), 1); // both have the new one
    world_remove(world, second, false);
    assert_int_equal(world_rows(world, 'F'), 1);
    world_remove(world, third, false);
    assert_int_equal(world_rows(world, 'F') + world_rows(world, 'J'), 0);
    bytes fourth = world_start(world, "w", "{}");
    world_complete(world, fourth, "a", "{}");
    assert_status(world, fourth, "COMPLETED");
    assert_int_equal(world_rows(world, 'F'), 1);
}

static void case_245_a_signal_completes_a_wait(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(TYPED("WAIT", "t", "")));
    bytes id = world_start(world, "w", "{}");
    bytes task = world_text(world, world_task(world, id, "t"), "taskId");
    world_signal(world, task, "COMPLETED", "{\"by\":\"me\"}");
    assert_ok(world->last);
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_task(world, id, "t"), "outputData", "{\"by\":\"me\"}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_90_a_skipped_task_is_stepped_over),
        world_test(case_91_refusals_of_a_skip),
        world_test(case_92_the_last_task_may_be_skipped),
        world_test(case_146_a_skipped_task_counts_for_a_join),
        world_test(case_93_callbacks_are_reset),
        world_test(case_94_removal_of_a_running_workflow),
        world_test(case_95_an_archived_execution_stays_readable),
        world_test(a_large_execution_is_swept_in_bounded_entries),
        world_test(a_definition_goes_with_its_last_execution),
        world_test(case_245_a_signal_completes_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
