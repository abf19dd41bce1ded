// What a decision pays the store on the core thread: a transaction of ten rows, begun, written and
// committed over 64 groups; then batches and checkpoints, which leave that thread, each on its own.
//
// usage: bench_store_commit DIRECTORY
#include "proto/base/check.h"
#include "storage/keys.h"
#include "storage/lmdb/lmdb_map.h"
#include "storage/posix/posix_disk.h"
#include "storage/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    GROUPS = 65,
    ROUNDS = 40,
    COMMITS = 2000, // a round, then a batch and a checkpoint
    ROWS = 10
};

static double now_us(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void decide(struct store *store, struct random *random, int64_t ms) {
    static const uint8_t value[400];
    id128 workflow = id_mint((uint16_t)random_below(random, ID_SLOT_COUNT), ms, random);
    group_id group = (group_id)(1 + id_slot(workflow) % (GROUPS - 1));
    struct store_txn *txn = NULL;
    check(!err_is(store_txn_begin(store, group, &txn)));
    struct key key = key_workflow(workflow);
    bytes found = BYTES_EMPTY;
    check(store_txn_get(txn, key_bytes(&key), &found).code == ERR_NOT_FOUND);
    store_txn_put(txn, key_bytes(&key), bytes_of(value, 220));
    for (uint32_t i = 1; i < ROWS; i++) {
        key = key_task(workflow, 1, i);
        store_txn_put(txn, key_bytes(&key), bytes_of(value, 20 + 30 * (size_t)i));
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, ms, &index, &lsn);
}

static void open_store(const char *directory, struct store_options *options, struct store **store) {
    struct arena *arena = arena_create(4096);
    const char *log = arena_format(arena, "%s/log", directory);
    const char *state = arena_format(arena, "%s/state", directory);
    check(!err_is(posix_disk_create(log, arena, &options->disk)));
    check(!err_is(lmdb_map_create(state, arena, &options->map)));
    check(!err_is(store_open(options, arena, store)));
    arena_destroy(&arena);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_store_commit DIRECTORY\n");
        return 2;
    }
    struct store_options options = {
        .group_count = GROUPS,
        .lane_count = 1,
        .segment_bytes = (size_t)64 << 20,
        .overlay_bytes_max = (size_t)64 << 20,
        .checkpoint_bytes = (size_t)4 << 20,
        .checkpoint_ms = 250,
        .random_seed = 1,
    };
    struct store *store = NULL;
    open_store(argv[1], &options, &store);
    struct random random;
    random_init(&random, 1);
    double spent[4] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        double from = now_us();
        for (int i = 0; i < COMMITS; i++) {
            decide(store, &random, 1764000000000 + round * 250 + i / 8);
        }
        double committed = now_us();
        struct store_batch *batch = store_batch_begin(store);
        check(!err_is(store_batch_write(batch)));
        (void)store_batch_end(store, &batch);
        for (group_id g = 0; g < GROUPS; g++) {
            store_commit(store, g, store_group(store, g).last_index);
        }
        double synced = now_us();
        struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, true);
        check(!err_is(store_checkpoint_write(checkpoint)));
        double written = now_us();
        store_checkpoint_end(store, &checkpoint);
        spent[0] += committed - from;
        spent[1] += synced - committed;
        spent[2] += written - synced;
        spent[3] += now_us() - written;
    }
    printf("transaction of %d rows, us: %.2f\n", ROWS, spent[0] / ROUNDS / COMMITS);
    printf("batch of %d entries, us: %.0f\n", COMMITS, spent[1] / ROUNDS);
    printf("checkpoint of %d rows, us: %.0f\n", COMMITS * ROWS, spent[2] / ROUNDS);
    printf("its end, on the core thread, us: %.0f\n", spent[3] / ROUNDS);
    struct store_stats stats = store_stats(store);
    printf("log bytes an entry: %.0f\n", (double)stats.batch_bytes / ROUNDS / COMMITS);
    store_close(&store);
    lmdb_map_destroy(&options.map);
    posix_disk_destroy(&options.disk);
    return 0;
}
