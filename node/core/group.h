// Agreement inside one group of replicas, seen from a node: propose, and learn what was committed.
//
// Today a group has one voter, this node: an entry is committed once it is durable here. The shape
// is Raft's, which takes this file's place: a term is opened, decisions become entries of it,
// commits come back in order of the log. Thread: core.
#pragma once

#include "proto/base/time.h"
#include "storage/store.h"

struct group {
    group_id id;
    uint64_t term;
    int64_t time_ms; // partition time of the newest entry: never goes back
    log_index last_index;
};

// A proposal on its way to being committed.
struct proposal {
    log_lsn lsn;
    group_id group;
    log_index index;
    group_id ack_source;   // the entry applied a message of that group …
    uint64_t ack_sequence; // … up to this sequence; 0: none
};

struct proposals; // first in, first out by lsn

struct proposals *proposals_create(void);
void proposals_destroy(struct proposals **proposals);

// Opens the group's term. A group that never had one gets term 1 with this node's vote; what the
// log holds is committed, because its only voter has it.
struct group group_open(struct store *store, group_id id);

// The partition time of an entry made at `wall` (distributed.md §7).
wall_time group_time(const struct group *group, wall_time wall);

// Ends the transaction as an entry of the group's term. False: it had no writes, there is no entry.
bool group_propose(
    struct group *group, struct store_txn **txn, wall_time time, struct proposal *out_proposal
);

void proposals_add(struct proposals *proposals, const struct proposal *proposal);

// The next proposal that is committed now that the log is durable up to `lsn`. False: none.
bool proposals_take_committed(
    struct proposals *proposals, log_lsn lsn, struct proposal *out_proposal
);
