// node/http/server: a real server, real sockets, one thread.
#include "proto/base/buffer.h"
#include "tests/unit/node_http/probes.h"
#include "tests/unit/node_http/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BODY_BYTES = 16 * 1024 * 1024
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void every_probe_is_answered_by_a_server(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.body_bytes_max = PROBE_BODY_BYTES_MAX});
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        print_message("probe: %s\n", probes[i].claim);
        struct client client;
        client_connect(&client, &world);
        client_send(&client, bytes_of(probes[i].bytes, probes[i].size));
        if (probes[i].status == 0) {
            client_expect_text(&client, 200, probes[i].body);
        } else {
            struct answer answer = client_expect(&client, probes[i].status, true);
            char begin[32];
            (void)snprintf(begin, sizeof(begin), "{\"status\":%d,\"message\":\"", answer.status);
            assert_true(bytes_starts_with(answer.body, bytes_from_text(begin)));
            bytes end = BYTES_LITERAL(",\"instance\":\"test?host\",\"retryable\":false}");
            assert_true(bytes_ends_with(answer.body, end));
            assert_true(answer_has(answer, "\r\nContent-Type: application/json\r\n"));
            assert_true(answer_has(answer, "\r\nConnection: close\r\n"));
            client_forget(&client, answer);
            client_expect_end(&client);
        }
        client_close(&client);
    }
    wait_until(&world, world_stats(&world).connections == 0);
    world_end(&world);
}

static void a_connection_serves_many_requests(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    for (int i = 0; i < 50; i++) {
        client_send_text(&client, GET("/now"));
        client_expect_text(&client, 200, "now");
    }
    assert_int_equal(world_stats(&world).connections_total, 1);
    assert_int_equal(world_stats(&world).requests_total, 50);
    client_close(&client);
    wait_until(&world, world_stats(&world).connections == 0);
    world_end(&world);
}

