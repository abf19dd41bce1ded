// LMDB 0.9 by the rules of distributed.md §3.2: no WRITEMAP (a stray pointer would write the
// database), no NOSYNC, NOTLS (a snapshot moves between threads), NORDAHEAD, 1 TiB of sparse map at
// open, never grown.
//
// A cursor remembers its snapshot's generation and is renewed with it when placed. Any error of a
// commit goes up: LMDB would let a failed data sync be retried, which lies.
#include "storage/lmdb/lmdb_map.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <lmdb.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t MAP_BYTES = (size_t)1 << 40;

enum {
    READERS_MAX = 64
};

struct lmdb_map {
    struct sorted_map map;
    MDB_env *environment;
    MDB_dbi tables[MAP_TABLE_COUNT];
    uint64_t reserved_to; // the file is allocated up to here, as far as known
};

struct map_snapshot {
    MDB_txn *txn;
    uint64_t generation; // of renewals
};

struct map_cursor {
    MDB_cursor *cursor;
    struct map_snapshot *snapshot;
    uint64_t generation;
};

static const struct sorted_map_operations OPERATIONS;

static struct lmdb_map *of(struct sorted_map *map) {
    return (struct lmdb_map *)map;
}

// map_txn and MDB_txn are the same object under two names.
static MDB_txn *txn_of(struct map_txn *txn) {
    return (MDB_txn *)txn;
}

static err error_of(int code) {
    switch (code) {
    case MDB_SUCCESS:
        return ERR_NONE;
    case MDB_NOTFOUND:
        return err_make(ERR_NOT_FOUND, "no such row");
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return err_make(ERR_FULL, "no room left for the state");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return err_make(ERR_CORRUPT, mdb_strerror(code));
    default:
        return err_make(ERR_IO, mdb_strerror(code));
    }
}

// LMDB takes views that are not const and promises not to write through them.
static MDB_val val_of(bytes view) {
    union {
        const void *given;
        void *taken;
    } pointer = {.given = view.data};
    return (MDB_val){.mv_size = view.size, .mv_data = pointer.taken};
}

static bytes bytes_of_val(MDB_val value) {
    return bytes_of(value.mv_data, value.mv_size);
}

// --- reading -------------------------------------------------------------------------------------

static err snapshot_begin(struct sorted_map *map, struct map_snapshot **out_snapshot) {
    struct map_snapshot *snapshot = malloc(sizeof(*snapshot));
    check(snapshot != NULL);
    snapshot->generation = 0;
    int code = mdb_txn_begin(of(map)->environment, NULL, MDB_RDONLY, &snapshot->txn);
    if (code != MDB_SUCCESS) {
        free(snapshot);
        return error_of(code);
    }
    *out_snapshot = snapshot;
    return ERR_NONE;
}

static err snapshot_renew(struct sorted_map *map, struct map_snapshot *snapshot) {
    (void)map;
    mdb_txn_reset(snapshot->txn);
    snapshot->generation++;
    return error_of(mdb_txn_renew(snapshot->txn));
}

static void snapshot_end(struct sorted_map *map, struct map_snapshot *snapshot) {
    (void)map;
    mdb_txn_abort(snapshot->txn);
    free(snapshot);
}

static err
get_in(struct sorted_map *map, MDB_txn *txn, enum map_table table, bytes key, bytes *out_value) {
    MDB_val wanted = val_of(key);
    MDB_val found = {0, NULL};
    int code = mdb_get(txn, of(map)->tables[table], &wanted, &found);
    if (code == MDB_SUCCESS) {
        *out_value = bytes_of_val(found);
    }
    return error_of(code);
}

static err
get(struct sorted_map *map,
    struct map_snapshot *snapshot,
    enum map_table table,
    bytes key,
    bytes *out_value) {
    return get_in(map, snapshot->txn, table, key, out_value);
}

static err cursor_open(
    struct sorted_map *map,
    struct map_snapshot *snapshot,
    enum map_table table,
    struct map_cursor **out_cursor
) {
    struct map_cursor *cursor = malloc(sizeof(*cursor));
    check(cursor != NULL);
    *cursor = (struct map_cursor){.snapshot = snapshot, .generation = snapshot->generation};
    int code = mdb_cursor_open(snapshot->txn, of(map)->tables[table], &cursor->cursor);
    if (code != MDB_SUCCESS) {
        free(cursor);
        return error_of(code);
    }
    *out_cursor = cursor;
    return ERR_NONE;
}

