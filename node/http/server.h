// The front door: HTTP/1.1 on libevent's core loop, requests out, answers in by handle.
//
// All calls, and all callbacks, on the thread that runs the loop. Nothing blocks. Callbacks come
// from the loop only, never from inside a call of this header, so that answering one request never
// brings in the next. Bounds and deadlines: proto/limits.h.
#pragma once

#include "node/http/request.h"
#include "proto/base/attr.h"
#include "proto/base/err.h"

struct event_base;
struct http_server;

// What an answer is made of. Borrowed: nothing of it is kept after http_server_respond.
struct http_response {
    uint16_t status;
    // Sent when there is a body only (rest-api.md §1: a void answer has none). A body without one
    // is application/octet-stream.
    const char *content_type;
    // Of 204 and 304 there is none, whatever stands here. Otherwise Content-Length is always sent,
    // "0" when empty. For HEAD give what GET would be given: its size is sent, the body is not.
    bytes body;
    const struct http_field *headers; // further ones; a control character in one becomes a blank
    size_t header_count;
    bool close; // say so and close afterwards
};

// A request has come. It is valid during the call only. Answer `request_id` in the call or at any
// time later; until then the request is parked, and its connection reads nothing.
typedef void http_server_request_callback(
    void *argument, uint64_t request_id, const struct http_request *request
);

// The client of a parked request left (closed, reset, or shut down its writing side): forget it.
// The id is dead. Not called for an answered request, nor by http_server_destroy.
typedef void http_server_gone_callback(void *argument, uint64_t request_id);

// What was given of an answer that http_server_begin began is with the client's connection, and the
// next piece may be given. Should the client leave before the last, gone is called instead.
typedef void http_server_taken_callback(void *argument, uint64_t request_id);

// After http_server_stop: the last connection is closed.
typedef void http_server_stopped_callback(void *argument);

// Zero or NULL means the default in brackets.
struct http_server_options {
    const char *address;                      // [0.0.0.0] IP address or name of a local one
    uint16_t port;                            // [any free one]
    const char *instance;                     // [left out] host's name in error bodies; kept
    uint32_t connections_max;                 // [LIMIT_HTTP_CONNECTIONS]
    size_t head_bytes_max;                    // [LIMIT_HTTP_HEAD_BYTES]
    size_t body_bytes_max;                    // [LIMIT_HTTP_BODY_BYTES]
    int64_t idle_ms;                          // [LIMIT_HTTP_IDLE_MS]
    int64_t head_ms;                          // [LIMIT_HTTP_HEAD_MS]
    int64_t window_ms;                        // [LIMIT_HTTP_WINDOW_MS]
    int64_t linger_ms;                        // [LIMIT_HTTP_LINGER_MS]
    http_server_request_callback *on_request; // required
    http_server_gone_callback *on_gone;       // [none]
    http_server_taken_callback *on_taken;     // [none: no answer is begun]
    http_server_stopped_callback *on_stopped; // [none]
    void *argument;
};

struct http_server_stats {
    uint32_t connections;       // open now
    uint32_t requests_parked;   // waiting for their answer now
    uint64_t connections_total; // ever accepted
    uint64_t requests_total;    // handed to on_request
    uint64_t gone_total;        // parked requests whose client left
    uint32_t streaming;         // answers begun and not ended now
    uint64_t broken_total;      // answers begun that were not to be ended
    uint64_t stalled_total;     // connections dropped because the client did not read
    uint64_t accept_pauses;     // times accepting rested because no descriptor was left
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t refused[HTTP_REFUSAL_COUNT]; // by cause
};

// Listens and serves on `base`, which must outlive the server and be of libevent's epoll kind
// (edge-triggered, with early close). Errors: ERR_UNSUPPORTED for another kind of base, ERR_INVALID
// for an address that is none, ERR_IO when it cannot be bound. Owned: http_server_destroy.
MUST_USE err http_server_create(
    struct event_base *base,
    const struct http_server_options *options,
    struct http_server **out_server
);

// Drops every connection at once and frees the server; leaves NULL. Accepts NULL. Not from inside a
// callback.
void http_server_destroy(struct http_server **server);

// Stops accepting, closes connections without a request, lets the others finish; each answer from
// now on says "Connection: close". on_stopped follows. Again: no effect.
void http_server_stop(struct http_server *server);

// Answers a request. The body is sent or copied before this returns. False: the id is unknown,
// answered, or its client is gone; nothing was sent.
bool http_server_respond(
    struct http_server *server, uint64_t request_id, const struct http_response *response
);

// Begins an answer whose body comes in pieces, the first of them in `response`: chunked, or with
// Content-Length where `total`, the bytes of all, is not 0; to HTTP/1.0 the end of the connection
// ends it. Nothing of it is buffered but what the socket did not take of one piece. False: as
// above, or nothing of the body is wanted (HEAD): the id is dead.
bool http_server_begin(
    struct http_server *server,
    uint64_t request_id,
    const struct http_response *response,
    uint64_t total
);

// Gives the next piece, after on_taken; `last` ends the answer. False: the id is unknown or its
// client is gone.
bool http_server_continue(struct http_server *server, uint64_t request_id, bytes piece, bool last);

// There will be no more of it: the connection ends so that the client sees that something is
// missing.
void http_server_break(struct http_server *server, uint64_t request_id);

// The port listened on.
uint16_t http_server_port(const struct http_server *server);

void http_server_stats(const struct http_server *server, struct http_server_stats *out_stats);
