// What goes out: answers, what the socket did not take of them, and the end of a connection.
#include "node/http/connection.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SINK_BYTES = 16 * 1024,
    SEND_BYTES_MAX = 1024 * 1024,
};

// --- writing ---------------------------------------------------------------------------------

static const char *date_of_now(struct http_server *server) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != server->date_seconds) {
        server->date_seconds = now.tv_sec;
        http_response_date(now.tv_sec, server->date);
    }
    return server->date;
}

// Keeps `first` and `second` but for the first `sent` bytes of both.
static void output_keep(struct connection *connection, bytes first, bytes second, size_t sent) {
    size_t first_sent = sent < first.size ? sent : first.size;
    bytes first_rest = bytes_slice(first, first_sent, first.size);
    bytes second_rest = bytes_slice(second, sent - first_sent, second.size);
    connection->output_size = first_rest.size + second_rest.size;
    connection->output_sent = 0;
    connection->output = malloc(connection->output_size);
    check(connection->output != NULL);
    if (first_rest.size > 0) {
        memcpy(connection->output, first_rest.data, first_rest.size);
    }
    if (second_rest.size > 0) {
        memcpy(connection->output + first_rest.size, second_rest.data, second_rest.size);
    }
}

// Behind what is kept already.
static void output_add(struct connection *connection, bytes more) {
    if (more.size > 0) {
        connection->output = realloc(connection->output, connection->output_size + more.size);
        check(connection->output != NULL);
        memcpy(connection->output + connection->output_size, more.data, more.size);
        connection->output_size += more.size;
    }
}

