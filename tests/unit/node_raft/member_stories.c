// Members that come and go, told: what the leader writes about them, and who follows whom
// meanwhile.
#include "tests/unit/node_raft/stories.h"

enum {
    SOON_MS = 10000,
    LONGER_THAN_ANY_ELECTION_MS = 3000,
    LARGE_BYTES = 60000,
    LARGE_ENTRIES = 4 // one of them is as much as a message takes
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

static bool write_one(struct cluster *cluster) {
    return cluster_write(cluster, cluster_leader(cluster, 0), 0, 8);
}

// Zeros are nobody.
static void want(struct cluster *cluster, node_id a, node_id b, node_id c, node_id learner) {
    const node_id voters[] = {a, b, c};
    struct raft_target target = {.learner_count = learner == 0 ? 0 : 1, .learners = {learner}};
    for (size_t i = 0; i < sizeof(voters) / sizeof(voters[0]); i++) {
        if (voters[i] != 0) {
            target.voters[target.voter_count++] = voters[i];
        }
    }
    cluster_want(cluster, 0, &target);
}

static void want_nothing(struct cluster *cluster) {
    want(cluster, 0, 0, 0, 0);
}

static bool leader_is_joint(struct cluster *cluster, void *argument) {
    (void)argument;
    node_id leader = cluster_leader(cluster, 0);
    return leader != 0 && status_of(cluster, leader).joint;
}

static bool node_3_is_joint(struct cluster *cluster, void *argument) {
    (void)argument;
    return status_of(cluster, 3).joint;
}

static bool leader_has_written(struct cluster *cluster, void *argument) {
    const log_index *before = argument;
    node_id leader = cluster_leader(cluster, 0);
    return leader != 0 && status_of(cluster, leader).config_index > *before;
}

static bool another_leads(struct cluster *cluster, void *argument) {
    const node_id *before = argument;
    node_id leader = cluster_leader(cluster, 0);
    return leader != 0 && leader != *before;
}

static bool has_replica(struct cluster *cluster, node_id node) {
    return status_of(cluster, node).configured;
}

// --- stories -------------------------------------------------------------------------------------

const char *story_one_becomes_three_and_one_again(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    for (int i = 0; i < 5; i++) {
        EXPECT(write_one(cluster), "the leader does not take a write");
    }
    EXPECT(!has_replica(cluster, 2), "node 2 has a replica that nobody gave it");
    cluster_note(cluster, "wanted: nodes 1, 2, 3");
    want(cluster, 1, 2, 3, 0);
    EXPECT(settle(cluster), "three is not reached");
    cluster_note(cluster, "node 1 is killed: nothing is lost");
    cluster_crash(cluster, 1);
    node_id before = 1;
    EXPECT(
        cluster_run_until(cluster, another_leads, &before, SOON_MS), "the two others elect nobody"
    );
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "node 1 does not catch up");
    cluster_note(cluster, "wanted: node 3 alone");
    want(cluster, 3, 0, 0, 0);
    EXPECT(settle(cluster), "one is not reached");
    EXPECT(cluster_leader(cluster, 0) == 3, "another one leads");
    EXPECT(!has_replica(cluster, 1) && !has_replica(cluster, 2), "who left did not forget");
    cluster_note(cluster, "all start again; the list of founders says node 1");
    for (node_id node = 1; node <= 3; node++) {
        cluster_crash(cluster, node);
    }
    for (node_id node = 1; node <= 3; node++) {
        cluster_start(cluster, node);
    }
    EXPECT(settle(cluster), "it does not lead after a restart");
    EXPECT(!has_replica(cluster, 1), "node 1 founds the group anew");
    EXPECT(write_one(cluster), "the leader does not take a write");
    return NULL;
}

const char *story_an_empty_learner_gets_no_vote(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "wanted: nodes 1, 2, 3; node 3 is cut off");
    cluster_isolate(cluster, 3, true);
    want(cluster, 1, 2, 3, 0);
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    struct raft_group_status led = status_of(cluster, 1);
    EXPECT(led.voter_count == 2 && led.learner_count == 1, "it has a vote and nothing else");
    cluster_note(cluster, "node 3 is reached");
    cluster_isolate(cluster, 3, false);
    EXPECT(settle(cluster), "it does not catch up");
    EXPECT(status_of(cluster, 3).votes, "it has no vote");
    return NULL;
}

const char *story_a_joint_config_outlives_its_leader(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "wanted: nodes 3, 4, 5");
    want(cluster, 3, 4, 5, 0);
    EXPECT(cluster_run_until(cluster, node_3_is_joint, NULL, SOON_MS), "no joint config");
    want_nothing(cluster);
    cluster_note(cluster, "its leader is killed; who comes after is told of no want");
    cluster_crash(cluster, 1);
    node_id before = 1;
    EXPECT(cluster_run_until(cluster, another_leads, &before, SOON_MS), "nobody takes over");
    cluster_run(cluster, 100);
    node_id leader = cluster_leader(cluster, 0);
    EXPECT(!status_of(cluster, leader).joint, "the joint config is not left");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "node 1 is back, and again it is wanted that it goes");
    cluster_start(cluster, 1);
    want(cluster, 3, 4, 5, 0);
    EXPECT(settle(cluster), "the change does not end");
    EXPECT(!has_replica(cluster, 1) && !has_replica(cluster, 2), "who left did not forget");
    return NULL;
}

