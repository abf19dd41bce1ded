// simulate: runs seeds, each in a process of its own, so that a broken check, a crash or a hang of
// one costs one; prints what was run and, for a failure, the command that replays it.

#include "proto/base/mutant.h"
#include "tests/simulation/network.h"
#include "tests/simulation/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    JOBS_MAX = 64,
    SEED_SECONDS_MAX = 120
};

struct options {
    uint64_t first;
    uint64_t seeds;
    unsigned jobs;
    unsigned nodes; // of each cluster; 0: as the seed draws
    bool churn;     // nodes come and go in every world
    bool trace;
    bool twice;
    bool stop; // at the first failure
    bool quiet;
    const char *mutant;
};

struct child {
    pid_t pid; // 0: free
    int pipe;
    uint64_t seed;
};

struct totals {
    uint64_t runs;
    uint64_t failures;
    uint64_t first_failure;
    struct run_result sum;
};

static int64_t cpu_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) {
        return 0;
    }
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void choose_mutant(const struct options *options) {
#ifdef ORPHEUS_MUTANTS
    mutant_choose(options->mutant);
#else
    if (options->mutant != NULL) {
        (void)fprintf(stderr, "simulate: built without -DMUTANTS=ON\n");
        exit(2);
    }
#endif
}

// --- one seed ------------------------------------------------------------------------------------

static void run_once(const struct options *options, uint64_t seed, struct run_result *result) {
    int64_t before = cpu_ns();
    run_seed(seed, (uint16_t)options->nodes, options->churn, options->trace, result);
    if (options->twice && !result->failed) {
        struct run_result again;
        run_seed(seed, (uint16_t)options->nodes, options->churn, false, &again);
        if (again.trace_hash != result->trace_hash) {
            result->failed = true;
            (void)snprintf(
                result->failure,
                sizeof(result->failure),
                "determinism: a second run left trace %016llx, the first %016llx",
                (unsigned long long)again.trace_hash,
                (unsigned long long)result->trace_hash
            );
        }
    }
    result->cpu_ns = cpu_ns() - before;
}

static void write_all(int file, const void *from, size_t size) {
    const char *at = from;
    while (size > 0) {
        ssize_t written = write(file, at, size);
        if (written <= 0) {
            _exit(3);
        }
        at += written;
        size -= (size_t)written;
    }
}

// A loop without end costs one seed, a busy machine none.
static void limit_time(void) {
    const struct rlimit cpu = {SEED_SECONDS_MAX, SEED_SECONDS_MAX};
    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)alarm(10 * SEED_SECONDS_MAX);
}

static void begin_child(const struct options *options, struct child *child, uint64_t seed) {
    int ends[2];
    (void)fflush(NULL);
    if (pipe(ends) != 0 || (child->pid = fork()) < 0) {
        perror("simulate");
        exit(2);
    }
    if (child->pid == 0) {
        (void)close(ends[0]);
        limit_time();
        struct run_result result;
        memset(&result, 0, sizeof(result));
        run_once(options, seed, &result);
        (void)fflush(NULL);
        write_all(ends[1], &result, sizeof(result));
        _exit(0);
    }
    (void)close(ends[1]);
    child->pipe = ends[0];
    child->seed = seed;
}

// The child's result; one that died without tells how it died.
static void end_child(struct child *child, int status, struct run_result *result) {
    size_t filled = 0;
    ssize_t got = 0;
    do {
        got = read(child->pipe, (char *)result + filled, sizeof(*result) - filled);
        filled += got > 0 ? (size_t)got : 0;
    } while (got > 0 && filled < sizeof(*result));
    (void)close(child->pipe);
    child->pid = 0;
    if (filled == sizeof(*result)) {
        return;
    }
    *result = (struct run_result){.seed = child->seed, .failed = true};
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    (void)snprintf(
        result->failure,
        sizeof(result->failure),
        number == SIGALRM || number == SIGXCPU || number == SIGKILL
            ? "the run hung (signal %d)"
            : "the process died by signal %d",
        number
    );
}

// --- all of them ---------------------------------------------------------------------------------

static void report_failure(const struct options *options, const struct run_result *result) {
    (void)printf("FAILED seed %llu %s\n", (unsigned long long)result->seed, result->failure);
    if (!options->quiet) {
        char nodes[32] = "";
        const char *churn = options->churn ? " --churn" : "";
        if (options->nodes > 0) {
            (void)snprintf(nodes, sizeof(nodes), " --nodes %u%s", options->nodes, churn);
        } else {
            (void)snprintf(nodes, sizeof(nodes), "%s", churn);
        }
        (void)printf(
            "  replay: tests/simulation/run --seed %llu%s%s%s --trace\n",
            (unsigned long long)result->seed,
            nodes,
            options->mutant != NULL ? " --mutant " : "",
            options->mutant != NULL ? options->mutant : ""
        );
    }
    (void)fflush(stdout);
}

