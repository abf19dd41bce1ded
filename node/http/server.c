// The listener, the timer over the wait lists, and the way from a request id to its connection.
//
// One timer serves all deadlines: each phase keeps its connections in the order of their deadlines,
// so the earliest of six list heads is the next one. Waking early is harmless: nothing is due, and
// the timer is set anew.
#include "node/http/server.h"

#include "node/http/connection.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCEPTS_A_TURN = 64,
    ACCEPT_REST_US = 100 * 1000,
    ARENA_BYTES = 16 * 1024, // an ordinary request, parsed
    ANSWER_HEAD_BYTES_MAX = 64 * 1024,
    ERROR_BODY_BYTES_MAX = 4 * 1024,
};

static void on_acceptable(evutil_socket_t listener, short what, void *argument);
static void on_accept_rested(evutil_socket_t none, short what, void *argument);
static void on_timer(evutil_socket_t none, short what, void *argument);

static int64_t ns_of_ms(int64_t ms) {
    return ms * 1000 * 1000;
}

mono_time http_server_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (mono_time){(int64_t)now.tv_sec * 1000 * 1000 * 1000 + now.tv_nsec};
}

// --- create and destroy ----------------------------------------------------------------------

static void options_default(struct http_server_options *options) {
    if (options->address == NULL) {
        options->address = "0.0.0.0";
    }
    if (options->connections_max == 0) {
        options->connections_max = LIMIT_HTTP_CONNECTIONS;
    }
    if (options->head_bytes_max == 0) {
        options->head_bytes_max = LIMIT_HTTP_HEAD_BYTES;
    }
    if (options->body_bytes_max == 0) {
        options->body_bytes_max = LIMIT_HTTP_BODY_BYTES;
    }
    if (options->idle_ms == 0) {
        options->idle_ms = LIMIT_HTTP_IDLE_MS;
    }
    if (options->head_ms == 0) {
        options->head_ms = LIMIT_HTTP_HEAD_MS;
    }
    if (options->window_ms == 0) {
        options->window_ms = LIMIT_HTTP_WINDOW_MS;
    }
    if (options->linger_ms == 0) {
        options->linger_ms = LIMIT_HTTP_LINGER_MS;
    }
}

static bool listener_prepare(int listener, const struct addrinfo *address) {
    int on = 1;
    int off = 0;
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    // Accepted sockets inherit TCP_NODELAY.
    return fcntl(listener, F_SETFD, FD_CLOEXEC) == 0 && fcntl(listener, F_SETFL, O_NONBLOCK) == 0 &&
           setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
           bind(listener, address->ai_addr, address->ai_addrlen) == 0 &&
           listen(listener, SOMAXCONN) == 0;
}

static err listener_open(const struct http_server_options *options, int *out_listener) {
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", (unsigned)options->port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *address = NULL;
    if (getaddrinfo(options->address, port, &hints, &address) != 0) {
        return err_make(ERR_INVALID, "the address to listen on is none");
    }
    err outcome = ERR_NONE;
    int listener = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (listener < 0 || !listener_prepare(listener, address)) {
        outcome = errno == EADDRINUSE ? err_make(ERR_IO, "the port to listen on is taken")
                                      : err_make(ERR_IO, "the address cannot be listened on");
        if (listener >= 0) {
            (void)close(listener);
        }
    } else {
        *out_listener = listener;
    }
    freeaddrinfo(address);
    return outcome;
}

static uint16_t port_of(int listener) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof(address);
    int result = getsockname(listener, &address.any, &size);
    check(result == 0);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static void waits_init(struct http_server *server) {
    const struct http_server_options *options = &server->options;
    server->waits[PHASE_IDLE].duration_ns = ns_of_ms(options->idle_ms);
    server->waits[PHASE_HEAD].duration_ns = ns_of_ms(options->head_ms);
    server->waits[PHASE_BODY].duration_ns = ns_of_ms(options->window_ms);
    server->waits[PHASE_WRITE].duration_ns = ns_of_ms(options->window_ms);
    server->waits[PHASE_LINGER].duration_ns = ns_of_ms(options->linger_ms);
}

