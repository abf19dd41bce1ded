// engine-cases.md I (SWITCH), L (SET_VARIABLE, TERMINATE, WAIT, HUMAN, NOOP).
#include "scheduler/tasks/wait_text.h"
#include "tests/unit/scheduler/world.h"

#define SWITCH(name, value, cases, rest)                                                \
    TYPED(                                                                              \
        "SWITCH",                                                                       \
        name,                                                                           \
        ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{" \
        "\"p\":" value "},\"decisionCases\":{" cases "}" rest                           \
    )

static bytes start(struct world *world, const char *definition) {
    world_workflow(world, definition);
    return world_start(world, "w", "{}");
}

static void case_162_a_switch_enters_its_case(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id =
        start(world, WORKFLOW(SWITCH("s", "\"A\"", "\"A\":[" S("a") "],\"B\":[" S("b") "]", "")));
    assert_list(world, id, "s:COMPLETED a:SCHEDULED");
    bytes task = world_task(world, id, "s");
    assert_json(world, task, "inputData", "{\"p\":\"A\",\"case\":\"A\",\"hasChildren\":\"true\"}");
    assert_json(world, task, "outputData", "{\"evaluationResult\":[\"A\"],\"selectedCase\":\"A\"}");
    assert_at(world, task, "taskDefName", "SWITCH");
    assert_at(world, task, "executed", "true");
}

static void case_163_no_case_is_the_default_or_what_follows(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    bytes id = start(
        world,
        WORKFLOW(
            SWITCH("s", "\"X\"", "\"A\":[" S("a") "]", ",\"defaultCase\":[" S("b") "]") "," S("c")
        )
    );
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
    world_complete(world, id, "b", "{}");
    assert_list(world, id, "s:COMPLETED b:COMPLETED c:SCHEDULED");
    id = start(world, WORKFLOW(SWITCH("s", "\"X\"", "\"A\":[" S("a") "]", "") "," S("c")));
    assert_list(world, id, "s:COMPLETED c:SCHEDULED");
    assert_json(world, world_task(world, id, "s"), "outputData.evaluationResult", "[\"X\"]");
}

static void case_164_an_absent_parameter_is_the_case_null(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start(world, WORKFLOW(SWITCH("s", "null", "\"null\":[" S("a") "]", "")));
    assert_list(world, id, "s:COMPLETED a:SCHEDULED");
    id = start(world, WORKFLOW(SWITCH("s", "true", "\"true\":[" S("b") "]", "")));
    assert_list(world, id, "s:COMPLETED b:SCHEDULED");
}

static void case_165_an_empty_case_is_not_the_default(void **state) {
    struct world *world = *state;
    world_simple(world, "bc");
    bytes id = start(
        world,
        WORKFLOW(SWITCH("s", "\"A\"", "\"A\":[]", ",\"defaultCase\":[" S("b") "]") "," S("c"))
    );
    assert_list(world, id, "s:COMPLETED c:SCHEDULED");
    assert_at(world, world_task(world, id, "s"), "inputData.hasChildren", "null");
}

static void case_168_an_unknown_evaluator_fails_the_workflow(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = world_start_request(
        world,
        "{\"name\":\"w\",\"workflowDef\":" WORKFLOW(TYPED(
            "SWITCH",
            "s",
            ",\"evaluatorType\":\"foo\",\"expression\":\"p\",\"decisionCases\":{\"A\":[" S("a") "]}"
        )) "}"
    );
    assert_ok(world->last);
    assert_at(
        world,
        world_get(world, id),
        "reasonForIncompletion",
        "No evaluator registered for type: foo"
    );
    assert_status(world, id, "FAILED");
}

static void case_169_switches_in_switches_are_one_pass(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    bytes id = start(
        world,
        WORKFLOW(SWITCH(
            "s", "\"A\"", "\"A\":[" SWITCH("t", "\"B\"", "\"B\":[" S("a") "]", "") "]", ""
        ) "," S("b"))
    );
    assert_list(world, id, "s:COMPLETED t:COMPLETED a:SCHEDULED");
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "s:COMPLETED t:COMPLETED a:COMPLETED b:SCHEDULED");
}

