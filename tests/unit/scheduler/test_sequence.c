// engine-cases.md A: sequence, output, start.
#include "tests/unit/scheduler/world.h"

static void case_1_two_tasks_in_sequence(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "a:SCHEDULED");
    bytes task = world_poll(world, "a");
    assert_at(world, task, "status", "IN_PROGRESS");
    assert_at(world, task, "pollCount", "1");
    assert_at(world, task, "workerId", "worker");
    assert_int_equal(world_poll(world, "a").size, 0);
    world_complete(world, id, "a", "{\"x\":1}");
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
    assert_status(world, id, "RUNNING");
    assert_non_null(world_poll(world, "b").data);
    world_complete(world, id, "b", "{}");
    assert_status(world, id, "COMPLETED");
    assert_true(world_at(world, world_get(world, id), "endTime").size > 1);
}

static void case_2_the_last_output_is_the_workflows(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{\"x\":1}");
    assert_json(world, world_get(world, id), "output", "{\"x\":1}");
}

static void case_3_output_parameters_are_evaluated(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW_WITH(
            S("a"),
            ",\"outputParameters\":{\"o\":\"${a.output.v}\",\"n\":\"${a.output.none}\",\"k\":7}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{\"v\":[1,2]}");
    assert_json(world, world_get(world, id), "output", "{\"o\":[1,2],\"n\":null,\"k\":7}");
}

static void case_4_an_output_of_a_branch_not_taken_is_null(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(
        world,
        WORKFLOW_WITH(
            TYPED(
                "SWITCH",
                "s",
                ",\"evaluatorType\":\"value-param\",\"expression\":\"p\",\"inputParameters\":{"
                "\"p\":"
                "\"A\"},\"decisionCases\":{\"A\":[" S("a") "],\"B\":[" S("b") "]}"
            ),
            ",\"outputParameters\":{\"o\":\"${b.output.v}\"}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{\"v\":1}");
    assert_status(world, id, "COMPLETED");
    assert_json(world, world_get(world, id), "output", "{\"o\":null}");
}

static void case_5_no_version_is_the_highest(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, "{\"name\":\"w\",\"version\":1,\"tasks\":[" S("a") "]}");
    world_workflow(world, "{\"name\":\"w\",\"version\":3,\"tasks\":[" S("a") "]}");
    bytes id = world_start(world, "w", "{}");
    assert_at(world, world_get(world, id), "workflowVersion", "3");
    (void)world_start_request(world, "{\"name\":\"w\",\"version\":2}");
    assert_err(world->last, ERR_NOT_FOUND);
    assert_string_equal(world->last.text, "No such workflow defined. name=w, version=2");
}

static void case_6_a_null_input_is_refused(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    (void)world_start_request(world, "{\"name\":\"w\",\"input\":null}");
    assert_err(world->last, ERR_INVALID);
    assert_string_equal(world->last.text, "NULL input passed when starting workflow");
    bytes id = world_start_request(world, "{\"name\":\"w\"}");
    assert_ok(world->last);
    assert_json(world, world_get(world, id), "input", "{}");
}

static void case_7_the_input_template_fills_what_is_absent_or_null(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"inputTemplate\":{\"p\":1,\"q\":2}"));
    bytes id = world_start(world, "w", "{\"q\":5}");
    assert_json(world, world_get(world, id), "input", "{\"p\":1,\"q\":5}");
    id = world_start(world, "w", "{\"q\":null}");
    assert_json(world, world_get(world, id), "input", "{\"p\":1,\"q\":2}");
}

static void case_8_an_empty_input_takes_no_template(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(
        world,
        WORKFLOW_WITH(
            S_WITH("a", ",\"inputParameters\":{\"p\":\"${workflow.input.p}\"}"),
            ",\"inputTemplate\":{\"p\":1}"
        )
    );
    bytes id = world_start(world, "w", "{}");
    assert_json(world, world_get(world, id), "input", "{}");
    assert_json(world, world_task(world, id, "a"), "inputData", "{\"p\":null}");
}

