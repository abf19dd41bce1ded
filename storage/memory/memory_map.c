// Every row keeps its versions, newest first; a snapshot reads the newest that is not newer than
// itself. A commit gives its writes the next number; versions that no snapshot can see any more go
// with the next write of their row. The write transaction is a list of rows whose newest version
// carries a number no snapshot has yet.
//
// Rows lie in a skip list of their own rather than in storage/view's: a twin must not share code
// with what it is there to test.
#include "proto/base/check.h"
#include "storage/memory/faults.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEIGHT_MAX = 10
};

struct version {
    struct version *older;
    uint64_t commit; // visible from this commit on
    bool deleted;
    size_t size;
    uint8_t value[];
};

struct row {
    struct version *newest;
    size_t key_size;
    uint8_t *key;
    uint8_t height;
    struct row *next[];
};

struct table {
    struct row *first[HEIGHT_MAX];
    uint64_t drawn;
};

struct map_snapshot {
    struct map_snapshot *next;
    uint64_t commit;
};

struct map_cursor {
    struct map_snapshot *snapshot;
    enum map_table table;
    struct row *row; // stands on it; rows are never freed while a map lives
};

struct map_txn {
    struct row **rows; // written; a row may be there twice
    size_t count;
    size_t capacity;
};

struct memory_map {
    struct sorted_map map;
    struct memory_faults *faults;
    struct table tables[MAP_TABLE_COUNT];
    uint64_t committed;
    uint64_t used; // bytes of values
    struct map_snapshot *snapshots;
    struct map_txn *txn; // the one that is open
};

static const struct sorted_map_operations OPERATIONS;

static const err NOT_FOUND = {ERR_NOT_FOUND, "no such row"};

static struct memory_map *of(struct sorted_map *map) {
    return (struct memory_map *)map;
}

// --- rows ----------------------------------------------------------------------------------------

static bytes row_key(const struct row *row) {
    return bytes_of(row->key, row->key_size);
}

// The first row ≥ key; `links` are the pointers that lead to it.
static struct row *table_seek(struct table *table, bytes key, struct row **links[HEIGHT_MAX]) {
    struct row *before = NULL;
    for (int level = HEIGHT_MAX - 1; level >= 0; level--) {
        struct row **link = before == NULL ? &table->first[level] : &before->next[level];
        while (*link != NULL && bytes_compare(row_key(*link), key) < 0) {
            before = *link;
            link = &before->next[level];
        }
        links[level] = link;
    }
    return *links[0];
}

static struct row *table_find(struct table *table, bytes key) {
    struct row **links[HEIGHT_MAX];
    struct row *row = table_seek(table, key, links);
    return row != NULL && bytes_equal(row_key(row), key) ? row : NULL;
}

static struct row *table_put(struct table *table, bytes key) {
    struct row **links[HEIGHT_MAX];
    struct row *row = table_seek(table, key, links);
    if (row != NULL && bytes_equal(row_key(row), key)) {
        return row;
    }
    struct random random;
    random_init(&random, ++table->drawn);
    uint8_t height = 1;
    while (height < HEIGHT_MAX && random_one_in(&random, 4)) {
        height++;
    }
    row = malloc(sizeof(*row) + height * sizeof(row->next[0]));
    check(row != NULL);
    row->newest = NULL;
    row->height = height;
    row->key_size = key.size;
    row->key = malloc(key.size + 1);
    check(row->key != NULL);
    memcpy(row->key, key.data, key.size);
    for (int level = 0; level < height; level++) {
        row->next[level] = *links[level];
        *links[level] = row;
    }
    return row;
}

static void versions_free(struct memory_map *map, struct version *version) {
    while (version != NULL) {
        struct version *older = version->older;
        map->used -= version->size;
        free(version);
        version = older;
    }
}

static const struct version *visible(const struct row *row, uint64_t commit) {
    const struct version *version = row->newest;
    while (version != NULL && version->commit > commit) {
        version = version->older;
    }
    return version != NULL && !version->deleted ? version : NULL;
}

// Drops the versions no snapshot, present or future, can see.
static void prune(struct memory_map *map, struct row *row) {
    uint64_t oldest = map->committed;
    for (const struct map_snapshot *s = map->snapshots; s != NULL; s = s->next) {
        oldest = s->commit < oldest ? s->commit : oldest;
    }
    struct version *version = row->newest;
    while (version != NULL && version->commit > oldest) {
        version = version->older;
    }
    if (version != NULL) {
        versions_free(map, version->older);
        version->older = NULL;
    }
}

// --- reading -------------------------------------------------------------------------------------

