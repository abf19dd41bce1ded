#include "tests/unit/node_raft/stories.h"

#include <stdlib.h>
#include <string.h>

enum {
    SOON_MS = 5000,
    LARGE_BYTES = 100000 // more than one message takes
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

static bool has_leader(struct cluster *cluster, void *argument) {
    node_id not = *(const node_id *)argument;
    node_id leader = cluster_leader(cluster, 0);
    return leader != 0 && leader != not ;
}

// Another leader than `not`.
static bool elect(struct cluster *cluster, node_id not ) {
    return cluster_run_until(cluster, has_leader, &not, SOON_MS);
}

static void show_logs(struct cluster *cluster, const char *when) {
    cluster_note(cluster, "%s", when);
    for (node_id node = 1; node <= CLUSTER_NODES_MAX; node++) {
        const struct oracle_log *log = &cluster_oracle(cluster)->groups[0].logs[node];
        if (log->last > 0) {
            char line[200];
            int used = snprintf(line, sizeof(line), "  node %u has terms", node);
            for (log_index i = 1; i <= log->last && used < (int)sizeof(line); i++) {
                used += snprintf(
                    line + used,
                    sizeof(line) - (size_t)used,
                    " %llu",
                    (unsigned long long)log->entries[i].term
                );
            }
            cluster_note(cluster, "%s, committed %llu", line, (unsigned long long)log->commit);
        }
    }
}

// --- stories -------------------------------------------------------------------------------------

static const char *election(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(cluster_leader(cluster, 0) == 1, "the first voter is not the first leader");
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    EXPECT(settle(cluster), "the write is not everywhere");
    cluster_note(cluster, "node 1 is killed, its connections close");
    int64_t before = cluster_now(cluster).ns;
    cluster_crash(cluster, 1);
    EXPECT(elect(cluster, 1), "nobody takes over");
    EXPECT(cluster_now(cluster).ns - before < 300 * 1000000, "the takeover is slow");
    cluster_note(cluster, "node 1 is back");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "node 1 does not catch up");
    EXPECT(cluster_leader(cluster, 0) != 1, "node 1 unseats a leader that works");
    show_logs(cluster, "in the end");
    return NULL;
}

static const char *a_deaf_follower_unseats_nobody(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    uint64_t term = status_of(cluster, 1).term;
    cluster_note(cluster, "node 3 no longer hears node 1, node 1 hears it");
    cluster_cut(cluster, 1, 3, true);
    cluster_run(cluster, 4000);
    EXPECT(cluster_leader(cluster, 0) == 1, "the leader was unseated");
    EXPECT(status_of(cluster, 2).term == term, "the term rose");
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    cluster_note(cluster, "the link is whole again");
    cluster_cut(cluster, 1, 3, false);
    EXPECT(settle(cluster), "node 3 does not catch up");
    EXPECT(cluster_leader(cluster, 0) == 1, "the leader was unseated afterwards");
    EXPECT(status_of(cluster, 3).term == term, "the term rose afterwards");
    return NULL;
}

static const char *a_leader_without_majority_steps_down(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "node 1 is cut off");
    cluster_isolate(cluster, 1, true);
    EXPECT(elect(cluster, 1), "nobody takes over");
    cluster_run(cluster, 1500);
    EXPECT(status_of(cluster, 1).role != RAFT_LEADER, "node 1 still leads");
    uint64_t term = status_of(cluster, 1).term;
    cluster_run(cluster, 5000);
    EXPECT(status_of(cluster, 1).term == term, "a node that hears nobody raises its term");
    cluster_note(cluster, "node 1 is back");
    cluster_isolate(cluster, 1, false);
    EXPECT(settle(cluster), "node 1 does not follow");
    return NULL;
}

static const char *a_conflict_is_cut(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "node 1 is cut off and takes three writes that reach nobody");
    cluster_isolate(cluster, 1, true);
    for (int i = 0; i < 3; i++) {
        EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    }
    EXPECT(elect(cluster, 1), "nobody takes over");
    node_id leader = cluster_leader(cluster, 0);
    EXPECT(cluster_write(cluster, leader, 0, 8), "the new leader does not take a write");
    cluster_run(cluster, 1500);
    show_logs(cluster, "two histories");
    cluster_note(cluster, "node 1 is back");
    cluster_isolate(cluster, 1, false);
    EXPECT(settle(cluster), "node 1 does not follow");
    for (node_id node = 1; node <= 3; node++) {
        cluster_judge(cluster, node);
    }
    EXPECT(
        raft_stats(cluster_machine(cluster, 1)->raft).entries_cut == 3, "not just three are cut"
    );
    show_logs(cluster, "one history");
    return NULL;
}

