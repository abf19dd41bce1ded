// proto/api: models in and out of their structs, and the enumerations.
#include "proto/api/model.h"
#include "tests/unit/test.h"

static struct arena *arena;
static struct buffer buffer;

static int setup(void **state) {
    (void)state;
    arena = arena_create(64 * 1024);
    buffer_init(&buffer, 1024 * 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buffer_deinit(&buffer);
    arena_destroy(&arena);
    return 0;
}

static bytes written(const struct api_model *model, const void *from) {
    buffer_clear(&buffer);
    struct json_writer writer = json_writer(&buffer);
    api_write(model, from, &writer);
    assert_ok(buffer_status(&buffer));
    bytes value = BYTES_EMPTY;
    assert_ok(json_validate(buffer_bytes(&buffer), arena, &value));
    return arena_copy(arena, value);
}

static void a_start_request_is_read_with_its_defaults(void **state) {
    (void)state;
    struct api_start_workflow_request request;
    bytes json =
        BYTES_LITERAL("{\"name\":\"order\",\"version\":2,\"input\":{\"a\":1},\"priority\":\"7\","
                      "\"idempotencyStrategy\":\"FAIL\",\"workflowDef\":{\"name\":\"x\"}}");
    assert_ok(api_read(&api_start_workflow_request_model, json, arena, &request));
    assert_bytes_text(request.name, "order");
    assert_true(request.version.present);
    assert_int_equal(request.version.value, 2);
    assert_null(request.correlation_id.data);
    assert_bytes_text(request.input, "{\"a\":1}");
    assert_bytes_text(request.task_to_domain, "{}");
    assert_int_equal(request.priority, 7);
    assert_int_equal(request.idempotency_strategy, API_IDEMPOTENCY_FAIL);
    bytes tasks = BYTES_EMPTY;
    assert_true(json_get_text(request.workflow_def, "tasks", &tasks));
    assert_ok(api_read(&api_start_workflow_request_model, JSON_EMPTY_OBJECT, arena, &request));
    assert_false(request.version.present);
    assert_null(request.name.data);
    assert_int_equal(request.idempotency_strategy, API_IDEMPOTENCY_NONE);
    assert_ok(api_read(
        &api_start_workflow_request_model,
        BYTES_LITERAL("{\"name\":\"\",\"input\":null}"),
        arena,
        &request
    ));
    assert_non_null(request.name.data);
    assert_int_equal(request.name.size, 0);
    assert_null(request.input.data);
}

static void a_refused_text_leaves_the_struct_untouched(void **state) {
    (void)state;
    struct api_task_log log = {.created_time = 42};
    bytes json = BYTES_LITERAL("{\"log\":\"a\",\"createdTime\":\"x\"}");
    assert_err(api_read(&api_task_log_model, json, arena, &log), ERR_INVALID);
    assert_int_equal(log.created_time, 42);
    assert_null(log.log.data);
}

static void a_task_result_is_read_with_its_logs(void **state) {
    (void)state;
    struct api_task_result result;
    bytes json = BYTES_LITERAL(
        "{\"workflowInstanceId\":\"w\",\"taskId\":\"t\",\"status\":\"FAILED\",\"logs\":[{\"log\":"
        "\"one\",\"createdTime\":5},{\"log\":\"two\"}],\"orCreateExecutionMetadata\":{}}"
    );
    assert_ok(api_read(&api_task_result_model, json, arena, &result));
    assert_int_equal(result.status, API_RESULT_FAILED);
    assert_int_equal(api_task_status_of_result(result.status), API_TASK_FAILED);
    assert_bytes_text(result.output_data, "{}");
    struct api_task_log *logs = NULL;
    void *structs = NULL;
    size_t count = 0;
    assert_ok(api_read_list(&api_task_log_model, result.logs, arena, &structs, &count));
    logs = structs;
    assert_int_equal(count, 2);
    assert_bytes_text(logs[1].log, "two");
    assert_int_equal(logs[0].created_time, 5);
}

static void an_initialised_task_is_written_as_the_contract_emits_it(void **state) {
    (void)state;
    struct api_task task;
    api_init(&api_task_model, &task);
    task.status = API_TASK_SCHEDULED;
    task.task_id = BYTES_LITERAL("t");
    task.workflow_task = JSON_EMPTY_OBJECT;
    task.runtime_metadata = JSON_EMPTY_OBJECT;
    const char *expected =
        "{\"status\":\"SCHEDULED\",\"inputData\":{},\"retryCount\":0,\"seq\":0,\"pollCount\":0,"
        "\"scheduledTime\":0,\"startTime\":0,\"endTime\":0,\"updateTime\":0,"
        "\"startDelayInSeconds\":0,\"retried\":false,\"executed\":false,"
        "\"callbackFromWorker\":true,\"responseTimeoutSeconds\":0,\"taskId\":\"t\","
        "\"callbackAfterSeconds\":0,\"outputData\":{},\"workflowTask\":{},"
        "\"rateLimitPerFrequency\":0,\"rateLimitFrequencyInSeconds\":0,\"workflowPriority\":0,"
        "\"iteration\":0,\"subworkflowChanged\":false,\"firstStartTime\":0,"
        "\"executionMetadata\":{\"additionalContext\":{},\"additionalContextMap\":{},"
        "\"empty\":true},\"taskDefinition\":null,\"queueWaitTime\":0,\"loopOverTask\":false}";
    assert_true(json_equal(written(&api_task_model, &task), bytes_from_text(expected)));
    task.runtime_metadata = BYTES_LITERAL("{\"A\":\"b\"}");
    bytes value = BYTES_EMPTY;
    assert_true(json_get_text(written(&api_task_model, &task), "runtimeMetadata", &value));
}

static void a_zeroed_workflow_still_has_its_containers(void **state) {
    (void)state;
    struct api_workflow workflow = {.status = API_WORKFLOW_RUNNING};
    bytes json = written(&api_workflow_model, &workflow);
    bytes value = BYTES_EMPTY;
    assert_true(json_get_text(json, "input", &value));
    assert_bytes_text(value, "{}");
    assert_true(json_get_text(json, "tasks", &value));
    assert_bytes_text(value, "[]");
    assert_true(json_get_text(json, "createTime", &value));
    assert_false(json_get_text(json, "workflowDefinition", &value));
    assert_false(json_get_text(json, "correlationId", &value));
}

static void what_is_written_is_read_again(void **state) {
    (void)state;
    struct api_task_definition task;
    struct api_task_definition again;
    api_init(&api_task_definition_model, &task);
    task.name = BYTES_LITERAL("caf\xC3\xA9 \"x\"\n");
    task.retry_count = -2147483647 - 1;
    task.timeout_seconds = INT64_MAX;
    task.concurrent_exec_limit = (struct api_optional_int){.present = true, .value = 3};
    task.retry_logic = API_RETRY_LINEAR_BACKOFF;
    task.input_template = BYTES_LITERAL("{\"k\":[1.0]}");
    bytes json = written(&api_task_definition_model, &task);
    assert_ok(api_read_canonical(&api_task_definition_model, json, arena, &again));
    assert_true(bytes_equal(again.name, task.name));
    assert_int_equal(again.retry_count, task.retry_count);
    assert_true(again.timeout_seconds == INT64_MAX);
    assert_true(again.concurrent_exec_limit.present);
    assert_int_equal(again.concurrent_exec_limit.value, 3);
    assert_int_equal(again.retry_logic, API_RETRY_LINEAR_BACKOFF);
    assert_int_equal(again.retry_delay_seconds, 60);
    assert_false(again.poll_timeout_seconds.present);
    assert_bytes_text(again.input_template, "{\"k\":[1.0]}");
    assert_true(bytes_equal(written(&api_task_definition_model, &again), json));
}

static void every_model_binds_what_it_writes_from_its_defaults(void **state) {
    (void)state;
    for (size_t index = 0; index < api_model_count; index++) {
        const struct api_model *model = api_models[index];
        void *defaults = arena_alloc(arena, model->struct_size);
        api_init(model, defaults);
        bytes json = written(model, defaults);
        bytes bound = BYTES_EMPTY;
        assert_ok(api_bind(model, json, arena, &bound));
        assert_true(bytes_equal(json, bound));
        bytes empty = BYTES_EMPTY;
        assert_ok(api_bind(model, JSON_EMPTY_OBJECT, arena, &empty));
        assert_true(bytes_equal(json, empty));
    }
}

static void statuses_carry_the_contracts_flags(void **state) {
    (void)state;
    assert_false(api_task_status_is_terminal(API_TASK_IN_PROGRESS));
    assert_false(api_task_status_is_terminal(API_TASK_SCHEDULED));
    assert_true(api_task_status_is_terminal(API_TASK_CANCELED));
    assert_true(api_task_status_is_retriable(API_TASK_TIMED_OUT));
    assert_false(api_task_status_is_retriable(API_TASK_FAILED_WITH_TERMINAL_ERROR));
    assert_false(api_task_status_is_retriable(API_TASK_SKIPPED));
    assert_true(api_task_status_is_successful(API_TASK_COMPLETED_WITH_ERRORS));
    assert_false(api_workflow_status_is_terminal(API_WORKFLOW_PAUSED));
    assert_true(api_workflow_status_is_terminal(API_WORKFLOW_TERMINATED));
    enum api_task_status status = API_TASK_NONE;
    assert_true(api_task_status_from_text(BYTES_LITERAL("TIMED_OUT"), &status));
    assert_int_equal(status, API_TASK_TIMED_OUT);
    assert_false(api_task_status_from_text(BYTES_LITERAL("timed_out"), &status));
    assert_string_equal(api_task_status_text(API_TASK_TIMED_OUT), "TIMED_OUT");
    assert_string_equal(api_task_status_text(API_TASK_NONE), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_request_is_read_with_its_defaults),
        cmocka_unit_test(a_refused_text_leaves_the_struct_untouched),
        cmocka_unit_test(a_task_result_is_read_with_its_logs),
        cmocka_unit_test(an_initialised_task_is_written_as_the_contract_emits_it),
        cmocka_unit_test(a_zeroed_workflow_still_has_its_containers),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(every_model_binds_what_it_writes_from_its_defaults),
        cmocka_unit_test(statuses_carry_the_contracts_flags),
    };
    return cmocka_run_group_tests_name("proto/api models", tests, setup, teardown);
}