static void case_220_set_variable_merges(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW_WITH(
            TYPED(
                "SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":1,\"y\":{\"z\":2},\"n\":null}"
            ) "," S_WITH("a", ",\"inputParameters\":{\"r\":\"${workflow.variables.y.z}\"}"),
            ",\"variables\":{\"x\":0,\"k\":true}"
        )
    );
    assert_json(
        world, world_get(world, id), "variables", "{\"x\":1,\"k\":true,\"y\":{\"z\":2},\"n\":null}"
    );
    assert_json(world, world_task(world, id, "v"), "outputData", "{}");
    assert_at(world, world_task(world, id, "a"), "inputData.r", "2");
}

static void case_221_variables_over_the_limit_are_rolled_back(void **state) {
    struct world *world = *state;
    world_workflow(
        world,
        WORKFLOW(
            TYPED("SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":\"${workflow.input.big}\"}")
        )
    );
    size_t size = LIMIT_VARIABLES_BYTES + 64;
    char *big = arena_alloc(world->arena, size + 100);
    memset(big, 'x', size);
    memcpy(big, "{\"big\":\"", 8);
    memcpy(big + size, "\"}", 3);
    bytes id = world_start(world, "w", big);
    world_settle(world); // over the bytes of one decision
    bytes task = world_task(world, id, "v");
    assert_at(world, task, "status", "FAILED_WITH_TERMINAL_ERROR");
    assert_starts_with(
        world_text(world, task, "reasonForIncompletion"), "The variables payload size: "
    );
    assert_json(world, world_get(world, id), "variables", "{}");
    assert_status(world, id, "FAILED");
}

static void case_222_terminate_completes_and_cancels_the_rest(void **state) {
    struct world *world = *state;
    world_simple(world, "b");
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN",
            "f",
            ",\"forkTasks\":[[" TYPED(
                "TERMINATE",
                "t",
                ",\"inputParameters\":{\"terminationStatus\":\"COMPLETED\",\"workflowOutput\":"
                "{\"o\":1}}"
            ) "],[" S("b") "]]"
        ) "," TYPED("JOIN", "j", ",\"joinOn\":[\"t\",\"b\"]"))
    );
    assert_list(world, id, "f:COMPLETED t:COMPLETED b:CANCELED j:CANCELED");
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "COMPLETED");
    assert_json(world, workflow, "output", "{\"o\":1}");
    bytes task = world_text(world, world_task(world, id, "t"), "taskId");
    bytes reason = world_text(world, workflow, "reasonForIncompletion");
    assert_true(bytes_equal_text(
        reason,
        arena_format(world->arena, "Workflow is COMPLETED by TERMINATE task: %.*s", BYTES_ARG(task))
    ));
}

static void case_223_terminate_fails_with_a_reason(void **state) {
    struct world *world = *state;
    world_simple(world, "h");
    world_workflow(world, "{\"name\":\"fw\",\"tasks\":[" S("h") "]}");
    bytes id = start(
        world,
        WORKFLOW_WITH(
            TYPED(
                "TERMINATE",
                "t",
                ",\"inputParameters\":{\"terminationStatus\":\"FAILED\",\"terminationReason\":"
                "\"no\"}"
            ),
            ",\"failureWorkflow\":\"fw\""
        )
    );
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "FAILED");
    assert_at(world, workflow, "reasonForIncompletion", "no");
    assert_int_equal(world_outbox(world), 1); // case 101
    assert_at(world, world_task(world, id, "t"), "executed", "true");
}

