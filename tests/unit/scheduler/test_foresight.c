// scheduler/foresight.h: which scripts are asked for before the flow reaches them.
#include "tests/unit/scheduler/world.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRIPT(name, text, input)                            \
    TYPED(                                                   \
        "INLINE",                                            \
        name,                                                \
        ",\"inputParameters\":{\"expression\":\"" text "\"," \
        "\"a\":\"" input "\"}"                               \
    )
#define JQ(name, text, input)                                     \
    TYPED(                                                        \
        "JSON_JQ_TRANSFORM",                                      \
        name,                                                     \
        ",\"inputParameters\":{\"queryExpression\":\"" text "\"," \
        "\"a\":\"" input "\"}"                                    \
    )
#define SET(name, value) TYPED("SET_VARIABLE", name, ",\"inputParameters\":{\"v\":\"" value "\"}")
#define CHOICE(name, text, input, branch)                          \
    TYPED(                                                         \
        "SWITCH",                                                  \
        name,                                                      \
        ",\"evaluatorType\":\"javascript\",\"expression\":\"" text \
        "\",\"inputParameters\":{\"a\":"                           \
        "\"" input "\"},\"decisionCases\":{\"hi\":[" branch "]}"   \
    )

static const struct world_script scripts[] = {
    {"one", NULL, EVALUATION_DONE, "1", NULL},
    {"two", NULL, EVALUATION_DONE, "2", NULL},
    {"hi", NULL, EVALUATION_DONE, "\"hi\"", NULL},
    {"list", NULL, EVALUATION_DONE, "[[1,2],3]", NULL},
    {"wrong", NULL, EVALUATION_FAILED, "it is wrong", NULL},
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world_scripts(world, scripts);
    return result;
}

// Runs the definition; how many scripts were run, and how often the decision was given up for them.
static bytes
run(struct world *world, const char *definition, uint64_t scripts_run, uint64_t waits) {
    world_workflow(world, definition);
    world->suspensions = 0; // of the definition, whose scripts were parsed
    bytes id = world_start(world, "w", "{\"n\":5}");
    assert_int_equal(world->evaluations, scripts_run);
    assert_int_equal(world->suspensions, waits);
    return id;
}

static void scripts_that_do_not_need_each_other_are_asked_for_together(void **state) {
    struct world *world = *state;
    bytes id =
        run(world,
            WORKFLOW(SCRIPT("i", "one", "${workflow.input.n}") "," SET(
                "v", "${i.output.result}"
            ) "," JQ("q", "list", "${workflow.input.n}") "," SCRIPT("k", "two", "x")),
            3,
            1);
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_task(world, id, "q"), "outputData.result", "[1,2]");
}

static void what_needs_a_result_waits_for_it(void **state) {
    struct world *world = *state;
    bytes id =
        run(world,
            WORKFLOW(SCRIPT("i", "one", "x") "," SCRIPT("k", "two", "n ${i.output.result}")),
            2,
            2);
    assert_json(world, world_task(world, id, "k"), "inputData.a", "\"n 1\"");
}

// The chain of tests/bench: three waits for six scripts, because what was foreseen is seen by what
// comes behind it.
static void results_that_were_foreseen_stand_for_outputs(void **state) {
    struct world *world = *state;
    bytes id = run(
        world,
        WORKFLOW(
            SCRIPT("i", "one", "${workflow.input.n}") "," JQ("q", "list", "${workflow.input.n}") "," SCRIPT("k", "two", "${i.output.result}") "," CHOICE(
                "s", "hi", "${k.output.result}", SET("v", "${k.output.result}")
            ) "," JQ("r", "list", "${q.output.resultList[1]}") "," SCRIPT("m", "one", "${r.output.result[0]}")
        ),
        6,
        3
    );
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_task(world, id, "r"), "inputData.a", "3");
    assert_json(world, world_task(world, id, "m"), "inputData.a", "1");
}

static void nothing_is_foreseen_behind_a_task_that_waits(void **state) {
    struct world *world = *state;
    bytes id = run(
        world,
        WORKFLOW(SCRIPT("i", "one", "x") "," TYPED("SIMPLE", "t", "") "," SCRIPT("k", "two", "x")),
        1,
        1
    );
    assert_list(world, id, "i:COMPLETED t:SCHEDULED");
}

static void a_branch_that_may_wait_is_no_way_through(void **state) {
    struct world *world = *state;
    (void)run(
        world,
        WORKFLOW(CHOICE("s", "hi", "x", TYPED("SIMPLE", "t", "")) "," SCRIPT("k", "two", "x")),
        1,
        1
    );
}

static void variables_that_are_set_on_the_way_are_waited_for(void **state) {
    struct world *world = *state;
    bytes id =
        run(world,
            WORKFLOW(SCRIPT("i", "one", "x") "," SET("v", "${i.output.result}") "," SCRIPT(
                "k", "two", "${workflow.variables.v} ${workflow.input.n}"
            )),
            2,
            2);
    assert_json(world, world_task(world, id, "k"), "inputData.a", "\"1 5\"");
}

static void an_id_that_is_not_given_yet_is_waited_for(void **state) {
    struct world *world = *state;
    (void
    )run(world, WORKFLOW(SCRIPT("i", "one", "x") "," SCRIPT("k", "two", "${CPEWF_TASK_ID}")), 2, 2);
}

// Two scripts were run, and the flow ended at the first.
static void what_was_foreseen_is_not_done_for_that(void **state) {
    struct world *world = *state;
    bytes id = run(world, WORKFLOW(SCRIPT("i", "wrong", "x") "," SCRIPT("k", "two", "x")), 2, 1);
    assert_status(world, id, "FAILED");
    assert_list(world, id, "i:FAILED_WITH_TERMINAL_ERROR");
}

static void a_large_input_is_not_copied_ahead(void **state) {
    struct world *world = *state;
    world_workflow(
        world, WORKFLOW(SCRIPT("i", "one", "x") "," SCRIPT("k", "two", "${workflow.input.n}"))
    );
    char *input = malloc(LIMIT_FORESIGHT_BYTES + 64);
    assert_non_null(input);
    (void
    )snprintf(input, LIMIT_FORESIGHT_BYTES + 64, "{\"n\":\"%0*d\"}", (int)LIMIT_FORESIGHT_BYTES, 0);
    (void)world_start(world, "w", input);
    free(input);
    assert_int_equal(world->suspensions, 2);
}

#define foresight_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        foresight_test(scripts_that_do_not_need_each_other_are_asked_for_together),
        foresight_test(what_needs_a_result_waits_for_it),
        foresight_test(results_that_were_foreseen_stand_for_outputs),
        foresight_test(nothing_is_foreseen_behind_a_task_that_waits),
        foresight_test(a_branch_that_may_wait_is_no_way_through),
        foresight_test(variables_that_are_set_on_the_way_are_waited_for),
        foresight_test(an_id_that_is_not_given_yet_is_waited_for),
        foresight_test(what_was_foreseen_is_not_done_for_that),
        foresight_test(a_large_input_is_not_copied_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
