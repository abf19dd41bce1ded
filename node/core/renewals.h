// What this node does about partitions that were recovered (scheduler/renewal.h says what has to be
// done with the rows). A recovered partition, led here, is inert until it is in the epoch that the
// tool that recovered it wrote into its row X. Its leader tells of that epoch with its reports, the
// system group's leader writes it into the cluster's row, and whoever leads another partition
// brings that there, too: all of them, for any may have dealt with one that lost something. Thread:
// core.
#pragma once

#include "storage/store.h"

#include <stdbool.h>

struct node;

// Reads the row of a group that is led here: at the beginning of that, and when it was written.
// True: it has to enter an epoch, and decides nothing until then.
MUST_USE bool renewals_look(struct node *node, group_id group);

// The cluster's row says that; a report tells that.
void renewals_epoch(struct node *node, uint32_t epoch);
void renewals_told(struct node *node, uint32_t epoch);

// Takes a step in every group that has one to take. Sets more_to_do.
void renewals_pump(struct node *node);
