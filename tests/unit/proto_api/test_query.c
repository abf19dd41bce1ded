// proto/api: paths and queries taken apart, parameters read by their row (rest-api.md §1).
#include "proto/api/route.h"
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

static struct api_parameters query(const char *text) {
    struct api_parameters parameters = {0};
    assert_ok(api_split_query(bytes_from_text(text), arena, &parameters));
    return parameters;
}

static void a_path_is_decoded_once_after_it_was_split(void **state) {
    (void)state;
    bytes segments[API_PATH_SEGMENTS_MAX];
    size_t count = 0;
    assert_ok(api_split_path(BYTES_LITERAL("/a+b/%C3%A4/%2541/"), arena, segments, &count));
    assert_int_equal(count, 4);
    assert_bytes_text(segments[0], "a+b");
    assert_bytes_text(segments[1], "\xC3\xA4");
    assert_bytes_text(segments[2], "%41");
    assert_int_equal(segments[3].size, 0);
    assert_ok(api_split_path(BYTES_LITERAL("/"), arena, segments, &count));
    assert_int_equal(count, 1);
}

static void a_path_that_hides_something_is_refused(void **state) {
    (void)state;
    static const char *const paths[] = {
        "",
        "api",
        "/a%2Fb",
        "/a%2fb",
        "/a%00b",
        "/a%",
        "/a%4",
        "/a%4g",
        "/%FF",
        "/%C0%AF",
        "/%ED%A0%80",
    };
    bytes segments[API_PATH_SEGMENTS_MAX];
    size_t count = 0;
    for (size_t index = 0; index < sizeof(paths) / sizeof(paths[0]); index++) {
        assert_err(
            api_split_path(bytes_from_text(paths[index]), arena, segments, &count), ERR_INVALID
        );
    }
    assert_err(
        api_split_path(
            BYTES_LITERAL("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), arena, segments, &count
        ),
        ERR_NOT_FOUND
    );
}

static void a_query_is_a_form(void **state) {
    (void)state;
    struct api_parameters parameters = query("a=1+2&b=%2B%26&&c&d=x=y&a=");
    assert_int_equal(parameters.count, 5);
    assert_bytes_text(parameters.items[0].value, "1 2");
    assert_bytes_text(parameters.items[1].value, "+&");
    assert_bytes_text(parameters.items[2].name, "c");
    assert_int_equal(parameters.items[2].value.size, 0);
    assert_bytes_text(parameters.items[3].value, "x=y");
    assert_int_equal(query("").count, 0);
    struct api_parameters none = {0};
    assert_err(api_split_query(BYTES_LITERAL("a=%zz"), arena, &none), ERR_INVALID);
    assert_err(api_split_query(BYTES_LITERAL("a=%ff"), arena, &none), ERR_INVALID);
    char many[LIMIT_API_QUERY_PARAMETERS + 2];
    memset(many, '&', sizeof(many));
    assert_err(api_split_query(bytes_of(many, sizeof(many)), arena, &none), ERR_TOO_LARGE);
}

static void booleans_have_eight_spellings_in_any_case(void **state) {
    (void)state;
    const struct api_route *route = api_route_of(API_GET_WORKFLOW);
    static const char *const truths[] = {"true", "on", "yes", "1", "TRUE", "Yes", ""};
    static const char *const lies[] = {"false", "off", "no", "0", "False", "OFF"};
    for (size_t index = 0; index < sizeof(truths) / sizeof(truths[0]); index++) {
        bool value = false;
        struct api_parameters given = query(arena_format(arena, "includeTasks=%s", truths[index]));
        assert_ok(api_query_bool(route, &given, "includeTasks", arena, &value));
        assert_true(value);
    }
    for (size_t index = 0; index < sizeof(lies) / sizeof(lies[0]); index++) {
        bool value = true;
        struct api_parameters given = query(arena_format(arena, "includeTasks=%s", lies[index]));
        assert_ok(api_query_bool(route, &given, "includeTasks", arena, &value));
        assert_false(value);
    }
    bool value = false;
    struct api_parameters bad = query("includeTasks=maybe");
    err error = api_query_bool(route, &bad, "includeTasks", arena, &value);
    assert_err(error, ERR_INVALID);
    assert_string_equal(error.text, "parameter 'includeTasks': 'maybe' is not a boolean");
}

static void integers_are_decimal_and_an_empty_one_is_the_default(void **state) {
    (void)state;
    const struct api_route *route = api_route_of(API_POLL_TASKS);
    struct api_optional_int value = {0};
    struct api_parameters given = query("count=&timeout=-5&other=1");
    assert_ok(api_query_int(route, &given, "count", arena, &value));
    assert_true(value.present);
    assert_int_equal(value.value, 1);
    assert_ok(api_query_int(route, &given, "timeout", arena, &value));
    assert_int_equal(value.value, -5);
    given = query("count=3&count=4");
    assert_ok(api_query_int(route, &given, "count", arena, &value));
    assert_int_equal(value.value, 3);
    given = query("count=ten");
    assert_err(api_query_int(route, &given, "count", arena, &value), ERR_INVALID);
    given = query("count=99999999999999999999");
    assert_err(api_query_int(route, &given, "count", arena, &value), ERR_INVALID);
    given = query("");
    assert_ok(
        api_query_int(api_route_of(API_GET_WORKFLOW_DEFINITION), &given, "version", arena, &value)
    );
    assert_false(value.present);
}

static void a_repeated_text_is_joined_and_a_list_is_taken_apart(void **state) {
    (void)state;
    struct api_parameters given = query("sort=a:ASC&sort=b:DESC&freeText=&query=x");
    const struct api_route *route = api_route_of(API_SEARCH_TASKS);
    assert_bytes_text(api_query_text(route, &given, "sort", arena), "a:ASC,b:DESC");
    assert_bytes_text(api_query_text(route, &given, "freeText", arena), "*");
    assert_bytes_text(api_query_text(route, &given, "query", arena), "x");
    given = query("");
    assert_null(api_query_text(route, &given, "sort", arena).data);

    given = query("taskType=a,b&taskType=c&taskType=,d,");
    bytes *items = NULL;
    size_t count = 0;
    api_query_list(api_route_of(API_GET_QUEUE_SIZES), &given, "taskType", arena, &items, &count);
    assert_int_equal(count, 4);
    assert_bytes_text(items[0], "a");
    assert_bytes_text(items[3], "d");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_decoded_once_after_it_was_split),
        cmocka_unit_test(a_path_that_hides_something_is_refused),
        cmocka_unit_test(a_query_is_a_form),
        cmocka_unit_test(booleans_have_eight_spellings_in_any_case),
        cmocka_unit_test(integers_are_decimal_and_an_empty_one_is_the_default),
        cmocka_unit_test(a_repeated_text_is_joined_and_a_list_is_taken_apart),
    };
    return cmocka_run_group_tests_name("proto/api queries", tests, setup, teardown);
}
