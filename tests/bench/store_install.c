// What a snapshot costs: one group of many rows scanned at its source and installed at its
// destination, which is empty and then is not; the shares of the core thread and of the checkpoint
// thread, each in CPU time of its own.
//
// usage: bench_store_install DIRECTORY [ROWS]
#include "proto/base/check.h"
#include "storage/lmdb/lmdb_map.h"
#include "storage/posix/posix_disk.h"
#include "storage/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum {
    GROUP = 1,
    ROWS = 200000,
    ROWS_AN_ENTRY = 1000,
    VALUE_BYTES = 300,
    CHUNK_BYTES = 256 * 1024
};

struct replica {
    struct store_options options;
    struct store *store;
};

struct spent {
    double scan_us;       // core thread of the source
    double take_us;       // core thread of the destination
    double checkpoint_us; // checkpoint thread of the destination
    double bytes;
    int checkpoints;
    int drops;
};

static double clock_us(clockid_t clock) {
    struct timespec time;
    check(clock_gettime(clock, &time) == 0);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double cpu_us(void) {
    return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static void open_replica(struct replica *replica, const char *directory, const char *name) {
    struct arena *arena = arena_create(4096);
    const char *path = arena_format(arena, "%s/%s", directory, name);
    (void)mkdir(path, 0700);
    replica->options = (struct store_options){
        .group_count = 2,
        .lane_count = 1,
        .segment_bytes = (size_t)64 << 20,
        .overlay_bytes_max = (size_t)64 << 20,
        .checkpoint_bytes = (size_t)4 << 20,
        .checkpoint_ms = 250,
        .random_seed = 1,
    };
    const char *log = arena_format(arena, "%s/log", path);
    const char *state = arena_format(arena, "%s/state", path);
    check(!err_is(posix_disk_create(log, arena, &replica->options.disk)));
    check(!err_is(lmdb_map_create(state, arena, &replica->options.map)));
    check(!err_is(store_open(&replica->options, arena, &replica->store)));
    arena_destroy(&arena);
}

static void close_replica(struct replica *replica) {
    store_close(&replica->store);
    lmdb_map_destroy(&replica->options.map);
    posix_disk_destroy(&replica->options.disk);
}

static void sync_log(struct store *store) {
    struct store_batch *batch = store_batch_begin(store);
    if (batch != NULL) {
        check(!err_is(store_batch_write(batch)));
        (void)store_batch_end(store, &batch);
    }
}

static bool checkpoint(struct store *store, double *spent_us) {
    struct store_checkpoint *checkpoint = store_checkpoint_begin(store, (mono_time){0}, false);
    if (checkpoint == NULL) {
        return false;
    }
    double from = cpu_us();
    check(!err_is(store_checkpoint_write(checkpoint)));
    *spent_us += cpu_us() - from;
    store_checkpoint_end(store, &checkpoint);
    return true;
}

static void fill(struct store *store, uint32_t rows) {
    static uint8_t value[VALUE_BYTES];
    double ignored = 0;
    for (uint32_t row = 0; row < rows;) {
        struct store_txn *txn = NULL;
        check(!err_is(store_txn_begin(store, GROUP, &txn)));
        for (int i = 0; i < ROWS_AN_ENTRY && row < rows; i++, row++) {
            uint8_t key[16] = {'W'};
            bytes_put_u32(key + 8, row);
            bytes_put_u32(value, row);
            store_txn_put(txn, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)));
        }
        log_index index = 0;
        log_lsn lsn = 0;
        store_txn_commit(&txn, 1, 1, &index, &lsn);
        sync_log(store);
        store_commit(store, GROUP, index);
        (void)checkpoint(store, &ignored);
    }
    struct store_checkpoint *last = store_checkpoint_begin(store, (mono_time){0}, true);
    if (last != NULL) {
        check(!err_is(store_checkpoint_write(last)));
        store_checkpoint_end(store, &last);
    }
}

static void turn(struct store *store, struct spent *spent) {
    bool drops = store_installing(store, GROUP) == STORE_INSTALL_DROPPING;
    sync_log(store);
    if (checkpoint(store, &spent->checkpoint_us)) {
        spent->checkpoints++;
        spent->drops += drops;
    }
}

static void move_rows(struct store *source, struct store *target, struct spent *spent) {
    struct buffer rows;
    struct buffer next;
    buffer_init(&rows, (size_t)1 << 20);
    buffer_init(&next, 1024);
    for (bool done = false; !done;) {
        log_index applied = 0;
        double from = cpu_us();
        check(!err_is(store_scan(
            source, GROUP, buffer_bytes(&next), CHUNK_BYTES, &rows, &next, &done, &applied
        )));
        double scanned = cpu_us();
        spent->scan_us += scanned - from;
        spent->bytes += (double)rows.size;
        while (err_is(store_install_rows(target, GROUP, buffer_bytes(&rows), done))) {
            turn(target, spent);
            scanned = cpu_us();
        }
        spent->take_us += cpu_us() - scanned;
    }
    buffer_deinit(&rows);
    buffer_deinit(&next);
}

static void install(struct store *source, struct store *target, const char *what) {
    struct spent spent = {0};
    double from = clock_us(CLOCK_MONOTONIC);
    struct store_position position = store_position(source, GROUP);
    (void)store_install_begin(target, GROUP, &position);
    while (store_installing(target, GROUP) == STORE_INSTALL_DROPPING) {
        turn(target, &spent);
    }
    double dropped = clock_us(CLOCK_MONOTONIC);
    double drop_us = spent.checkpoint_us;
    move_rows(source, target, &spent);
    while (store_installing(target, GROUP) != STORE_INSTALL_FOLLOWING) {
        turn(target, &spent);
    }
    store_install_end(target, GROUP, position.index);
    turn(target, &spent);
    check(store_installing(target, GROUP) == STORE_INSTALL_NONE);
    double mib = spent.bytes / (1 << 20);
    double done = clock_us(CLOCK_MONOTONIC);
    printf(
        "%s: %.1f MiB in %.2f s, of it dropping %.2f s",
        what,
        mib,
        (done - from) / 1e6,
        (dropped - from) / 1e6
    );
    printf(
        " in %d checkpoints of %.1f ms CPU\n",
        spent.drops,
        spent.drops > 0 ? drop_us / 1e3 / spent.drops : 0.0
    );
    printf(
        "  core thread, us a MiB: source %.0f, destination %.0f\n",
        spent.scan_us / mib,
        spent.take_us / mib
    );
    printf("  checkpoint thread, ms a MiB: %.1f\n", (spent.checkpoint_us - drop_us) / 1e3 / mib);
    hash128 left = {0, 0};
    hash128 right = {0, 0};
    check(!err_is(store_state_hash(source, GROUP, &left)));
    check(!err_is(store_state_hash(target, GROUP, &right)));
    check(hash128_equal(left, right));
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_store_install DIRECTORY [ROWS]\n");
        return 2;
    }
    uint32_t rows = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : ROWS;
    struct replica source;
    struct replica target;
    open_replica(&source, argv[1], "source");
    open_replica(&target, argv[1], "target");
    fill(source.store, rows);
    install(source.store, target.store, "into nothing");
    install(source.store, target.store, "over as many rows");
    close_replica(&source);
    close_replica(&target);
    double from = clock_us(CLOCK_MONOTONIC);
    open_replica(&source, argv[1], "source");
    printf("opening the source again: %.0f ms", (clock_us(CLOCK_MONOTONIC) - from) / 1e3);
    printf(", history %.1f MiB\n", (double)store_stats(source.store).history_bytes / (1 << 20));
    close_replica(&source);
    return 0;
}
