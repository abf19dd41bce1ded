// What the workloads of the driver share.
#pragma once

#include "tests/bench/driver_report.h"
#include "tests/bench/driver_server.h"

struct bench {
    const char *program; // the server
    const char *folder;  // for stores; the caller removes it
    size_t nodes;        // of the server: one, latency and idle go through each in turn
    size_t runs;
    size_t count;       // workflows a run; 0: the workload's own
    int64_t run_ns;     // a run ends then even if the count is not reached
    size_t in_flight;   // workflows started and not yet completed, at most
    size_t connections; // of starters, and as many of workers
    bool ticks;         // tells four times a second how many workflows are done, on stderr
};

// A workload prints its own table.
typedef void workload(const struct bench *bench);

workload workload_one;     // start, one task: batch poll and update
workload workload_one_v2;  // the same with update-and-poll
workload workload_ten;     // ten tasks in sequence
workload workload_latency; // unloaded: start to a parked worker's hands
workload workload_idle;    // memory and CPU of a server that has nothing to do
workload workload_restart; // kill -9 with many running, time to the first answer

workload workload_server_side; // ten server-side tasks, six of them scripts
workload workload_loops;       // a start beside 100 scripts that never end
workload workload_fork;        // all branches of a dynamic fork in their queue
workload workload_wide;        // others beside the end of 10 000 open tasks, and what follows
workload workload_large;       // others beside a stream of large bodies

// A server on a new store called `name` in the folder.
struct server bench_server(const struct bench *bench, const char *name);

// Registers workflow `name` of `steps` SIMPLE tasks in sequence, all of type `name`, whose input is
// the workflow's `n`.
void bench_register(struct client *client, const char *name, int steps);

// Registers a workflow definition.
void bench_define(struct client *client, const char *json);

// What one write of 4 KiB and a sync take in the store's folder: adds samples in ns.
void baseline_sync(const struct server *server, size_t count, struct series *out_ns);

// GET /health on connections 0 to `connections` - 1, all at once, `count` in all: what one takes of
// the server's CPU. Adds the answers' times in ns.
double baseline_http(
    const struct server *server,
    struct client *client,
    size_t connections,
    size_t count,
    struct series *out_ns
);