const char *story_a_leader_is_removed(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(cluster_leader(cluster, 0) == 1, "another one leads");
    cluster_note(cluster, "wanted: nodes 2 and 3, without the leader");
    want(cluster, 2, 3, 0, 0);
    node_id before = 1;
    EXPECT(cluster_run_until(cluster, another_leads, &before, 1000), "the leader stays");
    EXPECT(settle(cluster), "the change does not end");
    EXPECT(!has_replica(cluster, 1), "who left did not forget");
    EXPECT(status_of(cluster, 2).term == 2, "it took several elections");
    EXPECT(write_one(cluster), "the leader does not take a write");
    return NULL;
}

const char *story_a_lost_store_is_another_replica(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "wanted: nodes 1, 2, 3: who lives where is written down");
    want(cluster, 1, 2, 3, 0);
    EXPECT(settle(cluster), "it is not written down");
    for (int i = 0; i < 5; i++) {
        EXPECT(write_one(cluster), "the leader does not take a write");
    }
    EXPECT(settle(cluster), "the writes are not everywhere");
    uint64_t number = status_of(cluster, 3).replica;
    cluster_note(cluster, "node 3 loses its disk and starts as if it were founded now");
    cluster_wipe(cluster, 3);
    cluster_start(cluster, 3);
    EXPECT(settle(cluster), "node 3 does not come back");
    EXPECT(status_of(cluster, 3).replica > number, "it is the old replica with amnesia");
    EXPECT(status_of(cluster, 3).votes, "it has no vote");
    cluster_note(
        cluster,
        "it was replica %llu and is %llu",
        (unsigned long long)number,
        (unsigned long long)status_of(cluster, 3).replica
    );
    cluster_note(cluster, "node 1 is killed: node 3 counts");
    cluster_crash(cluster, 1);
    node_id before = 1;
    EXPECT(cluster_run_until(cluster, another_leads, &before, SOON_MS), "nobody takes over");
    EXPECT(write_one(cluster), "the leader does not take a write");
    return NULL;
}

const char *story_a_config_goes_back_with_its_entry(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    want(cluster, 1, 2, 3, 0);
    EXPECT(settle(cluster), "it is not written down who lives where");
    cluster_note(cluster, "node 1 is cut off, and told then that node 4 is to learn");
    cluster_isolate(cluster, 1, true);
    log_index written = status_of(cluster, 1).config_index;
    want(cluster, 1, 2, 3, 4);
    EXPECT(leader_has_written(cluster, &written), "node 1 does not try");
    node_id before = 1;
    want_nothing(cluster);
    EXPECT(cluster_run_until(cluster, another_leads, &before, SOON_MS), "nobody takes over");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(status_of(cluster, 1).learner_count == 1, "a config waits for its commit");
    EXPECT(!has_replica(cluster, 4), "node 4 heard of what was not committed");
    cluster_note(cluster, "node 1 is back");
    cluster_isolate(cluster, 1, false);
    EXPECT(settle(cluster), "node 1 does not catch up");
    EXPECT(status_of(cluster, 1).learner_count == 0, "its config did not go back");
    EXPECT(status_of(cluster, 1).config_index == written, "it has another config");
    return NULL;
}

const char *story_a_later_want_replaces_an_earlier_one(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "wanted: nodes 1, 2, 4; and before that is there: nodes 1, 2, 5");
    want(cluster, 1, 2, 4, 0);
    cluster_run(cluster, 1);
    want(cluster, 1, 2, 5, 0);
    EXPECT(settle(cluster), "the later want is not reached");
    EXPECT(status_of(cluster, 5).votes, "node 5 has no vote");
    EXPECT(!has_replica(cluster, 3) && !has_replica(cluster, 4), "who left did not forget");
    cluster_note(cluster, "wanted: nodes 1, 2, 3; once that is joint, node 5 again");
    want(cluster, 1, 2, 3, 0);
    EXPECT(cluster_run_until(cluster, leader_is_joint, NULL, SOON_MS), "no joint config");
    want(cluster, 1, 2, 5, 0);
    EXPECT(settle(cluster), "the later want is not reached");
    EXPECT(status_of(cluster, 5).votes && !has_replica(cluster, 3), "it is another config");
    return NULL;
}

