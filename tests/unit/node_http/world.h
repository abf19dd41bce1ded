// A server on loopback and clients with raw sockets, all on the thread and the loop of the test.
// Nothing sleeps: a test turns the loop until what it waits for is so.
#pragma once

#include "node/http/server.h"
#include "proto/base/buffer.h"
#include "tests/unit/test.h"

#include <event2/event.h>

enum {
    WORLD_REQUESTS_MAX = 256,
    WORLD_WAIT_MS = 20 * 1000,
    WORLD_BYTES_MAX = 128 * 1024 * 1024,
};

// The handler: /now answers "now" at once, /park keeps the id, /void answers 200 and nothing, /none
// 204, /large answers ?size= bytes, /close asks to close, /twice answers twice; /stream begins an
// answer of ?pieces= pieces of ?size= bytes each, told with their sum where ?total= is 1, broken
// instead of the piece ?breaks=; everything else is answered with the request's body.
struct stream {
    uint64_t id; // 0: none is going on
    int64_t pieces;
    int64_t size;
    int64_t breaks; // 0: never
    int64_t given;
};

struct world {
    struct event_base *base;
    struct http_server *server;
    uint64_t parked[WORLD_REQUESTS_MAX];
    size_t parked_count;
    uint64_t gone[WORLD_REQUESTS_MAX];
    size_t gone_count;
    bool is_stopped;
    struct buffer large;
    struct stream stream; // the newest
    bool more_was_wanted; // http_server_begin said so
};

struct client {
    struct world *world;
    int socket;
    struct buffer got;
    bool has_ended; // the server closed in order
    bool is_reset;
};

// One answer as it came.
struct answer {
    int status;
    bytes head; // with the empty line; lower case not imposed
    bytes body;
};

// Starts a server; callbacks, address and instance are the world's.
void world_begin(struct world *world, struct http_server_options options);
void world_end(struct world *world);

// Turns the loop once without waiting.
void world_turn(struct world *world);

struct http_server_stats world_stats(const struct world *world);

// Answers the parked request `index` with `text`.
void world_answer(struct world *world, size_t index, const char *text);

void client_connect(struct client *client, struct world *world);
// Sends all of it, turning the loop while the socket is full.
void client_send(struct client *client, bytes view);
void client_send_text(struct client *client, const char *text);
// Reads what is there. True while the connection stands.
bool client_read(struct client *client);
// Waits for the next answer and checks its status; `has_body` is false for HEAD. Valid until
// client_forget.
struct answer client_expect(struct client *client, int status, bool has_body);
// Removes that answer.
void client_forget(struct client *client, struct answer answer);
// Waits for an answer with this status and body, and removes it.
void client_expect_text(struct client *client, int status, const char *body);
// Waits until the server closed; nothing may be left unread.
void client_expect_end(struct client *client);
void client_close(struct client *client);
// Closes so that the server sees a reset.
void client_reset(struct client *client);

bool answer_has(struct answer answer, const char *line);

// Turns the loop until `condition` holds; fails after long.
#define wait_until(world, condition)                          \
    do {                                                      \
        int64_t wait_end_ = world_clock_ms() + WORLD_WAIT_MS; \
        while (!(condition)) {                                \
            world_turn(world);                                \
            if (world_clock_ms() > wait_end_) {               \
                fail_msg("waited in vain: " #condition);      \
            }                                                 \
        }                                                     \
    } while (0)

int64_t world_clock_ms(void);
