// Opening a store, and reading one key.
//
// Formatting writes the store's row twice: first as unfinished, then, once the log's first segment
// is durable, as finished. So a log without a row, or a finished row without a log, is a loss that
// is seen, never a reason to begin anew.
#include "storage/store.h"

#include "proto/base/check.h"
#include "proto/base/id.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>
#include <string.h>

// --- reading -------------------------------------------------------------------------------------

size_t store_overlay_bytes(const struct store *store) {
    return store->entry_bytes + store->node_bytes;
}

err store_get(struct store *store, group_id group_number, bytes key, bytes *out_value) {
    struct group *group = store_group_of(store, group_number);
    if (group->overlay.count > 0) {
        const struct ordered_node *node = ordered_find(&group->overlay, key);
        if (node != NULL && node->value.data == NULL) {
            return err_make(ERR_NOT_FOUND, "no such row");
        }
        if (node != NULL) {
            *out_value = node->value;
            return ERR_NONE;
        }
    }
    struct row_key map_key = row_key(group_number, key);
    bytes stored = BYTES_EMPTY;
    TRY(map_get(store->options.map, store->snapshot, MAP_STATE, row_key_bytes(&map_key), &stored));
    err opened = row_open(row_key_bytes(&map_key), stored, out_value);
    if (err_is(opened) && !group->rotten) {
        store_note_rot(store, group_number);
    }
    return opened;
}

err store_state_hash(struct store *store, group_id group, hash128 *out_hash) {
    *out_hash = store_group_of(store, group)->row.state_hash;
    return ERR_NONE;
}

log_index store_attested(const struct store *store, group_id group, hash128 *out_hash) {
    const struct row_group *row = &store_group_of(store, group)->row;
    *out_hash = row->attested_hash;
    return row->attested_index;
}

void store_distrust(struct store *store, group_id group_number) {
    struct group *group = store_group_of(store, group_number);
    group->distrusted = true;
    group->hard_dirty = true;
}

bool store_is_distrusted(const struct store *store, group_id group) {
    return store_group_of(store, group)->distrusted;
}

void store_identity(const struct store *store, uint8_t out_uuid[16]) {
    memcpy(out_uuid, store->row.store_uuid, sizeof(store->row.store_uuid));
}

struct store_stats store_stats(const struct store *store) {
    struct store_stats stats = store->stats;
    stats.overlay_bytes = store_overlay_bytes(store);
    stats.history_bytes = store->history.bytes;
    return stats;
}

// --- opening -------------------------------------------------------------------------------------

err store_get_meta(struct store *store, struct row_key key, bytes *out_value) {
    bytes stored = BYTES_EMPTY;
    TRY(map_get(store->options.map, store->snapshot, MAP_META, row_key_bytes(&key), &stored));
    return row_open(row_key_bytes(&key), stored, out_value);
}

static err put_store_row(struct store *store) {
    struct sorted_map *map = store->options.map;
    uint8_t value[ROW_META_BYTES_MAX];
    size_t size = row_encode_store(&store->row, value);
    struct row_key key = row_store_key();
    struct row_room room = {0};
    bytes sealed = row_seal(&room, row_key_bytes(&key), bytes_of(value, size));
    struct map_txn *txn = NULL;
    err error = map_txn_begin(map, &txn);
    if (!err_is(error)) {
        error = map_txn_put(map, txn, MAP_META, row_key_bytes(&key), sealed);
        if (err_is(error)) {
            map_txn_abort(map, txn);
        } else {
            error = map_txn_commit(map, txn);
        }
    }
    row_room_deinit(&room);
    return err_is(error) ? error : map_snapshot_renew(map, store->snapshot);
}

static err format_begin(struct store *store) {
    bool exists = false;
    TRY(wal_exists(store->options.disk, &exists));
    if (exists) {
        return err_make(
            ERR_CORRUPT,
            "there is a log but no state beside it; restore this store from another copy"
        );
    }
    store->row = (struct row_store){
        .formatting = true,
        .group_count = store->options.group_count,
        .lane = store->options.lane,
        .lane_count = store->options.lane_count,
        .first_segment = 1,
    };
    memcpy(store->row.cluster, store->options.cluster, 16);
    bytes_put_u64(store->row.store_uuid, random_u64(&store->random));
    bytes_put_u64(store->row.store_uuid + 8, random_u64(&store->random));
    if (!id_is_zero(id_load(store->options.identity))) {
        memcpy(store->row.store_uuid, store->options.identity, 16);
    }
    return put_store_row(store);
}

