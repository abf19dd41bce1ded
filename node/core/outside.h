// A replica that is said to be no member of its group any more (distributed.md §4, rule 8). What it
// holds may be the last copy somebody needs, and who said so may be a leader of the past: so it
// goes only when the group's leader, with a majority behind it, and the system group's leader, with
// one behind it, both say that nothing of this replica is wanted. Thread: core.
#pragma once

#include "node/core/peer_message.h"
#include "node/raft/raft.h"

struct node;

// RAFT_OUTSIDE: begins to ask.
void outside_said(struct node *node, group_id id, uint64_t replica);

// RAFT_FORGOTTEN, or there is another replica now.
void outside_over(struct node *node, group_id id);

// What other nodes ask, and answer.
void outside_asked(struct node *node, node_id from, const struct peer_outside *asked);
void outside_confirmed(struct node *node, node_id from, const struct peer_outside *said);

void outside_pump(struct node *node);
bool outside_next_wakeup(const struct node *node, mono_time *out_at);
