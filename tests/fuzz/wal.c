// A log of any content: bytes as they are, or chunks whose checksums are right and whose records
// are wild. Recovery refuses it or takes it; what it takes can be walked, checkpointed and opened
// again.
#include "proto/base/arena.h"
#include "proto/base/hash.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "storage/wal/record.h"
#include "storage/wal/segment.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROUPS = 3,
    SEGMENT_BYTES = 32 * 1024,
    ROOM_BYTES = SEGMENT_BYTES - 2 * SEGMENT_BLOCK_BYTES
};

static const char *const NAME = "wal-00000000";

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t take_byte(struct input *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

// A few bytes of the input.
static bytes take_run(struct input *input) {
    size_t size = take_byte(input);
    size = size < input->left ? size : input->left;
    bytes run = bytes_of(input->at, size);
    input->at += size;
    input->left -= size;
    return run;
}

struct forger {
    struct disk *disk;
    struct disk_file *file;
    struct segment_header header;
    uint8_t *segment;
    uint64_t offset; // of the chunk being filled
    size_t size;     // of its content
    uint64_t sequence;
    uint64_t lsn;
    uint32_t records;
    uint32_t previous_crc;
    log_index last[GROUPS];
    hash128 chain[GROUPS];
};

static void add(struct forger *forger, bytes content) {
    uint64_t begin = forger->offset + SEGMENT_CHUNK_HEADER_BYTES + forger->size;
    if (begin + content.size <= SEGMENT_BYTES && content.size > 0) {
        memcpy(forger->segment + begin, content.data, content.size);
        forger->size += content.size;
    }
}

static void add_record(struct forger *forger, const struct record *record) {
    uint8_t head[RECORD_HEAD_BYTES_MAX];
    add(forger, bytes_of(head, record_encode_head(record, head)));
    add(forger, record->payload);
    forger->records++;
}

// The next entry of a group, its chain right.
static void add_entry(struct forger *forger, struct input *input) {
    uint8_t what = take_byte(input);
    group_id group = (group_id)(what % GROUPS);
    struct record record = {
        .type = (what & 0x40) != 0 ? RECORD_MOVED : RECORD_ENTRY,
        .group = group,
        .index = ++forger->last[group],
        .term = 1,
        .payload = take_run(input),
    };
    uint8_t hashed[32 + 256] = {0};
    hash128_store(forger->chain[group], hashed);
    bytes_put_u64(hashed + 16, record.term);
    if (record.payload.size > 0) {
        memcpy(hashed + 32, record.payload.data, record.payload.size);
    }
    record.chain = hash_sip128(bytes_of(hashed, 32 + record.payload.size));
    forger->chain[group] = record.chain;
    add_record(forger, &record);
}

static void add_wild(struct forger *forger, struct input *input) {
    static const enum record_type types[] = {
        RECORD_ENTRY, RECORD_MOVED, RECORD_HARD, RECORD_COMMIT, RECORD_CUT, RECORD_INSTALL};
    uint8_t what = take_byte(input);
    struct record record = {
        .type = types[(what & 0x80) != 0 ? 4 + (what & 1) : what & 3],
        .group = (group_id)(what >> 2 & 3),
        .index = (log_index)take_byte(input) << (what >> 4),
        .epoch = take_byte(input),
        .term = take_byte(input),
        .vote = take_byte(input),
    };
    if (record.type == RECORD_ENTRY || record.type == RECORD_MOVED) {
        record.payload = take_run(input);
    }
    add_record(forger, &record);
}

static void end_chunk(struct forger *forger, uint8_t how) {
    uint8_t *at = forger->segment + forger->offset;
    struct segment_chunk chunk = {
        .flags = how & 3,
        .sequence = forger->sequence + (how >> 6 & 1),
        .lsn = forger->lsn,
        .records = forger->records + (how >> 7),
        .previous_crc = forger->previous_crc,
        .content = {at + SEGMENT_CHUNK_HEADER_BYTES, forger->size},
    };
    forger->previous_crc = segment_encode_chunk(&forger->header, forger->offset, &chunk, at);
    forger->offset += segment_chunk_span(forger->size);
    forger->sequence++;
    forger->size = 0;
    if ((how & SEGMENT_CHUNK_LAST) != 0) {
        forger->lsn += forger->records;
        forger->records = 0;
    }
}

static void forge(struct forger *forger, struct input *input) {
    bytes content = BYTES_EMPTY;
    check(memory_disk_content(forger->disk, NAME, &content));
    check(content.size == SEGMENT_BYTES);
    memcpy(forger->segment, content.data, content.size);
    check(segment_decode_header(forger->segment, &forger->header));
    bool raw = (take_byte(input) & 1) != 0;
    while (input->left > 0 && forger->offset + forger->size < ROOM_BYTES) {
        uint8_t deed = raw ? 0 : take_byte(input);
        switch (deed & 3) {
        case 0:
            add(forger, take_run(input));
            break;
        case 1:
            add_entry(forger, input);
            break;
        case 2:
            add_wild(forger, input);
            break;
        default:
            end_chunk(forger, (uint8_t)(deed >> 2 | (deed & 0xc0)));
            break;
        }
    }
    check(!err_is(disk_open(forger->disk, NAME, &forger->file)));
    check(!err_is(disk_write(forger->disk, forger->file, 0, forger->segment, SEGMENT_BYTES)));
    check(!err_is(disk_sync(forger->disk, forger->file)));
    disk_close(forger->disk, forger->file);
}

static size_t walk(struct store *store) {
    size_t rows = 0;
    for (group_id group = 0; group < GROUPS; group++) {
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        struct store_cursor *cursor = store_cursor_open(store, NULL, group, BYTES_EMPTY);
        while (store_cursor_next(cursor, &key, &value)) {
            check(key.size > 0);
            rows++;
        }
        store_cursor_close(&cursor);
    }
    return rows;
}

static void commit_all(struct store *store) {
    for (group_id group = 0; group < GROUPS; group++) {
        store_commit(store, group, store_group(store, group).last_index);
    }
}

static bool is_installing(const struct store *store) {
    bool any = false;
    for (group_id group = 0; group < GROUPS; group++) {
        any |= store_installing(store, group) != STORE_INSTALL_NONE;
    }
    return any;
}

// What is kept can be read, and its terms are known.
static void read_all(struct store *store) {
    for (group_id group = 0; group < GROUPS; group++) {
        log_index first = store_first_index(store, group);
        log_index last = store_group(store, group).last_index;
        uint64_t term = 0;
        hash128 chain = {0, 0};
        check(store_entry_term(store, group, first - 1, &term, &chain));
        for (log_index index = first; index <= last; index++) {
            struct store_entry entry;
            check(!err_is(store_entry_read(store, group, index, &entry)));
            check(store_entry_term(store, group, index, &term, &chain));
            check(term == entry.term && hash128_equal(chain, entry.chain));
        }
    }
}

static void checkpoint(struct store *store) {
    struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
    if (checkpoint != NULL) {
        check(!err_is(store_checkpoint_write(checkpoint)));
        store_checkpoint_end(store, &checkpoint);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input_bytes, size_t size) {
    struct arena *arena = arena_create(4096);
    struct memory_faults faults;
    memory_faults_init(&faults, 1);
    struct store_options options = {
        .disk = memory_disk_create(&faults),
        .map = memory_map_create(&faults),
        .group_count = GROUPS,
        .lane_count = 1,
        .segment_bytes = SEGMENT_BYTES,
        .overlay_bytes_max = 1024 * 1024,
        .checkpoint_bytes = 1024 * 1024,
        .random_seed = 1,
    };
    struct store *store = NULL;
    check(!err_is(store_open(&options, arena, &store)));
    store_close(&store);
    struct input input = {input_bytes, size};
    struct forger forger = {
        .disk = options.disk,
        .segment = calloc(1, SEGMENT_BYTES),
        .offset = SEGMENT_BLOCK_BYTES,
        .sequence = 1,
        .lsn = 1,
    };
    check(forger.segment != NULL);
    forge(&forger, &input);
    err error = store_open(&options, arena, &store);
    check(!err_is(error) || error.code == ERR_CORRUPT || error.code == ERR_CONFLICT);
    if (!err_is(error)) {
        (void)walk(store);
        commit_all(store);
        size_t rows = walk(store);
        checkpoint(store);
        check(walk(store) == rows);
        read_all(store);
        store_close(&store);
        check(!err_is(store_open(&options, arena, &store)));
        if (is_installing(store)) { // entries after a snapshot's rows, which never came
            commit_all(store);
        }
        check(walk(store) == rows);
        read_all(store);
        store_close(&store);
    }
    free(forger.segment);
    struct disk *disk = options.disk;
    struct sorted_map *map = options.map;
    memory_disk_destroy(&disk);
    memory_map_destroy(&map);
    arena_destroy(&arena);
    return 0;
}
