// A walk over three sorted sources: the transaction's writes before the overlay before the map.
//
// A cursor remembers the last key it gave and the store's generation. When the store changed since,
// it finds its place again by that key: rows may be written and deleted while one walks.
//
// A row of the map that does not verify stops the process: a walk that ends early would be a lie,
// and nothing has been done yet.
#include "proto/base/check.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>
#include <string.h>

struct store_cursor {
    struct store *store;
    struct store_txn *txn; // NULL: none
    group_id group;
    bool started;
    uint64_t generation;
    struct row_key last; // before the start: where to begin; then: the key given last
    struct ordered_node *written;
    struct ordered_node *overlaid;
    struct map_cursor *map_cursor;
    bool mapped; // map_key, map_value stand on a row of the group
    bytes map_key;
    bytes map_value;
};

static bytes without_group(bytes map_key) {
    return bytes_slice(map_key, ROW_GROUP_BYTES, map_key.size);
}

static void take_mapped(struct store_cursor *cursor, err error) {
    check(error.code == ERR_OK || error.code == ERR_NOT_FOUND);
    cursor->mapped = error.code == ERR_OK && cursor->map_key.size > ROW_GROUP_BYTES &&
                     bytes_get_u16(cursor->map_key.data) == cursor->group;
}

static void map_step(struct store_cursor *cursor) {
    take_mapped(
        cursor,
        map_cursor_next(
            cursor->store->options.map, cursor->map_cursor, &cursor->map_key, &cursor->map_value
        )
    );
}

static void find_place(struct store_cursor *cursor) {
    struct store *store = cursor->store;
    bytes last = row_key_bytes(&cursor->last);
    bytes from = without_group(last);
    cursor->written =
        cursor->txn == NULL ? NULL : ordered_seek(txn_rows(cursor->txn), from, cursor->started);
    cursor->overlaid = ordered_seek(&store->groups[cursor->group].overlay, from, cursor->started);
    take_mapped(
        cursor,
        map_cursor_seek(
            store->options.map, cursor->map_cursor, last, &cursor->map_key, &cursor->map_value
        )
    );
    if (cursor->mapped && cursor->started && bytes_equal(cursor->map_key, last)) {
        map_step(cursor);
    }
    cursor->generation = store->generation;
}

struct store_cursor *
store_cursor_open(struct store *store, struct store_txn *txn, group_id group, bytes from) {
    (void)store_group_of(store, group);
    check(txn == NULL || txn->open);
    struct store_cursor *cursor = malloc(sizeof(*cursor));
    check(cursor != NULL);
    cursor->store = store;
    cursor->txn = txn != NULL && txn->group == group ? txn : NULL;
    cursor->group = group;
    cursor->started = false;
    cursor->last = row_key(group, from);
    cursor->map_cursor = NULL;
    err error =
        map_cursor_open(store->options.map, store->snapshot, MAP_STATE, &cursor->map_cursor);
    check(!err_is(error));
    find_place(cursor);
    return cursor;
}

void store_cursor_close(struct store_cursor **cursor) {
    if (*cursor != NULL) {
        map_cursor_close((*cursor)->store->options.map, (*cursor)->map_cursor);
        free(*cursor);
        *cursor = NULL;
    }
}

// The smallest key of the three; BYTES_EMPTY when all are at their end.
static bytes smallest(const struct store_cursor *cursor) {
    bytes key = BYTES_EMPTY;
    if (cursor->mapped) {
        key = without_group(cursor->map_key);
    }
    if (cursor->overlaid != NULL &&
        (key.size == 0 || bytes_compare(cursor->overlaid->key, key) < 0)) {
        key = cursor->overlaid->key;
    }
    if (cursor->written != NULL &&
        (key.size == 0 || bytes_compare(cursor->written->key, key) < 0)) {
        key = cursor->written->key;
    }
    return key;
}

static void remember(struct store_cursor *cursor, bytes key) {
    memcpy(cursor->last.bytes + ROW_GROUP_BYTES, key.data, key.size);
    cursor->last.size = ROW_GROUP_BYTES + key.size;
    cursor->started = true;
}

// Steps over `key` in every source that stands on it. Gives the newest value; data NULL: deleted.
static bytes step_over(struct store_cursor *cursor, bytes key) {
    bytes value = BYTES_EMPTY;
    bool mapped = cursor->mapped && bytes_equal(without_group(cursor->map_key), key);
    if (mapped) {
        err error = row_open(cursor->map_key, cursor->map_value, &value);
        check(!err_is(error));
    }
    if (cursor->overlaid != NULL && bytes_equal(cursor->overlaid->key, key)) {
        value = cursor->overlaid->value;
        cursor->overlaid = cursor->overlaid->next[0];
    }
    if (cursor->written != NULL && bytes_equal(cursor->written->key, key)) {
        value = cursor->written->value;
        cursor->written = cursor->written->next[0];
    }
    if (mapped) {
        map_step(cursor);
    }
    return value;
}

bool store_cursor_next(struct store_cursor *cursor, bytes *out_key, bytes *out_value) {
    if (cursor->generation != cursor->store->generation) {
        find_place(cursor);
    }
    for (;;) {
        bytes key = smallest(cursor);
        if (key.size == 0) {
            return false;
        }
        remember(cursor, key);
        bytes value = step_over(cursor, key);
        if (value.data != NULL) {
            *out_key = without_group(row_key_bytes(&cursor->last));
            *out_value = value;
            return true;
        }
    }
}
