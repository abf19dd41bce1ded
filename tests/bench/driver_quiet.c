// A server with little to do: how soon a task is in a parked worker's hands, and what idling costs.
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>
#include <time.h>

enum {
    LATENCY_COUNT = 300,
    PARKED = 1000,
    IDLE_SECONDS = 5,
    BASELINE_COUNT = 200,
};

// --- latency
// -----------------------------------------------------------------------------------------

struct hand {
    int64_t received_ns;
    char update[512];
};

static void on_hand(void *argument, struct connection *connection, int status, bytes body) {
    struct hand *hand = argument;
    (void)connection;
    struct json_iter iter = json_iter(body);
    bytes task = BYTES_EMPTY;
    bytes id = BYTES_EMPTY;
    bytes workflow = BYTES_EMPTY;
    hand->received_ns = now_ns();
    if (status != 200 || !json_next_element(&iter, &task) || !json_get_text(task, "taskId", &id) ||
        !json_get_text(task, "workflowInstanceId", &workflow)) {
        fail("a parked worker got no task");
    }
    (void)snprintf(
        hand->update,
        sizeof(hand->update),
        "{\"workflowInstanceId\":%.*s,\"taskId\":%.*s,\"status\":\"COMPLETED\"}",
        BYTES_ARG(workflow),
        BYTES_ARG(id)
    );
}

static void
on_latency_start(void *argument, struct connection *connection, int status, bytes body) {
    int64_t *answered_ns = argument;
    (void)connection;
    (void)body;
    if (status != 200) {
        fail("a start is refused");
    }
    *answered_ns = now_ns();
}

// Waits until the worker's node has parked the poll: it reads a later request only after it.
static void parked(struct client *client, size_t nodes) {
    struct connection *same_node = client_connection(client, 1 + nodes);
    bytes body = BYTES_EMPTY;
    (void)client_ask(client, same_node, "GET", "/health", BYTES_EMPTY, &body);
}

static void
hand_once(struct client *client, size_t nodes, struct series *to_hand, struct series *to_answer) {
    struct connection *worker = client_connection(client, 1);
    struct connection *starter = client_connection(client, 2);
    struct hand hand = {0};
    int64_t answered_ns = 0;
    connection_send(
        worker,
        "GET",
        "/api/tasks/poll/batch/bench_one?workerid=bench&count=1&timeout=5000",
        BYTES_EMPTY,
        on_hand,
        &hand
    );
    parked(client, nodes);
    connection_send(
        starter,
        "POST",
        "/api/workflow/bench_one",
        BYTES_LITERAL("{\"n\":1}"),
        on_latency_start,
        &answered_ns
    );
    int64_t sent_ns = connection_sent_ns(starter);
    while (connection_is_busy(worker) || connection_is_busy(starter)) {
        client_turn(client, 1000);
    }
    series_add(to_hand, hand.received_ns - sent_ns);
    series_add(to_answer, answered_ns - sent_ns);
    bytes body = BYTES_EMPTY;
    int status =
        client_ask(client, worker, "POST", "/api/tasks", bytes_from_text(hand.update), &body);
    if (status != 200) {
        fail("an update is refused");
    }
}

void workload_latency(const struct bench *bench) {
    struct server server = bench_server(bench, "latency");
    struct client *client = client_open_spread(server.ports, server.nodes, 2 + server.nodes);
    struct report report = {0};
    size_t count = bench->count == 0 ? LATENCY_COUNT : bench->count;
    bench_register(client, "bench_one", 1);
    for (size_t run = 0; run < bench->runs; run++) {
        struct series ns = {0};
        struct series to_answer = {0};
        baseline_sync(&server, BASELINE_COUNT, &ns);
        report_add(
            &report,
            "baseline: write 4 KiB + sync, p50",
            "ms",
            NULL,
            (double)series_percentile(&ns, 50) / 1e6
        );
        series_clear(&ns);
        (void)baseline_http(&server, client, 1, BASELINE_COUNT, &ns);
        report_add(
            &report,
            "baseline: raw answer, p50",
            "ms",
            NULL,
            (double)series_percentile(&ns, 50) / 1e6
        );
        series_clear(&ns);
        for (size_t i = 0; i < count; i++) {
            hand_once(client, server.nodes, &ns, &to_answer);
        }
        report_add(
            &report,
            "start sent to task in hand, p50",
            "ms",
            "1.5",
            (double)series_percentile(&ns, 50) / 1e6
        );
        report_add(
            &report,
            "start sent to task in hand, p99",
            "ms",
            NULL,
            (double)series_percentile(&ns, 99) / 1e6
        );
        report_add(
            &report,
            "start sent to answered, p50",
            "ms",
            NULL,
            (double)series_percentile(&to_answer, 50) / 1e6
        );
        series_deinit(&ns);
        series_deinit(&to_answer);
    }
    report_print(&report, "latency");
    client_close(&client);
    server_kill(&server);
}

