// Planted bugs, one chosen at run time: the test of the tests (distributed.md §15.3).
//
// They exist only in a build with -DMUTANTS=ON, which nobody runs as a server; elsewhere
// `mutant_is` is the constant false and the code behind it is gone.
#pragma once

#include <stdbool.h>

#ifdef ORPHEUS_MUTANTS

// Whether the planted bug of that name is the chosen one. Thread: any.
bool mutant_is(const char *name);

// Chooses one, or none with NULL. `name` must live on. Before anything runs.
void mutant_choose(const char *name);

#else

#define mutant_is(name) false

#endif
