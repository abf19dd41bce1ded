// engine-cases.md L: INLINE, LAMBDA, JSON_JQ_TRANSFORM; what a decision does with evaluations.
#include "tests/unit/scheduler/world.h"

#define WITH(type, parameters) TYPED(type, "i", ",\"inputParameters\":{" parameters "}")
#define EXPRESSION(text) "\"expression\":\"" text "\",\"a\":1,\"b\":2"

static const struct world_script scripts[] = {
    {"sum", "{\"expression\":\"sum\",\"a\":1,\"b\":2}", EVALUATION_DONE, "3", NULL},
    {"list", NULL, EVALUATION_DONE, "{\"a\":[1]}", NULL},
    {"null", NULL, EVALUATION_DONE, "null", NULL},
    {"wrong", NULL, EVALUATION_FAILED, "Error evaluating the script `x` at line 1", NULL},
    {"for ever",
     NULL,
     EVALUATION_TIMED_OUT,
     "Script not evaluated within 4 seconds, interrupted.",
     NULL},
    {"no room", NULL, EVALUATION_UNAVAILABLE, "no evaluator is free", NULL},
    {".items[].v", NULL, EVALUATION_DONE, "[1,2]", NULL},
    {"empty", NULL, EVALUATION_DONE, "[]", NULL},
    {".a.b", NULL, EVALUATION_FAILED, "Cannot index string with string \"b\"", NULL},
    {"return 1", NULL, EVALUATION_DONE, "{\"t\":true}", NULL},
    {"i1", NULL, EVALUATION_DONE, "1", NULL},
    {"i2", NULL, EVALUATION_DONE, "2", NULL},
    {"i3", NULL, EVALUATION_DONE, "3", NULL},
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world_scripts(world, scripts);
    return result;
}

static bytes run_one(struct world *world, const char *definition) {
    world_workflow(world, definition);
    bytes id = world_start(world, "w", "{}");
    return world_task(world, id, "i");
}

static void assert_failed(struct world *world, bytes task, const char *status, const char *reason) {
    assert_true(bytes_equal_text(world_text(world, task, "status"), status));
    assert_true(bytes_equal_text(world_text(world, task, "reasonForIncompletion"), reason));
    assert_true(bytes_equal_text(world_text(world, task, "outputData.error"), reason));
}

static void case_226_inline_gives_the_value_of_its_script(void **state) {
    struct world *world = *state;
    bytes task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("sum"))));
    assert_at(world, task, "status", "COMPLETED");
    assert_json(world, task, "outputData", "{\"result\":3}");
    task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("list"))));
    assert_json(world, task, "outputData", "{\"result\":{\"a\":[1]}}");
    task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("null"))));
    assert_json(world, task, "outputData", "{\"result\":null}");
    task = run_one(
        world,
        WORKFLOW(WITH("INLINE", "\"evaluatorType\":\"value-param\",\"expression\":\"a\",\"a\":7"))
    );
    assert_json(world, task, "outputData", "{\"result\":7}");
}

static void case_227_a_script_that_is_wrong_is_not_run_again(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"i\",\"retryCount\":3,\"retryDelaySeconds\":0}]");
    bytes task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("wrong"))));
    assert_json(world, task, "retryCount", "0");
    assert_failed(
        world, task, "FAILED_WITH_TERMINAL_ERROR", "Error evaluating the script `x` at line 1"
    );
    assert_int_equal(world->evaluations, 1);
}

static void case_228_inline_without_a_script(void **state) {
    struct world *world = *state;
    assert_failed(
        world,
        run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION(" ")))),
        "FAILED_WITH_TERMINAL_ERROR",
        "Empty 'expression' in Inline task's input parameters. A non-empty String value must be "
        "provided."
    );
    assert_failed(
        world,
        run_one(world, WORKFLOW(WITH("INLINE", "\"evaluatorType\":\"\"," EXPRESSION("sum")))),
        "FAILED_WITH_TERMINAL_ERROR",
        "Empty 'evaluatorType' in INLINE task's input parameters. A non-empty String value must be "
        "provided."
    );
    assert_failed(
        world,
        run_one(world, WORKFLOW(WITH("INLINE", "\"evaluatorType\":\"x\"," EXPRESSION("sum")))),
        "FAILED_WITH_TERMINAL_ERROR",
        "Unknown evaluator 'x' in INLINE task."
    );
}

static void case_229_a_script_over_its_time(void **state) {
    struct world *world = *state;
    assert_failed(
        world,
        run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("for ever")))),
        "FAILED",
        "Script not evaluated within 4 seconds, interrupted."
    );
}

static void a_script_that_could_not_run_may_be_retried(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"i\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    bytes task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("no room"))));
    assert_json(world, task, "retryCount", "1");
    assert_failed(world, task, "FAILED", "no evaluator is free");
}