static void void_text_204_and_head_are_framed_by_the_contract(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/void"));
    struct answer answer = client_expect(&client, 200, true);
    assert_true(answer_has(answer, "\r\nContent-Length: 0\r\n"));
    assert_false(answer_has(answer, "Content-Type"));
    assert_false(answer_has(answer, "Connection"));
    assert_true(answer_has(answer, "\r\nDate: "));
    client_forget(&client, answer);
    client_send_text(&client, GET("/none"));
    answer = client_expect(&client, 204, true);
    assert_false(answer_has(answer, "Content-"));
    client_forget(&client, answer);
    client_send_text(&client, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
    answer = client_expect(&client, 200, false);
    assert_true(answer_has(answer, "\r\nContent-Length: 3\r\n"));
    assert_true(answer_has(answer, "\r\nContent-Type: text/plain;charset=UTF-8\r\n"));
    client_forget(&client, answer);
    client_send_text(&client, GET("/now")); // nothing of the HEAD is left over
    client_expect_text(&client, 200, "now");
    client_send_text(&client, GET("/close"));
    answer = client_expect(&client, 405, true);
    assert_true(answer_has(answer, "\r\nContent-Type: application/octet-stream\r\n"));
    assert_true(answer_has(answer, "\r\nAllow: GET  X: y\r\n"));
    assert_true(answer_has(answer, "\r\nConnection: close\r\n"));
    client_forget(&client, answer);
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void http_1_0_is_told_that_it_may_stay(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct answer answer = client_expect(&client, 200, true);
    assert_true(answer_has(answer, "\r\nConnection: keep-alive\r\n"));
    client_forget(&client, answer);
    client_send_text(&client, "GET /now HTTP/1.0\r\n\r\n");
    client_expect_text(&client, 200, "now");
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void pipelined_answers_keep_their_order_and_follow_a_wake(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(
        &client, GET("/now") GET("/park") GET("/void?size=4") GET("/park") GET("/now")
    );
    client_expect_text(&client, 200, "now");
    wait_until(&world, world.parked_count == 1);
    assert_int_equal(world_stats(&world).requests_total, 2); // the later ones wait
    client_send_text(&client, GET("/now"));                  // even in the socket
    world_turn(&world);
    world_answer(&world, 0, "first");
    client_expect_text(&client, 200, "first");
    struct answer answer = client_expect(&client, 200, true);
    assert_int_equal(answer.body.size, 4);
    client_forget(&client, answer);
    wait_until(&world, world.parked_count == 2);
    world_answer(&world, 1, "second");
    client_expect_text(&client, 200, "second");
    client_expect_text(&client, 200, "now");
    client_expect_text(&client, 200, "now");
    client_close(&client);
    world_end(&world);
}

static void many_small_pipelined_requests_are_all_answered(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    for (int i = 0; i < 2000; i++) {
        client_send_text(&client, GET("/now"));
    }
    for (int i = 0; i < 2000; i++) {
        client_expect_text(&client, 200, "now");
    }
    client_close(&client);
    world_end(&world);
}

static void a_second_answer_and_an_unknown_id_are_ignored(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/twice") GET("/park"));
    client_expect_text(&client, 200, "once");
    wait_until(&world, world.parked_count == 1);
    uint64_t id = world.parked[0];
    struct http_response response = {.status = 200};
    assert_false(http_server_respond(world.server, 0, &response));
    assert_false(http_server_respond(world.server, UINT64_MAX, &response));
    assert_false(http_server_respond(world.server, id - (UINT64_C(1) << 32), &response));
    assert_false(http_server_respond(world.server, id + (UINT64_C(1) << 32), &response));
    world_answer(&world, 0, "mine");
    world_answer(&world, 0, "again");
    client_expect_text(&client, 200, "mine");
    client_send_text(&client, GET("/park"));
    wait_until(&world, world.parked_count == 2);
    world_answer(&world, 0, "of the past");
    world_answer(&world, 1, "of now");
    client_expect_text(&client, 200, "of now");
    client_close(&client);
    world_end(&world);
}

enum leaving {
    LEAVE_CLOSING,
    LEAVE_SHUTTING,
    LEAVE_RESETTING,
};

static void leave(struct client *client, enum leaving leaving) {
    switch (leaving) {
    case LEAVE_CLOSING:
        client_close(client);
        break;
    case LEAVE_SHUTTING:
        assert_int_equal(shutdown(client->socket, SHUT_WR), 0);
        break;
    case LEAVE_RESETTING:
        client_reset(client);
        break;
    }
}

static void expect_gone(enum leaving leaving, const char *request, const char *further) {
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, request);
    wait_until(&world, world.parked_count == 1);
    client_send_text(&client, further);
    if (further[0] != '\0') {
        world_turn(&world);
        world_turn(&world);
    }
    assert_int_equal(world.gone_count, 0);
    leave(&client, leaving);
    wait_until(&world, world.gone_count == 1);
    assert_true(world.gone[0] == world.parked[0]);
    assert_int_equal(world_stats(&world).connections, 0);
    assert_int_equal(world_stats(&world).requests_parked, 0);
    world_answer(&world, 0, "to nobody");
    world_turn(&world);
    assert_int_equal(world.gone_count, 1);
    if (leaving == LEAVE_SHUTTING) {
        client_close(&client);
    }
    world_end(&world);
}

static void a_client_that_leaves_while_parked_is_noticed(void **state) {
    (void)state;
    for (int leaving = LEAVE_CLOSING; leaving <= LEAVE_RESETTING; leaving++) {
        expect_gone((enum leaving)leaving, GET("/park"), "");
        expect_gone((enum leaving)leaving, GET("/park") GET("/now"), "");
        expect_gone((enum leaving)leaving, GET("/park"), GET("/now"));
        expect_gone((enum leaving)leaving, GET("/park") "GET", " /half");
    }
}

static void a_client_that_left_before_it_was_parked_is_noticed(void **state) {
    (void)state;
    for (int leaving = LEAVE_CLOSING; leaving <= LEAVE_RESETTING; leaving++) {
        struct world world;
        world_begin(&world, (struct http_server_options){0});
        struct client client;
        client_connect(&client, &world);
        wait_until(&world, world_stats(&world).connections == 1);
        client_send_text(&client, GET("/park"));
        leave(&client, (enum leaving)leaving);
        wait_until(&world, world_stats(&world).connections == 0);
        assert_int_equal(world.gone_count, world.parked_count);
        if (leaving == LEAVE_SHUTTING) {
            client_close(&client);
        }
        world_end(&world);
    }
}

static void a_half_closed_client_still_gets_an_answer_given_at_once(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/now") GET("/now"));
    leave(&client, LEAVE_SHUTTING);
    client_expect_text(&client, 200, "now");
    client_expect_text(&client, 200, "now");
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void what_is_pipelined_behind_a_parked_request_stays_bounded(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/park"));
    wait_until(&world, world.parked_count == 1);
    uint64_t before = world_stats(&world).received_bytes;
    static const uint8_t flood[64 * 1024];
    bool is_full = false;
    for (int i = 0; i < 1024 && !is_full; i++) {
        is_full = send(client.socket, flood, sizeof(flood), MSG_NOSIGNAL) < 0;
        world_turn(&world);
    }
    assert_true(is_full); // the socket, not the server, holds it
    assert_true(world_stats(&world).received_bytes - before <= sizeof(flood));
    client_reset(&client);
    wait_until(&world, world.gone_count == 1);
    world_end(&world);
}

static void a_hundred_parked_requests_are_woken(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    static struct client clients[100];
    for (size_t i = 0; i < 100; i++) {
        client_connect(&clients[i], &world);
        client_send_text(&clients[i], GET("/park"));
        wait_until(&world, world.parked_count == i + 1);
    }
    assert_int_equal(world_stats(&world).requests_parked, 100);
    for (size_t i = 0; i < 100; i++) {
        world_answer(&world, i, "woken");
    }
    for (size_t i = 0; i < 100; i++) {
        client_expect_text(&clients[i], 200, "woken");
        client_send_text(&clients[i], GET("/now"));
        client_expect_text(&clients[i], 200, "now");
        client_close(&clients[i]);
    }
    assert_int_equal(world_stats(&world).requests_parked, 0);
    world_end(&world);
}

static void a_slow_head_is_408(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.head_ms = 50});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/now") "GET / HTTP/1.1\r\nHost");
    client_expect_text(&client, 200, "now");
    for (int i = 0; i < 1000000 && world_stats(&world).refused[HTTP_REFUSAL_HEAD_TIMEOUT] == 0;
         i++) {
        client_send_text(&client, i % 1000 == 0 ? "a" : ""); // progress does not help
        world_turn(&world);
    }
    struct answer answer = client_expect(&client, 408, true);
    client_forget(&client, answer);
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void a_stalled_body_is_408(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.window_ms = 50});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    struct answer answer = client_expect(&client, 408, true);
    client_forget(&client, answer);
    client_expect_end(&client);
    assert_int_equal(world_stats(&world).refused[HTTP_REFUSAL_BODY_TIMEOUT], 1);
    client_close(&client);
    world_end(&world);
}

