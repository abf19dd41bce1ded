// Checks what must always hold of a partition's rows (distributed.md §15.2): 20, 22, 23, 26, 28,
// and that no RUNNING workflow has nothing runnable, nothing waited for and no end. Reports, never
// repairs. For tests, the simulator and the online auditor.
#pragma once

#include "scheduler/definition/definition.h"
#include "storage/store.h"

struct audit_report {
    // Called once a fault; `text` is valid during the call.
    void (*fault)(void *argument, const char *text);
    // Where another group's newest state is, for its end of a stream. NULL: in the same store.
    // Answers NULL when that cannot be told now: then the stream is not looked at.
    struct store *(*store_of)(void *argument, group_id group);
    void *argument;
};

// Looks at every row of a group between commands: no transaction may be open. Costs a walk over the
// whole group. `group_count` is the store's. Errors: ERR_CORRUPT for rows that cannot be read.
MUST_USE err scheduler_check_invariants(
    struct store *store,
    group_id group,
    uint32_t group_count,
    struct definition_cache *definitions,
    const struct audit_report *report
);
