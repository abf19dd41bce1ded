// A backup that is taken while harm is done, verified, and restored into another cluster (invariant
// 33): the drivers that `orpheus backup` and `orpheus restore` run.
#pragma once

#include "tests/simulation/scene.h"

struct archive;

struct archive *archive_create(struct scene *scene);
void archive_destroy(struct archive **archive);

// Takes a backup, or goes on with it, while the world turns for at most `ns_max`. False: it is not
// whole yet, as is no wonder while harm is done.
bool archive_take(struct archive *archive, int64_t ns_max);

// The backup's rows are, at its cut, what the cluster had agreed on, and hold all that was promised
// before it began; a cluster of another size takes them up and keeps what must hold of rows.
void archive_check(struct archive *archive);
