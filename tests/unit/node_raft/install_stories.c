// Rows that a leader has to bring before its own first entry is committed, told: without them
// nobody would lead, though nothing is lost (R1–R3 of node/raft/README.md).
#include "tests/unit/node_raft/stories.h"

enum {
    SOON_MS = 5000
};

#define EXPECT(condition, text) \
    do {                        \
        if (!(condition)) {     \
            return (text);      \
        }                       \
    } while (0)

// --- steps ---------------------------------------------------------------------------------------

static struct raft_group_status status_of(struct cluster *cluster, node_id node) {
    return raft_status(cluster_machine(cluster, node)->raft, 0);
}

static bool settle(struct cluster *cluster) {
    return cluster_run_until(cluster, cluster_is_settled, NULL, SOON_MS);
}

static bool may_decide(struct cluster *cluster, void *argument) {
    return cluster_leader(cluster, 0) == *(const node_id *)argument;
}

static bool stands_for_leader(struct cluster *cluster, void *argument) {
    return status_of(cluster, *(const node_id *)argument).role == RAFT_LEADER;
}

static bool third_has_rows(struct cluster *cluster, void *argument) {
    (void)argument;
    return store_installing(cluster_machine(cluster, 3)->store, 0) == STORE_INSTALL_FOLLOWING;
}

// Node 3 is down and behind what is kept.
static const char *leave_third_behind(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "node 3 is away while 40 entries are written; little of them is kept");
    cluster_crash(cluster, 3);
    for (int i = 0; i < 40; i++) {
        EXPECT(cluster_write(cluster, 1, 0, 100), "the leader does not take a write");
        cluster_run(cluster, 20);
    }
    cluster_run(cluster, 500);
    EXPECT(status_of(cluster, 1).first > 20, "all is kept");
    return NULL;
}

// Node 3 holds all: it votes, counts, and shows what was written.
static const char *third_is_whole(struct cluster *cluster, node_id leader) {
    cluster_judge(cluster, 3);
    EXPECT(raft_stats(cluster_machine(cluster, 3)->raft).installs_ended == 1, "it got no rows");
    EXPECT(cluster_write(cluster, leader, 0, 8), "the leader does not take a write");
    cluster_run(cluster, 100);
    struct raft_group_status led = status_of(cluster, leader);
    EXPECT(led.commit == led.last, "node 3 does not count");
    return NULL;
}

// --- stories -------------------------------------------------------------------------------------

const char *story_a_leader_brings_rows_before_it_may_decide(struct cluster *cluster) {
    const char *failure = leave_third_behind(cluster);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 1 restarts, node 2 does not come back, node 3 does");
    cluster_crash(cluster, 2);
    cluster_crash(cluster, 1);
    cluster_start(cluster, 1);
    cluster_start(cluster, 3);
    node_id leader = 1;
    EXPECT(
        cluster_run_until(cluster, may_decide, &leader, SOON_MS),
        "node 1 has everything and serves nobody"
    );
    failure = third_is_whole(cluster, leader);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 2 is back");
    cluster_start(cluster, 2);
    EXPECT(settle(cluster), "node 2 does not catch up");
    return NULL;
}

static bool
drops_ends_and_entries(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    bool has_entries = message->kind == MESSAGE_APPEND && message->body.size > 0;
    return message->kind == MESSAGE_INSTALL_END || (from == 2 && has_entries);
}

const char *story_rows_of_an_earlier_leader_are_given_anew(struct cluster *cluster) {
    const char *failure = leave_third_behind(cluster);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 3 is back and gets all rows, but is not told that they are all");
    cluster_filter(cluster, drops_ends_and_entries);
    cluster_start(cluster, 3);
    EXPECT(cluster_run_until(cluster, third_has_rows, NULL, SOON_MS), "node 3 gets no rows");
    cluster_note(cluster, "node 1 hands over, and is gone before node 2 says anything");
    EXPECT(cluster_transfer(cluster, 1, 0, 2), "the transfer is refused");
    node_id leader = 2;
    EXPECT(cluster_run_until(cluster, stands_for_leader, &leader, SOON_MS), "nobody takes over");
    cluster_crash(cluster, 1);
    cluster_filter(cluster, NULL);
    EXPECT(
        cluster_run_until(cluster, may_decide, &leader, SOON_MS),
        "node 2 has everything and serves nobody"
    );
    EXPECT(store_log_epoch(cluster_machine(cluster, 3)->store, 0) == 2, "it got no rows of node 2");
    failure = third_is_whole(cluster, leader);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 1 is back");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "node 1 does not catch up");
    return NULL;
}