static void case_230_the_stored_input_is_what_it_was(void **state) {
    struct world *world = *state;
    bytes task = run_one(world, WORKFLOW(WITH("INLINE", EXPRESSION("list"))));
    assert_json(world, task, "inputData", "{\"expression\":\"list\",\"a\":1,\"b\":2}");
}

static void a_script_gets_secrets_that_are_not_stored(void **state) {
    struct world *world = *state;
    world->settings.secrets = BYTES_LITERAL("{\"K\":\"k\"}");
    static const struct world_script sees[] = {
        {"see", "{\"expression\":\"see\",\"s\":\"k\"}", EVALUATION_DONE, "true", NULL},
    };
    world_scripts(world, sees);
    bytes task = run_one(
        world, WORKFLOW(WITH("INLINE", "\"expression\":\"see\",\"s\":\"${workflow.secrets.K}\""))
    );
    assert_json(world, task, "outputData", "{\"result\":true}");
    assert_at(world, task, "inputData.s", "${workflow.secrets.K}");
}

static void case_231_lambda(void **state) {
    struct world *world = *state;
    bytes task = run_one(world, WORKFLOW(WITH("LAMBDA", "\"scriptExpression\":\"return 1\"")));
    assert_json(world, task, "outputData", "{\"result\":{\"t\":true}}");
    world_tasks(world, "[{\"name\":\"i\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    task = run_one(world, WORKFLOW(WITH("LAMBDA", "\"a\":1")));
    assert_json(world, task, "retryCount", "1");
    assert_failed(
        world,
        task,
        "FAILED",
        "Empty 'scriptExpression' in Lambda task's input parameters. A non-empty String value must "
        "be provided."
    );
}

static void case_232_jq_gives_the_first_and_all_outputs(void **state) {
    struct world *world = *state;
    bytes task =
        run_one(world, WORKFLOW(WITH("JSON_JQ_TRANSFORM", "\"queryExpression\":\".items[].v\"")));
    assert_json(world, task, "outputData", "{\"result\":1,\"resultList\":[1,2]}");
    task = run_one(world, WORKFLOW(WITH("JSON_JQ_TRANSFORM", "\"queryExpression\":\"empty\"")));
    assert_json(world, task, "outputData", "{\"result\":null,\"resultList\":[]}");
}

static void case_233_jq_that_fails(void **state) {
    struct world *world = *state;
    assert_failed(
        world,
        run_one(world, WORKFLOW(WITH("JSON_JQ_TRANSFORM", "\"queryExpression\":\".a.b\""))),
        "FAILED",
        "Cannot index string with string \"b\""
    );
    bytes task = run_one(
        world, WORKFLOW(WITH("JSON_JQ_TRANSFORM", "\"queryExpression\":\"${workflow.input.none}\""))
    );
    assert_failed(world, task, "FAILED", "Missing 'queryExpression' in input parameters");
}

static void scripts_side_by_side_are_asked_for_together(void **state) {
    struct world *world = *state;
#define BRANCH(name) \
    "[" TYPED("INLINE", name, ",\"inputParameters\":{\"expression\":\"" name "\"}") "]"
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN", "f", ",\"forkTasks\":[" BRANCH("i1") "," BRANCH("i2") "," BRANCH("i3") "]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"i1\",\"i2\",\"i3\"]"))
    );
    bytes id = world_start(world, "w", "{}");
    assert_status(world, id, "COMPLETED");
    assert_int_equal(world->evaluations, 3);
    assert_int_equal(world->suspensions, 1);
}

static void a_timer_leaves_scripts_to_an_entry_of_its_own(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        WORKFLOW(TYPED("WAIT", "wait", ",\"inputParameters\":{\"duration\":\"1 s\"}") "," WITH(
            "INLINE", EXPRESSION("sum")
        ))
    );
    bytes id = world_start(world, "w", "{}");
    world_advance(world, 1500);
    assert_list(world, id, "wait:COMPLETED i:COMPLETED");
    assert_status(world, id, "COMPLETED");
}

#define script_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        script_test(case_226_inline_gives_the_value_of_its_script),
        script_test(case_227_a_script_that_is_wrong_is_not_run_again),
        script_test(case_228_inline_without_a_script),
        script_test(case_229_a_script_over_its_time),
        script_test(a_script_that_could_not_run_may_be_retried),
        script_test(case_230_the_stored_input_is_what_it_was),
        script_test(a_script_gets_secrets_that_are_not_stored),
        script_test(case_231_lambda),
        script_test(case_232_jq_gives_the_first_and_all_outputs),
        script_test(case_233_jq_that_fails),
        script_test(scripts_side_by_side_are_asked_for_together),
        script_test(a_timer_leaves_scripts_to_an_entry_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
