// A snapshot at its source: rows as they are in the map, a chunk at a time, and the log kept for
// it.
//
// The core thread's own snapshot of the map is read: it is renewed with every checkpoint, so
// nothing old is held, and its rows are exactly those at applied_index. Rows lie in a chunk as puts
// in a write-set.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/view/store_internal.h"

struct store_position store_position(const struct store *store, group_id group) {
    const struct row_group *row = &store_group_of(store, group)->row;
    return (struct store_position){
        .index = row->applied_index,
        .term = row->applied_term,
        .chain = row->applied_chain,
        .time_ms = row->time_ms,
    };
}

void store_hold(struct store *store, group_id group, log_index from) {
    store_group_of(store, group)->held_from = from;
}

void store_hold_for_backup(struct store *store, group_id group, log_index from) {
    store_group_of(store, group)->held_for_backup = from;
}

bool store_writes_take(bytes *rest, bytes *out_key, bytes *out_value) {
    struct entry_write write;
    if (!entry_take(rest, &write) || write.key.size > ROW_KEY_BYTES_MAX) {
        return false;
    }
    *out_key = write.key;
    *out_value = write.value;
    return true;
}

void store_writes_put(struct buffer *writes, bytes key, bytes value) {
    size_t before = writes->size;
    uint8_t *at = buffer_extend(writes, entry_write_bytes_max(key, value));
    if (at != NULL) {
        writes->size = before + entry_encode_write(at, key, value);
    }
}

hash128 store_row_hash(bytes key, bytes value) {
    struct row_room room = {0};
    struct row_key in_map = row_key(0, key);
    hash128 hash = row_hash(&room, row_key_bytes(&in_map), value);
    row_room_deinit(&room);
    return hash;
}

hash128 store_hash_add(hash128 left, hash128 right) {
    return row_hash_add(left, right);
}

hash128 store_hash_subtract(hash128 left, hash128 right) {
    return row_hash_subtract(left, right);
}

static err add_row(struct buffer *rows, bytes map_key, bytes stored) {
    bytes value = BYTES_EMPTY;
    TRY(row_open(map_key, stored, &value));
    bytes key = bytes_slice(map_key, ROW_GROUP_BYTES, map_key.size);
    size_t before = rows->size;
    uint8_t *at = buffer_extend(rows, entry_write_bytes_max(key, value));
    if (at == NULL) {
        return err_make(ERR_TOO_LARGE, "a row does not fit the buffer for a chunk of a snapshot");
    }
    rows->size = before + entry_encode_write(at, key, value);
    return ERR_NONE;
}

static err scan(
    struct store *store,
    struct map_cursor *cursor,
    struct row_key from,
    size_t bytes_max,
    struct buffer *rows,
    struct row_key *out_next
) {
    group_id group = bytes_get_u16(from.bytes);
    bytes key = BYTES_EMPTY;
    bytes stored = BYTES_EMPTY;
    err found = map_cursor_seek(store->options.map, cursor, row_key_bytes(&from), &key, &stored);
    while (row_of_group(found, key, group)) {
        if (rows->size > 0 && rows->size + key.size + stored.size > bytes_max) {
            *out_next = row_key(group, bytes_slice(key, ROW_GROUP_BYTES, key.size));
            if (mutant_is("scan_skips_row")) {
                out_next->bytes[out_next->size - 1]++;
            }
            return ERR_NONE;
        }
        TRY(add_row(rows, key, stored));
        found = map_cursor_next(store->options.map, cursor, &key, &stored);
    }
    out_next->size = 0;
    return found.code == ERR_NOT_FOUND ? ERR_NONE : found;
}

err store_scan(
    struct store *store,
    group_id group,
    bytes from,
    size_t bytes_max,
    struct buffer *out_rows,
    struct buffer *out_next,
    bool *out_done,
    log_index *out_applied
) {
    struct row_key begin = row_key(group, from);
    struct row_key next = {.size = 0};
    struct map_cursor *cursor = NULL;
    TRY(map_cursor_open(store->options.map, store->snapshot, MAP_STATE, &cursor));
    buffer_clear(out_rows);
    err error = scan(store, cursor, begin, bytes_max, out_rows, &next);
    map_cursor_close(store->options.map, cursor);
    if (err_is(error)) {
        if (error.code == ERR_CORRUPT && !store_rotten(store, group)) {
            store_note_rot(store, group);
        }
        return error;
    }
    buffer_clear(out_next);
    *out_done = next.size == 0;
    if (!*out_done) {
        bytes key = row_key_bytes(&next);
        buffer_append(out_next, bytes_slice(key, ROW_GROUP_BYTES, key.size));
    }
    *out_applied = store_group_of(store, group)->row.applied_index;
    return ERR_NONE;
}
