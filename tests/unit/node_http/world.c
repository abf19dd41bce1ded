// Clients are polled between turns of the loop, so that every test is one thread and repeatable.
#include "tests/unit/node_http/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t world_clock_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void respond(struct world *world, uint64_t id, uint16_t status, bytes body) {
    struct http_response response = {
        .status = status,
        .content_type = "text/plain;charset=UTF-8",
        .body = body,
    };
    (void)http_server_respond(world->server, id, &response);
}

static bytes large_body(struct world *world, bytes size_text) {
    int64_t size = 0;
    assert_true(bytes_parse_i64(size_text, &size));
    buffer_clear(&world->large);
    uint8_t *at = buffer_extend(&world->large, (size_t)size);
    assert_non_null(at);
    for (size_t i = 0; i < (size_t)size; i++) {
        at[i] = (uint8_t)(i * 31 >> 3);
    }
    return buffer_bytes(&world->large);
}

static int64_t parameter(const struct http_request *request, const char *name) {
    bytes text = BYTES_EMPTY;
    int64_t value = 0;
    return http_request_parameter(request, name, &text) && bytes_parse_i64(text, &value) ? value
                                                                                         : 0;
}

static bytes piece_of(struct world *world, int64_t number) {
    buffer_clear(&world->large);
    for (int64_t i = 0; i < world->stream.size; i++) {
        buffer_append_byte(&world->large, (uint8_t)('a' + number % 26));
    }
    return buffer_bytes(&world->large);
}

static void stream_begin(struct world *world, uint64_t id, const struct http_request *request) {
    world->stream = (struct stream){
        .id = id,
        .pieces = parameter(request, "pieces"),
        .size = parameter(request, "size"),
        .breaks = parameter(request, "breaks"),
        .given = 1,
    };
    struct http_response response = {
        .status = 200,
        .content_type = "text/plain",
        .body = piece_of(world, 0),
    };
    bool told = parameter(request, "total") != 0;
    uint64_t total = told ? (uint64_t)(world->stream.pieces * world->stream.size) : 0;
    world->more_was_wanted = http_server_begin(world->server, id, &response, total);
}

static void on_taken(void *argument, uint64_t id) {
    struct world *world = argument;
    struct stream *stream = &world->stream;
    assert_int_equal(id, stream->id);
    assert_true(stream->given < stream->pieces);
    if (stream->given == stream->breaks) {
        http_server_break(world->server, id);
        return;
    }
    bytes piece = piece_of(world, stream->given++);
    bool last = stream->given == stream->pieces;
    assert_true(http_server_continue(world->server, id, piece, last));
    assert_true(!last || !http_server_continue(world->server, id, piece, last));
}

static void on_request(void *argument, uint64_t id, const struct http_request *request) {
    struct world *world = argument;
    bytes path = request->path;
    bytes size = BYTES_EMPTY;
    if (bytes_equal_text(path, "/park")) {
        assert_true(world->parked_count < WORLD_REQUESTS_MAX);
        world->parked[world->parked_count] = id;
        world->parked_count++;
    } else if (bytes_equal_text(path, "/now")) {
        respond(world, id, 200, BYTES_LITERAL("now"));
    } else if (bytes_equal_text(path, "/twice")) {
        respond(world, id, 200, BYTES_LITERAL("once"));
        respond(world, id, 200, BYTES_LITERAL("again"));
    } else if (bytes_equal_text(path, "/none")) {
        respond(world, id, 204, BYTES_LITERAL("never sent"));
    } else if (bytes_equal_text(path, "/close")) {
        struct http_field allow = {BYTES_LITERAL("Allow"), BYTES_LITERAL("GET\r\nX: y")};
        struct http_response response = {
            .status = 405,
            .body = BYTES_LITERAL("raw"),
            .headers = &allow,
            .header_count = 1,
            .close = true,
        };
        (void)http_server_respond(world->server, id, &response);
    } else if (bytes_equal_text(path, "/stream")) {
        stream_begin(world, id, request);
    } else if (http_request_parameter(request, "size", &size)) {
        respond(world, id, 200, large_body(world, size));
    } else {
        respond(world, id, 200, request->body);
    }
}

static void on_gone(void *argument, uint64_t id) {
    struct world *world = argument;
    assert_true(world->gone_count < WORLD_REQUESTS_MAX);
    world->gone[world->gone_count] = id;
    world->gone_count++;
}

static void on_stopped(void *argument) {
    struct world *world = argument;
    world->is_stopped = true;
}

void world_begin(struct world *world, struct http_server_options options) {
    *world = (struct world){.base = event_base_new()};
    buffer_init(&world->large, WORLD_BYTES_MAX);
    options.address = "127.0.0.1";
    options.instance = "test\"host";
    options.on_request = on_request;
    options.on_gone = on_gone;
    options.on_taken = on_taken;
    options.on_stopped = on_stopped;
    options.argument = world;
    assert_ok(http_server_create(world->base, &options, &world->server));
}