static err check_row(const struct store *store) {
    const struct store_options *options = &store->options;
    if (memcmp(store->row.cluster, options->cluster, 16) != 0) {
        return err_make(ERR_CONFLICT, "the store belongs to another cluster");
    }
    if (store->row.group_count != options->group_count) {
        return err_make(ERR_CONFLICT, "the store was formatted with another number of groups");
    }
    if (store->row.lane != options->lane || store->row.lane_count != options->lane_count) {
        return err_make(ERR_CONFLICT, "the store was formatted for another lane");
    }
    return ERR_NONE;
}

static err load_groups(struct store *store) {
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        struct group *group = &store->groups[i];
        bytes value = BYTES_EMPTY;
        err error = store_get_meta(store, row_group_key((group_id)i), &value);
        if (error.code == ERR_NOT_FOUND) {
            continue;
        }
        TRY(error);
        TRY(row_decode_group(value, &group->row));
        group->commit_index = group->row.applied_index;
        group->overlaid_index = group->row.applied_index;
        group->hinted_index = group->row.applied_index;
    }
    return ERR_NONE;
}

// What was noted of an earlier epoch's rows went with them.
static err load_distrust(struct store *store) {
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        struct group *group = &store->groups[i];
        bytes epoch = BYTES_EMPTY;
        err error = store_get_meta(store, row_distrust_key((group_id)i), &epoch);
        if (error.code == ERR_OK) {
            group->distrusted = epoch.size == 8 &&
                                bytes_get_u64(epoch.data) == group->row.log_epoch &&
                                !mutant_is("distrust_forgotten");
        } else if (error.code != ERR_NOT_FOUND) {
            return error;
        }
    }
    return ERR_NONE;
}

static err load(struct store *store, struct arena *arena) {
    TRY(map_snapshot_begin(store->options.map, &store->snapshot));
    bytes value = BYTES_EMPTY;
    err error = store_get_meta(store, row_store_key(), &value);
    if (error.code == ERR_NOT_FOUND) {
        TRY(format_begin(store));
    } else {
        TRY(error);
        TRY(row_decode_store(value, &store->row));
        TRY(check_row(store));
    }
    TRY(load_groups(store));
    TRY(store_replay(store, arena));
    TRY(install_recover(store));
    TRY(load_distrust(store));
    if (store->row.formatting) {
        store->row.formatting = false;
        TRY(put_store_row(store));
    }
    store->stats.segments = wal_segment_count(store->wal);
    store->stats.appended_lsn = wal_next_lsn(store->wal) - 1;
    store->stats.durable_lsn = store->stats.appended_lsn;
    return ERR_NONE;
}

err store_open(const struct store_options *options, struct arena *arena, struct store **out_store) {
    check(options->group_count > 0 && options->group_count <= UINT16_MAX);
    check(options->lane < options->lane_count);
    struct store *store = calloc(1, sizeof(*store));
    check(store != NULL);
    store->options = *options;
    if (options->attest_entries == 0) {
        store->options.attest_entries = LIMIT_STORE_ATTEST_ENTRIES;
    }
    if (options->history_bytes == 0) {
        store->options.history_bytes = LIMIT_STORE_HISTORY_BYTES;
    }
    random_init(&store->random, options->random_seed);
    store->groups = calloc(options->group_count, sizeof(struct group));
    check(store->groups != NULL);
    for (uint32_t i = 0; i < options->group_count; i++) {
        ordered_init(&store->groups[i].overlay, i);
    }
    batch_init(&store->batches[0], store);
    batch_init(&store->batches[1], store);
    store->batch_open = &store->batches[0];
    store->txn.store = store;
    ordered_init(&store->txn.writes, options->group_count);
    err error = load(store, arena);
    if (err_is(error)) {
        store_close(&store);
        return error;
    }
    *out_store = store;
    return ERR_NONE;
}

static void group_deinit(struct store *store, struct group *group) {
    install_destroy(store, group);
    for (size_t i = 0; i < group->entries_count; i++) {
        entry_release(&group->entries[group->entries_first + i]);
    }
    free(group->entries);
    ordered_clear(&group->overlay);
}

void store_close(struct store **store_variable) {
    struct store *store = *store_variable;
    if (store == NULL) {
        return;
    }
    check(store->pasts == NULL);
    checkpoint_destroy(store->checkpoint_out);
    batch_deinit(&store->batches[0]);
    batch_deinit(&store->batches[1]);
    ordered_clear(&store->txn.writes);
    entry_release(&store->txn.entry);
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        group_deinit(store, &store->groups[i]);
    }
    for (size_t i = 0; i < store->segments_count; i++) {
        free(store->segments[i].last_index);
    }
    free(store->segments);
    free(store->history.ring);
    free(store->groups);
    map_snapshot_end(store->options.map, store->snapshot);
    wal_close(&store->wal);
    free(store);
    *store_variable = NULL;
}
