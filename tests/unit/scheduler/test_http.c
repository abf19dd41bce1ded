// engine-cases.md 234 … 240, 251, engine.md §10.21: the life of an HTTP task. What its request
// looks like is test_http_request.c's, who makes it node/call's.
#include "tests/unit/scheduler/world.h"

#define HTTP(name, members) TYPED("HTTP", name, ",\"inputParameters\":{" members "}")
#define GET(name) HTTP(name, "\"http_request\":{\"uri\":\"http://peer/x?q=1\",\"method\":\"GET\"}")

static bytes start(struct world *world, const char *definition) {
    world_workflow(world, definition);
    return world_start(world, "w", "{}");
}

static bytes start_and_call(struct world *world, const char *definition) {
    bytes id = start(world, definition);
    assert_true(world_call(world));
    return id;
}

// The body an answer of this body makes in the output.
static bytes body_of(struct world *world, const char *body) {
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_called(world, 200, "", body);
    assert_list(world, id, "h:COMPLETED");
    return world_at(world, world_task(world, id, "h"), "outputData.response.body");
}

static void case_234_an_answer_completes_the_task(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(GET("h")));
    assert_list(world, id, "h:SCHEDULED");
    assert_true(world_call(world));
    assert_list(world, id, "h:IN_PROGRESS");
    assert_at(world, world_task(world, id, "h"), "workerId", "server");
    world_called(world, 200, "X-A: 1\nContent-Type: text/x\nx-a: 2\n", "{\"k\":1}");
    assert_status(world, id, "COMPLETED");
    bytes task = world_task(world, id, "h");
    assert_json(
        world,
        task,
        "outputData",
        "{\"response\":{\"statusCode\":200,\"reasonPhrase\":\"OK\",\"headers\":{\"X-A\":[\"1\","
        "\"2\"],\"Content-Type\":[\"text/x\"]},\"body\":{\"k\":1}}}"
    );
    assert_at(world, task, "pollCount", "1");
    assert_at(world, task, "inputData.asyncComplete", "false");
}

static void case_234_bodies_become_what_the_reference_makes_of_them(void **state) {
    struct world *world = *state;
    assert_bytes_text(body_of(world, "5"), "5.0");
    assert_bytes_text(body_of(world, "12345678"), "1.2345678E7");
    assert_bytes_text(body_of(world, "plain"), "\"plain\"");
    assert_bytes_text(body_of(world, "\"quoted\""), "\"quoted\"");
    assert_bytes_text(body_of(world, "true"), "\"true\"");
    assert_bytes_text(body_of(world, "null"), "\"null\"");
    assert_bytes_text(body_of(world, ""), "null");
    assert_bytes_text(body_of(world, " \n"), "\"\"");
    assert_bytes_text(body_of(world, " [1, 2] "), "[1, 2]");
    assert_bytes_text(body_of(world, "{\"a\":"), "\"{\\\"a\\\":\"");
    assert_bytes_text(body_of(world, "\xc3\xa4"), "\"\xc3\xa4\"");
    assert_bytes_text(body_of(world, "\xe4\x80"), "\"\xc3\xa4\xc2\x80\""); // Latin-1
}

static void case_235_a_status_of_failure_fails_the_task_with_its_text(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_called(world, 404, "A: b\n", "{\"why\":1}");
    assert_status(world, id, "FAILED");
    bytes task = world_task(world, id, "h");
    assert_at(world, task, "status", "FAILED");
    assert_at(
        world,
        task,
        "reasonForIncompletion",
        "Failed to invoke HTTP task due to: java.lang.Exception: 404 Not Found on GET request for "
        "\"http://peer/x\": \"{\"why\":1}\""
    );
    assert_at(
        world,
        task,
        "outputData.response",
        "java.lang.Exception: 404 Not Found on GET request for \"http://peer/x\": \"{\"why\":1}\""
    );
    // Do: nothing of the answer is lost.
    assert_json(
        world,
        task,
        "outputData.errorResponse",
        "{\"statusCode\":404,\"reasonPhrase\":\"Not Found\",\"headers\":{\"A\":[\"b\"]},\"body\":{"
        "\"why\":1}}"
    );
    id = start_and_call(world, WORKFLOW(GET("h")));
    world_called(world, 500, "", "");
    assert_at(
        world,
        world_task(world, id, "h"),
        "outputData.response",
        "java.lang.Exception: 500 Internal Server Error on GET request for \"http://peer/x\": [no "
        "body]"
    );
}

