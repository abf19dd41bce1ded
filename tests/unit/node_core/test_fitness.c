// node/core/fitness: what a full disk refuses and what it lets through, who leads meanwhile, and
// that all of it ends by itself.
#include "node/core/fitness.h"
#include "node/raft/raft.h"
#include "proto/limits.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

static const char *const TASK =
    "[{\"name\":\"a\",\"retryCount\":0,\"responseTimeoutSeconds\":500}]";
static const char *const WORKFLOW =
    "{\"name\":\"w\",\"tasks\":[{\"name\":\"a\",\"taskReferenceName\":\"a\"}]}";
static const char *const START = "{\"name\":\"w\"}";

static void define(struct cluster *cluster) {
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/taskdefs", TASK), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", WORKFLOW), 200);
}

static uint16_t start(struct cluster *cluster, int at) {
    return cluster_ask(cluster, at, "POST", "/api/workflow", START);
}

static uint64_t led(const struct cluster *cluster, int at) {
    return node_stats(cluster->nodes[at].node).groups_led;
}

static void fill_all(struct cluster *cluster, uint32_t permille) {
    for (int at = 0; at < CLUSTER_NODES; at++) {
        cluster_disk(cluster, at, permille);
    }
    cluster_run(cluster, 100);
}

// --- judging -------------------------------------------------------------------------------------

static void the_ballast_counts_as_used_whether_it_is_there_or_not(void **state) {
    (void)state;
    struct disk_measure held = {
        .used_bytes = 96000, .free_bytes = 4000, .ballast_bytes = 3000, .ballast_held = true};
    struct disk_measure given_up = {
        .used_bytes = 93000, .free_bytes = 7000, .ballast_bytes = 3000, .ballast_held = false};
    assert_int_equal(disk_used_permille(&held), disk_used_permille(&given_up));
    struct disk_measure beyond = {.used_bytes = 99, .free_bytes = 1, .ballast_bytes = 50};
    assert_int_equal(disk_used_permille(&beyond), 1000);
    struct disk_measure nothing = {0};
    assert_int_equal(disk_used_permille(&nothing), 1000);
}

static void a_level_is_left_below_where_it_is_entered(void **state) {
    (void)state;
    assert_int_equal(room_judge(ROOM_ENOUGH, 849), ROOM_ENOUGH);
    assert_int_equal(room_judge(ROOM_ENOUGH, 850), ROOM_SOFT);
    assert_int_equal(room_judge(ROOM_SOFT, 831), ROOM_SOFT);
    assert_int_equal(room_judge(ROOM_SOFT, 829), ROOM_ENOUGH);
    assert_int_equal(room_judge(ROOM_ENOUGH, 960), ROOM_HARD);
    assert_int_equal(room_judge(ROOM_HARD, 931), ROOM_HARD);
    assert_int_equal(room_judge(ROOM_HARD, 929), ROOM_SOFT);
    assert_int_equal(room_judge(ROOM_HARD, 100), ROOM_ENOUGH);
}

// --- refusing ------------------------------------------------------------------------------------

static void full_disks_everywhere_refuse_starts_in_words(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    fill_all(cluster, 870);
    assert_int_equal(start(cluster, 0), 503);
    assert_non_null(strstr(cluster->body, "87.0% full"));
    assert_non_null(strstr(cluster->body, "no new executions are started"));
    assert_non_null(strstr(cluster->body, "\"retryable\":true"));
    // Nothing else is refused yet.
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/workflow", WORKFLOW), 409);
    fill_all(cluster, 500);
    assert_int_equal(start(cluster, 0), 200);
}

