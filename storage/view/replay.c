// Rebuilding the overlay from the log.
//
// Entries are placed by their index, not by their order in the log: an entry that was moved stands
// behind younger ones of its group. What the map has already is skipped. When the log is read, each
// group's entries must follow its applied index without a gap and with the chain unbroken; anything
// else is damage.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/view/store_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    // Entries of a group that may be missing in between while they are collected. More than the
    // smallest of entries in the largest of logs is damage.
    GAP_MAX = 1 << 22
};

struct replay {
    struct store *store;
    struct arena *arena;
};

static err damaged(struct replay *replay, group_id group, log_index index, const char *what) {
    return err_make(
        ERR_CORRUPT,
        arena_format(
            replay->arena,
            "log entry %" PRIu64 " of group %u %s; restore this store from another copy",
            index,
            (unsigned)group,
            what
        )
    );
}

// The place of an entry that is not there yet; the places before it are NULL.
static struct entry **make_place(struct group *group, size_t at) {
    if (at >= group->entries_capacity) {
        size_t capacity = group->entries_capacity == 0 ? 64 : group->entries_capacity;
        while (capacity <= at) {
            capacity *= 2;
        }
        group->entries = realloc(group->entries, capacity * sizeof(struct entry *));
        check(group->entries != NULL);
        group->entries_capacity = capacity;
    }
    while (group->entries_count <= at) {
        group->entries[group->entries_count++] = NULL;
    }
    return &group->entries[at];
}

static err take_entry(struct replay *replay, const struct record *record, uint64_t segment) {
    struct group *group = &replay->store->groups[record->group];
    segment_note(replay->store, segment, record->group, record->index);
    if (record->index <= group->row.applied_index) {
        return ERR_NONE;
    }
    log_index behind = record->index - group->row.applied_index - 1;
    if (record->type == RECORD_MOVED && mutant_is("rewrite_reorders")) {
        behind = group->entries_count;
    }
    if (behind > group->entries_count + (log_index)GAP_MAX) {
        return damaged(replay, record->group, record->index, "is far ahead of the entry before");
    }
    struct entry **place = make_place(group, (size_t)behind);
    if (*place != NULL) {
        bool same = (*place)->term == record->term && hash128_equal((*place)->chain, record->chain);
        return same ? ERR_NONE : damaged(replay, record->group, record->index, "is there twice");
    }
    *place = entry_copy(record->payload);
    (*place)->index = record->index;
    (*place)->term = record->term;
    (*place)->time_ms = record->time_ms;
    (*place)->chain = record->chain;
    return ERR_NONE;
}

static err visit(void *argument, const struct record *record, log_lsn lsn, uint64_t segment) {
    (void)lsn;
    struct replay *replay = argument;
    if (record->group >= replay->store->options.group_count) {
        return damaged(replay, record->group, record->index, "is of a group that does not exist");
    }
    struct group *group = &replay->store->groups[record->group];
    switch (record->type) {
    case RECORD_ENTRY:
    case RECORD_MOVED:
        return take_entry(replay, record, segment);
    case RECORD_HARD:
        // A vote is never unsaid within its term: the row may be ahead of the log.
        if (record->term > group->row.term ||
            (record->term == group->row.term && record->vote != 0)) {
            group->row.term = record->term;
            group->row.vote = record->vote;
            group->hard_dirty = true;
        }
        return ERR_NONE;
    case RECORD_COMMIT:
        if (record->index > group->hinted_index) {
            group->hinted_index = record->index;
        }
        return ERR_NONE;
    }
    return damaged(replay, record->group, record->index, "is of an unknown kind");
}

static err overlay_entry(struct replay *replay, group_id group_number, struct entry *entry) {
    struct group *group = &replay->store->groups[group_number];
    bytes rest = entry_payload(entry);
    while (rest.size > 0) {
        struct entry_write write;
        if (!entry_take(&rest, &write) || write.key.size > ROW_KEY_BYTES_MAX) {
            return damaged(replay, group_number, entry->index, "holds a write it should not");
        }
        group_overlay_put(replay->store, group, &write, entry->index);
    }
    return ERR_NONE;
}

// The entries lie at the front of the array now; they are pushed again one by one, so that memory
// is accounted for in one place.
static err finish_group(struct replay *replay, group_id group_number) {
    struct group *group = &replay->store->groups[group_number];
    struct entry **entries = group->entries;
    size_t count = group->entries_count;
    group->entries = NULL;
    group->entries_count = 0;
    group->entries_capacity = 0;
    hash128 chain = group->row.applied_chain;
    err error = ERR_NONE;
    for (size_t i = 0; i < count && !err_is(error); i++) {
        log_index index = group->row.applied_index + 1 + i;
        if (entries[i] == NULL) {
            error = damaged(replay, group_number, index, "is missing");
            break;
        }
        struct entry *entry = entries[i];
        chain = entry_chain(entry, chain);
        if (!hash128_equal(chain, entry->chain) || entry->index != index) {
            error = damaged(replay, group_number, index, "does not follow the one before it");
            break;
        }
        entries[i] = NULL;
        group_push(replay->store, group, entry);
        error = overlay_entry(replay, group_number, entry);
    }
    for (size_t i = 0; i < count; i++) {
        entry_release(&entries[i]);
    }
    free(entries);
    return error;
}

static void commit_hinted(struct store *store, group_id group_number) {
    struct group *group = &store->groups[group_number];
    log_index last = group_last_index(group);
    store_commit(store, group_number, group->hinted_index < last ? group->hinted_index : last);
    group->hinted_index = group->commit_index;
}

err store_replay(struct store *store, struct arena *arena) {
    struct replay replay = {store, arena};
    struct wal_options options = {
        .disk = store->options.disk,
        .segment_bytes = store->options.segment_bytes,
        .lane = (uint16_t)store->options.lane,
        .first_segment = store->row.first_segment,
        .formatting = store->row.formatting,
        .random_seed = random_u64(&store->random),
    };
    memcpy(options.cluster, store->row.cluster, 16);
    memcpy(options.store_uuid, store->row.store_uuid, 16);
    TRY(wal_open(&options, arena, visit, &replay, &store->wal));
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        TRY(finish_group(&replay, (group_id)i));
        commit_hinted(store, (group_id)i);
    }
    return ERR_NONE;
}
