// What an HTTP task's input asks for (engine.md §10.21), as the reference was seen to read it.
#include "scheduler/tasks/http.h"
#include "tests/unit/scheduler/world.h"

static struct call read(struct world *world, const char *input, struct http_fault *out_fault) {
    struct call call;
    bytes json = BYTES_EMPTY;
    assert_ok(json_validate(bytes_from_text(input), world->arena, &json));
    http_request_read(json, world->arena, &call, out_fault);
    return call;
}

static struct call good(struct world *world, const char *input) {
    struct http_fault fault;
    struct call call = read(world, input, &fault);
    assert_null(fault.reason);
    return call;
}

static void assert_refused(struct world *world, const char *input, const char *text) {
    struct http_fault fault;
    (void)read(world, input, &fault);
    assert_non_null(fault.reason);
    assert_string_equal(fault.response, text);
    assert_starts_with(bytes_from_text(fault.reason), "Failed to invoke HTTP task due to: ");
}

#define REQUEST(members) \
    "{\"http_request\":{\"uri\":\"http://peer/x\",\"method\":\"GET\"" members "}}"

static void defaults_are_json_and_three_seconds(void **state) {
    struct world *world = *state;
    struct call call = good(world, REQUEST(""));
    assert_bytes_text(call.method, "GET");
    assert_bytes_text(call.uri, "http://peer/x");
    assert_bytes_text(call.headers, "Accept: application/json\nContent-Type: application/json\n");
    assert_false(call.has_body);
    assert_true(call.follow);
    assert_int_equal(call.connect_ms, 3000);
    assert_int_equal(call.silence_ms, 3000);
    assert_int_equal(call.total_ms, 15000);
}

static void case_239_parameters_may_stand_at_the_top(void **state) {
    struct world *world = *state;
    struct call call = good(world, "{\"uri\":\"https://peer\",\"method\":\"HEAD\"}");
    assert_bytes_text(call.uri, "https://peer");
    assert_true(call.follow);
    call = good(world, "{\"http_request\":null,\"uri\":\"http://peer\",\"method\":\"POST\"}");
    assert_bytes_text(call.method, "POST");
    assert_false(call.follow);
}

static void headers_are_texts_and_null_ones_are_dropped(void **state) {
    struct world *world = *state;
    struct call call = good(
        world,
        REQUEST(",\"headers\":{\"A\":1,\"B\":null,\"C\":\"x y\",\"D\":{\"k\":1},\"E\":[1,2],"
                "\"Empty\":\"\",\"Content-Length\":\"7\",\"transfer-encoding\":\"chunked\"}")
    );
    assert_bytes_text(
        call.headers,
        "A: 1\nC: x y\nD: {k=1}\nE: [1, 2]\nEmpty: \nAccept: application/json\nContent-Type: "
        "application/json\n"
    );
}

static void no_header_can_end_its_line(void **state) {
    struct world *world = *state;
    struct call call = good(
        world,
        REQUEST(",\"headers\":{\"A\":\"x\\r\\nB: y\"},\"accept\":\"a/b\\nC: d\",\"contentType\":"
                "\"a/b\\u0000\"")
    );
    assert_bytes_text(call.headers, "A: x  B: y\nAccept: a/b C: d\nContent-Type: a/b \n");
    assert_refused(
        world,
        REQUEST(",\"headers\":{\"A B\":\"x\"}"),
        "java.lang.IllegalArgumentException: 'A B' is no name of a header"
    );
    assert_refused(
        world,
        REQUEST(",\"headers\":{\"A\\n\":\"x\"}"),
        "java.lang.IllegalArgumentException: 'A\n' is no name of a header"
    );
    assert_refused(
        world,
        REQUEST(",\"headers\":{\"\":\"x\"}"),
        "java.lang.IllegalArgumentException: '' is no name of a header"
    );
}

static void media_types_given_by_hand_win(void **state) {
    struct world *world = *state;
    struct call call = good(world, REQUEST(",\"headers\":{\"accept\":\"text/x\"}"));
    assert_bytes_text(call.headers, "accept: text/x\nContent-Type: application/json\n");
    call = good(world, REQUEST(",\"accept\":[\"a/b\",\"c/d\"],\"contentType\":\"e/f\""));
    assert_bytes_text(call.headers, "Accept: a/b, c/d\nContent-Type: e/f\n");
    assert_refused(
        world,
        REQUEST(",\"accept\":\"nonsense\""),
        "org.springframework.http.InvalidMediaTypeException: Invalid mime type \"nonsense\": does "
        "not contain '/'"
    );
}

static void a_body_is_json_or_a_text(void **state) {
    struct world *world = *state;
    assert_bytes_text(
        good(world, REQUEST(",\"body\":{\"a\" : [1, null]}")).body, "{\"a\":[1,null]}"
    );
    assert_bytes_text(good(world, REQUEST(",\"body\":\"raw \\u00e4\"")).body, "raw \xc3\xa4");
    assert_bytes_text(good(world, REQUEST(",\"body\":5")).body, "5");
    assert_bytes_text(good(world, REQUEST(",\"body\":true")).body, "true");
    assert_true(good(world, REQUEST(",\"body\":\"\"")).has_body);
    assert_false(good(world, REQUEST(",\"body\":null")).has_body);
}