static void case_9_a_higher_priority_is_polled_first(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    (void)world_start_request(world, "{\"name\":\"w\",\"priority\":100}");
    assert_err(world->last, ERR_INVALID);
    (void)world_start_request(world, "{\"name\":\"w\",\"priority\":0}");
    assert_ok(world->last);
    bytes urgent = world_start_request(world, "{\"name\":\"w\",\"priority\":99}");
    bytes task = world_poll(world, "a");
    assert_true(bytes_equal(world_text(world, task, "workflowInstanceId"), urgent));
    assert_at(world, task, "workflowPriority", "99");
}

static void case_10_an_inline_definition_wins(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start_request(world, "{\"name\":\"w\",\"workflowDef\":" WORKFLOW(S("b")) "}");
    assert_ok(world->last);
    assert_list(world, id, "b:SCHEDULED");
    bytes definition = world_at(world, world_get(world, id), "workflowDefinition");
    assert_at(world, definition, "tasks.0.name", "b");
}

static void case_11_an_unregistered_task_gets_an_ad_hoc_definition(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(S("u")));
    bytes id = world_start(world, "w", "{}");
    assert_list(world, id, "u:SCHEDULED");
    world_fail(world, id, "u", "no");
    assert_list(world, id, "u:FAILED u#1:SCHEDULED");
    assert_at(world, world_task(world, id, "u"), "callbackAfterSeconds", "60");
}

static void case_12_a_user_defined_type_is_its_own_queue(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(TYPED("MY_TYPE", "m", "")));
    bytes id = world_start(world, "w", "{}");
    assert_int_equal(world_poll(world, "m").size, 0);
    bytes task = world_poll(world, "MY_TYPE");
    assert_at(world, task, "taskType", "MY_TYPE");
    assert_at(world, task, "taskDefName", "m");
    world_fail(world, id, "m", "no");
    assert_status(world, id, "FAILED");
}

static void case_13_every_task_carries_the_correlation_id(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start_request(world, "{\"name\":\"w\",\"correlationId\":\"c1\"}");
    assert_at(world, world_task(world, id, "a"), "correlationId", "c1");
    id = world_start_request(world, "{\"name\":\"w\",\"correlationId\":\"\"}");
    assert_at(world, world_get(world, id), "correlationId", "");
    id = world_start_request(world, "{\"name\":\"w\"}");
    assert_at(world, world_get(world, id), "correlationId", "null");
}

static void case_14_a_running_workflow_keeps_its_definition(void **state) {
    struct world *world = *state;
    world_simple(world, "abc");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    bytes old = world_start(world, "w", "{}");
    world_workflow(world, WORKFLOW(S("a") "," S("c")));
    bytes fresh = world_start(world, "w", "{}");
    world_complete(world, old, "a", "{}");
    world_complete(world, fresh, "a", "{}");
    assert_list(world, old, "a:COMPLETED b:SCHEDULED");
    assert_list(world, fresh, "a:COMPLETED c:SCHEDULED");
}

static void case_15_retries_are_frozen_at_the_start(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":5}]");
    world_fail(world, id, "a", "no");
    assert_status(world, id, "FAILED");
}

static void case_16_a_task_may_complete_without_a_poll(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    assert_status(world, id, "COMPLETED");
    assert_at(world, world_task(world, id, "a"), "startTime", "0");
}

static void case_17_an_update_of_a_terminal_task_is_ignored(void **state) {
    struct world *world = *state;
    world_simple(world, "ab");
    world_workflow(world, WORKFLOW(S("a") "," S("b")));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    world_fail(world, id, "a", "late");
    assert_list(world, id, "a:COMPLETED b:SCHEDULED");
}

static void case_18_an_update_in_a_terminated_workflow_is_ignored(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_terminate(world, id, NULL);
    world_complete(world, id, "a", "{}");
    assert_list(world, id, "a:CANCELED");
    assert_status(world, id, "TERMINATED");
}

