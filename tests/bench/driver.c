// The bench's command line: which workloads, how long, against which program. tests/bench/run
// builds the server, makes the folder and calls this.
#include "tests/bench/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    workload *run;
} WORKLOADS[] = {
    {"one", workload_one},
    {"one-v2", workload_one_v2},
    {"ten", workload_ten},
    {"latency", workload_latency},
    {"idle", workload_idle},
    {"restart", workload_restart},
    {"server-side", workload_server_side},
    {"loops", workload_loops},
    {"fork", workload_fork},
    {"wide", workload_wide},
    {"large", workload_large},
};

static const size_t WORKLOAD_COUNT = sizeof(WORKLOADS) / sizeof(WORKLOADS[0]);

static _Noreturn void usage(void) {
    (void)fprintf(
        stderr,
        "usage: bench_driver --server PROGRAM --folder FOLDER [--nodes N] [--runs N] [--count N]\n"
        "       [--seconds N] [--in-flight N] [--connections N] [--ticks 1] [workload…]\n"
        "workloads, all when none is named:"
    );
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        (void)fprintf(stderr, " %s", WORKLOADS[i].name);
    }
    (void)fprintf(stderr, "\n");
    exit(2);
}

static size_t number_of(const char *text, size_t most) {
    int64_t number = 0;
    if (!bytes_parse_i64(bytes_from_text(text), &number) || number < 1 || (size_t)number > most) {
        usage();
    }
    return (size_t)number;
}

static workload *workload_called(const char *name) {
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        if (strcmp(WORKLOADS[i].name, name) == 0) {
            return WORKLOADS[i].run;
        }
    }
    usage();
}

static void option(struct bench *bench, const char *name, const char *value) {
    if (strcmp(name, "--server") == 0) {
        bench->program = value;
    } else if (strcmp(name, "--folder") == 0) {
        bench->folder = value;
    } else if (strcmp(name, "--nodes") == 0) {
        bench->nodes = number_of(value, NODES_MAX);
    } else if (strcmp(name, "--runs") == 0) {
        bench->runs = number_of(value, RUNS_MAX);
    } else if (strcmp(name, "--count") == 0) {
        bench->count = number_of(value, 10000000);
    } else if (strcmp(name, "--seconds") == 0) {
        bench->run_ns = (int64_t)number_of(value, 3600) * 1000000000;
    } else if (strcmp(name, "--in-flight") == 0) {
        bench->in_flight = number_of(value, 100000);
    } else if (strcmp(name, "--ticks") == 0) {
        bench->ticks = number_of(value, 1) == 1;
    } else if (strcmp(name, "--connections") == 0) {
        bench->connections = number_of(value, 10000);
    } else {
        usage();
    }
}

int main(int count, char **words) {
    struct bench bench = {
        .nodes = 1, .runs = 5, .run_ns = 60000000000, .in_flight = 200, .connections = 100};
    workload *chosen[16];
    size_t chosen_count = 0;
    for (int i = 1; i < count; i++) {
        if (strncmp(words[i], "--", 2) == 0 && i + 1 < count) {
            option(&bench, words[i], words[i + 1]);
            i++;
        } else if (chosen_count < sizeof(chosen) / sizeof(chosen[0])) {
            chosen[chosen_count++] = workload_called(words[i]);
        } else {
            usage();
        }
    }
    if (bench.program == NULL || bench.folder == NULL) {
        usage();
    }
    for (size_t i = 0; chosen_count == 0 && i < WORKLOAD_COUNT; i++) {
        WORKLOADS[i].run(&bench);
    }
    for (size_t i = 0; i < chosen_count; i++) {
        chosen[i](&bench);
    }
    return 0;
}
