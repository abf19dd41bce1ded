// What wal.c and recover.c share: the segments in memory.
#pragma once

#include "storage/wal/segment.h"
#include "storage/wal/wal.h"

struct wal_segment {
    struct disk_file *file;
    uint64_t bytes;
    char name[DISK_NAME_BYTES_MAX + 1];
    bool used; // has a valid header
    struct segment_header header;
};

struct wal_segments {
    struct wal_segment *items;
    size_t count;
    size_t capacity;
};

struct wal {
    struct wal_options options;
    struct random random;
    struct wal_segments live;  // in order of number; the last is being written
    struct wal_segments spare; // to be used again
    uint64_t name_next;        // of a new file
    uint64_t offset;           // in the last live segment, of the next chunk
    uint64_t sequence;         // of the next chunk
    uint32_t previous_crc;     // of the chunk before
    log_lsn lsn;               // of the next record
    uint8_t *staging;          // where a chunk is put together; aligned
    size_t staging_bytes;
};

void wal_segments_add(struct wal_segments *segments, struct wal_segment segment);
struct wal_segment wal_segments_take(struct wal_segments *segments, size_t index);

// Starts the segment after the last live one, in a spare file or a new one, and makes it durable.
// `lsn` is that of the batch being written.
MUST_USE err wal_roll(struct wal *wal, log_lsn lsn);

// Makes a file to be used later.
MUST_USE err wal_add_spare(struct wal *wal);

// Lists the directory, opens all segments, removes what a crash left half made.
MUST_USE err wal_find_segments(struct wal *wal, struct arena *arena);

// Reads the live segments (recover.c) and sets where to write next.
MUST_USE err wal_recover(struct wal *wal, struct arena *arena, wal_visit visit, void *argument);
