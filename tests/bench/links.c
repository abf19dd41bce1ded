// What a message costs between two nodes: CPU of both ends together, sealed and plain, small and 16
// KB, alone in its frame and in a crowd; and how long a message takes there and back. Two nodes in
// one process over loopback, one thread for both cores. usage: bench_links [SECONDS]
#include "node/peer/peers.h"
#include "proto/base/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUND_TRIPS = 5000,
};

struct node {
    struct peers *peers;
    uint64_t heard;
    bool up;
    bool echoes;
};

static mono_time now(void) {
    struct timespec at;
    check(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
    return (mono_time){(int64_t)at.tv_sec * 1000000000 + at.tv_nsec};
}

static double cpu_us(void) {
    struct rusage usage;
    check(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static unsigned free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    check(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void turn(struct node *node) {
    struct peer_event event;
    peers_pump(node->peers, now());
    while (peers_next(node->peers, &event)) {
        node->up = event.kind == PEER_UP || (event.kind == PEER_MESSAGE && node->up);
        node->heard += event.kind == PEER_MESSAGE;
        if (event.kind == PEER_MESSAGE && node->echoes) {
            (void)peers_send(node->peers, event.node, event.peer_class, event.message);
        }
    }
    if (node->echoes) {
        peers_pump(node->peers, now());
    }
}

// Waits until one of them has something to do.
static void rest(const struct node *nodes) {
    struct pollfd watched[2];
    int64_t due = INT64_MAX;
    for (int at = 0; at < 2; at++) {
        watched[at] = (struct pollfd){.fd = peers_fd(nodes[at].peers), .events = POLLIN};
        int64_t wakeup = peers_next_wakeup(nodes[at].peers).ns;
        due = wakeup < due ? wakeup : due;
    }
    int64_t ms = (due - now().ns) / 1000000;
    (void)poll(watched, 2, ms < 0 ? 0 : (int)ms);
}

static void open_nodes(struct node *nodes, bool plain) {
    char addresses[2][32];
    struct peers_member members[2];
    for (uint32_t at = 0; at < 2; at++) {
        (void)snprintf(addresses[at], sizeof(addresses[at]), "127.0.0.1:%u", free_port());
        members[at] = (struct peers_member){.node_id = at + 1, .address = addresses[at]};
    }
    struct arena *arena = arena_create(1024);
    for (uint32_t at = 0; at < 2; at++) {
        const struct peers_options options = {
            .self_id = at + 1,
            .members = members,
            .member_count = 2,
            .incarnation = 1,
            .release_low = 1,
            .release_high = 1,
            .release = "bench",
            .key = plain ? BYTES_EMPTY : BYTES_LITERAL("a key of a benchmark"),
            .plain = plain,
        };
        nodes[at] = (struct node){0};
        err error = peers_create(&options, arena, &nodes[at].peers);
        if (err_is(error)) {
            (void)fprintf(stderr, "%s\n", error.text);
            exit(1);
        }
    }
    arena_destroy(&arena);
    while (!nodes[0].up || !nodes[1].up) {
        rest(nodes);
        turn(&nodes[0]);
        turn(&nodes[1]);
    }
}

// Sends `crowd` messages a turn for some time, as many as the line takes.
static void measure(const char *name, bool plain, size_t bytes_each, int crowd, double seconds) {
    struct node nodes[2];
    uint8_t *data = calloc(1, bytes_each);
    check(data != NULL);
    open_nodes(nodes, plain);
    double cpu = cpu_us();
    int64_t begin = now().ns;
    int64_t end = begin + (int64_t)(seconds * 1e9);
    uint64_t sent = 0;
    while (now().ns < end) {
        while (sent < nodes[1].heard + (uint64_t)crowd) {
            check(peers_send(nodes[0].peers, 2, PEER_BULK, bytes_of(data, bytes_each)));
            sent++;
        }
        turn(&nodes[0]);
        rest(nodes);
        turn(&nodes[1]);
    }
    double heard = (double)nodes[1].heard;
    double took = (double)(now().ns - begin) / 1e9;
    struct peer_counters counters = peers_stats(nodes[0].peers);
    printf(
        "%-7s %6zu bytes, %3d at a time: %8.0f messages/s, %6.1f us CPU each, %5.1f a frame\n",
        name,
        bytes_each,
        crowd,
        heard / took,
        (cpu_us() - cpu) / heard,
        (double)counters.messages_sent / (double)counters.frames_sent
    );
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
    free(data);
}

static int order_times(const void *left, const void *right) {
    int64_t first = *(const int64_t *)left;
    int64_t second = *(const int64_t *)right;
    return (first > second) - (first < second);
}

static void measure_round_trip(const char *name, bool plain) {
    struct node nodes[2];
    int64_t *times = calloc(ROUND_TRIPS, sizeof(*times));
    check(times != NULL);
    open_nodes(nodes, plain);
    nodes[1].echoes = true;
    for (uint64_t at = 0; at < ROUND_TRIPS; at++) {
        int64_t begin = now().ns;
        check(peers_send(nodes[0].peers, 2, PEER_URGENT, BYTES_LITERAL("there and back again")));
        peers_pump(nodes[0].peers, now());
        while (nodes[0].heard == at) {
            rest(nodes);
            turn(&nodes[1]);
            turn(&nodes[0]);
        }
        times[at] = now().ns - begin;
    }
    qsort(times, ROUND_TRIPS, sizeof(*times), order_times);
    printf(
        "%-7s there and back: p50 %.0f us, p99 %.0f us\n",
        name,
        (double)times[ROUND_TRIPS / 2] / 1e3,
        (double)times[ROUND_TRIPS * 99 / 100] / 1e3
    );
    peers_destroy(&nodes[0].peers);
    peers_destroy(&nodes[1].peers);
    free(times);
}

int main(int argument_count, char **arguments) {
    double seconds = argument_count > 1 ? strtod(arguments[1], NULL) : 2;
    static const struct {
        size_t bytes;
        int crowd;
    } LOADS[] = {{100, 1}, {100, 64}, {16 * 1024, 1}, {16 * 1024, 64}};
    for (int plain = 0; plain < 2; plain++) {
        const char *name = plain == 1 ? "plain" : "sealed";
        for (size_t at = 0; at < sizeof(LOADS) / sizeof(LOADS[0]); at++) {
            measure(name, plain == 1, LOADS[at].bytes, LOADS[at].crowd, seconds);
        }
        measure_round_trip(name, plain == 1);
    }
    return 0;
}