const char *story_who_was_removed_while_away_hears_so(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "node 3 is away while node 4 takes its place");
    cluster_crash(cluster, 3);
    want(cluster, 1, 2, 4, 0);
    cluster_run(cluster, SOON_MS);
    EXPECT(status_of(cluster, 4).votes, "node 4 has no vote");
    uint64_t term = status_of(cluster, 1).term;
    cluster_note(cluster, "node 3 is back: it takes itself for a voter");
    cluster_start(cluster, 3);
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(!has_replica(cluster, 3), "node 3 did not hear that it is out");
    EXPECT(status_of(cluster, 1).term == term, "it unseated who leads");
    cluster_note(cluster, "it is to come back, as another replica");
    want(cluster, 1, 2, 3, 0);
    EXPECT(settle(cluster), "it does not come back");
    EXPECT(status_of(cluster, 3).votes && status_of(cluster, 3).replica > 4, "it has no vote");
    return NULL;
}

const char *story_what_nobody_wants_any_more_stands_still(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "wanted: nodes 2, 3, 4; node 4 is cut off, so it only learns");
    cluster_isolate(cluster, 4, true);
    want(cluster, 2, 3, 4, 0);
    cluster_run(cluster, 1000);
    cluster_note(cluster, "nothing is wanted, and node 4 is reached");
    want_nothing(cluster);
    cluster_isolate(cluster, 4, false);
    EXPECT(settle(cluster), "they do not settle");
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    struct raft_group_status led = status_of(cluster, cluster_leader(cluster, 0));
    EXPECT(led.voter_count == 3 && led.learner_count == 1, "the change went on");
    EXPECT(!led.wants, "it wants still");
    cluster_note(cluster, "node 4 is a learner until somebody says otherwise");
    return NULL;
}

static bool node_1_waits_for_rows(struct cluster *cluster, void *argument) {
    (void)argument;
    return store_installing(cluster_machine(cluster, 1)->store, 0) == STORE_INSTALL_LOADING;
}

const char *story_a_founder_that_gets_rows_leads_nothing(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(write_one(cluster), "the leader does not take a write");
    cluster_note(cluster, "the group moves to node 2; node 1, which founded it alone, learns");
    want(cluster, 2, 0, 0, 1);
    EXPECT(settle(cluster), "the change does not end");
    cluster_note(cluster, "node 1 is away while 40 entries are written; little of them is kept");
    cluster_crash(cluster, 1);
    for (int i = 0; i < 40; i++) {
        EXPECT(cluster_write(cluster, 2, 0, 100), "the leader does not take a write");
        cluster_run(cluster, 20);
    }
    cluster_run(cluster, 500);
    cluster_start(cluster, 1);
    EXPECT(cluster_run_until(cluster, node_1_waits_for_rows, NULL, SOON_MS), "node 1 gets no rows");
    cluster_note(cluster, "before a row is there, node 1 is killed, and starts cut off");
    cluster_crash(cluster, 1);
    cluster_isolate(cluster, 1, true);
    cluster_start(cluster, 1);
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(status_of(cluster, 1).role != RAFT_LEADER, "it founds the group once more");
    cluster_isolate(cluster, 1, false);
    EXPECT(settle(cluster), "it does not catch up");
    cluster_judge(cluster, 1);
    return NULL;
}

// An append behind the first one, of those that node 1 lacks.
static bool
is_further_append(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    (void)from;
    return (message->kind == MESSAGE_APPEND || message->kind == MESSAGE_PART) &&
           message->index > 0 && message->index <= LARGE_ENTRIES;
}

const char *story_a_founder_that_comes_back_is_no_founder(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    want(cluster, 1, 0, 0, 2);
    EXPECT(settle(cluster), "node 2 does not learn");
    for (int i = 0; i < LARGE_ENTRIES; i++) {
        EXPECT(cluster_write(cluster, 1, 0, LARGE_BYTES), "no write");
        cluster_run(cluster, 100);
    }
    cluster_note(cluster, "node 1, which founded the group alone, goes");
    want(cluster, 1, 2, 0, 0);
    EXPECT(settle(cluster), "node 2 gets no vote");
    want(cluster, 2, 3, 0, 0);
    EXPECT(settle(cluster), "the change does not end");
    EXPECT(!has_replica(cluster, 1), "node 1 did not forget");
    cluster_note(cluster, "it learns anew, and hears the beginning of the log, by which it leads");
    cluster_filter(cluster, is_further_append);
    want(cluster, 2, 3, 0, 1);
    cluster_run(cluster, 1000);
    EXPECT(has_replica(cluster, 1) && status_of(cluster, 1).last > 0, "it gets no entry");
    EXPECT(status_of(cluster, 1).last < status_of(cluster, 2).last, "it gets all entries");
    cluster_isolate(cluster, 1, true);
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(status_of(cluster, 1).role != RAFT_LEADER, "it leads the group it founded");
    cluster_note(cluster, "it is killed, and starts cut off: it knows that it was out");
    cluster_crash(cluster, 1);
    cluster_start(cluster, 1);
    cluster_run(cluster, LONGER_THAN_ANY_ELECTION_MS);
    EXPECT(status_of(cluster, 1).role != RAFT_LEADER, "it leads after a restart");
    cluster_filter(cluster, NULL);
    cluster_isolate(cluster, 1, false);
    EXPECT(settle(cluster), "it does not catch up");
    return NULL;
}
