// Restores a backup into an empty cluster of any number of nodes with as many partitions
// (distributed.md §11). Every step may be repeated: a restore that was cut short is run again.
// Thread: one.
#pragma once

#include "node/backup/manifest.h"
#include "node/backup/session.h"

struct backup_restored {
    uint32_t partitions;
    uint64_t writes;
    uint64_t bytes;
};

// Errors: ERR_IO, ERR_CORRUPT (the backup), ERR_CONFLICT (the cluster is not empty, or has another
// number of partitions), ERR_INVALID. Texts live in `arena`.
MUST_USE err backup_restore(
    const struct backup_session *session, struct arena *arena, struct backup_restored *out_restored
);

// The manifest of a folder, in `arena`. Errors: ERR_NOT_FOUND (none: no finished backup),
// ERR_CORRUPT, ERR_IO.
MUST_USE err backup_manifest_load(
    const struct backup_folder *folder, struct arena *arena, struct backup_manifest *out_manifest
);

// Whether the walk, at its end, saw the file the manifest speaks of. Errors: ERR_CORRUPT.
MUST_USE err backup_walk_check(
    const struct backup_walk *walk, const struct backup_file *file, struct arena *arena
);

// Visits the entries of a partition behind `from` up to `until`, each once and in order, and checks
// the whole file against the manifest. `step` is reset between chunks; texts of errors live in
// `lasting`. Errors: ERR_CORRUPT (one is missing, or the file is not the manifest's); ERR_IO; those
// of `visit`.
typedef err (*backup_entry_visit)(void *argument, const struct store_entry *entry);

struct backup_stretch {
    const struct backup_folder *folder;
    group_id group;
    const struct backup_file *file; // the partition's log in the manifest
    log_index from;
    log_index until;
};

MUST_USE err backup_entries_each(
    const struct backup_stretch *stretch,
    struct arena *step,
    struct arena *lasting,
    backup_entry_visit visit,
    void *argument
);
