// Reading the log after a crash.
//
// What is asked of each place where no valid chunk begins: is it the end of the log, or damage? It
// is the end only when nothing valid follows – no chunk of a higher sequence in the rest of the
// segment, no later segment (whose header was durable only after all before it was). Damage is
// never cut: it was acknowledged.
//
// A batch whose last chunk is missing at the end of the log never was acknowledged and is dropped;
// its chunks stay, and the next batch's first chunk says that they lead nowhere. The segments
// before `first_segment` are not looked at: the checkpoint that named it has what they held.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/wal/wal_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// --- the directory -------------------------------------------------------------------------------

struct listing {
    char (*names)[DISK_NAME_BYTES_MAX + 1];
    size_t count;
    size_t capacity;
    const char *prefix;
};

static void listing_visit(void *argument, const char *name) {
    struct listing *listing = argument;
    if (strncmp(name, listing->prefix, strlen(listing->prefix)) != 0 ||
        strlen(name) > DISK_NAME_BYTES_MAX) {
        return;
    }
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity == 0 ? 16 : listing->capacity * 2;
        listing->names = realloc(listing->names, listing->capacity * sizeof(listing->names[0]));
        check(listing->names != NULL);
    }
    memcpy(listing->names[listing->count++], name, strlen(name) + 1);
}

static int by_name(const void *left, const void *right) {
    return strcmp(left, right);
}

static err listing_make(struct disk *disk, const char *prefix, struct listing *out_listing) {
    *out_listing = (struct listing){.prefix = prefix};
    TRY(disk_list(disk, listing_visit, out_listing));
    if (out_listing->count > 0) {
        qsort(out_listing->names, out_listing->count, sizeof(out_listing->names[0]), by_name);
    }
    return ERR_NONE;
}

err wal_exists(struct disk *disk, bool *out_exists) {
    struct listing listing = {0};
    err error = listing_make(disk, "wal-", &listing);
    if (!err_is(error)) {
        *out_exists = listing.count > 0;
    }
    free(listing.names);
    return error;
}

static err remove_half_made(struct disk *disk) {
    struct listing listing = {0};
    err error = listing_make(disk, "new-", &listing);
    for (size_t i = 0; i < listing.count && !err_is(error); i++) {
        error = disk_remove(disk, listing.names[i]);
    }
    free(listing.names);
    return error;
}

static err refuse(
    struct arena *arena, enum err_code code, const char *name, uint64_t offset, const char *what
) {
    return err_make(
        code,
        arena_format(
            arena,
            "log segment %s at byte %" PRIu64 ": %s; restore this store from another copy",
            name,
            offset,
            what
        )
    );
}

static err
check_owner(const struct wal *wal, struct arena *arena, const struct wal_segment *segment) {
    const struct segment_header *header = &segment->header;
    if (header->version != SEGMENT_VERSION) {
        return refuse(arena, ERR_CONFLICT, segment->name, 0, "written by another release");
    }
    if (memcmp(header->cluster, wal->options.cluster, 16) != 0) {
        return refuse(arena, ERR_CONFLICT, segment->name, 0, "belongs to another cluster");
    }
    if (memcmp(header->store_uuid, wal->options.store_uuid, 16) != 0 ||
        header->lane != wal->options.lane) {
        return refuse(arena, ERR_CONFLICT, segment->name, 0, "belongs to another store or lane");
    }
    return ERR_NONE;
}

static err segment_open(struct wal *wal, struct arena *arena, const char *name, uint8_t *block) {
    struct disk *disk = wal->options.disk;
    struct wal_segment segment = {0};
    memcpy(segment.name, name, strlen(name) + 1);
    TRY(disk_open(disk, name, &segment.file));
    err error = disk_size(disk, segment.file, &segment.bytes);
    segment.bytes -= segment.bytes % SEGMENT_BLOCK_BYTES;
    if (!err_is(error) && segment.bytes >= SEGMENT_BYTES_MIN) {
        error = disk_read_direct(disk, segment.file, 0, block, SEGMENT_BLOCK_BYTES);
        if (!err_is(error)) {
            segment.used = segment_decode_header(block, &segment.header);
        }
        if (!err_is(error) && segment.used) {
            error = check_owner(wal, arena, &segment);
        }
    } else if (!err_is(error)) {
        error = refuse(arena, ERR_CORRUPT, name, segment.bytes, "is cut short");
    }
    if (err_is(error)) {
        disk_close(disk, segment.file);
        return error;
    }
    bool live = segment.used && segment.header.number >= wal->options.first_segment;
    wal_segments_add(live ? &wal->live : &wal->spare, segment);
    return ERR_NONE;
}