// Sends both now or keeps what the socket does not take.
void connection_transmit(struct connection *connection, bytes first, bytes second) {
    if (connection->output != NULL) {
        output_add(connection, first);
        output_add(connection, second);
        return;
    }
    ssize_t sent = connection->transport->send(connection->socket, first, second);
    if (sent == TRANSPORT_BROKEN) {
        connection->is_broken = true;
        return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    connection->server->stats.sent_bytes += taken;
    if (taken < first.size + second.size) {
        output_keep(connection, first, second, taken);
    }
}

static void
head_write(struct connection *connection, const struct http_response *response, bool streams) {
    struct http_server *server = connection->server;
    if (response->close || server->is_stopping) {
        connection->keep_alive = false;
    }
    struct http_response_framing framing = {
        .close = !connection->keep_alive,
        .is_http_1_0 = connection->is_http_1_0,
        .streams = streams,
        .total = connection->total_left,
        .date = date_of_now(server),
    };
    buffer_clear(&server->head);
    http_response_head(&server->head, response, framing);
    check(!server->head.overflowed);
}

static void answer_send(struct connection *connection, const struct http_response *response) {
    struct http_server *server = connection->server;
    connection->total_left = 0;
    head_write(connection, response, false);
    bool has_body = !connection->is_head && http_response_has_body(response->status);
    connection_transmit(
        connection, buffer_bytes(&server->head), has_body ? response->body : BYTES_EMPTY
    );
}

// Reads and forgets until the client closes.
void connection_drain(struct connection *connection) {
    uint8_t sink[SINK_BYTES];
    for (unsigned step = 0; connection->readable; step++) {
        if (step == CONNECTION_TURN_STEPS) {
            connection_yield(connection);
            return;
        }
        ssize_t got = connection->transport->receive(connection->socket, sink, sizeof(sink));
        if (got == 0 || got == TRANSPORT_BROKEN) {
            connection_close(connection);
            return;
        }
        connection->readable = got != TRANSPORT_WAIT;
    }
}

void connection_linger(struct connection *connection) {
    connection_settle(connection);
    connection->transport->finish(connection->socket);
    connection_move(connection, PHASE_LINGER);
    connection_drain(connection);
}

// After an answer: true when the connection is ready for the next request.
bool connection_proceed(struct connection *connection) {
    if (connection->is_broken && connection->is_streaming) {
        if (connection->phase != PHASE_STREAM) {
            connection_move(connection, PHASE_STREAM);
        }
        connection_yield(connection); // its handler hears of it from the loop
        return false;
    }
    if (connection->is_broken) {
        connection_close(connection);
        return false;
    }
    if (connection->output != NULL) {
        if (connection->phase != PHASE_WRITE) {
            connection_settle(connection);
            connection_move(connection, PHASE_WRITE);
            connection_yield(connection); // only a refused send is followed by an edge
        }
        return false;
    }
    if (connection->is_streaming) {
        if (connection->phase != PHASE_STREAM) {
            connection_settle(connection);
            connection_move(connection, PHASE_STREAM);
        }
        connection->is_taken_due = true;
        connection_yield(connection);
        return false;
    }
    if (!connection->keep_alive) {
        connection_linger(connection);
        return false;
    }
    connection_move(connection, PHASE_IDLE);
    return true;
}

void connection_output_continue(struct connection *connection) {
    for (unsigned step = 0; connection->output != NULL; step++) {
        if (step == CONNECTION_TURN_STEPS) {
            connection_yield(connection);
            return;
        }
        size_t rest = connection->output_size - connection->output_sent;
        size_t size = rest < SEND_BYTES_MAX ? rest : SEND_BYTES_MAX;
        bytes piece = bytes_of(connection->output + connection->output_sent, size);
        ssize_t sent = connection->transport->send(connection->socket, piece, BYTES_EMPTY);
        if (sent == TRANSPORT_BROKEN) {
            connection_abandon(connection);
            return;
        }
        if (sent == TRANSPORT_WAIT) {
            return;
        }
        connection->output_sent += (size_t)sent;
        connection->window_bytes += (size_t)sent;
        connection->server->stats.sent_bytes += (size_t)sent;
        if (connection->output_sent == connection->output_size) {
            connection_output_drop(connection);
        }
    }
    if (connection_proceed(connection)) {
        connection_turn(connection);
    }
}

// Goes on after (a piece of) an answer, unless inside on_request.
static void answered(struct connection *connection) {
    if (connection->is_delivering || !connection_proceed(connection)) {
        return;
    }
    if (connection->input.size > 0 || connection->readable || connection->peer_closed) {
        connection_yield(connection);
    }
}

void connection_answer(struct connection *connection, const struct http_response *response) {
    connection_slot_renew(connection_slot_of(connection));
    connection->is_answered = true;
    connection->server->stats.requests_parked--;
    answer_send(connection, response);
    answered(connection);
}

// --- answers in pieces -----------------------------------------------------------------------

static void stream_end(struct connection *connection) {
    connection->is_streaming = false;
    connection->server->stats.streaming--;
    connection_slot_renew(connection_slot_of(connection));
}

bool connection_begin(
    struct connection *connection, const struct http_response *response, uint64_t total
) {
    struct http_server *server = connection->server;
    check(server->options.on_taken != NULL && http_response_has_body(response->status));
    connection->is_answered = true;
    server->stats.requests_parked--;
    connection->total_left = total;
    connection->is_chunked = total == 0 && !connection->is_http_1_0;
    if (total == 0 && connection->is_http_1_0) {
        connection->keep_alive = false;
    }
    head_write(connection, response, true);
    bool wanted = !connection->is_head;
    bytes piece = wanted ? response->body : BYTES_EMPTY;
    if (wanted && connection->is_chunked && piece.size > 0) {
        http_response_chunk(&server->head, piece.size, true);
    }
    check(total == 0 || piece.size <= total);
    connection->total_left -= total > 0 ? piece.size : 0;
    connection->is_first_piece = piece.size == 0;
    connection->is_streaming = true;
    server->stats.streaming++;
    if (!wanted) {
        stream_end(connection);
    }
    connection_transmit(connection, buffer_bytes(&server->head), piece);
    answered(connection);
    return wanted;
}

void connection_continue(struct connection *connection, bytes piece, bool last) {
    struct http_server *server = connection->server;
    uint64_t left = connection->total_left;
    if (left > 0 && (piece.size > left || (last && piece.size < left))) {
        connection_break(connection); // it is not as long as was said
        return;
    }
    connection->total_left -= left > 0 ? piece.size : 0;
    buffer_clear(&server->head);
    if (connection->is_chunked && piece.size > 0) {
        http_response_chunk(&server->head, piece.size, connection->is_first_piece);
        connection->is_first_piece = false;
    }
    connection_transmit(connection, buffer_bytes(&server->head), piece);
    if (last && connection->is_chunked && !connection->is_broken) {
        buffer_clear(&server->head);
        http_response_chunk(&server->head, 0, connection->is_first_piece);
        buffer_append_text(&server->head, "\r\n");
        connection_transmit(connection, buffer_bytes(&server->head), BYTES_EMPTY);
    }
    if (last) {
        connection->keep_alive = connection->keep_alive && !server->is_stopping;
        stream_end(connection);
    }
    answered(connection);
}

// A reset: where the end of the connection is the end of the body, an orderly one would be a lie.
void connection_break(struct connection *connection) {
    connection->server->stats.broken_total++;
    stream_end(connection);
    connection->transport->reset(connection->socket);
    connection_close(connection);
}

void connection_refuse(struct connection *connection, struct http_refusal refusal) {
    struct http_server *server = connection->server;
    server->stats.refused[refusal.cause]++;
    buffer_clear(&server->error_body);
    http_response_error_body(&server->error_body, refusal, server->options.instance);
    check(!server->error_body.overflowed);
    struct http_response response = {
        .status = http_refusal_status(refusal.cause),
        .content_type = "application/json",
        .body = buffer_bytes(&server->error_body),
        .close = true,
    };
    buffer_clear(&connection->input); // where a next request would begin is unknown
    connection->is_head = false;
    connection->is_http_1_0 = false;
    answer_send(connection, &response);
    (void)connection_proceed(connection);
}