static err snapshot_begin(struct sorted_map *base, struct map_snapshot **out_snapshot) {
    struct memory_map *map = of(base);
    struct map_snapshot *snapshot = malloc(sizeof(*snapshot));
    check(snapshot != NULL);
    *snapshot = (struct map_snapshot){.next = map->snapshots, .commit = map->committed};
    map->snapshots = snapshot;
    *out_snapshot = snapshot;
    return ERR_NONE;
}

static err snapshot_renew(struct sorted_map *base, struct map_snapshot *snapshot) {
    snapshot->commit = of(base)->committed;
    return ERR_NONE;
}

static void snapshot_end(struct sorted_map *base, struct map_snapshot *snapshot) {
    struct map_snapshot **link = &of(base)->snapshots;
    while (*link != snapshot) {
        check(*link != NULL);
        link = &(*link)->next;
    }
    *link = snapshot->next;
    free(snapshot);
}

static err
get_at(struct memory_map *map, uint64_t commit, enum map_table table, bytes key, bytes *out_value) {
    const struct row *row = table_find(&map->tables[table], key);
    const struct version *version = row == NULL ? NULL : visible(row, commit);
    if (version == NULL) {
        return NOT_FOUND;
    }
    *out_value = bytes_of(version->value, version->size);
    return ERR_NONE;
}

static err
get(struct sorted_map *base,
    struct map_snapshot *snapshot,
    enum map_table table,
    bytes key,
    bytes *out_value) {
    return get_at(of(base), snapshot->commit, table, key, out_value);
}

static err cursor_open(
    struct sorted_map *base,
    struct map_snapshot *snapshot,
    enum map_table table,
    struct map_cursor **out_cursor
) {
    (void)base;
    struct map_cursor *cursor = malloc(sizeof(*cursor));
    check(cursor != NULL);
    *cursor = (struct map_cursor){.snapshot = snapshot, .table = table};
    *out_cursor = cursor;
    return ERR_NONE;
}

// Stands on `row`, or on the first after it that the snapshot sees.
static err
cursor_stand(struct map_cursor *cursor, struct row *row, bytes *out_key, bytes *out_value) {
    for (; row != NULL; row = row->next[0]) {
        const struct version *version = visible(row, cursor->snapshot->commit);
        if (version != NULL) {
            cursor->row = row;
            *out_key = row_key(row);
            *out_value = bytes_of(version->value, version->size);
            return ERR_NONE;
        }
    }
    cursor->row = NULL;
    return NOT_FOUND;
}

static err cursor_seek(
    struct sorted_map *base, struct map_cursor *cursor, bytes from, bytes *out_key, bytes *out_value
) {
    struct row **links[HEIGHT_MAX];
    struct row *row = table_seek(&of(base)->tables[cursor->table], from, links);
    return cursor_stand(cursor, row, out_key, out_value);
}

static err
cursor_next(struct sorted_map *base, struct map_cursor *cursor, bytes *out_key, bytes *out_value) {
    (void)base;
    if (cursor->row == NULL) {
        return NOT_FOUND;
    }
    return cursor_stand(cursor, cursor->row->next[0], out_key, out_value);
}

static void cursor_close(struct sorted_map *base, struct map_cursor *cursor) {
    (void)base;
    free(cursor);
}

// --- writing -------------------------------------------------------------------------------------

static err txn_begin(struct sorted_map *base, struct map_txn **out_txn) {
    struct memory_map *map = of(base);
    check(map->txn == NULL);
    map->txn = calloc(1, sizeof(*map->txn));
    check(map->txn != NULL);
    *out_txn = map->txn;
    return ERR_NONE;
}

static err txn_get(
    struct sorted_map *base, struct map_txn *txn, enum map_table table, bytes key, bytes *out_value
) {
    (void)txn;
    return get_at(of(base), UINT64_MAX, table, key, out_value);
}

static void txn_write(
    struct memory_map *map,
    struct map_txn *txn,
    enum map_table table,
    bytes key,
    bytes value,
    bool deleted
) {
    check(key.size > 0);
    check(key.size <= MAP_KEY_BYTES_MAX);
    struct row *row = table_put(&map->tables[table], key);
    struct version *version = malloc(sizeof(*version) + value.size);
    check(version != NULL);
    *version = (struct version){
        .older = row->newest,
        .commit = map->committed + 1,
        .deleted = deleted,
        .size = value.size,
    };
    if (value.size > 0) {
        memcpy(version->value, value.data, value.size);
    }
    map->used += value.size;
    row->newest = version;
    if (txn->count == txn->capacity) {
        txn->capacity = txn->capacity == 0 ? 64 : 2 * txn->capacity;
        txn->rows = realloc(txn->rows, txn->capacity * sizeof(struct row *));
        check(txn->rows != NULL);
    }
    txn->rows[txn->count++] = row;
}

static err txn_put(
    struct sorted_map *base, struct map_txn *txn, enum map_table table, bytes key, bytes value
) {
    txn_write(of(base), txn, table, key, value, false);
    return ERR_NONE;
}

