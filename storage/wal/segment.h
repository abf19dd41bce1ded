// One segment of the log in bytes: its header, and the chunks that follow it.
//
// A batch of records is written as one chunk, or as several when it meets the end of a segment. A
// chunk begins at a multiple of 4 KiB; what remains of its last block is zero.
//
//   segment header, twice: at 0 and at 2048 (one rotten sector does not lose a segment)
//     magic8 version2 lane2 zero4 cluster16 store_uuid16 number8 salt8 sequence8 lsn8 previous_crc4
//     crc4
//   chunk header
//     magic4 flags4 sequence8 lsn8 size4 records4 previous_crc4 crc4
//
// Integers are big-endian. The crc of a chunk is seeded with store, segment number, salt and
// offset: a chunk of an earlier use of the segment, of another place or of another store is not
// valid here.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

enum {
    SEGMENT_BLOCK_BYTES = 4096,
    SEGMENT_HEADER_COPY_AT = 2048,
    SEGMENT_HEADER_BYTES = 88,
    SEGMENT_CHUNK_HEADER_BYTES = 40,
    SEGMENT_BYTES_MIN = 4 * SEGMENT_BLOCK_BYTES,
    SEGMENT_VERSION = 1
};

struct segment_header {
    uint16_t version;
    uint16_t lane;
    uint8_t cluster[16];
    uint8_t store_uuid[16];
    uint64_t number;       // of this use: 1, 2, 3 … along the log
    uint64_t salt;         // random, of this use
    uint64_t sequence;     // of its first chunk
    uint64_t lsn;          // of the first record of the batch its first chunk belongs to
    uint32_t previous_crc; // of the chunk before its first
};

// Fills the header block, both copies.
void segment_encode_header(const struct segment_header *header, uint8_t out[SEGMENT_BLOCK_BYTES]);

// Reads the newer of the copies that verify. False: neither does.
MUST_USE bool
segment_decode_header(const uint8_t block[SEGMENT_BLOCK_BYTES], struct segment_header *out_header);

enum {
    SEGMENT_CHUNK_FIRST = 1, // of its batch
    SEGMENT_CHUNK_LAST = 2   // of its batch
};

struct segment_chunk {
    uint32_t flags;
    uint64_t sequence; // 1, 2, 3 … along the log
    uint64_t lsn;      // of the first record of its batch
    uint32_t records;  // of its batch
    uint32_t previous_crc;
    uint32_t crc;
    bytes content; // a piece of the batch's records
};

// Writes the chunk's header at `at`, whose content already lies behind the header. Returns its crc.
uint32_t segment_encode_chunk(
    const struct segment_header *header,
    uint64_t offset,
    const struct segment_chunk *chunk,
    uint8_t *at
);

// Reads the chunk at `offset` of a whole segment in memory. Its content borrows. False: no chunk
// that verifies begins there.
MUST_USE bool segment_decode_chunk(
    const struct segment_header *header,
    bytes segment,
    uint64_t offset,
    struct segment_chunk *out_chunk
);

// The bytes a chunk takes in its segment: header, content, padding.
uint64_t segment_chunk_span(size_t content_bytes);
