// engine-cases.md J: DO_WHILE.
#include "tests/unit/scheduler/world.h"

#define LOOP(condition, body) LOOP_WITH(condition, body, "")
#define LOOP_WITH(condition, body, more) \
    TYPED("DO_WHILE", "l", ",\"loopCondition\":\"" condition "\",\"loopOver\":[" body "]" more)
#define BELOW "$.l['iteration'] < $.n"
#define LIST ",\"items\":\"${workflow.input.list}\""
#define NUMBER ",\"inputParameters\":{\"n\":\"${workflow.input.n}\"}"

static bytes start(struct world *world, const char *definition, const char *input) {
    world_workflow(world, definition);
    return world_start(world, "w", input);
}

// `$.l.iteration < $.n`, worked out as an evaluator would.
static bytes below(struct world *world, bytes input) {
    int64_t iteration = 0;
    int64_t limit = 0;
    assert_true(json_i64(world_at(world, input, "l.iteration"), &iteration));
    assert_true(json_i64(world_at(world, input, "n"), &limit));
    return iteration < limit ? BYTES_LITERAL("true") : BYTES_LITERAL("false");
}

static bytes first_two(struct world *world, bytes input) {
    int64_t index = 0;
    assert_true(json_i64(world_at(world, input, "loopIndex"), &index));
    return index < 1 ? BYTES_LITERAL("true") : BYTES_LITERAL("false");
}

static const struct world_script scripts[] = {
    {BELOW, NULL, EVALUATION_DONE, NULL, below},
    {"no", NULL, EVALUATION_DONE, "false", NULL},
    {"yes", NULL, EVALUATION_DONE, "true", NULL},
    {"0", NULL, EVALUATION_DONE, "0", NULL},
    {"text", NULL, EVALUATION_DONE, "\"true\"", NULL},
    {"null", NULL, EVALUATION_DONE, "null", NULL},
    {"throw", NULL, EVALUATION_FAILED, "why", NULL},
    {"$.loopIndex < 1", NULL, EVALUATION_DONE, NULL, first_two},
    {"$.a.v > 1", "{\"a\":{\"v\":2},\"l\":{\"iteration\":1}}", EVALUATION_DONE, "true", NULL},
    {"$.a.v > 1", "{\"a\":{\"v\":1},\"l\":{\"iteration\":2}}", EVALUATION_DONE, "false", NULL},
    {"f($)",
     "{\"l\":{\"1\":{\"a\":{\"v\":2},\"b\":{}},\"iteration\":1},\"a\":{\"v\":2},\"b\":{}}",
     EVALUATION_DONE,
     "false",
     NULL},
    {"$.l['1'].a.v",
     "{\"l\":{\"1\":{\"a\":{\"v\":2}},\"iteration\":1}}",
     EVALUATION_DONE,
     "0",
     NULL},
    {"1", NULL, EVALUATION_DONE, "1", NULL},
    {"$.v < 2", "{\"v\":1,\"l\":{\"iteration\":1}}", EVALUATION_DONE, "true", NULL},
    {"$.v < 2", "{\"v\":2,\"l\":{\"iteration\":2}}", EVALUATION_DONE, "false", NULL},
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world_scripts(world, scripts);
    world_simple(world, "abcxy");
    return result;
}

static void case_176_two_iterations(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP_WITH(BELOW, S("a"), NUMBER) "," S("b")), "{\"n\":2}");
    assert_list(world, id, "l:IN_PROGRESS a__1:SCHEDULED");
    bytes first = world_task(world, id, "a__1");
    assert_json(world, first, "iteration", "1");
    assert_json(world, first, "loopOverTask", "true");
    world_complete(world, id, "a__1", "{\"v\":1}");
    assert_list(world, id, "l:IN_PROGRESS a__1:COMPLETED a__2:SCHEDULED");
    assert_json(world, world_task(world, id, "l"), "iteration", "2");
    world_complete(world, id, "a__2", "{\"v\":2}");
    assert_list(world, id, "l:COMPLETED a__1:COMPLETED a__2:COMPLETED b:SCHEDULED");
    assert_json(
        world,
        world_task(world, id, "l"),
        "outputData",
        "{\"1\":{\"a\":{\"v\":1}},\"2\":{\"a\":{\"v\":2}},\"iteration\":2}"
    );
}

