// Between the files of this room.
#pragma once

#include "node/core/system_rows.h"
#include "node/recover/recover.h"

// A group's fate by what the stores have of it. Pure of stores: only what was read counts.
struct recover_group recover_choose(
    const struct recover_store *stores, const struct recover_copy *copies, uint32_t store_count
);

// The cluster's row of a copy of the system group; zero when there is none. Errors: ERR_CORRUPT.
MUST_USE err
recover_cluster_row(struct store *store, struct arena *arena, struct cluster_row *out_row);
