// Giving leadership away: rule 11 of distributed.md §4, and a node that is about to stop.
//
// A node whose log is slow, or whose core thread did not come round, may be only slow, not dead:
// its followers hear it and stand by it, while everything it leads waits. So it hands over by
// itself. The log is slow when something waits for it longer than LIMIT_RAFT_SLOW_MS; the core
// thread stalled when it looks at the clock LIMIT_RAFT_STALL_MS later than it was asked to when it
// last had done everything. What came to be due since, by a message or a new list, is no stall.
#include "node/raft/raft_internal.h"

// The one that has most and answers; NULL: none is fit.
static const struct follower *fittest(const struct raft *raft, const struct replica *replica) {
    const struct follower *best = NULL;
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        const struct follower *follower = replica->followers[i];
        bool fit = (follower->votes & CONFIG_NEXT) != 0 && follower->progress == RAFT_REPLICATING &&
                   follower->counts && !pair_is_silent(raft, follower->pair);
        if (fit && (best == NULL || follower->match > best->match)) {
            best = follower;
        }
    }
    return best;
}

bool offer_one(struct raft *raft, struct replica *replica) {
    const struct follower *heir = fittest(raft, replica);
    return heir != NULL && replica->transfer_to == 0 &&
           election_start_transfer(raft, replica, heir->node);
}

uint32_t raft_offer_away(struct raft *raft) {
    uint32_t led = 0;
    for (uint32_t i = 0; i < raft->group_count; i++) {
        struct replica *replica = &raft->replicas[i];
        if (replica->role != RAFT_LEADER || member_decides_alone(raft, replica)) {
            continue;
        }
        led++;
        (void)offer_one(raft, replica);
    }
    return led;
}

void raft_set_fit(struct raft *raft, bool fit) {
    raft->unfit = !fit;
}

void offer_look(struct raft *raft) {
    bool is_slow =
        raft->pending_count > 0 && mono_passed(raft, raft->pending_since, LIMIT_RAFT_SLOW_MS);
    bool stalled = raft->due.ns != 0 && mono_passed(raft, raft->due, LIMIT_RAFT_STALL_MS);
    if ((is_slow || stalled) && mono_passed(raft, raft->offered, LIMIT_RAFT_ABANDON_MS)) {
        raft->offered = raft->now;
        raft->stats.offers++;
        (void)raft_offer_away(raft);
    }
}
