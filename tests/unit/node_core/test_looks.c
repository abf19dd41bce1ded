// node/core: what spans executions is found wherever they are, also where the asking node has no
// copy: each group of this cluster is on one node only.
#include "node/core/look.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

enum {
    TRIES = 12 // children lie in random partitions: some are led elsewhere
};

static const char *const CHILD =
    "{\"name\":\"c\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"},"
    "{\"name\":\"t\",\"taskReferenceName\":\"t\",\"type\":\"WAIT\"}]}";
static const char *const MIDDLE =
    "{\"name\":\"m\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
    "\"SUB_WORKFLOW\",\"subWorkflowParam\":{\"name\":\"c\",\"version\":1}}]}";
static const char *const PARENT =
    "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\",\"taskReferenceName\":\"s\",\"type\":"
    "\"SUB_WORKFLOW\",\"subWorkflowParam\":{\"name\":\"m\",\"version\":1}}]}";

static void define(struct cluster *cluster) {
    const char *task = "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":60}]";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", task), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", CHILD), 200);
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/workflow", MIDDLE), 200);
    assert_int_equal(cluster_ask(cluster, 2, "POST", "/api/metadata/workflow", PARENT), 200);
}

// The text of the first member of that name in the newest answer.
static const char *member(const struct cluster *cluster, const char *name) {
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", name);
    const char *at = strstr(cluster->body, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    return arena_format(cluster->arena, "%.*s", (int)strcspn(at, "\""), at);
}

static const char *start(struct cluster *cluster, int at) {
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/workflow", "{\"name\":\"p\"}"), 200);
    return arena_format(cluster->arena, "%s", cluster->body);
}

static void expect_status(struct cluster *cluster, int at, const char *id, const char *status) {
    const char *target = arena_format(cluster->arena, "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
    assert_string_equal(member(cluster, "status"), status);
}

// Polls the task of a child. Returns its id; `*out_body` ends it.
static const char *
poll_task(struct cluster *cluster, int at, const char *status, const char **out_body) {
    const char *poll = "/api/tasks/poll/batch/a?timeout=3000&workerid=x";
    assert_int_equal(cluster_ask(cluster, at, "GET", poll, ""), 200);
    const char *task = member(cluster, "taskId");
    *out_body = arena_format(
        cluster->arena,
        "{\"taskId\":\"%s\",\"workflowInstanceId\":\"%s\",\"status\":\"%s\"}",
        task,
        member(cluster, "workflowInstanceId"),
        status
    );
    return task;
}

static const char *end_task(struct cluster *cluster, int at, const char *status) {
    const char *body = NULL;
    const char *task = poll_task(cluster, at, status, &body);
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/tasks", body), 200);
    return task;
}

static void a_signal_finds_the_wait_far_below(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int i = 0; i < TRIES; i++) {
        const char *id = start(cluster, i % CLUSTER_NODES);
        (void)end_task(cluster, (i + 1) % CLUSTER_NODES, "COMPLETED");
        const char *signal = arena_format(cluster->arena, "/api/tasks/%s/COMPLETED/signal", id);
        assert_int_equal(cluster_ask(cluster, (i + 2) % CLUSTER_NODES, "POST", signal, "{}"), 200);
        cluster_run(cluster, 500);
        expect_status(cluster, i % CLUSTER_NODES, id, "COMPLETED");
    }
}

static void a_signal_that_finds_nothing_says_so(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    const char *id = start(cluster, 0);
    cluster_run(cluster, 500);
    const char *signal =
        arena_format(cluster->arena, "/api/tasks/%s/COMPLETED/signal/sync?timeoutMillis=100", id);
    assert_int_equal(cluster_ask(cluster, 1, "POST", signal, "{}"), 404);
    assert_non_null(strstr(cluster->body, "Found no blocked task in workflow"));
}

// It waits at the node that leads the parent; what happens, happens in the grandchild.
static void an_execute_call_hears_of_a_grandchild(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int i = 0; i < TRIES; i++) {
        uint64_t request = cluster_send(
            cluster,
            i % CLUSTER_NODES,
            "POST",
            "/api/workflow/execute/p/1?returnStrategy=BLOCKING_TASK&waitForSeconds=20",
            "{}"
        );
        cluster_run(cluster, 3000);
        const char *body = NULL;
        (void)poll_task(cluster, (i + 1) % CLUSTER_NODES, "COMPLETED", &body);
        (void)cluster_send(cluster, (i + 1) % CLUSTER_NODES, "POST", "/api/tasks", body);
        cluster->wanted = request;
        assert_int_equal(cluster_wait(cluster, request, 100), 200);
        assert_string_equal(member(cluster, "referenceTaskName"), "t");
        assert_string_equal(member(cluster, "targetWorkflowStatus"), "RUNNING");
    }
}

static void its_time_is_over_although_others_hold_the_children(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int i = 0; i < 3; i++) {
        const char *target = "/api/workflow/execute/p/1?waitForSeconds=2";
        mono_time before = cluster->mono;
        uint64_t request = cluster_send(cluster, i, "POST", target, "{}");
        assert_int_equal(cluster_wait(cluster, request, 2500), 200);
        assert_in_range((cluster->mono.ns - before.ns) / 1000000, 1990, 2100);
        assert_non_null(strstr(cluster->body, "\"signalTimeout\":true"));
    }
}

