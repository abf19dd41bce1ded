// distributed.md §5.1: a rerun from a task of an execution of many is cut into entries, and comes
// out as one that is not. Decisions are cut here after a few tasks, and rows audited after each
// entry.
#include "scheduler/rows.h"
#include "tests/unit/scheduler/world.h"

#include <stdio.h>

enum {
    BRANCHES = 12,
    DECISION_TASKS = 3,
    TEXT_BYTES = 16 * 1024
};

static void define(struct world *world) {
    world_simple(world, "abcd");
    world_workflow(
        world,
        WORKFLOW(S("b") "," TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"inputParameters\":{\"forkTaskName\":\"a\",\"forkTaskInputs\":"
            "\"${workflow.input.n}\"}"
        ) "," TYPED("JOIN", "j", "") "," S("c") "," S("d"))
    );
}

static bytes start(struct world *world, const char *name) {
    const char *list = "0";
    for (int i = 1; i < BRANCHES; i++) {
        list = arena_format(world->arena, "%s,%d", list, i);
    }
    bytes id = world_start(world, name, arena_format(world->arena, "{\"n\":[%s]}", list));
    world_settle(world);
    return id;
}

static void complete_all(struct world *world) {
    static const char *const types[] = {"a", "b", "c", "d"};
    for (bool some = true; some;) {
        some = false;
        for (size_t i = 0; i < 4; i++) {
            bytes task = world_poll(world, types[i]);
            if (task.size > 0) {
                bytes workflow = world_text(world, task, "workflowInstanceId");
                bytes id = world_text(world, task, "taskId");
                world_result_of(world, workflow, id, "COMPLETED", "\"outputData\":{\"x\":1}");
                world_settle(world);
                some = true;
            }
        }
    }
}

static void rerun(struct world *world, bytes id, const char *reference) {
    bytes task = world_text(world, world_task(world, id, reference), "taskId");
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
    );
    assert_ok(world->last);
}

// What there is of it, but for ids and times.
static void sum_up(struct world *world, bytes id, char *out_text) {
    bytes execution = world_get(world, id);
    struct json_iter iter = json_iter(world_at(world, execution, "tasks"));
    bytes task = BYTES_EMPTY;
    int at =
        snprintf(out_text, TEXT_BYTES, "%.*s\n", BYTES_ARG(world_text(world, execution, "status")));
    while (json_next_element(&iter, &task)) {
        at += snprintf(
            out_text + at,
            TEXT_BYTES - (size_t)at,
            "%.*s %.*s seq=%.*s retry=%.*s executed=%.*s out=%.*s\n",
            BYTES_ARG(world_text(world, task, "referenceTaskName")),
            BYTES_ARG(world_text(world, task, "status")),
            BYTES_ARG(world_at(world, task, "seq")),
            BYTES_ARG(world_at(world, task, "retryCount")),
            BYTES_ARG(world_at(world, task, "executed")),
            BYTES_ARG(world_at(world, task, "outputData"))
        );
        assert_true(at < TEXT_BYTES);
    }
}

// From which task, and how far the execution had come.
struct scenario {
    const char *reference;
    bool to_the_end;
};

static const struct scenario SCENARIOS[] = {
    {"b", true},
    {"f", true},
    {"_a_0", true},
    {"_a_7", true},
    {"_a_11", true},
    {"j", true},
    {"c", true},
    {"d", true},
    {"b", false},
    {"f", false},
    {"_a_4", false},
    {"j", false},
};

static void play(const struct scenario *scenario, uint32_t decision_tasks, char *out, char *end) {
    void *state = NULL;
    assert_int_equal(world_setup(&state), 0);
    struct world *world = state;
    world->settings.decision_tasks = decision_tasks;
    define(world);
    bytes id = start(world, "w");
    world_complete(world, id, "b", "{}");
    world_settle(world);
    if (scenario->to_the_end) {
        complete_all(world);
    } else {
        world_complete(world, id, "_a_2", "{\"x\":2}");
        world_fail(world, id, "_a_5", "broken");
        world_settle(world);
    }
    rerun(world, id, scenario->reference);
    world_settle(world);
    sum_up(world, id, out);
    complete_all(world);
    sum_up(world, id, end);
    assert_status(world, id, "COMPLETED");
    assert_int_equal(world_rows(world, 'Q'), 0);
    assert_int_equal(world_teardown(&state), 0);
}

static void cut_or_not_it_comes_out_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(SCENARIOS) / sizeof(SCENARIOS[0]); i++) {
        char whole[TEXT_BYTES];
        char whole_end[TEXT_BYTES];
        char cut[TEXT_BYTES];
        char cut_end[TEXT_BYTES];
        print_message("from %s\n", SCENARIOS[i].reference);
        play(&SCENARIOS[i], 0, whole, whole_end);
        for (uint32_t tasks = 1; tasks <= DECISION_TASKS; tasks++) {
            play(&SCENARIOS[i], tasks, cut, cut_end);
            assert_string_equal(cut, whole);
            assert_string_equal(cut_end, whole_end);
        }
    }
}

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world->settings.decision_tasks = DECISION_TASKS;
    define(world);
    return result;
}

static bytes ended(struct world *world) {
    bytes id = start(world, "w");
    complete_all(world);
    assert_status(world, id, "COMPLETED");
    return id;
}

static void it_takes_several_entries_and_runs_meanwhile(void **state) {
    struct world *world = *state;
    bytes id = ended(world);
    rerun(world, id, "b");
    assert_status(world, id, "RUNNING");
    assert_true(world_rows(world, 'S') > BRANCHES / 2); // most are still to go
    assert_int_equal(world_rows(world, 'Q'), 0);        // and nothing begins before
    world_settle(world);
    assert_int_equal(world_rows(world, 'S'), 1);
    assert_int_equal(world_rows(world, 'Q'), 1);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
}

static void an_end_in_the_middle_of_it_is_an_end(void **state) {
    struct world *world = *state;
    bytes id = ended(world);
    rerun(world, id, "b");
    world_terminate(world, id, "enough");
    world_settle(world);
    assert_status(world, id, "TERMINATED");
    assert_int_equal(world_rows(world, 'Q'), 0);
    rerun(world, id, "b");
    world_settle(world);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
    assert_int_equal(world_rows(world, 'S'), BRANCHES + 5);
}

static void a_pause_in_the_middle_of_it_holds_it(void **state) {
    struct world *world = *state;
    bytes id = ended(world);
    rerun(world, id, "f");
    world_pause(world, id);
    assert_ok(world->last);
    uint64_t rows = world_rows(world, 'S');
    world_settle(world);
    assert_int_equal(world_rows(world, 'S'), rows);
    assert_status(world, id, "PAUSED");
    world_resume(world, id);
    world_settle(world);
    assert_int_equal(world_rows(world, 'Q'), BRANCHES);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
}

static void another_one_in_the_middle_of_it_is_refused(void **state) {
    struct world *world = *state;
    bytes id = ended(world);
    bytes task = world_text(world, world_task(world, id, "c"), "taskId");
    rerun(world, id, "b");
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
    );
    assert_int_equal(world->last.code, ERR_CONFLICT);
    world_settle(world);
    complete_all(world);
    assert_status(world, id, "COMPLETED");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_or_not_it_comes_out_the_same),
        cmocka_unit_test_setup_teardown(
            it_takes_several_entries_and_runs_meanwhile, setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_end_in_the_middle_of_it_is_an_end, setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_pause_in_the_middle_of_it_holds_it, setup, world_teardown
        ),
        cmocka_unit_test_setup_teardown(
            another_one_in_the_middle_of_it_is_refused, setup, world_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
