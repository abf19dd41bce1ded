// Checkpoints: committed write-sets of all groups into the sorted map, in one synced transaction
// that also says up to where.
//
// Write-sets come from the entries up to `commit` that are durable in the log, never from the
// overlay, which may hold what is not committed. Only the newest value of a key is written. The row
// of the store names the oldest segment that recovery needs after this transaction; the segments
// before it are used again only when it is durable.
//
// A checkpoint of a group stops at every index that attest_entries divides and leaves the state's
// hash there in the group's meta row: copies whose checkpoints fall elsewhere have that in common.
//
// At the end the order matters: the snapshot is renewed first, then the overlay drops what the map
// has now. The other way round a reader would see the old map without the new rows.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>

enum {
    // Live entries that pin the oldest of more segments than this are moved to the head …
    MOVE_SEGMENTS_MIN = 4,
    // … when they are at most this part of a segment.
    MOVE_PART = 4
};

static bool due(const struct store *store, mono_time now) {
    int64_t age_ns = now.ns - store->checkpoint_time.ns;
    return store->committed_bytes >= store->options.checkpoint_bytes ||
           age_ns >= store->options.checkpoint_ms * 1000000 || store->stopped ||
           install_any_is_due(store);
}

static bool group_is_part(const struct store *store, const struct group *group) {
    if (install_waits(store, group)) {
        return false;
    }
    return group->hard_dirty || install_is_due(store, group) ||
           group_checkpointable(store, group) > group->row.applied_index;
}

// Entries of the group after it must stay in the log: all when its log is going, not durably yet.
static log_index needed_after(const struct store *store, const struct group *group) {
    return install_waits(store, group) ? 0 : group_checkpointable(store, group);
}

// The oldest segment needed once every group has applied what can be now. Of those that hold
// nothing else the last full one stays, when there is a history: a restart fills it from there.
static uint64_t first_needed(const struct store *store) {
    if (store->segments_count == 0) {
        return store->row.first_segment;
    }
    size_t newest = store->segments_count - 1;
    if (mutant_is("segment_freed_too_early")) {
        return store->segments[newest].number;
    }
    size_t spared = newest > 0 && store->options.history_bytes > STORE_HISTORY_NONE ? 1 : 0;
    for (size_t s = 0; s < newest - spared; s++) {
        for (uint32_t i = 0; i < store->options.group_count; i++) {
            const struct group *group = &store->groups[i];
            if (store->segments[s].last_index[i] > needed_after(store, group)) {
                return store->segments[s].number;
            }
        }
    }
    return store->segments[newest - spared].number;
}

static void take_group(struct store_checkpoint *checkpoint, group_id group_number) {
    struct group *group = store_group_of(checkpoint->store, group_number);
    struct checkpoint_group *part = &checkpoint->groups[checkpoint->groups_count++];
    part->group = group_number;
    part->row = group->row;
    part->distrusted = group->distrusted;
    group->hard_dirty = false;
    install_take(checkpoint->store, part);
    log_index until = group_checkpointable(checkpoint->store, group);
    if (until == group->row.applied_index) {
        return;
    }
    bool stops = until % checkpoint->store->options.attest_entries == 0;
    checkpoint->store->stopped |= stops && until < group->commit_index;
    for (log_index i = group->row.applied_index + 1; i <= until; i++) {
        struct entry *entry = group_entry(group, i);
        entry->references++;
        checkpoint->entries[checkpoint->entries_count++] =
            (struct checkpoint_entry){group_number, entry};
        checkpoint->bytes += entry->size;
    }
    const struct entry *last = group_entry(group, until);
    part->row.applied_index = last->index;
    part->row.applied_term = last->term;
    part->row.applied_chain = last->chain;
    part->row.time_ms = last->time_ms;
}

