// Level-triggered epoll, a buffer each way a connection. A request is written at once and nearly
// always goes out whole; what does not waits for EPOLLOUT. Answers are read until they are complete
// by Content-Length, or by the last of their chunks; 204 has no body.
#include "tests/bench/driver_client.h"

#include "proto/base/buffer.h"
#include "proto/base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES_MAX = 64 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    EVENTS_A_TURN = 256,
};

struct connection {
    struct client *client;
    int descriptor;
    bool busy;
    bool writing; // waits for EPOLLOUT
    struct buffer out;
    struct buffer in;
    size_t joined; // end of the chunks that were put together in front; 0: none yet
    size_t next;   // where the next chunk begins
    int64_t sent_ns;
    answer_handler *handler;
    void *argument;
};

struct client {
    int epoll;
    struct connection *connections;
    size_t count;
    struct buffer asked; // body of the last client_ask
    int asked_status;
};

void fail(const char *what) {
    (void)fprintf(stderr, "bench: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int connect_to(uint16_t port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) {
        fail("no socket");
    }
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (connect(descriptor, (const struct sockaddr *)(const void *)&address, sizeof(address)) !=
        0) {
        fail("the server takes no connection");
    }
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    return descriptor;
}

static void interest(struct connection *connection, int operation, bool writing) {
    struct epoll_event event = {
        .events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(connection->client->epoll, operation, connection->descriptor, &event) != 0) {
        fail("epoll_ctl");
    }
    connection->writing = writing;
}

struct client *client_open(uint16_t port, size_t count) {
    return client_open_spread(&port, 1, count);
}

struct client *client_open_spread(const uint16_t *ports, size_t port_count, size_t count) {
    struct client *client = calloc(1, sizeof(*client));
    check(client != NULL);
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->connections = calloc(count, sizeof(*client->connections));
    check(client->epoll >= 0 && client->connections != NULL);
    client->count = count;
    buffer_init(&client->asked, MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct connection *connection = &client->connections[i];
        connection->client = client;
        connection->descriptor = connect_to(ports[i % port_count]);
        buffer_init(&connection->out, MESSAGE_BYTES_MAX);
        buffer_init(&connection->in, MESSAGE_BYTES_MAX);
        interest(connection, EPOLL_CTL_ADD, false);
    }
    return client;
}

void client_close(struct client **client) {
    if (*client == NULL) {
        return;
    }
    for (size_t i = 0; i < (*client)->count; i++) {
        (void)close((*client)->connections[i].descriptor);
        buffer_deinit(&(*client)->connections[i].out);
        buffer_deinit(&(*client)->connections[i].in);
    }
    (void)close((*client)->epoll);
    buffer_deinit(&(*client)->asked);
    free((*client)->connections);
    free(*client);
    *client = NULL;
}

struct connection *client_connection(struct client *client, size_t index) {
    check(index < client->count);
    return &client->connections[index];
}

size_t connection_index(const struct connection *connection) {
    return (size_t)(connection - connection->client->connections);
}

int64_t connection_sent_ns(const struct connection *connection) {
    return connection->sent_ns;
}

bool connection_is_busy(const struct connection *connection) {
    return connection->busy;
}

// --- writing
// -----------------------------------------------------------------------------------------

static void flush(struct connection *connection) {
    while (connection->out.size > 0) {
        ssize_t sent =
            send(connection->descriptor, connection->out.data, connection->out.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            break;
        }
        if (sent < 0) {
            fail("the server closed while a request was sent");
        }
        buffer_consume(&connection->out, (size_t)sent);
    }
    bool writing = connection->out.size > 0;
    if (writing != connection->writing) {
        interest(connection, EPOLL_CTL_MOD, writing);
    }
}