static void what_is_left_of_a_redirect_fails_the_task_with_a_map(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_called(world, 302, "Location: /y\n", "moved");
    bytes task = world_task(world, id, "h");
    assert_at(world, task, "status", "FAILED");
    assert_at(world, task, "reasonForIncompletion", "No response from the remote service");
    assert_json(
        world,
        task,
        "outputData.response",
        "{\"statusCode\":302,\"reasonPhrase\":\"Found\",\"headers\":{\"Location\":[\"/"
        "y\"]},\"body\":null}"
    );
}

static void case_236_without_uri_or_method_nothing_is_called(void **state) {
    struct world *world = *state;
    bytes id = start(world, WORKFLOW(HTTP("h", "\"http_request\":{\"method\":\"GET\"}")));
    assert_false(world_call(world));
    bytes task = world_task(world, id, "h");
    assert_at(world, task, "status", "FAILED");
    assert_at(
        world,
        task,
        "reasonForIncompletion",
        "Missing HTTP URI.  See documentation for HttpTask for required input parameters"
    );
    assert_json(world, task, "outputData", "{}");
    assert_status(world, id, "FAILED");
    id = start(world, WORKFLOW(HTTP("h", "\"uri\":\"http://peer/\"")));
    assert_false(world_call(world));
    assert_at(
        world, world_task(world, id, "h"), "reasonForIncompletion", "No HTTP method specified"
    );
}

static void case_237_no_answer_fails_the_task(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    struct call_result result = {.outcome = CALL_FAILED, .error = BYTES_LITERAL("Read timed out")};
    world_called_with(world, &world->call_claim, &result);
    assert_status(world, id, "FAILED");
    assert_at(
        world,
        world_task(world, id, "h"),
        "reasonForIncompletion",
        "Failed to invoke HTTP task due to: java.lang.Exception: I/O error on GET request for "
        "\"http://peer/x\": Read timed out"
    );
}

static void case_238_async_complete_waits_for_somebody(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"h\",\"retryCount\":0,\"responseTimeoutSeconds\":2}]");
    bytes id = start_and_call(
        world,
        WORKFLOW(TYPED(
            "HTTP",
            "h",
            ",\"asyncComplete\":true,\"inputParameters\":{\"uri\":\"http://peer/"
            "x\",\"method\":\"GET\"}"
        ))
    );
    world_called(world, 200, "", "{\"k\":1}");
    assert_list(world, id, "h:IN_PROGRESS");
    assert_json(world, world_task(world, id, "h"), "outputData.response.body", "{\"k\":1}");
    assert_at(world, world_task(world, id, "h"), "inputData.asyncComplete", "true");
    world_advance(world, 3600 * 1000); // no response timeout, no lease
    assert_list(world, id, "h:IN_PROGRESS");
    assert_false(world_call(world));
    world_complete(world, id, "h", "{\"done\":true}");
    assert_status(world, id, "COMPLETED");
}

