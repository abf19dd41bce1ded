// What a backup holds, written last: a folder without it holds none. JSON for a person's eyes,
// sealed by a hash over all that stands before the seal. Pure. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/id.h"
#include "storage/store.h"

struct backup_file {
    uint64_t bytes;
    uint64_t count; // of rows or entries
    hash128 digest;
};

// The rows are of ages from entry `first` to `checked`; the log holds the entries behind `first` up
// to `mark` at least, which is where the backup cuts. `state` is the state hash at `checked`.
struct backup_group {
    log_index first;
    log_index checked;
    log_index mark;
    hash128 state;
    struct backup_file rows;
    struct backup_file log;
};

struct backup_manifest {
    id128 cluster;
    uint64_t number;
    bytes version; // of the release that answered
    uint32_t group_count;
    struct backup_group *groups;
    hash128 seal; // names the backup
};

// Appends the manifest with its seal. Overflow: see buffer_status.
void backup_manifest_write(const struct backup_manifest *manifest, struct buffer *out);

// Errors: ERR_CORRUPT, with a text in `arena`, where the groups live, too.
MUST_USE err
backup_manifest_read(bytes text, struct arena *arena, struct backup_manifest *out_manifest);

// The text of a hash, and back. `out_text` has 33 bytes. False: 32 lower-case hex digits it is not.
void backup_hash_text(hash128 hash, char *out_text);
MUST_USE bool backup_hash_parse(bytes text, hash128 *out_hash);
