// proto/api: client JSON to canonical text (models.md §0.2).
#include "proto/api/model.h"
#include "proto/limits.h"
#include "tests/unit/test.h"

#include <string.h>

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_create(64 * 1024);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static bytes bound(const struct api_model *model, const char *json) {
    bytes value = BYTES_EMPTY;
    bytes canonical = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(json), arena, &value));
    assert_ok(api_bind(model, value, arena, &canonical));
    bytes checked = BYTES_EMPTY;
    assert_ok(json_validate(canonical, arena, &checked));
    return canonical;
}

// The field of the bound object; data NULL when it is not there.
static bytes field(const struct api_model *model, const char *json, const char *name) {
    bytes value = BYTES_EMPTY;
    return json_get_text(bound(model, json), name, &value) ? value : BYTES_EMPTY;
}

static err refused(const struct api_model *model, const char *json) {
    bytes value = BYTES_EMPTY;
    bytes canonical = BYTES_LITERAL("untouched");
    assert_ok(json_validate(bytes_from_text(json), arena, &value));
    err error = api_bind(model, value, arena, &canonical);
    assert_bytes_text(canonical, "untouched");
    return error;
}

#define TASK &api_workflow_task_model
#define TASK_DEFINITION &api_task_definition_model
#define WORKFLOW &api_workflow_definition_model

static void the_smallest_task_gets_the_contracts_defaults(void **state) {
    (void)state;
    const char *minimal =
        "{\"name\":\"n\",\"taskReferenceName\":\"r\",\"inputParameters\":{},\"type\":\"SIMPLE\","
        "\"decisionCases\":{},\"defaultCase\":[],\"forkTasks\":[],\"startDelay\":0,\"joinOn\":[],"
        "\"optional\":false,\"defaultExclusiveJoinTask\":[],\"asyncComplete\":false,"
        "\"loopOver\":[],\"onStateChange\":{},\"permissive\":false,\"metadata\":{}}";
    bytes canonical = bound(TASK, "{\"name\":\"n\",\"taskReferenceName\":\"r\"}");
    assert_true(json_equal(canonical, bytes_from_text(minimal)));
}

static void unknown_fields_are_dropped_at_every_level(void **state) {
    (void)state;
    bytes canonical = bound(
        WORKFLOW,
        "{\"name\":\"w\",\"tags\":[1],\"tasks\":[{\"name\":\"t\",\"queueMsgId\":7,"
        "\"cacheConfig\":{\"key\":\"k\",\"@\":1}}]}"
    );
    assert_int_equal(bytes_find(canonical, 0, '@'), canonical.size);
    bytes ignored;
    assert_false(json_get_text(canonical, "tags", &ignored));
}

static void null_is_zero_for_primitives_nothing_for_the_rest(void **state) {
    (void)state;
    assert_bytes_text(field(TASK_DEFINITION, "{\"retryCount\":null}", "retryCount"), "0");
    assert_bytes_text(field(TASK_DEFINITION, "{}", "retryCount"), "3");
    assert_bytes_text(field(WORKFLOW, "{\"version\":null}", "version"), "0");
    assert_bytes_text(field(WORKFLOW, "{\"restartable\":null}", "restartable"), "false");
    assert_null(field(WORKFLOW, "{\"variables\":null}", "variables").data);
    assert_null(field(WORKFLOW, "{\"name\":null}", "name").data);
    assert_null(field(TASK_DEFINITION, "{\"retryLogic\":null}", "retryLogic").data);
    assert_null(field(TASK, "{\"retryCount\":null}", "retryCount").data);
}

static void null_takes_the_default_where_the_setter_refills(void **state) {
    (void)state;
    assert_bytes_text(field(TASK, "{\"metadata\":null}", "metadata"), "{}");
    const char *nulls = "{\"rateLimitPerFrequency\":null,\"rateLimitFrequencyInSeconds\":null}";
    assert_bytes_text(field(TASK_DEFINITION, nulls, "rateLimitPerFrequency"), "0");
    assert_bytes_text(field(TASK_DEFINITION, nulls, "rateLimitFrequencyInSeconds"), "1");
    assert_bytes_text(field(&api_task_result_model, "{\"outputData\":null}", "outputData"), "{}");
}

