// Proof that a leader still leads: rule 13 of distributed.md §4, §6 (ReadIndex).
//
// Rounds are numbers of the node, not of a group. Every frame names the newest round of its sender
// and echoes the newest it saw of the receiver's, next to the version of the receiver's list it
// holds to and the groups of it that it does not. Each such header is one true statement: "when I
// had seen your round e, I followed you in these groups, in the terms of that list". A read of a
// group is confirmed when a majority stated that with e at or above its round. So one exchange
// between two nodes confirms reads of all groups of the pair, and acknowledgements carry it along.
//
// A round begins by the first read after the newest round was sent; while a question to a pair is
// unanswered, later reads wait for the next: under load that is one question a round trip.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

void read_round(struct raft *raft) {
    if (raft->round_sent) {
        raft->round++;
        raft->round_sent = false;
        raft->round_begun = raft->now;
    }
}

uint64_t raft_read_begin(struct raft *raft, group_id group) {
    check(raft_is_leader(raft, group));
    struct replica *replica = &raft->replicas[group];
    if (member_decides_alone(raft, replica)) {
        return 0;
    }
    read_round(raft);
    replica->read_wanted = raft->round;
    if (replica->read_first == 0) {
        replica->read_first = raft->round;
    }
    if (!replica->reading) {
        replica->reading = true;
        ring_push(&raft->readers, group);
    }
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        replica->followers[i]->pair->read_round = raft->round;
    }
    return raft->round;
}

static int64_t stated_round(const struct replica *replica, const struct follower *follower) {
    (void)replica;
    if (mutant_is("read_index_of_old_round")) {
        return pair_covers(follower->pair, follower) ? INT64_MAX : 0;
    }
    bool covers = pair_covers(follower->pair, follower) || mutant_is("read_ignores_term");
    return covers ? (int64_t)follower->pair->echo : 0;
}

// The newest round that a majority stated, this node with it.
static uint64_t majority_round(const struct raft *raft, const struct replica *replica) {
    int64_t round = member_quorum(raft, replica, INT64_MAX, stated_round);
    return round < 0 ? 0 : (uint64_t)round;
}

static void count(struct raft *raft, struct replica *replica) {
    uint64_t round = majority_round(raft, replica);
    if (round < replica->read_first) {
        return;
    }
    round = round < replica->read_wanted ? round : replica->read_wanted;
    replica->read_first = round == replica->read_wanted ? 0 : round + 1;
    raft_event(raft, replica, RAFT_READ_CONFIRMED)->read = round;
    raft->stats.reads_confirmed++;
}

void read_count_all(struct raft *raft, const struct pair *pair) {
    for (uint32_t left = raft->readers.count; left > 0; left--) {
        struct replica *replica = &raft->replicas[ring_pop(&raft->readers)];
        bool waits = replica->role == RAFT_LEADER && replica->read_first != 0;
        if (waits && replica_follower(replica, pair->node) != NULL) {
            count(raft, replica);
        }
        replica->reading = waits && replica->read_first != 0;
        if (replica->reading) {
            ring_push(&raft->readers, replica->id);
        }
    }
}
