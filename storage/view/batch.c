// Log batches: two of them, one filling while the other is being written.
//
// A batch refers to entries where they are; the log thread copies their bytes once, into the chunk.
// The wal belongs to whoever has the batch, so freed segments wait for the next store_batch_begin.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>
#include <string.h>

void batch_init(struct store_batch *batch, struct store *store) {
    *batch = (struct store_batch){.store = store};
    buffer_init(&batch->small, SIZE_MAX / 2);
    batch->last_index = calloc(store->options.group_count, sizeof(log_index));
    batch->cut_from = calloc(store->options.group_count, sizeof(log_index));
    check(batch->last_index != NULL && batch->cut_from != NULL);
}

static void batch_clear(struct store_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        entry_release(&batch->items[i].entry);
    }
    batch->count = 0;
    batch->moved_from = 0;
    batch->pieces_count = 0;
    batch->bytes_written = 0;
    buffer_clear(&batch->small);
    memset(batch->last_index, 0, batch->store->options.group_count * sizeof(log_index));
    memset(batch->cut_from, 0, batch->store->options.group_count * sizeof(log_index));
}

void batch_deinit(struct store_batch *batch) {
    if (batch->last_index != NULL) {
        batch_clear(batch);
    }
    free(batch->items);
    free(batch->pieces);
    free(batch->last_index);
    free(batch->cut_from);
    buffer_deinit(&batch->small);
}

static log_lsn add_item(struct store *store, struct batch_item item, log_index index) {
    struct store_batch *batch = store->batch_open;
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 64 : 2 * batch->capacity;
        batch->items = realloc(batch->items, batch->capacity * sizeof(item));
        batch->pieces = realloc(batch->pieces, 2 * batch->capacity * sizeof(bytes));
        check(batch->items != NULL && batch->pieces != NULL);
    }
    store->stats.appended_lsn++;
    if (batch->count == 0) {
        batch->first_lsn = store->stats.appended_lsn;
    }
    batch->items[batch->count++] = item;
    if (index > batch->last_index[item.group]) {
        batch->last_index[item.group] = index;
    }
    return store->stats.appended_lsn;
}

static void encode_small(struct store_batch *batch, const struct record *record, size_t *out_size) {
    uint8_t head[RECORD_HEAD_BYTES_MAX];
    *out_size = record_encode_head(record, head);
    buffer_append(&batch->small, bytes_of(head, *out_size));
    check(!batch->small.overflowed);
}

log_lsn batch_add_entry(struct store *store, group_id group, struct entry *entry) {
    (void)entry_encode(entry, group);
    entry->references++;
    entry->lsn = add_item(store, (struct batch_item){.group = group, .entry = entry}, entry->index);
    return entry->lsn;
}

log_lsn batch_add_moved(struct store *store, group_id group, struct entry *entry) {
    struct record record = {
        .type = RECORD_MOVED,
        .group = group,
        .index = entry->index,
        .term = entry->term,
        .time_ms = entry->time_ms,
        .chain = entry->chain,
        .payload = entry_payload(entry),
    };
    struct batch_item item = {.group = group, .moved = true, .entry = entry};
    item.offset = store->batch_open->small.size;
    encode_small(store->batch_open, &record, &item.size);
    entry->references++;
    return add_item(store, item, entry->index);
}

// What the batch holds of the entries that are cut or dropped counts no longer: it is durable with
// the CUT or not at all. What the segments hold of them counts until then.
static void note_cut(struct store_batch *batch, group_id group, log_index from) {
    if (batch->last_index[group] >= from) {
        batch->last_index[group] = from - 1;
    }
    if (batch->cut_from[group] == 0 || from < batch->cut_from[group]) {
        batch->cut_from[group] = from;
    }
}

log_lsn batch_add_cut(struct store *store, group_id group, log_index from) {
    note_cut(store->batch_open, group, from);
    struct record record = {.type = RECORD_CUT, .group = group, .index = from};
    return batch_add_small(store, &record);
}

// The group's epoch, and which replica of it is no more.
log_lsn batch_add_removed(struct store *store, group_id group) {
    const struct row_group *row = &store->groups[group].row;
    note_cut(store->batch_open, group, 1);
    struct record record = {
        .type = RECORD_REMOVED,
        .group = group,
        .epoch = row->log_epoch,
        .index = row->removed,
    };
    return batch_add_small(store, &record);
}

// The group's position and epoch as they are now.
log_lsn batch_add_install(struct store *store, group_id group) {
    const struct row_group *row = &store->groups[group].row;
    note_cut(store->batch_open, group, 1);
    struct record record = {
        .type = RECORD_INSTALL,
        .group = group,
        .epoch = row->log_epoch,
        .index = row->applied_index,
        .term = row->applied_term,
        .time_ms = row->time_ms,
        .chain = row->applied_chain,
    };
    return batch_add_small(store, &record);
}