static void a_retry_goes_down_to_the_failed_task(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int i = 0; i < TRIES; i++) {
        const char *id = start(cluster, i % CLUSTER_NODES);
        (void)end_task(cluster, i % CLUSTER_NODES, "FAILED");
        cluster_run(cluster, 500);
        expect_status(cluster, (i + 1) % CLUSTER_NODES, id, "FAILED");
        const char *retry =
            arena_format(cluster->arena, "/api/workflow/%s/retry?resumeSubworkflowTasks=true", id);
        assert_int_equal(cluster_ask(cluster, (i + 2) % CLUSTER_NODES, "POST", retry, ""), 204);
        (void)end_task(cluster, i % CLUSTER_NODES, "COMPLETED");
        expect_status(cluster, i % CLUSTER_NODES, id, "RUNNING");
    }
}

static void a_rerun_finds_the_child_that_has_the_task(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int i = 0; i < TRIES; i++) {
        const char *id = start(cluster, i % CLUSTER_NODES);
        const char *task = end_task(cluster, i % CLUSTER_NODES, "FAILED");
        cluster_run(cluster, 500);
        const char *rerun = arena_format(cluster->arena, "/api/workflow/%s/rerun", id);
        const char *body = arena_format(cluster->arena, "{\"reRunFromTaskId\":\"%s\"}", task);
        assert_int_equal(cluster_ask(cluster, (i + 1) % CLUSTER_NODES, "POST", rerun, body), 200);
        assert_string_equal(cluster->body, id);
        (void)end_task(cluster, i % CLUSTER_NODES, "COMPLETED");
        expect_status(cluster, i % CLUSTER_NODES, id, "RUNNING");
        const char *other = start(cluster, 0);
        rerun = arena_format(cluster->arena, "/api/workflow/%s/rerun", other);
        assert_int_equal(cluster_ask(cluster, 0, "POST", rerun, body), 409);
        (void)end_task(cluster, 0, "COMPLETED");
    }
}

// Whoever holds the child is cut off: the call waits, and is answered in words in the end.
static void nobody_to_ask_is_said_in_words(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    int refused = 0;
    for (int i = 0; i < TRIES; i++) {
        const char *id = start(cluster, 0);
        cluster_run(cluster, 500);
        cluster_cut(cluster, 2, true);
        const char *signal = arena_format(cluster->arena, "/api/tasks/%s/COMPLETED/signal", id);
        uint64_t request = cluster_send(cluster, 0, "POST", signal, "{}");
        uint16_t status = cluster_wait(cluster, request, 6000);
        assert_true(status == 200 || status == 503);
        refused += status == 503;
        cluster_cut(cluster, 2, false);
        cluster_run(cluster, 2000);
    }
    assert_in_range(refused, 1, TRIES - 1);
}

static err read_answer(struct cluster *cluster, struct look_answer answer) {
    struct buffer encoded;
    struct look_answer read;
    buffer_init(&encoded, 4096);
    wire_encode(&look_answer_record, &answer, &encoded);
    bytes in = arena_copy(cluster->arena, buffer_bytes(&encoded));
    buffer_deinit(&encoded);
    return look_answer_read(in, cluster->arena, &read);
}

// Another node's release may be broken: nothing it says is believed unseen.
static void an_answer_that_makes_no_sense_is_refused(void **state) {
    struct cluster *cluster = *state;
    bytes steps[] = {BYTES_LITERAL("one"), BYTES_LITERAL("two")};
    uint32_t kinds[] = {0, 1};
    struct look_answer answer = {.steps = {steps, 2}, .step_is_child = {kinds, 2}};
    assert_ok(read_answer(cluster, answer));
    answer.step_is_child.count = 1; // a kind is missing
    assert_err(read_answer(cluster, answer), ERR_CORRUPT);
    static const uint8_t private[] = {ERR_SUSPENDED, ERR_LATER, ERR_END, ERR_CODE_COUNT, 255};
    for (size_t i = 0; i < sizeof(private); i++) {
        struct look_answer odd = {.error = private[i], .error_text = BYTES_LITERAL("odd")};
        assert_err(read_answer(cluster, odd), ERR_CORRUPT);
    }
    struct look_answer gone = {.error = ERR_NOT_FOUND, .error_text = BYTES_LITERAL("gone")};
    err error = read_answer(cluster, gone);
    assert_int_equal(error.code, ERR_NOT_FOUND);
    assert_string_equal(error.text, "gone");
    struct look_answer nothing;
    assert_err(look_answer_read(BYTES_LITERAL("no"), cluster->arena, &nothing), ERR_CORRUPT);
}

#define WITH_CLUSTER(test) \
    cmocka_unit_test_setup_teardown(test, cluster_setup_single_copies, cluster_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_CLUSTER(a_signal_finds_the_wait_far_below),
        WITH_CLUSTER(a_signal_that_finds_nothing_says_so),
        WITH_CLUSTER(an_execute_call_hears_of_a_grandchild),
        WITH_CLUSTER(its_time_is_over_although_others_hold_the_children),
        WITH_CLUSTER(a_retry_goes_down_to_the_failed_task),
        WITH_CLUSTER(a_rerun_finds_the_child_that_has_the_task),
        WITH_CLUSTER(an_answer_that_makes_no_sense_is_refused),
        WITH_CLUSTER(nobody_to_ask_is_said_in_words),
    };
    return cmocka_run_group_tests_name("node/core/looks", tests, NULL, NULL);
}
