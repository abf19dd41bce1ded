// Bodies on their way into the log ahead of the entries that name them: a piece an entry, the next
// one when an earlier one is committed, so that what others decide goes in between
// (scheduler/staging.h; distributed.md §5.1).
//
// In memory only: who leads next knows nothing of them, and whoever wanted them asks again.
// Thread: core.
#pragma once

#include "scheduler/decision.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct stages;

struct stages *stages_create(void);
void stages_destroy(struct stages **stages);

// Whether decisions may wait for stages: every member knows their rows.
bool stages_are_known(const struct node *node);

// Whether there is room in memory for what the decision wants; without, nothing is begun for it.
bool stages_have_room(const struct node *node, const struct decision *decision);

// `done`, or ERR_SUSPENDED when the decision succeeded but for bodies that it wants staged.
err stages_look(const struct decision *decision, err done);

// Begins with what the decision wants; copies it. Returns how many its job hears of, one by one, by
// job_staged: each is in the log, or will not be. Before the decision ends.
size_t stages_begin(struct node *node, const struct decision *decision, uint64_t job_id);

// Writes what may be written now. Bounded; may set more_to_do.
void stages_pump(struct node *node);

void stages_committed(struct node *node, group_id group, log_index index);

// Leadership of the group ended.
void stages_lost(struct node *node, group_id group);

// Under way now.
size_t stages_count(const struct stages *stages);
