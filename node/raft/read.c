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
    if (replica->voter_count == 1) {
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
    for (uint32_t i = 0; i < replica_others(replica); i++) {
        replica->followers[i].pair->read_round = raft->round;
    }
    return raft->round;
}

static uint64_t stated_round(const struct follower *follower) {
    if (mutant_is("read_index_of_old_round")) {
        return pair_covers(follower->pair, follower) ? UINT64_MAX : 0;
    }
    bool covers = pair_covers(follower->pair, follower) || mutant_is("read_ignores_term");
    return covers ? follower->pair->echo : 0;
}

// The newest round that a majority stated, this node with it.
static uint64_t majority_round(const struct replica *replica) {
    uint64_t rounds[RAFT_VOTERS_MAX] = {UINT64_MAX};
    uint32_t count = 1;
    for (uint32_t i = 0; i < replica_others(replica); i++) {
        uint64_t round = stated_round(&replica->followers[i]);
        uint32_t at = count++;
        for (; at > 0 && rounds[at - 1] < round; at--) {
            rounds[at] = rounds[at - 1];
        }
        rounds[at] = round;
    }
    return rounds[replica->voter_count / 2];
}

static void count(struct raft *raft, struct replica *replica) {
    uint64_t round = majority_round(replica);
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
