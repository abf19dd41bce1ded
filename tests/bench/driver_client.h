// Clients of a server under test: keep-alive connections of one thread over epoll.
//
// A connection carries one request at a time. Its answer comes to the handler out of client_turn;
// the handler may send the next request on the same connection at once. Whatever a server must not
// do (close, send what is not HTTP) ends the process with a line on stderr: a bench has no second
// try.
#pragma once

#include "proto/base/bytes.h"

struct client;
struct connection;

// Status and body of an answer; `body` is valid during the call.
typedef void answer_handler(void *argument, struct connection *connection, int status, bytes body);

// `count` open connections to 127.0.0.1:`port`. Owned by the caller: client_close.
struct client *client_open(uint16_t port, size_t count);

// The same over several ports in turn: connection i goes to the one at i modulo `port_count`.
struct client *client_open_spread(const uint16_t *ports, size_t port_count, size_t count);
void client_close(struct client **client);

struct connection *client_connection(struct client *client, size_t index);

// The connection's place in its client, for tables beside it.
size_t connection_index(const struct connection *connection);

// When the request now out, or the last answered, was sent.
int64_t connection_sent_ns(const struct connection *connection);

bool connection_is_busy(const struct connection *connection);

// Sends a request; the connection must not be busy. `body` may be empty. Copies what it is given.
void connection_send(
    struct connection *connection,
    const char *method,
    const char *path,
    bytes body,
    answer_handler *handler,
    void *argument
);

// Hands out what arrives within `wait_ms`.
void client_turn(struct client *client, int wait_ms);

// One request to its answer while others go on. The body is valid until the next call.
int client_ask(
    struct client *client,
    struct connection *connection,
    const char *method,
    const char *path,
    bytes body,
    bytes *out_body
);

// The monotonic clock.
int64_t now_ns(void);

// Ends the process with `what` and, when it is set, errno.
_Noreturn void fail(const char *what);
