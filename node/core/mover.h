// What the system group's leader does about replicas: computes where they belong when members
// changed, plans the next moves of what others told it (report.h), says who votes in its own group.
// Plans are rows; the leader of each group carries its own out (wants.h). Thread: core.
#pragma once

#include "node/core/system_table.h"
#include "node/move/move.h"

struct node;

// Members that have not left, and all groups as the table plans them and their leaders told them.
// Lives in the node's arena.
struct move_state mover_state(const struct node *node, const struct system_table *table);

// One look: writes what changes into the decision. True: something did. `*out_system`: whom to want
// in the system group, once the decision has ended; no voters: nobody yet.
bool mover_turn(
    struct node *node,
    struct decision *decision,
    struct system_table *table,
    struct raft_target *out_system
);

// Gives `nodes` to a row, in the node's arena.
struct wire_u32_list mover_list(struct node *node, const struct move_nodes *nodes);
struct move_nodes mover_nodes(const struct wire_u32_list *list);
