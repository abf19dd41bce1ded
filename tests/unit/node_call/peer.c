// A thread a connection; each reads requests one after the other and writes what its path stands
// for. A write to a caller who hung up ends the connection.
#include "tests/unit/node_call/peer.h"

#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUEST_BYTES = 64 * 1024,
    CONNECTIONS_MAX = 256
};

struct peer {
    int listener;
    uint16_t port;
    atomic_bool stopping;
    atomic_int connections;
    pthread_t accepting;
    pthread_t threads[CONNECTIONS_MAX];
    int sockets[CONNECTIONS_MAX];
    pthread_mutex_t lock;
    char request[REQUEST_BYTES];
    char shown[REQUEST_BYTES];
};

struct connection {
    struct peer *peer;
    int socket;
};

// --- what it does
// --------------------------------------------------------------------------------

static bool put(int socket, const char *text) {
    size_t size = strlen(text);
    return send(socket, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

// Waits for the caller to hang up, at most so long. False: it did.
static bool stays_for(int socket, int ms) {
    struct pollfd watched = {.fd = socket, .events = POLLIN};
    return poll(&watched, 1, ms) == 0;
}

// Writes for as long as anybody reads, at most a GiB; slowly if so wanted.
static bool put_for_ever(struct connection *connection, const char *text, int every_ms) {
    size_t size = strlen(text);
    for (size_t sent = 0; sent < (size_t)1 << 30; sent += size) {
        if (atomic_load(&connection->peer->stopping) || !put(connection->socket, text)) {
            return false;
        }
        if (every_ms > 0 && !stays_for(connection->socket, every_ms)) {
            return false;
        }
    }
    return false;
}

static bool hang(struct connection *connection) {
    char byte;
    (void)recv(connection->socket, &byte, 1, 0);
    return false;
}

static const struct {
    const char *path;
    const char *text;
    bool stays; // the connection is used again
} answers[] = {
    {"/plain", "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\nx-a:  2 \r\n\r\nhello", true},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n", true},
    {"/chunked",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: "
     "1\r\n\r\n",
     true},
    {"/until_close", "HTTP/1.0 200 OK\r\n\r\nhello", false},
    {"/early",
     "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
     "2\r\n\r\nok",
     true},
    {"/redirect", "HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 3\r\n\r\nbye", true},
    {"/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n", true},
    {"/to_file",
     "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
     true},
    {"/failure", "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nwhy", true},
    {"/body_of_204",
     "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
     true},
    {"/garbage", "\x16\x03\x01 this is nothing at all\r\n\r\n", false},
    {"/half_a_head", "HTTP/1.1 200 OK\r\nContent-Len", false},
    {"/half_a_body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false},
    {"/half_a_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false},
    {"/bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", false},
    {"/bad_gzip",
     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
     true},
    {"/nul", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: \xff\r\n\r\n\xff\x01z", true},
    {"/close", "", false},
};

// False: the connection ends.
static bool answer(struct connection *connection, const char *path) {
    int socket = connection->socket;
    static char kib[1025];
    memset(kib, 'x', sizeof(kib) - 1);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strcmp(path, answers[i].path) == 0) {
            return put(socket, answers[i].text) && answers[i].stays;
        }
    }
    if (strcmp(path, "/hang") == 0) {
        return hang(connection);
    }
    if (strcmp(path, "/hang_in_body") == 0) {
        return put(socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") && hang(connection);
    }
    if (strcmp(path, "/trickle") == 0) {
        return put(socket, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n") &&
               put_for_ever(connection, "x", 20);
    }
    if (strcmp(path, "/huge") == 0) {
        return put(socket, "HTTP/1.1 200 OK\r\n\r\n") && put_for_ever(connection, kib, 0);
    }
    if (strcmp(path, "/huge_head") == 0) {
        return put(socket, "HTTP/1.1 200 OK\r\nX: ") && put_for_ever(connection, kib, 0);
    }
    if (strcmp(path, "/many_headers") == 0) {
        return put(socket, "HTTP/1.1 200 OK\r\n") && put_for_ever(connection, "A: b\r\n", 0);
    }
    if (strcmp(path, "/endless_1xx") == 0) {
        return put_for_ever(connection, "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n", 0);
    }
    return put(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

// --- reading
// -------------------------------------------------------------------------------------

// Reads one request into the peer's field. False: nothing more comes.
static bool read_request(struct connection *connection, char *text, char path[64]) {
    size_t size = 0;
    char *head_end = NULL;
    while (head_end == NULL) {
        ssize_t got = recv(connection->socket, text + size, REQUEST_BYTES - 1 - size, 0);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        text[size] = 0;
        head_end = strstr(text, "\r\n\r\n");
    }
    const char *length = strstr(text, "Content-Length: ");
    size_t whole = (size_t)(head_end - text) + 4;
    whole += length != NULL && length < head_end ? strtoul(length + 16, NULL, 10) : 0;
    while (size < whole) {
        ssize_t got = recv(connection->socket, text + size, REQUEST_BYTES - 1 - size, 0);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        text[size] = 0;
    }
    return sscanf(text, "%*s %63s", path) == 1;
}

static void *serve(void *argument) {
    struct connection *connection = argument;
    struct peer *peer = connection->peer;
    char *text = malloc(REQUEST_BYTES);
    char path[64];
    bool stays = text != NULL;
    while (stays && read_request(connection, text, path)) {
        (void)pthread_mutex_lock(&peer->lock);
        memcpy(peer->request, text, REQUEST_BYTES);
        (void)pthread_mutex_unlock(&peer->lock);
        stays = answer(connection, path);
    }
    (void)shutdown(connection->socket, SHUT_RDWR);
    free(text);
    free(connection);
    return NULL;
}

static void *accept_all(void *argument) {
    struct peer *peer = argument;
    for (;;) {
        int socket = accept(peer->listener, NULL, NULL);
        int at = atomic_load(&peer->connections);
        if (socket < 0 || atomic_load(&peer->stopping) || at == CONNECTIONS_MAX) {
            return NULL;
        }
        struct connection *connection = malloc(sizeof(*connection));
        *connection = (struct connection){.peer = peer, .socket = socket};
        peer->sockets[at] = socket;
        (void)pthread_create(&peer->threads[at], NULL, serve, connection);
        atomic_store(&peer->connections, at + 1);
    }
}

// --- life
// ----------------------------------------------------------------------------------------

struct peer *peer_start(void) {
    struct peer *peer = calloc(1, sizeof(*peer));
    assert_non_null(peer);
    (void)pthread_mutex_init(&peer->lock, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(peer->listener, 64), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &size), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->accepting, NULL, accept_all, peer), 0);
    return peer;
}

void peer_stop(struct peer **peer) {
    atomic_store(&(*peer)->stopping, true);
    (void)shutdown((*peer)->listener, SHUT_RDWR);
    (void)pthread_join((*peer)->accepting, NULL);
    (void)close((*peer)->listener);
    for (int i = 0; i < atomic_load(&(*peer)->connections); i++) {
        (void)shutdown((*peer)->sockets[i], SHUT_RDWR);
        (void)pthread_join((*peer)->threads[i], NULL);
        (void)close((*peer)->sockets[i]);
    }
    (void)pthread_mutex_destroy(&(*peer)->lock);
    free(*peer);
    *peer = NULL;
}

uint16_t peer_port(const struct peer *peer) {
    return peer->port;
}

int peer_connections(const struct peer *peer) {
    return atomic_load(&peer->connections);
}

const char *peer_request(struct peer *peer) {
    (void)pthread_mutex_lock(&peer->lock);
    memcpy(peer->shown, peer->request, REQUEST_BYTES);
    (void)pthread_mutex_unlock(&peer->lock);
    return peer->shown;
}
