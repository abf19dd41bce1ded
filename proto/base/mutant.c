// The one variable of the program that is not a constant: the choice is made by a test's main
// before anything runs, and reaches places that know nothing of tests.
#include "proto/base/mutant.h"

#ifdef ORPHEUS_MUTANTS

#include <stddef.h>
#include <string.h>

static const char *chosen;

bool mutant_is(const char *name) {
    return chosen != NULL && strcmp(chosen, name) == 0;
}

void mutant_choose(const char *name) {
    chosen = name;
}

#else

// An empty translation unit is not C.
typedef int mutant_none;

#endif
