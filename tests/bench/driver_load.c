// Workflows under load: so many in flight at most, a start follows every end. Starters start;
// workers poll in batches and update with T-3, or each worker polls for one task and goes on with
// T-4, which brings the next. A workflow's number travels in its input to its tasks, so that what
// comes back is known without a table of ids.
//
// Completed is what the server says it is: every update of a last task was answered, the server's
// own counter agrees, and of every run the states of a sample are read back.
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLLERS = 4,
    POLL_COUNT = 50,
    ID_BYTES = 36,
    SAMPLE = 200,
    WARM_UP = 500,
    BASELINE_SYNCS = 200,
    BASELINE_ANSWERS = 20000,
    TICK_NS = 250 * 1000 * 1000,
};

static const int64_t SIDE_NS = INT64_C(60) * 1000 * 1000 * 1000;

struct flow {
    int64_t sent_ns;
    int steps; // done
    char id[ID_BYTES + 1];
};

struct work {
    char workflow[ID_BYTES + 1];
    char task[ID_BYTES + 1];
    size_t flow;
};

struct load {
    const char *name; // of the workflow and its tasks
    int steps;
    bool chained; // T-4
    size_t connections;
    size_t in_flight_max;
    bool ticks;
    int64_t tick_ns; // when the next is due
    int64_t side_ns; // when the connection on the side is used next
    size_t count;
    int64_t end_ns;
    struct client *client;
    struct flow *flows;
    size_t started;
    size_t completed;
    size_t *idle_starters;
    size_t idle_starter_count;
    size_t *idle_workers;
    size_t idle_worker_count;
    struct work *queue; // polled, no worker yet; at most as many as in flight
    size_t queue_count;
    struct work *held; // by worker
    struct series start_ns;
    struct series flow_ns;
    int64_t last_ns; // of the newest completion
};

// Connections: 0 asks on the side; then starters, workers, pollers.
static size_t starter_at(size_t index) {
    return 1 + index;
}

static size_t worker_at(const struct load *load, size_t index) {
    return 1 + load->connections + index;
}

static size_t poller_at(const struct load *load, size_t index) {
    return 1 + 2 * load->connections + index;
}

static bool is_over(const struct load *load) {
    return load->started == load->count || now_ns() > load->end_ns;
}

// --- starting
// -----------------------------------------------------------------------------------------

static void starters_kick(struct load *load);

static void on_started(void *argument, struct connection *connection, int status, bytes body) {
    struct load *load = argument;
    if (status != 200 || body.size != ID_BYTES) {
        (void)fprintf(stderr, "bench: start: %d %.*s\n", status, BYTES_ARG(body));
        fail("a start is refused");
    }
    series_add(&load->start_ns, now_ns() - connection_sent_ns(connection));
    load->idle_starters[load->idle_starter_count++] = connection_index(connection);
    starters_kick(load);
}

static void starters_kick(struct load *load) {
    while (load->idle_starter_count > 0 && load->started - load->completed < load->in_flight_max &&
           !is_over(load)) {
        struct connection *connection =
            client_connection(load->client, load->idle_starters[--load->idle_starter_count]);
        char path[128];
        char body[128];
        (void)snprintf(path, sizeof(path), "/api/workflow/%s", load->name);
        (void)snprintf(
            body, sizeof(body), "{\"n\":%zu,\"customer\":\"bench\",\"amount\":12.50}", load->started
        );
        load->flows[load->started++] = (struct flow){.sent_ns = now_ns()};
        connection_send(connection, "POST", path, bytes_from_text(body), on_started, load);
    }
}

// --- working
// ------------------------------------------------------------------------------------------

static void id_copy(bytes task, const char *member, char *out_id) {
    bytes value = BYTES_EMPTY;
    if (!json_get_text(task, member, &value) || value.size != ID_BYTES + 2) {
        fail("a task without its ids");
    }
    memcpy(out_id, value.data + 1, ID_BYTES);
    out_id[ID_BYTES] = 0;
}

