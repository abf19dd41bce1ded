// The sorted map over LMDB. The only room that speaks it.
#pragma once

#include "proto/base/arena.h"
#include "storage/sorted_map.h"

// Opens the environment in the directory at `path`, making both when they are not there. One
// process at a time: the caller holds a lock on the directory above. Errors: ERR_CORRUPT, ERR_IO,
// ERR_FULL; texts in `arena`. Blocks.
MUST_USE err lmdb_map_create(const char *path, struct arena *arena, struct sorted_map **out_map);

// Closes it. Snapshots and transactions must have ended. Leaves NULL. Accepts NULL.
void lmdb_map_destroy(struct sorted_map **map);
