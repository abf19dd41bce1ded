// What is kept of each group's log in memory: every entry above applied_index, and below it a
// history for followers that are behind, bounded over the whole lane.
//
// An applied entry stays where it is; only the account it is on changes. The oldest of the lane
// goes first: a ring names the groups in the order their entries were applied, and its front is
// always the first kept entry of its group. Term and chain of the entry before the first kept one
// are kept too, without which no follower could take the first.
//
// Rejected: reading old entries back from the log (an index of group and range to segment and
// offset; segments would have to stay for it). A follower that is behind the history gets a
// snapshot, which costs the same as a gigabyte of log and is there anyway.
#include "proto/base/check.h"
#include "proto/limits.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>
#include <string.h>

log_index group_last_index(const struct group *group) {
    return group->before_index + group->entries_count;
}

struct entry *group_entry(const struct group *group, log_index index) {
    check(index > group->before_index);
    check(index <= group_last_index(group));
    return group->entries[group->entries_first + (size_t)(index - group->before_index - 1)];
}

static void entries_reserve(struct group *group) {
    if (group->entries_first + group->entries_count < group->entries_capacity) {
        return;
    }
    if (group->entries_first > group->entries_capacity / 2) {
        memmove(
            group->entries,
            group->entries + group->entries_first,
            group->entries_count * sizeof(struct entry *)
        );
        group->entries_first = 0;
        return;
    }
    group->entries_capacity = group->entries_capacity == 0 ? 16 : 2 * group->entries_capacity;
    group->entries = realloc(group->entries, group->entries_capacity * sizeof(struct entry *));
    check(group->entries != NULL);
}

static size_t entry_memory(const struct entry *entry) {
    return sizeof(*entry) + ENTRY_FRONT_BYTES + entry->capacity;
}

static void add_last(struct group *group, struct entry *entry) {
    check(entry->index == group_last_index(group) + 1);
    entries_reserve(group);
    group->entries[group->entries_first + group->entries_count] = entry;
    group->entries_count++;
}

void group_push(struct store *store, struct group *group, struct entry *entry) {
    add_last(group, entry);
    store->entry_bytes += entry_memory(entry);
}

void group_cut(struct store *store, struct group *group, log_index from) {
    check(from > group->before_index);
    while (group_last_index(group) >= from) {
        struct entry **last = &group->entries[group->entries_first + group->entries_count - 1];
        if ((*last)->index > group->row.applied_index) {
            store->entry_bytes -= entry_memory(*last);
        } else {
            store->history.bytes -= entry_memory(*last);
        }
        entry_release(last);
        group->entries_count--;
    }
}

void group_begin_at(
    struct store *store, struct group *group, log_index index, uint64_t term, hash128 chain
) {
    group_cut(store, group, group->before_index + 1);
    group->before_index = index;
    group->before_term = term;
    group->before_chain = chain;
    group->entries_first = 0;
}

// --- history -------------------------------------------------------------------------------------

static void ring_add(struct history *history, group_id group) {
    if (history->count == history->capacity) {
        size_t capacity = history->capacity == 0 ? 64 : 2 * history->capacity;
        group_id *ring = malloc(capacity * sizeof(*ring));
        check(ring != NULL);
        for (size_t i = 0; i < history->count; i++) {
            ring[i] = history->ring[(history->first + i) & (history->capacity - 1)];
        }
        free(history->ring);
        history->ring = ring;
        history->capacity = capacity;
        history->first = 0;
    }
    history->ring[(history->first + history->count) & (history->capacity - 1)] = group;
    history->count++;
}

void group_push_history(struct store *store, group_id group, struct entry *entry) {
    add_last(store_group_of(store, group), entry);
    ring_add(&store->history, group);
    store->history.bytes += entry_memory(entry);
}

void group_apply(struct store *store, group_id group_number, const struct row_group *row) {
    struct group *group = store_group_of(store, group_number);
    store->node_bytes -= group->overlay.bytes;
    ordered_drop(&group->overlay, row->applied_index);
    store->node_bytes += group->overlay.bytes;
    for (log_index i = group->row.applied_index + 1; i <= row->applied_index; i++) {
        size_t memory = entry_memory(group_entry(group, i));
        store->entry_bytes -= memory;
        store->history.bytes += memory;
        ring_add(&store->history, group_number);
    }
    group->row = *row;
}

static void drop_first(struct store *store, struct group *group) {
    struct entry **first = &group->entries[group->entries_first];
    store->history.bytes -= entry_memory(*first);
    group->before_index = (*first)->index;
    group->before_term = (*first)->term;
    group->before_chain = (*first)->chain;
    entry_release(first);
    group->entries_count--;
    group->entries_first = group->entries_count == 0 ? 0 : group->entries_first + 1;
}

static bool is_behind(log_index hold, log_index first) {
    return hold > 0 && first >= hold;
}

// Whether a snapshot or a backup under way needs the first kept entry of the group, and memory
// allows.
static bool is_held(const struct store *store, const struct group *group) {
    log_index first = group->before_index + 1;
    return (is_behind(group->held_from, first) || is_behind(group->held_for_backup, first)) &&
           store->history.bytes <= store->options.history_bytes + LIMIT_STORE_HELD_BYTES;
}

void history_trim(struct store *store) {
    struct history *history = &store->history;
    size_t looked_at = history->count;
    while (history->bytes > store->options.history_bytes && looked_at > 0) {
        group_id number = history->ring[history->first];
        struct group *group = store_group_of(store, number);
        history->first = (history->first + 1) & (history->capacity - 1);
        history->count--;
        looked_at--;
        if (group->entries_count == 0 || group->before_index >= group->row.applied_index) {
            continue; // it stands in the ring once more than it has applied entries
        }
        if (is_held(store, group)) {
            ring_add(history, number);
        } else {
            drop_first(store, group);
        }
    }
}