static int by_number(const void *left, const void *right) {
    uint64_t one = ((const struct wal_segment *)left)->header.number;
    uint64_t two = ((const struct wal_segment *)right)->header.number;
    return one < two ? -1 : one > two;
}

err wal_find_segments(struct wal *wal, struct arena *arena) {
    struct disk *disk = wal->options.disk;
    TRY(remove_half_made(disk));
    struct listing listing = {0};
    uint8_t *block = aligned_alloc(DISK_BLOCK_BYTES, SEGMENT_BLOCK_BYTES);
    check(block != NULL);
    err error = listing_make(disk, "wal-", &listing);
    for (size_t i = 0; i < listing.count && !err_is(error); i++) {
        error = segment_open(wal, arena, listing.names[i], block);
        uint64_t number = strtoull(listing.names[i] + strlen("wal-"), NULL, 10);
        wal->name_next = number >= wal->name_next ? number + 1 : wal->name_next;
    }
    free(block);
    free(listing.names);
    if (wal->live.count > 0) {
        qsort(wal->live.items, wal->live.count, sizeof(wal->live.items[0]), by_number);
    }
    return error;
}

// --- the chunks ----------------------------------------------------------------------------------

struct recovery {
    struct wal *wal;
    struct arena *arena;
    wal_visit visit;
    void *argument;
    // The batch whose chunks are being gathered; its records may borrow a chunk when there is one.
    bool gathering;
    uint64_t batch_segment;
    uint8_t *gathered;
    size_t gathered_size;
    size_t gathered_capacity;
};

static err visit_records(
    struct recovery *recovery,
    const struct wal_segment *segment,
    uint64_t offset,
    const struct segment_chunk *chunk,
    bytes records
) {
    for (uint32_t i = 0; i < chunk->records; i++) {
        struct record record;
        if (!record_take(&records, &record)) {
            return refuse(
                recovery->arena, ERR_CORRUPT, segment->name, offset, "holds a record it should not"
            );
        }
        TRY(recovery->visit(recovery->argument, &record, chunk->lsn + i, recovery->batch_segment));
    }
    recovery->wal->lsn = chunk->lsn + chunk->records;
    return ERR_NONE;
}

static void gather(struct recovery *recovery, bytes content) {
    size_t needed = recovery->gathered_size + content.size;
    if (needed > recovery->gathered_capacity) {
        size_t capacity = recovery->gathered_capacity == 0 ? needed : 2 * needed;
        recovery->gathered = realloc(recovery->gathered, capacity);
        check(recovery->gathered != NULL);
        recovery->gathered_capacity = capacity;
    }
    if (content.size > 0) {
        memcpy(recovery->gathered + recovery->gathered_size, content.data, content.size);
    }
    recovery->gathered_size = needed;
}

static err take_chunk(
    struct recovery *recovery,
    const struct wal_segment *segment,
    uint64_t offset,
    const struct segment_chunk *chunk
) {
    bool last = (chunk->flags & SEGMENT_CHUNK_LAST) != 0;
    if ((chunk->flags & SEGMENT_CHUNK_FIRST) != 0) {
        recovery->gathering = !last;
        recovery->gathered_size = 0;
        recovery->batch_segment = segment->header.number;
        if (last) {
            return visit_records(recovery, segment, offset, chunk, chunk->content);
        }
    }
    if (!recovery->gathering) {
        return ERR_NONE; // the rest of a batch that began before the first segment needed
    }
    gather(recovery, chunk->content);
    if (!last) {
        return ERR_NONE;
    }
    recovery->gathering = false;
    bytes records = bytes_of(recovery->gathered, recovery->gathered_size);
    return visit_records(recovery, segment, offset, chunk, records);
}

