// node/core: three nodes are one server. Whatever node is asked, the answer is the same.
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

static const char *const TASK = "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":5}]";
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
static const char *const PARENT = "{\"name\":\"p\",\"tasks\":[{\"name\":\"s\","
                                  "\"taskReferenceName\":\"s\",\"type\":\"SUB_WORKFLOW\","
                                  "\"subWorkflowParam\":{\"name\":\"w\",\"version\":1}}]}";
static const char *const SCRIPTED =
    "{\"name\":\"i\",\"tasks\":[{\"name\":\"i\",\"taskReferenceName\":\"i\",\"type\":\"INLINE\","
    "\"inputParameters\":{\"expression\":\"1\"}},{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";

static void define(struct cluster *cluster) {
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/workflow", WORKFLOW), 200);
}

static void start(struct cluster *cluster, int at, const char *name, char *out_id) {
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/workflow", body), 200);
    assert_int_equal(strlen(cluster->body), ID_TEXT_BYTES);
    memcpy(out_id, cluster->body, ID_TEXT_BYTES + 1);
}

// The text of the first member of that name in the newest answer.
static void member(const struct cluster *cluster, const char *name, char *out, size_t size) {
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\"%s\":\"", name);
    const char *at = strstr(cluster->body, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    size_t length = strcspn(at, "\"");
    assert_true(length < size);
    memcpy(out, at, length);
    out[length] = 0;
}

static void complete(struct cluster *cluster, int at) {
    char task[64];
    char workflow[64];
    char body[256];
    member(cluster, "taskId", task, sizeof(task));
    member(cluster, "workflowInstanceId", workflow, sizeof(workflow));
    (void)snprintf(
        body,
        sizeof(body),
        "{\"taskId\":\"%s\",\"workflowInstanceId\":\"%s\",\"status\":\"COMPLETED\"}",
        task,
        workflow
    );
    assert_int_equal(cluster_ask(cluster, at, "POST", "/api/tasks", body), 200);
}

static void expect_status(struct cluster *cluster, int at, const char *id, const char *status) {
    char target[128];
    char shown[32];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
    member(cluster, "status", shown, sizeof(shown));
    assert_string_equal(shown, status);
}

static void any_node_answers_any_request(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        char id[ID_TEXT_BYTES + 1];
        start(cluster, at, "w", id);
        int other = (at + 1) % CLUSTER_NODES;
        int third = (at + 2) % CLUSTER_NODES;
        expect_status(cluster, other, id, "RUNNING");
        assert_int_equal(
            cluster_ask(
                cluster, other, "GET", "/api/tasks/poll/batch/a?timeout=1000&workerid=x", ""
            ),
            200
        );
        complete(cluster, third);
        expect_status(cluster, at, id, "COMPLETED");
        expect_status(cluster, other, id, "COMPLETED");
    }
}

static void a_parked_poll_gets_a_task_made_at_another_node(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    uint64_t poll =
        cluster_send(cluster, 2, "GET", "/api/tasks/poll/batch/a?timeout=5000&workerid=x", "");
    cluster_run(cluster, 500);
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 0, "w", id);
    cluster->wanted = poll;
    assert_int_equal(cluster_wait(cluster, poll, 20), 200);
    assert_non_null(strstr(cluster->body, id));
}

static void a_child_runs_wherever_its_partition_is(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    assert_int_equal(cluster_ask(cluster, 2, "POST", "/api/metadata/workflow", PARENT), 200);
    char ids[6][ID_TEXT_BYTES + 1];
    for (int i = 0; i < 6; i++) {
        start(cluster, i % CLUSTER_NODES, "p", ids[i]);
    }
    for (int i = 0; i < 6; i++) {
        const char *poll = "/api/tasks/poll/batch/a?timeout=2000&workerid=x";
        assert_int_equal(cluster_ask(cluster, i % CLUSTER_NODES, "GET", poll, ""), 200);
        complete(cluster, (i + 1) % CLUSTER_NODES);
    }
    cluster_run(cluster, 1000);
    for (int i = 0; i < 6; i++) {
        expect_status(cluster, i % CLUSTER_NODES, ids[i], "COMPLETED");
    }
}

