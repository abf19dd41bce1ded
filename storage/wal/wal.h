// The log of a lane: batches of records in order, durable one after the other, over storage/disk.h.
//
// A batch is one aligned write and one sync; exactly one is in flight. Segments are used in turn
// and again once wal_recycle says that nothing in them is needed. A wal belongs to one thread at a
// time; the store moves it from the core thread to the log thread with each batch and back.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/random.h"
#include "storage/disk.h"
#include "storage/store.h"
#include "storage/wal/record.h"

struct wal;

struct wal_options {
    struct disk *disk;
    size_t segment_bytes; // of a new segment
    uint16_t lane;
    uint8_t cluster[16];
    uint8_t store_uuid[16];
    uint64_t first_segment; // the oldest that is still needed
    bool formatting;        // no segment needs to exist: make the first
    uint64_t random_seed;   // salts come from it
};

// What recovery found: one call a record, in order. `segment` is the one its batch begins in. An
// error ends the recovery and is its result.
typedef err (*wal_visit
)(void *argument, const struct record *record, log_lsn lsn, uint64_t segment);

// Reads the log from `first_segment` on, cuts a torn tail, and stands ready to write behind it.
// Errors: ERR_CORRUPT (damage before the end of the log; text in `arena` says where), ERR_CONFLICT
// (segments of another cluster, store, lane or release), ERR_IO, ERR_FULL.
MUST_USE err wal_open(
    const struct wal_options *options,
    struct arena *arena,
    wal_visit visit,
    void *argument,
    struct wal **out_wal
);

// Whether the directory holds a segment of any store.
MUST_USE err wal_exists(struct disk *disk, bool *out_exists);

// Frees the memory; writes nothing. Accepts NULL.
void wal_close(struct wal **wal);

// The lsn of the next record.
log_lsn wal_next_lsn(const struct wal *wal);

// The segment that is being written, and how many there are, spare ones included.
uint64_t wal_active_segment(const struct wal *wal);
size_t wal_segment_count(const struct wal *wal);

// Writes and syncs the concatenation of `pieces`, which holds `records` whole records, as the next
// batch. Blocks. Gives the segment it begins in and adds the bytes written to `*bytes_written`.
// Errors: ERR_IO, ERR_FULL: the caller ends the process.
MUST_USE err wal_write(
    struct wal *wal,
    const bytes *pieces,
    size_t piece_count,
    uint32_t records,
    uint64_t *bytes_written,
    uint64_t *out_segment
);

// Gives back all segments before `first_needed`, for use again.
void wal_recycle(struct wal *wal, uint64_t first_needed);