static void case_177_one_iteration_at_least(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP("no", S("a"))), "{}");
    world_complete(world, id, "a__1", "{}");
    assert_status(world, id, "COMPLETED");
    assert_list(world, id, "l:COMPLETED a__1:COMPLETED");
}

static void ends_after_one(struct world *world, const char *definition) {
    bytes id = start(world, definition, "{}");
    world_complete(world, id, "a__1", "{}");
    assert_list(world, id, "l:COMPLETED a__1:COMPLETED");
}

static void case_178_what_counts_as_true(void **state) {
    struct world *world = *state;
    ends_after_one(world, WORKFLOW(LOOP("0", S("a"))));
    ends_after_one(world, WORKFLOW(LOOP("text", S("a"))));
    ends_after_one(world, WORKFLOW(LOOP("null", S("a"))));
    bytes id = start(world, WORKFLOW(LOOP("1", S("a"))), "{}");
    world_complete(world, id, "a__1", "{}");
    assert_list(world, id, "l:IN_PROGRESS a__1:COMPLETED a__2:SCHEDULED");
}

static void case_179_a_condition_that_throws(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP("throw", S("a"))), "{}");
    world_complete(world, id, "a__1", "{\"v\":1}");
    assert_list(world, id, "l:FAILED_WITH_TERMINAL_ERROR a__1:COMPLETED");
    assert_at(
        world,
        world_task(world, id, "l"),
        "reasonForIncompletion",
        "Unable to evaluate condition throw, exception why"
    );
    assert_json(
        world, world_task(world, id, "l"), "outputData", "{\"1\":{\"a\":{\"v\":1}},\"iteration\":1}"
    );
    assert_status(world, id, "FAILED");
}

static void case_180_what_a_condition_sees(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP("$.a.v > 1", S("a"))), "{}");
    world_complete(world, id, "a__1", "{\"v\":2}");
    world_complete(world, id, "a__2", "{\"v\":1}");
    assert_status(world, id, "COMPLETED");
    id = start(world, WORKFLOW(LOOP("f($)", S("a") "," S("b"))), "{}");
    world_complete(world, id, "a__1", "{\"v\":2}");
    world_complete(world, id, "b__1", "{}");
    assert_status(world, id, "COMPLETED");
    id = start(world, WORKFLOW(LOOP("$.l['1'].a.v", S("a"))), "{}");
    world_complete(world, id, "a__1", "{\"v\":2}");
    assert_status(world, id, "COMPLETED");
}

static void case_181_the_condition_waits_for_the_whole_body(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP("no", S("a") "," S("b"))), "{}");
    world_complete(world, id, "a__1", "{}");
    assert_list(world, id, "l:IN_PROGRESS a__1:COMPLETED b__1:SCHEDULED");
    assert_int_equal(world->evaluations, 0);
    world_complete(world, id, "b__1", "{}");
    assert_int_equal(world->evaluations, 1);
    assert_status(world, id, "COMPLETED");
}

static void case_182_a_switch_in_the_body(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW,
            TYPED(
                "SWITCH",
                "s",
                ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{"
                "\"p\":\"A\"},\"decisionCases\":{\"A\":[" S("a") "]}"
            ),
            NUMBER
        )),
        "{\"n\":2}"
    );
    assert_list(world, id, "l:IN_PROGRESS s__1:COMPLETED a__1:SCHEDULED");
    world_complete(world, id, "a__1", "{}");
    assert_list(
        world, id, "l:IN_PROGRESS s__1:COMPLETED a__1:COMPLETED s__2:COMPLETED a__2:SCHEDULED"
    );
    world_complete(world, id, "a__2", "{}");
    assert_status(world, id, "COMPLETED");
    assert_at(world, world_task(world, id, "l"), "outputData.2.s.selectedCase", "A");
}

