// The server under test as a process of ours, or several that are a cluster, and what it cost so
// far.
#pragma once

#include "tests/bench/driver_client.h"

#include <sys/types.h>

enum {
    NODES_MAX = 7,
};

struct server {
    const char *program;
    const char *folder; // of the store; of several nodes, of a store each
    size_t nodes;       // 0 is one
    uint16_t port;      // of the first node
    uint16_t ports[NODES_MAX];
    pid_t pids[NODES_MAX];
    int64_t started_ns; // just before the first process was made
};

// What the processes, summed, and their device did since they began.
struct cost {
    int64_t cpu_us;     // user and system time of the server, all threads
    uint64_t syncs;     // /metrics
    uint64_t log_bytes; // /metrics, padding included
    uint64_t state_bytes;
    uint64_t entries;
    uint64_t updates;
    uint64_t device_bytes; // sectors written, all processes; 0: the device is not known
};

// Starts the server on free ports and waits until every node takes connections.
void server_start(struct server *server);

// Ends it with SIGKILL and waits until it is gone.
void server_kill(struct server *server);

// Waits until all state is checkpointed and the file system is synced, then reads the figures; on
// the client's first connections, one a node.
struct cost server_cost(const struct server *server, struct client *client);

// The sum of a figure of /metrics over all nodes, asked as server_cost does.
uint64_t server_figure(const struct server *server, struct client *client, const char *name);

// As server_cost without waiting for anything and without what only /metrics knows.
int64_t server_cpu_us(const struct server *server);

// User and system time of the processes that the server started: its evaluators.
int64_t server_children_cpu_us(const struct server *server);

// Resident memory.
uint64_t server_resident_bytes(const struct server *server);

// The part of `later` that came after `earlier`.
struct cost cost_since(const struct cost *later, const struct cost *earlier);