struct store_checkpoint *store_checkpoint_begin(struct store *store, mono_time now, bool force) {
    bool scrubs = !force && scrub_is_due(store, now);
    if (store->checkpoint_out != NULL || (!force && !scrubs && !due(store, now))) {
        return NULL;
    }
    size_t groups = 0;
    size_t entries = 0;
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        const struct group *group = &store->groups[i];
        groups += group_is_part(store, group);
        entries += (size_t)(group_checkpointable(store, group) - group->row.applied_index);
    }
    store->checkpoint_time = now;
    store->stopped = false;
    scrubs = scrubs && scrub_begin(store, now);
    if (groups == 0 && !scrubs) {
        return NULL;
    }
    struct store_checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    check(checkpoint != NULL);
    checkpoint->store = store;
    checkpoint->scrubs = scrubs;
    checkpoint->groups = calloc(groups + 1, sizeof(struct checkpoint_group));
    checkpoint->entries = calloc(entries + 1, sizeof(struct checkpoint_entry));
    check(checkpoint->groups != NULL && checkpoint->entries != NULL);
    checkpoint->row = store->row;
    checkpoint->row.first_segment = first_needed(store);
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        if (group_is_part(store, &store->groups[i])) {
            take_group(checkpoint, (group_id)i);
        }
    }
    store->committed_bytes -= checkpoint->bytes;
    store->checkpoint_out = checkpoint;
    return checkpoint;
}

void checkpoint_destroy(struct store_checkpoint *checkpoint) {
    if (checkpoint != NULL) {
        for (size_t i = 0; i < checkpoint->entries_count; i++) {
            entry_release(&checkpoint->entries[i].entry);
        }
        for (size_t i = 0; i < checkpoint->groups_count; i++) {
            struct checkpoint_group *part = &checkpoint->groups[i];
            for (size_t c = 0; c < part->chunk_count; c++) {
                entry_release(&part->chunks[c]);
            }
            free(part->chunks);
        }
        free(checkpoint->entries);
        free(checkpoint->groups);
        free(checkpoint);
    }
}

// --- the job -------------------------------------------------------------------------------------

struct checkpoint_row {
    group_id group;
    uint64_t order; // of writing
    struct entry_write write;
};

static int by_key_then_newest(const void *left, const void *right) {
    const struct checkpoint_row *one = left;
    const struct checkpoint_row *two = right;
    if (one->group != two->group) {
        return one->group < two->group ? -1 : 1;
    }
    int order = bytes_compare(one->write.key, two->write.key);
    if (order != 0) {
        return order;
    }
    return one->order > two->order ? -1 : one->order < two->order;
}

// Every write of the checkpoint, sorted, the newest of a key before the older ones.
static struct checkpoint_row *
sorted_rows(const struct store_checkpoint *checkpoint, size_t *out_count) {
    size_t count = 0;
    size_t capacity = 256;
    struct checkpoint_row *rows = malloc(capacity * sizeof(*rows));
    check(rows != NULL);
    for (size_t i = 0; i < checkpoint->entries_count; i++) {
        bytes rest = entry_payload(checkpoint->entries[i].entry);
        while (rest.size > 0) {
            if (count == capacity) {
                capacity *= 2;
                rows = realloc(rows, capacity * sizeof(*rows));
                check(rows != NULL);
            }
            rows[count].group = checkpoint->entries[i].group;
            rows[count].order = count;
            check(entry_take(&rest, &rows[count].write));
            count++;
        }
    }
    qsort(rows, count, sizeof(*rows), by_key_then_newest);
    *out_count = count;
    return rows;
}

// A row that rotted says nothing of what it was: the hash is wrong from then on, and the copy's
// rows with it.
static hash128
old_hash(struct map_writer *writer, struct checkpoint_group *part, bytes map_key, bytes stored) {
    bytes old = BYTES_EMPTY;
    bool opens = !err_is(row_open(map_key, stored, &old));
    part->rotten = part->rotten || !opens;
    return row_hash(&writer->room, map_key, opens ? old : stored);
}