static void slots_init(struct http_server *server) {
    server->slot_count = server->options.connections_max + LIMIT_HTTP_CONNECTIONS_REFUSED;
    server->slots = calloc(server->slot_count, sizeof(*server->slots));
    check(server->slots != NULL);
    for (uint32_t i = 0; i < server->slot_count; i++) {
        server->slots[i].free_next = i + 1;
    }
}

static void events_init(struct http_server *server) {
    short often = EV_READ | EV_PERSIST;
    server->accepting = event_new(server->base, server->listener, often, on_acceptable, server);
    server->accept_rest = event_new(server->base, -1, 0, on_accept_rested, server);
    server->timer = event_new(server->base, -1, 0, on_timer, server);
    check(server->accepting != NULL && server->accept_rest != NULL && server->timer != NULL);
    int added = event_add(server->accepting, NULL);
    check(added == 0);
}

err http_server_create(
    struct event_base *base,
    const struct http_server_options *options,
    struct http_server **out_server
) {
    int features = EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE;
    if ((event_base_get_features(base) & features) != features) {
        return err_make(ERR_UNSUPPORTED, "the event loop has no edges or early close");
    }
    check(options->on_request != NULL);
    struct http_server_options filled = *options;
    options_default(&filled);
    int listener = -1;
    TRY(listener_open(&filled, &listener));
    struct http_server *server = calloc(1, sizeof(*server));
    check(server != NULL);
    server->base = base;
    server->options = filled;
    server->parser_limits =
        (struct http_parser_limits){filled.head_bytes_max, filled.body_bytes_max};
    server->transport = &transport_plain;
    server->listener = listener;
    server->port = port_of(listener);
    server->arena = arena_create(ARENA_BYTES);
    server->date_seconds = -1;
    buffer_init(&server->head, ANSWER_HEAD_BYTES_MAX);
    buffer_init(&server->error_body, ERROR_BODY_BYTES_MAX);
    waits_init(server);
    slots_init(server);
    events_init(server);
    *out_server = server;
    return ERR_NONE;
}

static void listener_close(struct http_server *server) {
    if (server->listener >= 0) {
        (void)event_del(server->accepting);
        (void)event_del(server->accept_rest);
        (void)close(server->listener);
        server->listener = -1;
    }
}

void http_server_destroy(struct http_server **server) {
    struct http_server *dying = *server;
    if (dying == NULL) {
        return;
    }
    listener_close(dying);
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        while (dying->waits[i].first != NULL) {
            connection_close(dying->waits[i].first->owner);
        }
    }
    event_free(dying->accepting);
    event_free(dying->accept_rest);
    event_free(dying->timer);
    arena_destroy(&dying->arena);
    buffer_deinit(&dying->spare);
    buffer_deinit(&dying->head);
    buffer_deinit(&dying->error_body);
    free(dying->slots);
    free(dying);
    *server = NULL;
}

void http_server_stop(struct http_server *server) {
    if (server->is_stopping) {
        return;
    }
    server->is_stopping = true;
    listener_close(server);
    struct wait_node *node = server->waits[PHASE_IDLE].first;
    for (; node != NULL; node = node->next) {
        connection_stop(node->owner);
    }
    if (server->stats.connections == 0) {
        event_active(server->timer, EV_TIMEOUT, 1);
    }
}

// --- requests and figures --------------------------------------------------------------------

// The connection whose request waits for its answer; else NULL.
static struct connection *parked(struct http_server *server, uint64_t request_id) {
    uint32_t index = (uint32_t)(request_id & UINT32_MAX);
    if (index >= server->slot_count) {
        return NULL;
    }
    const struct connection_slot *slot = &server->slots[index];
    bool is = slot->connection != NULL && slot->generation == request_id >> 32 &&
              slot->connection->phase == PHASE_PARKED && !slot->connection->is_answered;
    return is ? slot->connection : NULL;
}

