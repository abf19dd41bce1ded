// A second opinion on storage: every row as the log entries wrote it, kept apart from the store.
//
// After each step the shadow reads the new entries; the machine tells it what the disk has and what
// the core was told. When the store comes back from a crash, its rows must be the shadow's at the
// entry recovery ended with (invariants 9, 10, 11, 12), and that entry must not be older than what
// was durable.
#pragma once

#include "storage/store.h"
#include "tests/simulation/world.h"

struct shadow;

struct shadow *shadow_create(struct world *world, uint32_t group_count);
void shadow_destroy(struct shadow **shadow);

// Reads entries that are new in the store; checks that terms, indexes and partition times only grow
// and that nothing is committed which the core was not told to be durable.
void shadow_follow(struct shadow *shadow, const struct store *store);

// A log batch was taken: it holds every entry followed so far. Then it came to be on the disk; then
// the store had it back; then the core was told of all that the store had back.
void shadow_batch_taken(struct shadow *shadow);
void shadow_batch_durable(struct shadow *shadow);
void shadow_batch_ended(struct shadow *shadow);
void shadow_batch_told(struct shadow *shadow);

// The store was opened after a crash: compares all rows and forgets what was lost.
void shadow_recover(struct shadow *shadow, struct store *store);

// Compares all rows and each group's state hash; everything must be checkpointed.
void shadow_compare_settled(struct shadow *shadow, struct store *store);

// The store was opened on a damaged copy of the disk, right after shadow_recover: it may have lost
// the last batch, nothing else.
void shadow_compare_rotten(struct shadow *shadow, struct store *store);

uint64_t shadow_rows_compared(const struct shadow *shadow);
uint64_t shadow_entries(const struct shadow *shadow);