static void case_183_a_fork_in_the_body(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP(
            "no",
            TYPED("FORK_JOIN", "f", ",\"forkTasks\":[[" S("x") "],[" S("y") "]]") "," TYPED(
                "JOIN", "j", ",\"joinOn\":[\"x\",\"y\"]"
            )
        )),
        "{}"
    );
    assert_list(
        world, id, "l:IN_PROGRESS f__1:COMPLETED x__1:SCHEDULED y__1:SCHEDULED j__1:IN_PROGRESS"
    );
    world_complete(world, id, "x__1", "{\"v\":1}");
    world_complete(world, id, "y__1", "{\"v\":2}");
    assert_json(
        world,
        world_task(world, id, "j__1"),
        "outputData",
        "{\"x__1\":{\"v\":1},\"y__1\":{\"v\":2}}"
    );
    assert_json(world, world_task(world, id, "j__1"), "inputData", "{\"joinOn\":[\"x\",\"y\"]}");
    assert_json(
        world,
        world_task(world, id, "l"),
        "outputData.1",
        "{\"f\":{},\"x\":{\"v\":1},\"y\":{\"v\":2},\"j\":{\"x__1\":{\"v\":1},\"y__1\":{\"v\":2}}}"
    );
    assert_status(world, id, "COMPLETED");
}

static void case_184_a_failure_in_the_body_names_the_task(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP_WITH(BELOW, S("a"), NUMBER)), "{\"n\":3}");
    world_complete(world, id, "a__1", "{\"v\":1}");
    world_fail(world, id, "a__2", "x");
    assert_list(world, id, "l:CANCELED a__1:COMPLETED a__2:FAILED");
    bytes task = world_text(world, world_task(world, id, "a__2"), "taskId");
    bytes reason = world_text(world, world_get(world, id), "reasonForIncompletion");
    assert_true(bytes_equal_text(
        reason,
        arena_format(
            world->arena, "Task %.*s failed with status: FAILED and reason: 'x'", BYTES_ARG(task)
        )
    ));
    assert_json(
        world, world_task(world, id, "l"), "outputData", "{\"1\":{\"a\":{\"v\":1}},\"iteration\":2}"
    );
}

static void case_185_a_retry_in_the_body(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    bytes id = start(world, WORKFLOW(LOOP("no", S("a"))), "{}");
    world_result(world, id, "a__1", "FAILED", "\"outputData\":{\"v\":0}");
    assert_list(world, id, "l:IN_PROGRESS a__1:FAILED a__1#1:SCHEDULED");
    world_complete(world, id, "a__1", "{\"v\":1}");
    assert_status(world, id, "COMPLETED");
    assert_json(
        world, world_task(world, id, "l"), "outputData", "{\"1\":{\"a\":{\"v\":1}},\"iteration\":1}"
    );
}

// engine.md §5.4: a loop that is retried goes on in its iteration.
static void a_retried_loop_goes_on_in_its_iteration(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(world, WORKFLOW(LOOP_WITH(BELOW, S("a"), NUMBER)), "{\"n\":3}");
    world_complete(world, id, "a__1", "{}");
    world_fail(world, id, "a__2", "x");
    assert_status(world, id, "FAILED");
    world_retry(world, id);
    assert_ok(world->last);
    assert_at(world, world_task(world, id, "l"), "status", "IN_PROGRESS");
    assert_at(world, world_task(world, id, "a__2"), "status", "SCHEDULED");
    world_complete(world, id, "a__2", "{}");
    world_complete(world, id, "a__3", "{}");
    assert_status(world, id, "COMPLETED");
}

