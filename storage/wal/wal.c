// Writing the log.
//
// A segment is durable – file, name and header – before the first chunk in it is written, so the
// header of a segment proves that everything before it was complete. A batch that meets the end of
// a segment goes on in the next as a second chunk; recovery takes it whole or not at all. So a
// record may be larger than a segment, and no space is lost at its end.
//
// Positions move only after a sync returned no error. Nothing here retries: the caller ends the
// process.
//
// Rejected: creating the next segment ahead on another thread. Two are made at format and used in
// turn; another is made only while checkpoints fall behind.
#include "storage/wal/wal.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/wal/wal_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES_MAX = 4 * 1024 * 1024, // staging memory; a larger batch takes several chunks
    SPARE_MAX = 3                      // more files than that go back to the file system
};

err wal_open(
    const struct wal_options *options,
    struct arena *arena,
    wal_visit visit,
    void *argument,
    struct wal **out_wal
) {
    check(options->segment_bytes >= SEGMENT_BYTES_MIN);
    check(options->segment_bytes % SEGMENT_BLOCK_BYTES == 0);
    struct wal *wal = calloc(1, sizeof(*wal));
    check(wal != NULL);
    wal->options = *options;
    random_init(&wal->random, options->random_seed);
    wal->sequence = 1;
    wal->lsn = 1;
    err error = wal_find_segments(wal, arena);
    if (!err_is(error)) {
        error = wal_recover(wal, arena, visit, argument);
    }
    if (err_is(error)) {
        wal_close(&wal);
        return error;
    }
    *out_wal = wal;
    return ERR_NONE;
}

static void close_segments(struct wal *wal, struct wal_segments *segments) {
    for (size_t i = 0; i < segments->count; i++) {
        disk_close(wal->options.disk, segments->items[i].file);
    }
    free(segments->items);
}

void wal_close(struct wal **wal) {
    if (*wal != NULL) {
        close_segments(*wal, &(*wal)->live);
        close_segments(*wal, &(*wal)->spare);
        free((*wal)->staging);
        free(*wal);
        *wal = NULL;
    }
}

log_lsn wal_next_lsn(const struct wal *wal) {
    return wal->lsn;
}

uint64_t wal_active_segment(const struct wal *wal) {
    return wal->live.items[wal->live.count - 1].header.number;
}

size_t wal_segment_count(const struct wal *wal) {
    return wal->live.count + wal->spare.count;
}

void wal_segments_add(struct wal_segments *segments, struct wal_segment segment) {
    if (segments->count == segments->capacity) {
        segments->capacity = segments->capacity == 0 ? 8 : segments->capacity * 2;
        segments->items = realloc(segments->items, segments->capacity * sizeof(segment));
        check(segments->items != NULL);
    }
    segments->items[segments->count++] = segment;
}

struct wal_segment wal_segments_take(struct wal_segments *segments, size_t index) {
    check(index < segments->count);
    struct wal_segment taken = segments->items[index];
    segments->count--;
    memmove(
        segments->items + index,
        segments->items + index + 1,
        (segments->count - index) * sizeof(taken)
    );
    return taken;
}

// --- segments ------------------------------------------------------------------------------------

// Under a temporary name until its zeroes are durable: a crash leaves nothing that looks like a
// segment.
static err segment_create(struct wal *wal, struct wal_segment *out_segment) {
    struct disk *disk = wal->options.disk;
    struct wal_segment segment = {.bytes = wal->options.segment_bytes};
    char fresh[DISK_NAME_BYTES_MAX + 1];
    (void
    )snprintf(segment.name, sizeof(segment.name), "wal-%08llu", (unsigned long long)wal->name_next);
    (void)snprintf(fresh, sizeof(fresh), "new-%08llu", (unsigned long long)wal->name_next);
    TRY(disk_create(disk, fresh, segment.bytes, &segment.file));
    err error = disk_sync(disk, segment.file);
    if (!err_is(error)) {
        error = disk_rename(disk, fresh, segment.name);
    }
    if (!err_is(error) && !mutant_is("skip_directory_sync")) {
        error = disk_sync_directory(disk);
    }
    if (err_is(error)) {
        disk_close(disk, segment.file);
        return error;
    }
    wal->name_next++;
    *out_segment = segment;
    return ERR_NONE;
}

err wal_add_spare(struct wal *wal) {
    struct wal_segment segment;
    TRY(segment_create(wal, &segment));
    wal_segments_add(&wal->spare, segment);
    return ERR_NONE;
}

static err drop_surplus_spare(struct wal *wal) {
    while (wal->spare.count > SPARE_MAX) {
        struct wal_segment surplus = wal_segments_take(&wal->spare, wal->spare.count - 1);
        disk_close(wal->options.disk, surplus.file);
        TRY(disk_remove(wal->options.disk, surplus.name));
    }
    return ERR_NONE;
}

