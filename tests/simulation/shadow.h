// A second opinion on one node's log: how far each group's log reaches, and how much of it is on
// the disk for certain, kept apart from the store.
//
// After each step the shadow looks at what is new; the machine tells it what the disk has and what
// the core was told. When the store comes back from a crash, no durable entry, term or vote may be
// missing, and nothing may be there that was never made (invariants 6, 7, 9, 10, 12). What the rows
// must be is the chronicle's to say, and what a log stands for that was dropped for a snapshot.
#pragma once

#include "storage/store.h"
#include "tests/simulation/chronicle.h"
#include "tests/simulation/world.h"

struct shadow;

// `only_voter`: what is committed then needs no other node, and must have been told to the core.
struct shadow *shadow_create(
    struct world *world,
    const struct chronicle *chronicle,
    uint16_t node,
    uint32_t group_count,
    bool only_voter
);
// The node's number is known only now; it has done nothing yet.
void shadow_name(struct shadow *shadow, uint16_t node);

void shadow_destroy(struct shadow **shadow);

// Looks at entries that are new in the store, or were cut; checks that terms, commits and partition
// times only grow. True: a log is another than before, or more of it is committed.
bool shadow_follow(struct shadow *shadow, const struct store *store);

// A log batch was taken: it holds all that was followed so far. Then it came to be on the disk;
// then the store had it back; then the core was told of all that the store had back.
void shadow_batch_taken(struct shadow *shadow);
void shadow_batch_durable(struct shadow *shadow);
void shadow_batch_ended(struct shadow *shadow);
void shadow_batch_told(struct shadow *shadow);

// The store was opened after a crash: nothing durable is lost. Forgets what was.
void shadow_recover(struct shadow *shadow, const struct store *store);

// The shadow of a machine that goes on with this store begins with what that holds. Before anything
// else.
void shadow_adopt(struct shadow *shadow, const struct store *store);

// The store was opened on a damaged copy of the disk, right after shadow_recover: it may have lost
// the last batch, nothing else.
void shadow_check_rotten(const struct shadow *shadow, const struct store *store);

// The newest entry, and the newest that is on the disk for certain, of the log as it is now.
log_index shadow_last(const struct shadow *shadow, group_id group);
log_index shadow_durable(const struct shadow *shadow, group_id group);

// Whether the group's rows are being replaced: its copy counts for nothing. How often they were.
bool shadow_is_installing(const struct shadow *shadow, group_id group);
uint64_t shadow_epoch(const struct shadow *shadow, group_id group);

// Of an entry from 1 to shadow_last.
uint64_t shadow_term(const struct shadow *shadow, group_id group, log_index index);
hash128 shadow_chain(const struct shadow *shadow, group_id group, log_index index);

// The term that the node is in now.
uint64_t shadow_newest_term(const struct shadow *shadow, group_id group);

// How often entries of the group were dropped.
uint64_t shadow_cuts(const struct shadow *shadow, group_id group);

uint64_t shadow_entries(const struct shadow *shadow);