static void case_224_terminate_ignores_output_parameters(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW_WITH(
            TYPED(
                "TERMINATE",
                "t",
                ",\"inputParameters\":{\"terminationStatus\":\"TERMINATED\",\"workflowOutput\":"
                "\"text\"}"
            ),
            ",\"outputParameters\":{\"k\":1}"
        )
    );
    bytes workflow = world_get(world, id);
    assert_at(world, workflow, "status", "TERMINATED");
    assert_json(world, workflow, "output", "{\"output\":\"text\"}");
    id = start(
        world,
        WORKFLOW_WITH(
            TYPED("TERMINATE", "t", ",\"inputParameters\":{\"terminationStatus\":\"TERMINATED\"}"),
            ",\"outputParameters\":{\"k\":1}"
        )
    );
    assert_json(world, world_get(world, id), "output", "{}");
}

static void case_243_a_wait_for_a_duration(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(TYPED("WAIT", "x", ",\"inputParameters\":{\"duration\":\"2 seconds\"}") "," S("a"))
    );
    assert_list(world, id, "x:IN_PROGRESS");
    assert_at(world, world_task(world, id, "x"), "callbackAfterSeconds", "2");
    world_advance(world, 1999);
    assert_list(world, id, "x:IN_PROGRESS");
    world_advance(world, 1);
    assert_list(world, id, "x:COMPLETED a:SCHEDULED");
    int64_t seconds = 0;
    assert_true(wait_text_duration(BYTES_LITERAL("1 day 2 hrs 3 min 4s"), &seconds));
    assert_int_equal(seconds, 93784);
    assert_true(wait_text_duration(BYTES_LITERAL("5M"), &seconds));
    assert_int_equal(seconds, 300);
    assert_false(wait_text_duration(BYTES_LITERAL("2 s 1 m"), &seconds));
    assert_false(wait_text_duration(BYTES_LITERAL("12"), &seconds));
    assert_false(wait_text_duration(BYTES_LITERAL("99999999999 days"), &seconds));
}

static void case_244_a_wait_until_a_moment(void **state) {
    struct world *world = *state;
    bytes id = start(
        world, WORKFLOW(TYPED("WAIT", "x", ",\"inputParameters\":{\"until\":\"2020-01-02 03:04\"}"))
    );
    assert_status(world, id, "COMPLETED");
    world_workflow(
        world,
        WORKFLOW(TYPED("WAIT", "x", ",\"inputParameters\":{\"until\":\"${workflow.input.u}\"}"))
    );
    id = world_start(world, "w", "{\"u\":\"soon\"}");
    bytes task = world_task(world, id, "x");
    assert_at(world, task, "status", "FAILED_WITH_TERMINAL_ERROR");
    assert_at(
        world,
        task,
        "reasonForIncompletion",
        "Invalid/Unsupported Wait Until format.  Provided: soon"
    );
    world_workflow(
        world,
        WORKFLOW(TYPED("WAIT", "x", ",\"inputParameters\":{\"duration\":\"${workflow.input.d}\"}"))
    );
    id = world_start(world, "w", "{\"d\":\"soon\"}");
    assert_at(
        world, world_task(world, id, "x"), "reasonForIncompletion", "Not valid duration: soon"
    );
    id = world_start_request(
        world,
        "{\"name\":\"w\",\"workflowDef\":" WORKFLOW(TYPED(
            "WAIT", "x", ",\"inputParameters\":{\"until\":\"2020-01-01\",\"duration\":\"1 s\"}"
        )) "}"
    );
    assert_at(
        world,
        world_task(world, id, "x"),
        "reasonForIncompletion",
        "Both 'duration' and 'until' specified. Please provide only one input"
    );
    int64_t ms = 0;
    assert_true(wait_text_until(BYTES_LITERAL("1970-01-01 00:01"), &ms));
    assert_int_equal(ms, 60000);
    assert_true(wait_text_until(BYTES_LITERAL("1970-01-02 01:00 GMT+1"), &ms));
    assert_int_equal(ms, 86400000);
    assert_true(wait_text_until(BYTES_LITERAL("1970-01-02"), &ms));
    assert_int_equal(ms, 86400000);
    assert_false(wait_text_until(BYTES_LITERAL("1970-13-02"), &ms));
}