static void times_are_numbers_or_their_texts(void **state) {
    struct world *world = *state;
    struct call call = good(world, REQUEST(",\"connectionTimeOut\":\"100\",\"readTimeOut\":1.5"));
    assert_int_equal(call.connect_ms, 100);
    assert_int_equal(call.silence_ms, 1);
    call = good(world, REQUEST(",\"connectionTimeOut\":0,\"readTimeOut\":1e300"));
    assert_int_equal(call.connect_ms, LIMIT_CALL_TIMEOUT_MS);
    assert_int_equal(call.silence_ms, LIMIT_CALL_TIMEOUT_MS);
    assert_refused(
        world,
        REQUEST(",\"readTimeOut\":-1"),
        "java.lang.IllegalArgumentException: duration must not be negative: -1"
    );
    // Do: what cannot be bound fails at once (engine.md §7.4).
    assert_refused(
        world,
        REQUEST(",\"readTimeOut\":\"abc\""),
        "java.lang.IllegalArgumentException: readTimeOut is not a number: abc"
    );
    assert_refused(
        world,
        REQUEST(",\"readTimeOut\":{}"),
        "java.lang.IllegalArgumentException: readTimeOut is not a number: {}"
    );
}

static void what_cannot_be_bound_fails_at_once(void **state) {
    struct world *world = *state;
    assert_refused(
        world,
        REQUEST(",\"headers\":\"x\""),
        "java.lang.IllegalArgumentException: headers are not an object"
    );
    assert_refused(
        world,
        "{\"http_request\":\"x\"}",
        "java.lang.IllegalArgumentException: http_request is not an object"
    );
}

static void methods_are_the_eight_in_upper_case(void **state) {
    struct world *world = *state;
    assert_refused(
        world,
        "{\"uri\":\"http://peer\",\"method\":\"get\"}",
        "java.lang.IllegalArgumentException: Invalid HTTP method: get"
    );
    assert_refused(
        world,
        "{\"uri\":\"http://peer\",\"method\":\"GET / HTTP/1.1\\r\\nA: b\"}",
        "java.lang.IllegalArgumentException: Invalid HTTP method: GET / HTTP/1.1\r\nA: b"
    );
    assert_bytes_text(good(world, "{\"uri\":\"http://p\",\"method\":\"TRACE\"}").method, "TRACE");
}

static void uris_are_escaped_or_refused(void **state) {
    struct world *world = *state;
    struct call call =
        good(world, "{\"uri\":\"http://peer/a b\\n/\\u00e4?q=%20|\",\"method\":\"GET\"}");
    assert_bytes_text(call.uri, "http://peer/a%20b%0A/%C3%A4?q=%20%7C");
    static const struct {
        const char *uri;
        const char *text;
    } refused[] = {
        {"",
         "java.lang.Exception: I/O error on GET request for \"\": Target host is not specified"},
        {"/x",
         "java.lang.Exception: I/O error on GET request for \"/x\": Target host is not specified"},
        {"http:///x",
         "java.lang.Exception: I/O error on GET request for \"http:///x\": Target host is not "
         "specified"},
        {"ftp://p/x?y",
         "java.lang.Exception: I/O error on GET request for \"ftp://p/x\": Unroutable protocol "
         "scheme"},
        {"file:///etc/passwd",
         "java.lang.Exception: I/O error on GET request for \"file:///etc/passwd\": Unroutable "
         "protocol scheme"},
        {"http://p/{x}",
         "java.lang.IllegalArgumentException: Not enough variable values available to expand "
         "http://p/{x}"},
        {"http://p/%zz",
         "java.lang.IllegalArgumentException: Bad path, % without two digits: http://p/%zz"},
        {"http://p/%2",
         "java.lang.IllegalArgumentException: Bad path, % without two digits: http://p/%2"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *input =
            arena_format(world->arena, "{\"uri\":\"%s\",\"method\":\"GET\"}", refused[i].uri);
        assert_refused(world, input, refused[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(defaults_are_json_and_three_seconds),
        world_test(case_239_parameters_may_stand_at_the_top),
        world_test(headers_are_texts_and_null_ones_are_dropped),
        world_test(no_header_can_end_its_line),
        world_test(media_types_given_by_hand_win),
        world_test(a_body_is_json_or_a_text),
        world_test(times_are_numbers_or_their_texts),
        world_test(what_cannot_be_bound_fails_at_once),
        world_test(methods_are_the_eight_in_upper_case),
        world_test(uris_are_escaped_or_refused),
    };
    return cmocka_run_group_tests_name("scheduler http request", tests, NULL, NULL);
}
