// A piece of a backup as it travels and as it lies in a file: rows of a partition as its map has
// them, entries of its log, or writes to be loaded. Pure. Thread: any.
//
//   "ORPB" | version 1 | kind 1 | 0 2 | head 4 | body 4 | crc32c 4 | head: a wire record | body
//
// Numbers are big-endian; the crc covers everything but itself. A file is chunks one behind the
// other, so what was cut short is seen at its last one, and the ones before it are whole.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"
#include "storage/store.h"

enum backup_chunk_kind {
    BACKUP_ROWS = 1, // of the state at entry `index`: puts, as in a write-set
    BACKUP_ENTRIES,  // from entry `index` on, one behind the other
    BACKUP_WRITES,   // puts and deletions in their order, for a cluster that is being restored
    BACKUP_CHUNK_KINDS
};

// `count` is the number of rows, entries or writes. `term`, `chain` and `time_ms` are those of
// entry `index`, `hash` is the state hash there (rows). `next` is the key to go on from, empty with
// the last rows. `committed` is the newest entry that could have been given (entries).
#define BACKUP_CHUNK_FIELDS(FIELD) \
    FIELD(1, ID, cluster)          \
    FIELD(2, U16, group)           \
    FIELD(3, U32, count)           \
    FIELD(4, U64, index)           \
    FIELD(5, U64, term)            \
    FIELD(6, ID, chain)            \
    FIELD(7, I64, time_ms)         \
    FIELD(8, ID, hash)             \
    FIELD(9, TEXT, next)           \
    FIELD(10, U64, committed)      \
    FIELD(11, U32, groups) /* of the cluster */
WIRE_STRUCT(backup_chunk, BACKUP_CHUNK_FIELDS);

enum {
    BACKUP_CHUNK_FRONT_BYTES = 20,
    BACKUP_CHUNK_VERSION = 1
};

// Appends a chunk. Overflow: see buffer_status.
void backup_chunk_write(
    enum backup_chunk_kind kind, const struct backup_chunk *head, bytes body, struct buffer *out
);

// What a chunk takes in all, read off its first BACKUP_CHUNK_FRONT_BYTES. Errors: ERR_CORRUPT (no
// chunk, another version, larger than LIMIT_BACKUP_CHUNK_BYTES_MAX).
MUST_USE err backup_chunk_size(bytes front, struct arena *arena, size_t *out_size);

// The chunk that fills `in` exactly, checked to the last row. Borrows. Errors: ERR_CORRUPT, with a
// text in `arena`.
MUST_USE err backup_chunk_read(
    bytes in,
    struct arena *arena,
    enum backup_chunk_kind *out_kind,
    struct backup_chunk *out_head,
    bytes *out_body
);

// Appends an entry to a body; takes the next one off. False: there is none, or the rest is none.
void backup_entry_put(struct buffer *body, const struct store_entry *entry);
MUST_USE bool backup_entry_take(bytes *rest, struct store_entry *out_entry);

// A row that is the cluster's own and in no backup: who its members are, where copies lie, how its
// groups agree, its marks.
bool backup_is_own(group_id group, bytes key);

// A row of no weight that an empty cluster may have: who polled.
bool backup_is_soft(group_id group, bytes key);

// Between hashes and the ids that carry them.
id128 backup_hash_pack(hash128 hash);
hash128 backup_hash_unpack(id128 packed);
