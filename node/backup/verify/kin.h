// Parents and children agree (distributed.md §15.2, 29), in the rows of a store that holds all
// partitions at a consistent cut. Pure.
#pragma once

#include "scheduler/audit.h"

// Looks at the children in `group`. Errors: ERR_CORRUPT for rows that cannot be read.
MUST_USE err kin_check(
    struct store *store, group_id group, uint32_t group_count, const struct audit_report *report
);
