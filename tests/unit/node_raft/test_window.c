// node/raft: a full window to one follower holds back entries, never the probe that is owed to it.
#include "node/raft/message.h"
#include "proto/limits.h"
#include "tests/unit/node_raft/cluster.h"
#include "tests/unit/node_raft/oracle.h"
#include "tests/unit/test.h"

enum {
    SOON_MS = 5000,
    LIST_VERSIONS = 4,                             // of a leader just elected: one of the first
    WRITES = LIMIT_RAFT_WINDOW_MESSAGES * 2,       // one a millisecond: more than the window takes
    STALL_MS = LIMIT_RAFT_RESEND_MS + 2 * SOON_MS, // nothing is acknowledged meanwhile
};

_Static_assert(
    (int)WRITES > (int)LIMIT_RAFT_ASK_MS && (int)WRITES < (int)LIMIT_RAFT_RESEND_MS,
    "the window is full when a probe may be owed, and not given up yet"
);

static bool has_leader(struct cluster *cluster, void *argument) {
    (void)argument;
    return cluster_leader(cluster, 0) != 0;
}

// A follower says in a frame's header that it does not hold to the group's leader, as after a
// start, while its disk stalls and its window is full: it is owed a probe. The probe took entries
// along once and ran over the ring of flights.
static void a_probe_goes_out_beside_a_full_window_without_entries(void **state) {
    (void)state;
    const struct cluster_options options = {.seed = 7, .node_count = 3, .group_count = 1};
    struct cluster *cluster = cluster_create(&options);
    assert_true(cluster_run_until(cluster, has_leader, NULL, SOON_MS));
    assert_true(cluster_run_until(cluster, cluster_is_settled, NULL, SOON_MS));
    cluster_run(cluster, 1000);
    node_id leader = cluster_leader(cluster, 0);
    node_id slow = leader == 1 ? 2 : 1;
    cluster_stall_disk(cluster, slow, STALL_MS);
    for (int i = 0; i < WRITES; i++) {
        assert_true(cluster_write(cluster, leader, 0, 100));
        cluster_run(cluster, 1);
    }
    cluster_run(cluster, 10); // the third node has everything
    uint64_t sent = raft_stats(cluster_machine(cluster, leader)->raft).entries_sent;
    struct message nothing = {.kind = MESSAGE_NONE};
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, slow)->starts,
        .to_incarnation = cluster_machine(cluster, leader)->starts,
        .sequence = 1000000,
        .round = 1000000,
        .exception_count = 1,
        .exceptions = {0},
    };
    int taken = 0;
    for (uint64_t version = 1; version <= LIST_VERSIONS; version++) {
        header.held_version = version;
        header.sequence++;
        // Beyond the leader's newest version: refused.
        taken += err_is(cluster_forge(cluster, slow, leader, &header, &nothing)) ? 0 : 1;
        cluster_run(cluster, 1);
    }
    assert_in_range(taken, 1, LIST_VERSIONS - 1);
    assert_int_equal(raft_stats(cluster_machine(cluster, leader)->raft).entries_sent, sent);
    cluster_destroy(&cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_goes_out_beside_a_full_window_without_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
