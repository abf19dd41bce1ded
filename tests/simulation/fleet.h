// Machines with a network between them, as their clients see them: one server with several doors.
#pragma once

#include "tests/simulation/machine.h"

struct fleet;

struct fleet *
fleet_create(struct world *world, const struct swarm *swarm, const struct machine_watch *watch);
void fleet_destroy(struct fleet **fleet);

// --- for clients ---------------------------------------------------------------------------------

// Asks any node. Returns a ticket, never 0, to leave by.
uint64_t fleet_ask(
    struct fleet *fleet, const struct question *question, machine_answered answered, void *argument
);
void fleet_leave(struct fleet *fleet, uint64_t ticket);

// --- for harm ------------------------------------------------------------------------------------

// The highest number of a machine so far. They are numbered from 1; not every number is taken.
uint16_t fleet_size(const struct fleet *fleet);

// NULL: no machine has that number.
struct machine *fleet_machine(struct fleet *fleet, uint16_t number);
struct network *fleet_network(struct fleet *fleet);

// Some machine that is not gone for ever.
uint16_t fleet_any(struct fleet *fleet);

// Whether it is one node that stays alone: there are no other clocks and no messages.
bool fleet_is_alone(const struct fleet *fleet);

// --- for who makes it grow -----------------------------------------------------------------------

// A machine with a fresh store, which is part of nothing yet. Owned by the fleet once it has a
// number, until then by the caller: machine_destroy.
struct machine *fleet_newcomer(struct fleet *fleet);

// The servers that HTTP tasks call.
struct outside *fleet_outside(struct fleet *fleet);

// A cluster let it in.
void fleet_enroll(
    struct fleet *fleet,
    struct machine *newcomer,
    uint16_t number,
    const uint16_t *members,
    uint32_t member_count
);

// --- for checkers --------------------------------------------------------------------------------

const struct scheduler_settings *fleet_settings(const struct fleet *fleet);
const struct chronicle *fleet_chronicle(const struct fleet *fleet);

// A node came up: learns which copies it has.
void fleet_recovered(struct fleet *fleet, uint16_t number);

// Whether the node has a copy of the group.
bool fleet_has_copy(const struct fleet *fleet, uint16_t number, group_id group);

// Who agrees on a group, as one of its nodes has it. Sets of nodes: bit n is node n.
struct fleet_members {
    uint32_t voters;
    uint32_t incoming; // while joint: those who will be the voters; else none
    uint32_t learners;
    log_index index; // of the entry that says so
};

// By a node that is up.
struct fleet_members fleet_members(struct fleet *fleet, uint16_t number, group_id group);
bool fleet_is_majority(const struct fleet_members *members, uint32_t nodes);

// The machine that leads the group for certain: no other one can have committed anything since. 0:
// none does, or it cannot be told now.
uint16_t fleet_leader(struct fleet *fleet, group_id group);

// A node took a step, and may have written: notes since when it leads what. True: that, or a term,
// is another than before.
bool fleet_stepped(struct fleet *fleet, uint16_t number, bool wrote);

// A node is gone: it leads nothing.
void fleet_died(struct fleet *fleet, uint16_t number);

// For how long the node leads the group by now; 0: it does not.
int64_t fleet_led_ns(const struct fleet *fleet, uint16_t number, group_id group);

// The store of that machine: its newest state is that of the group. NULL: none.
struct store *fleet_store(struct fleet *fleet, group_id group);

// All machines are up, and every copy of every group is at the same entry, committed; who is no
// member of a group has none.
bool fleet_is_level(struct fleet *fleet);

// What keeps it from that, for a person. Valid until the next call.
const char *fleet_unlevel(struct fleet *fleet);

// Writes everything out on every machine and compares rows and hashes. Only when level.
void fleet_settle(struct fleet *fleet);

// The sum over all machines.
struct machine_stats fleet_stats(struct fleet *fleet);