static void integers_are_taken_from_texts_and_decimals(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\"5\"", "5"},
        {"\" 7 \"", "7"},
        {"\"\"", "0"},
        {"5.9", "5"},
        {"-5.9", "-5"},
        {"1e2", "100"},
        {"2147483647", "2147483647"},
        {"-2147483648", "-2147483648"},
    };
    for (size_t index = 0; index < sizeof(cases) / sizeof(cases[0]); index++) {
        const char *json = arena_format(arena, "{\"retryCount\":%s}", cases[index][0]);
        bytes value = field(TASK_DEFINITION, json, "retryCount");
        assert_true(bytes_equal_text(value, cases[index][1]));
    }
    static const char *const bad[] = {
        "\"abc\"", "\"5.9\"", "true", "{}", "[]", "2147483648", "-2147483649", "1e99"};
    for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
        const char *json = arena_format(arena, "{\"retryCount\":%s}", bad[index]);
        assert_err(refused(TASK_DEFINITION, json), ERR_INVALID);
    }
    assert_bytes_text(
        field(TASK_DEFINITION, "{\"timeoutSeconds\":9007199254740993}", "timeoutSeconds"),
        "9007199254740993"
    );
    assert_err(refused(TASK_DEFINITION, "{\"timeoutSeconds\":9223372036854775808}"), ERR_INVALID);
}

static void texts_are_taken_from_scalars_and_nothing_else(void **state) {
    (void)state;
    assert_bytes_text(field(WORKFLOW, "{\"name\":5}", "name"), "\"5\"");
    assert_bytes_text(field(WORKFLOW, "{\"name\":1.50}", "name"), "\"1.50\"");
    assert_bytes_text(field(WORKFLOW, "{\"name\":true}", "name"), "\"true\"");
    assert_err(refused(WORKFLOW, "{\"name\":{}}"), ERR_INVALID);
    assert_err(refused(WORKFLOW, "{\"name\":[\"a\"]}"), ERR_INVALID);
}

static void booleans_are_taken_from_texts_and_numbers(void **state) {
    (void)state;
    assert_bytes_text(field(TASK, "{\"optional\":\"true\"}", "optional"), "true");
    assert_bytes_text(field(TASK, "{\"optional\":\"false\"}", "optional"), "false");
    assert_bytes_text(field(TASK, "{\"optional\":1}", "optional"), "true");
    assert_bytes_text(field(TASK, "{\"optional\":0}", "optional"), "false");
    assert_bytes_text(field(TASK, "{\"rateLimited\":\"true\"}", "rateLimited"), "true");
    assert_err(refused(TASK, "{\"optional\":\"yes\"}"), ERR_INVALID);
    assert_err(refused(TASK, "{\"optional\":[]}"), ERR_INVALID);
}

static void enumerations_are_exact_or_an_ordinal(void **state) {
    (void)state;
    assert_bytes_text(
        field(TASK_DEFINITION, "{\"retryLogic\":\"LINEAR_BACKOFF\"}", "retryLogic"),
        "\"LINEAR_BACKOFF\""
    );
    assert_bytes_text(
        field(TASK_DEFINITION, "{\"retryLogic\":1}", "retryLogic"), "\"EXPONENTIAL_BACKOFF\""
    );
    assert_err(refused(TASK_DEFINITION, "{\"retryLogic\":\"fixed\"}"), ERR_INVALID);
    assert_err(refused(TASK_DEFINITION, "{\"retryLogic\":3}"), ERR_INVALID);
    assert_err(refused(TASK_DEFINITION, "{\"retryLogic\":-1}"), ERR_INVALID);
    assert_err(refused(TASK_DEFINITION, "{\"retryLogic\":true}"), ERR_INVALID);
}

static void the_last_of_repeated_keys_counts_and_keys_may_be_escaped(void **state) {
    (void)state;
    assert_bytes_text(field(WORKFLOW, "{\"version\":1,\"version\":2}", "version"), "2");
    assert_bytes_text(field(WORKFLOW, "{\"v\\u0065rsion\":4}", "version"), "4");
}

