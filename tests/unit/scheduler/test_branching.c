// engine-cases.md I: SWITCH by script, DECISION, EXCLUSIVE_JOIN; K: START_WORKFLOW.
#include "tests/unit/scheduler/world.h"

#define SCRIPT_SWITCH(script, more)                                                                \
    TYPED(                                                                                         \
        "SWITCH",                                                                                  \
        "s",                                                                                       \
        ",\"evaluatorType\":\"javascript\",\"expression\":\"" script                               \
        "\",\"inputParameters\":{\"a\":5},\"decisionCases\":{\"hi\":[" S("a") "],\"true\":[" S("b" \
        ) "],\"1\":[" S("c") "]}" more                                                             \
    )
#define DECISION(more, cases, default_case)                                                   \
    TYPED(                                                                                    \
        "DECISION",                                                                           \
        "d",                                                                                  \
        more ",\"inputParameters\":{\"p\":\"${workflow.input.p}\"},\"decisionCases\":{" cases \
             "},\"defaultCase\":[" default_case "]"                                           \
    )
#define BY_VALUE ",\"caseValueParam\":\"p\""
#define EXCLUSIVE(more) TYPED("EXCLUSIVE_JOIN", "ej", more)
#define CHOICE                                                                                \
    TYPED(                                                                                    \
        "SWITCH",                                                                             \
        "s",                                                                                  \
        ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{\"p\":" \
        "\"${workflow.input.p}\"},\"decisionCases\":{\"A\":[" S("a") "],\"B\":[" S("b") "]}"  \
    )

static const struct world_script scripts[] = {
    {"hi", "{\"a\":5}", EVALUATION_DONE, "\"hi\"", NULL},
    {"yes", "{\"a\":5}", EVALUATION_DONE, "true", NULL},
    {"one", "{\"a\":5}", EVALUATION_DONE, "1", NULL},
    {"half", "{\"a\":5}", EVALUATION_DONE, "1.5", NULL},
    {"throw", NULL, EVALUATION_FAILED, "Error evaluating the script `x` at line 1", NULL},
    {"A?", NULL, EVALUATION_DONE, "\"A\"", NULL},
};

static int setup(void **state) {
    int result = world_setup(state);
    struct world *world = *state;
    world_scripts(world, scripts);
    world_simple(world, "abc");
    return result;
}

static bytes start(struct world *world, const char *definition, const char *input) {
    world_workflow(world, definition);
    return world_start(world, "w", input);
}

static void case_166_a_script_chooses(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(SCRIPT_SWITCH("hi", "")), "{}");
    assert_list(world, id, "s:COMPLETED a:SCHEDULED");
    assert_json(
        world,
        world_task(world, id, "s"),
        "outputData",
        "{\"evaluationResult\":[\"hi\"],\"selectedCase\":\"hi\"}"
    );
    id = start(world, WORKFLOW(SCRIPT_SWITCH("yes", "")), "{}");
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
    id = start(world, WORKFLOW(SCRIPT_SWITCH("one", "")), "{}");
    assert_list(world, id, "s:COMPLETED c:SCHEDULED");
    id = start(world, WORKFLOW(SCRIPT_SWITCH("half", "")), "{}");
    assert_at(world, world_task(world, id, "s"), "outputData.selectedCase", "1.5");
}

static void case_167_a_script_that_throws(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(SCRIPT_SWITCH("throw", "")), "{}");
    assert_status(world, id, "FAILED");
    bytes task = world_task(world, id, "s");
    assert_at(world, task, "status", "FAILED");
    assert_at(world, task, "reasonForIncompletion", "Error evaluating the script `x` at line 1");
    id = start(world, WORKFLOW(SCRIPT_SWITCH("throw", ",\"optional\":true") "," S("d")), "{}");
    assert_list(world, id, "s:COMPLETED_WITH_ERRORS d:SCHEDULED");
}

