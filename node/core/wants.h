// What the leader of a group does to make it what the plan says (distributed.md §2, §12): asks Raft
// for the voters of the plan's committed row, and hands over when this node leaves. Thread: core.
#pragma once

#include "storage/store.h"

#include <stdbool.h>

struct node;

// This node came to lead the group.
void wants_lead(struct node *node, group_id group);

// A committed row of the plan.
void wants_planned(struct node *node, bytes key, bytes value);

// All rows of it, as they are here now.
void wants_load(struct node *node);

void wants_pump(struct node *node);
bool wants_next_wakeup(const struct node *node, mono_time *out_at);