static void a_task_type_has_a_second_name_on_input(void **state) {
    (void)state;
    const char *json = "{\"workflowTaskType\":\"HTTP\"}";
    assert_bytes_text(field(TASK, json, "type"), "\"HTTP\"");
    assert_null(field(TASK, json, "workflowTaskType").data);
    assert_bytes_text(
        field(TASK, "{\"workflowTaskType\":\"HTTP\",\"type\":\"WAIT\"}", "type"), "\"WAIT\""
    );
}

static void the_users_own_json_keeps_its_text(void **state) {
    (void)state;
    const char *json = "{\"inputParameters\":{ \"a\" : 1.00, \"b\":null,\"c\":[1e400] }}";
    assert_bytes_text(
        field(TASK, json, "inputParameters"), "{ \"a\" : 1.00, \"b\":null,\"c\":[1e400] }"
    );
}

static void wrong_containers_are_refused_with_field_and_value(void **state) {
    (void)state;
    err error = refused(TASK, "{\"joinOn\":{\"a\":1}}");
    assert_err(error, ERR_INVALID);
    assert_string_equal(error.text, "field 'joinOn': {\"a\":1} is not an array of strings");
    assert_err(refused(TASK, "{\"inputParameters\":[]}"), ERR_INVALID);
    assert_err(refused(TASK, "{\"decisionCases\":[]}"), ERR_INVALID);
    assert_err(refused(TASK, "{\"decisionCases\":{\"a\":{}}}"), ERR_INVALID);
    assert_err(refused(TASK, "{\"forkTasks\":[{}]}"), ERR_INVALID);
    assert_err(refused(WORKFLOW, "{\"tasks\":[null]}"), ERR_INVALID);
    assert_err(refused(WORKFLOW, "{\"tasks\":[1]}"), ERR_INVALID);
    assert_err(refused(WORKFLOW, "[]"), ERR_INVALID);
}

static void a_long_value_in_an_error_is_cut_between_characters(void **state) {
    (void)state;
    // 79 bytes of quote and letters, then a character of two bytes across the limit.
    const char *json = arena_format(arena, "{\"retryCount\":\"%0*d\xC3\xA4\xC3\xA4\"}", 78, 0);
    err error = refused(TASK_DEFINITION, json);
    bytes ignored = BYTES_EMPTY;
    bytes shown = json_string_value(bytes_from_text(error.text), arena);
    assert_ok(json_validate(shown, arena, &ignored));
    assert_non_null(strstr(error.text, "0... is not an integer"));
}

static void nulls_in_lists_of_texts_mean_nothing(void **state) {
    (void)state;
    assert_bytes_text(field(TASK, "{\"joinOn\":[\"a\",null,5]}", "joinOn"), "[\"a\",\"5\"]");
    assert_bytes_text(
        field(
            &api_start_workflow_request_model,
            "{\"taskToDomain\":{\"a\":null,\"b\":1}}",
            "taskToDomain"
        ),
        "{\"b\":\"1\"}"
    );
}

static void an_embedded_definition_names_its_sub_workflow(void **state) {
    (void)state;
    const struct api_model *model = &api_sub_workflow_parameters_model;
    const char *embedded = "{\"name\":\"outer\",\"version\":9,\"workflowDefinition\":{\"name\":"
                           "\"inner\",\"version\":3}}";
    assert_bytes_text(field(model, embedded, "name"), "\"inner\"");
    assert_bytes_text(field(model, embedded, "version"), "3");
    const char *bare = "{\"workflowDefinition\":{\"name\":\"inner\"}}";
    assert_bytes_text(field(model, bare, "version"), "1");
    const char *expression = "{\"name\":\"n\",\"workflowDefinition\":\"${a.output.b}\"}";
    assert_bytes_text(field(model, expression, "workflowDefinition"), "\"${a.output.b}\"");
    assert_bytes_text(field(model, expression, "name"), "\"n\"");
    assert_err(refused(model, "{\"workflowDefinition\":\"inner\"}"), ERR_INVALID);
    assert_err(refused(model, "{\"workflowDefinition\":5}"), ERR_INVALID);
}