err wal_roll(struct wal *wal, log_lsn lsn) {
    struct disk *disk = wal->options.disk;
    struct wal_segment segment;
    if (wal->spare.count > 0) {
        segment = wal_segments_take(&wal->spare, 0);
    } else {
        TRY(segment_create(wal, &segment));
    }
    segment.used = true;
    segment.header = (struct segment_header){
        .version = SEGMENT_VERSION,
        .lane = wal->options.lane,
        .number = wal->live.count == 0 ? wal->options.first_segment : wal_active_segment(wal) + 1,
        .salt = random_u64(&wal->random),
        .sequence = wal->sequence,
        .lsn = lsn,
        .previous_crc = wal->previous_crc,
    };
    memcpy(segment.header.cluster, wal->options.cluster, 16);
    memcpy(segment.header.store_uuid, wal->options.store_uuid, 16);
    uint8_t block[SEGMENT_BLOCK_BYTES];
    segment_encode_header(&segment.header, block);
    err error = disk_write(disk, segment.file, 0, block, sizeof(block));
    if (!err_is(error)) {
        error = disk_sync(disk, segment.file);
    }
    if (err_is(error)) {
        disk_close(disk, segment.file);
        return error;
    }
    wal_segments_add(&wal->live, segment);
    wal->offset = SEGMENT_BLOCK_BYTES;
    return drop_surplus_spare(wal);
}

void wal_recycle(struct wal *wal, uint64_t first_needed) {
    while (wal->live.count > 1 && wal->live.items[0].header.number < first_needed) {
        wal_segments_add(&wal->spare, wal_segments_take(&wal->live, 0));
    }
}

// --- batches -------------------------------------------------------------------------------------

// Walks the pieces of a batch as one run of bytes.
struct source {
    const bytes *pieces;
    size_t at; // in the first piece
};

static void source_copy(struct source *source, uint8_t *into, size_t size) {
    while (size > 0) {
        size_t left = source->pieces->size - source->at;
        size_t take = left < size ? left : size;
        if (take > 0) {
            memcpy(into, source->pieces->data + source->at, take);
        }
        into += take;
        size -= take;
        source->at += take;
        if (source->at == source->pieces->size) {
            source->pieces++;
            source->at = 0;
        }
    }
}

static void staging_reserve(struct wal *wal, size_t size) {
    if (size > wal->staging_bytes) {
        size_t grown = wal->staging_bytes == 0 ? (size_t)64 * 1024 : wal->staging_bytes;
        while (grown < size) {
            grown *= 2;
        }
        free(wal->staging);
        wal->staging = aligned_alloc(SEGMENT_BLOCK_BYTES, grown);
        check(wal->staging != NULL);
        wal->staging_bytes = grown;
    }
}

static err chunk_write(struct wal *wal, struct segment_chunk *chunk, struct source *source) {
    struct wal_segment *segment = &wal->live.items[wal->live.count - 1];
    size_t size = chunk->content.size;
    size_t span = (size_t)segment_chunk_span(size);
    staging_reserve(wal, span);
    uint8_t *content = wal->staging + SEGMENT_CHUNK_HEADER_BYTES;
    source_copy(source, content, size);
    memset(content + size, 0, span - SEGMENT_CHUNK_HEADER_BYTES - size);
    chunk->content = bytes_of(content, size);
    chunk->sequence = wal->sequence;
    chunk->previous_crc = wal->previous_crc;
    uint32_t crc = segment_encode_chunk(&segment->header, wal->offset, chunk, wal->staging);
    TRY(disk_write(wal->options.disk, segment->file, wal->offset, wal->staging, span));
    TRY(disk_sync(wal->options.disk, segment->file));
    wal->offset += span;
    wal->sequence++;
    wal->previous_crc = crc;
    return ERR_NONE;
}

err wal_write(
    struct wal *wal,
    const bytes *pieces,
    size_t piece_count,
    uint32_t records,
    uint64_t *bytes_written,
    uint64_t *out_segment
) {
    size_t total = 0;
    for (size_t i = 0; i < piece_count; i++) {
        total += pieces[i].size;
    }
    check(total > 0);
    struct source source = {pieces, 0};
    uint64_t first_segment = 0;
    for (size_t done = 0; done < total;) {
        if (wal->live.items[wal->live.count - 1].bytes - wal->offset < SEGMENT_BLOCK_BYTES) {
            TRY(wal_roll(wal, wal->lsn));
        }
        uint64_t room = wal->live.items[wal->live.count - 1].bytes - wal->offset;
        size_t most = room < CHUNK_BYTES_MAX ? (size_t)room : (size_t)CHUNK_BYTES_MAX;
        most -= SEGMENT_CHUNK_HEADER_BYTES;
        size_t take = total - done < most ? total - done : most;
        struct segment_chunk chunk = {
            .flags = (done == 0 ? SEGMENT_CHUNK_FIRST : 0u) |
                     (done + take == total ? SEGMENT_CHUNK_LAST : 0u),
            .lsn = wal->lsn,
            .records = records,
            .content = {NULL, take},
        };
        first_segment = done == 0 ? wal_active_segment(wal) : first_segment;
        TRY(chunk_write(wal, &chunk, &source));
        *bytes_written += segment_chunk_span(take);
        done += take;
    }
    wal->lsn += records;
    *out_segment = first_segment;
    return ERR_NONE;
}
