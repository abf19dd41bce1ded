// Verifies a backup without a cluster (distributed.md §11): restores it into a store of the twins,
// which checks every chain and the state hashes the source stated, and then what must always hold
// of rows (§15.2: 20, 22, 23, 26–29). Takes as much memory as the backup has rows. Pure. Thread:
// one.
#pragma once

#include "node/backup/session.h"

struct backup_verdict {
    uint64_t number;
    uint32_t partitions;
    uint64_t rows; // in the end
    uint64_t executions;
    uint64_t faults; // each was said by the session's progress
};

// Errors: ERR_NOT_FOUND (no finished backup), ERR_CORRUPT (a file, a chain or a hash), ERR_IO.
// Texts live in `arena`. What the checks of rows find is no error but a fault.
MUST_USE err backup_verify(
    const struct backup_session *session, struct arena *arena, struct backup_verdict *out_verdict
);

// The same; shows the store with all groups at their marks before it goes. `look` may be NULL.
MUST_USE err backup_verify_looking(
    const struct backup_session *session,
    struct arena *arena,
    void (*look)(void *argument, struct store *store),
    void *argument,
    struct backup_verdict *out_verdict
);