void connection_send(
    struct connection *connection,
    const char *method,
    const char *path,
    bytes body,
    answer_handler *handler,
    void *argument
) {
    check(!connection->busy);
    connection->busy = true;
    connection->handler = handler;
    connection->argument = argument;
    buffer_format(&connection->out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
    if (body.size > 0) {
        buffer_format(
            &connection->out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.size
        );
    } else if (strcmp(method, "GET") != 0) {
        buffer_append_text(&connection->out, "Content-Length: 0\r\n");
    }
    buffer_append_text(&connection->out, "\r\n");
    buffer_append(&connection->out, body);
    connection->sent_ns = now_ns();
    flush(connection);
}

// --- reading
// -----------------------------------------------------------------------------------------

// The decimal number after `name` at the start of a header line; 0 when there is no such line.
static size_t header_number(bytes head, const char *name) {
    size_t length = strlen(name);
    for (size_t at = 0; at + length < head.size; at = bytes_find(head, at, '\n') + 1) {
        if (memcmp(head.data + at, name, length) == 0) {
            size_t number = 0;
            for (at += length; at < head.size && head.data[at] >= '0'; at++) {
                number = number * 10 + (size_t)(head.data[at] - '0');
            }
            return number;
        }
    }
    return 0;
}

static size_t head_end(bytes read) {
    for (size_t at = bytes_find(read, 0, '\n'); at + 2 < read.size;
         at = bytes_find(read, at + 1, '\n')) {
        if (read.data[at + 1] == '\r' && read.data[at + 2] == '\n') {
            return at + 3;
        }
    }
    return 0;
}

static bool is_chunked(bytes head) {
    static const char name[] = "Transfer-Encoding: chunked";
    for (size_t at = 0; at + sizeof(name) < head.size; at = bytes_find(head, at, '\n') + 1) {
        if (memcmp(head.data + at, name, sizeof(name) - 1) == 0) {
            return true;
        }
    }
    return false;
}

// Puts chunks together behind the head as far as they came. True: the last one is there.
static bool join_chunks(struct connection *connection, size_t head_bytes) {
    struct buffer *in = &connection->in;
    if (connection->joined == 0) {
        connection->joined = head_bytes;
        connection->next = head_bytes;
    }
    for (;;) {
        size_t at = connection->next;
        size_t size = 0;
        for (; at < in->size && in->data[at] != '\r'; at++) {
            uint8_t digit = in->data[at];
            size = size * 16 + (size_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }
        if (at + 2 + size + 2 > in->size) {
            return false;
        }
        memmove(in->data + connection->joined, in->data + at + 2, size);
        connection->joined += size;
        connection->next = at + 2 + size + 2;
        if (size == 0) {
            return true;
        }
    }
}

// Hands out the answer if it is complete.
static void answer(struct connection *connection) {
    bytes read = buffer_bytes(&connection->in);
    size_t head_bytes = head_end(read);
    if (head_bytes == 0) {
        return;
    }
    bytes head = bytes_slice(read, 0, head_bytes);
    size_t body_bytes = header_number(head, "Content-Length: ");
    size_t end = head_bytes + body_bytes;
    if (is_chunked(head)) {
        if (!join_chunks(connection, head_bytes)) {
            return;
        }
        end = connection->next;
        body_bytes = connection->joined - head_bytes;
        connection->joined = 0;
    }
    if (read.size < end) {
        return;
    }
    errno = 0;
    int64_t status = 0;
    if (read.size != end || !connection->busy ||
        !bytes_parse_i64(bytes_slice(head, 9, 12), &status)) {
        fail("the server sent what is no answer");
    }
    // The handler may send at once, which touches `out` only; `in` is kept until it returns.
    connection->busy = false;
    connection->handler(
        connection->argument,
        connection,
        (int)status,
        bytes_slice(read, head_bytes, head_bytes + body_bytes)
    );
    buffer_clear(&connection->in);
}

static void fill(struct connection *connection) {
    uint8_t *room = buffer_extend(&connection->in, READ_BYTES);
    check(room != NULL);
    ssize_t got = recv(connection->descriptor, room, READ_BYTES, 0);
    connection->in.size -= got > 0 ? (size_t)(READ_BYTES - got) : (size_t)READ_BYTES;
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server closed a connection");
    }
    answer(connection);
}

void client_turn(struct client *client, int wait_ms) {
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(client->epoll, events, EVENTS_A_TURN, wait_ms);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) {
            flush(connection);
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            fill(connection);
        }
    }
}

static void on_asked(void *argument, struct connection *connection, int status, bytes body) {
    struct client *client = argument;
    (void)connection;
    buffer_clear(&client->asked);
    buffer_append(&client->asked, body);
    client->asked_status = status;
}

int client_ask(
    struct client *client,
    struct connection *connection,
    const char *method,
    const char *path,
    bytes body,
    bytes *out_body
) {
    connection_send(connection, method, path, body, on_asked, client);
    while (connection->busy) {
        client_turn(client, 1000);
    }
    *out_body = buffer_bytes(&client->asked);
    return client->asked_status;
}