static err cursor_get(
    struct map_cursor *cursor,
    MDB_val key,
    MDB_cursor_op operation,
    bytes *out_key,
    bytes *out_value
) {
    MDB_val value = {0, NULL};
    int code = mdb_cursor_get(cursor->cursor, &key, &value, operation);
    if (code == MDB_SUCCESS) {
        *out_key = bytes_of_val(key);
        *out_value = bytes_of_val(value);
    }
    return error_of(code);
}

static err cursor_seek(
    struct sorted_map *map, struct map_cursor *cursor, bytes from, bytes *out_key, bytes *out_value
) {
    (void)map;
    if (cursor->generation != cursor->snapshot->generation) {
        int code = mdb_cursor_renew(cursor->snapshot->txn, cursor->cursor);
        if (code != MDB_SUCCESS) {
            return error_of(code);
        }
        cursor->generation = cursor->snapshot->generation;
    }
    MDB_cursor_op operation = from.size == 0 ? MDB_FIRST : MDB_SET_RANGE;
    return cursor_get(cursor, val_of(from), operation, out_key, out_value);
}

static err
cursor_next(struct sorted_map *map, struct map_cursor *cursor, bytes *out_key, bytes *out_value) {
    (void)map;
    check(cursor->generation == cursor->snapshot->generation);
    return cursor_get(cursor, (MDB_val){0, NULL}, MDB_NEXT, out_key, out_value);
}

static void cursor_close(struct sorted_map *map, struct map_cursor *cursor) {
    (void)map;
    mdb_cursor_close(cursor->cursor);
    free(cursor);
}

// --- writing -------------------------------------------------------------------------------------

static err txn_begin(struct sorted_map *map, struct map_txn **out_txn) {
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(of(map)->environment, NULL, 0, &txn);
    if (code == MDB_SUCCESS) {
        *out_txn = (struct map_txn *)txn;
    }
    return error_of(code);
}

static err txn_get(
    struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes *out_value
) {
    return get_in(map, txn_of(txn), table, key, out_value);
}

static err
txn_put(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes value) {
    MDB_val put_key = val_of(key);
    MDB_val put_value = val_of(value);
    return error_of(mdb_put(txn_of(txn), of(map)->tables[table], &put_key, &put_value, 0));
}

static err txn_del(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key) {
    MDB_val deleted = val_of(key);
    int code = mdb_del(txn_of(txn), of(map)->tables[table], &deleted, NULL);
    return code == MDB_NOTFOUND ? ERR_NONE : error_of(code);
}

// Seeks anew for each row: what a cursor stands on after a deletion differs by page and release.
static int del_rows(MDB_cursor *cursor, bytes from, bytes until, size_t most, size_t *count) {
    for (; *count < most; (*count)++) {
        MDB_val key = val_of(from);
        MDB_val value = {0, NULL};
        int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (code == MDB_NOTFOUND ||
            (code == MDB_SUCCESS && bytes_compare(bytes_of_val(key), until) >= 0)) {
            return MDB_SUCCESS;
        }
        code = code == MDB_SUCCESS ? mdb_cursor_del(cursor, 0) : code;
        if (code != MDB_SUCCESS) {
            return code;
        }
    }
    return MDB_SUCCESS;
}

static err txn_del_range(
    struct sorted_map *map,
    struct map_txn *txn,
    enum map_table table,
    bytes from,
    bytes until,
    size_t most,
    size_t *out_count
) {
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn_of(txn), of(map)->tables[table], &cursor);
    if (code != MDB_SUCCESS) {
        return error_of(code);
    }
    size_t count = 0;
    code = del_rows(cursor, from, until, most, &count);
    mdb_cursor_close(cursor);
    if (code == MDB_SUCCESS) {
        *out_count = count;
    }
    return error_of(code);
}

