// node/core: nodes come and go while a cluster runs.
#include "tests/unit/node_core/cluster.h"

#include <stdio.h>
#include <string.h>

// Whether node `at` was told that `id` is a member, and is linked with it.
static void expect_linked(const struct cluster *cluster, int at, int other) {
    assert_true(cluster->nodes[at].knows[cluster->nodes[other].id]);
    assert_true(cluster->nodes[at].linked[other]);
}

static void join_again(struct cluster *cluster, int at, int via, uint16_t status) {
    id128 store_id;
    char text[ID_TEXT_BYTES + 1] = {0};
    char body[256];
    store_identity(cluster->nodes[at].store, store_id.bytes);
    id_format(store_id, text);
    (void
    )snprintf(body, sizeof(body), "{\"address\":\"host:%d\",\"storeId\":\"%s\"}", at + 1, text);
    assert_int_equal(cluster_ask(cluster, via, "POST", "/api/cluster/nodes", body), status);
}

static void a_node_that_asks_is_let_in_once(void **state) {
    struct cluster *cluster = *state;
    cluster_join(cluster, 3, 1);
    assert_int_equal(cluster->nodes[3].id, 4);
    cluster_run(cluster, 1000);
    for (int at = 0; at < 3; at++) {
        expect_linked(cluster, at, 3);
    }
    join_again(cluster, 3, 2, 200);
    assert_non_null(strstr(cluster->body, "\"nodeId\":4"));
    assert_non_null(strstr(cluster->body, "\"address\":\"host:1\""));
    assert_non_null(strstr(cluster->body, "\"partitions\":8,\"replicas\":3"));
    cluster_join(cluster, 4, 0);
    assert_int_equal(cluster->nodes[4].id, 5);
}

static void a_wish_that_makes_no_sense_is_refused(void **state) {
    struct cluster *cluster = *state;
    static const char *const wrong[] = {
        "{}",
        "{\"address\":7,\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}",
        "{\"address\":\"host:9\",\"storeId\":\"no\"}",
        "{\"address\":\"host:9\",\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\","
        "\"weight\":17}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cluster_ask(cluster, 1, "POST", "/api/cluster/nodes", wrong[i]), 400);
    }
    const char *taken =
        "{\"address\":\"host:2\",\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", taken), 409);
    assert_non_null(strstr(cluster->body, "node 2 has the address host:2 already"));
}

// Its disk was lost, and it was started again as if it were the old one: it promised nothing of
// what the old one did.
static void a_member_with_another_store_is_not_heard(void **state) {
    struct cluster *cluster = *state;
    cluster_kill(cluster, 2);
    cluster_wipe(cluster, 2);
    cluster_start(cluster, 2);
    uint64_t before = node_stats(cluster->nodes[0].node).messages_refused;
    cluster_run(cluster, 2000);
    assert_true(node_stats(cluster->nodes[0].node).messages_refused > before);
    assert_int_equal(cluster_ask(cluster, 0, "GET", "/api/cluster", ""), 200);
    assert_non_null(strstr(cluster->body, "\"id\":3,\"self\":false,\"up\":false"));
}

static void restart(struct cluster *cluster, int at, uint16_t release) {
    cluster_kill(cluster, at);
    cluster->nodes[at].release = release;
    cluster_start(cluster, at);
    cluster_run(cluster, 3000);
}

// distributed.md §12: what a release brought is not written before all members know it.
static void the_version_rises_when_all_members_speak_it(void **state) {
    struct cluster *cluster = *state;
    cluster_run(cluster, 2000);
    assert_int_equal(cluster->nodes[0].version, 1);
    restart(cluster, 0, 2);
    restart(cluster, 1, 3);
    assert_int_equal(cluster->nodes[0].version, 1);
    restart(cluster, 0, 1); // back: nothing new was written yet
    restart(cluster, 0, 2);
    cluster_kill(cluster, 2);
    cluster_run(cluster, 5000);
    assert_int_equal(cluster->nodes[1].version, 1); // it may come back as it was
    cluster->nodes[2].release = 2;
    cluster_start(cluster, 2);
    cluster_run(cluster, 3000);
    for (int at = 0; at < 3; at++) {
        assert_int_equal(cluster->nodes[at].version, 2);
    }
    const char *old = "{\"address\":\"host:9\",\"releaseLow\":1,\"releaseHigh\":1,"
                      "\"storeId\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}";
    assert_int_equal(cluster_ask(cluster, 0, "POST", "/api/cluster/nodes", old), 409);
    assert_non_null(strstr(cluster->body, "start a newer release"));
    restart(cluster, 2, 3);
    restart(cluster, 0, 3);
    assert_int_equal(cluster->nodes[1].version, 3);
}

// Its own rows tell the process that it is of an older release, before it says a word.
static void a_restart_hears_of_the_version_at_once(void **state) {
    struct cluster *cluster = *state;
    for (int at = 0; at < 3; at++) {
        restart(cluster, at, 2);
    }
    cluster_run(cluster, 3000);
    cluster_kill(cluster, 1);
    cluster->nodes[1].release = 1;
    cluster->nodes[1].version = 0;
    cluster_start(cluster, 1);
    cluster_run(cluster, 1);
    assert_int_equal(cluster->nodes[1].version, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_version_rises_when_all_members_speak_it, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_restart_hears_of_the_version_at_once, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_node_that_asks_is_let_in_once, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_wish_that_makes_no_sense_is_refused, cluster_setup, cluster_teardown
        ),
        cmocka_unit_test_setup_teardown(
            a_member_with_another_store_is_not_heard, cluster_setup, cluster_teardown
        ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