static const char *a_transfer_costs_no_election_timeout(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    cluster_note(cluster, "node 1 hands over to node 3");
    int64_t before = cluster_now(cluster).ns;
    EXPECT(cluster_transfer(cluster, 1, 0, 3), "the transfer is refused");
    EXPECT(!cluster_write(cluster, 1, 0, 8), "writes go on during a transfer");
    EXPECT(elect(cluster, 1), "nobody takes over");
    EXPECT(cluster_leader(cluster, 0) == 3, "it is not the heir");
    EXPECT(cluster_now(cluster).ns - before < 50 * 1000000, "the transfer is slow");
    EXPECT(settle(cluster), "they do not settle");
    show_logs(cluster, "in the end");
    return NULL;
}

// Deliberately cruel: with the vote of node 2 in term 2 forgotten, node 3 could win term 2 as well.
static const char *a_restart_keeps_the_vote(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    struct raft_group_status before = status_of(cluster, 2);
    cluster_note(cluster, "node 2 restarts");
    cluster_crash(cluster, 2);
    cluster_start(cluster, 2);
    struct raft_group_status after = status_of(cluster, 2);
    EXPECT(before.vote != 0, "node 2 never voted");
    EXPECT(after.term == before.term && after.vote == before.vote, "the vote is forgotten");
    cluster_note(cluster, "node 2 remembers its vote for node %u", after.vote);
    return NULL;
}

// A read begun by a leader that was cut off: what was said before it began confirms nothing.
static const char *an_old_round_confirms_nothing(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_run(cluster, 1000);
    cluster_note(cluster, "node 1 is cut off and begins a read");
    cluster_isolate(cluster, 1, true);
    uint64_t confirmed = raft_stats(cluster_machine(cluster, 1)->raft).reads_confirmed;
    EXPECT(cluster_read(cluster, 1, 0), "node 1 does not lead");
    uint64_t round = cluster_oracle(cluster)->groups[0].reads[0].round;
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, 2)->starts,
        .to_incarnation = cluster_machine(cluster, 1)->starts,
        .sequence = 1000000,
        .round = 1000000,
        .echo = round - 1,
        .held_version = 1,
    };
    struct message nothing = {.kind = MESSAGE_NONE};
    cluster_note(cluster, "a frame of node 2 arrives that echoes the round before");
    EXPECT(!err_is(cluster_forge(cluster, 2, 1, &header, &nothing)), "the frame is refused");
    EXPECT(
        raft_stats(cluster_machine(cluster, 1)->raft).reads_confirmed == confirmed,
        "an answer to an older round confirms the read"
    );
    header.sequence++;
    header.echo = round;
    cluster_note(cluster, "one that echoes the read's round");
    EXPECT(!err_is(cluster_forge(cluster, 2, 1, &header, &nothing)), "the frame is refused");
    EXPECT(
        raft_stats(cluster_machine(cluster, 1)->raft).reads_confirmed == confirmed + 1,
        "the round's own answer does not confirm the read"
    );
    cluster_note(cluster, "confirms the read");
    return NULL;
}

static const char *an_old_acknowledgement_counts_for_nothing(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    EXPECT(cluster_transfer(cluster, 1, 0, 2), "the transfer is refused");
    EXPECT(elect(cluster, 1) && settle(cluster), "nobody takes over");
    cluster_note(cluster, "node 2 is cut off and takes a write that reaches nobody");
    cluster_isolate(cluster, 2, true);
    EXPECT(cluster_write(cluster, 2, 0, 8), "the leader does not take a write");
    cluster_run(cluster, 20);
    struct raft_group_status led = status_of(cluster, 2);
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, 3)->starts, .sequence = 1000000, .round = 1000000};
    struct message ack = {
        .kind = MESSAGE_ACK,
        .group = 0,
        .term = led.term - 1,
        .from = status_of(cluster, 3).replica,
        .to = led.replica,
        .index = led.last,
    };
    cluster_note(cluster, "an acknowledgement of the term before arrives");
    EXPECT(!err_is(cluster_forge(cluster, 3, 2, &header, &ack)), "the frame is refused");
    EXPECT(status_of(cluster, 2).commit == led.commit, "it commits the write");
    return NULL;
}

// --- figure 8 of the Raft paper, with three nodes -----------------------------------------------

static bool
drops_entries_of_first(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    return from == 1 && message->kind != MESSAGE_COMMIT;
}

static bool
drops_entries_of_second(struct cluster *cluster, node_id from, const struct message *message) {
    (void)cluster;
    return from == 2 && message->kind == MESSAGE_APPEND;
}

enum {
    OLD_ENTRY = 2 // the one of the first term that is in doubt
};

static bool third_has_it(const struct cluster *cluster) {
    return cluster_oracle(cluster)->groups[0].logs[3].last >= OLD_ENTRY;
}

