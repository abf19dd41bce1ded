// What must hold whatever happens (distributed.md §15.2: 1–10, 13, 34), judged from outside: by
// what stores hold, what frames say and what was told to clients.
#pragma once

#include "node/raft/config.h"
#include "node/raft/message.h"
#include "node/raft/raft.h"
#include "storage/store.h"

enum {
    CLUSTER_NODES_MAX = 7,
    CLUSTER_GROUPS_MAX = 8,
    ORACLE_KEYS = 8,
    ORACLE_TEXT_BYTES = 1024
};

struct oracle_entry {
    uint64_t term;
    hash128 chain;
    uint64_t committed_in; // by the leader of that term; only of what is committed
};

// Configs of a log, by index.
struct oracle_configs {
    struct config *items;
    size_t count, capacity;
};

// A node's copy of a group as the oracle last saw it. `durable` and the hard state are what a crash
// would leave.
struct oracle_log {
    struct oracle_entry *entries; // [1 … last]
    size_t capacity;
    log_index last;
    log_index durable;
    log_index commit;
    uint64_t term, durable_term;
    node_id vote, durable_vote;
    bool batch_out; // with what the next three say
    log_index batch_last;
    uint64_t batch_term;
    node_id batch_vote;
    uint64_t batch_epoch;
    uint64_t epoch, durable_epoch; // of the log: rises with an install
    bool installing;
    uint64_t leading_term; // 0: does not lead
    struct oracle_configs configs;
    uint64_t values[ORACLE_KEYS]; // of its committed state
    struct config in_force;       // before the input that is being looked at
};

// What was written by a client at an index, in a term.
struct oracle_write {
    log_index index;
    uint64_t term;
    uint32_t key;
    uint64_t value;
};

struct oracle_read {
    node_id node;
    uint64_t term;
    uint64_t round;
    log_index evaluated; // at that index
    log_index required;  // committed anywhere when it began
};

struct oracle_group {
    struct oracle_configs configs; // committed, the founders' first
    struct config_member *named;   // every member there ever was, by replica
    size_t named_capacity;
    struct oracle_log logs[CLUSTER_NODES_MAX + 1]; // by node id
    struct oracle_entry *committed;                // [1 … commit]
    size_t committed_capacity;
    log_index commit;
    node_id *leaders; // by term
    size_t leaders_capacity;
    node_id *votes[CLUSTER_NODES_MAX + 1]; // by term: whom the node's vote was told to
    size_t votes_capacity[CLUSTER_NODES_MAX + 1];
    struct oracle_write *writes;
    size_t writes_capacity, writes_count;
    struct oracle_read *reads;
    size_t reads_capacity, reads_count;
};

struct oracle {
    uint32_t group_count;
    struct oracle_group groups[CLUSTER_GROUPS_MAX];
    char failure[ORACLE_TEXT_BYTES]; // empty: none
    uint64_t commits;
    uint64_t reads_judged;
    uint64_t changes; // of members, committed
    bool watches;     // a frame of removed replicas alone is being taken
    uint64_t watched[CLUSTER_GROUPS_MAX][3];
};

void oracle_init(struct oracle *oracle, uint32_t group_count);
void oracle_founded(struct oracle *oracle, group_id group, const struct config *config);
void oracle_deinit(struct oracle *oracle);

// A node opened its store: what it said before must be there.
void oracle_started(struct oracle *oracle, node_id node, group_id group, const struct store *store);
// After an input, before its frames leave.
void oracle_observe(
    struct oracle *oracle,
    node_id node,
    group_id group,
    const struct store *store,
    const struct raft *raft
);
// All events of an input were told: what is in force now counts for the next one.
void oracle_input_ends(struct oracle *oracle, node_id node, group_id group);
// A batch takes all that is there; it is synced; or the power goes.
void oracle_batch_began(struct oracle *oracle, node_id node);
void oracle_batch_synced(struct oracle *oracle, node_id node);
void oracle_crashed(struct oracle *oracle, node_id node);

// The store of the node is lost.
void oracle_wiped(struct oracle *oracle, node_id node);

// The newest committed config.
const struct config *oracle_config(const struct oracle *oracle, group_id group);

// Before and after a frame is taken.
void oracle_frame_arrives(
    struct oracle *oracle, node_id node, const struct raft *raft, node_id from, bytes frame
);
void oracle_frame_taken(struct oracle *oracle, node_id node, const struct raft *raft);

// A frame of `node` leaves for `to`.
void oracle_hear(struct oracle *oracle, node_id node, node_id to, bytes frame);

void oracle_wrote(struct oracle *oracle, group_id group, const struct oracle_write *write);
// Entries up to `index` are said to be committed.
void oracle_committed(struct oracle *oracle, node_id node, group_id group, log_index index);
// All up to `index` is here by a snapshot and the entries after it.
void oracle_installed(struct oracle *oracle, node_id node, group_id group, log_index index);
// The readable state of a node that does not lead is what it was told is committed.
void oracle_judge_state(struct oracle *oracle, node_id node, group_id group, struct store *store);
void oracle_read_began(struct oracle *oracle, group_id group, const struct oracle_read *read);
void oracle_read_confirmed(struct oracle *oracle, node_id node, group_id group, uint64_t round);
// The key of a number, as clients write it: a letter.
bytes oracle_key(uint32_t key);

PRINTF_LIKE(2, 3) void oracle_fail(struct oracle *oracle, const char *format, ...);
