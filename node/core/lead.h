// Which groups this node leads, and what begins and ends with that: node/raft says so, here the
// core takes it up. Also what happens when entries commit. Thread: core.
#pragma once

#include "node/core/effect.h"
#include "node/core/peer_message.h"
#include "node/raft/raft.h"

struct node;
struct node_options;
struct node_peer;

void lead_create(struct node *node, const struct node_options *options);

// Takes up what Raft says, and gives out what it wants sent.
void lead_drain(struct node *node);

// Whether the group is led here and entries may be made.
bool lead_may_decide(const struct node *node, group_id group);

// A committed entry says whether the group's rows are being restored: what this node keeps of them
// in memory goes, or is loaded once they are whole.
void lead_restoring(struct node *node, group_id id, bool restoring);

// Loads the queues' supply anew after leadership changed.
void lead_pump(struct node *node);

// Hands each group led here to the follower that is furthest, of those that suit.
void lead_give_away(struct node *node, bool (*suits)(const struct node *node, node_id to));

// While the node is leaving: hands each group to the follower that is furthest.
void lead_leave_pump(struct node *node);

// Tells a node that came up which groups are led here: it may have no copy of them to know it by.
void lead_tell(struct node *node, const struct node_peer *to);
void lead_told(struct node *node, node_id from, const struct peer_leads *leads);

void lead_destroy(struct node *node);