err writer_row(
    struct map_writer *writer, struct checkpoint_group *part, const struct entry_write *write
) {
    struct row_key key = row_key(part->group, write->key);
    bytes map_key = row_key_bytes(&key);
    hash128 *sums[] = {&part->row.state_hash, scrub_sum(writer->scrub, part->group, map_key)};
    size_t sum_count = sums[1] == NULL ? 1 : 2;
    bytes stored = BYTES_EMPTY;
    err error = map_txn_get(writer->map, writer->txn, MAP_STATE, map_key, &stored);
    if (error.code == ERR_OK) {
        hash128 old = old_hash(writer, part, map_key, stored);
        for (size_t i = 0; i < sum_count; i++) {
            *sums[i] = row_hash_subtract(*sums[i], old);
        }
    } else if (error.code != ERR_NOT_FOUND) {
        return error;
    }
    bool existed = error.code == ERR_OK;
    if (write->value.data == NULL) {
        return existed ? map_txn_del(writer->map, writer->txn, MAP_STATE, map_key) : ERR_NONE;
    }
    hash128 new = row_hash(&writer->room, map_key, write->value);
    for (size_t i = 0; i < sum_count; i++) {
        *sums[i] = row_hash_add(*sums[i], new);
    }
    bytes sealed = row_seal(&writer->room, map_key, write->value);
    return map_txn_put(writer->map, writer->txn, MAP_STATE, map_key, sealed);
}

err writer_meta(struct map_writer *writer, struct row_key key, bytes value) {
    if (mutant_is("checkpoint_without_meta") && key.bytes[0] == 'G') {
        return ERR_NONE;
    }
    bytes sealed = row_seal(&writer->room, row_key_bytes(&key), value);
    return map_txn_put(writer->map, writer->txn, MAP_META, row_key_bytes(&key), sealed);
}

// The rows are all of one index at which every copy stops: this is the hash to compare.
static void attest(const struct store *store, struct row_group *row) {
    bool stops = row->applied_index != 0 && row->applied_index % store->options.attest_entries == 0;
    bool whole = row->install == STORE_INSTALL_NONE || mutant_is("attest_while_installing");
    if (stops && whole) {
        row->attested_index = row->applied_index;
        row->attested_hash = row->state_hash;
    }
}

static err note_distrust(struct map_writer *writer, const struct checkpoint_group *part) {
    uint8_t epoch[8];
    bytes_put_u64(epoch, part->row.log_epoch);
    struct row_key key = row_distrust_key(part->group);
    return part->distrusted ? writer_meta(writer, key, bytes_of(epoch, sizeof(epoch))) : ERR_NONE;
}

static err write_rows(
    struct map_writer *writer,
    struct store_checkpoint *checkpoint,
    const struct checkpoint_row *rows,
    size_t count
) {
    size_t drops = LIMIT_STORE_DROP_ROWS;
    for (size_t i = 0; i < checkpoint->groups_count; i++) {
        TRY(install_write(writer, &checkpoint->groups[i], &drops));
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        bool newest = i == 0 || rows[i].group != rows[i - 1].group ||
                      !bytes_equal(rows[i].write.key, rows[i - 1].write.key);
        bool skips = mutant_is("copy_differs") && checkpoint->store->row.store_uuid[0] % 3 == 0 &&
                     rows[i].write.value.data == NULL;
        if (newest && !skips) {
            while (checkpoint->groups[at].group != rows[i].group) {
                at++;
            }
            TRY(writer_row(writer, &checkpoint->groups[at], &rows[i].write));
        }
    }
    uint8_t value[ROW_META_BYTES_MAX];
    for (size_t i = 0; i < checkpoint->groups_count; i++) {
        attest(checkpoint->store, &checkpoint->groups[i].row);
        size_t size = row_encode_group(&checkpoint->groups[i].row, value);
        struct row_key key = row_group_key(checkpoint->groups[i].group);
        TRY(writer_meta(writer, key, bytes_of(value, size)));
        TRY(note_distrust(writer, &checkpoint->groups[i]));
    }
    size_t size = row_encode_store(&checkpoint->row, value);
    return writer_meta(writer, row_store_key(), bytes_of(value, size));
}

err store_checkpoint_write(struct store_checkpoint *checkpoint) {
    struct store *store = checkpoint->store;
    struct map_writer writer = {.map = store->options.map, .scrub = &store->scrub};
    if (checkpoint->scrubs) {
        TRY(scrub_slice(store));
    }
    if (checkpoint->groups_count == 0) {
        return ERR_NONE;
    }
    TRY(map_txn_begin(writer.map, &writer.txn));
    size_t count = 0;
    struct checkpoint_row *rows = sorted_rows(checkpoint, &count);
    err error = write_rows(&writer, checkpoint, rows, count);
    if (err_is(error)) {
        map_txn_abort(writer.map, writer.txn);
    } else {
        error = map_txn_commit(writer.map, writer.txn);
    }
    free(rows);
    row_room_deinit(&writer.room);
    return error;
}

