// How replicas get to where they belong: from who is a member and where the replicas are to the
// next steps (distributed.md §2, §12). Pure: the system group's leader asks, writes the answer into
// the table of the system group, and the leader of each group carries it out.
//
// Three lists a group. *Voters*: the truth, as the group's leader tells it. *Planned*: what its
// leader was asked for; one replica away from the voters at most. *Target*: where it shall end, as
// place() says it for all groups at once. A step moves `planned` by one replica towards the target,
// and only when the voters are as planned: so no group ever changes two replicas at a time, and
// whoever leads the system group next goes on from the rows. Thread: any.
#pragma once

#include "node/ring/place.h"
#include "proto/base/arena.h"
#include "proto/base/id.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MOVE_NODES_MAX = PLACE_REPLICAS_MAX
};

struct move_nodes {
    uint32_t count;
    uint32_t items[MOVE_NODES_MAX]; // the preferred leader first
};

struct move_member {
    uint32_t id;
    uint32_t weight;
    uint32_t zone; // equal numbers fail together
    bool holds;    // is to have replicas: neither on its way in, nor on its way out, nor given up
    bool up;       // within reach of who asks
    bool full;     // has no room for more now
};

struct move_group {
    struct move_nodes planned;
    struct move_nodes target;
    bool known; // who leads it said what follows
    bool changing;
    uint32_t leader;
    struct move_nodes voters;
};

// Members that left are not in it. groups[0], the system group, is left out of all of it.
struct move_state {
    const struct move_member *members;
    uint32_t member_count;
    const struct move_group *groups;
    uint32_t group_count;
};

bool move_has(const struct move_nodes *nodes, uint32_t id);
bool move_same(const struct move_nodes *left, const struct move_nodes *right); // in any order

// --- the target ----------------------------------------------------------------------------------

// Copies of each partition: as many as wanted, or as there are nodes to hold them.
uint32_t move_copies(const struct move_state *state, uint32_t wanted);

// What the targets follow from: when this number changes, they are computed anew. Never 0.
uint64_t move_basis(const struct move_state *state, uint32_t wanted);

// The targets of all groups, into out_targets[1] … by group: the least change of what is planned
// that gives every node its share. At least one member holds replicas.
void move_targets(
    const struct move_state *state,
    id128 cluster_id,
    uint32_t wanted,
    struct arena *arena,
    struct move_nodes *out_targets
);

// Why a node must not give its replicas away: copies or zones could not be kept. NULL: it may.
// Text in `arena`.
const char *move_refusal(
    const struct move_state *state, uint32_t wanted, uint32_t leaving, struct arena *arena
);

// Whether the nodes are in fewer zones with `to` in the place of `from`, which is one of them.
bool move_loses_zone(
    const struct move_state *state, const struct move_nodes *nodes, uint32_t from, uint32_t to
);

// Who is to vote in the system group: three, five from five nodes on, in as many zones as can be;
// those who do and may go on do.
struct move_nodes move_system_voters(const struct move_state *state, const struct move_nodes *now);

// --- the way there -------------------------------------------------------------------------------

struct move_bounds {
    uint32_t per_node; // replicas that one node gets at a time, and that one gives
    bool paused;       // only where a copy was lost
};

struct move_step {
    uint32_t group;
    struct move_nodes planned;
};

// What to plan next, groups with the fewest copies first. out_steps has room for all groups.
// Returns how many there are.
uint32_t move_steps(
    const struct move_state *state, const struct move_bounds *bounds, struct move_step *out_steps
);

// Replicas that are still to be made, and of these, those that are being made.
struct move_rest {
    uint32_t left;
    uint32_t moving;
};
struct move_rest move_rest(const struct move_state *state);

// Whether any group has, plans or is to have a replica on the node, or that is not known.
bool move_is_needed(const struct move_state *state, uint32_t id);