static struct work work_of(struct load *load, bytes task) {
    struct work work;
    bytes input = BYTES_EMPTY;
    bytes number = BYTES_EMPTY;
    int64_t flow = -1;
    id_copy(task, "workflowInstanceId", work.workflow);
    id_copy(task, "taskId", work.task);
    if (!json_get_text(task, "inputData", &input) || !json_get_text(input, "n", &number) ||
        !json_i64(number, &flow) || flow < 0 || (size_t)flow >= load->started) {
        fail("a task without its number");
    }
    work.flow = (size_t)flow;
    return work;
}

static void step_done(struct load *load, const struct work *work) {
    struct flow *flow = &load->flows[work->flow];
    if (++flow->steps < load->steps) {
        return;
    }
    memcpy(flow->id, work->workflow, sizeof(flow->id));
    load->last_ns = now_ns();
    series_add(&load->flow_ns, load->last_ns - flow->sent_ns);
    load->completed++;
    starters_kick(load);
}

static void on_updated(void *argument, struct connection *connection, int status, bytes body);

static void update_send(struct load *load, size_t worker, const struct work *work) {
    char body[512];
    int size = snprintf(
        body,
        sizeof(body),
        "{\"workflowInstanceId\":\"%s\",\"taskId\":\"%s\",\"workerId\":\"bench\","
        "\"status\":\"COMPLETED\",\"outputData\":{\"approved\":true,\"score\":0.75}}",
        work->workflow,
        work->task
    );
    load->held[worker] = *work;
    connection_send(
        client_connection(load->client, worker_at(load, worker)),
        "POST",
        load->chained ? "/api/tasks/update-v2" : "/api/tasks",
        bytes_of(body, (size_t)size),
        on_updated,
        load
    );
}

static void workers_kick(struct load *load) {
    while (load->queue_count > 0 && load->idle_worker_count > 0) {
        update_send(
            load, load->idle_workers[--load->idle_worker_count], &load->queue[--load->queue_count]
        );
    }
}

static bool poll_send(struct load *load, size_t connection, int count);

static void on_polled(void *argument, struct connection *connection, int status, bytes body) {
    struct load *load = argument;
    if (status != 200) {
        (void)fprintf(stderr, "bench: poll: %d %.*s\n", status, BYTES_ARG(body));
        fail("a poll is refused");
    }
    struct json_iter iter = json_iter(body);
    bytes task = BYTES_EMPTY;
    while (json_next_element(&iter, &task)) {
        check(load->queue_count < load->in_flight_max);
        load->queue[load->queue_count++] = work_of(load, task);
    }
    size_t index = connection_index(connection);
    if (!load->chained) {
        workers_kick(load);
        (void)poll_send(load, index, POLL_COUNT);
        return;
    }
    if (load->queue_count > 0) {
        update_send(load, index - worker_at(load, 0), &load->queue[--load->queue_count]);
    } else {
        (void)poll_send(load, index, 1);
    }
}

// Polls, unless nothing will come any more.
static bool poll_send(struct load *load, size_t connection, int count) {
    if (is_over(load) && load->completed == load->started) {
        return false;
    }
    char path[128];
    (void)snprintf(
        path,
        sizeof(path),
        "/api/tasks/poll/batch/%s?workerid=bench&count=%d&timeout=500",
        load->name,
        count
    );
    connection_send(
        client_connection(load->client, connection), "GET", path, BYTES_EMPTY, on_polled, load
    );
    return true;
}

static void on_updated(void *argument, struct connection *connection, int status, bytes body) {
    struct load *load = argument;
    if (status != 200 && !(load->chained && status == 204)) {
        (void)fprintf(stderr, "bench: update: %d %.*s\n", status, BYTES_ARG(body));
        fail("an update is refused");
    }
    size_t worker = connection_index(connection) - worker_at(load, 0);
    struct work done = load->held[worker];
    if (!load->chained) {
        load->idle_workers[load->idle_worker_count++] = worker;
        step_done(load, &done);
        workers_kick(load);
        return;
    }
    step_done(load, &done);
    if (status == 200) {
        struct work next = work_of(load, body);
        update_send(load, worker, &next);
    } else {
        (void)poll_send(load, connection_index(connection), 1);
    }
}