// --- its end -------------------------------------------------------------------------------------

static void end_group(struct store *store, const struct checkpoint_group *part) {
    const struct group *group = store_group_of(store, part->group);
    struct row_group row = part->row;
    if (row.log_epoch != group->row.log_epoch) {
        return; // an install began meanwhile
    }
    row.term = group->row.term;
    row.vote = group->row.vote;
    if (part->rotten) {
        store_note_rot(store, part->group);
    }
    group_apply(store, part->group, &row);
    install_written(store, part);
}

static void free_segments(struct store *store) {
    size_t freed = 0;
    while (freed < store->segments_count && store->segments[freed].number < store->row.first_segment
    ) {
        free(store->segments[freed].last_index);
        freed++;
    }
    store->segments_count -= freed;
    for (size_t i = 0; i < store->segments_count; i++) {
        store->segments[i] = store->segments[i + freed];
    }
    store->recycle_before = store->row.first_segment;
}

// The newest entry of the group that pins the segment; one that is cut does until its CUT is
// durable.
static log_index pinned_last(const struct group *group, log_index last_index) {
    log_index last = group_last_index(group);
    return last_index < last ? last_index : last;
}

// The bytes of the entries that pin the oldest segment; 0 when a checkpoint will free them or a
// batch is moving them already.
static size_t pinned_bytes(const struct store *store, const struct segment_use *oldest) {
    if (store->batches[0].moved_from != 0 || store->batches[1].moved_from != 0) {
        return 0;
    }
    size_t size = 0;
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        const struct group *group = &store->groups[i];
        log_index last = pinned_last(group, oldest->last_index[i]);
        if (last > group->row.applied_index && group->commit_index > group->row.applied_index) {
            return 0;
        }
        for (log_index index = group->row.applied_index + 1; index <= last; index++) {
            size += group_entry(group, index)->size;
        }
    }
    return size;
}

// An idle group's few uncommitted entries must not keep the whole log: they are written once more.
static void move_pinned(struct store *store) {
    if (store->segments_count <= MOVE_SEGMENTS_MIN) {
        return;
    }
    const struct segment_use *oldest = &store->segments[0];
    size_t size = pinned_bytes(store, oldest);
    if (size == 0 || size > store->options.segment_bytes / MOVE_PART) {
        return;
    }
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        const struct group *group = &store->groups[i];
        log_index last = pinned_last(group, oldest->last_index[i]);
        for (log_index index = group->row.applied_index + 1; index <= last; index++) {
            (void)batch_add_moved(store, (group_id)i, group_entry(group, index));
        }
    }
    store->batch_open->moved_from = oldest->number;
}

static void end_writes(struct store *store, struct store_checkpoint *checkpoint) {
    if (!mutant_is("overlay_dropped_before_map_renewed")) {
        err error = map_snapshot_renew(store->options.map, store->snapshot);
        check(!err_is(error));
    }
    for (size_t i = 0; i < checkpoint->groups_count; i++) {
        end_group(store, &checkpoint->groups[i]);
    }
    history_trim(store);
    store->row = checkpoint->row;
    free_segments(store);
    store->generation++;
    store->stats.checkpoints++;
    store->stats.checkpoint_bytes += checkpoint->bytes;
}

void store_checkpoint_end(struct store *store, struct store_checkpoint **checkpoint_variable) {
    struct store_checkpoint *checkpoint = *checkpoint_variable;
    check(checkpoint != NULL && checkpoint == store->checkpoint_out);
    bool wrote = checkpoint->groups_count > 0;
    if (wrote) {
        end_writes(store, checkpoint);
    }
    if (checkpoint->scrubs) {
        scrub_end(store);
    }
    checkpoint_destroy(checkpoint);
    store->checkpoint_out = NULL;
    *checkpoint_variable = NULL;
    if (wrote) {
        move_pinned(store);
    }
}
