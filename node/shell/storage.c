// The folder of a store holds `log` and `state`. The disk of the log takes a lock that the system
// gives back when the process ends, however it ends: one process a store.
#include "node/shell/storage.h"

#include "node/shell/clocks.h"
#include "proto/base/check.h"
#include "storage/lmdb/lmdb_map.h"
#include "storage/posix/posix_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    MIB = 1024 * 1024
};

struct storage {
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
};

static err folder_make(const char *path, struct arena *arena) {
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return ERR_NONE;
    }
    return err_make(
        ERR_IO,
        arena_format(
            arena, "folder '%s' cannot be made; its parent must exist and be writable", path
        )
    );
}

static err parts_open(struct storage *storage, const struct config *config, struct arena *arena) {
    const char *log_folder = arena_format(arena, "%s/log", config->store);
    const char *state_folder = arena_format(arena, "%s/state", config->store);
    TRY(folder_make(config->store, arena));
    TRY(posix_disk_create(log_folder, arena, &storage->disk));
    TRY(lmdb_map_create(state_folder, arena, &storage->map));
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct store_options options = {
        .disk = storage->disk,
        .map = storage->map,
        .group_count = (uint32_t)config->partitions + 1,
        .lane = 0,
        .lane_count = 1,
        .segment_bytes = (size_t)config->segment_mib * MIB,
        .overlay_bytes_max = (size_t)config->overlay_mib * MIB,
        .checkpoint_bytes = 8 * (size_t)MIB,
        .checkpoint_ms = config->checkpoint_ms,
        .random_seed = seed,
    };
    return store_open(&options, arena, &storage->store);
}

err storage_open(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct storage **out_storage
) {
    struct storage *storage = calloc(1, sizeof(*storage));
    check(storage != NULL);
    mono_time begun = clocks_mono();
    err opened = parts_open(storage, config, arena);
    if (err_is(opened)) {
        storage_close(&storage);
        return opened;
    }
    struct store_stats stats = store_stats(storage->store);
    log_line(
        log,
        LOG_INFO,
        "store_open",
        "store=%s took_ms=%lld overlay_bytes=%llu segments=%llu",
        config->store,
        (long long)((clocks_mono().ns - begun.ns) / 1000000),
        (unsigned long long)stats.overlay_bytes,
        (unsigned long long)stats.segments
    );
    *out_storage = storage;
    return ERR_NONE;
}

void storage_close(struct storage **storage) {
    if (*storage == NULL) {
        return;
    }
    store_close(&(*storage)->store);
    lmdb_map_destroy(&(*storage)->map);
    posix_disk_destroy(&(*storage)->disk);
    free(*storage);
    *storage = NULL;
}

struct store *storage_store(struct storage *storage) {
    return storage->store;
}
