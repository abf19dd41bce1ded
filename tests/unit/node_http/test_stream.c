// node/http/server: answers in pieces, over real sockets.
#include "tests/unit/node_http/world.h"

#include <string.h>
#include <sys/socket.h>

enum {
    PIECES_OF_MUCH = 600,
    PIECE_BYTES = 64 * 1024
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static size_t hex_of(bytes text, size_t *at) {
    size_t value = 0;
    for (; *at < text.size && text.data[*at] != '\r'; (*at)++) {
        uint8_t digit = text.data[*at];
        value = value * 16 + (size_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    *at += 2;
    return value;
}

// Takes the chunks apart as far as they came. True: the last one is there, and `*out_size` is what
// they take with what frames them.
static bool chunks_end(bytes got, size_t *out_size, size_t *out_body, size_t *out_chunks) {
    size_t at = 0;
    *out_body = 0;
    *out_chunks = 0;
    while (at + 5 <= got.size) {
        size_t size = hex_of(got, &at);
        if (at + size + 2 > got.size) {
            return false;
        }
        uint8_t wanted = (uint8_t)('a' + *out_chunks % 26);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(got.data[at + i], wanted);
        }
        at += size + 2;
        *out_body += size;
        if (size == 0) {
            *out_size = at;
            return true;
        }
        ++*out_chunks;
    }
    return false;
}

static bool whole_is_here(struct client *client, size_t head, size_t *out_size, size_t *out_body) {
    (void)client_read(client);
    size_t chunks = 0;
    bytes got = buffer_bytes(&client->got);
    bool may_be = bytes_ends_with(got, BYTES_LITERAL("0\r\n\r\n")) ||
                  bytes_ends_with(got, BYTES_LITERAL("\r\n\r\nnow"));
    return may_be && chunks_end(bytes_slice(got, head, got.size), out_size, out_body, &chunks);
}

static void expect_chunked(struct client *client, size_t body) {
    struct answer answer = client_expect(client, 200, false);
    assert_true(answer_has(answer, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_false(answer_has(answer, "Content-Length"));
    size_t size = 0;
    size_t got = 0;
    size_t head = answer.head.size;
    wait_until(client->world, whole_is_here(client, head, &size, &got));
    assert_int_equal(got, body);
    buffer_consume(&client->got, head + size);
}

static void pieces_come_as_chunks_and_what_is_pipelined_after_them(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    for (int i = 0; i < 3; i++) {
        client_send_text(&client, GET("/stream?pieces=40&size=5000") GET("/now"));
        expect_chunked(&client, 40 * 5000);
        client_expect_text(&client, 200, "now");
    }
    client_send_text(&client, GET("/stream?pieces=3&size=0") GET("/now"));
    expect_chunked(&client, 0);
    client_expect_text(&client, 200, "now");
    assert_int_equal(world_stats(&world).connections_total, 1);
    assert_int_equal(world_stats(&world).streaming, 0);
    assert_int_equal(world_stats(&world).requests_parked, 0);
    assert_int_equal(world.gone_count, 0);
    client_close(&client);
    world_end(&world);
}

static void a_size_that_is_known_is_told(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/stream?pieces=9&size=1000&total=1") GET("/now"));
    struct answer answer = client_expect(&client, 200, true);
    assert_true(answer_has(answer, "\r\nContent-Length: 9000\r\n"));
    assert_false(answer_has(answer, "Transfer-Encoding"));
    assert_int_equal(answer.body.data[8999], 'a' + 8);
    client_forget(&client, answer);
    client_expect_text(&client, 200, "now");
    client_close(&client);
    world_end(&world);
}

static void of_head_there_is_the_head(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(
        &client, "HEAD /stream?pieces=40&size=5000 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/now")
    );
    struct answer answer = client_expect(&client, 200, false);
    assert_true(answer_has(answer, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_false(world.more_was_wanted);
    client_forget(&client, answer);
    client_expect_text(&client, 200, "now");
    assert_int_equal(world.stream.given, 1);
    assert_int_equal(world_stats(&world).streaming, 0);
    client_close(&client);
    world_end(&world);
}

static bool has_ended(struct client *client) {
    return !client_read(client);
}

static void to_http_1_0_the_end_is_the_end(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(
        &client, "GET /stream?pieces=4&size=1000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    );
    wait_until(&world, has_ended(&client));
    assert_true(client.has_ended);
    struct answer answer = client_expect(&client, 200, false);
    assert_false(answer_has(answer, "Transfer-Encoding"));
    assert_false(answer_has(answer, "Content-Length"));
    assert_true(answer_has(answer, "\r\nConnection: close\r\n"));
    assert_int_equal(client.got.size, answer.head.size + 4000);
    client_close(&client);
    world_end(&world);
}

static void a_size_lets_http_1_0_keep_its_connection(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    static const char request[] =
        "GET /stream?pieces=4&size=1000&total=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        client_send_text(&client, request);
        struct answer answer = client_expect(&client, 200, true);
        assert_true(answer_has(answer, "\r\nContent-Length: 4000\r\n"));
        client_forget(&client, answer);
    }
    client_close(&client);
    world_end(&world);
}

// What the kernel takes, and no more, is asked of the handler; others are served meanwhile.
static void a_slow_reader_is_given_no_more_than_it_reads(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client slow;
    struct client other;
    client_connect(&slow, &world);
    client_connect(&other, &world);
    client_send_text(&slow, GET("/stream?pieces=600&size=65536"));
    wait_until(&world, world_stats(&world).streaming == 1);
    int64_t given = -1;
    while (given != world.stream.given) {
        given = world.stream.given;
        for (int i = 0; i < 200; i++) {
            world_turn(&world);
        }
    }
    assert_in_range(given, 2, PIECES_OF_MUCH / 2);
    client_send_text(&other, GET("/now"));
    client_expect_text(&other, 200, "now");
    assert_int_equal(world.stream.given, given);
    expect_chunked(&slow, (size_t)PIECES_OF_MUCH * PIECE_BYTES);
    assert_int_equal(world.stream.given, PIECES_OF_MUCH);
    client_close(&slow);
    client_close(&other);
    world_end(&world);
}

static void a_reader_that_leaves_is_told(void **state) {
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct world world;
        world_begin(&world, (struct http_server_options){0});
        struct client client;
        client_connect(&client, &world);
        client_send_text(&client, GET("/stream?pieces=600&size=65536"));
        wait_until(&world, world_stats(&world).streaming == 1);
        if (way == 0) {
            client_reset(&client);
        } else {
            client_close(&client);
        }
        wait_until(&world, world.gone_count == 1);
        assert_int_equal(world.gone[0], world.stream.id);
        assert_int_equal(world_stats(&world).streaming, 0);
        assert_int_equal(world_stats(&world).connections, 0);
        assert_false(http_server_continue(world.server, world.stream.id, BYTES_LITERAL("x"), true));
        http_server_break(world.server, world.stream.id);
        world_end(&world);
    }
}

static void a_reader_that_takes_nothing_is_dropped(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){.window_ms = 50});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/stream?pieces=600&size=65536"));
    wait_until(&world, world.gone_count == 1);
    assert_int_equal(world.gone[0], world.stream.id);
    assert_int_equal(world_stats(&world).stalled_total, 1);
    assert_int_equal(world_stats(&world).connections, 0);
    client_close(&client);
    world_end(&world);
}

// A half of an answer never looks like a whole one.
static void what_breaks_off_is_seen_to(void **state) {
    (void)state;
    static const char *const requests[] = {
        GET("/stream?pieces=9&size=1000&breaks=3"),
        GET("/stream?pieces=9&size=1000&breaks=3&total=1"),
        "GET /stream?pieces=9&size=1000&breaks=3 HTTP/1.0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct world world;
        world_begin(&world, (struct http_server_options){0});
        struct client client;
        client_connect(&client, &world);
        client_send_text(&client, requests[i]);
        wait_until(&world, has_ended(&client));
        assert_true(client.is_reset);
        size_t size = 0;
        size_t body = 0;
        assert_false(whole_is_here(&client, 0, &size, &body));
        assert_int_equal(world_stats(&world).broken_total, 1);
        assert_int_equal(world_stats(&world).connections, 0);
        assert_int_equal(world.gone_count, 0);
        client_close(&client);
        world_end(&world);
    }
}

// Who shut its sending side may still be reading.
static void a_half_close_does_not_end_it(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/stream?pieces=80&size=65536"));
    wait_until(&world, world_stats(&world).streaming == 1);
    assert_int_equal(shutdown(client.socket, SHUT_WR), 0);
    expect_chunked(&client, (size_t)80 * PIECE_BYTES);
    client_close(&client);
    world_end(&world);
}

static void a_stop_waits_for_it(void **state) {
    (void)state;
    struct world world;
    world_begin(&world, (struct http_server_options){0});
    struct client client;
    client_connect(&client, &world);
    client_send_text(&client, GET("/stream?pieces=80&size=65536"));
    wait_until(&world, world_stats(&world).streaming == 1);
    http_server_stop(world.server);
    expect_chunked(&client, (size_t)80 * PIECE_BYTES);
    wait_until(&world, world.is_stopped);
    client_close(&client);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_as_chunks_and_what_is_pipelined_after_them),
        cmocka_unit_test(a_size_that_is_known_is_told),
        cmocka_unit_test(of_head_there_is_the_head),
        cmocka_unit_test(to_http_1_0_the_end_is_the_end),
        cmocka_unit_test(a_size_lets_http_1_0_keep_its_connection),
        cmocka_unit_test(a_slow_reader_is_given_no_more_than_it_reads),
        cmocka_unit_test(a_reader_that_leaves_is_told),
        cmocka_unit_test(a_reader_that_takes_nothing_is_dropped),
        cmocka_unit_test(what_breaks_off_is_seen_to),
        cmocka_unit_test(a_half_close_does_not_end_it),
        cmocka_unit_test(a_stop_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
