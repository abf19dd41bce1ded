// A run of harm and healing, drawn from a seed: what test_random.c repeats and test_mutants.c turns
// on planted bugs.
#pragma once

#include "tests/unit/node_raft/cluster.h"

// Runs the seed. Returns the first broken invariant, or what did not settle after healing, written
// into `text`; NULL: all held. With `story` the changes of roles and the harm done are printed
// there.
const char *weather_run(uint64_t seed, char *text, size_t size, FILE *story);
