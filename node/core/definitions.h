// Definitions are the same everywhere (distributed.md §10): a change is answered when every node
// that may decide by them has it, so that the next start anywhere finds it.
//
// A node decides by its own copy of the system group while it holds a *lease*: the group's leader
// told it, at its asking, how far the group is committed, and it has all of that. A lease ends
// LIMIT_CATALOG_LEASE_MS after it was asked for, by the asker's clock; the leader answers a change
// when all nodes have it, or when no lease that lacks it can be left. A node without a lease
// decides nothing for LIMIT_CATALOG_WAIT_MS, then goes on with what it has: old definitions are
// better than none, and this promise alone rests on clocks. Thread: core.
#pragma once

#include "node/core/effect.h"
#include "node/core/peer_message.h"
#include "node/raft/raft.h"

#include <stdbool.h>

struct node;

void definitions_create(struct node *node);
void definitions_destroy(struct node *node);

// --- the system group's leader -------------------------------------------------------------------

// This node came to lead the system group: leases of its predecessor may be out.
void definitions_lead(struct node *node);

// Holds an answer to a change until the change is everywhere. False: it may leave now. True: it was
// taken over and leaves later.
bool definitions_hold(struct node *node, const struct node_effect *effect);

// A node says how far it is and asks for a lease.
void definitions_asked(struct node *node, node_id from, const struct peer_applied *applied);

// --- the others ----------------------------------------------------------------------------------

// Says how far this node is: it applied more, or there is another leader to tell.
void definitions_ask(struct node *node);

// The leader's word.
void definitions_told(struct node *node, node_id from, const struct peer_catalog *catalog);

// Whether this node may decide by its definitions now.
bool definitions_are_usable(const struct node *node);

// Whether what it decides now rests on definitions that may be old: no lease, and nobody to ask.
// Answers say so (X-Catalog-Stale).
bool definitions_may_be_old(const struct node *node);

// Whether this node has all rows of the system group that were committed at that time: its leader,
// asked later, said how far it was.
bool definitions_are_newer(const struct node *node, mono_time than);

// --- time ----------------------------------------------------------------------------------------

// Lets go what has waited long enough; asks again.
void definitions_pump(struct node *node);
bool definitions_next_wakeup(const struct node *node, mono_time *out_at);
