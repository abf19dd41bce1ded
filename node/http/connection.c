// One event a connection, registered once, edge-triggered: no system call changes it afterwards,
// and a parked connection whose client pipelines more costs neither memory nor wake-ups – the bytes
// stay in the socket until the answer is out. (Level-triggered, libevent reports a reset as
// readable even to an event that asked only for early close, and the loop spins.) Edges mean that
// `readable` must be remembered until a read comes back short or empty.
//
// Strictly one request after the other: the next is looked at when the answer before it is wholly
// with the kernel. So answers are in order, and at most one is buffered.
//
// Functions that return bool say whether the connection is still there and its turn goes on.
#include "node/http/connection.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 16 * 1024,      // an ordinary request in one call
    READ_BYTES_MAX = 256 * 1024, // of a body known to be large
};

#define MOVE_TO(phase) (1U << (unsigned)(phase))
static const unsigned phase_moves[PHASE_COUNT] = {
    [PHASE_IDLE] = MOVE_TO(PHASE_HEAD) | MOVE_TO(PHASE_BODY) | MOVE_TO(PHASE_PARKED) |
                   MOVE_TO(PHASE_WRITE) | MOVE_TO(PHASE_LINGER),
    [PHASE_HEAD] =
        MOVE_TO(PHASE_BODY) | MOVE_TO(PHASE_PARKED) | MOVE_TO(PHASE_WRITE) | MOVE_TO(PHASE_LINGER),
    [PHASE_BODY] = MOVE_TO(PHASE_PARKED) | MOVE_TO(PHASE_WRITE) | MOVE_TO(PHASE_LINGER),
    [PHASE_PARKED] =
        MOVE_TO(PHASE_IDLE) | MOVE_TO(PHASE_WRITE) | MOVE_TO(PHASE_STREAM) | MOVE_TO(PHASE_LINGER),
    [PHASE_WRITE] = MOVE_TO(PHASE_IDLE) | MOVE_TO(PHASE_STREAM) | MOVE_TO(PHASE_LINGER),
    [PHASE_STREAM] = MOVE_TO(PHASE_IDLE) | MOVE_TO(PHASE_WRITE) | MOVE_TO(PHASE_LINGER),
    [PHASE_LINGER] = 0,
};

static void on_event(evutil_socket_t socket, short what, void *argument);

// --- phases and memory -----------------------------------------------------------------------

static void phase_wait(struct connection *connection) {
    struct wait_list *list = &connection->server->waits[connection->phase];
    wait_list_add(list, &connection->wait, http_server_now());
    connection->window_bytes = 0;
    if (list->duration_ns > 0) {
        http_server_wake_at(connection->server, connection->wait.deadline);
    }
}

static void phase_renew(struct connection *connection) {
    wait_list_remove(&connection->server->waits[connection->phase], &connection->wait);
    phase_wait(connection);
}

void connection_move(struct connection *connection, enum connection_phase phase) {
    check((phase_moves[connection->phase] & MOVE_TO(phase)) != 0);
    wait_list_remove(&connection->server->waits[connection->phase], &connection->wait);
    connection->phase = phase;
    phase_wait(connection);
}

// Gives the connection another turn after the others had theirs.
void connection_yield(struct connection *connection) {
    event_active(&connection->event, EV_TIMEOUT, 1);
}

static size_t input_bytes_max(const struct http_server *server) {
    return server->parser_limits.head_bytes_max * 2 + server->parser_limits.body_bytes_max +
           LIMIT_HTTP_CHUNK_LINE_BYTES + READ_BYTES_MAX;
}

static void input_borrow(struct connection *connection) {
    struct http_server *server = connection->server;
    if (connection->input.data == NULL && server->spare.data != NULL) {
        connection->input = server->spare;
        buffer_init(&server->spare, connection->input.size_max);
    }
}

static void input_give_back(struct connection *connection, struct buffer *buffer) {
    struct http_server *server = connection->server;
    buffer_clear(buffer);
    if (server->spare.data == NULL && buffer->capacity <= READ_BYTES_MAX) {
        server->spare = *buffer;
        buffer_init(buffer, server->spare.size_max);
    } else {
        buffer_deinit(buffer);
    }
}

// Keeps what is in the input in memory of about its size; the roomy buffer serves the next reader.
void connection_settle(struct connection *connection) {
    struct buffer *input = &connection->input;
    if (input->size > 0 && input->size >= input->capacity / 4) {
        return;
    }
    struct buffer roomy = *input;
    buffer_init(input, roomy.size_max);
    buffer_append(input, buffer_bytes(&roomy));
    input_give_back(connection, &roomy);
}

void connection_output_drop(struct connection *connection) {
    free(connection->output);
    connection->output = NULL;
    connection->output_size = 0;
    connection->output_sent = 0;
}

// --- open and close --------------------------------------------------------------------------