static void case_245_a_wait_for_somebody(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(TYPED("WAIT", "x", "")));
    assert_at(world, world_task(world, id, "x"), "callbackAfterSeconds", "2147483647");
    world_complete(world, id, "x", "{\"v\":1}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "output", "{\"v\":1}");
}

static void case_246_a_human_task_stays_open_until_it_is_done(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(TYPED("HUMAN", "h", "")));
    assert_list(world, id, "h:IN_PROGRESS");
    world_result(world, id, "h", "IN_PROGRESS", "\"outputData\":{\"draft\":1}");
    assert_list(world, id, "h:IN_PROGRESS");
    assert_json(world, world_task(world, id, "h"), "outputData", "{\"draft\":1}");
    world_complete(world, id, "h", "{}");
    assert_status(world, id, "COMPLETED");
}

static void case_247_a_noop_is_done_at_once(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(TYPED("NOOP", "n", "")));
    assert_list(world, id, "n:COMPLETED");
    assert_status(world, id, "COMPLETED");
    // The pass that completes a workflow does not mark its tasks (engine.md §2.3, Q1).
    assert_at(world, world_task(world, id, "n"), "executed", "false");
}

static void a_chain_of_server_tasks_is_one_command(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start(
        world,
        WORKFLOW(TYPED("NOOP", "n", "") "," TYPED(
            "SET_VARIABLE", "v", ",\"inputParameters\":{\"x\":\"A\"}"
        ) "," SWITCH("s", "\"${workflow.variables.x}\"", "\"A\":[" S("a") "]", ""))
    );
    assert_list(world, id, "n:COMPLETED v:COMPLETED s:COMPLETED a:SCHEDULED");
}

// More server-side tasks than one decision may make: it is cut and goes on by its CONTINUE timer.
static void a_long_chain_is_decided_in_slices(void **state) {
    struct world *world = *state;
    struct buffer text;
    buffer_init(&text, 16 * 1024 * 1024);
    buffer_append_text(&text, "{\"name\":\"w\",\"tasks\":[");
    for (int i = 0; i < 1500; i++) {
        buffer_format(
            &text,
            "%s{\"name\":\"n\",\"taskReferenceName\":\"n%d\",\"type\":\"NOOP\"}",
            i > 0 ? "," : "",
            i
        );
    }
    buffer_append_text(&text, "]}");
    world_workflow(world, arena_text(world->arena, buffer_bytes(&text)));
    buffer_deinit(&text);
    bytes id = world_start(world, "w", "{}");
    assert_status(world, id, "RUNNING");
    world_settle(world);
    assert_status(world, id, "COMPLETED");
    bytes tasks = world_at(world, world_get(world, id), "tasks");
    assert_int_equal(json_count(tasks), 1500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_162_a_switch_enters_its_case),
        world_test(case_163_no_case_is_the_default_or_what_follows),
        world_test(case_164_an_absent_parameter_is_the_case_null),
        world_test(case_165_an_empty_case_is_not_the_default),
        world_test(case_168_an_unknown_evaluator_fails_the_workflow),
        world_test(case_169_switches_in_switches_are_one_pass),
        world_test(case_220_set_variable_merges),
        world_test(case_221_variables_over_the_limit_are_rolled_back),
        world_test(case_222_terminate_completes_and_cancels_the_rest),
        world_test(case_223_terminate_fails_with_a_reason),
        world_test(case_224_terminate_ignores_output_parameters),
        world_test(case_243_a_wait_for_a_duration),
        world_test(case_244_a_wait_until_a_moment),
        world_test(case_245_a_wait_for_somebody),
        world_test(case_246_a_human_task_stays_open_until_it_is_done),
        world_test(case_247_a_noop_is_done_at_once),
        world_test(a_chain_of_server_tasks_is_one_command),
        world_test(a_long_chain_is_decided_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