log_lsn batch_add_small(struct store *store, const struct record *record) {
    struct batch_item item = {.group = record->group};
    item.offset = store->batch_open->small.size;
    encode_small(store->batch_open, record, &item.size);
    return add_item(store, item, 0);
}

bool store_batch_pending(const struct store *store) {
    return store->batch_open->count > 0;
}

// Commit indexes ride along: they make a restart quicker and cost no sync of their own.
static void add_commit_hints(struct store *store) {
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        struct group *group = &store->groups[i];
        if (group->hinted_index < group->commit_index) {
            group->hinted_index = group->commit_index;
            struct record record = {
                .type = RECORD_COMMIT,
                .group = (group_id)i,
                .index = group->commit_index,
            };
            (void)batch_add_small(store, &record);
        }
    }
}

static void gather_pieces(struct store_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->items[i];
        if (item->entry == NULL || item->moved) {
            batch->pieces[batch->pieces_count++] =
                bytes_of(batch->small.data + item->offset, item->size);
        }
        if (item->moved) {
            batch->pieces[batch->pieces_count++] = entry_payload(item->entry);
        } else if (item->entry != NULL) {
            const struct entry *entry = item->entry;
            batch->pieces[batch->pieces_count++] =
                bytes_of(entry->block + ENTRY_FRONT_BYTES - entry->head, entry->head + entry->size);
        }
    }
}

struct store_batch *store_batch_begin(struct store *store) {
    if (store->batch_out != NULL || !store_batch_pending(store)) {
        return NULL;
    }
    add_commit_hints(store);
    struct store_batch *batch = store->batch_open;
    store->batch_out = batch;
    store->batch_open = batch == &store->batches[0] ? &store->batches[1] : &store->batches[0];
    gather_pieces(batch);
    check(batch->first_lsn == wal_next_lsn(store->wal));
    wal_recycle(store->wal, store->recycle_before);
    return batch;
}

err store_batch_write(struct store_batch *batch) {
    return wal_write(
        batch->store->wal,
        batch->pieces,
        batch->pieces_count,
        (uint32_t)batch->count,
        &batch->bytes_written,
        &batch->segment
    );
}

// The entries a batch moved no longer need the segment they came from.
static void forget_moved(struct store *store, const struct store_batch *batch) {
    for (size_t s = 0; s < store->segments_count; s++) {
        if (store->segments[s].number != batch->moved_from) {
            continue;
        }
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->items[i].moved) {
                store->segments[s].last_index[batch->items[i].group] = 0;
            }
        }
    }
}

log_lsn store_batch_end(struct store *store, struct store_batch **batch_variable) {
    struct store_batch *batch = *batch_variable;
    check(batch != NULL && batch == store->batch_out);
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        if (batch->cut_from[i] > 0) {
            segments_cut(store, (group_id)i, batch->cut_from[i]);
        }
        if (batch->last_index[i] > 0) {
            segment_note(store, batch->segment, (group_id)i, batch->last_index[i]);
        }
    }
    if (batch->moved_from != 0) {
        forget_moved(store, batch);
    }
    store->stats.batches++;
    store->stats.batch_bytes += batch->bytes_written;
    store->stats.durable_lsn = batch->first_lsn + batch->count - 1;
    store->stats.segments = wal_segment_count(store->wal);
    batch_clear(batch);
    store->batch_out = NULL;
    *batch_variable = NULL;
    return store->stats.durable_lsn;
}

void segments_cut(struct store *store, group_id group, log_index from) {
    for (size_t s = 0; s < store->segments_count; s++) {
        if (store->segments[s].last_index[group] >= from) {
            store->segments[s].last_index[group] = from - 1;
        }
    }
}

void segment_note(struct store *store, uint64_t number, group_id group, log_index index) {
    size_t count = store->segments_count;
    if (count == 0 || store->segments[count - 1].number < number) {
        if (count == store->segments_capacity) {
            store->segments_capacity = count == 0 ? 8 : 2 * count;
            store->segments =
                realloc(store->segments, store->segments_capacity * sizeof(struct segment_use));
            check(store->segments != NULL);
        }
        store->segments[count] = (struct segment_use){
            .number = number,
            .last_index = calloc(store->options.group_count, sizeof(log_index)),
        };
        check(store->segments[count].last_index != NULL);
        store->segments_count = count + 1;
    }
    struct segment_use *newest = &store->segments[store->segments_count - 1];
    check(newest->number == number);
    if (index > newest->last_index[group]) {
        newest->last_index[group] = index;
    }
}
