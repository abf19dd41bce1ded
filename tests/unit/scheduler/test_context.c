// engine-cases.md F: expressions that need an execution. The language itself is tested in
// tests/unit/scheduler_expression.
#include "tests/unit/scheduler/world.h"

#define WITH_INPUT(name, input) S_WITH(name, ",\"inputParameters\":" input)

// The worker sees the secret; nothing that is stored does.
static void case_122_and_123_a_worker_gets_secrets(void **state) {
    struct world *world = *state;
    world->settings.secrets =
        BYTES_LITERAL("{\"K\":\"open sesame\",\"J\":\"{\\\"user\\\":{\\\"name\\\":\\\"ada\\\"}}\"}"
        );
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW(WITH_INPUT(
            "a",
            "{\"k\":\"${workflow.secrets.K}\",\"deep\":[\"in ${workflow.secrets.K}\"],\"name\":"
            "\"${workflow.secrets.J.user.name}\",\"none\":\"${workflow.secrets.X}\",\"n\":"
            "\"${workflow.input.n}\"}"
        ))
    );
    bytes id = world_start(world, "w", "{\"n\":\"${workflow.secrets.K}\"}");
    bytes task = world_poll(world, "a");
    assert_at(world, task, "inputData.k", "open sesame");
    assert_json(world, task, "inputData.deep", "[\"in open sesame\"]");
    assert_at(world, task, "inputData.name", "ada");
    assert_at(world, task, "inputData.none", "null");
    bytes stored = world_task(world, id, "a");
    assert_at(world, stored, "inputData.k", "${workflow.secrets.K}");
    assert_at(world, stored, "inputData.name", "${workflow.secrets.J.user.name}");
}

// In the reference a secret that is put into a variable is stored (engine.md §16, 31).
static void w31_a_variable_keeps_the_name_of_a_secret(void **state) {
    struct world *world = *state;
    world->settings.secrets = BYTES_LITERAL("{\"K\":\"open sesame\"}");
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED(
                "SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":\"${workflow.secrets.K}\"}"
            ) "," WITH_INPUT("a", "{\"x\":\"${workflow.variables.x}\"}"),
            ",\"outputParameters\":{\"x\":\"${workflow.secrets.K}\"}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    assert_at(world, world_get(world, id), "variables.x", "${workflow.secrets.K}");
    assert_at(world, world_poll(world, "a"), "inputData.x", "open sesame");
    world_complete(world, id, "a", "{}");
    assert_at(world, world_get(world, id), "output.x", "${workflow.secrets.K}");
}

static void case_124_the_environment_is_read_at_scheduling(void **state) {
    struct world *world = *state;
    world->settings.environment = BYTES_LITERAL("{\"E\":\"1\"}");
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW(WITH_INPUT("a", "{\"e\":\"${workflow.env.E}\",\"f\":\"${workflow.env.F}\"}"))
    );
    bytes id = world_start(world, "w", "{}");
    assert_json(world, world_task(world, id, "a"), "inputData", "{\"e\":\"1\",\"f\":null}");
}

static void case_125_a_template_fills_what_is_absent_or_null(void **state) {
    struct world *world = *state;
    world_tasks(
        world, "[{\"name\":\"a\",\"inputTemplate\":{\"a\":\"${workflow.input.a}\",\"b\":1}}]"
    );
    world_workflow(world, WORKFLOW(WITH_INPUT("a", "{\"b\":null,\"c\":2}")));
    bytes id = world_start(world, "w", "{\"a\":\"x\"}");
    assert_json(world, world_task(world, id, "a"), "inputData", "{\"a\":\"x\",\"b\":1,\"c\":2}");
    // What became null gets the template's text as it is.
    world_workflow(world, WORKFLOW(WITH_INPUT("a", "{\"a\":\"${workflow.input.none}\"}")));
    id = world_start(world, "w", "{\"a\":\"x\"}");
    assert_json(
        world, world_task(world, id, "a"), "inputData", "{\"a\":\"${workflow.input.a}\",\"b\":1}"
    );
}

