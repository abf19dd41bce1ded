// kill -9 with many workflows running, then how long until the first answer about one of them.
// Between the kills more are started, so that there is always a log to replay.
#include "proto/base/arena.h"
#include "proto/base/check.h"
#include "tests/bench/driver.h"

#include <stdio.h>
#include <string.h>

enum {
    RUNNING = 100000,
    MORE = 2000,
    BASELINE_COUNT = 200,
};

struct starts {
    size_t left_to_send;
    size_t left_to_come;
    char newest[64];
};

static void start_send(struct starts *starts, struct connection *connection);

static void on_started(void *argument, struct connection *connection, int status, bytes body) {
    struct starts *starts = argument;
    if (status != 200) {
        fail("a start is refused");
    }
    (void)snprintf(starts->newest, sizeof(starts->newest), "%.*s", BYTES_ARG(body));
    starts->left_to_come--;
    start_send(starts, connection);
}

static void start_send(struct starts *starts, struct connection *connection) {
    if (starts->left_to_send > 0) {
        starts->left_to_send--;
        connection_send(
            connection,
            "POST",
            "/api/workflow/bench_one",
            BYTES_LITERAL("{\"n\":1,\"customer\":\"bench\",\"amount\":12.50}"),
            on_started,
            starts
        );
    }
}

static void
start_many(struct client *client, size_t connections, size_t count, struct starts *starts) {
    starts->left_to_send = count;
    starts->left_to_come = count;
    for (size_t i = 0; i < connections; i++) {
        start_send(starts, client_connection(client, i));
    }
    while (starts->left_to_come > 0) {
        client_turn(client, 1000);
    }
}

static void status_ask(struct client *client, const char *workflow) {
    char path[160];
    bytes body = BYTES_EMPTY;
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/status", workflow);
    int status = client_ask(client, client_connection(client, 0), "GET", path, BYTES_EMPTY, &body);
    if (status != 200) {
        fail("a running workflow is lost");
    }
}

static void poll_ask(struct client *client) {
    bytes body = BYTES_EMPTY;
    int status = client_ask(
        client,
        client_connection(client, 0),
        "GET",
        "/api/tasks/poll/batch/bench_one?workerid=bench&count=1&timeout=5000",
        BYTES_EMPTY,
        &body
    );
    if (status != 200 || body.size <= 2) {
        fail("a task that was ready is lost");
    }
}

static double ms_since(int64_t begun_ns) {
    return (double)(now_ns() - begun_ns) / 1e6;
}

// What the server itself says about its last start: `took_ms` of the last `store_open` in its log.
static double store_open_ms(const struct server *server) {
    char path[4200];
    char line[1024];
    double took = -1;
    (void)snprintf(path, sizeof(path), "%s.log", server->folder);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *field =
            strstr(line, "event=store_open") == NULL ? NULL : strstr(line, "took_ms=");
        int64_t value = 0;
        if (field != NULL) {
            field += strlen("took_ms=");
            bytes digits = bytes_of(field, strcspn(field, " \n"));
            took = bytes_parse_i64(digits, &value) ? (double)value : took;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return took;
}

static void restart_once(struct server *server, const char *workflow, struct report *report) {
    server_start(server);
    report_add(report, "exec to connections taken", "ms", NULL, ms_since(server->started_ns));
    struct client *client = client_open(server->port, 1);
    status_ask(client, workflow);
    report_add(report, "exec to first answer", "ms", "1000", ms_since(server->started_ns));
    report_add(report, "of it: store opened, log replayed", "ms", NULL, store_open_ms(server));
    poll_ask(client);
    report_add(report, "exec to first task handed out", "ms", NULL, ms_since(server->started_ns));
    report_add(
        report,
        "resident after it",
        "MiB",
        NULL,
        (double)server_resident_bytes(server) / (1024.0 * 1024.0)
    );
    client_close(&client);
}

void workload_restart(const struct bench *bench) {
    struct server server = bench_server(bench, "restart");
    struct report report = {0};
    struct starts starts = {0};
    struct client *client = client_open(server.port, bench->connections);
    bench_register(client, "bench_one", 1);
    start_many(client, bench->connections, bench->count == 0 ? RUNNING : bench->count, &starts);
    for (size_t run = 0; run < bench->runs; run++) {
        struct series ns = {0};
        start_many(client, bench->connections, MORE, &starts);
        server_kill(&server);
        client_close(&client);
        baseline_sync(&server, BASELINE_COUNT, &ns);
        report_add(
            &report,
            "baseline: write 4 KiB + sync, p50",
            "ms",
            NULL,
            (double)series_percentile(&ns, 50) / 1e6
        );
        series_deinit(&ns);
        restart_once(&server, starts.newest, &report);
        client = client_open(server.port, bench->connections);
    }
    report_print(&report, "restart");
    client_close(&client);
    server_kill(&server);
}
