// Who is a member of the cluster, what each group's members are, and where replicas are planned, as
// committed entries say: what the chronicle makes of the rows of members, of the plan and of
// configs. It holds every entry to the rules of distributed.md §12:
//
// - nobody who left is ever a member again, no number is given twice, a store has one number;
// - a state follows from the one before (joining, active, draining, left; dead and back);
// - who has left has no vote in any group;
// - the cluster's version does not fall, and rises only to what all members speak;
// - configs in a row share their majorities, and no replica's number comes twice (invariants 13,
// 34);
// - a group gets no more new voters than the plan has put there: what moves is bounded.
#pragma once

#include "node/core/system_rows.h"
#include "storage/store.h"
#include "tests/simulation/world.h"

enum {
    ROSTER_NODES = 64 // numbers of nodes are below it
};

struct roster_member {
    enum member_state state; // MEMBER_UNKNOWN: no row
    id128 store;
    uint64_t zone; // hash of its name
    uint32_t release_high;
};

struct roster;

struct roster *roster_create(struct world *world, uint32_t group_count);
void roster_destroy(struct roster **roster);

// An entry is committed: each of its writes, then that these were all.
void roster_write(struct roster *roster, group_id group, bytes key, bytes value);
void roster_entry_ends(struct roster *roster);

// What was written are the rows of a store, which are what is committed from now on: the members of
// its groups may be fewer than were planned, and come again.
void roster_adopted(struct roster *roster);

const struct roster_member *roster_member(const struct roster *roster, uint16_t node);
uint32_t roster_version(const struct roster *roster); // of the cluster; 0: not founded
uint32_t roster_count(const struct roster *roster, enum member_state state);

// The number of the node's replica by the group's newest config. 0: it has none, or the group still
// has the members it was founded with.
uint64_t roster_replica(const struct roster *roster, group_id group, uint16_t node);

// Above all numbers of replicas that were ever given.
uint64_t roster_next_replica(const struct roster *roster, group_id group);

// Whether nothing is left to do: all groups are as the plan says, in as many copies as are wanted
// or can be, in as many zones as there are; nobody who is to leave is there; the version is what
// all speak. What is left, for a person, goes to `out_rest`.
bool roster_is_settled(const struct roster *roster, char *out_rest, size_t size);