// Whether a chunk later than `sequence` is valid anywhere behind `offset`.
static bool later_chunk_exists(
    const struct wal_segment *segment, bytes content, uint64_t offset, uint64_t sequence
) {
    if (mutant_is("cut_in_mid_log")) {
        return false;
    }
    for (uint64_t at = offset; at < content.size; at += SEGMENT_BLOCK_BYTES) {
        struct segment_chunk chunk;
        if (segment_decode_chunk(&segment->header, content, at, &chunk) &&
            chunk.sequence > sequence) {
            return true;
        }
    }
    return false;
}

// Takes the chunks of a segment up to its end or to the first place where none is valid.
static err
take_segment(struct recovery *recovery, const struct wal_segment *segment, bytes content) {
    struct wal *wal = recovery->wal;
    wal->offset = SEGMENT_BLOCK_BYTES;
    for (;;) {
        struct segment_chunk chunk;
        if (!segment_decode_chunk(&segment->header, content, wal->offset, &chunk) ||
            chunk.sequence != wal->sequence || chunk.previous_crc != wal->previous_crc) {
            return ERR_NONE;
        }
        TRY(take_chunk(recovery, segment, wal->offset, &chunk));
        wal->offset += segment_chunk_span(chunk.content.size);
        wal->sequence++;
        wal->previous_crc = chunk.crc;
    }
}

static err read_segment(struct recovery *recovery, size_t index, uint8_t *content) {
    struct wal *wal = recovery->wal;
    const struct wal_segment *segment = &wal->live.items[index];
    TRY(disk_read_direct(wal->options.disk, segment->file, 0, content, (size_t)segment->bytes));
    bytes view = bytes_of(content, (size_t)segment->bytes);
    TRY(take_segment(recovery, segment, view));
    bool newest = index + 1 == wal->live.count;
    if (!newest && wal->sequence != segment[1].header.sequence) {
        return refuse(
            recovery->arena,
            ERR_CORRUPT,
            segment->name,
            wal->offset,
            "damaged, and the log goes on in a later segment"
        );
    }
    if (newest && later_chunk_exists(segment, view, wal->offset, wal->sequence)) {
        return refuse(
            recovery->arena,
            ERR_CORRUPT,
            segment->name,
            wal->offset,
            "damaged, and the log goes on behind it"
        );
    }
    return ERR_NONE;
}

static err check_complete(const struct wal *wal, struct arena *arena) {
    uint64_t expected = wal->options.first_segment;
    for (size_t i = 0; i < wal->live.count; i++, expected++) {
        const struct wal_segment *segment = &wal->live.items[i];
        if (segment->header.number != expected) {
            return refuse(
                arena, ERR_CORRUPT, segment->name, 0, "the segment before it in the log is missing"
            );
        }
    }
    return ERR_NONE;
}

static err read_segments(struct recovery *recovery) {
    struct wal *wal = recovery->wal;
    uint64_t largest = 0;
    for (size_t i = 0; i < wal->live.count; i++) {
        largest = wal->live.items[i].bytes > largest ? wal->live.items[i].bytes : largest;
    }
    const struct segment_header *first = &wal->live.items[0].header;
    wal->sequence = first->sequence;
    wal->previous_crc = first->previous_crc;
    uint8_t *content = aligned_alloc(DISK_BLOCK_BYTES, (size_t)largest);
    check(content != NULL);
    err error = ERR_NONE;
    for (size_t i = 0; i < wal->live.count && !err_is(error); i++) {
        wal->lsn =
            wal->live.items[i].header.lsn > wal->lsn ? wal->live.items[i].header.lsn : wal->lsn;
        error = read_segment(recovery, i, content);
    }
    free(content);
    return error;
}

err wal_recover(struct wal *wal, struct arena *arena, wal_visit visit, void *argument) {
    if (wal->live.count == 0) {
        if (!wal->options.formatting) {
            return err_make(
                ERR_CORRUPT, "the log has no segment; restore this store from another copy"
            );
        }
        TRY(wal_roll(wal, wal->lsn));
        return wal->spare.count > 0 ? ERR_NONE : wal_add_spare(wal);
    }
    TRY(check_complete(wal, arena));
    struct recovery recovery = {
        .wal = wal,
        .arena = arena,
        .visit = visit,
        .argument = argument,
    };
    err error = read_segments(&recovery);
    free(recovery.gathered);
    if (err_is(error)) {
        return error;
    }
    // What was read may have been written but never synced: it counts from here on.
    return disk_sync(wal->options.disk, wal->live.items[wal->live.count - 1].file);
}
