// Chooses the planted bug that ORPHEUS_MUTANT names before the program begins: unit tests of a
// build with MUTANTS=ON are run with it by tests/simulation/mutants, and have to fail.
#include "proto/base/mutant.h"

#include <stdlib.h>

__attribute__((constructor)) static void choose(void) {
    mutant_choose(getenv("ORPHEUS_MUTANT"));
}