// What follows the old entry does not arrive.
static bool
drops_what_follows(struct cluster *cluster, node_id from, const struct message *message) {
    return from == 1 && message->kind == MESSAGE_APPEND && third_has_it(cluster) &&
           message->body.size > 0;
}

static bool first_counts_it(struct cluster *cluster, void *argument) {
    (void)argument;
    struct raft_group_status status = status_of(cluster, 1);
    return status.role == RAFT_LEADER && third_has_it(cluster) &&
           (status.followers[0].match >= OLD_ENTRY || status.followers[1].match >= OLD_ENTRY);
}

static const char *figure_8(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "(a) node 1 writes an entry that reaches nobody, and is killed");
    cluster_filter(cluster, drops_entries_of_first);
    EXPECT(cluster_write(cluster, 1, 0, LARGE_BYTES), "the leader does not take a write");
    EXPECT(status_of(cluster, 1).last == OLD_ENTRY, "it has another place");
    cluster_run(cluster, 20);
    cluster_crash(cluster, 1);
    cluster_note(cluster, "(b) node 2 opens a term that reaches nobody, and is killed");
    cluster_filter(cluster, drops_entries_of_second);
    cluster_run(cluster, 150);
    EXPECT(status_of(cluster, 2).role == RAFT_LEADER, "node 2 does not lead");
    cluster_crash(cluster, 2);
    show_logs(cluster, "two histories");
    cluster_note(
        cluster, "(c) node 1 is back, leads, and node 3 gets the old entry, but not the new term"
    );
    cluster_filter(cluster, drops_what_follows);
    cluster_start(cluster, 1);
    EXPECT(cluster_run_until(cluster, first_counts_it, NULL, SOON_MS), "the entry does not arrive");
    cluster_run(cluster, 20);
    show_logs(cluster, "a majority has the old entry: not committed");
    EXPECT(status_of(cluster, 1).commit < OLD_ENTRY, "an entry of an old term commits by counting");
    cluster_note(cluster, "(d) node 1 is killed, node 2 is back and may lead: the old entry goes");
    cluster_crash(cluster, 1);
    cluster_filter(cluster, NULL);
    cluster_start(cluster, 2);
    EXPECT(elect(cluster, 1), "nobody takes over");
    cluster_start(cluster, 1);
    EXPECT(settle(cluster), "they do not settle");
    show_logs(cluster, "one history");
    return NULL;
}

// --- rows instead of entries ---------------------------------------------------------------------

static const char *who_was_away_gets_rows(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_note(cluster, "node 3 is away while 40 entries are written; little of them is kept");
    cluster_crash(cluster, 3);
    for (int i = 0; i < 40; i++) {
        EXPECT(cluster_write(cluster, 1, 0, 100), "the leader does not take a write");
        cluster_run(cluster, 20);
    }
    cluster_run(cluster, 500);
    struct raft_group_status led = status_of(cluster, 1);
    EXPECT(led.first > 20, "all is kept");
    cluster_note(cluster, "node 3 is back");
    cluster_start(cluster, 3);
    EXPECT(settle(cluster), "node 3 does not catch up");
    struct raft_stats stats = raft_stats(cluster_machine(cluster, 3)->raft);
    EXPECT(stats.installs_ended == 1, "it got no rows");
    cluster_judge(cluster, 3);
    cluster_note(
        cluster,
        "it was given rows, then %llu entries; the epoch of its log is %llu",
        (unsigned long long)stats.entries_appended,
        (unsigned long long)store_log_epoch(cluster_machine(cluster, 3)->store, 0)
    );
    cluster_note(cluster, "node 2 is killed: node 3 counts again");
    cluster_crash(cluster, 2);
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    cluster_run(cluster, 100);
    EXPECT(status_of(cluster, 1).commit == status_of(cluster, 1).last, "it does not count");
    cluster_isolate(cluster, 1, true);
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    cluster_run(cluster, 20);
    led = status_of(cluster, 1);
    struct frame_header header = {
        .incarnation = cluster_machine(cluster, 3)->starts,
        .to_incarnation = cluster_machine(cluster, 1)->starts,
        .sequence = 1000000,
        .round = 1000000,
    };
    struct message ack = {
        .kind = MESSAGE_ACK,
        .group = 0,
        .term = led.term,
        .from = status_of(cluster, 3).replica,
        .to = led.replica,
        .index = led.last,
    };
    cluster_note(cluster, "an acknowledgement of the log it had before arrives");
    EXPECT(!err_is(cluster_forge(cluster, 3, 1, &header, &ack)), "the frame is refused");
    EXPECT(status_of(cluster, 1).commit == led.commit, "it commits a write");
    return NULL;
}

