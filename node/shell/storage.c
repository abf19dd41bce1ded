// The folder of a store holds `log` and `state`. The disk of the log takes a lock that the system
// gives back when the process ends, however it ends: one process a store.
#include "node/shell/storage.h"

#include "node/shell/clocks.h"
#include "proto/base/check.h"
#include "storage/lmdb/lmdb_map.h"
#include "storage/posix/posix_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MIB = 1024 * 1024
};

struct storage {
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    uint64_t incarnation;
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

// Counts this start, durably before anything is said to another node: a later process of the node
// has a higher number, whatever the clock does. Only a folder that is empty, as after a lost disk,
// takes its first number from the clock: the count that was lost with the disk began at an earlier
// time, and grew by less than one a millisecond.
static err incarnation_count(struct storage *storage, const char *folder, struct arena *arena) {
    const char *path = arena_format(arena, "%s/incarnation", folder);
    const char *next = arena_format(arena, "%s/incarnation.next", folder);
    FILE *file = fopen(path, "r");
    unsigned long long last = (unsigned long long)clocks_wall().ms;
    bool unread = file == NULL && errno != ENOENT;
    if (file != NULL) {
        unread = fscanf(file, "%llu", &last) != 1;
        (void)fclose(file);
    }
    if (unread) {
        return err_make(
            ERR_CORRUPT,
            arena_format(
                arena,
                "'%s' does not hold the number of this node's starts; write one into it that is "
                "above the incarnation its peers last logged",
                path
            )
        );
    }
    storage->incarnation = (uint64_t)last + 1;
    file = fopen(next, "w");
    bool written = file != NULL && fprintf(file, "%llu\n", last + 1) > 0 && fflush(file) == 0 &&
                   fsync(fileno(file)) == 0;
    if (file != NULL) {
        written = fclose(file) == 0 && written;
    }
    int directory = open(folder, O_RDONLY | O_DIRECTORY);
    written = written && rename(next, path) == 0 && directory >= 0 && fsync(directory) == 0;
    if (directory >= 0) {
        (void)close(directory);
    }
    return written ? ERR_NONE
                   : err_make(ERR_IO, arena_format(arena, "'%s' cannot be written", path));
}

bool storage_exists(const struct config *config, struct arena *arena) {
    return access(arena_format(arena, "%s/state", config->store), F_OK) == 0;
}

static err parts_open(
    struct storage *storage,
    const struct config *config,
    const struct identity *identity,
    struct arena *arena
) {
    bool alone = identity->state == IDENTITY_NONE;
    const char *log_folder = arena_format(arena, "%s/log", config->store);
    const char *state_folder = arena_format(arena, "%s/state", config->store);
    TRY(folder_make(config->store, arena));
    TRY(posix_disk_create(log_folder, arena, &storage->disk));
    TRY(lmdb_map_create(state_folder, arena, &storage->map));
    TRY(incarnation_count(storage, config->store, arena));
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        return err_make(ERR_IO, "the system gives no random bytes");
    }
    struct store_options options = {
        .disk = storage->disk,
        .map = storage->map,
        .group_count = (alone ? (uint32_t)config->partitions : identity->partitions) + 1,
        .lane = 0,
        .lane_count = 1,
        .segment_bytes = (size_t)config->segment_mib * MIB,
        .overlay_bytes_max = (size_t)config->overlay_mib * MIB,
        .checkpoint_bytes = 8 * (size_t)MIB,
        .checkpoint_ms = config->checkpoint_ms,
        .scrub_bytes = LIMIT_STORE_SCRUB_BYTES,
        .scrub_ms = LIMIT_STORE_SCRUB_MS,
        .scrub_rest_ms = LIMIT_STORE_SCRUB_REST_MS,
        .history_bytes = alone ? STORE_HISTORY_NONE : 0, // nobody asks for it
        .random_seed = seed,
    };
    memcpy(options.cluster, identity->cluster_id.bytes, sizeof(options.cluster));
    memcpy(options.identity, identity->store_id.bytes, sizeof(options.identity));
    return store_open(&options, arena, &storage->store);
}

err storage_open(
    const struct config *config,
    const struct identity *identity,
    const struct log *log,
    struct arena *arena,
    struct storage **out_storage
) {
    struct storage *storage = calloc(1, sizeof(*storage));
    check(storage != NULL);
    mono_time begun = clocks_mono();
    err opened = parts_open(storage, config, identity, arena);
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

uint64_t storage_incarnation(const struct storage *storage) {
    return storage->incarnation;
}

struct store *storage_store(struct storage *storage) {
    return storage->store;
}