static void add(struct totals *totals, const struct run_result *result) {
    totals->runs++;
    if (result->failed) {
        if (totals->failures == 0 || result->seed < totals->first_failure) {
            totals->first_failure = result->seed;
        }
        totals->failures++;
    }
    totals->sum.events += result->events;
    totals->sum.crashes += result->crashes;
    totals->sum.answers += result->answers;
    totals->sum.entries += result->entries;
    totals->sum.rows_compared += result->rows_compared;
    totals->sum.starts += result->starts;
    totals->sum.executions += result->executions;
    totals->sum.updates += result->updates;
    totals->sum.clusters += result->clusters;
    totals->sum.elections += result->elections;
    totals->sum.messages += result->messages;
    totals->sum.changes += result->changes;
    totals->sum.virtual_ns += result->virtual_ns;
    totals->sum.cpu_ns += result->cpu_ns;
}

static void wait_one(const struct options *options, struct child *children, struct totals *totals) {
    int status = 0;
    pid_t pid = wait(&status);
    for (unsigned i = 0; i < options->jobs; i++) {
        if (children[i].pid == pid && pid > 0) {
            struct run_result result;
            end_child(&children[i], status, &result);
            if (result.failed) {
                report_failure(options, &result);
            }
            add(totals, &result);
            return;
        }
    }
}

static struct child *free_child(struct child *children, unsigned jobs) {
    for (unsigned i = 0; i < jobs; i++) {
        if (children[i].pid == 0) {
            return &children[i];
        }
    }
    return NULL;
}

static void run_all(const struct options *options, struct totals *totals) {
    struct child children[JOBS_MAX] = {{0}};
    uint64_t next = options->first;
    uint64_t end = options->first + options->seeds;
    unsigned running = 0;
    while (running > 0 || next < end) {
        struct child *child = free_child(children, options->jobs);
        bool more = next < end && !(options->stop && totals->failures > 0);
        if (child != NULL && more) {
            begin_child(options, child, next++);
            running++;
            continue;
        }
        if (running == 0) {
            break;
        }
        wait_one(options, children, totals);
        running--;
    }
}

static void print_totals(const struct totals *totals) {
    const struct run_result *sum = &totals->sum;
    double cpu_seconds = (double)sum->cpu_ns / 1e9;
    double virtual_seconds = (double)sum->virtual_ns / 1e9;
    (void)printf(
        "%llu seeds, %llu of several nodes: %.2f virtual hours, %.0f cluster-seconds per "
        "CPU-second, %llu events, %llu "
        "answers, %llu entries, %llu crashes, %llu rows compared, %llu starts, %llu executions, "
        "%llu updates, %llu elections, %llu messages, %llu members came or went, %llu failures\n",
        (unsigned long long)totals->runs,
        (unsigned long long)sum->clusters,
        virtual_seconds / 3600,
        cpu_seconds > 0 ? virtual_seconds / cpu_seconds : 0,
        (unsigned long long)sum->events,
        (unsigned long long)sum->answers,
        (unsigned long long)sum->entries,
        (unsigned long long)sum->crashes,
        (unsigned long long)sum->rows_compared,
        (unsigned long long)sum->starts,
        (unsigned long long)sum->executions,
        (unsigned long long)sum->updates,
        (unsigned long long)sum->elections,
        (unsigned long long)sum->messages,
        (unsigned long long)sum->changes,
        (unsigned long long)totals->failures
    );
}

static int usage(void) {
    (void)fprintf(
        stderr,
        "simulate [--seeds N] [--first S] [--nodes N] [--churn] [--jobs J] [--twice] [--stop] "
        "[--quiet] "
        "[--mutant NAME]\n"
        "simulate --seed S [--nodes N] [--churn] [--trace] [--mutant NAME]\n"
    );
    return 2;
}

// A flag's number, which must be a whole text.
static uint64_t number_of(const char *text) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || errno != 0 || end == text || *end != 0) {
        exit(usage());
    }
    return value;
}

int main(int count, char **arguments) {
    struct options options = {.first = 1, .seeds = 20, .jobs = 2};
    for (int i = 1; i < count; i++) {
        const char *flag = arguments[i];
        const char *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (strcmp(flag, "--trace") == 0) {
            options.trace = true;
        } else if (strcmp(flag, "--churn") == 0) {
            options.churn = true;
        } else if (strcmp(flag, "--twice") == 0) {
            options.twice = true;
        } else if (strcmp(flag, "--stop") == 0) {
            options.stop = true;
        } else if (strcmp(flag, "--quiet") == 0) {
            options.quiet = true;
        } else if (strcmp(flag, "--seeds") == 0) {
            options.seeds = number_of(value);
            i++;
        } else if (strcmp(flag, "--first") == 0) {
            options.first = number_of(value);
            i++;
        } else if (strcmp(flag, "--nodes") == 0) {
            options.nodes = (unsigned)number_of(value);
            i++;
        } else if (strcmp(flag, "--jobs") == 0) {
            options.jobs = (unsigned)number_of(value);
            i++;
        } else if (strcmp(flag, "--seed") == 0) {
            options.first = number_of(value);
            options.seeds = 1;
            i++;
        } else if (strcmp(flag, "--mutant") == 0 && value != NULL) {
            options.mutant = value;
            i++;
        } else {
            return usage();
        }
    }
    if (options.jobs == 0 || options.jobs > JOBS_MAX || options.nodes > NETWORK_NODES_MAX) {
        return usage();
    }
    choose_mutant(&options);
    struct totals totals = {0};
    run_all(&options, &totals);
    print_totals(&totals);
    return totals.failures > 0 ? 1 : 0;
}