static const char *a_slow_disk_gives_leadership_away(struct cluster *cluster) {
    EXPECT(settle(cluster), "nobody leads after a start");
    cluster_run(cluster, 1000);
    cluster_note(cluster, "the disk of node 1 stands still");
    cluster_stall_disk(cluster, 1, 20000);
    EXPECT(cluster_write(cluster, 1, 0, 8), "the leader does not take a write");
    EXPECT(elect(cluster, 1), "leadership stays where nothing gets done");
    EXPECT(status_of(cluster, cluster_leader(cluster, 0)).term == 2, "it took several elections");
    cluster_note(cluster, "a second later node %u leads", cluster_leader(cluster, 0));
    return NULL;
}

const struct story stories[STORY_COUNT] = {
    {"election", 0, 0, 0, election},
    {"a_deaf_follower_unseats_nobody", 0, 0, 0, a_deaf_follower_unseats_nobody},
    {"a_leader_without_majority_steps_down", 0, 0, 0, a_leader_without_majority_steps_down},
    {"a_conflict_is_cut", 0, 0, 0, a_conflict_is_cut},
    {"a_transfer_costs_no_election_timeout", 0, 0, 0, a_transfer_costs_no_election_timeout},
    {"a_restart_keeps_the_vote", 0, 0, 0, a_restart_keeps_the_vote},
    {"an_old_round_confirms_nothing", 0, 0, 0, an_old_round_confirms_nothing},
    {"an_old_acknowledgement_counts_for_nothing",
     0,
     0,
     0,
     an_old_acknowledgement_counts_for_nothing},
    {"figure_8", 0, 0, 0, figure_8},
    {"who_was_away_gets_rows", 1000, 0, 0, who_was_away_gets_rows},
    {"a_slow_disk_gives_leadership_away", 0, 0, 0, a_slow_disk_gives_leadership_away},
    {"one_becomes_three_and_one_again", 0, 3, 1, story_one_becomes_three_and_one_again},
    {"an_empty_learner_gets_no_vote", 0, 3, 2, story_an_empty_learner_gets_no_vote},
    {"a_joint_config_outlives_its_leader", 0, 5, 3, story_a_joint_config_outlives_its_leader},
    {"a_leader_is_removed", 0, 3, 3, story_a_leader_is_removed},
    {"a_lost_store_is_another_replica", 0, 3, 3, story_a_lost_store_is_another_replica},
    {"a_config_goes_back_with_its_entry", 0, 4, 3, story_a_config_goes_back_with_its_entry},
    {"a_later_want_replaces_an_earlier_one", 0, 5, 3, story_a_later_want_replaces_an_earlier_one},
    {"a_founder_that_gets_rows_leads_nothing",
     1000,
     2,
     1,
     story_a_founder_that_gets_rows_leads_nothing},
    {"a_founder_that_comes_back_is_no_founder",
     0,
     3,
     1,
     story_a_founder_that_comes_back_is_no_founder},
    {"what_nobody_wants_any_more_stands_still",
     0,
     4,
     3,
     story_what_nobody_wants_any_more_stands_still},
    {"who_was_removed_while_away_hears_so", 0, 4, 3, story_who_was_removed_while_away_hears_so},
    {"a_leader_brings_rows_before_it_may_decide",
     1000,
     0,
     0,
     story_a_leader_brings_rows_before_it_may_decide},
    {"rows_of_an_earlier_leader_are_given_anew",
     1000,
     0,
     0,
     story_rows_of_an_earlier_leader_are_given_anew},
    {"who_gets_rows_votes_for_who_has_them",
     1000,
     0,
     0,
     story_who_gets_rows_votes_for_who_has_them},
    {"who_gives_rows_may_be_lost", 1000, 0, 0, story_who_gives_rows_may_be_lost},
    {"an_old_word_begins_no_install", 1000, 0, 0, story_an_old_word_begins_no_install},
    {"who_has_wrong_rows_remembers_it", 1000, 0, 0, story_who_has_wrong_rows_remembers_it},
    {"a_learner_that_gets_rows_is_left_in_peace",
     1000,
     2,
     1,
     story_a_learner_that_gets_rows_is_left_in_peace},
};

const char *story_run(const struct story *story, char room[ORACLE_TEXT_BYTES], char **out_text) {
    struct cluster_options options = {
        .seed = 8,
        .node_count = story->nodes == 0 ? 3 : story->nodes,
        .voter_count = story->founders,
        .group_count = 1,
        .history_bytes = story->history_bytes,
        .tells_of_connections = true,
    };
    struct cluster *cluster = cluster_create(&options);
    cluster_tell_story(cluster, false);
    const char *failure = story->tell(cluster);
    if (cluster_failure(cluster) != NULL) {
        (void)snprintf(room, ORACLE_TEXT_BYTES, "%s", cluster_failure(cluster));
        failure = room;
    }
    if (out_text != NULL) {
        *out_text = strdup(cluster_story(cluster));
    }
    cluster_destroy(&cluster);
    return failure;
}
