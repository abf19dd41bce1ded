// What the server runs itself: ten server-side tasks in one workflow, six of them scripts, and how
// a start fares beside scripts that never end. A workflow of this kind is over when its start is
// answered; CPU is that of the server and of its evaluators.
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>

enum {
    TEN_COUNT = 5000,
    ALONE_COUNT = 500,
    WARM_UP = 200,
    BESIDE_COUNT = 1000,
    LOOPS = 100,
    BASELINE_SYNCS = 200,
    BASELINE_ANSWERS = 5000,
};

#define INLINE(name, text, input)                                                    \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"INLINE\"," \
    "\"inputParameters\":{\"evaluatorType\":\"javascript\",\"expression\":\"" text   \
    "\",\"a\":\"" input "\"}}"
#define JQ(name, text, input)                                                                   \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"JSON_JQ_TRANSFORM\"," \
    "\"inputParameters\":{\"queryExpression\":\"" text "\",\"l\":\"" input "\"}}"
#define SET(name, input)                                                                   \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"SET_VARIABLE\"," \
    "\"inputParameters\":{\"" name "\":\"" input "\"}}"
#define SWITCH(name, evaluator, text, input, cases)                                  \
    "{\"name\":\"" name "\",\"taskReferenceName\":\"" name "\",\"type\":\"SWITCH\"," \
    "\"evaluatorType\":\"" evaluator "\",\"expression\":\"" text                     \
    "\",\"inputParameters\":{\"a\":\"" input "\"},\"decisionCases\":{" cases "}}"
#define DEFINITION(name, tasks)                                                  \
    "{\"name\":\"" name                                                          \
    "\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":\"bench@example.com\"," \
    "\"timeoutSeconds\":0,\"tasks\":[" tasks "]}"

static const char ten_tasks[] = DEFINITION(
    "bench_ten",
    INLINE(
        "i1", "(function(){return $.a+1;})()", "${workflow.input.n}"
    ) "," SWITCH("s1", "value-param", "a", "${workflow.input.kind}", "\"k\":[" SET("v1", "${i1.output.result}") "]") "," JQ("q1", ".l | map(.v)", "${workflow.input.items}") "," INLINE("i2", "(function(){return $.a*2;})()", "${i1.output.result}") "," SWITCH("s2", "javascript", "$.a > 3 ? 'hi' : 'lo'", "${i2.output.result}", "\"hi\":[" SET("v2", "${i2.output.result}") "]") "," JQ("q2", ".l | add", "${q1.output.result}") "," INLINE("i3", "(function(){return $.a+1;})()", "${q2.output.result}") "," SET("v3", "${i3.output.result}")
);
static const char endless[] = DEFINITION("bench_loop", INLINE("i", "while(true){}", "x"));
static const char plain[] = DEFINITION("bench_plain", SET("v1", "${workflow.input.n}"));
static const char input[] = "{\"n\":5,\"kind\":\"k\",\"items\":[{\"v\":1},{\"v\":2},{\"v\":3}]}";

// Starts of one workflow, one after the other on each of some connections.
struct starts {
    const char *path;
    size_t to_send;
    size_t to_come;
    struct series ns;
    char last[64]; // the id of the newest one
};

static void starts_send(struct starts *starts, struct connection *connection);

static void on_started(void *argument, struct connection *connection, int status, bytes body) {
    struct starts *starts = argument;
    if (status != 200 || body.size >= sizeof(starts->last)) {
        (void)fprintf(stderr, "bench: start: %d %.*s\n", status, BYTES_ARG(body));
        fail("a start is refused");
    }
    (void)snprintf(starts->last, sizeof(starts->last), "%.*s", BYTES_ARG(body));
    series_add(&starts->ns, now_ns() - connection_sent_ns(connection));
    starts->to_come--;
    starts_send(starts, connection);
}

static void starts_send(struct starts *starts, struct connection *connection) {
    if (starts->to_send == 0) {
        return;
    }
    starts->to_send--;
    connection_send(connection, "POST", starts->path, BYTES_LITERAL(input), on_started, starts);
}

// `count` starts over connections `first` to `first + connections - 1`.
static void starts_run(
    struct starts *starts, struct client *client, size_t first, size_t connections, size_t count
) {
    starts->to_send = count;
    starts->to_come = count;
    series_clear(&starts->ns);
    for (size_t i = 0; i < connections; i++) {
        starts_send(starts, client_connection(client, first + i));
    }
    while (starts->to_come > 0) {
        client_turn(client, 1000);
    }
}

// That the newest workflow is over and did all its tasks: an answer alone says neither.
static void check_done(struct client *client, const struct starts *starts, size_t tasks) {
    char path[128];
    bytes body = BYTES_EMPTY;
    bytes status = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    (void)snprintf(path, sizeof(path), "/api/workflow/%s?includeTasks=true", starts->last);
    (void)client_ask(client, client_connection(client, 0), "GET", path, BYTES_EMPTY, &body);
    if (!json_get_text(body, "status", &status) || !bytes_equal_text(status, "\"COMPLETED\"") ||
        !json_get_text(body, "tasks", &list) || json_count(list) != tasks) {
        (void)fprintf(stderr, "bench: %.*s\n", BYTES_ARG(body));
        fail("a workflow is not over with its start");
    }
}

