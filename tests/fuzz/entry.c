// What another replica sends: the payload of an entry, or a chunk of a snapshot's rows. It is
// refused and leaves nothing, or it is taken: then it can be committed, walked, checkpointed, read
// back as it was, and is there after a restart.
#include "proto/base/arena.h"
#include "proto/base/hash.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum {
    GROUP = 0,
    PAYLOAD_BYTES_MAX = 4096
};

static size_t walk(struct store *store) {
    size_t rows = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct store_cursor *cursor = store_cursor_open(store, NULL, GROUP, BYTES_EMPTY);
    while (store_cursor_next(cursor, &key, &value)) {
        check(key.size > 0);
        rows++;
    }
    store_cursor_close(&cursor);
    return rows;
}

static void sync_log(struct store *store) {
    struct store_batch *batch = store_batch_begin(store);
    check(batch != NULL);
    check(!err_is(store_batch_write(batch)));
    (void)store_batch_end(store, &batch);
}

static void make_checkpoint(struct store *store) {
    struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
    check(checkpoint != NULL);
    check(!err_is(store_checkpoint_write(checkpoint)));
    store_checkpoint_end(store, &checkpoint);
}

// Appends the payload as the group's first entry. Returns whether it was taken.
static bool append(struct store *store, bytes payload) {
    uint8_t hashed[32 + PAYLOAD_BYTES_MAX] = {0};
    bytes_put_u64(hashed + 16, 1);
    bytes_put_u64(hashed + 24, 1);
    if (payload.size > 0) {
        memcpy(hashed + 32, payload.data, payload.size);
    }
    struct store_entry entry = {.term = 1, .time_ms = 1, .payload = payload};
    entry.chain = hash_sip128(bytes_of(hashed, 32 + payload.size));
    log_lsn lsn = 0;
    err error = store_append(store, GROUP, &entry, &lsn);
    check(!err_is(error) || error.code == ERR_CORRUPT);
    check(store_batch_pending(store) == !err_is(error));
    if (err_is(error)) {
        return false;
    }
    check(walk(store) == 0);
    sync_log(store);
    store_commit(store, GROUP, 1);
    make_checkpoint(store);
    struct store_entry kept;
    check(!err_is(store_entry_read(store, GROUP, 1, &kept)));
    check(bytes_equal(kept.payload, payload));
    check(hash128_equal(kept.chain, entry.chain));
    return true;
}

// Installs the payload as the only chunk of a snapshot.
static bool install(struct store *store, bytes payload) {
    struct store_position position = {.index = 7, .term = 1, .time_ms = 1};
    (void)store_install_begin(store, GROUP, &position);
    err error = store_install_rows(store, GROUP, payload, true);
    check(!err_is(error) || error.code == ERR_CORRUPT);
    if (err_is(error)) {
        return false;
    }
    sync_log(store);
    make_checkpoint(store);
    check(store_installing(store, GROUP) == STORE_INSTALL_FOLLOWING);
    store_install_end(store, GROUP, 7);
    make_checkpoint(store);
    check(store_installing(store, GROUP) == STORE_INSTALL_NONE);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < 1 || size > PAYLOAD_BYTES_MAX) {
        return 0;
    }
    struct arena *arena = arena_create(4096);
    struct memory_faults faults;
    memory_faults_init(&faults, 1);
    struct store_options options = {
        .disk = memory_disk_create(&faults),
        .map = memory_map_create(&faults),
        .group_count = 1,
        .lane_count = 1,
        .segment_bytes = (size_t)32 * 1024,
        .overlay_bytes_max = (size_t)1024 * 1024,
        .checkpoint_bytes = (size_t)1024 * 1024,
        .random_seed = 1,
    };
    struct store *store = NULL;
    check(!err_is(store_open(&options, arena, &store)));
    bytes payload = bytes_of(input + 1, size - 1);
    bool taken = (input[0] & 1) != 0 ? install(store, payload) : append(store, payload);
    if (taken) {
        size_t rows = walk(store);
        store_close(&store);
        check(!err_is(store_open(&options, arena, &store)));
        check(walk(store) == rows);
    }
    store_close(&store);
    struct disk *disk = options.disk;
    struct sorted_map *map = options.map;
    memory_disk_destroy(&disk);
    memory_map_destroy(&map);
    arena_destroy(&arena);
    return 0;
}
