// node/http/parser: what is a request, wherever the stream is cut.
#include "node/http/parser.h"
#include "tests/unit/node_http/probes.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct arena *arena;
    struct buffer buffer;
    struct http_parser parser;
    struct http_request request;
    unsigned continues;
};

static const struct http_parser_limits limits = {
    .head_bytes_max = 1024,
    .body_bytes_max = PROBE_BODY_BYTES_MAX,
};

static void begin(struct fixture *fixture) {
    *fixture = (struct fixture){.arena = arena_create(1024)};
    buffer_init(&fixture->buffer, 1 << 16);
    http_parser_init(&fixture->parser, limits);
}

static void end(struct fixture *fixture) {
    arena_destroy(&fixture->arena);
    buffer_deinit(&fixture->buffer);
}

static enum http_parser_outcome step(struct fixture *fixture) {
    arena_reset(fixture->arena);
    enum http_parser_outcome outcome =
        http_parser_step(&fixture->parser, &fixture->buffer, fixture->arena, &fixture->request);
    if (outcome == HTTP_PARSER_CONTINUE) {
        fixture->continues++;
        return step(fixture);
    }
    return outcome;
}

// Feeds `view` and steps once.
static enum http_parser_outcome feed(struct fixture *fixture, bytes view) {
    buffer_append(&fixture->buffer, view);
    return step(fixture);
}

static void
expect_probe(const struct probe *probe, struct fixture *fixture, enum http_parser_outcome outcome) {
    if (probe->status == 0) {
        assert_int_equal(outcome, HTTP_PARSER_REQUEST);
        assert_true(bytes_equal_text(fixture->request.body, probe->body));
        http_parser_next(&fixture->parser, &fixture->buffer);
        assert_int_equal(fixture->buffer.size, 0);
    } else {
        assert_int_equal(outcome, HTTP_PARSER_REFUSAL);
        assert_int_equal(http_refusal_status(fixture->parser.refusal.cause), probe->status);
        assert_true(strlen(fixture->parser.refusal.text) > 0);
    }
}

static void every_probe_has_its_outcome(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        struct fixture fixture;
        begin(&fixture);
        print_message("probe: %s\n", probes[i].claim);
        bytes whole = bytes_of(probes[i].bytes, probes[i].size);
        expect_probe(&probes[i], &fixture, feed(&fixture, whole));
        end(&fixture);
    }
}

static void a_cut_at_any_byte_changes_no_outcome(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        bytes whole = bytes_of(probes[i].bytes, probes[i].size);
        for (size_t cut = 0; cut <= whole.size; cut++) {
            struct fixture fixture;
            begin(&fixture);
            enum http_parser_outcome outcome = feed(&fixture, bytes_slice(whole, 0, cut));
            if (outcome == HTTP_PARSER_MORE) {
                outcome = feed(&fixture, bytes_slice(whole, cut, whole.size));
            } else if (outcome == HTTP_PARSER_REQUEST) {
                assert_int_equal(cut, whole.size);
            }
            expect_probe(&probes[i], &fixture, outcome);
            end(&fixture);
        }
    }
}

static void single_bytes_change_no_outcome(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        bytes whole = bytes_of(probes[i].bytes, probes[i].size);
        struct fixture fixture;
        begin(&fixture);
        enum http_parser_outcome outcome = HTTP_PARSER_MORE;
        for (size_t at = 0; at < whole.size && outcome == HTTP_PARSER_MORE; at++) {
            outcome = feed(&fixture, bytes_slice(whole, at, at + 1));
        }
        expect_probe(&probes[i], &fixture, outcome);
        end(&fixture);
    }
}

static void a_request_shorter_by_a_byte_is_not_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        if (probes[i].status == 0) {
            struct fixture fixture;
            begin(&fixture);
            bytes most = bytes_of(probes[i].bytes, probes[i].size - 1);
            assert_int_equal(feed(&fixture, most), HTTP_PARSER_MORE);
            end(&fixture);
        }
    }
}