static void an_idle_connection_is_closed_without_a_word(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.idle_ms = 50});
    struct client fresh;
    struct client used;
    client_connect(&fresh, &world);
    client_connect(&used, &world);
    client_send_text(&used, GET("/now"));
    client_expect_text(&used, 200, "now");
    client_expect_end(&fresh);
    client_expect_end(&used);
    client_close(&fresh);
    client_close(&used);
    world_end(&world);
}

static void a_client_that_does_not_read_is_dropped(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.window_ms = 50});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/?size=67108864"));
    wait_until(&world, world_stats(&world).stalled_total == 1);
    assert_int_equal(world_stats(&world).connections, 0);
    client_close(&client);
    world_end(&world);
}

static void a_large_answer_does_not_hold_up_the_others(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client large;
    struct client small;
    client_connect(&large, &world);
    client_connect(&small, &world);
    client_send_text(&large, GET("/?size=67108864") GET("/now"));
    wait_until(&world, world_stats(&world).requests_total == 1);
    client_send_text(&small, GET("/now"));
    client_expect_text(&small, 200, "now");
    struct answer answer = client_expect(&large, 200, true);
    assert_int_equal(answer.body.size, 64 * 1024 * 1024);
    assert_true(bytes_equal(answer.body, buffer_bytes(&world.large)));
    client_forget(&large, answer);
    client_expect_text(&large, 200, "now");
    client_close(&large);
    client_close(&small);
    world_end(&world);
}

