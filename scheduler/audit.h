// Checks what must always hold of a partition's rows (distributed.md §15.2): 20, 22, 23, 26, 27,
// 28, 32, 35 of payloads, and that no RUNNING workflow has nothing runnable, nothing waited for and
// no end.
// Reports, never repairs. At once for tests and the simulator, in slices for the online auditor.
#pragma once

#include "proto/base/id.h"
#include "scheduler/definition/definition.h"
#include "storage/store.h"

struct audit_report {
    // Called once a fault, with the invariant's number of §15.2; `text` is valid during the call.
    void (*fault)(void *argument, uint32_t invariant, const char *text);
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

// A walk over one group in slices, between which the group goes on. Thread: core.
struct audit;
struct audit *audit_create(struct store *store, group_id group, uint32_t group_count);
void audit_destroy(struct audit **audit);

// Goes on for about so many rows; no transaction may be open. `arena` is for the call only.
// `*out_done`: the group was seen. Errors: ERR_UNAVAILABLE (later), ERR_CORRUPT.
MUST_USE err audit_slice(
    struct audit *audit,
    uint32_t rows,
    struct definition_cache *definitions,
    struct arena *arena,
    const struct audit_report *report,
    bool *out_done
);

// A row of the workflow was written: what was counted of it is counted anew.
void audit_touched(struct audit *audit, id128 workflow);

group_id audit_group(const struct audit *audit);

// Whether the counters could be compared; else there was too much to remember.
bool audit_compared_counters(const struct audit *audit);
