// A dynamic fork: from sending its start until all branches are in their queue, for forks of
// several widths in the same run. Whether they are is asked as a client would, by the queue's size.
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>

enum {
    FORKS = 20, // of each width in a run
    BASELINE_SYNCS = 200,
};

static const struct width {
    size_t branches;
    size_t forks; // in a run
    const char *name;
    const char *goal;
} WIDTHS[] = {
    {100, FORKS, "100 branches in their queue, p50", NULL},
    {1000, FORKS, "1 000 branches in their queue, p50", "25"},
    {10000, 2, "10 000 branches in their queue, p50", NULL},
};

static const char definition[] =
    "{\"name\":\"bench_fork\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":"
    "\"bench@example.com\",\"timeoutSeconds\":0,\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":"
    "\"f\",\"type\":\"FORK_JOIN_DYNAMIC\",\"inputParameters\":{\"forkTaskName\":\"bench_one\","
    "\"forkTaskInputs\":\"${workflow.input.list}\"}},{\"name\":\"j\",\"taskReferenceName\":\"j\","
    "\"type\":\"JOIN\"}]}";

static bytes ask(struct client *client, const char *method, const char *path, bytes body) {
    bytes answer = BYTES_EMPTY;
    int status = client_ask(client, client_connection(client, 0), method, path, body, &answer);
    if (status < 200 || status > 299) {
        (void)fprintf(stderr, "bench: %s %s: %d %.*s\n", method, path, status, BYTES_ARG(answer));
        fail("a request is refused");
    }
    return answer;
}

static int64_t queued(struct client *client) {
    bytes answer = ask(client, "GET", "/api/tasks/queue/size?taskType=bench_one", BYTES_EMPTY);
    int64_t size = -1;
    if (!json_i64(answer, &size)) {
        fail("a queue without a size");
    }
    return size;
}

// Starts a fork, waits until its branches can be polled, and ends it. In ns.
static int64_t fork_once(struct client *client, bytes input, size_t branches) {
    char path[128];
    int64_t begun_ns = now_ns();
    bytes id = ask(client, "POST", "/api/workflow/bench_fork", input);
    (void)snprintf(path, sizeof(path), "/api/workflow/%.*s", BYTES_ARG(id));
    while (queued(client) < (int64_t)branches) {
    }
    int64_t taken_ns = now_ns() - begun_ns;
    (void)ask(client, "DELETE", path, BYTES_EMPTY);
    return taken_ns;
}

static double fork_p50_ms(struct client *client, const struct width *width) {
    struct buffer input;
    struct series ns = {0};
    buffer_init(&input, 1024 * 1024);
    for (size_t i = 0; i < width->branches; i++) {
        buffer_format(&input, "%s{\"k\":%zu}", i == 0 ? "{\"list\":[" : ",", i);
    }
    buffer_append_text(&input, "]}");
    check(!err_is(buffer_status(&input)));
    for (size_t i = 0; i < width->forks; i++) {
        series_add(&ns, fork_once(client, buffer_bytes(&input), width->branches));
    }
    double p50 = (double)series_percentile(&ns, 50) / 1e6;
    series_deinit(&ns);
    buffer_deinit(&input);
    return p50;
}

void workload_fork(const struct bench *bench) {
    struct server server = bench_server(bench, "fork");
    struct client *client = client_open(server.port, 1);
    struct report report = {0};
    bench_register(client, "bench_one", 1);
    bench_define(client, definition);
    for (size_t run = 0; run < bench->runs; run++) {
        double p50[sizeof(WIDTHS) / sizeof(WIDTHS[0])];
        struct series ns = {0};
        baseline_sync(&server, BASELINE_SYNCS, &ns);
        report_add(
            &report,
            "baseline: write 4 KiB + sync, p50",
            "ms",
            NULL,
            (double)series_percentile(&ns, 50) / 1e6
        );
        series_deinit(&ns);
        for (size_t i = 0; i < sizeof(WIDTHS) / sizeof(WIDTHS[0]); i++) {
            p50[i] = fork_p50_ms(client, &WIDTHS[i]);
            report_add(&report, WIDTHS[i].name, "ms", WIDTHS[i].goal, p50[i]);
        }
        report_add(&report, "time(1 000) / time(100)", "", "11", p50[1] / p50[0]);
        report_add(&report, "time(10 000) / time(1 000)", "", "11", p50[2] / p50[1]);
    }
    report_print(&report, "fork: a dynamic fork's branches");
    client_close(&client);
    server_kill(&server);
}
