// proto/api: which row a method and path mean (rest-api.md §1).
#include "proto/api/openapi.h"
#include "proto/api/route.h"
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

static struct api_match match(const char *method, const char *path) {
    bytes segments[API_PATH_SEGMENTS_MAX];
    size_t count = 0;
    assert_ok(api_split_path(bytes_from_text(path), arena, segments, &count));
    return api_match(bytes_from_text(method), segments, count);
}

static void assert_route(const char *method, const char *path, enum api_route_name name) {
    struct api_match found = match(method, path);
    assert_int_equal(found.outcome, API_MATCH_ROUTE);
    assert_string_equal(api_route_text(found.route->name), api_route_text(name));
}

static void assert_outcome(const char *method, const char *path, enum api_match_outcome outcome) {
    assert_int_equal(match(method, path).outcome, outcome);
}

// The path of a row with each variable replaced by `value`.
static const char *path_with(const char *pattern, const char *value) {
    const char *path = "";
    while (*pattern != '\0') {
        size_t plain = strcspn(pattern, "{");
        path = arena_format(arena, "%s%.*s", path, (int)plain, pattern);
        pattern += plain;
        if (*pattern == '{') {
            path = arena_format(arena, "%s%s", path, value);
            pattern += strcspn(pattern, "}") + 1;
        }
    }
    return path;
}

static void every_row_is_found_by_its_own_path(void **state) {
    (void)state;
    for (int name = 0; name < API_ROUTE_COUNT; name++) {
        const struct api_route *route = api_route_of((enum api_route_name)name);
        assert_int_equal(route->name, name);
        const char *path = path_with(route->path, "some-value");
        struct api_match found = match(api_method_text(route->method), path);
        assert_int_equal(found.outcome, API_MATCH_ROUTE);
        assert_string_equal(found.route->path, route->path);
        assert_ptr_equal(found.route, route);
        for (size_t index = 0; index < found.variable_count; index++) {
            assert_bytes_text(found.variables[index], "some-value");
        }
    }
}

static void a_literal_beats_a_variable_at_the_first_difference(void **state) {
    (void)state;
    assert_route("GET", "/api/workflow/search", API_SEARCH_WORKFLOWS);
    assert_route("GET", "/api/workflow/searched", API_GET_WORKFLOW);
    assert_route("POST", "/api/tasks/a/b/signal", API_SIGNAL_TASK);
    assert_route("POST", "/api/tasks/a/b/COMPLETED", API_UPDATE_TASK_BY_REFERENCE);
    assert_route("POST", "/api/tasks/queue/requeue/email", API_REQUEUE_TASKS);
    assert_route("POST", "/api/tasks/queue/requeue/signal", API_REQUEUE_TASKS);
    assert_route("GET", "/api/metadata/workflow/names", API_LIST_WORKFLOW_NAMES);
    assert_route(
        "GET", "/api/metadata/workflow/latest-versions", API_LIST_LATEST_WORKFLOW_DEFINITIONS
    );
    assert_route("POST", "/api/queue/update/w/task/t/COMPLETED", API_UPDATE_TASK_BY_EVENT);
}

static void precedence_is_decided_on_path_and_method(void **state) {
    (void)state;
    assert_route("POST", "/api/workflow/search", API_START_WORKFLOW_BY_NAME);
    assert_route("DELETE", "/api/workflow/search", API_TERMINATE_WORKFLOW);
    assert_route("POST", "/api/workflow/test", API_TEST_WORKFLOW);
    assert_route("GET", "/api/workflow/test", API_GET_WORKFLOW);
    assert_route("GET", "/api/tasks/update-v2", API_GET_TASK);
    assert_route("POST", "/api/metadata/workflow/validate", API_VALIDATE_WORKFLOW);
    assert_route("GET", "/api/metadata/workflow/validate", API_GET_WORKFLOW_DEFINITION);
}