static err txn_del(struct sorted_map *base, struct map_txn *txn, enum map_table table, bytes key) {
    if (table_find(&of(base)->tables[table], key) != NULL) {
        txn_write(of(base), txn, table, key, BYTES_EMPTY, true);
    }
    return ERR_NONE;
}

static err txn_del_range(
    struct sorted_map *base,
    struct map_txn *txn,
    enum map_table table,
    bytes from,
    bytes until,
    size_t most,
    size_t *out_count
) {
    size_t count = 0;
    struct row **links[HEIGHT_MAX];
    struct row *row = table_seek(&of(base)->tables[table], from, links);
    for (; row != NULL && count < most && bytes_compare(row_key(row), until) < 0;
         row = row->next[0]) {
        if (visible(row, UINT64_MAX) != NULL) {
            txn_write(of(base), txn, table, row_key(row), BYTES_EMPTY, true);
            count++;
        }
    }
    *out_count = count;
    return ERR_NONE;
}

static void txn_free(struct memory_map *map) {
    free(map->txn->rows);
    free(map->txn);
    map->txn = NULL;
}

static void txn_abort(struct sorted_map *base, struct map_txn *txn) {
    struct memory_map *map = of(base);
    check(txn == map->txn);
    for (size_t i = txn->count; i > 0; i--) {
        struct version *written = txn->rows[i - 1]->newest;
        txn->rows[i - 1]->newest = written->older;
        map->used -= written->size;
        free(written);
    }
    txn_free(map);
}

static err txn_commit(struct sorted_map *base, struct map_txn *txn) {
    struct memory_map *map = of(base);
    struct memory_faults *faults = map->faults;
    check(txn == map->txn);
    if (faults->map_full_at_bytes > 0 && map->used > faults->map_full_at_bytes) {
        txn_abort(base, txn);
        return err_make(ERR_FULL, "no room left for the state");
    }
    enum memory_outcome outcome = memory_faults_step(faults);
    bool fails = outcome != MEMORY_DONE || memory_faults_draw(faults, faults->commit_fails_one_in);
    if (fails && (outcome == MEMORY_STOPPED || random_one_in(&faults->random, 2))) {
        txn_abort(base, txn);
        return err_make(ERR_IO, "a commit failed");
    }
    map->committed++;
    for (size_t i = 0; i < txn->count; i++) {
        prune(map, txn->rows[i]);
    }
    txn_free(map);
    return fails ? err_make(ERR_IO, "a commit failed") : ERR_NONE;
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

// --- the whole map -------------------------------------------------------------------------------

struct sorted_map *memory_map_create(struct memory_faults *faults) {
    struct memory_map *map = calloc(1, sizeof(*map));
    check(map != NULL);
    map->map.operations = &OPERATIONS;
    map->faults = faults;
    return &map->map;
}

void memory_map_destroy(struct sorted_map **base) {
    if (*base == NULL) {
        return;
    }
    struct memory_map *map = of(*base);
    memory_map_crash(*base);
    for (int table = 0; table < MAP_TABLE_COUNT; table++) {
        struct row *row = map->tables[table].first[0];
        while (row != NULL) {
            struct row *next = row->next[0];
            versions_free(map, row->newest);
            free(row->key);
            free(row);
            row = next;
        }
    }
    check(map->snapshots == NULL);
    free(map);
    *base = NULL;
}

void memory_map_crash(struct sorted_map *base) {
    struct memory_map *map = of(base);
    if (map->txn != NULL) {
        txn_abort(base, map->txn);
    }
}

uint64_t memory_map_used(struct sorted_map *base) {
    return of(base)->used;
}

bool memory_map_damage(struct sorted_map *base, enum map_table table, bytes key) {
    struct row *row = table_find(&of(base)->tables[table], key);
    if (row == NULL || row->newest == NULL || row->newest->size == 0) {
        return false;
    }
    row->newest->value[row->newest->size - 1] ^= 0x55;
    return true;
}

struct sorted_map *memory_map_copy(struct sorted_map *base, struct memory_faults *faults) {
    struct sorted_map *copy = memory_map_create(faults);
    struct map_txn *txn = NULL;
    check(!err_is(txn_begin(copy, &txn)));
    for (int table = 0; table < MAP_TABLE_COUNT; table++) {
        const struct row *row = of(base)->tables[table].first[0];
        for (; row != NULL; row = row->next[0]) {
            const struct version *version = visible(row, of(base)->committed);
            if (version != NULL) {
                bytes value = bytes_of(version->value, version->size);
                txn_write(of(copy), txn, (enum map_table)table, row_key(row), value, false);
            }
        }
    }
    of(copy)->committed++;
    txn_free(of(copy));
    return copy;
}