bool http_server_respond(
    struct http_server *server, uint64_t request_id, const struct http_response *response
) {
    struct connection *connection = parked(server, request_id);
    if (connection != NULL) {
        connection_answer(connection, response);
    }
    return connection != NULL;
}

// The connection of an answer that was begun and not ended; else NULL.
static struct connection *streaming(struct http_server *server, uint64_t request_id) {
    uint32_t index = (uint32_t)(request_id & UINT32_MAX);
    if (index >= server->slot_count) {
        return NULL;
    }
    const struct connection_slot *slot = &server->slots[index];
    struct connection *connection = slot->connection;
    bool is =
        connection != NULL && slot->generation == request_id >> 32 && connection->is_streaming;
    return is ? connection : NULL;
}

bool http_server_begin(
    struct http_server *server,
    uint64_t request_id,
    const struct http_response *response,
    uint64_t total
) {
    struct connection *connection = parked(server, request_id);
    return connection != NULL && connection_begin(connection, response, total);
}

bool http_server_continue(struct http_server *server, uint64_t request_id, bytes piece, bool last) {
    struct connection *connection = streaming(server, request_id);
    if (connection == NULL || connection->phase != PHASE_STREAM) {
        return false;
    }
    connection_continue(connection, piece, last);
    return true;
}

void http_server_break(struct http_server *server, uint64_t request_id) {
    struct connection *connection = streaming(server, request_id);
    if (connection != NULL) {
        connection_break(connection);
    }
}

uint16_t http_server_port(const struct http_server *server) {
    return server->port;
}

void http_server_stats(const struct http_server *server, struct http_server_stats *out_stats) {
    *out_stats = server->stats;
}

// --- accepting -------------------------------------------------------------------------------

static void accept_rest(struct http_server *server) {
    const struct timeval rest = {.tv_usec = ACCEPT_REST_US};
    (void)event_del(server->accepting);
    (void)event_add(server->accept_rest, &rest);
    server->stats.accept_pauses++;
}

static void on_acceptable(evutil_socket_t listener, short what, void *argument) {
    (void)what;
    struct http_server *server = argument;
    for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
        int socket = accept(listener, NULL, NULL);
        if (socket >= 0) {
            (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
            connection_open(server, socket);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // The connection stays in the backlog: without a rest the loop would spin on it.
            accept_rest(server);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_accept_rested(evutil_socket_t none, short what, void *argument) {
    (void)none;
    (void)what;
    struct http_server *server = argument;
    (void)event_add(server->accepting, NULL);
}

// --- time ------------------------------------------------------------------------------------

void http_server_wake_at(struct http_server *server, mono_time deadline) {
    if (server->timer_is_set && server->timer_at.ns <= deadline.ns) {
        return;
    }
    int64_t ms = (deadline.ns - http_server_now().ns) / ns_of_ms(1) + 1;
    ms = ms < 1 ? 1 : ms;
    const struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    (void)event_add(server->timer, &delay);
    server->timer_at = deadline;
    server->timer_is_set = true;
}

static void on_timer(evutil_socket_t none, short what, void *argument) {
    (void)none;
    (void)what;
    struct http_server *server = argument;
    mono_time now = http_server_now();
    server->timer_is_set = false;
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        struct wait_node *due = NULL;
        while ((due = wait_list_due(&server->waits[i], now)) != NULL) {
            connection_expire(due->owner);
        }
    }
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        const struct wait_list *list = &server->waits[i];
        if (list->first != NULL && list->duration_ns > 0) {
            http_server_wake_at(server, list->first->deadline);
        }
    }
    if (server->is_stopping && !server->is_stop_told && server->stats.connections == 0) {
        server->is_stop_told = true;
        if (server->options.on_stopped != NULL) {
            server->options.on_stopped(server->options.argument);
        }
    }
}
