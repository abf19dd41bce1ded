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

static bool third_waits_for_rows(struct cluster *cluster, void *argument) {
    (void)argument;
    return store_installing(cluster_machine(cluster, 3)->store, 0) == STORE_INSTALL_LOADING;
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

static bool drops_rows(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    (void)from;
    return message->kind == MESSAGE_CHUNK;
}

// Node 2 asks node 3 for its vote, with a log that ends there.
static const char *ask_third(struct cluster *cluster, log_index index, uint64_t log_term) {
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, 2)->starts,
        .to_incarnation = cluster_machine(cluster, 3)->starts,
        .sequence = 1000000,
        .round = 1000000,
    };
    struct message vote = {
        .kind = MESSAGE_VOTE,
        .group = 0,
        .term = status_of(cluster, 3).term + 1,
        .from = status_of(cluster, 2).replica,
        .to = status_of(cluster, 3).replica,
        .index = index,
        .log_term = log_term,
        .transfer = 1,
    };
    return err_is(cluster_forge(cluster, 2, 3, &header, &vote)) ? "the frame is refused" : NULL;
}

const char *story_who_gets_rows_votes_for_who_has_them(struct cluster *cluster) {
    const char *failure = leave_third_behind(cluster);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 1 restarts, and is to give rows to node 3; none arrive");
    cluster_isolate(cluster, 2, true);
    cluster_crash(cluster, 1);
    cluster_filter(cluster, drops_rows);
    cluster_start(cluster, 1);
    cluster_start(cluster, 3);
    EXPECT(
        cluster_run_until(cluster, third_waits_for_rows, NULL, SOON_MS), "node 3 waits for nothing"
    );
    struct store_position rows = store_position(cluster_machine(cluster, 3)->store, 0);
    cluster_note(cluster, "node 3 is asked for its vote by who has less than the rows are of");
    failure = ask_third(cluster, rows.index - 1, rows.term);
    EXPECT(failure == NULL, failure);
    EXPECT(status_of(cluster, 3).vote == 0, "it votes for who lacks what is committed");
    cluster_note(cluster, "by who has that");
    failure = ask_third(cluster, rows.index, rows.term);
    EXPECT(failure == NULL, failure);
    EXPECT(status_of(cluster, 3).vote == 2, "it votes for nobody");
    cluster_note(cluster, "node 1 restarts again");
    cluster_crash(cluster, 1);
    cluster_filter(cluster, NULL);
    cluster_start(cluster, 1);
    node_id leader = 1;
    EXPECT(
        cluster_run_until(cluster, may_decide, &leader, SOON_MS),
        "node 1 has everything and serves nobody"
    );
    failure = third_is_whole(cluster, leader);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 2 restarts and is reached");
    cluster_crash(cluster, 2);
    cluster_heal(cluster);
    EXPECT(settle(cluster), "node 2 does not catch up");
    return NULL;
}

const char *story_who_gives_rows_may_be_lost(struct cluster *cluster) {
    const char *failure = leave_third_behind(cluster);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 3 is back, waits for rows, and node 1 is killed");
    cluster_filter(cluster, drops_rows);
    cluster_start(cluster, 3);
    EXPECT(
        cluster_run_until(cluster, third_waits_for_rows, NULL, SOON_MS), "node 3 waits for nothing"
    );
    cluster_crash(cluster, 1);
    cluster_filter(cluster, NULL);
    node_id leader = 2;
    EXPECT(
        cluster_run_until(cluster, may_decide, &leader, SOON_MS),
        "node 2 has everything and serves nobody"
    );
    failure = third_is_whole(cluster, leader);
    EXPECT(failure == NULL, failure);
    cluster_note(cluster, "node 1 is back");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "node 1 does not catch up");
    return NULL;
}