// engine.md §5.7: a loop that is rerun begins at its first iteration; a task of it, at that task.
static void a_rerun_reaches_loops_and_what_is_in_them(void **state) {
    struct world *world = *state;
    world_simple(world, "az");
    bytes id = start(world, WORKFLOW(LOOP_WITH(BELOW, S("a"), NUMBER) "," S("z")), "{\"n\":2}");
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "a__2", "{}");
    world_fail(world, id, "z", "x");
    static const char *const references[] = {"a__2", "a__1", "l"};
    for (size_t i = 0; i < 3; i++) {
        bytes task = world_text(world, world_task(world, id, references[i]), "taskId");
        world_rerun(
            world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
        );
        assert_ok(world->last);
        assert_at(world, world_task(world, id, "l"), "status", "IN_PROGRESS");
        if (i > 0) {
            assert_null(world_task(world, id, "a__2").data);
            assert_at(world, world_task(world, id, "l"), "outputData.iteration", "1");
            world_complete(world, id, "a__1", "{}");
        }
        world_complete(world, id, "a__2", "{}");
        assert_at(world, world_task(world, id, "z"), "status", "SCHEDULED");
        world_fail(world, id, "z", "x");
    }
}

static void case_186_an_optional_failure_goes_on(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(LOOP_WITH(BELOW, S_WITH("a", ",\"optional\":true"), NUMBER)), "{\"n\":2}"
    );
    world_fail(world, id, "a__1", "x");
    assert_list(world, id, "l:IN_PROGRESS a__1:COMPLETED_WITH_ERRORS a__2:SCHEDULED");
}

static void a_permissive_failure_fails_the_loop(void **state) {
    struct world *world = *state;
    bytes id =
        start(world, WORKFLOW(LOOP("yes", S_WITH("a", ",\"permissive\":true") "," S("b"))), "{}");
    world_fail(world, id, "a__1", "x");
    bytes loop = world_task(world, id, "l");
    assert_at(world, loop, "status", "FAILED");
    assert_at(world, loop, "reasonForIncompletion", "x ");
    assert_status(world, id, "FAILED");
}

static void case_187_a_loop_of_scripts(void **state) {
    struct world *world = *state;
    static const struct world_script inlines[] = {
        {BELOW, NULL, EVALUATION_DONE, NULL, below},
        {"7", NULL, EVALUATION_DONE, "7", NULL},
    };
    world_scripts(world, inlines);
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW, TYPED("INLINE", "i", ",\"inputParameters\":{\"expression\":\"7\"}"), NUMBER
        )),
        "{\"n\":100}"
    );
    world_settle(world);
    assert_status(world, id, "COMPLETED");
    bytes loop = world_task(world, id, "l");
    assert_json(world, loop, "outputData.iteration", "100");
    assert_json(world, loop, "outputData.100", "{\"i\":{\"result\":7}}");
    assert_int_equal(json_count(world_at(world, world_get(world, id), "tasks")), 101);
    // What a condition does not ask for is not sent: the input does not grow with the loop.
    assert_true(world->evaluated_bytes < (uint64_t)200 * 100);
}

static void case_188_a_loop_over_a_list(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            "yes",
            S_WITH(
                "a",
                ",\"inputParameters\":{\"item\":\"${l.output.loopItem}\",\"index\":"
                "\"${l.output.loopIndex}\"}"
            ),
            LIST
        )),
        "{\"list\":[\"x\",\"y\"]}"
    );
    assert_json(world, world_task(world, id, "a__1"), "inputData", "{\"item\":\"x\",\"index\":0}");
    world_complete(world, id, "a__1", "{}");
    assert_json(world, world_task(world, id, "a__2"), "inputData", "{\"item\":\"y\",\"index\":1}");
    world_complete(world, id, "a__2", "{}");
    assert_status(world, id, "COMPLETED");
    assert_json(
        world,
        world_task(world, id, "l"),
        "outputData",
        "{\"1\":{\"a\":{}},\"2\":{\"a\":{}},\"iteration\":2,\"loopIndex\":1,\"loopItem\":\"y\"}"
    );
}

static void case_189_an_empty_list(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(LOOP_WITH("yes", S("a"), LIST)), "{\"list\":[]}");
    assert_list(world, id, "l:COMPLETED");
    assert_json(world, world_task(world, id, "l"), "outputData", "{\"iteration\":0}");
    assert_status(world, id, "COMPLETED");
}