static void case_19_unknown_ids_are_not_found(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_result_of(world, id, BYTES_LITERAL("nope"), "COMPLETED", NULL);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_string_equal(world->last.text, "No such task found by id: nope");
    world_result_of(world, BYTES_LITERAL("none"), BYTES_LITERAL("nope"), "COMPLETED", NULL);
    assert_err(world->last, ERR_NOT_FOUND);
    assert_string_equal(world->last.text, "No such workflow found by id: none");
}

static void case_20_outputs_are_replaced_by_id_and_merged_by_reference(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_result(world, id, "a", "IN_PROGRESS", "\"outputData\":{\"a\":1}");
    world_complete(world, id, "a", "{\"b\":2}");
    assert_json(world, world_task(world, id, "a"), "outputData", "{\"b\":2}");
    id = world_start(world, "w", "{}");
    world_poll(world, "a");
    world_result(world, id, "a", "IN_PROGRESS", "\"outputData\":{\"a\":1}");
    world_by_reference(world, id, "a", "COMPLETED", "{\"b\":2}");
    assert_json(world, world_task(world, id, "a"), "outputData", "{\"a\":1,\"b\":2}");
    assert_status(world, id, "COMPLETED");
}

static void case_21_a_start_delay_keeps_the_task_from_workers(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S_WITH("a", ",\"startDelay\":5")));
    bytes id = world_start(world, "w", "{}");
    assert_at(world, world_task(world, id, "a"), "callbackAfterSeconds", "5");
    world_advance(world, 4999);
    assert_int_equal(world_poll(world, "a").size, 0);
    world_advance(world, 1);
    assert_non_null(world_poll(world, "a").data);
}

static void case_22_variables_begin_as_defined(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW_WITH(S("a"), ",\"variables\":{\"x\":1}"));
    bytes id = world_start(world, "w", "{}");
    world_complete(world, id, "a", "{}");
    assert_json(world, world_get(world, id), "variables", "{\"x\":1}");
}

static void a_start_repeated_with_its_id_answers_the_same_execution(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes first = world_start(world, "w", "{}");
    world_repeat_start(world, first, "w");
    assert_ok(world->last);
    assert_true(bytes_equal(world->reply.body, first));
    assert_list(world, first, "a:SCHEDULED");
}

static void an_idempotency_key_is_obeyed(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    // The gateway gives starts of one key ids of one partition.
    world->slot = 9;
    bytes id = world_start_request(world, "{\"name\":\"w\",\"idempotencyKey\":\"k\"}");
    assert_ok(world->last);
    assert_at(world, world_get(world, id), "idempotencyKey", "k");
    (void)world_start_request(world, "{\"name\":\"w\",\"idempotencyKey\":\"k\"}");
    assert_err(world->last, ERR_CONFLICT);
    bytes again = world_start_request(
        world,
        "{\"name\":\"w\",\"idempotencyKey\":\"k\",\"idempotencyStrategy\":\"RETURN_EXISTING\"}"
    );
    assert_true(bytes_equal(again, id));
    world_complete(world, id, "a", "{}");
    bytes fresh = world_start_request(
        world,
        "{\"name\":\"w\",\"idempotencyKey\":\"k\",\"idempotencyStrategy\":\"FAIL_ON_RUNNING\"}"
    );
    assert_ok(world->last);
    assert_false(bytes_equal(fresh, id));
}

static void a_type_that_is_not_built_is_refused_at_the_start(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    (void)world_start_request(
        world, "{\"name\":\"w\",\"workflowDef\":" WORKFLOW(S("a") "," TYPED("EVENT", "i", "")) "}"
    );
    assert_err(world->last, ERR_UNSUPPORTED);
    assert_string_equal(world->last.text, "Task type 'EVENT' of task 'i' is not supported yet");
}

