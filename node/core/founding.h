// How a cluster begins: from one list of nodes, the same on all of them. Every node computes the
// same first replicas from it, without a word between them; the first leader of the system group
// writes down what that came to (distributed.md §12). Thread: core.
#pragma once

#include "scheduler/decision.h"

struct node;
struct node_options;

// Gives the groups that have a first replica here their voters. Nothing on a node that joined.
void founding_configure(struct node *node, const struct node_options *options);

// The first rows of the system group, into the decision.
void founding_write(struct node *node, struct decision *decision);