static void case_190_list_and_condition(void **state) {
    struct world *world = *state;
    bytes id =
        start(world, WORKFLOW(LOOP_WITH("$.loopIndex < 1", S("a"), LIST)), "{\"list\":[1,2,3]}");
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "a__2", "{}");
    assert_list(world, id, "l:COMPLETED a__1:COMPLETED a__2:COMPLETED");
}

static void case_191_items_among_the_parameters(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(
            LOOP_WITH("yes", S("a"), ",\"inputParameters\":{\"_items\":\"${workflow.input.list}\"}")
        ),
        "{\"list\":[1,2]}"
    );
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "a__2", "{}");
    assert_status(world, id, "COMPLETED");
    id = world_start(world, "w", "{\"list\":\"one\"}");
    world_complete(world, id, "a__1", "{}");
    assert_status(world, id, "COMPLETED");
    assert_at(world, world_task(world, id, "l"), "outputData.loopItem", "one");
}

static void case_192_only_the_last_iterations_are_kept(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW, S("a"), ",\"inputParameters\":{\"n\":\"${workflow.input.n}\",\"keepLastN\":2}"
        )),
        "{\"n\":5}"
    );
    for (int i = 1; i <= 5; i++) {
        world_complete(world, id, arena_format(world->arena, "a__%d", i), "{\"v\":1}");
    }
    assert_list(world, id, "l:COMPLETED a__4:COMPLETED a__5:COMPLETED");
    assert_json(
        world,
        world_task(world, id, "l"),
        "outputData",
        "{\"4\":{\"a\":{\"v\":1}},\"5\":{\"a\":{\"v\":1}},\"iteration\":5}"
    );
    assert_status(world, id, "COMPLETED");
}

// engine.md §16, 22: a text of digits is as good as a number.
static void w22_keep_last_n_as_text(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW,
            S("a"),
            ",\"inputParameters\":{\"n\":\"${workflow.input.n}\",\"keepLastN\":"
            "\"${workflow.input.keep}\"}"
        )),
        "{\"n\":3,\"keep\":\"1\"}"
    );
    world_fail(world, id, "a__1", "x");
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "a__2", "{}");
    world_complete(world, id, "a__3", "{}");
    assert_list(world, id, "l:COMPLETED a__3:COMPLETED");
}

// Found by simulation: the output that an execution failed with is that of a task, which the loop
// drops once the execution goes on.
static void the_output_of_a_failed_run_is_there_while_its_retry_goes_on(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW, S("a"), ",\"inputParameters\":{\"n\":\"${workflow.input.n}\",\"keepLastN\":1}"
        )),
        "{\"n\":4}"
    );
    world_complete(world, id, "a__1", "{}");
    world_result(world, id, "a__2", "FAILED", "\"outputData\":{\"v\":7}");
    assert_status(world, id, "FAILED");
    world_retry(world, id);
    assert_ok(world->last);
    world_complete(world, id, "a__2", "{}");
    world_complete(world, id, "a__3", "{}");
    assert_list(world, id, "l:IN_PROGRESS a__3:COMPLETED a__4:SCHEDULED");
    assert_json(world, world_get_status(world, id, true, false), "output", "{\"v\":7}");
    world_complete(world, id, "a__4", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_193_a_condition_sees_fresh_variables(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            "$.v < 2",
            S("a"
            ) "," TYPED("SET_VARIABLE", "set", ",\"inputParameters\":{\"i\":\"${a.output.i}\"}"),
            ",\"inputParameters\":{\"v\":\"${workflow.variables.i}\"}"
        )),
        "{}"
    );
    world_complete(world, id, "a__1", "{\"i\":1}");
    world_complete(world, id, "a__2", "{\"i\":2}");
    assert_status(world, id, "COMPLETED");
}