static void logs_are_kept_in_order_ten_an_update(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    bytes task = world_text(world, world_task(world, id, "a"), "taskId");
    assert_int_equal(world_logs(world, task).size, 0);
    world_result(
        world,
        id,
        "a",
        "IN_PROGRESS",
        "\"logs\":[{\"log\":\"1\"},{\"log\":\"2\"},{\"log\":\"3\"},{\"log\":\"4\"},{\"log\":\"5\"},"
        "{\"log\":\"6\"},{\"log\":\"7\"},{\"log\":\"8\"},{\"log\":\"9\"},{\"log\":\"10\"},"
        "{\"log\":\"11\"}]"
    );
    world_log(world, task, "last");
    bytes logs = world_logs(world, task);
    assert_int_equal(json_count(logs), 11);
    assert_at(world, logs, "0.log", "1");
    assert_at(world, logs, "10.log", "last");
    assert_true(bytes_equal(world_text(world, logs, "0.taskId"), task));
    world_log(world, BYTES_LITERAL("nobody"), "dropped");
    assert_ok(world->last);
}

static void an_output_over_the_limit_fails_the_task_for_good(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"a\",\"retryCount\":3}]");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    size_t size = LIMIT_TASK_PAYLOAD_BYTES;
    char *big = arena_alloc(world->arena, size + 100);
    memset(big, 'x', size);
    memcpy(big, "{\"x\":\"", 6);
    memcpy(big + size, "\"}", 3);
    world_complete(world, id, "a", big);
    bytes task = world_task(world, id, "a");
    assert_at(world, task, "status", "FAILED_WITH_TERMINAL_ERROR");
    assert_starts_with(world_text(world, task, "reasonForIncompletion"), "The payload size: ");
    assert_json(world, task, "outputData", "{}");
    assert_status(world, id, "FAILED");
}

static void a_payload_of_many_chunks_comes_back_whole(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    world_workflow(world, WORKFLOW(S("a")));
    bytes id = world_start(world, "w", "{}");
    size_t size = 3 * LIMIT_BLOB_CHUNK_BYTES + 17;
    char *big = arena_alloc(world->arena, size + 100);
    for (size_t i = 0; i < size; i++) {
        big[i] = (char)('a' + i % 26);
    }
    memcpy(big, "{\"x\":\"", 6);
    memcpy(big + size, "\"}", 3);
    world_complete(world, id, "a", big);
    bytes output = world_at(world, world_get(world, id), "output");
    assert_int_equal(output.size, strlen(big));
    assert_memory_equal(output.data, big, output.size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_1_two_tasks_in_sequence),
        world_test(case_2_the_last_output_is_the_workflows),
        world_test(case_3_output_parameters_are_evaluated),
        world_test(case_4_an_output_of_a_branch_not_taken_is_null),
        world_test(case_5_no_version_is_the_highest),
        world_test(case_6_a_null_input_is_refused),
        world_test(case_7_the_input_template_fills_what_is_absent_or_null),
        world_test(case_8_an_empty_input_takes_no_template),
        world_test(case_9_a_higher_priority_is_polled_first),
        world_test(case_10_an_inline_definition_wins),
        world_test(case_11_an_unregistered_task_gets_an_ad_hoc_definition),
        world_test(case_12_a_user_defined_type_is_its_own_queue),
        world_test(case_13_every_task_carries_the_correlation_id),
        world_test(case_14_a_running_workflow_keeps_its_definition),
        world_test(case_15_retries_are_frozen_at_the_start),
        world_test(case_16_a_task_may_complete_without_a_poll),
        world_test(case_17_an_update_of_a_terminal_task_is_ignored),
        world_test(case_18_an_update_in_a_terminated_workflow_is_ignored),
        world_test(case_19_unknown_ids_are_not_found),
        world_test(case_20_outputs_are_replaced_by_id_and_merged_by_reference),
        world_test(case_21_a_start_delay_keeps_the_task_from_workers),
        world_test(case_22_variables_begin_as_defined),
        world_test(a_start_repeated_with_its_id_answers_the_same_execution),
        world_test(an_idempotency_key_is_obeyed),
        world_test(a_type_that_is_not_built_is_refused_at_the_start),
        world_test(logs_are_kept_in_order_ten_an_update),
        world_test(an_output_over_the_limit_fails_the_task_for_good),
        world_test(a_payload_of_many_chunks_comes_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