static void the_path_is_split_then_decoded_once(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    bytes text = BYTES_LITERAL("GET /api/a%20b+c/%252F//%C3%A9/?q HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(feed(&fixture, text), HTTP_PARSER_REQUEST);
    const struct http_request *request = &fixture.request;
    assert_bytes_text(request->path, "/api/a%20b+c/%252F//%C3%A9/");
    assert_int_equal(request->segment_count, 6);
    assert_bytes_text(request->segments[0], "api");
    assert_bytes_text(request->segments[1], "a b+c");
    assert_bytes_text(request->segments[2], "%2F");
    assert_bytes_text(request->segments[3], "");
    assert_bytes_text(request->segments[4], "\xc3\xa9");
    assert_bytes_text(request->segments[5], "");
    end(&fixture);
}

static void the_query_is_form_decoded_and_keeps_repeats(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    bytes text = BYTES_LITERAL(
        "GET /?t=a+b&t=%2B%26&&empty=&flag&eq=a=b&%6e=/%2f?x HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    assert_int_equal(feed(&fixture, text), HTTP_PARSER_REQUEST);
    const struct http_request *request = &fixture.request;
    assert_int_equal(request->segment_count, 1);
    assert_int_equal(request->parameter_count, 6);
    bytes value = BYTES_EMPTY;
    assert_true(http_request_parameter(request, "t", &value));
    assert_bytes_text(value, "a b");
    assert_bytes_text(request->parameters[1].value, "+&");
    assert_true(http_request_parameter(request, "empty", &value));
    assert_bytes_text(value, "");
    assert_true(http_request_parameter(request, "flag", &value));
    assert_bytes_text(value, "");
    assert_true(http_request_parameter(request, "eq", &value));
    assert_bytes_text(value, "a=b");
    assert_true(http_request_parameter(request, "n", &value));
    assert_bytes_text(value, "//?x");
    assert_false(http_request_parameter(request, "none", &value));
    end(&fixture);
}

static void header_names_are_lowered_and_values_kept(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    bytes text = BYTES_LITERAL("PUT /x HTTP/1.1\r\nHOST: H:1\r\nX-Request-ID:  A b \r\n\r\n");
    assert_int_equal(feed(&fixture, text), HTTP_PARSER_REQUEST);
    assert_int_equal(fixture.request.method, HTTP_METHOD_PUT);
    assert_int_equal(fixture.request.header_count, 2);
    bytes value = BYTES_EMPTY;
    assert_true(http_request_header(&fixture.request, "x-request-id", &value));
    assert_bytes_text(value, "A b");
    assert_true(http_request_header(&fixture.request, "host", &value));
    assert_bytes_text(value, "H:1");
    end(&fixture);
}

static void an_absolute_target_is_its_path(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    bytes text = BYTES_LITERAL("GET https://h:8080/a/b?c=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(feed(&fixture, text), HTTP_PARSER_REQUEST);
    assert_bytes_text(fixture.request.target, "https://h:8080/a/b?c=1");
    assert_bytes_text(fixture.request.path, "/a/b");
    assert_int_equal(fixture.request.segment_count, 2);
    assert_int_equal(fixture.request.parameter_count, 1);
    end(&fixture);
}

static bool keeps_alive(const char *version, const char *header) {
    struct fixture fixture;
    begin(&fixture);
    buffer_format(&fixture.buffer, "GET / %s\r\nHost: a\r\n%s\r\n", version, header);
    assert_int_equal(step(&fixture), HTTP_PARSER_REQUEST);
    bool keep_alive = fixture.request.keep_alive;
    end(&fixture);
    return keep_alive;
}

static void keep_alive_follows_version_and_connection(void **state) {
    (void)state;
    assert_true(keeps_alive("HTTP/1.1", ""));
    assert_true(keeps_alive("HTTP/1.1", "Connection: Keep-Alive, Upgrade\r\n"));
    assert_false(keeps_alive("HTTP/1.1", "Connection: x, CLOSE\r\n"));
    assert_false(keeps_alive("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    assert_false(keeps_alive("HTTP/1.0", ""));
    assert_true(keeps_alive("HTTP/1.0", "Connection: keep-alive\r\n"));
}

static void a_head_over_the_bound_is_431_and_one_at_the_bound_is_not(void **state) {
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct fixture fixture;
        begin(&fixture);
        buffer_append_text(&fixture.buffer, "GET / HTTP/1.1\r\nHost: a\r\nA: ");
        while (fixture.buffer.size < limits.head_bytes_max - 4 + over) {
            buffer_append_byte(&fixture.buffer, 'a');
        }
        buffer_append_text(&fixture.buffer, "\r\n\r\n");
        if (over == 0) {
            assert_int_equal(step(&fixture), HTTP_PARSER_REQUEST);
        } else {
            assert_int_equal(step(&fixture), HTTP_PARSER_REFUSAL);
            assert_int_equal(fixture.parser.refusal.cause, HTTP_REFUSAL_HEAD_TOO_LARGE);
        }
        end(&fixture);
    }
}

static enum http_refusal_cause flood(const char *start, const char *repeated) {
    struct fixture fixture;
    begin(&fixture);
    enum http_parser_outcome outcome = feed(&fixture, bytes_from_text(start));
    for (size_t i = 0; i < 4096 && outcome == HTTP_PARSER_MORE; i++) {
        outcome = feed(&fixture, bytes_from_text(repeated));
        assert_true(fixture.buffer.size < 4096); // the buffer stays bounded
    }
    assert_int_equal(outcome, HTTP_PARSER_REFUSAL);
    enum http_refusal_cause cause = fixture.parser.refusal.cause;
    end(&fixture);
    return cause;
}

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void endless_parts_are_bounded(void **state) {
    (void)state;
    assert_int_equal(flood("GET / HTTP/1.1\r\n", "a: b\r\n"), HTTP_REFUSAL_HEAD_TOO_LARGE);
    assert_int_equal(flood("GET /", "a"), HTTP_REFUSAL_HEAD_TOO_LARGE);
    assert_int_equal(flood(CHUNKED "0\r\n", "a: b\r\n"), HTTP_REFUSAL_HEAD_TOO_LARGE);
    assert_int_equal(flood(CHUNKED "1;", "a"), HTTP_REFUSAL_MALFORMED);
    assert_int_equal(flood(CHUNKED "0", "0"), HTTP_REFUSAL_MALFORMED);
    assert_int_equal(
        flood(CHUNKED, "1;0123456789012345678901234567890\r\nx\r\n"), HTTP_REFUSAL_HEAD_TOO_LARGE
    );
    assert_int_equal(flood(CHUNKED, "1\r\nx\r\n"), HTTP_REFUSAL_BODY_TOO_LARGE);
}

static void continue_is_said_once_and_only_to_a_client_that_waits(void **state) {
    (void)state;
    bytes head = BYTES_LITERAL(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    );
    struct fixture fixture;
    begin(&fixture);
    assert_int_equal(feed(&fixture, head), HTTP_PARSER_MORE);
    assert_int_equal(fixture.continues, 1);
    assert_int_equal(feed(&fixture, BYTES_LITERAL("a")), HTTP_PARSER_MORE);
    assert_int_equal(feed(&fixture, BYTES_LITERAL("b")), HTTP_PARSER_REQUEST);
    assert_bytes_text(fixture.request.body, "ab");
    assert_int_equal(fixture.continues, 1);
    end(&fixture);
    begin(&fixture);
    bytes large = BYTES_LITERAL(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 65\r\n\r\n"
    );
    assert_int_equal(feed(&fixture, large), HTTP_PARSER_REFUSAL);
    assert_int_equal(fixture.continues, 0);
    end(&fixture);
}

static void pipelined_requests_come_one_by_one(void **state) {
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    bytes text = BYTES_LITERAL("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" CHUNKED
                               "1\r\nc\r\n0\r\n\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(feed(&fixture, text), HTTP_PARSER_REQUEST);
    assert_bytes_text(fixture.request.body, "ab");
    http_parser_next(&fixture.parser, &fixture.buffer);
    assert_int_equal(step(&fixture), HTTP_PARSER_REQUEST);
    assert_bytes_text(fixture.request.body, "c");
    http_parser_next(&fixture.parser, &fixture.buffer);
    assert_int_equal(step(&fixture), HTTP_PARSER_REQUEST);
    assert_bytes_text(fixture.request.path, "/3");
    http_parser_next(&fixture.parser, &fixture.buffer);
    assert_int_equal(step(&fixture), HTTP_PARSER_MORE);
    end(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_probe_has_its_outcome),
        cmocka_unit_test(a_cut_at_any_byte_changes_no_outcome),
        cmocka_unit_test(single_bytes_change_no_outcome),
        cmocka_unit_test(a_request_shorter_by_a_byte_is_not_whole),
        cmocka_unit_test(the_path_is_split_then_decoded_once),
        cmocka_unit_test(the_query_is_form_decoded_and_keeps_repeats),
        cmocka_unit_test(header_names_are_lowered_and_values_kept),
        cmocka_unit_test(an_absolute_target_is_its_path),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(a_head_over_the_bound_is_431_and_one_at_the_bound_is_not),
        cmocka_unit_test(endless_parts_are_bounded),
        cmocka_unit_test(continue_is_said_once_and_only_to_a_client_that_waits),
        cmocka_unit_test(pipelined_requests_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