static void lists_are_put_together_from_all_nodes(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    char bulk[1024] = "[";
    for (int i = 0; i < 6; i++) {
        char id[ID_TEXT_BYTES + 1];
        start(cluster, i % CLUSTER_NODES, "w", id);
        size_t used = strlen(bulk);
        (void)snprintf(bulk + used, sizeof(bulk) - used, "%s\"%s\"", i == 0 ? "" : ",", id);
    }
    (void)strncat(bulk, "]", sizeof(bulk) - strlen(bulk) - 1);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        assert_int_equal(cluster_ask(cluster, at, "GET", "/api/tasks/queue/all", ""), 200);
        assert_non_null(strstr(cluster->body, "\"a\":6"));
        assert_int_equal(cluster_ask(cluster, at, "GET", "/api/workflow/running/w", ""), 200);
        assert_int_equal(json_count(bytes_from_text(cluster->body)), 6);
    }
    assert_int_equal(cluster_ask(cluster, 1, "PUT", "/api/workflow/bulk/pause", bulk), 200);
    bytes done = BYTES_EMPTY;
    assert_true(json_get_text(bytes_from_text(cluster->body), "bulkSuccessfulResults", &done));
    assert_int_equal(json_count(done), 6);
}

static void a_node_dies_and_nothing_stops(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    char ids[CLUSTER_NODES][ID_TEXT_BYTES + 1];
    for (int at = 0; at < CLUSTER_NODES; at++) {
        start(cluster, at, "w", ids[at]);
    }
    for (int victim = 0; victim < CLUSTER_NODES; victim++) {
        int other = (victim + 1) % CLUSTER_NODES;
        cluster_kill(cluster, victim);
        expect_status(cluster, other, ids[victim], "RUNNING");
        char id[ID_TEXT_BYTES + 1];
        start(cluster, other, "w", id);
        cluster_start(cluster, victim);
        expect_status(cluster, victim, id, "RUNNING");
        cluster_run(cluster, 2000);
    }
}

static void a_node_that_is_cut_off_answers_503_and_comes_back(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 0, "w", id);
    cluster_cut(cluster, 0, true);
    cluster_run(cluster, 3000);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow", "{\"name\":\"w\"}"), 503);
    assert_non_null(strstr(cluster->body, "\"retryable\":true"));
    expect_status(cluster, 1, id, "RUNNING");
    cluster_cut(cluster, 0, false);
    expect_status(cluster, 0, id, "RUNNING");
}

// Two of three partitions did it; nobody leads the third.
static void a_bulk_request_that_was_done_in_part_is_not_called_undone(void **state) {
    struct cluster *cluster = *state;
    char ids[CLUSTER_NODES][ID_TEXT_BYTES + 1];
    char body[256];
    define(cluster);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        start(cluster, at, "w", ids[at]); // in a partition that this node leads
    }
    cluster_kill(cluster, 2);
    (void)snprintf(body, sizeof(body), "[\"%s\",\"%s\"]", ids[0], ids[2]);
    assert_int_equal(cluster_ask(cluster, 0, "PUT", "/api/workflow/bulk/pause", body), 503);
    assert_null(strstr(cluster->body, "nothing was done"));
    assert_non_null(strstr(cluster->body, "look at them before asking again"));
    expect_status(cluster, 0, ids[0], "PAUSED");
    (void)snprintf(body, sizeof(body), "[\"%s\"]", ids[2]);
    assert_int_equal(cluster_ask(cluster, 0, "PUT", "/api/workflow/bulk/pause", body), 503);
    assert_null(strstr(cluster->body, "look at them before asking again"));
}

static void a_stale_read_is_answered_without_a_majority(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 0, "w", id);
    cluster_run(cluster, 1000);
    cluster_cut(cluster, 1, true);
    cluster_run(cluster, 3000);
    char target[128];
    char shown[32];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s?consistency=stale", id);
    assert_int_equal(cluster_ask(cluster, 1, "GET", target, ""), 200);
    member(cluster, "status", shown, sizeof(shown));
    assert_string_equal(shown, "RUNNING");
    assert_true(cluster->stale);
}

static void a_definition_is_known_everywhere_once_it_is_answered(void **state) {
    struct cluster *cluster = *state;
    for (int at = 0; at < CLUSTER_NODES; at++) {
        char body[128];
        char id[ID_TEXT_BYTES + 1];
        char name[16];
        (void)snprintf(name, sizeof(name), "w%d", at);
        (void)snprintf(
            body,
            sizeof(body),
            "{\"name\":\"%s\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}",
            name
        );
        assert_int_equal(cluster_ask(cluster, at, "POST", "/api/metadata/workflow", body), 200);
        for (int other = 0; other < CLUSTER_NODES; other++) {
            start(cluster, other, name, id);
        }
    }
}