static void case_194_a_child_for_each_iteration(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("c") "]}");
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW, TYPED("SUB_WORKFLOW", "s", ",\"subWorkflowParam\":{\"name\":\"child\"}"), NUMBER
        )),
        "{\"n\":2}"
    );
    world_settle(world);
    bytes first = world_text(world, world_task(world, id, "s__1"), "subWorkflowId");
    world_complete(world, first, "c", "{}");
    world_settle(world);
    bytes second = world_text(world, world_task(world, id, "s__2"), "subWorkflowId");
    assert_false(bytes_equal(first, second));
    world_complete(world, second, "c", "{}");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
}

static void case_195_terminate_in_a_loop(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP(
            "yes",
            S("a") "," TYPED(
                "TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"COMPLETED\"}"
            )
        )),
        "{}"
    );
    world_complete(world, id, "a__1", "{}");
    assert_list(world, id, "l:CANCELED a__1:COMPLETED t__1:COMPLETED");
    assert_status(world, id, "COMPLETED");
}

static void case_196_the_output_of_a_loop_can_be_read(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(BELOW, S("a"), NUMBER) "," S_WITH(
            "b",
            ",\"inputParameters\":{\"n\":\"${l.output.iteration}\",\"v\":"
            "\"${l.output['2'].a.v}\",\"a\":\"${a.output.v}\"}"
        )),
        "{\"n\":2}"
    );
    world_complete(world, id, "a__1", "{\"v\":1}");
    world_complete(world, id, "a__2", "{\"v\":2}");
    assert_json(world, world_task(world, id, "b"), "inputData", "{\"n\":2,\"v\":2,\"a\":2}");
}

// A task that has not run yet in this iteration means the one before.
static void the_newest_iteration_answers_for_a_reference(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW,
            S_WITH("a", ",\"inputParameters\":{\"last\":\"${b.output.v}\"}") "," S("b"),
            NUMBER
        )),
        "{\"n\":2}"
    );
    assert_json(world, world_task(world, id, "a__1"), "inputData", "{\"last\":null}");
    world_complete(world, id, "a__1", "{}");
    world_complete(world, id, "b__1", "{\"v\":7}");
    assert_json(world, world_task(world, id, "a__2"), "inputData", "{\"last\":7}");
}

// Ours: the reference's children of an inner loop clash from the second outer iteration on.
static void loops_in_loops(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(LOOP_WITH(
            BELOW,
            TYPED("DO_WHILE", "m", ",\"loopCondition\":\"no\",\"loopOver\":[" S("a") "]"),
            NUMBER
        )),
        "{\"n\":2}"
    );
    assert_list(world, id, "l:IN_PROGRESS m__1:IN_PROGRESS a__1__1:SCHEDULED");
    world_complete(world, id, "a__1__1", "{\"v\":1}");
    assert_list(
        world,
        id,
        "l:IN_PROGRESS m__1:COMPLETED a__1__1:COMPLETED m__2:IN_PROGRESS a__2__1:SCHEDULED"
    );
    world_complete(world, id, "a__2__1", "{\"v\":2}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_task(world, id, "l"), "outputData.2.m.1", "{\"a\":{\"v\":2}}");
}

// Found by the simulator, seed 12000: the outer loop took the inner one's count for its own.
static void a_rerun_from_a_loop_in_a_loop_goes_on_in_the_outer_iteration(void **state) {
    struct world *world = *state;
    static const char *const targets[] = {"m__2", "a__2__1", "a__1__1"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        bytes id = start(
            world,
            WORKFLOW(LOOP_WITH(
                BELOW,
                TYPED("DO_WHILE", "m", ",\"loopCondition\":\"no\",\"loopOver\":[" S("a") "]"),
                NUMBER
            )),
            "{\"n\":3}"
        );
        world_complete(world, id, "a__1__1", "{\"v\":1}");
        world_complete(world, id, "a__2__1", "{\"v\":2}");
        world_fail(world, id, "a__3__1", "broken");
        assert_status(world, id, "FAILED");
        bytes task = world_text(world, world_task(world, id, targets[i]), "taskId");
        world_rerun(
            world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
        );
        assert_ok(world->last);
        int from = i < 2 ? 2 : 1;
        for (int iteration = from; iteration <= 3; iteration++) {
            const char *number = arena_format(world->arena, "%d", iteration);
            bytes loop = world_task(world, id, "l");
            assert_true(bytes_equal_text(world_text(world, loop, "iteration"), number));
            const char *reference = arena_format(world->arena, "a__%d__1", iteration);
            assert_at(world, world_task(world, id, reference), "status", "SCHEDULED");
            world_complete(world, id, reference, "{\"v\":5}");
        }
        assert_status(world, id, "COMPLETED");
    }
}