// Where the reference completes it without a branch, engine.md §5.4 wants it evaluated (§16, 16).
static void case_170_a_retried_switch_is_evaluated_again(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(SCRIPT_SWITCH("throw", "") "," S("d")), "{}");
    assert_status(world, id, "FAILED");
    static const struct world_script mended[] = {
        {"throw", "{\"a\":5}", EVALUATION_DONE, "\"hi\"", NULL},
    };
    world_scripts(world, mended);
    world_retry(world, id);
    assert_ok(world->last);
    assert_list(world, id, "s:FAILED s#1:COMPLETED a:SCHEDULED");
    world_complete(world, id, "a", "{}");
    world_complete(world, id, "d", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_171_decision_by_value(void **state) {
    struct world *world = *state;
    const char *definition =
        WORKFLOW(DECISION(BY_VALUE, "\"A\":[" S("a") "],\"E\":[]", S("b")) "," S("c"));
    bytes id = start(world, definition, "{\"p\":\"A\"}");
    assert_list(world, id, "d:COMPLETED a:SCHEDULED");
    bytes task = world_task(world, id, "d");
    assert_json(world, task, "inputData", "{\"case\":\"A\",\"hasChildren\":\"true\"}");
    assert_json(world, task, "outputData", "{\"caseOutput\":[\"A\"]}");
    assert_at(world, task, "taskDefName", "DECISION");
    id = start(world, definition, "{\"p\":\"E\"}");
    assert_list(world, id, "d:COMPLETED b:SCHEDULED");
    id = start(world, WORKFLOW(DECISION(BY_VALUE, "\"A\":[" S("a") "]", "") "," S("c")), "{}");
    assert_list(world, id, "d:COMPLETED c:SCHEDULED");
    assert_json(world, world_task(world, id, "d"), "inputData", "{\"case\":\"null\"}");
}

static void case_172_decision_by_script(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(DECISION(",\"caseExpression\":\"A?\"", "\"A\":[" S("a") "]", "")), "{}"
    );
    assert_list(world, id, "d:COMPLETED a:SCHEDULED");
    id = start(
        world, WORKFLOW(DECISION(",\"caseExpression\":\"throw\"", "\"A\":[" S("a") "]", "")), "{}"
    );
    assert_status(world, id, "FAILED");
    assert_at(
        world, world_get(world, id), "reasonForIncompletion", "Error while evaluating script: throw"
    );
    assert_list(world, id, "");
}

static void case_173_the_branch_that_ran_decides(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(CHOICE "," EXCLUSIVE(",\"joinOn\":[\"a\",\"b\"]") "," S("c")),
        "{\"p\":\"A\"}"
    );
    world_complete(world, id, "a", "{\"v\":1}");
    assert_list(world, id, "s:COMPLETED a:COMPLETED ej:COMPLETED c:SCHEDULED");
    assert_json(world, world_task(world, id, "ej"), "outputData", "{\"v\":1}");
    assert_json(
        world,
        world_task(world, id, "ej"),
        "inputData",
        "{\"joinOn\":[\"a\",\"b\"],\"defaultExclusiveJoinTask\":[]}"
    );
}

static void case_174_the_default_decides(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(S("c"
        ) "," CHOICE "," EXCLUSIVE(",\"joinOn\":[\"a\",\"b\"],\"defaultExclusiveJoinTask\":[\"c\"]")
        ),
        "{}"
    );
    world_complete(world, id, "c", "{\"v\":3}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_task(world, id, "ej"), "outputData", "{\"v\":3}");
}

static void case_175_a_permissive_failure_fails_it(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(S_WITH("a", ",\"permissive\":true") "," EXCLUSIVE(",\"joinOn\":[\"a\"]")),
        "{}"
    );
    world_fail(world, id, "a", "why");
    assert_list(world, id, "a:FAILED ej:FAILED");
    assert_at(world, world_task(world, id, "ej"), "reasonForIncompletion", "why");
    assert_status(world, id, "FAILED");
}

#define STARTER(request) \
    TYPED("START_WORKFLOW", "st", ",\"inputParameters\":{\"startWorkflow\":" request "}")

static void case_217_start_workflow_starts_and_forgets(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"other\",\"tasks\":[" S("a") "]}");
    world_workflow(world, WORKFLOW(STARTER("{\"name\":\"other\",\"input\":{\"x\":1}}")));
    bytes id = world_start_request(world, "{\"name\":\"w\",\"correlationId\":\"k\"}");
    assert_list(world, id, "st:COMPLETED");
    assert_status(world, id, "COMPLETED");
    bytes other = world_text(world, world_task(world, id, "st"), "outputData.workflowId");
    world_settle(world);
    bytes execution = world_get(world, other);
    assert_json(world, execution, "input", "{\"x\":1}");
    assert_at(world, execution, "correlationId", "k");
    assert_true(json_is_null(world_at(world, execution, "parentWorkflowId")));
}

static void case_218_start_workflow_says_what_is_wrong(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(STARTER("null")), "{}");
    assert_at(
        world,
        world_task(world, id, "st"),
        "reasonForIncompletion",
        "Missing 'startWorkflow' in input data."
    );
    id = start(world, WORKFLOW(STARTER("{\"name\":\"nobody\"}")), "{}");
    bytes reason = world_text(world, world_task(world, id, "st"), "reasonForIncompletion");
    assert_starts_with(reason, "No such workflow defined. name=nobody");
    assert_status(world, id, "FAILED");
    id = start(world, WORKFLOW(STARTER("{\"name\":\"other\",\"priority\":200}")), "{}");
    reason = world_text(world, world_task(world, id, "st"), "reasonForIncompletion");
    assert_starts_with(reason, "startWorkflow validation failed. 'priority' -> ");
}