static void report_ten(
    struct report *report,
    const char *how,
    const struct cost *cost,
    int64_t evaluators_us,
    size_t count,
    struct series *ns
) {
    char name[80];
    double done = (double)count;
    (void)snprintf(name, sizeof(name), "%s: CPU of a workflow, server and evaluators", how);
    report_add(report, name, "us", "400", (double)(cost->cpu_us + evaluators_us) / done);
    (void)snprintf(name, sizeof(name), "%s: of it evaluators", how);
    report_add(report, name, "us", NULL, (double)evaluators_us / done);
    (void)snprintf(name, sizeof(name), "%s: log entries of a workflow", how);
    report_add(report, name, "", "1", (double)cost->entries / done);
    (void)snprintf(name, sizeof(name), "%s: syncs of a workflow", how);
    report_add(report, name, "", "1", (double)cost->syncs / done);
    (void)snprintf(name, sizeof(name), "%s: start sent to answered, p50", how);
    report_add(report, name, "ms", NULL, (double)series_percentile(ns, 50) / 1e6);
}

static void run_ten(
    const struct server *server,
    struct client *client,
    const char *how,
    size_t connections,
    size_t count,
    struct report *report
) {
    struct starts starts = {.path = "/api/workflow/bench_ten"};
    struct cost before = server_cost(server, client);
    int64_t evaluators_us = server_children_cpu_us(server);
    starts_run(&starts, client, 1, connections, count);
    evaluators_us = server_children_cpu_us(server) - evaluators_us;
    struct cost after = server_cost(server, client);
    struct cost cost = cost_since(&after, &before);
    check_done(client, &starts, 10);
    report_ten(report, how, &cost, evaluators_us, count, &starts.ns);
    series_deinit(&starts.ns);
}

static void baselines(const struct server *server, struct client *client, struct report *report) {
    struct series ns = {0};
    baseline_sync(server, BASELINE_SYNCS, &ns);
    report_add(
        report,
        "baseline: write 4 KiB + sync, p50",
        "us",
        NULL,
        (double)series_percentile(&ns, 50) / 1e3
    );
    series_clear(&ns);
    double cpu_us = baseline_http(server, client, 1, BASELINE_ANSWERS, &ns);
    report_add(
        report, "baseline: raw answer, p50", "us", NULL, (double)series_percentile(&ns, 50) / 1e3
    );
    report_add(report, "baseline: server CPU of a raw answer", "us", NULL, cpu_us);
    series_deinit(&ns);
}

void workload_server_side(const struct bench *bench) {
    struct server server = bench_server(bench, "server-side");
    struct client *client = client_open(server.port, 1 + bench->connections);
    struct report report = {0};
    size_t count = bench->count == 0 ? TEN_COUNT : bench->count;
    size_t alone = count < ALONE_COUNT ? count : ALONE_COUNT;
    struct starts warm_up = {.path = "/api/workflow/bench_ten"};
    bench_define(client, ten_tasks);
    starts_run(&warm_up, client, 1, 1, count < WARM_UP ? count : WARM_UP);
    series_deinit(&warm_up.ns);
    for (size_t run = 0; run < bench->runs; run++) {
        baselines(&server, client, &report);
        run_ten(&server, client, "alone", 1, alone, &report);
        run_ten(&server, client, "many", bench->connections, count, &report);
    }
    report_print(&report, "server-side: ten tasks, six of them scripts");
    client_close(&client);
    server_kill(&server);
}

// --- beside loops
// ---------------------------------------------------------------------------------------

// Keeps its connection busy with a script that ends at its deadline only.
static void on_loop(void *argument, struct connection *connection, int status, bytes body) {
    (void)body;
    const bool *over = argument;
    if (status != 200 && status != 503) {
        fail("the start of a loop is refused");
    }
    if (!*over) {
        connection_send(
            connection, "POST", "/api/workflow/bench_loop", BYTES_LITERAL("{}"), on_loop, argument
        );
    }
}

static double start_p99_ms(struct client *client, size_t count) {
    struct starts starts = {.path = "/api/workflow/bench_plain"};
    starts_run(&starts, client, 0, 1, count);
    double p99 = (double)series_percentile(&starts.ns, 99) / 1e6;
    series_deinit(&starts.ns);
    return p99;
}

// Each run has a server of its own: one of loops would go on with those of the run before.
void workload_loops(const struct bench *bench) {
    struct report report = {0};
    size_t count = bench->count == 0 ? BESIDE_COUNT : bench->count;
    for (size_t run = 0; run < bench->runs; run++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "loops-%zu", run);
        struct server server = bench_server(bench, name);
        struct client *client = client_open(server.port, 1 + LOOPS);
        bool over = false;
        bench_define(client, plain);
        bench_define(client, endless);
        baselines(&server, client, &report);
        (void)start_p99_ms(client, count < WARM_UP ? count : WARM_UP);
        double alone = start_p99_ms(client, count);
        for (size_t i = 0; i < LOOPS; i++) {
            connection_send(
                client_connection(client, 1 + i),
                "POST",
                "/api/workflow/bench_loop",
                BYTES_LITERAL("{}"),
                on_loop,
                &over
            );
        }
        double beside = start_p99_ms(client, count);
        over = true;
        report_add(&report, "start of a plain workflow, alone, p99", "ms", NULL, alone);
        report_add(&report, "beside 100 looping scripts, p99", "ms", NULL, beside);
        report_add(&report, "the one by the other", "", "3", beside / alone);
        server_kill(&server);
        client_close(&client);
    }
    report_print(&report, "loops: a start beside 100 scripts that never end");
}