// --- idling
// ------------------------------------------------------------------------------------------

static void on_idle_poll(void *argument, struct connection *connection, int status, bytes body);

static void idle_poll(struct connection *connection) {
    connection_send(
        connection,
        "GET",
        "/api/tasks/poll/batch/bench_idle?workerid=bench&count=1&timeout=5000",
        BYTES_EMPTY,
        on_idle_poll,
        NULL
    );
}

static void on_idle_poll(void *argument, struct connection *connection, int status, bytes body) {
    (void)argument;
    (void)body;
    if (status != 200) {
        fail("a poll is refused");
    }
    idle_poll(connection);
}

static void turn_until(struct client *client, int64_t end_ns) {
    for (int64_t left = end_ns - now_ns(); left > 0; left = end_ns - now_ns()) {
        client_turn(client, (int)(left / 1000000) + 1);
    }
}

static double cores_over(const struct server *server, struct client *client, int seconds) {
    int64_t cpu_us = server_cpu_us(server);
    int64_t begun_ns = now_ns();
    turn_until(client, begun_ns + (int64_t)seconds * 1000000000);
    return (double)(server_cpu_us(server) - cpu_us) * 1e3 / (double)(now_ns() - begun_ns);
}

static double mebibytes(const struct server *server) {
    return (double)server_resident_bytes(server) / (1024.0 * 1024.0);
}

// What the nodes say to each other meanwhile, a second and pair of nodes, both ways together.
static void
idle_links(const struct server *server, struct client *client, int seconds, struct report *report) {
    double pairs = (double)(server->nodes * (server->nodes - 1) / 2);
    double messages = (double)server_figure(server, client, "peer_messages_sent_total");
    double frames = (double)server_figure(server, client, "peer_frames_sent_total");
    turn_until(client, now_ns() + (int64_t)seconds * 1000000000);
    messages = (double)server_figure(server, client, "peer_messages_sent_total") - messages;
    frames = (double)server_figure(server, client, "peer_frames_sent_total") - frames;
    report_add(
        report, "messages, a second and pair of nodes", "1/s", "5", messages / seconds / pairs
    );
    report_add(report, "frames, heartbeats among them", "1/s", NULL, frames / seconds / pairs);
}

void workload_idle(const struct bench *bench) {
    struct server server = bench_server(bench, "idle");
    struct client *client = client_open_spread(server.ports, server.nodes, server.nodes + PARKED);
    struct report report = {0};
    for (size_t run = 0; run < bench->runs; run++) {
        report_add(
            &report, "CPU of 5 s, idle", "core", "0.01", cores_over(&server, client, IDLE_SECONDS)
        );
        report_add(&report, "resident, idle, 1001 connections", "MiB", "40", mebibytes(&server));
        if (run == 0) {
            (void)server_cost(&server, client);
        }
    }
    for (size_t i = 0; i < PARKED; i++) {
        idle_poll(client_connection(client, server.nodes + i));
    }
    turn_until(client, now_ns() + 1000000000);
    for (size_t run = 0; run < bench->runs; run++) {
        report_add(
            &report,
            "CPU of 5 s, 1000 parked polls of 5 s",
            "core",
            "0.01",
            cores_over(&server, client, IDLE_SECONDS)
        );
        report_add(&report, "resident, 1000 parked polls", "MiB", "40", mebibytes(&server));
        if (server.nodes > 1) {
            idle_links(&server, client, IDLE_SECONDS, &report);
        }
    }
    report_print(&report, "idle");
    client_close(&client);
    server_kill(&server);
}
