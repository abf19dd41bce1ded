// node/call against a real peer: what is sent, what is understood, and that every peer that
// misbehaves ends a call in time and within bounds.
#include "node/call/caller.h"
#include "proto/limits.h"
#include "tests/unit/node_call/peer.h"
#include "tests/unit/test.h"

#include <event2/event.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct world {
    struct event_base *base;
    struct caller *caller;
    struct peer *peer;
    char uri[128];
    int told;
    // the newest result
    uint64_t call_id;
    struct call_result result;
    char headers[4096];
    char body[4096];
    char error[512];
};

static int setup(void **state) {
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->base = event_base_new();
    assert_ok(caller_create(world->base, &world->caller));
    world->peer = peer_start();
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    caller_destroy(&world->caller);
    peer_stop(&world->peer);
    event_base_free(world->base);
    free(world);
    return 0;
}

static void keep(char *kept, size_t room, bytes text) {
    memset(kept, 0, room);
    size_t size = text.size < room - 1 ? text.size : room - 1;
    if (size > 0) {
        memcpy(kept, text.data, size);
    }
}

static void on_result(void *argument, uint64_t call_id, const struct call_result *result) {
    struct world *world = argument;
    world->told++;
    world->call_id = call_id;
    world->result = *result;
    keep(world->headers, sizeof(world->headers), result->headers);
    keep(world->body, sizeof(world->body), result->body);
    keep(world->error, sizeof(world->error), result->error);
}

static struct call to(struct world *world, const char *method, const char *path) {
    (void)snprintf(
        world->uri, sizeof(world->uri), "http://127.0.0.1:%u%s", peer_port(world->peer), path
    );
    return (struct call){
        .method = bytes_from_text(method),
        .uri = bytes_from_text(world->uri),
        .follow = strcmp(method, "GET") == 0,
        .connect_ms = 1000,
        .silence_ms = 300,
        .total_ms = 2000,
    };
}

// Waits until so many results were told.
static void wait_for(struct world *world, int told) {
    for (int round = 0; round < 1000 && world->told < told; round++) {
        struct timeval soon = {.tv_usec = 20000};
        (void)event_base_loopexit(world->base, &soon);
        (void)event_base_loop(world->base, EVLOOP_ONCE);
    }
    assert_int_equal(world->told, told);
}

static void make(struct world *world, const struct call *call) {
    int told = world->told;
    caller_make(world->caller, 41, call, on_result, world);
    assert_int_equal(world->told, told); // never from within
    wait_for(world, told + 1);
    assert_int_equal(world->call_id, 41);
    assert_int_equal(caller_stats(world->caller).open, 0);
    assert_int_equal(caller_stats(world->caller).held_bytes, 0);
}

static void get(struct world *world, const char *path) {
    struct call call = to(world, "GET", path);
    make(world, &call);
}

static void assert_answered(const struct world *world, int32_t status, const char *body) {
    assert_string_equal(world->error, "");
    assert_int_equal(world->result.outcome, CALL_ANSWERED);
    assert_int_equal(world->result.status, status);
    assert_string_equal(world->body, body);
}

static void assert_failed(const struct world *world, const char *text) {
    if (world->result.outcome != CALL_FAILED) {
        fail_msg("answered %d %s", world->result.status, world->body);
    }
    if (strstr(world->error, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, world->error);
    }
}

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- what is sent
// --------------------------------------------------------------------------------

static void a_request_is_what_the_call_says(void **state) {
    struct world *world = *state;
    struct call call = to(world, "GET", "/plain?q=%20");
    call.headers = BYTES_LITERAL("Accept: a/b\nX-Empty: \nIdempotency-Key: k\n");
    make(world, &call);
    char expected[512];
    (void)snprintf(
        expected,
        sizeof(expected),
        "GET /plain?q=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: orpheus\r\n"
        "Accept-Encoding: gzip, deflate\r\nAccept: a/b\r\nX-Empty:\r\nIdempotency-Key: k\r\n\r\n",
        peer_port(world->peer)
    );
    assert_string_equal(peer_request(world->peer), expected);
}

