// One run: a seed's world from its first moment to its last check.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    RUN_FAILURE_BYTES = 1600
};

// Plain memory: it travels through a pipe.
struct run_result {
    uint64_t seed;
    bool failed;
    uint64_t trace_hash;
    uint64_t events;
    uint64_t crashes;
    uint64_t answers;
    uint64_t entries;
    uint64_t rows_compared;
    uint64_t starts;
    uint64_t executions;
    uint64_t updates;
    uint64_t clusters; // 1 when it had several nodes
    uint64_t elections;
    uint64_t messages;
    uint64_t changes; // of members: who came, went, was lost
    int64_t virtual_ns;
    int64_t cpu_ns; // filled by the caller
    char failure[RUN_FAILURE_BYTES];
};

// `node_count`: of the cluster; 0: the seed draws it.
// `churn`: nodes come and go in any case.
void run_seed(
    uint64_t seed, uint16_t node_count, bool churn, bool trace, struct run_result *out_result
);
