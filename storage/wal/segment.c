// Layouts only; what a sequence of chunks means is in recover.c.
//
// Rejected: zeroing a segment before it is used again. The salt and the number in every checksum
// make old chunks invalid without a write.
#include "storage/wal/segment.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/mutant.h"

#include <string.h>

_Static_assert(
    SEGMENT_HEADER_BYTES == 8 + 2 + 2 + 4 + 16 + 16 + 8 + 8 + 8 + 8 + 4 + 4, "drawn in segment.h"
);
_Static_assert(SEGMENT_CHUNK_HEADER_BYTES == 4 + 4 + 8 + 8 + 4 + 4 + 4 + 4, "drawn in segment.h");

static const uint8_t HEADER_MAGIC[8] = {'O', 'R', 'P', 'H', 'W', 'A', 'L', 0};
static const uint8_t CHUNK_MAGIC[4] = {'O', 'W', 'C', 'K'};

enum {
    HEADER_CRC_AT = SEGMENT_HEADER_BYTES - 4,
    CHUNK_CRC_AT = SEGMENT_CHUNK_HEADER_BYTES - 4
};

static void encode_copy(const struct segment_header *header, uint8_t *at) {
    memcpy(at, HEADER_MAGIC, 8);
    bytes_put_u16(at + 8, header->version);
    bytes_put_u16(at + 10, header->lane);
    bytes_put_u32(at + 12, 0);
    memcpy(at + 16, header->cluster, 16);
    memcpy(at + 32, header->store_uuid, 16);
    bytes_put_u64(at + 48, header->number);
    bytes_put_u64(at + 56, header->salt);
    bytes_put_u64(at + 64, header->sequence);
    bytes_put_u64(at + 72, header->lsn);
    bytes_put_u32(at + 80, header->previous_crc);
    bytes_put_u32(at + HEADER_CRC_AT, hash_crc32c(0, bytes_of(at, HEADER_CRC_AT)));
}

void segment_encode_header(const struct segment_header *header, uint8_t out[SEGMENT_BLOCK_BYTES]) {
    memset(out, 0, SEGMENT_BLOCK_BYTES);
    encode_copy(header, out);
    encode_copy(header, out + SEGMENT_HEADER_COPY_AT);
}

static bool decode_copy(const uint8_t *at, struct segment_header *out_header) {
    if (memcmp(at, HEADER_MAGIC, 8) != 0 ||
        bytes_get_u32(at + HEADER_CRC_AT) != hash_crc32c(0, bytes_of(at, HEADER_CRC_AT))) {
        return false;
    }
    struct segment_header header = {
        .version = bytes_get_u16(at + 8),
        .lane = bytes_get_u16(at + 10),
        .number = bytes_get_u64(at + 48),
        .salt = bytes_get_u64(at + 56),
        .sequence = bytes_get_u64(at + 64),
        .lsn = bytes_get_u64(at + 72),
        .previous_crc = bytes_get_u32(at + 80),
    };
    memcpy(header.cluster, at + 16, 16);
    memcpy(header.store_uuid, at + 32, 16);
    *out_header = header;
    return true;
}

bool segment_decode_header(
    const uint8_t block[SEGMENT_BLOCK_BYTES], struct segment_header *out_header
) {
    struct segment_header left = {0};
    struct segment_header right = {0};
    bool left_good = decode_copy(block, &left);
    bool right_good = decode_copy(block + SEGMENT_HEADER_COPY_AT, &right);
    if (left_good && (!right_good || left.number >= right.number)) {
        *out_header = left;
    } else if (right_good) {
        *out_header = right;
    }
    return left_good || right_good;
}

static uint32_t
chunk_crc(const struct segment_header *header, uint64_t offset, const uint8_t *at, bytes content) {
    uint8_t seed[16 + 8 + 8 + 8];
    memcpy(seed, header->store_uuid, 16);
    bytes_put_u64(seed + 16, header->number);
    bytes_put_u64(seed + 24, header->salt);
    bytes_put_u64(seed + 32, offset);
    uint32_t crc = hash_crc32c(0, bytes_of(seed, sizeof(seed)));
    crc = hash_crc32c(crc, bytes_of(at, CHUNK_CRC_AT));
    return hash_crc32c(crc, content);
}

uint32_t segment_encode_chunk(
    const struct segment_header *header,
    uint64_t offset,
    const struct segment_chunk *chunk,
    uint8_t *at
) {
    check(chunk->content.size <= UINT32_MAX);
    memcpy(at, CHUNK_MAGIC, 4);
    bytes_put_u32(at + 4, chunk->flags);
    bytes_put_u64(at + 8, chunk->sequence);
    bytes_put_u64(at + 16, chunk->lsn);
    bytes_put_u32(at + 24, (uint32_t)chunk->content.size);
    bytes_put_u32(at + 28, chunk->records);
    bytes_put_u32(at + 32, chunk->previous_crc);
    uint32_t crc = chunk_crc(header, offset, at, chunk->content);
    bytes_put_u32(at + CHUNK_CRC_AT, crc);
    return crc;
}

bool segment_decode_chunk(
    const struct segment_header *header,
    bytes segment,
    uint64_t offset,
    struct segment_chunk *out_chunk
) {
    check(offset % SEGMENT_BLOCK_BYTES == 0);
    if (offset >= segment.size || segment.size - offset < SEGMENT_BLOCK_BYTES) {
        return false;
    }
    const uint8_t *at = segment.data + offset;
    size_t room = segment.size - (size_t)offset - SEGMENT_CHUNK_HEADER_BYTES;
    uint32_t size = bytes_get_u32(at + 24);
    if (memcmp(at, CHUNK_MAGIC, 4) != 0 || size > room) {
        return false;
    }
    struct segment_chunk chunk = {
        .flags = bytes_get_u32(at + 4),
        .sequence = bytes_get_u64(at + 8),
        .lsn = bytes_get_u64(at + 16),
        .records = bytes_get_u32(at + 28),
        .previous_crc = bytes_get_u32(at + 32),
        .crc = bytes_get_u32(at + CHUNK_CRC_AT),
        .content = bytes_of(at + SEGMENT_CHUNK_HEADER_BYTES, size),
    };
    if (!mutant_is("torn_tail_accepted") &&
        chunk.crc != chunk_crc(header, offset, at, chunk.content)) {
        return false;
    }
    *out_chunk = chunk;
    return true;
}

uint64_t segment_chunk_span(size_t content_bytes) {
    uint64_t size = (uint64_t)content_bytes + SEGMENT_CHUNK_HEADER_BYTES;
    return (size + SEGMENT_BLOCK_BYTES - 1) / SEGMENT_BLOCK_BYTES * SEGMENT_BLOCK_BYTES;
}