const char *story_an_old_word_begins_no_install(struct cluster *cluster) {
    const char *failure = leave_third_behind(cluster);
    EXPECT(failure == NULL, failure);
    cluster_start(cluster, 3);
    EXPECT(settle(cluster), "node 3 does not catch up");
    failure = third_is_whole(cluster, 1);
    EXPECT(failure == NULL, failure);
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, 3)->starts,
        .to_incarnation = cluster_machine(cluster, 1)->starts,
        .sequence = 1000000,
        .round = 1000000,
    };
    struct message old = {
        .kind = MESSAGE_INSTALL_ACK,
        .group = 0,
        .term = status_of(cluster, 1).term,
        .from = status_of(cluster, 3).replica,
        .to = status_of(cluster, 1).replica,
        .epoch = store_log_epoch(cluster_machine(cluster, 3)->store, 0),
        .install = 1,
        .number = 1,
        .state = STORE_INSTALL_LOADING,
    };
    cluster_note(
        cluster, "node 3 has its rows and counts; what it said while it waited comes again"
    );
    EXPECT(!err_is(cluster_forge(cluster, 3, 1, &header, &old)), "the frame is refused");
    EXPECT(
        raft_stats(cluster_machine(cluster, 1)->raft).installs_begun == 1,
        "it is to drop what a majority rests on"
    );
    return NULL;
}

static bool drops_ends(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    (void)from;
    return message->kind == MESSAGE_INSTALL_END;
}

static bool second_has_rows(struct cluster *cluster, void *argument) {
    (void)argument;
    return store_installing(cluster_machine(cluster, 2)->store, 0) == STORE_INSTALL_FOLLOWING;
}

const char *story_a_learner_that_gets_rows_is_left_in_peace(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    for (int i = 0; i < 40; i++) {
        EXPECT(cluster_write(cluster, 1, 0, 100), "the leader does not take a write");
        cluster_run(cluster, 20);
    }
    cluster_note(cluster, "node 2 is to vote, too, and gets rows; their end is not told");
    cluster_filter(cluster, drops_ends);
    cluster_want(cluster, 0, &(struct raft_target){.voter_count = 2, .voters = {1, 2}});
    EXPECT(cluster_run_until(cluster, second_has_rows, NULL, SOON_MS), "it gets no rows");
    uint64_t before = raft_stats(cluster_machine(cluster, 1)->raft).frames_sent;
    cluster_run(cluster, 1000);
    uint64_t frames = raft_stats(cluster_machine(cluster, 1)->raft).frames_sent - before;
    EXPECT(frames < 50, "it is asked where it is without a pause");
    cluster_filter(cluster, NULL);
    EXPECT(settle(cluster), "it does not get its vote");
    return NULL;
}

static bool third_is_installed(struct cluster *cluster, void *argument) {
    (void)argument;
    return raft_stats(cluster_machine(cluster, 3)->raft).installs_ended == 1;
}

const char *story_who_has_wrong_rows_remembers_it(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(cluster_write(cluster, 1, 0, 100), "the leader does not take a write");
    EXPECT(settle(cluster), "they do not settle");
    cluster_note(cluster, "node 3 is told that its rows are wrong, and restarts");
    raft_quarantine(cluster_machine(cluster, 3)->raft, 0);
    cluster_checkpoint(cluster, 3);
    cluster_crash(cluster, 3);
    cluster_start(cluster, 3);
    EXPECT(raft_is_installing(cluster_machine(cluster, 3)->raft, 0), "it serves them again");
    cluster_note(cluster, "node 1 is killed: node 3 votes for nobody");
    cluster_crash(cluster, 1);
    cluster_run(cluster, SOON_MS);
    EXPECT(cluster_leader(cluster, 0) == 0, "node 2 is elected");
    cluster_note(cluster, "node 1 is back; the leader gives node 3 other rows");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "they do not settle");
    EXPECT(
        raft_reseed(cluster_machine(cluster, cluster_leader(cluster, 0))->raft, 0, 3),
        "the leader does not"
    );
    EXPECT(cluster_run_until(cluster, third_is_installed, NULL, SOON_MS), "it gets none");
    EXPECT(!raft_is_installing(cluster_machine(cluster, 3)->raft, 0), "it does not serve them");
    cluster_judge(cluster, 3);
    return NULL;
}