void world_end(struct world *world) {
    http_server_destroy(&world->server);
    assert_null(world->server);
    event_base_free(world->base);
    buffer_deinit(&world->large);
}

void world_turn(struct world *world) {
    assert_true(event_base_loop(world->base, EVLOOP_NONBLOCK) >= 0);
}

struct http_server_stats world_stats(const struct world *world) {
    struct http_server_stats stats;
    http_server_stats(world->server, &stats);
    return stats;
}

void world_answer(struct world *world, size_t index, const char *text) {
    respond(world, world->parked[index], 200, bytes_from_text(text));
}

void client_connect(struct client *client, struct world *world) {
    *client = (struct client){.world = world, .socket = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(client->socket >= 0);
    buffer_init(&client->got, WORLD_BYTES_MAX);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(http_server_port(world->server)),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    union {
        const struct sockaddr_in *v4;
        const struct sockaddr *any;
    } where = {.v4 = &address};
    assert_int_equal(connect(client->socket, where.any, sizeof(address)), 0);
    assert_int_equal(fcntl(client->socket, F_SETFL, O_NONBLOCK), 0);
}

void client_send(struct client *client, bytes view) {
    int64_t end = world_clock_ms() + WORLD_WAIT_MS;
    while (view.size > 0) {
        ssize_t sent = send(client->socket, view.data, view.size, MSG_NOSIGNAL);
        if (sent > 0) {
            view = bytes_slice(view, (size_t)sent, view.size);
        } else {
            if (errno != EAGAIN) {
                return; // the server closed: the test will see what it said
            }
            world_turn(client->world);
            (void)client_read(client);
        }
        assert_true(world_clock_ms() < end);
    }
}

void client_send_text(struct client *client, const char *text) {
    client_send(client, bytes_from_text(text));
}

bool client_read(struct client *client) {
    uint8_t piece[64 * 1024];
    while (!client->has_ended && !client->is_reset) {
        ssize_t got = recv(client->socket, piece, sizeof(piece), 0);
        if (got > 0) {
            buffer_append(&client->got, bytes_of(piece, (size_t)got));
        } else if (got == 0) {
            client->has_ended = true;
        } else if (errno == EAGAIN) {
            return true;
        } else {
            client->is_reset = true;
        }
    }
    return false;
}

static size_t text_find(bytes text, const char *wanted) {
    size_t size = strlen(wanted);
    for (size_t at = 0; at + size <= text.size; at++) {
        if (memcmp(text.data + at, wanted, size) == 0) {
            return at;
        }
    }
    return text.size;
}

bool answer_has(struct answer answer, const char *line) {
    return text_find(answer.head, line) < answer.head.size;
}

// The size in Content-Length, 0 when there is none.
static size_t announced_size(bytes head) {
    static const char name[] = "\r\nContent-Length: ";
    size_t at = text_find(head, name);
    if (at == head.size) {
        return 0;
    }
    at += sizeof(name) - 1;
    int64_t size = 0;
    bytes digits = bytes_slice(head, at, bytes_find(head, at, '\r'));
    assert_true(bytes_parse_i64(digits, &size));
    return (size_t)size;
}

static bool answer_is_here(struct client *client, bool has_body, struct answer *out_answer) {
    bool is_open = client_read(client);
    bytes got = buffer_bytes(&client->got);
    size_t end = got.size == 0 ? 0 : text_find(got, "\r\n\r\n");
    if (end == got.size) {
        assert_true(is_open);
        return false;
    }
    bytes head = bytes_slice(got, 0, end + 4);
    size_t size = has_body ? announced_size(head) : 0;
    if (got.size - head.size < size) {
        assert_true(is_open);
        return false;
    }
    int64_t status = 0;
    assert_true(bytes_parse_i64(bytes_slice(head, 9, 12), &status));
    *out_answer = (struct answer){
        .status = (int)status,
        .head = head,
        .body = bytes_slice(got, head.size, head.size + size),
    };
    return true;
}

struct answer client_expect(struct client *client, int status, bool has_body) {
    struct answer answer = {0};
    wait_until(client->world, answer_is_here(client, has_body, &answer));
    assert_int_equal(answer.status, status);
    return answer;
}

void client_forget(struct client *client, struct answer answer) {
    buffer_consume(&client->got, answer.head.size + answer.body.size);
}

void client_expect_text(struct client *client, int status, const char *body) {
    struct answer answer = client_expect(client, status, true);
    assert_int_equal(answer.body.size, strlen(body));
    assert_true(bytes_equal_text(answer.body, body));
    client_forget(client, answer);
}

void client_expect_end(struct client *client) {
    wait_until(client->world, !client_read(client));
    assert_true(client->has_ended);
    assert_int_equal(client->got.size, 0);
}

void client_close(struct client *client) {
    (void)close(client->socket);
    buffer_deinit(&client->got);
}

void client_reset(struct client *client) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(client->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    client_close(client);
}