static void bodies_go_with_any_method_but_head(void **state) {
    struct world *world = *state;
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct call call = to(world, methods[i], "/plain");
        call.has_body = true;
        call.body = BYTES_LITERAL("{\"a\":1}");
        make(world, &call);
        assert_answered(world, 200, "hello");
        const char *request = peer_request(world->peer);
        assert_true(strncmp(request, methods[i], strlen(methods[i])) == 0);
        assert_non_null(strstr(request, "Content-Length: 7\r\n"));
        assert_non_null(strstr(request, "\r\n\r\n{\"a\":1}"));
        assert_null(strstr(request, "urlencoded"));
        assert_null(strstr(request, "Expect"));
    }
    struct call call = to(world, "POST", "/plain");
    make(world, &call);
    assert_non_null(strstr(peer_request(world->peer), "Content-Length: 0\r\n"));
    call = to(world, "TRACE", "/plain");
    make(world, &call);
    assert_null(strstr(peer_request(world->peer), "Content-Length"));
}

static void a_head_has_no_body(void **state) {
    struct world *world = *state;
    struct call call = to(world, "HEAD", "/empty");
    make(world, &call);
    assert_answered(world, 204, "");
    assert_true(strncmp(peer_request(world->peer), "HEAD ", 5) == 0);
}

static void proxies_of_the_environment_are_not_asked(void **state) {
    struct world *world = *state;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("all_proxy", "http://127.0.0.1:1", 1);
    get(world, "/plain");
    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    assert_answered(world, 200, "hello");
}

// --- what is understood
// --------------------------------------------------------------------------

static void answers_are_read_in_every_shape(void **state) {
    struct world *world = *state;
    get(world, "/plain");
    assert_answered(world, 200, "hello");
    assert_string_equal(world->headers, "X-A: 1\nContent-Length: 5\nx-a:  2\n");
    get(world, "/chunked");
    assert_answered(world, 200, "hello");
    assert_string_equal(world->headers, "Transfer-Encoding: chunked\n"); // no trailers
    get(world, "/until_close");
    assert_answered(world, 200, "hello");
    assert_string_equal(world->headers, "");
    get(world, "/empty");
    assert_answered(world, 204, "");
    get(world, "/failure");
    assert_answered(world, 500, "why");
    get(world, "/nul");
    assert_answered(world, 200, "\xff\x01z");
}

static void only_the_last_head_counts(void **state) {
    struct world *world = *state;
    get(world, "/early");
    assert_answered(world, 200, "ok");
    assert_string_equal(world->headers, "Content-Length: 2\n");
    get(world, "/redirect");
    assert_answered(world, 200, "hello");
    assert_null(strstr(world->headers, "Location"));
}

static void a_redirect_is_followed_only_if_so_wanted(void **state) {
    struct world *world = *state;
    struct call call = to(world, "POST", "/redirect");
    make(world, &call);
    assert_answered(world, 302, "bye");
}

static void a_connection_is_used_again(void **state) {
    struct world *world = *state;
    for (int i = 0; i < 5; i++) {
        get(world, "/plain");
    }
    assert_int_equal(peer_connections(world->peer), 1);
}

static void calls_go_side_by_side(void **state) {
    struct world *world = *state;
    struct call call = to(world, "GET", "/plain");
    for (uint64_t i = 0; i < 50; i++) {
        caller_make(world->caller, i, &call, on_result, world);
    }
    wait_for(world, 50);
    assert_int_equal(caller_stats(world->caller).answered, 50);
}

// --- peers that misbehave
// ------------------------------------------------------------------------

static void a_silent_peer_is_given_up(void **state) {
    struct world *world = *state;
    int64_t begin_ms = now_ms();
    get(world, "/hang");
    assert_failed(world, "Read timed out");
    assert_true(now_ms() - begin_ms >= 290);
    get(world, "/hang_in_body");
    assert_failed(world, "Read timed out");
}

static void a_peer_that_drips_is_given_up_in_the_end(void **state) {
    struct world *world = *state;
    int64_t begin_ms = now_ms();
    get(world, "/trickle");
    assert_failed(world, "timed out after");
    assert_true(now_ms() - begin_ms >= 1990);
}