static uint32_t slot_take(struct http_server *server, struct connection *connection) {
    uint32_t index = server->slot_free;
    struct connection_slot *slot = &server->slots[index];
    server->slot_free = slot->free_next;
    slot->connection = connection;
    return index;
}

struct connection_slot *connection_slot_of(const struct connection *connection) {
    return &connection->server->slots[connection->slot_index];
}

static uint64_t request_id_of(const struct connection *connection) {
    return (uint64_t)connection_slot_of(connection)->generation << 32 | connection->slot_index;
}

// Ids given out for this slot so far lead nowhere from now on. No id is 0.
void connection_slot_renew(struct connection_slot *slot) {
    slot->generation++;
    if (slot->generation == 0) {
        slot->generation = 1;
    }
}

void connection_open(struct http_server *server, int socket) {
    bool is_over = server->stats.connections >= server->options.connections_max;
    if (server->slot_free == server->slot_count) {
        server->stats.refused[HTTP_REFUSAL_CONNECTIONS]++;
        (void)close(socket);
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    check(connection != NULL);
    connection->server = server;
    connection->transport = server->transport;
    connection->wait.owner = connection;
    connection->socket = socket;
    connection->phase = PHASE_IDLE;
    connection->slot_index = slot_take(server, connection);
    http_parser_init(&connection->parser, server->parser_limits);
    buffer_init(&connection->input, input_bytes_max(server));
    short what = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;
    int assigned =
        event_assign(&connection->event, server->base, socket, what, on_event, connection);
    check(assigned == 0);
    server->stats.connections++;
    server->stats.connections_total++;
    phase_wait(connection);
    if (event_add(&connection->event, NULL) != 0) {
        connection_close(connection);
        return;
    }
    if (is_over) {
        connection_refuse(
            connection,
            (struct http_refusal){HTTP_REFUSAL_CONNECTIONS, "too many connections are open"}
        );
    }
}

void connection_close(struct connection *connection) {
    struct http_server *server = connection->server;
    struct connection_slot *slot = connection_slot_of(connection);
    (void)event_del(&connection->event);
    (void)close(connection->socket);
    wait_list_remove(&server->waits[connection->phase], &connection->wait);
    if (connection->phase == PHASE_PARKED && !connection->is_answered) {
        server->stats.requests_parked--;
    }
    if (connection->is_streaming) {
        server->stats.streaming--;
    }
    connection_slot_renew(slot);
    slot->connection = NULL;
    slot->free_next = server->slot_free;
    server->slot_free = connection->slot_index;
    input_give_back(connection, &connection->input);
    connection_output_drop(connection);
    free(connection);
    server->stats.connections--;
    if (server->is_stopping && server->stats.connections == 0) {
        event_active(server->timer, EV_TIMEOUT, 1);
    }
}

// The client of a parked request left.
static void gone(struct connection *connection) {
    struct http_server *server = connection->server;
    uint64_t request_id = request_id_of(connection);
    connection_close(connection);
    server->stats.gone_total++;
    if (server->options.on_gone != NULL) {
        server->options.on_gone(server->options.argument, request_id);
    }
}

void connection_abandon(struct connection *connection) {
    if (connection->is_streaming) {
        gone(connection);
    } else {
        connection_close(connection);
    }
}

static bool socket_is_broken(const struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof(error);
    int result = getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return result != 0 || error != 0;
}

// --- reading ---------------------------------------------------------------------------------

static bool fill(struct connection *connection) {
    uint64_t wanted = http_parser_wanted(&connection->parser, &connection->input);
    size_t size = wanted < READ_BYTES       ? READ_BYTES
                  : wanted < READ_BYTES_MAX ? (size_t)wanted
                                            : READ_BYTES_MAX;
    uint8_t *into = buffer_extend(&connection->input, size);
    check(into != NULL); // the parser refuses before the buffer could
    ssize_t got = connection->transport->receive(connection->socket, into, size);
    size_t taken = got > 0 ? (size_t)got : 0;
    connection->input.size -= size - taken;
    if (got == 0 || got == TRANSPORT_BROKEN) {
        connection_close(connection);
        return false;
    }
    // A short read emptied the socket; what comes later makes a new edge.
    connection->readable = taken == size || (taken > 0 && connection->peer_closed);
    connection->window_bytes += taken;
    connection->server->stats.received_bytes += taken;
    return true;
}

// Everything that came is taken and no request is whole.
static void wait_for_bytes(struct connection *connection) {
    enum connection_phase phase = http_parser_in_body(&connection->parser) ? PHASE_BODY
                                  : connection->input.size > 0             ? PHASE_HEAD
                                                                           : PHASE_IDLE;
    connection_settle(connection);
    if (phase == PHASE_IDLE && connection->server->is_stopping) {
        connection_linger(connection);
    } else if (phase != connection->phase) {
        connection_move(connection, phase);
    }
}

// "100 Continue" follows an answer the kernel has taken, so that 25 bytes find room but with a
// client that reads nothing.
static bool encourage(struct connection *connection) {
    connection_transmit(connection, BYTES_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"), BYTES_EMPTY);
    if (connection->is_broken || connection->output != NULL) {
        connection_close(connection);
        return false;
    }
    return true;
}

static bool deliver(struct connection *connection, const struct http_request *request) {
    struct http_server *server = connection->server;
    connection->keep_alive = request->keep_alive;
    connection->is_head = request->method == HTTP_METHOD_HEAD;
    connection->is_http_1_0 = request->is_http_1_0;
    connection->is_answered = false;
    connection->is_delivering = true;
    connection_slot_renew(connection_slot_of(connection));
    connection_move(connection, PHASE_PARKED);
    server->stats.requests_total++;
    server->stats.requests_parked++;
    uint64_t request_id = request_id_of(connection);
    server->options.on_request(server->options.argument, request_id, request);
    connection->is_delivering = false;
    http_parser_next(&connection->parser, &connection->input);
    if (connection->is_answered) {
        return connection_proceed(connection);
    }
    connection_settle(connection);
    // A reset that came together with the request made no edge of its own.
    if (connection->peer_closed || socket_is_broken(connection)) {
        gone(connection);
    }
    return false;
}

void connection_turn(struct connection *connection) {
    struct http_server *server = connection->server;
    input_borrow(connection);
    for (unsigned step = 0; step < CONNECTION_TURN_STEPS; step++) {
        struct http_request request;
        arena_reset(server->arena);
        switch (http_parser_step(&connection->parser, &connection->input, server->arena, &request)
        ) {
        case HTTP_PARSER_MORE:
            if (!connection->readable) {
                wait_for_bytes(connection);
                return;
            }
            if (!fill(connection)) {
                return;
            }
            break;
        case HTTP_PARSER_CONTINUE:
            if (!encourage(connection)) {
                return;
            }
            break;
        case HTTP_PARSER_REQUEST:
            if (!deliver(connection, &request)) {
                return;
            }
            break;
        case HTTP_PARSER_REFUSAL:
            connection_refuse(connection, connection->parser.refusal);
            return;
        }
    }
    connection_settle(connection);
    connection_yield(connection);
}

static void on_event(evutil_socket_t socket, short what, void *argument) {
    (void)socket;
    struct connection *connection = argument;
    connection->readable = connection->readable || (what & (EV_READ | EV_CLOSED)) != 0;
    connection->peer_closed = connection->peer_closed || (what & EV_CLOSED) != 0;
    switch (connection->phase) {
    case PHASE_IDLE:
    case PHASE_HEAD:
    case PHASE_BODY:
        if (connection->readable || connection->input.size > 0 || (what & EV_TIMEOUT) != 0) {
            connection_turn(connection);
        }
        break;
    case PHASE_PARKED:
        if (connection->peer_closed || socket_is_broken(connection)) {
            gone(connection);
        }
        break;
    case PHASE_WRITE:
        connection_output_continue(connection);
        break;
    case PHASE_STREAM:
        // A half close is left to the next piece: it tells a client that reads from one that left.
        if (connection->is_broken || socket_is_broken(connection)) {
            gone(connection);
        } else if (connection->is_taken_due) {
            connection->is_taken_due = false;
            uint64_t request_id = request_id_of(connection);
            connection->server->options.on_taken(connection->server->options.argument, request_id);
        }
        break;
    case PHASE_LINGER:
        connection_drain(connection);
        break;
    case PHASE_COUNT:
        check(connection->phase < PHASE_COUNT);
    }
}

void connection_stop(struct connection *connection) {
    connection->readable = true;
    connection_yield(connection);
}

void connection_expire(struct connection *connection) {
    bool has_moved = connection->window_bytes >= LIMIT_HTTP_WINDOW_BYTES;
    switch (connection->phase) {
    case PHASE_HEAD:
        connection_refuse(
            connection,
            (struct http_refusal){HTTP_REFUSAL_HEAD_TIMEOUT, "the request head took too long"}
        );
        break;
    case PHASE_BODY:
        if (has_moved) {
            phase_renew(connection);
        } else {
            connection_refuse(
                connection,
                (struct http_refusal){HTTP_REFUSAL_BODY_TIMEOUT, "the body came too slowly"}
            );
        }
        break;
    case PHASE_WRITE:
        if (has_moved) {
            phase_renew(connection);
        } else {
            connection->server->stats.stalled_total++;
            connection_abandon(connection);
        }
        break;
    case PHASE_IDLE:
    case PHASE_LINGER:
        connection_close(connection);
        break;
    case PHASE_PARKED:
    case PHASE_STREAM:
    case PHASE_COUNT:
        check(false); // these have no deadline
    }
}