static void variables_come_in_the_order_of_the_path(void **state) {
    (void)state;
    struct api_match found = match("POST", "/api/tasks/w-1/ref%20a/COMPLETED/sync");
    assert_int_equal(found.route->name, API_UPDATE_TASK_BY_REFERENCE_SYNC);
    assert_int_equal(found.variable_count, 3);
    assert_bytes_text(found.variables[0], "w-1");
    assert_bytes_text(found.variables[1], "ref a");
    assert_bytes_text(found.variables[2], "COMPLETED");
}

static void unknown_paths_are_unknown_for_every_method(void **state) {
    (void)state;
    const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"};
    for (size_t index = 0; index < sizeof(methods) / sizeof(methods[0]); index++) {
        assert_outcome(methods[index], "/api/token", API_MATCH_UNKNOWN);
        assert_outcome(methods[index], "/api", API_MATCH_UNKNOWN);
        assert_outcome(methods[index], "/", API_MATCH_UNKNOWN);
        assert_outcome(methods[index], "/api/workflow/a/b/c/d/e/f", API_MATCH_UNKNOWN);
    }
}

static void a_known_path_with_another_method_is_405_variables_included(void **state) {
    (void)state;
    assert_outcome("GET", "/api/workflow/decide/w", API_MATCH_WRONG_METHOD);
    assert_outcome("PATCH", "/api/workflow", API_MATCH_WRONG_METHOD);
    assert_outcome("GET", "/api/workflow", API_MATCH_WRONG_METHOD);
    assert_outcome("GET", "/api/tasks/x/y/z", API_MATCH_WRONG_METHOD);
    assert_outcome("POST", "/api/event/handleIncomingEvent", API_MATCH_WRONG_METHOD);
    assert_outcome("GET", "/api/metadata/workflow/n/rate-limit", API_MATCH_WRONG_METHOD);
    assert_outcome("PUT", "/api/environment/key", API_MATCH_WRONG_METHOD);
    assert_outcome("get", "/api/version", API_MATCH_WRONG_METHOD);
    assert_string_equal(
        api_wrong_method(BYTES_LITERAL("GET"), arena).text, "Request method 'GET' is not supported"
    );
}

static void a_trailing_slash_is_another_path(void **state) {
    (void)state;
    assert_outcome("GET", "/api/workflow/", API_MATCH_UNKNOWN);
    assert_outcome("POST", "/api/workflow/", API_MATCH_UNKNOWN);
    assert_outcome("GET", "/api/version/", API_MATCH_UNKNOWN);
    assert_outcome("GET", "//api/version", API_MATCH_UNKNOWN);
    assert_outcome("POST", "/api/tasks//ref/COMPLETED", API_MATCH_UNKNOWN);
    assert_route("GET", "/api/queue/", API_GET_EVENT_QUEUES);
    assert_outcome("GET", "/api/queue", API_MATCH_UNKNOWN);
}

static void head_is_answered_for_every_get_and_for_nothing_else(void **state) {
    (void)state;
    for (int name = 0; name < API_ROUTE_COUNT; name++) {
        const struct api_route *route = api_route_of((enum api_route_name)name);
        if (route->method == API_METHOD_GET) {
            struct api_match found = match("HEAD", path_with(route->path, "v"));
            assert_ptr_equal(found.route, route);
            assert_true(found.head);
        }
    }
    assert_false(match("GET", "/api/version").head);
    assert_outcome("HEAD", "/api/workflow", API_MATCH_WRONG_METHOD);
}

static void options_lists_what_the_path_can_do(void **state) {
    (void)state;
    struct api_match found = match("OPTIONS", "/api/metadata/taskdefs");
    assert_int_equal(found.outcome, API_MATCH_OPTIONS);
    assert_string_equal(api_allow(found.methods, arena), "GET,HEAD,POST,PUT,OPTIONS");
    found = match("OPTIONS", "/api/workflow");
    assert_string_equal(api_allow(found.methods, arena), "POST,OPTIONS");
}

