// Takes a backup (distributed.md §11): scan, mark, tail, manifest. Every step is one question to
// any node; what is there already is kept, so a backup that was cut short goes on. Thread: one.
#pragma once

#include "node/backup/session.h"

struct backup_taken {
    uint64_t number;
    uint32_t partitions; // the system group among them
    uint64_t rows;
    uint64_t entries;
    uint64_t bytes;
    uint32_t again; // scans that were begun anew
};

// `bytes_per_second` bounds what is read of rows and entries; 0: no bound. Errors: ERR_IO (the
// cluster or the folder), ERR_FULL, ERR_CONFLICT (the folder holds a finished backup, or one of
// another cluster; other backups keep cutting in), ERR_CORRUPT, ERR_INVALID (what answers is no
// cluster of ours). Texts live in `arena`.
MUST_USE err backup_take(
    const struct backup_session *session,
    uint64_t bytes_per_second,
    struct arena *arena,
    struct backup_taken *out_taken
);