static void case_239_a_failed_call_is_retried_by_its_definition(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"h\",\"retryCount\":1,\"retryDelaySeconds\":5,\"responseTimeoutSeconds\":60}]"
    );
    bytes id =
        start_and_call(world, WORKFLOW(HTTP("h", "\"uri\":\"http://peer/x\",\"method\":\"GET\"")));
    bytes first = arena_copy(world->arena, world->call.headers);
    world_called(world, 500, "", "");
    assert_list(world, id, "h:FAILED h#1:SCHEDULED");
    assert_false(world_call(world));
    world_advance(world, 5000);
    assert_true(world_call(world));
    // Another attempt is another request.
    assert_false(bytes_equal(first, world->call.headers));
    world_called(world, 200, "", "1");
    assert_list(world, id, "h:FAILED h#1:COMPLETED");
    assert_status(world, id, "COMPLETED");
}

static void case_240_a_secret_goes_to_the_server_and_is_not_stored(void **state) {
    struct world *world = *state;
    world->settings.secrets = BYTES_LITERAL("{\"T\":\"open sesame\"}");
    bytes id = start_and_call(
        world,
        WORKFLOW(HTTP(
            "h",
            "\"http_request\":{\"uri\":\"http://peer/"
            "x\",\"method\":\"GET\",\"headers\":{\"X-Token\":"
            "\"${workflow.secrets.T}\"}}"
        ))
    );
    const char *headers = arena_text(world->arena, world->call.headers);
    assert_non_null(strstr(headers, "X-Token: open sesame\n"));
    assert_at(
        world,
        world_task(world, id, "h"),
        "inputData.http_request.headers.X-Token",
        "${workflow.secrets.T}"
    );
}

static void case_251_a_domain_for_all_is_none_for_calls(void **state) {
    struct world *world = *state;
    world_workflow(world, WORKFLOW(GET("h")));
    bytes id = world_start_request(world, "{\"name\":\"w\",\"taskToDomain\":{\"*\":\"d1\"}}");
    assert_true(world_call(world));
    world_called(world, 200, "", "1");
    assert_status(world, id, "COMPLETED");
}

static void a_start_delay_passes_first(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "HTTP",
            "h",
            ",\"startDelay\":3,\"inputParameters\":{\"uri\":\"http://peer/x\",\"method\":\"GET\"}"
        ))
    );
    assert_false(world_call(world));
    assert_at(world, world_task(world, id, "h"), "callbackAfterSeconds", "3");
    world_advance(world, 3000);
    assert_true(world_call(world));
}

// engine.md §16, 12: the same call may be made twice, but its task ends once.
static void w12_a_call_nobody_told_of_is_made_again_under_the_same_key(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    struct call_claim lost = world->call_claim;
    bytes headers = arena_copy(world->arena, world->call.headers);
    world_advance(world, world->call.total_ms + LIMIT_CALL_GRACE_MS - 1);
    assert_list(world, id, "h:IN_PROGRESS");
    world_advance(world, 1);
    assert_list(world, id, "h:SCHEDULED");
    assert_true(world_call(world));
    assert_true(bytes_equal(world->call.headers, headers));
    // The first one lives after all and is heard of late.
    struct call_result late = {.outcome = CALL_ANSWERED, .status = 200, .body = BYTES_LITERAL("1")};
    world_called_with(world, &lost, &late);
    assert_list(world, id, "h:IN_PROGRESS");
    world_called(world, 200, "", "2");
    assert_status(world, id, "COMPLETED");
    assert_bytes_text(
        world_at(world, world_task(world, id, "h"), "outputData.response.body"), "2.0"
    );
    assert_at(world, world_task(world, id, "h"), "pollCount", "2");
    world_called_with(world, &lost, &late);
    assert_bytes_text(
        world_at(world, world_task(world, id, "h"), "outputData.response.body"), "2.0"
    );
}

