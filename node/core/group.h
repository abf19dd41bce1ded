// What the core keeps of a group beside its rows. Agreement itself is node/raft; here is what the
// leader of a group needs to make entries, and what has to happen when they commit. Thread: core.
#pragma once

#include "node/move/move.h"
#include "proto/base/time.h"
#include "storage/store.h"

// An entry that applied a message of another group: told to the source when it is committed.
struct group_ack {
    log_index index;
    group_id source;
    uint64_t sequence;
};

struct group {
    group_id id;
    bool has_copy; // this node is one of its voters
    bool leading;  // this node leads it and its term is open: it may decide
    uint16_t home; // the node that leads it when all are well
    // Its rows are being restored, or put right after a recovery: led, once the beginning of that
    // is committed it is not `leading`.
    bool restoring;
    bool entering;        // of the two, the second (renewals.h)
    uint32_t epoch;       // that its streams are to be in
    bool walking;         // led, and looks through its executions after that
    mono_time held_until; // its log is kept for a backup; 0: it is not
    log_index held_from;
    uint64_t mark; // of the newest backup that cut it (marks.h)
    // Of a group without a copy here: who said last that it leads, and in which term.
    uint16_t told_leader;
    uint64_t told_term;
    struct move_nodes planned; // by the newest committed row; count 0: there is none
    mono_time wants_since;     // when this node came to lead it: wants.c
    bool is_outside;           // the replica here is said to be no member: outside.c
    uint64_t outside;          // its number; 0: it ended before it was told its own
    bool outside_by_group;
    bool outside_by_system;
    uint64_t term;
    int64_t time_ms;         // partition time of the newest entry: never goes back
    mono_time time_at;       // when that entry was made, or taken over
    log_index last_index;    // newest entry
    log_index visited;       // committed entries whose rows were taken up
    log_index attested_told; // to the leader of that term (attest.h)
    uint64_t attested_term;
    bool rot_told;
    struct attest_report *reports; // of others to this node; NULL: none yet
    struct group_ack *acks;        // a ring, oldest first
    uint32_t ack_capacity;         // a power of two, or 0
    uint32_t ack_first;
    uint32_t ack_count;
};

void group_init(struct group *group, group_id id, const struct store *store, mono_time now);
void group_deinit(struct group *group);

// This node leads from now on: what the store knows is the newest there is.
void group_lead(struct group *group, uint64_t term, const struct store *store, mono_time now);

// Whether entries can be made here, be they those of a restore.
bool group_is_led(const struct group *group);

// Leadership ended: acknowledgements that wait are not this node's to send any more.
void group_follow(struct group *group);

// The partition time of an entry made at `cluster` time (distributed.md §7): that, or later. Time
// that is ahead runs at 95 % until cluster time has caught up; it never stands.
wall_time group_time(const struct group *group, wall_time cluster, mono_time now);

// Ends the transaction as an entry of the group's term. False: it had no writes, there is no entry.
bool group_propose(
    struct group *group,
    struct store_txn **txn,
    wall_time time,
    mono_time now,
    log_index *out_index,
    log_lsn *out_lsn
);

// The entry `index`, just made, applied a message.
void group_ack_add(struct group *group, log_index index, group_id source, uint64_t sequence);

// The next such entry at or below `committed`. False: none.
bool group_ack_take(struct group *group, log_index committed, struct group_ack *out_ack);
