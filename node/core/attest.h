// Copies of a group compare their states (distributed.md §3.2, invariant 5). At every index at
// which all checkpoints stop (store_attested) a follower tells its leader the hash of its rows. One
// that differs from what the leader and, with it, a majority has is wrong: it is told so, neither
// serves nor votes from then on, and is given the rows anew. A leader that finds itself alone with
// its hash hands the group over. Nothing is said while nothing is written. Thread: core.
#pragma once

#include "storage/store.h"

struct node;
struct node_peer;
struct peer_attest;

// A checkpoint ended: new hashes are told, or judged.
void attest_checkpointed(struct node *node);

// A follower tells its hash; a leader, that this node's copy is wrong.
void attest_told(struct node *node, const struct node_peer *from, const struct peer_attest *said);

// The newest copy that this node, as a leader, found to differ. `group` counts when `index` is not
// 0.
struct attest_difference {
    group_id group;
    uint16_t node; // this one: it was itself in the minority
    log_index index;
};
