// One connection, and what all connections of a server share. Internal to this room.
//
// The life of a connection (connection.c holds the table of moves):
//
//            +--------------------------------------------------+
//            v                                                  |
//   open -> IDLE -> HEAD -> BODY -> PARKED ------> WRITE -------+
//                    (each may be skipped)   \     ^    |        |
//                                             v    v    |        |
//                                             STREAM ---|--------+
//            any but LINGER, on a refusal or "close"    +--> LINGER -> closed
//
// IDLE    no byte of a request          HEAD, BODY  a part of one is here
// PARKED  the handler has it            WRITE       the socket does not take the answer now
// STREAM  a piece of the answer is out, the handler has to give the next
// LINGER  the last answer is sent and our side shut; reads until the client closes, as closing on
//         unread bytes would reset the connection and destroy the answer on its way
#pragma once

#include "node/http/parser.h"
#include "node/http/response.h"
#include "node/http/server.h"
#include "node/http/transport.h"
#include "node/http/wait_list.h"
#include "proto/base/arena.h"

#include <event2/event.h>
#include <event2/event_struct.h>

enum connection_phase {
    PHASE_IDLE,
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_PARKED,
    PHASE_WRITE,
    PHASE_STREAM,
    PHASE_LINGER,
    PHASE_COUNT,
};

struct connection {
    struct event event; // edge-triggered, both directions and early close, for the whole life
    struct http_server *server;
    const struct transport *transport;
    struct wait_node wait; // in server->waits[phase]
    struct http_parser parser;
    struct buffer input; // no memory while nothing of a request is here
    uint8_t *output;     // what the socket did not take, else NULL
    size_t output_size;
    size_t output_sent;
    size_t window_bytes; // moved since the window of BODY or WRITE began
    uint32_t slot_index;
    int socket;
    enum connection_phase phase;
    bool readable;    // bytes or an end may be there to read
    bool peer_closed; // the peer shut its sending side
    bool is_broken;   // a send was refused
    bool keep_alive;
    bool is_head;
    bool is_http_1_0;
    bool is_delivering; // inside on_request
    bool is_answered;
    bool is_streaming;   // more of the answer comes
    bool is_chunked;     // … in chunks; else as it is
    bool is_first_piece; // nothing of the body is out yet
    bool is_taken_due;   // the handler is to be told that the next piece may come
    uint64_t total_left; // of an answer whose size was told; else 0
};

// Where request ids lead: `generation` is the upper half of an id.
struct connection_slot {
    struct connection *connection; // NULL: free
    uint32_t generation;
    uint32_t free_next;
};

struct http_server {
    struct event_base *base;
    struct http_server_options options; // defaults filled in
    struct http_parser_limits parser_limits;
    const struct transport *transport;
    int listener;
    uint16_t port;
    struct event *accepting;
    struct event *accept_rest; // wakes accepting after descriptors ran out
    struct event *timer;       // at `timer_at` when `timer_is_set`
    mono_time timer_at;
    bool timer_is_set;
    bool is_stopping;
    bool is_stop_told;
    struct wait_list waits[PHASE_COUNT];
    struct connection_slot *slots;
    uint32_t slot_count;
    uint32_t slot_free; // slot_count: none
    // Scratch of one loop turn, shared because a turn serves one connection at a time.
    struct arena *arena;
    struct buffer spare; // lent to the connection that reads
    struct buffer head;
    struct buffer error_body;
    char date[HTTP_RESPONSE_DATE_BYTES];
    int64_t date_seconds;
    struct http_server_stats stats;
};

// Takes over an accepted socket; over the bound it is answered 503 or just closed.
void connection_open(struct http_server *server, int socket);

// Closes and frees, telling nobody.
void connection_close(struct connection *connection);

// Sends the answer of the parked request and goes on, unless inside its on_request.
void connection_answer(struct connection *connection, const struct http_response *response);

// The same for an answer in pieces. False: nothing of its body is wanted.
bool connection_begin(
    struct connection *connection, const struct http_response *response, uint64_t total
);
void connection_continue(struct connection *connection, bytes piece, bool last);
void connection_break(struct connection *connection);

// The deadline of its phase has passed.
void connection_expire(struct connection *connection);

// The server is stopping: looks once more for a request, then leaves.
void connection_stop(struct connection *connection);

// --- within connection*.c ------------------------------------------------------------------------

enum {
    CONNECTION_TURN_STEPS = 16 // reads, requests or sends before the others get their turn
};

void connection_move(struct connection *connection, enum connection_phase phase);
// Closes; the handler hears of it when it waits to give more of an answer.
void connection_abandon(struct connection *connection);
// Gives the connection another turn after the others had theirs.
void connection_yield(struct connection *connection);
// Keeps what is in the input in memory of about its size; the roomy buffer serves the next reader.
void connection_settle(struct connection *connection);
void connection_turn(struct connection *connection); // reads and serves
struct connection_slot *connection_slot_of(const struct connection *connection);
// Ids given out for this slot so far lead nowhere from now on.
void connection_slot_renew(struct connection_slot *slot);

// Sends both now or keeps what the socket does not take.
void connection_transmit(struct connection *connection, bytes first, bytes second);
void connection_output_continue(struct connection *connection);
void connection_output_drop(struct connection *connection);
// After an answer: true when the connection is ready for the next request.
bool connection_proceed(struct connection *connection);
void connection_refuse(struct connection *connection, struct http_refusal refusal);
void connection_linger(struct connection *connection);
void connection_drain(struct connection *connection); // reads and forgets until the client closes

// Of server.c: the monotonic clock, and the timer set no later than `deadline`.
mono_time http_server_now(void);
void http_server_wake_at(struct http_server *server, mono_time deadline);
