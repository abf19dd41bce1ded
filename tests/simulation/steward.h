// Who makes a cluster grow and shrink (distributed.md §12): machines join with fresh stores, leave,
// are lost for ever and replaced, replicas are moved by hand. All of it by the server's own
// interface, through any node, while everything else goes on.
#pragma once

#include "tests/simulation/harm.h"
#include "tests/simulation/scene.h"

struct steward;

// Begins, if the swarm wants it. Everything lives in `arena` but machines.
struct steward *steward_begin(struct scene *scene, struct harm *harm, struct arena *arena);

// Begins nothing new; what was begun goes on to its end.
void steward_rest(struct steward *steward);

// Whether nothing that was begun is under way.
bool steward_is_done(const struct steward *steward);

// Joins, departures and losses so far.
uint64_t steward_changes(const struct steward *steward);

// A machine that never joined is nobody else's.
void steward_end(struct steward *steward);