static void an_answer_of_before_a_rerun_is_not_the_new_ones(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    struct call_claim before = world->call_claim;
    bytes key = arena_copy(world->arena, world->call.headers);
    world_terminate(world, id, "stop");
    bytes task = world_at(world, world_task(world, id, "h"), "taskId");
    world_rerun(
        world, id, arena_format(world->arena, "{\"reRunFromTaskId\":%.*s}", BYTES_ARG(task))
    );
    assert_ok(world->last);
    assert_true(world_call(world));
    // Nor would the peer know it by its key: a rerun is wanted, not sent twice.
    assert_false(bytes_equal(world->call.headers, key));
    bytes text = world_text(world, world_task(world, id, "h"), "taskId");
    assert_non_null(strstr(
        arena_text(world->arena, world->call.headers),
        arena_format(world->arena, "Idempotency-Key: %.*s-1\n", BYTES_ARG(text))
    ));
    struct call_result late = {.outcome = CALL_ANSWERED, .status = 200, .body = BYTES_LITERAL("1")};
    world_called_with(world, &before, &late);
    assert_list(world, id, "h:IN_PROGRESS");
    world_called(world, 200, "", "2");
    assert_status(world, id, "COMPLETED");
}

static void an_answer_after_the_end_changes_nothing(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_terminate(world, id, "stop");
    world_called(world, 200, "", "1");
    assert_list(world, id, "h:CANCELED");
    world_remove(world, id, false);
    world_called(world, 200, "", "1");
}

static void a_response_timeout_ends_the_attempt_of_a_slow_call(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"h\",\"retryCount\":0,\"responseTimeoutSeconds\":2}]");
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_advance(world, 2000);
    assert_list(world, id, "h:TIMED_OUT");
    world_called(world, 200, "", "1");
    assert_list(world, id, "h:TIMED_OUT");
}

static void a_paused_workflow_records_the_answer_and_goes_on_later(void **state) {
    struct world *world = *state;
    world_simple(world, "a");
    bytes id = start_and_call(world, WORKFLOW(GET("h") "," S("a")));
    world_pause(world, id);
    world_called(world, 200, "", "1");
    assert_list(world, id, "h:COMPLETED");
    world_resume(world, id);
    assert_list(world, id, "h:COMPLETED a:SCHEDULED");
}

static void what_follows_may_be_a_script(void **state) {
    struct world *world = *state;
    static const struct world_script scripts[] = {
        {.text = "$.x", .outcome = EVALUATION_DONE, .answer = "\"b\""}};
    world_scripts(world, scripts);
    bytes id = start_and_call(
        world,
        WORKFLOW(GET("h") "," TYPED(
            "INLINE",
            "i",
            ",\"inputParameters\":{\"evaluatorType\":\"javascript\",\"expression\":\"$.x\"}"
        ))
    );
    world_called(world, 200, "", "1");
    world_settle(world);
    assert_list(world, id, "h:COMPLETED i:COMPLETED");
}

static void an_answer_over_the_limit_fails_the_task_for_good(void **state) {
    struct world *world = *state;
    world_tasks(world, "[{\"name\":\"h\",\"retryCount\":3,\"responseTimeoutSeconds\":60}]");
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    struct call_result result = {
        .outcome = CALL_TOO_LARGE,
        .body = {(const uint8_t *)"", LIMIT_TASK_PAYLOAD_BYTES},
    };
    world_called_with(world, &world->call_claim, &result);
    assert_list(world, id, "h:FAILED_WITH_TERMINAL_ERROR");
    assert_starts_with(
        world_text(world, world_task(world, id, "h"), "reasonForIncompletion"),
        "The payload size: 10485760 of task: "
    );
}

static void a_limit_of_the_definition_holds_for_calls(void **state) {
    struct world *world = *state;
    world_tasks(
        world,
        "[{\"name\":\"h\",\"retryCount\":0,\"responseTimeoutSeconds\":60,\"concurrentExecLimit\":1}"
        "]"
    );
    bytes first = start_and_call(world, WORKFLOW(GET("h")));
    bytes second = world_start(world, "w", "{}");
    struct call_claim claim = world->call_claim;
    assert_false(world_call(world));
    assert_int_equal(world->last.code, ERR_UNAVAILABLE);
    assert_true(world->call_claim.limit_hash != 0);
    struct call_result result = {.outcome = CALL_ANSWERED, .status = 200};
    world_called_with(world, &claim, &result);
    assert_status(world, first, "COMPLETED");
    assert_true(world_call(world));
    world_called(world, 200, "", "1");
    assert_status(world, second, "COMPLETED");
}

