// A store with its disk and map, for tests: over the twins or over the real ones.
#pragma once

#include "storage/lmdb/lmdb_map.h"
#include "storage/memory/memory.h"
#include "storage/posix/posix_disk.h"
#include "storage/store.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum rig_kind {
    RIG_MEMORY,
    RIG_REAL
};

struct rig {
    enum rig_kind kind;
    struct store_options options;
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct arena *arena;
    struct store *store;
    uint64_t opened; // times
    char path[64];
};

static inline void rig_connect(struct rig *rig) {
    if (rig->kind == RIG_REAL) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/log", rig->path);
        assert_ok(posix_disk_create(path, rig->arena, &rig->disk));
        (void)snprintf(path, sizeof(path), "%s/state", rig->path);
        assert_ok(lmdb_map_create(path, rig->arena, &rig->map));
    } else if (rig->disk == NULL) {
        rig->disk = memory_disk_create(&rig->faults);
        rig->map = memory_map_create(&rig->faults);
    }
}

static inline void rig_init(struct rig *rig, enum rig_kind kind, size_t segment_bytes) {
    *rig = (struct rig){.kind = kind};
    rig->arena = arena_create(4096);
    memory_faults_init(&rig->faults, 17);
    rig->options = (struct store_options){
        .group_count = 5,
        .lane_count = 1,
        .segment_bytes = segment_bytes,
        .overlay_bytes_max = 64 * 1024 * 1024,
        .checkpoint_bytes = 4 * 1024 * 1024,
        .checkpoint_ms = 250,
        .cluster = "cluster",
    };
    if (kind == RIG_REAL) {
        const char *base = getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe): one thread
        (void)snprintf(
            rig->path, sizeof(rig->path), "%s/orpheus-store-XXXXXX", base == NULL ? "/tmp" : base
        );
        assert_non_null(mkdtemp(rig->path));
    }
    rig_connect(rig);
}

static inline err rig_try_open(struct rig *rig) {
    rig->options.disk = rig->disk;
    rig->options.map = rig->map;
    rig->options.random_seed = ++rig->opened;
    return store_open(&rig->options, rig->arena, &rig->store);
}

static inline void rig_open(struct rig *rig) {
    assert_ok(rig_try_open(rig));
}

// As after kill -9: what was written stays.
static inline void rig_reopen(struct rig *rig) {
    store_close(&rig->store);
    if (rig->kind == RIG_REAL) {
        lmdb_map_destroy(&rig->map);
        posix_disk_destroy(&rig->disk);
        rig_connect(rig);
    }
    rig_open(rig);
}

// As after the power went.
static inline err rig_crash(struct rig *rig) {
    store_close(&rig->store);
    memory_disk_crash(rig->disk);
    memory_map_crash(rig->map);
    return rig_try_open(rig);
}

static inline void rig_remove_tree(struct arena *arena, const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        const char *name = arena_format(arena, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name) != 0) {
            rig_remove_tree(arena, name);
        }
    }
    (void)closedir(directory);
    (void)rmdir(path);
}

static inline void rig_deinit(struct rig *rig) {
    store_close(&rig->store);
    if (rig->kind == RIG_REAL) {
        lmdb_map_destroy(&rig->map);
        posix_disk_destroy(&rig->disk);
        rig_remove_tree(rig->arena, rig->path);
    } else {
        memory_map_destroy(&rig->map);
        memory_disk_destroy(&rig->disk);
    }
    arena_destroy(&rig->arena);
}

// --- small deeds ---------------------------------------------------------------------------------

// Commits one put (or deletion, with data NULL) as an entry. Returns its lsn.
static inline log_lsn rig_put(struct rig *rig, group_id group, bytes key, bytes value) {
    struct store_txn *txn = NULL;
    assert_ok(store_txn_begin(rig->store, group, &txn));
    if (value.data == NULL) {
        store_txn_del(txn, key);
    } else {
        store_txn_put(txn, key, value);
    }
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, 1, 1000, &index, &lsn);
    assert_null(txn);
    return lsn;
}

static inline err rig_try_sync(struct rig *rig) {
    struct store_batch *batch = store_batch_begin(rig->store);
    if (batch == NULL) {
        return ERR_NONE;
    }
    TRY(store_batch_write(batch));
    (void)store_batch_end(rig->store, &batch);
    return ERR_NONE;
}

static inline err rig_try_checkpoint(struct rig *rig) {
    struct store_checkpoint *checkpoint = store_checkpoint_begin(rig->store, (mono_time){0}, true);
    if (checkpoint == NULL) {
        return ERR_NONE;
    }
    TRY(store_checkpoint_write(checkpoint));
    store_checkpoint_end(rig->store, &checkpoint);
    return ERR_NONE;
}

// Commits everything, as the only voter does once it is durable.
static inline void rig_commit_all(struct rig *rig) {
    for (uint32_t i = 0; i < rig->options.group_count; i++) {
        store_commit(rig->store, (group_id)i, store_group(rig->store, (group_id)i).last_index);
    }
}

static inline void rig_sync(struct rig *rig) {
    assert_ok(rig_try_sync(rig));
    rig_commit_all(rig);
}

static inline void rig_checkpoint(struct rig *rig) {
    assert_ok(rig_try_checkpoint(rig));
}

static inline void rig_expect(struct rig *rig, group_id group, bytes key, bytes value) {
    bytes found = BYTES_EMPTY;
    err error = store_get(rig->store, group, key, &found);
    if (value.data == NULL) {
        assert_int_equal(error.code, ERR_NOT_FOUND);
    } else {
        assert_ok(error);
        assert_true(bytes_equal(found, value));
    }
}
