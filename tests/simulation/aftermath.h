// What if all disks but one burnt now (distributed.md §12, quorum loss)? A copy of what one node's
// disk holds durably is recovered, as `orpheus recover` does it, and lives on in a world of its
// own, among plain workers: the cluster that is simulated is not touched.
#pragma once

#include "tests/simulation/scene.h"

// Nothing where the cluster is one node alone, or nothing would be lost. What it draws, it draws
// from `seed`: the scene's world goes on as if it had not been asked.
void aftermath_check(struct scene *scene, uint64_t seed);