// What followed is gone; a condition sees what its iteration gave, not that there was a later one.
static void a_rerun_of_an_earlier_iteration_is_what_a_condition_sees(void **state) {
    struct world *world = *state;
    world_simple(world, "az");
    bytes id = start(world, WORKFLOW(LOOP("$.a.v > 1", S("a")) "," S("z")), "{}");
    world_complete(world, id, "a__1", "{\"v\":2}");
    world_complete(world, id, "a__2", "{\"v\":1}");
    world_fail(world, id, "z", "x");
    bytes task = world_text(world, world_task(world, id, "a__1"), "taskId");
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(task))
    );
    assert_ok(world->last);
    world_complete(world, id, "a__1", "{\"v\":2}");
    assert_at(world, world_task(world, id, "a__2"), "status", "SCHEDULED");
}

// A retry opens the loop again, and what could not be begun in it is tried again, too.
static void a_retry_begins_an_iteration_that_has_no_task(void **state) {
    struct world *world = *state;
    const char *definition = WORKFLOW(LOOP(
        "no",
        TYPED(
            "DYNAMIC",
            "a",
            ",\"dynamicTaskNameParam\":\"t\",\"inputParameters\":{\"t\":\"${workflow.input.t}\"}"
        )
    ));
    bytes id = start(world, definition, "{}");
    assert_status(world, id, "FAILED");
    assert_list(world, id, "l:CANCELED");
    world_retry(world, id);
    assert_status(world, id, "FAILED");
    world_audit(world);
}

#define loop_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        loop_test(case_176_two_iterations),
        loop_test(case_177_one_iteration_at_least),
        loop_test(case_178_what_counts_as_true),
        loop_test(case_179_a_condition_that_throws),
        loop_test(case_180_what_a_condition_sees),
        loop_test(case_181_the_condition_waits_for_the_whole_body),
        loop_test(case_182_a_switch_in_the_body),
        loop_test(case_183_a_fork_in_the_body),
        loop_test(case_184_a_failure_in_the_body_names_the_task),
        loop_test(case_185_a_retry_in_the_body),
        loop_test(a_retried_loop_goes_on_in_its_iteration),
        loop_test(a_rerun_reaches_loops_and_what_is_in_them),
        loop_test(case_186_an_optional_failure_goes_on),
        loop_test(a_permissive_failure_fails_the_loop),
        loop_test(case_187_a_loop_of_scripts),
        loop_test(case_188_a_loop_over_a_list),
        loop_test(case_189_an_empty_list),
        loop_test(case_190_list_and_condition),
        loop_test(case_191_items_among_the_parameters),
        loop_test(case_192_only_the_last_iterations_are_kept),
        loop_test(w22_keep_last_n_as_text),
        loop_test(the_output_of_a_failed_run_is_there_while_its_retry_goes_on),
        loop_test(case_193_a_condition_sees_fresh_variables),
        loop_test(case_194_a_child_for_each_iteration),
        loop_test(case_195_terminate_in_a_loop),
        loop_test(case_196_the_output_of_a_loop_can_be_read),
        loop_test(the_newest_iteration_answers_for_a_reference),
        loop_test(loops_in_loops),
        loop_test(a_rerun_from_a_loop_in_a_loop_goes_on_in_the_outer_iteration),
        loop_test(a_rerun_of_an_earlier_iteration_is_what_a_condition_sees),
        loop_test(a_retry_begins_an_iteration_that_has_no_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
