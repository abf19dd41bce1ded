// Who is a member, as this node has it from committed rows of the system group, and which of them
// it is linked with (distributed.md §12).
//
// A node starts with the list of its configuration, which says only how to find others. Rows of the
// system group – its own copy's – are the truth: who stands in them and has not left is a member.
// Every change is told to the shell (EFFECT_MEMBER), so that links and gossip follow.
//
// A row names the store of its node, as links proved it. One that comes with another store lost its
// disk: it is the same member, and node/raft makes its replicas anew, under other numbers, because
// what was promised by the old ones is not known to it. Who decides about rows is membership.h.
// Thread: core.
#pragma once

#include "node/core/effect.h"
#include "node/core/system_rows.h"
#include "node/raft/raft.h"

struct node;
struct node_options;

// The members of the list, then those of the rows that are here.
void members_create(struct node *node, const struct node_options *options);

// Tells Raft, which is there by now, of them.
void members_reach(struct node *node);

// All rows were replaced: takes them up anew.
void members_load(struct node *node);

// A row of the system group was committed.
void members_entry(struct node *node, bytes key, bytes value);

// What a link proved of the node behind it.
struct member_proof {
    id128 store_id;       // zero: it does not say
    uint16_t release_low; // the versions of rows and messages it speaks; 0: it does not say
    uint16_t release_high;
};

// The link to a node is up, or is gone.
void members_linked(struct node *node, node_id id, bool linked, const struct member_proof *proof);

// Tells the shell what it does not know yet.
void members_pump(struct node *node);

// The version whose rows and messages all members know: what a later one brought is neither written
// nor sent before it rises to that (distributed.md §12). 0: not known here yet.
uint32_t members_version(const struct node *node);

// Since when there are … 3: bodies that are staged (scheduler/staging.h).
enum {
    STAGE_VERSION = 3
};

// How many members there are or may come back; this node is one.
size_t members_count(const struct node *node);
