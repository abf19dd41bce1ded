// node/core/calls in a cluster: a call outlives the leadership that claimed it, and is made once as
// long as the node that makes it can tell what it came to.
#include "proto/limits.h"
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

static const char *const CALL =
    "{\"name\":\"c\",\"tasks\":[{\"name\":\"h\",\"taskReferenceName\":\"h\",\"type\":\"HTTP\","
    "\"inputParameters\":{\"uri\":\"http://peer/\",\"method\":\"POST\"}}]}";

enum {
    // Of the claim: 3 s to connect, four times 3 s to read, the grace.
    LEASE_MS = 15000 + LIMIT_CALL_GRACE_MS
};

// Starts an execution whose only task is being called now. Returns by whom.
static int begin(struct cluster *cluster, char *out_id) {
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", CALL), 200);
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/workflow", "{\"name\":\"c\"}"), 200);
    assert_int_equal(strlen(cluster->body), ID_TEXT_BYTES);
    memcpy(out_id, cluster->body, ID_TEXT_BYTES + 1);
    cluster_run(cluster, 100);
    assert_int_equal(cluster->calls, 1);
    return cluster->call_at;
}

static void expect_status(struct cluster *cluster, int at, const char *id, const char *status) {
    char target[128];
    char wanted[64];
    (void)snprintf(target, sizeof(target), "/api/workflow/%s?includeTasks=false", id);
    (void)snprintf(wanted, sizeof(wanted), "\"status\":\"%s\"", status);
    assert_int_equal(cluster_ask(cluster, at, "GET", target, ""), 200);
    assert_non_null(strstr(cluster->body, wanted));
}

static int other_than(int at) {
    return (at + 1) % CLUSTER_NODES;
}

static uint64_t open_at(const struct cluster *cluster, int at) {
    return node_stats(cluster->nodes[at].node).calls_open;
}

static uint64_t led_at(const struct cluster *cluster, int at) {
    return node_stats(cluster->nodes[at].node).groups_led;
}

// The claim outlives its leader: another one waits for its lease and makes the same call.
static void a_call_of_a_node_that_died_is_made_again_by_another(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    char headers[sizeof(cluster->call_headers)];
    int victim = begin(cluster, id);
    memcpy(headers, cluster->call_headers, sizeof(headers));
    cluster_kill(cluster, victim);
    cluster_run(cluster, 10000);
    assert_int_equal(cluster->calls, 1);
    cluster_run(cluster, 15000);
    assert_int_equal(cluster->calls, 2);
    assert_int_not_equal(cluster->call_at, victim);
    assert_string_equal(cluster->call_headers, headers);
    cluster_called(cluster, cluster->call_at, cluster->call_id);
    cluster_run(cluster, 100);
    expect_status(cluster, other_than(victim), id, "COMPLETED");
}

// Another life of the process does not know what the one before was told.
static void a_node_that_started_again_makes_the_call_again_when_its_lease_ends(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int victim = begin(cluster, id);
    uint64_t before = cluster->call_id;
    cluster_kill(cluster, victim);
    cluster_start(cluster, victim);
    cluster_run(cluster, 3000);
    cluster_called(cluster, victim, before);
    cluster_run(cluster, 10000);
    assert_int_equal(cluster->calls, 1);
    expect_status(cluster, victim, id, "RUNNING");
    cluster_run(cluster, LEASE_MS - 11000);
    assert_int_equal(cluster->calls, 2);
}

static void an_answer_after_leadership_was_handed_over_goes_to_who_leads(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int before = begin(cluster, id);
    cluster_leave(cluster, before);
    cluster_run(cluster, 3000);
    assert_int_equal(led_at(cluster, before), 0);
    assert_int_equal(open_at(cluster, before), 1);
    cluster_called(cluster, before, cluster->call_id);
    cluster_run(cluster, 50);
    expect_status(cluster, other_than(before), id, "COMPLETED");
    assert_int_equal(open_at(cluster, before), 0);
    cluster_run(cluster, 2 * LEASE_MS);
    assert_int_equal(cluster->calls, 1);
}

