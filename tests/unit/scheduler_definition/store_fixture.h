// An empty store over the memory twins, for tests of what lives in the catalog.
#pragma once

#include "proto/base/arena.h"
#include "scheduler/definition/catalog.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "tests/unit/test.h"

struct store_fixture {
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct arena *arena;
    struct store *store;
    int64_t now_ms;
};

static inline void store_fixture_begin(struct store_fixture *fixture) {
    memory_faults_init(&fixture->faults, 1);
    fixture->disk = memory_disk_create(&fixture->faults);
    fixture->map = memory_map_create(&fixture->faults);
    fixture->arena = arena_create(256 * 1024);
    fixture->now_ms = 1000;
    struct store_options options = {
        .disk = fixture->disk,
        .map = fixture->map,
        .group_count = 2,
        .lane_count = 1,
        .segment_bytes = 1024 * 1024,
        .overlay_bytes_max = 64 * 1024 * 1024,
        .checkpoint_bytes = 64 * 1024 * 1024,
        .checkpoint_ms = 60 * 1000,
        .random_seed = 7,
    };
    assert_ok(store_open(&options, fixture->arena, &fixture->store));
}

static inline void store_fixture_end(struct store_fixture *fixture) {
    store_close(&fixture->store);
    memory_map_destroy(&fixture->map);
    memory_disk_destroy(&fixture->disk);
    arena_destroy(&fixture->arena);
}

static inline struct store_txn *store_fixture_txn(struct store_fixture *fixture) {
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(fixture->store, CATALOG_GROUP, &txn));
    return txn;
}

static inline void store_fixture_commit(struct store_fixture *fixture, struct store_txn *txn) {
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, fixture->now_ms, &index, &lsn);
}