// --- a run
// --------------------------------------------------------------------------------------------

static void load_reset(struct load *load, size_t count, int64_t run_ns) {
    load->count = count;
    load->end_ns = now_ns() + run_ns;
    load->started = 0;
    load->completed = 0;
    load->queue_count = 0;
    load->idle_starter_count = 0;
    load->idle_worker_count = 0;
    series_clear(&load->start_ns);
    series_clear(&load->flow_ns);
    for (size_t i = 0; i < load->connections; i++) {
        load->idle_starters[load->idle_starter_count++] = starter_at(i);
        load->idle_workers[load->idle_worker_count++] = i;
    }
}

static bool anything_busy(const struct load *load) {
    for (size_t i = 0; i < poller_at(load, POLLERS); i++) {
        if (connection_is_busy(client_connection(load->client, i))) {
            return true;
        }
    }
    return false;
}

// For who compares what is beside a run: the moment, on the clock that does not go back.
static void tick(struct load *load) {
    int64_t now = now_ns();
    if (load->ticks && now >= load->tick_ns) {
        load->tick_ns = now + TICK_NS;
        (void)fprintf(stderr, "tick %lld %zu\n", (long long)now, load->completed);
    }
}

// The connection on the side would be closed for its silence in a long run.
static void side_keep(struct load *load) {
    int64_t now = now_ns();
    if (now >= load->side_ns) {
        bytes body = BYTES_EMPTY;
        load->side_ns = now + SIDE_NS;
        (void)client_ask(
            load->client, client_connection(load->client, 0), "GET", "/health", BYTES_EMPTY, &body
        );
    }
}

static void load_go(struct load *load) {
    size_t pollers = load->chained ? load->connections : POLLERS;
    size_t first = load->chained ? worker_at(load, 0) : poller_at(load, 0);
    for (size_t i = 0; i < pollers; i++) {
        (void)poll_send(load, first + i, load->chained ? 1 : POLL_COUNT);
    }
    starters_kick(load);
    while (!is_over(load) || load->completed < load->started || anything_busy(load)) {
        client_turn(load->client, 1000);
        tick(load);
        side_keep(load);
    }
}

// Reads the states of a sample back.
static void sample_check(struct load *load) {
    size_t stride = load->completed / SAMPLE + 1;
    for (size_t i = 0; i < load->completed; i += stride) {
        char path[128];
        bytes body = BYTES_EMPTY;
        bytes status = BYTES_EMPTY;
        (void)snprintf(path, sizeof(path), "/api/workflow/%s/status", load->flows[i].id);
        int code = client_ask(
            load->client, client_connection(load->client, 0), "GET", path, BYTES_EMPTY, &body
        );
        if (code != 200 || !json_get_text(body, "status", &status) ||
            !bytes_equal_text(status, "\"COMPLETED\"")) {
            (void)fprintf(stderr, "bench: %s: %d %.*s\n", path, code, BYTES_ARG(body));
            fail("a completed workflow is not");
        }
    }
}

static void baseline_report(
    const struct load *load, const struct server *server, struct report *report, size_t answers
) {
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
    int64_t begun = now_ns();
    double cpu_us = baseline_http(server, load->client, 2 * load->connections, answers, &ns);
    report_add(
        report,
        "baseline: raw answers a second",
        "1/s",
        NULL,
        (double)answers * 1e9 / (double)(now_ns() - begun)
    );
    report_add(report, "baseline: server CPU of a raw answer", "us", NULL, cpu_us);
    series_deinit(&ns);
}

