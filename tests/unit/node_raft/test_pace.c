// node/raft: rows of a snapshot are taken no faster than the rate, however fast disks and links
// are.
#include "proto/limits.h"
#include "tests/unit/node_raft/cluster.h"
#include "tests/unit/test.h"

enum {
    SOON_MS = 10000,
    VALUE_BYTES = 1000 * 1000,
    WRITES = 64,
    // Until an answer waits; a piece is on its way then.
    AHEAD_BYTES = LIMIT_RAFT_INSTALL_BYTES_PER_SECOND / 40 + 2 * LIMIT_RAFT_PART_BYTES
};

static enum store_install third(struct cluster *cluster) {
    return store_installing(cluster_machine(cluster, 3)->store, 0);
}

static bool begins(struct cluster *cluster, void *argument) {
    (void)argument;
    return third(cluster) != STORE_INSTALL_NONE;
}

static bool has_rows(struct cluster *cluster, void *argument) {
    (void)argument;
    return third(cluster) == STORE_INSTALL_FOLLOWING || third(cluster) == STORE_INSTALL_NONE;
}

static uint64_t sent_to_third(struct cluster *cluster) {
    node_id leader = cluster_leader(cluster, 0);
    struct raft_group_status status = raft_status(cluster_machine(cluster, leader)->raft, 0);
    for (uint32_t i = 0; i < status.follower_count; i++) {
        if (status.followers[i].node == 3) {
            return status.followers[i].snapshot_bytes;
        }
    }
    return 0;
}

static void rows_are_taken_at_a_rate(void **state) {
    (void)state;
    const struct cluster_options options = {
        .seed = 3, .node_count = 3, .group_count = 1, .history_bytes = 64 * 1024};
    struct cluster *cluster = cluster_create(&options);
    assert_true(cluster_run_until(cluster, cluster_is_settled, NULL, SOON_MS));
    cluster_crash(cluster, 3);
    for (int i = 0; i < WRITES; i++) {
        assert_true(cluster_write(cluster, cluster_leader(cluster, 0), 0, VALUE_BYTES));
        cluster_run(cluster, 20);
    }
    cluster_run(cluster, 1000);
    cluster_start(cluster, 3);
    assert_true(cluster_run_until(cluster, begins, NULL, SOON_MS));
    int64_t begun_ns = cluster_now(cluster).ns;
    uint64_t rows = 0;
    while (!has_rows(cluster, NULL)) {
        cluster_run(cluster, 1);
        uint64_t sent = sent_to_third(cluster);
        rows = sent > rows ? sent : rows;
    }
    int64_t took_ms = (cluster_now(cluster).ns - begun_ns) / 1000000;
    assert_true(rows > 2 * AHEAD_BYTES);
    assert_in_range(
        took_ms,
        1000 * (rows - AHEAD_BYTES) / LIMIT_RAFT_INSTALL_BYTES_PER_SECOND,
        2000 * rows / LIMIT_RAFT_INSTALL_BYTES_PER_SECOND
    );
    assert_null(cluster_failure(cluster));
    cluster_destroy(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_taken_at_a_rate),
    };
    return cmocka_run_group_tests_name("node/raft/pace", tests, NULL, NULL);
}