static void a_peer_that_sends_without_end_is_given_up(void **state) {
    struct world *world = *state;
    struct call call = to(world, "GET", "/huge");
    call.total_ms = 60 * 1000;
    make(world, &call);
    assert_int_equal(world->result.outcome, CALL_TOO_LARGE);
    assert_true(caller_stats(world->caller).received_bytes <= LIMIT_TASK_PAYLOAD_BYTES);
}

static void heads_are_bounded(void **state) {
    struct world *world = *state;
    get(world, "/huge_head");
    assert_failed(world, "");
    get(world, "/many_headers");
    assert_failed(world, "the answer has too many headers");
    get(world, "/endless_1xx");
    assert_failed(world, "the headers of the answer are too large");
}

static void redirects_are_bounded(void **state) {
    struct world *world = *state;
    get(world, "/loop");
    assert_failed(world, "Maximum (50) redirects followed");
    get(world, "/to_file");
    assert_failed(world, "file");
}

static void nonsense_is_no_answer(void **state) {
    struct world *world = *state;
    get(world, "/garbage");
    assert_failed(world, "the answer is not HTTP");
    get(world, "/close");
    assert_failed(world, "Empty reply from server");
    get(world, "/half_a_head");
    assert_failed(world, "the answer ended within its head");
    get(world, "/half_a_body");
    assert_failed(world, "transfer closed");
    get(world, "/half_a_chunk");
    assert_failed(world, "transfer closed");
    get(world, "/bad_chunk");
    assert_failed(world, "");
    get(world, "/bad_gzip");
    assert_failed(world, "");
}

// A body behind a 204 was read as the next answer on that connection: another task's.
static void an_answer_cannot_be_planted_for_the_next_call(void **state) {
    struct world *world = *state;
    for (int i = 0; i < 5; i++) {
        get(world, "/body_of_204");
        assert_answered(world, 204, "");
        get(world, "/plain");
        assert_answered(world, 200, "hello");
    }
}

static void nobody_there_is_said_at_once(void **state) {
    struct world *world = *state;
    struct call call = to(world, "GET", "/");
    call.uri = BYTES_LITERAL("http://127.0.0.1:1/");
    make(world, &call);
    assert_failed(world, "Couldn't connect to server");
    call.uri = BYTES_LITERAL("http://[::bad/");
    make(world, &call);
    assert_failed(world, "");
}

static void calls_can_be_given_up(void **state) {
    struct world *world = *state;
    struct call call = to(world, "GET", "/hang");
    caller_make(world->caller, 1, &call, on_result, world);
    struct timeval soon = {.tv_usec = 50000};
    (void)event_base_loopexit(world->base, &soon);
    (void)event_base_dispatch(world->base);
    caller_make(world->caller, 2, &call, on_result, world);
    caller_destroy(&world->caller);
    assert_int_equal(world->told, 0);
}

#define caller_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        caller_test(a_request_is_what_the_call_says),
        caller_test(bodies_go_with_any_method_but_head),
        caller_test(a_head_has_no_body),
        caller_test(proxies_of_the_environment_are_not_asked),
        caller_test(answers_are_read_in_every_shape),
        caller_test(only_the_last_head_counts),
        caller_test(a_redirect_is_followed_only_if_so_wanted),
        caller_test(a_connection_is_used_again),
        caller_test(calls_go_side_by_side),
        caller_test(a_silent_peer_is_given_up),
        caller_test(a_peer_that_drips_is_given_up_in_the_end),
        caller_test(a_peer_that_sends_without_end_is_given_up),
        caller_test(heads_are_bounded),
        caller_test(redirects_are_bounded),
        caller_test(nonsense_is_no_answer),
        caller_test(an_answer_cannot_be_planted_for_the_next_call),
        caller_test(nobody_there_is_said_at_once),
        caller_test(calls_can_be_given_up),
    };
    return cmocka_run_group_tests_name("node/call", tests, NULL, NULL);
}