static void a_dynamic_task_may_turn_out_to_be_a_call(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(
        world,
        WORKFLOW(TYPED(
            "DYNAMIC",
            "d",
            ",\"dynamicTaskNameParam\":\"t\",\"inputParameters\":{\"t\":\"HTTP\",\"uri\":\"http://"
            "peer/x\",\"method\":\"GET\",\"asyncComplete\":true}"
        ))
    );
    world_called(world, 200, "", "1");
    assert_list(world, id, "d:IN_PROGRESS"); // its input said so
}

static void case_156_a_fork_of_calls_by_count(void **state) {
    struct world *world = *state;
    bytes id = start(
        world,
        WORKFLOW(TYPED(
            "FORK_JOIN_DYNAMIC",
            "f",
            ",\"inputParameters\":{\"forkTaskType\":\"HTTP\",\"forkTaskInputs\":[{\"uri\":\"http://"
            "peer/0\",\"method\":\"GET\"},{\"uri\":\"http://peer/1\",\"method\":\"GET\"}]}"
        ) "," TYPED("JOIN", "j", ""))
    );
    assert_true(world_call(world));
    world_called(world, 200, "", "1");
    assert_true(world_call(world));
    world_called(world, 200, "", "2");
    assert_status(world, id, "COMPLETED");
    assert_at(world, world_task(world, id, "_HTTP_0"), "status", "COMPLETED");
}

static void somebody_may_end_the_task_while_it_is_called(void **state) {
    struct world *world = *state;
    bytes id = start_and_call(world, WORKFLOW(GET("h")));
    world_result(world, id, "h", "IN_PROGRESS", NULL);
    assert_list(world, id, "h:IN_PROGRESS");
    world_called(world, 200, "", "1"); // the other one has it now
    assert_list(world, id, "h:IN_PROGRESS");
    world_complete(world, id, "h", "{\"by\":\"hand\"}");
    assert_status(world, id, "COMPLETED");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(case_234_an_answer_completes_the_task),
        world_test(case_234_bodies_become_what_the_reference_makes_of_them),
        world_test(case_235_a_status_of_failure_fails_the_task_with_its_text),
        world_test(what_is_left_of_a_redirect_fails_the_task_with_a_map),
        world_test(case_236_without_uri_or_method_nothing_is_called),
        world_test(case_237_no_answer_fails_the_task),
        world_test(case_238_async_complete_waits_for_somebody),
        world_test(case_239_a_failed_call_is_retried_by_its_definition),
        world_test(case_240_a_secret_goes_to_the_server_and_is_not_stored),
        world_test(case_251_a_domain_for_all_is_none_for_calls),
        world_test(a_start_delay_passes_first),
        world_test(w12_a_call_nobody_told_of_is_made_again_under_the_same_key),
        world_test(an_answer_of_before_a_rerun_is_not_the_new_ones),
        world_test(an_answer_after_the_end_changes_nothing),
        world_test(a_response_timeout_ends_the_attempt_of_a_slow_call),
        world_test(a_paused_workflow_records_the_answer_and_goes_on_later),
        world_test(what_follows_may_be_a_script),
        world_test(an_answer_over_the_limit_fails_the_task_for_good),
        world_test(a_limit_of_the_definition_holds_for_calls),
        world_test(a_dynamic_task_may_turn_out_to_be_a_call),
        world_test(case_156_a_fork_of_calls_by_count),
        world_test(somebody_may_end_the_task_while_it_is_called),
    };
    return cmocka_run_group_tests_name("scheduler http", tests, NULL, NULL);
}
