// How others fare beside large bodies: the start of a small workflow, sent one after the other on a
// connection of its own, alone and beside a stream of updates that bring 5 MB each.
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>

enum {
    BODY_BYTES = 5 * 1000 * 1000,
    UPDATES_USUAL = 40,
    BASELINE_SYNCS = 200,
};

static const char small[] =
    "{\"name\":\"bench_small\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":"
    "\"bench@example.com\",\"timeoutSeconds\":0,\"tasks\":[{\"name\":\"v\",\"taskReferenceName\":"
    "\"v\",\"type\":\"SET_VARIABLE\",\"inputParameters\":{\"a\":1}}]}";

struct beside {
    struct series ns;
    bool over;
};

static void beside_send(struct beside *beside, struct connection *connection);

static void on_started(void *argument, struct connection *connection, int status, bytes body) {
    struct beside *beside = argument;
    (void)body;
    if (status != 200) {
        fail("the start of a small workflow is refused");
    }
    series_add(&beside->ns, now_ns() - connection_sent_ns(connection));
    if (!beside->over) {
        beside_send(beside, connection);
    }
}

static void beside_send(struct beside *beside, struct connection *connection) {
    connection_send(
        connection, "POST", "/api/workflow/bench_small", BYTES_LITERAL("{}"), on_started, beside
    );
}

static bytes ask(struct client *client, const char *method, const char *path, bytes body) {
    bytes answer = BYTES_EMPTY;
    int status = client_ask(client, client_connection(client, 0), method, path, body, &answer);
    if (status < 200 || status > 299) {
        (void)fprintf(stderr, "bench: %s %s: %d %.*s\n", method, path, status, BYTES_ARG(answer));
        fail("a request is refused");
    }
    return answer;
}

// An execution of one worker task, and what reports progress of that.
static void write_update(struct client *client, struct buffer *out) {
    char path[128];
    bytes tasks = BYTES_EMPTY;
    bytes task = BYTES_EMPTY;
    bytes task_id = BYTES_EMPTY;
    bytes id = ask(client, "POST", "/api/workflow/bench_one", BYTES_LITERAL("{\"n\":1}"));
    char workflow[64];
    (void)snprintf(workflow, sizeof(workflow), "%.*s", BYTES_ARG(id));
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", workflow);
    bytes shown = ask(client, "GET", path, BYTES_EMPTY);
    bool found = json_get_text(shown, "tasks", &tasks);
    struct json_iter iter = json_iter(found ? tasks : BYTES_LITERAL("[]"));
    if (!json_next_element(&iter, &task) || !json_get_text(task, "taskId", &task_id)) {
        fail("an execution without tasks");
    }
    buffer_format(
        out,
        "{\"workflowInstanceId\":\"%s\",\"taskId\":%.*s,\"status\":\"IN_PROGRESS\","
        "\"outputData\":{\"list\":[0",
        workflow,
        BYTES_ARG(task_id)
    );
    for (uint32_t i = 0; buffer_bytes(out).size < BODY_BYTES; i++) {
        buffer_format(out, ",{\"n\":%u,\"of\":\"a list\"}", i);
    }
    buffer_append_text(out, "]}}");
}

static void end_beside(struct client *client, struct beside *beside) {
    beside->over = true;
    while (connection_is_busy(client_connection(client, 1))) {
        client_turn(client, 1000);
    }
}

static void add(struct report *report, const char *name, struct series *ns, double *out_p99) {
    char line[96];
    *out_p99 = (double)series_percentile(ns, 99) / 1e6;
    (void)snprintf(line, sizeof(line), "%s, p50", name);
    report_add(report, line, "ms", NULL, (double)series_percentile(ns, 50) / 1e6);
    (void)snprintf(line, sizeof(line), "%s, p99", name);
    report_add(report, line, "ms", NULL, *out_p99);
}

static void run_once(struct report *report, struct client *client, size_t updates) {
    struct buffer update;
    buffer_init(&update, (size_t)2 * BODY_BYTES);
    write_update(client, &update);
    struct beside beside = {0};
    struct series took = {0};
    double alone = 0;
    double loaded = 0;
    beside_send(&beside, client_connection(client, 1));
    while (beside.ns.count < updates * 20) {
        client_turn(client, 1000);
    }
    end_beside(client, &beside);
    add(report, "a small start alone", &beside.ns, &alone);
    series_clear(&beside.ns);
    beside.over = false;
    beside_send(&beside, client_connection(client, 1));
    for (size_t i = 0; i < updates; i++) {
        int64_t sent = now_ns();
        (void)ask(client, "POST", "/api/tasks", buffer_bytes(&update));
        series_add(&took, now_ns() - sent);
    }
    end_beside(client, &beside);
    add(report, "beside updates of 5 MB", &beside.ns, &loaded);
    report_add(report, "p99 beside by p99 alone", "", NULL, loaded / alone);
    report_add(
        report, "starts during one update", "", NULL, (double)beside.ns.count / (double)updates
    );
    report_add(report, "an update, p50", "ms", NULL, (double)series_percentile(&took, 50) / 1e6);
    series_deinit(&beside.ns);
    series_deinit(&took);
    buffer_deinit(&update);
}

void workload_large(const struct bench *bench) {
    size_t updates = bench->count != 0 ? bench->count : UPDATES_USUAL;
    struct server server = bench_server(bench, "large");
    struct client *client = client_open_spread(server.ports, bench->nodes, 2);
    struct report report = {0};
    bench_register(client, "bench_one", 1);
    bench_define(client, small);
    for (size_t run = 0; run < bench->runs; run++) {
        struct series ns = {0};
        baseline_sync(&server, BASELINE_SYNCS, &ns);
        double sync = (double)series_percentile(&ns, 99) / 1e6;
        report_add(&report, "baseline: write 4 KiB + sync, p99", "ms", NULL, sync);
        series_deinit(&ns);
        run_once(&report, client, updates);
    }
    report_print(&report, "large: others beside updates of 5 MB");
    client_close(&client);
    server_kill(&server);
}