static void
run_report(struct load *load, const struct cost *cost, int64_t begun_ns, struct report *report) {
    double done = (double)load->completed;
    double seconds = (double)(load->last_ns - begun_ns) / 1e9;
    report_add(report, "workflows a second", "1/s", NULL, done / seconds);
    report_add(
        report,
        "server CPU of a workflow",
        "us",
        load->steps == 1 ? "150" : NULL,
        (double)cost->cpu_us / done
    );
    report_add(
        report, "server CPU, share of a core", "", NULL, (double)cost->cpu_us / 1e6 / seconds
    );
    report_add(
        report,
        "start, sent to answered, p50",
        "ms",
        NULL,
        (double)series_percentile(&load->start_ns, 50) / 1e6
    );
    report_add(
        report,
        "start, sent to answered, p99",
        "ms",
        NULL,
        (double)series_percentile(&load->start_ns, 99) / 1e6
    );
    report_add(
        report,
        "workflow, start sent to end answered, p50",
        "ms",
        NULL,
        (double)series_percentile(&load->flow_ns, 50) / 1e6
    );
    report_add(
        report,
        "workflow, start sent to end answered, p99",
        "ms",
        NULL,
        (double)series_percentile(&load->flow_ns, 99) / 1e6
    );
    report_add(report, "log entries of a workflow", "", NULL, (double)cost->entries / done);
    report_add(report, "syncs of a workflow", "", NULL, (double)cost->syncs / done);
    report_add(report, "log bytes of a workflow", "B", NULL, (double)cost->log_bytes / done);
    report_add(report, "row bytes checkpointed", "B", NULL, (double)cost->state_bytes / done);
    report_add(
        report,
        "device bytes of a workflow, whole machine",
        "B",
        load->steps == 1 ? "4000" : NULL,
        (double)cost->device_bytes / done
    );
}

static void
run(struct load *load,
    const struct server *server,
    size_t count,
    int64_t run_ns,
    struct report *report) {
    struct cost before = server_cost(server, load->client);
    int64_t begun = now_ns();
    load_reset(load, count, run_ns);
    load_go(load);
    struct cost after = server_cost(server, load->client);
    struct cost cost = cost_since(&after, &before);
    if (cost.updates != load->completed * (size_t)load->steps) {
        fail("the server counts other updates than were answered");
    }
    sample_check(load);
    if (report != NULL) {
        run_report(load, &cost, begun, report);
    }
}

static void *array(size_t count, size_t size) {
    void *items = calloc(count, size);
    check(items != NULL);
    return items;
}

static void load_free(struct load *load) {
    client_close(&load->client);
    free(load->flows);
    free(load->idle_starters);
    free(load->idle_workers);
    free(load->queue);
    free(load->held);
    series_deinit(&load->start_ns);
    series_deinit(&load->flow_ns);
}

static void load_run(
    const struct bench *bench, const char *title, int steps, bool chained, size_t usual_count
) {
    size_t count = bench->count == 0 ? usual_count : bench->count;
    struct server server = bench_server(bench, title);
    struct load load = {
        .name = steps == 1 ? "bench_one" : "bench_ten",
        .steps = steps,
        .chained = chained,
        .connections = bench->connections,
        .in_flight_max = bench->in_flight,
        .ticks = bench->ticks,
        .flows = array(count + WARM_UP, sizeof(struct flow)),
        .idle_starters = array(bench->connections, sizeof(size_t)),
        .idle_workers = array(bench->connections, sizeof(size_t)),
        .queue = array(bench->in_flight, sizeof(struct work)),
        .held = array(bench->connections, sizeof(struct work)),
    };
    load.client = client_open_spread(server.ports, server.nodes, poller_at(&load, POLLERS));
    bench_register(load.client, load.name, steps);
    run(&load, &server, count < WARM_UP ? count : WARM_UP, bench->run_ns, NULL);
    struct report report = {0};
    for (size_t i = 0; i < bench->runs; i++) {
        baseline_report(
            &load, &server, &report, count < BASELINE_ANSWERS ? count : BASELINE_ANSWERS
        );
        run(&load, &server, count, bench->run_ns, &report);
    }
    report_print(&report, title);
    load_free(&load);
    server_kill(&server);
}

void workload_one(const struct bench *bench) {
    load_run(bench, "one", 1, false, 20000);
}

void workload_one_v2(const struct bench *bench) {
    load_run(bench, "one-v2", 1, true, 20000);
}

void workload_ten(const struct bench *bench) {
    load_run(bench, "ten", 10, false, 3000);
}
