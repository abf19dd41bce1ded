// Who agrees on a group: its members, as an entry of its log says (rules 6 and 7 of distributed.md
// §4; Ongaro's thesis §4.3).
//
// A config is a value under the key KEY_CONFIG of the group, written by node/raft alone. A member
// is a *replica*: a node and a number that no other replica of the group ever has. Each has votes
// in one or both of two sets; a decision needs a majority of each set that has voters:
//
//   votes       now   next
//   learner      –     –     gets everything, counts for nothing
//   voter        x     x
//   leaving      x     –     while joint: a learner once the joint config is left
//   entering     –     x     while joint: a voter once it is left
//
// So a config with a leaving or entering member is joint, and voters come and go through it; only
// learners are added, replaced and dropped at once, which moves no majority.
//
// Pure values. Thread: any.
#pragma once

#include "node/raft/raft.h"
#include "proto/limits.h"

enum {
    CONFIG_NOW = 1,
    CONFIG_NEXT = 2,
    CONFIG_VOTER = CONFIG_NOW | CONFIG_NEXT,
    // Of the value as it lies in a row: the head, and what a member takes.
    CONFIG_HEAD_BYTES = 1 + 8 + 8 + 2 + 1,
    CONFIG_MEMBER_BYTES = 2 + 8 + 8 + 1,
    CONFIG_BYTES_MAX = CONFIG_HEAD_BYTES + RAFT_MEMBERS_MAX * CONFIG_MEMBER_BYTES,
    // An entry that holds one is never larger: its key, and a head for both.
    CONFIG_ENTRY_BYTES_MAX = CONFIG_BYTES_MAX + 32
};

struct config_member {
    node_id node;
    uint64_t replica; // 1 and up
    uint64_t store;   // the one it lives in (raft_store_number); 0: not known yet
    uint8_t votes;
};

struct config {
    log_index index;       // of its entry; 0: the initial one, which is in no log
    uint64_t next_replica; // above every number ever given
    node_id preferred;     // leader
    uint32_t count;        // 0: nothing is known
    struct config_member members[RAFT_MEMBERS_MAX];
};

// The config a group is founded with. Every founder makes the same of the same nodes.
struct config config_initial(const struct raft_config *founders);

void config_put(const struct config *config, struct buffer *out);
// Errors: ERR_INVALID (not such a value, or one that could not be).
MUST_USE err config_take(bytes value, struct config *out_config);

const struct config_member *config_find(const struct config *config, node_id node);
bool config_is_joint(const struct config *config);
uint32_t config_voter_count(const struct config *config); // of both sets together

// Whether that replica was a member once and is none by this config.
bool config_is_removed(const struct config *config, node_id node, uint64_t replica);

// The highest value that a majority has reached, of both sets while joint; `values` by place of the
// member, learners' count for nothing. INT64_MIN: of a config without voters.
int64_t config_quorum(const struct config *config, const int64_t values[RAFT_MEMBERS_MAX]);

// Where a node's replicas live.
struct config_store {
    node_id node;
    uint64_t store;
};

// What its leader knows of the members, by their place, and of any node's store.
struct config_facts {
    bool ready[RAFT_MEMBERS_MAX];   // a learner that keeps up
    bool has_all[RAFT_MEMBERS_MAX]; // that is committed
    bool lost[RAFT_MEMBERS_MAX];    // the node's store is another one
    uint32_t store_count;
    struct config_store stores[LIMIT_NODES];
};

// The next config from a settled (not joint) one towards the target. False: it is there, or must
// wait for a learner to keep up.
bool config_next(
    const struct config *now,
    const struct raft_target *target,
    const struct config_facts *facts,
    struct config *out_next
);
// Whether a settled config has the members, votes and first choice of the target.
bool config_is_reached(const struct config *now, const struct raft_target *target);
// The config that a joint one becomes.
struct config config_leave(const struct config *joint);