// `{"loopOver":[` … `]}` around an empty task.
static const char *nested_loops(unsigned depth) {
    static const char opening[] = "{\"loopOver\":[";
    size_t size = depth * (sizeof(opening) - 1 + 2) + 3;
    char *text = arena_alloc(arena, size);
    char *at = text;
    for (unsigned level = 0; level < depth; level++) {
        memcpy(at, opening, sizeof(opening) - 1);
        at += sizeof(opening) - 1;
    }
    memcpy(at, "{}", 2);
    at += 2;
    for (unsigned level = 0; level < depth; level++) {
        memcpy(at, "]}", 2);
        at += 2;
    }
    return text;
}

static void models_nest_as_deep_as_the_limit_and_no_deeper(void **state) {
    (void)state;
    assert_true(bound(TASK, nested_loops(LIMIT_API_MODEL_DEPTH - 1)).size > 0);
    assert_err(refused(TASK, nested_loops(LIMIT_API_MODEL_DEPTH)), ERR_TOO_LARGE);
}

static void a_large_definition_may_not_nest_as_deep_as_a_small_one(void **state) {
    (void)state;
    // The text of the innermost task counts once for each of the loops around it.
    size_t inner = LIMIT_API_BIND_WORK_BYTES / 8;
    struct buffer text;
    buffer_init(&text, 2 * inner);
    for (int level = 0; level < 8; level++) {
        buffer_append_text(&text, "{\"loopOver\":[");
    }
    buffer_append_text(&text, "{\"description\":\"");
    uint8_t *description = buffer_extend(&text, inner);
    assert_non_null(description);
    memset(description, 'x', inner);
    buffer_append_text(&text, "\"}]}]}]}]}]}]}]}]}");
    assert_ok(buffer_status(&text));
    bytes canonical = BYTES_EMPTY;
    bytes json = buffer_bytes(&text);
    assert_err(api_bind(TASK, json, arena, &canonical), ERR_TOO_LARGE);
    // Three loops less, and it passes.
    size_t loop = sizeof("{\"loopOver\":[") - 1;
    assert_ok(api_bind(TASK, bytes_slice(json, 3 * loop, json.size - 6), arena, &canonical));
    buffer_deinit(&text);
}

static void a_list_is_bound_element_by_element(void **state) {
    (void)state;
    bytes canonical = BYTES_EMPTY;
    const struct api_model *model = &api_task_log_model;
    assert_ok(api_bind_list(model, BYTES_LITERAL("[{\"log\":\"a\"},{}]"), arena, &canonical));
    assert_bytes_text(canonical, "[{\"log\":\"a\",\"createdTime\":0},{\"createdTime\":0}]");
    assert_err(api_bind_list(model, BYTES_LITERAL("{}"), arena, &canonical), ERR_INVALID);
    assert_err(api_bind_list(model, BYTES_LITERAL("[[]]"), arena, &canonical), ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_task_gets_the_contracts_defaults),
        cmocka_unit_test(unknown_fields_are_dropped_at_every_level),
        cmocka_unit_test(null_is_zero_for_primitives_nothing_for_the_rest),
        cmocka_unit_test(null_takes_the_default_where_the_setter_refills),
        cmocka_unit_test(integers_are_taken_from_texts_and_decimals),
        cmocka_unit_test(texts_are_taken_from_scalars_and_nothing_else),
        cmocka_unit_test(booleans_are_taken_from_texts_and_numbers),
        cmocka_unit_test(enumerations_are_exact_or_an_ordinal),
        cmocka_unit_test(the_last_of_repeated_keys_counts_and_keys_may_be_escaped),
        cmocka_unit_test(a_task_type_has_a_second_name_on_input),
        cmocka_unit_test(the_users_own_json_keeps_its_text),
        cmocka_unit_test(wrong_containers_are_refused_with_field_and_value),
        cmocka_unit_test(a_long_value_in_an_error_is_cut_between_characters),
        cmocka_unit_test(nulls_in_lists_of_texts_mean_nothing),
        cmocka_unit_test(an_embedded_definition_names_its_sub_workflow),
        cmocka_unit_test(models_nest_as_deep_as_the_limit_and_no_deeper),
        cmocka_unit_test(a_large_definition_may_not_nest_as_deep_as_a_small_one),
        cmocka_unit_test(a_list_is_bound_element_by_element),
    };
    return cmocka_run_group_tests_name("proto/api binding", tests, setup, teardown);
}
