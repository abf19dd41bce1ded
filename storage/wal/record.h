// The records of the log: what each means is in distributed.md §3.1, how it lies in bytes in the
// README of this room.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/hash.h"
#include "storage/store.h"

// Numbers are for ever. 6 INSTALL_END (the map's transaction is the end) is taken by the design.
enum record_type {
    RECORD_ENTRY = 1,
    RECORD_HARD = 2,
    RECORD_CUT = 3, // entries from `index` on do not count; others may follow under their indexes
    RECORD_COMMIT = 4,
    RECORD_INSTALL = 5, // what came before counts no longer: a snapshot at `index` comes
    RECORD_REMOVED = 7, // what came before counts no longer: the node has no replica any more
    RECORD_MOVED = 8    // an entry once more, so that its old segment can go
};

struct record {
    enum record_type type;
    group_id group;
    uint64_t epoch; // INSTALL, REMOVED: of the log that begins with it
    // Of the entry; COMMIT: the newest, CUT: the first, INSTALL: the one before; REMOVED: which
    // replica.
    uint64_t index;
    uint64_t term;   // ENTRY, MOVED, HARD, INSTALL
    uint16_t vote;   // HARD
    int64_t time_ms; // ENTRY, MOVED, INSTALL; not negative
    hash128 chain;   // ENTRY, MOVED, INSTALL
    bytes payload;   // ENTRY, MOVED: the write-set
};

enum {
    // Type, and the numbers of an INSTALL at their longest.
    RECORD_HEAD_BYTES_MAX = 1 + 2 + 3 + 4 * 10 + 16
};

// Writes everything before the payload. Returns the bytes used.
size_t record_encode_head(const struct record *record, uint8_t out[RECORD_HEAD_BYTES_MAX]);

// Takes a record off the front of `*rest`; its payload borrows. False: no record; `*rest` is then
// undefined.
MUST_USE bool record_take(bytes *rest, struct record *out_record);
