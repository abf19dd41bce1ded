// Agreement (invariants 1, 2, 3, 4, 8, 9 of the design), looked at after every step of a node. What
// concerns one node's log alone is the shadow's, what is committed the chronicle's.
#pragma once

#include "tests/simulation/fleet.h"

struct raft_watch;

struct raft_watch *raft_watch_create(struct world *world, struct fleet *fleet);
void raft_watch_destroy(struct raft_watch **watch);

// A node took a step, or came back.
void raft_watch_stepped(struct raft_watch *watch, uint16_t number);

// Elections won by somebody, and seen.
uint64_t raft_watch_elections(const struct raft_watch *watch);