static void a_change_waits_for_a_node_that_is_away_no_longer_than_its_lease(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    cluster_cut(cluster, 2, true);
    const char *body = "{\"name\":\"x\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
    mono_time before = cluster->mono;
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/workflow", body), 200);
    int64_t waited_ms = (cluster->mono.ns - before.ns) / 1000000;
    assert_in_range(waited_ms, 1000, 4000); // an election may have come first
    before = cluster->mono;
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_true(cluster->mono.ns - before.ns < 1000000000); // its lease is over by now
    cluster_cut(cluster, 2, false);
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 2, "x", id);
}

// distributed.md §10: a group whose majority is connected makes progress, whatever the system group
// does; who relies on definitions that may be old is told.
static void a_start_by_definitions_that_may_be_old_says_so(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 2, "w", id);
    assert_false(cluster->old_definitions);
    cluster_cut(cluster, 2, true);
    cluster_run(cluster, 8000);
    start(cluster, 2, "w", id);
    assert_true(cluster->old_definitions);
    cluster->old_definitions = false;
    assert_int_equal(cluster_ask(cluster, 2, "POST", "/api/workflow/nowhere", "{}"), 404);
    assert_true(cluster->old_definitions);
    cluster_cut(cluster, 2, false);
    cluster_run(cluster, 3000);
    start(cluster, 0, "w", id);
    start(cluster, 2, "w", id);
    assert_false(cluster->old_definitions);
}

// Found by simulation: a node learns who leads from its own copy, and there are nodes without one.
static void a_node_without_a_copy_knows_whom_to_ask(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        char id[ID_TEXT_BYTES + 1];
        start(cluster, at, "w", id);
        for (int other = 0; other < CLUSTER_NODES; other++) {
            expect_status(cluster, other, id, "RUNNING");
        }
    }
    char id[ID_TEXT_BYTES + 1];
    start(cluster, 0, "w", id);
    cluster_kill(cluster, 2);
    cluster_start(cluster, 2);
    expect_status(cluster, 2, id, "RUNNING");
}

// Found by simulation: the entry was made before leadership ended, and the next leader had it.
static void a_start_that_may_have_been_done_is_not_called_undone(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    cluster_cut(cluster, 0, true);
    uint64_t request = cluster_send(cluster, 0, "POST", "/api/workflow", "{\"name\":\"w\"}");
    assert_int_equal(cluster_wait(cluster, request, 10000), 503);
    assert_non_null(strstr(cluster->body, "may or may not have been done"));
    cluster_run(cluster, 1000);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow", "{\"name\":\"w\"}"), 503);
    assert_non_null(strstr(cluster->body, "nothing was done"));
}

// Found by simulation: the first try waits for its script where the second is refused.
static void a_start_whose_second_try_is_refused_may_have_been_done(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/workflow", SCRIPTED), 200);
    cluster_disk(cluster, 0, 950); // a start goes to a node that has room
    cluster_run(cluster, 2000);
    uint64_t request = cluster_send(cluster, 0, "POST", "/api/workflow", "{\"name\":\"i\"}");
    cluster_run(cluster, 20);
    assert_int_equal(cluster->scripts, 1);
    int leader = cluster->script_at;
    assert_true(leader != 0);
    uint64_t first = cluster->script_job;
    cluster_cut(cluster, 0, true);
    cluster_run(cluster, 20);
    cluster_cut(cluster, 0, false);
    cluster_run(cluster, 500);
    assert_int_equal(cluster->script_at, leader);
    assert_true(cluster->script_job != first);
    cluster_evaluated(cluster, leader, cluster->script_job, NULL);
    assert_int_equal(cluster_wait(cluster, request, 10000), 503);
    assert_non_null(strstr(cluster->body, "may or may not have been done"));
    cluster_evaluated(cluster, leader, first, "1");
    cluster_run(cluster, 100);
    assert_int_equal(cluster_ask(cluster, 0, "GET", "/api/workflow/running/i", ""), 200);
    assert_int_equal(strlen(cluster->body), ID_TEXT_BYTES + strlen("[\"\"]"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            any_node_answers_any_request, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_parked_poll_gets_a_task_made_at_another_node, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_child_runs_wherever_its_partition_is, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            lists_are_put_together_from_all_nodes, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_dies_and_nothing_stops, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_is_cut_off_answers_503_and_comes_back, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_bulk_request_that_was_done_in_part_is_not_called_undone,
            cluster_setup_single_copies,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_stale_read_is_answered_without_a_majority, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_definition_is_known_everywhere_once_it_is_answered, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_change_waits_for_a_node_that_is_away_no_longer_than_its_lease,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_without_a_copy_knows_whom_to_ask, cluster_setup_single_copies, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_start_by_definitions_that_may_be_old_says_so,
            cluster_setup_single_copies,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_start_that_may_have_been_done_is_not_called_undone, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_start_whose_second_try_is_refused_may_have_been_done, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