static void large_bodies_come_back_as_they_were_sent(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct buffer body;
    buffer_init(&body, BODY_BYTES);
    uint8_t *at = buffer_extend(&body, BODY_BYTES);
    assert_non_null(at);
    for (size_t i = 0; i < BODY_BYTES; i++) {
        at[i] = (uint8_t)(i * 7 >> 2);
    }
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n");
    client_send(&client, buffer_bytes(&body));
    struct answer answer = client_expect(&client, 200, true);
    assert_true(bytes_equal(answer.body, buffer_bytes(&body)));
    client_forget(&client, answer);
    client_send_text(&client, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t from = 0; from < BODY_BYTES; from += BODY_BYTES / 128) {
        client_send_text(&client, "20000\r\n");
        client_send(&client, bytes_slice(buffer_bytes(&body), from, from + BODY_BYTES / 128));
        client_send_text(&client, "\r\n");
    }
    client_send_text(&client, "0\r\n\r\n");
    answer = client_expect(&client, 200, true);
    assert_true(bytes_equal(answer.body, buffer_bytes(&body)));
    client_forget(&client, answer);
    client_close(&client);
    buffer_deinit(&body);
    world_end(&world);
}

static void too_large_a_body_is_413_even_to_a_client_still_sending(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.body_bytes_max = 1024});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
    static const uint8_t piece[64 * 1024];
    for (int i = 0; i < 64; i++) {
        client_send(&client, bytes_of(piece, sizeof(piece)));
        world_turn(&world);
    }
    struct answer answer = client_expect(&client, 413, true);
    client_forget(&client, answer);
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void too_large_a_head_is_431(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 1000; i++) {
        client_send_text(&client, "Abcdefgh: ijklmnopq\r\n");
    }
    struct answer answer = client_expect(&client, 431, true);
    client_forget(&client, answer);
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void a_client_that_asks_is_told_to_continue(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.body_bytes_max = 10});
    struct client client;
    client_connect(&client, &world);
    for (int i = 0; i < 2; i++) {
        client_send_text(
            &client,
            "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        );
        struct answer answer = client_expect(&client, 100, false);
        assert_int_equal(answer.head.size, sizeof("HTTP/1.1 100 Continue\r\n\r\n") - 1);
        client_forget(&client, answer);
        client_send_text(&client, "hello");
        client_expect_text(&client, 200, "hello");
    }
    client_send_text(
        &client, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"
    );
    struct answer answer = client_expect(&client, 413, true);
    client_forget(&client, answer);
    client_expect_end(&client);
    client_close(&client);
    world_end(&world);
}

static void one_connection_too_many_is_503(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.connections_max = 2});
    struct client first;
    struct client second;
    struct client third;
    client_connect(&first, &world);
    client_connect(&second, &world);
    wait_until(&world, world_stats(&world).connections == 2);
    client_connect(&third, &world);
    client_send_text(&third, GET("/now"));
    struct answer answer = client_expect(&third, 503, true);
    assert_true(bytes_ends_with(answer.body, BYTES_LITERAL("\"retryable\":true}")));
    client_forget(&third, answer);
    client_expect_end(&third);
    client_close(&third);
    client_close(&first);
    wait_until(&world, world_stats(&world).connections == 1);
    client_connect(&third, &world);
    client_send_text(&third, GET("/now"));
    client_expect_text(&third, 200, "now");
    client_close(&third);
    client_close(&second);
    world_end(&world);
}

static void accepting_rests_while_no_descriptor_is_left(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    struct rlimit normal;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &normal), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)client.socket + 1, .rlim_max = normal.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    wait_until(&world, world_stats(&world).accept_pauses == 1);
    for (int i = 0; i < 100; i++) {
        world_turn(&world);
    }
    assert_true(world_stats(&world).accept_pauses < 50); // it rests, it does not spin
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &normal), 0);
    client_send_text(&client, GET("/now"));
    client_expect_text(&client, 200, "now");
    client_close(&client);
    world_end(&world);
}