static void the_hard_limit_lets_through_what_finishes_and_what_deletes(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    char target[128];
    char body[256];
    define(cluster);
    assert_int_equal(start(cluster, 0), 200);
    memcpy(id, cluster->body, sizeof(id));
    fill_all(cluster, 970);
    assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/metadata/taskdefs", TASK), 503);
    (void)snprintf(target, sizeof(target), "/api/workflow/%s/restart", id);
    assert_int_equal(cluster_ask(cluster, 1, "POST", target, ""), 503);
    assert_int_equal(cluster_ask(cluster, 2, "GET", "/api/tasks/poll/a?workerid=x", ""), 200);
    const char *task = strstr(cluster->body, "\"taskId\":\"");
    assert_non_null(task);
    (void)snprintf(
        body,
        sizeof(body),
        "{\"taskId\":\"%.36s\",\"workflowInstanceId\":\"%s\",\"status\":\"COMPLETED\"}",
        task + strlen("\"taskId\":\""),
        id
    );
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/tasks", body), 200);
    (void)snprintf(target, sizeof(target), "/api/workflow/%s", id);
    assert_int_equal(cluster_ask(cluster, 1, "GET", target, ""), 200);
    assert_non_null(strstr(cluster->body, "\"status\":\"COMPLETED\""));
    (void)snprintf(target, sizeof(target), "/api/workflow/%s/remove", id);
    assert_int_equal(cluster_ask(cluster, 1, "DELETE", target, ""), 200);
    assert_int_equal(start(cluster, 1), 503);
}

// --- slow logs -----------------------------------------------------------------------------------

// Elections, new lists and transfers are no stall of the core thread.
static void nobody_is_slow_on_a_quiet_day(void **state) {
    struct cluster *cluster = *state;
    cluster_disk(cluster, 1, 980);
    cluster_run(cluster, 3000);
    cluster_disk(cluster, 1, 500);
    cluster_run(cluster, LIMIT_FITNESS_WELL_MS + 5000);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        assert_int_equal(raft_stats(node_raft(cluster->nodes[at].node)).offers, 0);
    }
    assert_int_equal(cluster_ask(cluster, 0, "GET", "/api/cluster", ""), 200);
    assert_null(strstr(cluster->body, "\"slow\":true"));
}

// --- one of three --------------------------------------------------------------------------------

static void one_full_disk_stops_nobody_and_its_node_leads_nothing(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    assert_true(led(cluster, 1) > 0);
    uint64_t before = led(cluster, 1);
    cluster_disk(cluster, 1, 860);
    cluster_run(cluster, 2000);
    assert_int_equal(led(cluster, 1), before);
    cluster_disk(cluster, 1, 980);
    cluster_run(cluster, 3000);
    assert_int_equal(led(cluster, 1), 0);
    for (int at = 0; at < CLUSTER_NODES; at++) {
        assert_int_equal(start(cluster, at), 200);
    }
    assert_int_equal(cluster_ask(cluster, 0, "GET", "/api/cluster", ""), 200);
    assert_non_null(strstr(cluster->body, "\"room\":\"hard\",\"diskUsedPermille\":9"));
    // It is emptied: what it led comes back, by itself.
    cluster_disk(cluster, 1, 400);
    cluster_run(cluster, LIMIT_FITNESS_WELL_MS / 2);
    assert_int_equal(led(cluster, 1), 0);
    cluster_run(cluster, LIMIT_FITNESS_WELL_MS + 5000);
    assert_int_equal(led(cluster, 1), before);
}

static void a_majority_without_room_refuses_starts_everywhere(void **state) {
    struct cluster *cluster = *state;
    define(cluster);
    cluster_disk(cluster, 0, 900);
    cluster_disk(cluster, 1, 900);
    cluster_run(cluster, 2000);
    assert_int_equal(start(cluster, 2), 503);
    assert_non_null(strstr(cluster->body, "most copies"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ballast_counts_as_used_whether_it_is_there_or_not),
        cmocka_unit_test(a_level_is_left_below_where_it_is_entered),
        cmocka_unit_test_setup_teardown(
            full_disks_everywhere_refuse_starts_in_words, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            the_hard_limit_lets_through_what_finishes_and_what_deletes,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            nobody_is_slow_on_a_quiet_day, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            one_full_disk_stops_nobody_and_its_node_leads_nothing, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_majority_without_room_refuses_starts_everywhere, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