static void system_routes_stand_outside_the_api_too(void **state) {
    (void)state;
    assert_route("GET", "/health", API_GET_HEALTH);
    assert_route("GET", "/api/health", API_GET_API_HEALTH);
    assert_route("GET", "/actuator/prometheus", API_GET_ACTUATOR_PROMETHEUS);
    assert_route("GET", "/metrics", API_GET_METRICS);
    assert_route("GET", "/api-docs", API_GET_OPENAPI);
    assert_route("GET", "/api/cluster", API_GET_CLUSTER);
    assert_route("POST", "/api/cluster/nodes", API_ADD_NODE);
    assert_route("POST", "/api/cluster/nodes/3/drain", API_DRAIN_NODE);
    assert_route("POST", "/api/cluster/nodes/3/cancel-drain", API_CANCEL_DRAIN_NODE);
    assert_route("POST", "/api/cluster/nodes/3/remove", API_REMOVE_NODE);
    assert_route("POST", "/api/cluster/nodes/3/replace", API_REPLACE_NODE);
    assert_route("POST", "/api/cluster/move", API_MOVE_REPLICA);
}

static void a_row_not_built_says_so(void **state) {
    (void)state;
    const struct api_route *route = match("GET", "/api/workflow/search").route;
    assert_false(route->built);
    assert_err(api_not_built(route, arena), ERR_UNSUPPORTED);
    assert_string_equal(
        api_not_built(route, arena).text,
        "GET /api/workflow/search (W-23) is not served by this version yet"
    );
    assert_true(api_route_of(API_START_WORKFLOW)->built);
}

static void a_row_says_what_its_body_and_answer_are(void **state) {
    (void)state;
    const struct api_route *route = api_route_of(API_START_WORKFLOW);
    assert_int_equal(route->body, API_BODY_MODEL);
    assert_ptr_equal(route->model, &api_start_workflow_request_model);
    assert_int_equal(route->response, API_RESPONSE_TEXT);
    assert_int_equal(api_route_of(API_UPDATE_WORKFLOWS)->body, API_BODY_MODEL_LIST);
    assert_int_equal(api_route_of(API_ADD_TASK_LOG)->body, API_BODY_RAW);
    assert_int_equal(api_route_of(API_RESTART_WORKFLOW)->status, 204);
}

static void the_openapi_document_has_every_built_row_and_every_model(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1024 * 1024);
    struct json_writer writer = json_writer(&buffer);
    api_write_openapi(BYTES_LITERAL("1.2.3"), &writer);
    assert_ok(buffer_status(&buffer));
    bytes document = BYTES_EMPTY;
    assert_ok(json_validate(buffer_bytes(&buffer), arena, &document));
    bytes paths = BYTES_EMPTY;
    assert_true(json_get_text(document, "paths", &paths));
    for (int name = 0; name < API_ROUTE_COUNT; name++) {
        const struct api_route *route = api_route_of((enum api_route_name)name);
        const char *const methods[] = {"get", "post", "put", "delete"};
        bytes path = BYTES_EMPTY;
        bytes operation = BYTES_EMPTY;
        bool found = json_get_text(paths, route->path, &path) &&
                     json_get_text(path, methods[route->method], &operation);
        assert_int_equal(found, route->built);
    }
    bytes value = BYTES_EMPTY;
    assert_true(json_get_text(document, "components", &value));
    assert_true(json_get_text(value, "schemas", &value));
    assert_int_equal(json_count(value), api_model_count);
    buffer_deinit(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_own_path),
        cmocka_unit_test(a_literal_beats_a_variable_at_the_first_difference),
        cmocka_unit_test(precedence_is_decided_on_path_and_method),
        cmocka_unit_test(variables_come_in_the_order_of_the_path),
        cmocka_unit_test(unknown_paths_are_unknown_for_every_method),
        cmocka_unit_test(a_known_path_with_another_method_is_405_variables_included),
        cmocka_unit_test(a_trailing_slash_is_another_path),
        cmocka_unit_test(head_is_answered_for_every_get_and_for_nothing_else),
        cmocka_unit_test(options_lists_what_the_path_can_do),
        cmocka_unit_test(system_routes_stand_outside_the_api_too),
        cmocka_unit_test(a_row_not_built_says_so),
        cmocka_unit_test(a_row_says_what_its_body_and_answer_are),
        cmocka_unit_test(the_openapi_document_has_every_built_row_and_every_model),
    };
    return cmocka_run_group_tests_name("proto/api routes", tests, setup, teardown);
}