static void a_stop_lets_requests_finish_and_closes_the_rest(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client idle;
    struct client parked;
    struct client half;
    struct client late;
    client_connect(&idle, &world);
    client_connect(&parked, &world);
    client_connect(&half, &world);
    client_connect(&late, &world);
    client_send_text(&parked, GET("/park"));
    client_send_text(&half, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    wait_until(&world, world.parked_count == 1 && world_stats(&world).connections == 4);
    client_send_text(&late, GET("/now")); // in the socket when the stop comes
    http_server_stop(world.server);
    http_server_stop(world.server);
    client_expect_end(&idle);
    struct answer answer = client_expect(&late, 200, true);
    assert_true(answer_has(answer, "\r\nConnection: close\r\n"));
    client_forget(&late, answer);
    client_expect_end(&late);
    client_send_text(&half, "lo");
    client_expect_text(&half, 200, "hello");
    client_expect_end(&half);
    client_close(&idle);
    client_close(&late);
    client_close(&half);
    wait_until(&world, world_stats(&world).connections == 1);
    assert_false(world.is_stopped);
    world_answer(&world, 0, "last");
    client_expect_text(&parked, 200, "last");
    client_expect_end(&parked);
    client_close(&parked);
    wait_until(&world, world.is_stopped);
    assert_int_equal(world.gone_count, 0);
    world_end(&world);
}

static void a_server_dies_with_requests_parked_and_answers_half_sent(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client parked;
    struct client reading;
    client_connect(&parked, &world);
    client_connect(&reading, &world);
    client_send_text(&parked, GET("/park") GET("/now"));
    client_send_text(&reading, GET("/?size=67108864"));
    wait_until(&world, world_stats(&world).requests_total == 2);
    world_end(&world);
    assert_int_equal(world.gone_count, 0);
    client_close(&parked);
    client_close(&reading);
}

static void ignore(void *argument, uint64_t id, const struct http_request *request) {
    (void)argument;
    (void)id;
    (void)request;
}

static void a_taken_port_is_refused(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct world other = {0};
    struct http_server_options options = {
        .address = "127.0.0.1",
        .port = http_server_port(world.server),
        .on_request = ignore,
    };
    assert_err(http_server_create(world.base, &options, &other.server), ERR_IO);
    options.address = "not an address";
    assert_err(http_server_create(world.base, &options, &other.server), ERR_INVALID);
    assert_null(other.server);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_probe_is_answered_by_a_server),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(void_text_204_and_head_are_framed_by_the_contract),
        cmocka_unit_test(http_1_0_is_told_that_it_may_stay),
        cmocka_unit_test(pipelined_answers_keep_their_order_and_follow_a_wake),
        cmocka_unit_test(many_small_pipelined_requests_are_all_answered),
        cmocka_unit_test(a_second_answer_and_an_unknown_id_are_ignored),
        cmocka_unit_test(a_client_that_leaves_while_parked_is_noticed),
        cmocka_unit_test(a_client_that_left_before_it_was_parked_is_noticed),
        cmocka_unit_test(a_half_closed_client_still_gets_an_answer_given_at_once),
        cmocka_unit_test(what_is_pipelined_behind_a_parked_request_stays_bounded),
        cmocka_unit_test(a_hundred_parked_requests_are_woken),
        cmocka_unit_test(a_slow_head_is_408),
        cmocka_unit_test(a_stalled_body_is_408),
        cmocka_unit_test(an_idle_connection_is_closed_without_a_word),
        cmocka_unit_test(a_client_that_does_not_read_is_dropped),
        cmocka_unit_test(a_large_answer_does_not_hold_up_the_others),
        cmocka_unit_test(large_bodies_come_back_as_they_were_sent),
        cmocka_unit_test(too_large_a_body_is_413_even_to_a_client_still_sending),
        cmocka_unit_test(too_large_a_head_is_431),
        cmocka_unit_test(a_client_that_asks_is_told_to_continue),
        cmocka_unit_test(one_connection_too_many_is_503),
        cmocka_unit_test(accepting_rests_while_no_descriptor_is_left),
        cmocka_unit_test(a_stop_lets_requests_finish_and_closes_the_rest),
        cmocka_unit_test(a_server_dies_with_requests_parked_and_answers_half_sent),
        cmocka_unit_test(a_taken_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