// Allocates the file ahead of its last page, so that on a full disk the next commits still find
// room. When that fails there is what was allocated before; that is what it is for.
static void reserve(struct lmdb_map *map) {
    MDB_envinfo info;
    MDB_stat page;
    int file = -1;
    if (mdb_env_info(map->environment, &info) != MDB_SUCCESS ||
        mdb_env_stat(map->environment, &page) != MDB_SUCCESS ||
        mdb_env_get_fd(map->environment, &file) != MDB_SUCCESS) {
        return;
    }
    uint64_t used = ((uint64_t)info.me_last_pgno + 1) * page.ms_psize;
    if (map->reserved_to >= used + LIMIT_STORE_RESERVED_BYTES / 2) {
        return;
    }
    if (posix_fallocate(file, (off_t)used, LIMIT_STORE_RESERVED_BYTES) == 0) {
        map->reserved_to = used + LIMIT_STORE_RESERVED_BYTES;
    }
}

static err txn_commit(struct sorted_map *map, struct map_txn *txn) {
    int code = mdb_txn_commit(txn_of(txn));
    if (code == MDB_SUCCESS) {
        reserve(of(map));
    }
    return error_of(code);
}

static void txn_abort(struct sorted_map *map, struct map_txn *txn) {
    (void)map;
    mdb_txn_abort(txn_of(txn));
}

static const struct sorted_map_operations OPERATIONS = {
    .snapshot_begin = snapshot_begin,
    .snapshot_renew = snapshot_renew,
    .snapshot_end = snapshot_end,
    .get = get,
    .cursor_open = cursor_open,
    .cursor_seek = cursor_seek,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
    .txn_begin = txn_begin,
    .txn_get = txn_get,
    .txn_put = txn_put,
    .txn_del = txn_del,
    .txn_del_range = txn_del_range,
    .txn_commit = txn_commit,
    .txn_abort = txn_abort,
};

// --- opening -------------------------------------------------------------------------------------

static int open_tables(struct lmdb_map *map) {
    static const char *const names[MAP_TABLE_COUNT] = {
        [MAP_STATE] = "state",
        [MAP_INDEX] = "index",
        [MAP_META] = "meta",
    };
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(map->environment, NULL, 0, &txn);
    if (code != MDB_SUCCESS) {
        return code;
    }
    for (int i = 0; i < MAP_TABLE_COUNT && code == MDB_SUCCESS; i++) {
        code = mdb_dbi_open(txn, names[i], MDB_CREATE, &map->tables[i]);
    }
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn);
}

static int sync_directory(int above, const char *path) {
    int directory = openat(above, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return errno;
    }
    int code = fsync(directory) == 0 ? 0 : errno;
    if (code == 0 && above == AT_FDCWD) {
        code = sync_directory(directory, "..");
    }
    (void)close(directory);
    return code;
}

static int open_environment(struct lmdb_map *map, const char *path) {
    int code = mdb_env_create(&map->environment);
    if (code != MDB_SUCCESS) {
        return code;
    }
    int dead = 0;
    code = mdb_env_set_mapsize(map->environment, MAP_BYTES);
    code = code != MDB_SUCCESS ? code : mdb_env_set_maxdbs(map->environment, MAP_TABLE_COUNT);
    code = code != MDB_SUCCESS ? code : mdb_env_set_maxreaders(map->environment, READERS_MAX);
    code = code != MDB_SUCCESS
               ? code
               : mdb_env_open(map->environment, path, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    code = code != MDB_SUCCESS ? code : mdb_reader_check(map->environment, &dead);
    code = code != MDB_SUCCESS ? code : open_tables(map);
    // LMDB syncs its file, not the file's name, nor the directory's.
    return code != MDB_SUCCESS ? code : sync_directory(AT_FDCWD, path);
}

err lmdb_map_create(const char *path, struct arena *arena, struct sorted_map **out_map) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_make(
            ERR_IO, arena_format(arena, "directory '%s' cannot be made (errno %d)", path, errno)
        );
    }
    struct lmdb_map *map = calloc(1, sizeof(*map));
    check(map != NULL);
    map->map.operations = &OPERATIONS;
    int code = open_environment(map, path);
    if (code != MDB_SUCCESS) {
        struct sorted_map *opened = &map->map;
        lmdb_map_destroy(&opened);
        err error = error_of(code);
        const char *text = arena_format(arena, "state in '%s': %s", path, error.text);
        return err_make(error.code == ERR_NOT_FOUND ? ERR_IO : error.code, text);
    }
    *out_map = &map->map;
    return ERR_NONE;
}

void lmdb_map_destroy(struct sorted_map **map) {
    if (*map != NULL) {
        if (of(*map)->environment != NULL) {
            mdb_env_close(of(*map)->environment);
        }
        free(of(*map));
        *map = NULL;
    }
}
