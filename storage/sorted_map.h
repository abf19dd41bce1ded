// A durable sorted map of bytes with snapshots, as a table of functions: LMDB, or its twin.
//
// Promises of any implementation: a write transaction whose commit returned no error survives
// whole, one that did not commit leaves nothing, one whose commit failed is either (the caller ends
// the process). A snapshot sees exactly the commits before it began or was last renewed.
//
// One write transaction at a time. A snapshot and its cursors belong to one thread at a time, the
// write transaction to another, at the same time. Errors: ERR_IO, ERR_FULL, ERR_CORRUPT; literals.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

enum map_table {
    MAP_STATE, // rows of the groups: group2 key
    MAP_INDEX, // derived rows: rebuildable, in no state hash
    MAP_META,  // one row a group, one a store
    MAP_TABLE_COUNT
};

enum {
    MAP_KEY_BYTES_MAX = 511
};

struct sorted_map;
struct map_snapshot;
struct map_cursor;
struct map_txn;

struct sorted_map_operations {
    err (*snapshot_begin)(struct sorted_map *map, struct map_snapshot **out_snapshot);
    err (*snapshot_renew)(struct sorted_map *map, struct map_snapshot *snapshot);
    void (*snapshot_end)(struct sorted_map *map, struct map_snapshot *snapshot);
    err (*get
    )(struct sorted_map *map,
      struct map_snapshot *snapshot,
      enum map_table table,
      bytes key,
      bytes *out_value);
    err (*cursor_open
    )(struct sorted_map *map,
      struct map_snapshot *snapshot,
      enum map_table table,
      struct map_cursor **out_cursor);
    err (*cursor_seek
    )(struct sorted_map *map,
      struct map_cursor *cursor,
      bytes from,
      bytes *out_key,
      bytes *out_value);
    err (*cursor_next
    )(struct sorted_map *map, struct map_cursor *cursor, bytes *out_key, bytes *out_value);
    void (*cursor_close)(struct sorted_map *map, struct map_cursor *cursor);
    err (*txn_begin)(struct sorted_map *map, struct map_txn **out_txn);
    err (*txn_get
    )(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes *out_value
    );
    err (*txn_put
    )(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes value);
    err (*txn_del)(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key);
    err (*txn_del_range
    )(struct sorted_map *map,
      struct map_txn *txn,
      enum map_table table,
      bytes from,
      bytes until,
      size_t most,
      size_t *out_count);
    err (*txn_commit)(struct sorted_map *map, struct map_txn *txn);
    void (*txn_abort)(struct sorted_map *map, struct map_txn *txn);
};

// First member of every implementation.
struct sorted_map {
    const struct sorted_map_operations *operations;
};

// A view of the last commit.
MUST_USE static inline err
map_snapshot_begin(struct sorted_map *map, struct map_snapshot **out_snapshot) {
    return map->operations->snapshot_begin(map, out_snapshot);
}

// Moves the snapshot to the last commit. What was borrowed through it is void; its cursors must be
// placed anew with map_cursor_seek.
MUST_USE static inline err
map_snapshot_renew(struct sorted_map *map, struct map_snapshot *snapshot) {
    return map->operations->snapshot_renew(map, snapshot);
}

// Its cursors must be closed. Accepts NULL.
static inline void map_snapshot_end(struct sorted_map *map, struct map_snapshot *snapshot) {
    if (snapshot != NULL) {
        map->operations->snapshot_end(map, snapshot);
    }
}

// Finds a key. Borrows: valid until the snapshot is renewed or ends. Errors: ERR_NOT_FOUND too.
MUST_USE static inline err map_get(
    struct sorted_map *map,
    struct map_snapshot *snapshot,
    enum map_table table,
    bytes key,
    bytes *out_value
) {
    return map->operations->get(map, snapshot, table, key, out_value);
}

// A cursor that stands nowhere yet.
MUST_USE static inline err map_cursor_open(
    struct sorted_map *map,
    struct map_snapshot *snapshot,
    enum map_table table,
    struct map_cursor **out_cursor
) {
    return map->operations->cursor_open(map, snapshot, table, out_cursor);
}

// Stands on the first key ≥ `from`. Borrows as map_get. Errors: ERR_NOT_FOUND when there is none.
MUST_USE static inline err map_cursor_seek(
    struct sorted_map *map, struct map_cursor *cursor, bytes from, bytes *out_key, bytes *out_value
) {
    return map->operations->cursor_seek(map, cursor, from, out_key, out_value);
}

// Stands on the next key. Errors: ERR_NOT_FOUND after the last.
MUST_USE static inline err map_cursor_next(
    struct sorted_map *map, struct map_cursor *cursor, bytes *out_key, bytes *out_value
) {
    return map->operations->cursor_next(map, cursor, out_key, out_value);
}

// Accepts NULL.
static inline void map_cursor_close(struct sorted_map *map, struct map_cursor *cursor) {
    if (cursor != NULL) {
        map->operations->cursor_close(map, cursor);
    }
}

MUST_USE static inline err map_txn_begin(struct sorted_map *map, struct map_txn **out_txn) {
    return map->operations->txn_begin(map, out_txn);
}

// Finds a key among the commits and this transaction's writes. Borrows until the next write in it.
MUST_USE static inline err map_txn_get(
    struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes *out_value
) {
    return map->operations->txn_get(map, txn, table, key, out_value);
}

// Copies both.
MUST_USE static inline err map_txn_put(
    struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key, bytes value
) {
    return map->operations->txn_put(map, txn, table, key, value);
}

// Of a key that exists or not.
MUST_USE static inline err
map_txn_del(struct sorted_map *map, struct map_txn *txn, enum map_table table, bytes key) {
    return map->operations->txn_del(map, txn, table, key);
}

// Deletes the first rows from `from` up to and without `until`, at most `most` of them. Fewer than
// that: none is left.
MUST_USE static inline err map_txn_del_range(
    struct sorted_map *map,
    struct map_txn *txn,
    enum map_table table,
    bytes from,
    bytes until,
    size_t most,
    size_t *out_count
) {
    return map->operations->txn_del_range(map, txn, table, from, until, most, out_count);
}

// Makes the writes durable. Ends the transaction, also when it fails.
MUST_USE static inline err map_txn_commit(struct sorted_map *map, struct map_txn *txn) {
    return map->operations->txn_commit(map, txn);
}

// Forgets the writes. Accepts NULL.
static inline void map_txn_abort(struct sorted_map *map, struct map_txn *txn) {
    if (txn != NULL) {
        map->operations->txn_abort(map, txn);
    }
}
