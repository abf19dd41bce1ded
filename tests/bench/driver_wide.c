// How long others are held up by the start, a read, the end, the retry, the restart and the rerun
// of an execution of 10 000 open tasks: the longest that the start of a small workflow took beside
// each, sent one after the other on a connection of its own. Each must end with as many tasks in
// their queue as it should, as a client sees them.
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/bench/driver.h"

#include <stdio.h>

enum {
    BRANCHES_USUAL = 10000,
    ANSWER_MAX = 64,
    ALONE = 200, // starts with nothing beside them
    BASELINE_SYNCS = 200,
};

static const char wide[] =
    "{\"name\":\"bench_wide\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":"
    "\"bench@example.com\",\"timeoutSeconds\":0,\"tasks\":[{\"name\":\"f\",\"taskReferenceName\":"
    "\"f\",\"type\":\"FORK_JOIN_DYNAMIC\",\"inputParameters\":{\"forkTaskName\":\"bench_one\","
    "\"forkTaskInputs\":\"${workflow.input.list}\"}},{\"name\":\"j\",\"taskReferenceName\":\"j\","
    "\"type\":\"JOIN\"}]}";
static const char small[] =
    "{\"name\":\"bench_small\",\"version\":1,\"schemaVersion\":2,\"ownerEmail\":"
    "\"bench@example.com\",\"timeoutSeconds\":0,\"tasks\":[{\"name\":\"v\",\"taskReferenceName\":"
    "\"v\",\"type\":\"SET_VARIABLE\",\"inputParameters\":{\"a\":1}}]}";

// The starts that go on beside.
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

static void await_queued(struct client *client, int64_t count) {
    int64_t size = -1;
    while (size != count) {
        bytes path = BYTES_LITERAL("/api/tasks/queue/size?taskType=bench_one");
        if (!json_i64(ask(client, "GET", (const char *)path.data, BYTES_EMPTY), &size)) {
            fail("a queue without a size");
        }
    }
}

static void add_longest(struct report *report, const char *name, struct beside *beside) {
    report_add(report, name, "ms", NULL, (double)series_percentile(&beside->ns, 100) / 1e6);
    series_deinit(&beside->ns);
}

// One request about the wide execution, until its queue has `count` tasks, beside starts.
static void measure(
    struct report *report,
    struct client *client,
    const char *name,
    const char *method,
    const char *path,
    bytes body,
    int64_t count,
    char *out_answer
) {
    struct beside beside = {0};
    beside_send(&beside, client_connection(client, 1));
    bytes answer = ask(client, method, path, body);
    (void)snprintf(out_answer, ANSWER_MAX, "%.*s", BYTES_ARG(answer));
    await_queued(client, count);
    beside.over = true;
    while (connection_is_busy(client_connection(client, 1))) {
        client_turn(client, 1000);
    }
    add_longest(report, name, &beside);
}

static void measure_alone(struct report *report, struct client *client) {
    struct beside beside = {0};
    beside_send(&beside, client_connection(client, 1));
    while (beside.ns.count < ALONE) {
        client_turn(client, 1000);
    }
    beside.over = true;
    while (connection_is_busy(client_connection(client, 1))) {
        client_turn(client, 1000);
    }
    add_longest(report, "a small start beside nothing, longest", &beside);
}

// A request for a rerun from the execution's first task, the fork, whose branches all go.
static bytes rerun_request(struct client *client, const char *id, char *text, size_t size) {
    char path[128];
    bytes results = BYTES_EMPTY;
    bytes task = BYTES_EMPTY;
    bytes task_id = BYTES_EMPTY;
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/tasks?start=0&count=1", id);
    bytes answer = ask(client, "GET", path, BYTES_EMPTY);
    struct json_iter iter = {0};
    if (!json_get_text(answer, "results", &results)) {
        fail("a list of tasks without results");
    }
    iter = json_iter(results);
    if (!json_next_element(&iter, &task) || !json_get_text(task, "taskId", &task_id)) {
        fail("an execution without tasks");
    }
    int written = snprintf(text, size, "{\"reRunFromTaskId\":%.*s}", BYTES_ARG(task_id));
    return bytes_of(text, (size_t)written);
}

static void run_once(struct report *report, struct client *client, bytes input, int64_t branches) {
    char id[ANSWER_MAX];
    char answer[ANSWER_MAX];
    char path[128];
    char request[128];
    measure_alone(report, client);
    const char *start = "/api/workflow/bench_wide";
    measure(report, client, "beside a start", "POST", start, input, branches, id);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", id);
    measure(report, client, "beside a read", "GET", path, BYTES_EMPTY, branches, answer);
    measure(report, client, "beside a terminate", "DELETE", path, BYTES_EMPTY, 0, answer);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/retry", id);
    measure(report, client, "beside a retry", "POST", path, BYTES_EMPTY, branches, answer);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", id);
    (void)ask(client, "DELETE", path, BYTES_EMPTY);
    await_queued(client, 0);
    bytes body = rerun_request(client, id, request, sizeof(request));
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/rerun", id);
    measure(report, client, "beside a rerun", "POST", path, body, branches, answer);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s", id);
    (void)ask(client, "DELETE", path, BYTES_EMPTY);
    await_queued(client, 0);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/restart", id);
    measure(report, client, "beside a restart", "POST", path, BYTES_EMPTY, branches, answer);
    (void)snprintf(path, sizeof(path), "/api/workflow/%s/remove?archiveWorkflow=false", id);
    measure(report, client, "beside a removal", "DELETE", path, BYTES_EMPTY, 0, answer);
}

void workload_wide(const struct bench *bench) {
    struct server server = bench_server(bench, "wide");
    struct client *client = client_open(server.port, 2);
    struct report report = {0};
    struct buffer input;
    buffer_init(&input, 1024 * 1024);
    size_t branches = bench->count == 0 ? BRANCHES_USUAL : bench->count;
    for (size_t i = 0; i < branches; i++) {
        buffer_format(&input, "%s{\"k\":%zu}", i == 0 ? "{\"list\":[" : ",", i);
    }
    buffer_append_text(&input, "]}");
    check(!err_is(buffer_status(&input)));
    bench_register(client, "bench_one", 1);
    bench_define(client, wide);
    bench_define(client, small);
    for (size_t run = 0; run < bench->runs; run++) {
        struct series ns = {0};
        baseline_sync(&server, BASELINE_SYNCS, &ns);
        report_add(
            &report,
            "baseline: write 4 KiB + sync, longest",
            "ms",
            NULL,
            (double)series_percentile(&ns, 100) / 1e6
        );
        series_deinit(&ns);
        run_once(&report, client, buffer_bytes(&input), (int64_t)branches);
    }
    report_print(&report, "wide: others beside an execution of 10 000 open tasks, or --count");
    buffer_deinit(&input);
    client_close(&client);
    server_kill(&server);
}