static void case_126_some_types_know_no_template(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"s\",\"inputTemplate\":{\"b\":1}},{\"name\":\"c\",\"inputTemplate\":{\"b\":1}}"
        "]"
    );
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"child\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "SWITCH",
            "s",
            ",\"evaluatorType\":\"value-param\",\"expression\":\"b\",\"decisionCases\":{\"1\":[" S(
                "a"
            ) "]}"
        ) "," TYPED("SUB_WORKFLOW", "c", ",\"subWorkflowParam\":{\"name\":\"child\"}"))
    );
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "s:COMPLETED c:IN_PROGRESS");
    assert_json(world, world_task(world, id, "s"), "inputData", "{\"case\":\"null\"}");
    assert_json(world, world_task(world, id, "c"), "inputData.workflowInput", "{}");
    assert_true(json_is_null(world_at(world, world_task(world, id, "c"), "inputData.b")));
}

static void case_127_in_a_loop_the_newest_instance_answers(void **state) {
    struct world *world = *state;
    static const struct world_script scripts[] = {
        {"$.l.iteration<2", "{\"l\":{\"iteration\":1}}", EVALUATION_DONE, "true", NULL},
        {"$.l.iteration<2", "{\"l\":{\"iteration\":2}}", EVALUATION_DONE, "false", NULL},
    };
    world_scripts(world, scripts);
    world_simple(world, "abcd");
    world_workflow(
        world,
        WORKFLOW(TYPED(
            "DO_WHILE",
            "l",
            ",\"loopCondition\":\"$.l.iteration<2\",\"loopOver\":[" S("a") "," WITH_INPUT(
                "b", "{\"earlier\":\"${a.output.x}\",\"later\":\"${c.output.x}\"}"
            ) "," S("c") "]"
        ) "," WITH_INPUT("d", "{\"last\":\"${a.output.x}\"}"))
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a__1", "{\"x\":\"a1\"}");
    assert_json(
        world, world_task(world, id, "b__1"), "inputData", "{\"earlier\":\"a1\",\"later\":null}"
    );
    world_complete(world, id, "b__1", "{}");
    world_complete(world, id, "c__1", "{\"x\":\"c1\"}");
    world_complete(world, id, "a__2", "{\"x\":\"a2\"}");
    assert_json(
        world, world_task(world, id, "b__2"), "inputData", "{\"earlier\":\"a2\",\"later\":\"c1\"}"
    );
    world_complete(world, id, "b__2", "{}");
    world_complete(world, id, "c__2", "{\"x\":\"c2\"}");
    assert_json(world, world_task(world, id, "d"), "inputData", "{\"last\":\"a2\"}");
}

static void case_128_the_newest_attempt_answers(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":1,\"retryDelaySeconds\":0}]");
    world_simple(world, "b");
    world_workflow(
        world,
        WORKFLOW(S("a") "," WITH_INPUT(
            "b",
            "{\"v\":\"${a.output.v}\",\"s\":\"${a.status}\",\"n\":\"${a.retryCount}\",\"id\":\"${a."
            "taskId}\"}"
        ))
    );
    bytes id = world_start(world, "w", "{}");
    world_result(
        world, id, "a", "FAILED", "\"reasonForIncompletion\":\"x\",\"outputData\":{\"v\":1}"
    );
    world_complete(world, id, "a", "{\"v\":2}");
    bytes input = world_at(world, world_task(world, id, "b"), "inputData");
    assert_at(world, input, "v", "2");
    assert_at(world, input, "s", "COMPLETED");
    assert_at(world, input, "n", "1");
    bytes newest = world_text(world, world_attempt(world, id, "a", 1), "taskId");
    assert_true(bytes_equal(world_text(world, input, "id"), newest));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_122_and_123_a_worker_gets_secrets),
        world_test(w31_a_variable_keeps_the_name_of_a_secret),
        world_test(case_124_the_environment_is_read_at_scheduling),
        world_test(case_125_a_template_fills_what_is_absent_or_null),
        world_test(case_126_some_types_know_no_template),
        world_test(case_127_in_a_loop_the_newest_instance_answers),
        world_test(case_128_the_newest_attempt_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