static void case_219_what_a_start_inherits(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"other\",\"tasks\":[" S("a") "]}");
    world_workflow(
        world,
        WORKFLOW(STARTER(
            "{\"name\":\"other\",\"correlationId\":\"${workflow.input.k}\",\"taskToDomain\":"
            "\"${workflow.input.domains}\",\"priority\":7,\"externalInputPayloadStoragePath\":"
            "\"some/where\"}"
        ))
    );
    static const struct {
        const char *correlation;
        const char *domains;
        const char *wanted_correlation;
        const char *wanted_domain;
    } cases[] = {
        {" ", "{}", "own", "d1"},
        {"given", "{\"a\":\"d2\"}", "given", "d2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes id = world_start_request(
            world,
            arena_format(
                world->arena,
                "{\"name\":\"w\",\"correlationId\":\"own\",\"taskToDomain\":{\"a\":\"d1\"},"
                "\"input\":{\"k\":\"%s\",\"domains\":%s}}",
                cases[i].correlation,
                cases[i].domains
            )
        );
        bytes other = world_text(world, world_task(world, id, "st"), "outputData.workflowId");
        world_settle(world);
        bytes execution = world_get(world, other);
        bytes correlation = world_text(world, execution, "correlationId");
        bytes domain = world_text(world, world_task(world, other, "a"), "domain");
        assert_true(bytes_equal_text(correlation, cases[i].wanted_correlation));
        assert_true(bytes_equal_text(domain, cases[i].wanted_domain));
        assert_at(world, execution, "priority", "7");
        assert_at(world, execution, "externalInputPayloadStoragePath", "some/where");
    }
}

#define branch_test(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

// The end of a child is only recorded when what follows wants a script. A client that runs the join
// again before the decision goes on finds the branch all the same (simulator seed 931 of
// 2026-11-27: the default's output was shown).
static void a_branch_whose_end_is_only_recorded_was_taken(void **state) {
    struct world *world = *state;
    world_workflow(world, "{\"name\":\"k\",\"tasks\":[" S("a") "]}");
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "SWITCH",
            "s",
            ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{\"p\":"
            "\"A\"},"
            "\"decisionCases\":{\"A\":[" TYPED(
                "SUB_WORKFLOW", "c", ",\"subWorkflowParam\":{\"name\":\"k\"}"
            ) "]}"
        ) "," EXCLUSIVE(",\"joinOn\":[\"c\"],\"defaultExclusiveJoinTask\":[\"s\"]"
        ) "," TYPED("INLINE", "i", ",\"inputParameters\":{\"evaluatorType\":\"javascript\",\"expression\":\"A?\"}")
        ),
        "{}"
    );
    world_settle(world);
    bytes child = world_text(world, world_task(world, id, "c"), "subWorkflowId");
    world_complete(world, child, "a", "{}");
    world_settle(world);
    world_advance(world, 1);
    assert_status(world, id, "COMPLETED");
    bytes join = world_text(world, world_task(world, id, "ej"), "taskId");
    world_restart(world, child, false);
    world_settle(world);
    world_complete(world, child, "a", "{}");
    world_settle(world);
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":\"%.*s\"}", BYTES_ARG(join))
    );
    world_settle(world);
    world_advance(world, 1);
    assert_status(world, id, "COMPLETED");
    bytes output = BYTES_EMPTY;
    assert_true(json_get_text(world_task(world, id, "ej"), "outputData", &output));
    assert_true(bytes_equal(world_text(world, output, "subWorkflowId"), child));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_branch_whose_end_is_only_recorded_was_taken, setup, world_teardown
        ),
        branch_test(case_166_a_script_chooses),
        branch_test(case_167_a_script_that_throws),
        branch_test(case_170_a_retried_switch_is_evaluated_again),
        branch_test(case_171_decision_by_value),
        branch_test(case_172_decision_by_script),
        branch_test(case_173_the_branch_that_ran_decides),
        branch_test(case_174_the_default_decides),
        branch_test(case_175_a_permissive_failure_fails_it),
        branch_test(case_217_start_workflow_starts_and_forgets),
        branch_test(case_218_start_workflow_says_what_is_wrong),
        branch_test(case_219_what_a_start_inherits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