static void an_answer_that_comes_to_a_node_that_is_cut_off_arrives_when_it_is_back(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int before = begin(cluster, id);
    cluster_cut(cluster, before, true);
    cluster_run(cluster, 3000);
    cluster_called(cluster, before, cluster->call_id);
    cluster_run(cluster, 5000);
    expect_status(cluster, other_than(before), id, "RUNNING");
    cluster_cut(cluster, before, false);
    cluster_run(cluster, 1000);
    expect_status(cluster, before, id, "COMPLETED");
    cluster_run(cluster, 2 * LEASE_MS);
    assert_int_equal(cluster->calls, 1);
    assert_int_equal(open_at(cluster, before), 0);
}

// Cut off past the lease: another node calls, and of two answers the task takes that one's.
static void an_answer_that_arrives_after_its_lease_changes_nothing(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int before = begin(cluster, id);
    cluster_cut(cluster, before, true);
    cluster_run(cluster, LEASE_MS - 1000);
    cluster_called(cluster, before, cluster->call_id);
    cluster_run(cluster, 2000);
    assert_int_equal(cluster->calls, 2);
    cluster_cut(cluster, before, false);
    cluster_run(cluster, 2000);
    expect_status(cluster, before, id, "RUNNING");
    assert_int_equal(open_at(cluster, before), 0);
    cluster_called(cluster, cluster->call_at, cluster->call_id);
    cluster_run(cluster, 1000);
    expect_status(cluster, before, id, "COMPLETED");
    assert_int_equal(cluster->calls, 2);
}

// The leader that was told dies before it is agreed on: the next one is told.
static void an_answer_is_told_until_it_is_committed(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int before = begin(cluster, id);
    cluster_leave(cluster, before);
    cluster_run(cluster, 500);
    assert_int_equal(led_at(cluster, before), 0);
    int told = -1;
    cluster_called(cluster, before, cluster->call_id);
    uint64_t entries[CLUSTER_NODES];
    for (int at = 0; at < CLUSTER_NODES; at++) {
        entries[at] = node_stats(cluster->nodes[at].node).entries;
    }
    for (int ms = 0; ms < 100 && told < 0; ms++) {
        cluster_run(cluster, 1);
        for (int at = 0; at < CLUSTER_NODES; at++) {
            told = node_stats(cluster->nodes[at].node).entries > entries[at] ? at : told;
        }
    }
    assert_true(told >= 0 && told != before);
    cluster_kill(cluster, told);
    cluster_run(cluster, 3000);
    expect_status(cluster, before, id, "COMPLETED");
    cluster_run(cluster, 2 * LEASE_MS);
    assert_int_equal(cluster->calls, 1);
}

static void a_node_that_stops_gives_a_call_back_that_takes_too_long(void **state) {
    struct cluster *cluster = *state;
    char id[ID_TEXT_BYTES + 1];
    int before = begin(cluster, id);
    uint64_t first = cluster->call_id;
    cluster_leave(cluster, before);
    cluster_run(cluster, LIMIT_LEAVE_CALLS_MS - 100);
    assert_int_equal(cluster->calls, 1);
    cluster_run(cluster, 200);
    assert_int_equal(cluster->calls, 2);
    assert_int_not_equal(cluster->call_at, before);
    assert_int_equal(open_at(cluster, before), 0);
    cluster_called(cluster, before, first);
    cluster_run(cluster, 100);
    expect_status(cluster, other_than(before), id, "RUNNING");
    cluster_called(cluster, cluster->call_at, cluster->call_id);
    cluster_run(cluster, 100);
    expect_status(cluster, other_than(before), id, "COMPLETED");
}

static void a_node_that_stops_claims_nothing(void **state) {
    struct cluster *cluster = *state;
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/metadata/workflow", CALL), 200);
    for (int at = 1; at < CLUSTER_NODES; at++) {
        cluster_leave(cluster, at);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/workflow", "{\"name\":\"c\"}"), 200);
    }
    cluster_run(cluster, 1000);
    for (int i = 0; i < cluster->calls; i++) {
        assert_int_equal(cluster->call_nodes[i], 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_call_of_a_node_that_died_is_made_again_by_another, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_started_again_makes_the_call_again_when_its_lease_ends,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_answer_after_leadership_was_handed_over_goes_to_who_leads,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_answer_that_comes_to_a_node_that_is_cut_off_arrives_when_it_is_back,
            cluster_setup,
            cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_answer_that_arrives_after_its_lease_changes_nothing, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            an_answer_is_told_until_it_is_committed, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_stops_gives_a_call_back_that_takes_too_long, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_stops_claims_nothing, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests_name("node/core/calls in a cluster", tests, NULL, NULL);
}
