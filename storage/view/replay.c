// Rebuilding what came after the checkpoint from the log.
//
// Entries are placed by their index, not by their order in the log: an entry that was moved stands
// behind younger ones of its group. A CUT takes away what was placed from its index on. When the
// log is read, each group's entries must follow its applied index without a gap and with the chain
// unbroken; anything else is damage. What the map has already becomes history as far as it
// connects.
//
// The end of the log is not what was committed: only entries up to the newest COMMIT are overlaid.
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

// The entries of a group above its applied index, by place; NULL where none was found yet.
struct tail {
    struct entry **entries;
    size_t count;
    size_t capacity;
};

struct replay {
    struct store *store;
    struct arena *arena;
    struct tail *tails; // one a group
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

// --- the records ---------------------------------------------------------------------------------

// The place of an entry that is not there yet; the places before it are NULL.
static struct entry **make_place(struct tail *tail, size_t at) {
    if (at >= tail->capacity) {
        size_t capacity = tail->capacity == 0 ? 64 : tail->capacity;
        while (capacity <= at) {
            capacity *= 2;
        }
        tail->entries = realloc(tail->entries, capacity * sizeof(struct entry *));
        check(tail->entries != NULL);
        tail->capacity = capacity;
    }
    while (tail->count <= at) {
        tail->entries[tail->count++] = NULL;
    }
    return &tail->entries[at];
}

static void tail_cut(struct tail *tail, size_t count) {
    while (tail->count > count) {
        entry_release(&tail->entries[--tail->count]);
    }
}

static struct entry *entry_of(const struct record *record) {
    struct entry *entry = entry_copy(record->payload);
    entry->index = record->index;
    entry->term = record->term;
    entry->time_ms = record->time_ms;
    entry->chain = record->chain;
    return entry;
}

// An entry that the map has. One that does not follow the last found begins the history anew: of it
// only term and chain are kept, because nothing proves it. One that was moved is behind its place.
static void take_applied(struct store *store, const struct record *record) {
    struct group *group = &store->groups[record->group];
    log_index next = group_last_index(group) + 1;
    if (record->index < next) {
        return;
    }
    if (record->index > next) {
        group_begin_at(store, group, record->index, record->term, record->chain);
        return;
    }
    group_push_history(store, record->group, entry_of(record));
    history_trim(store);
}

static err take_entry(struct replay *replay, const struct record *record, uint64_t segment) {
    const struct group *group = &replay->store->groups[record->group];
    struct tail *tail = &replay->tails[record->group];
    segment_note(replay->store, segment, record->group, record->index);
    if (record->index <= group->row.applied_index) {
        take_applied(replay->store, record);
        return ERR_NONE;
    }
    log_index behind = record->index - group->row.applied_index - 1;
    if (record->type == RECORD_MOVED && mutant_is("rewrite_reorders")) {
        behind = tail->count;
    }
    if (behind > tail->count + (log_index)GAP_MAX) {
        return damaged(replay, record->group, record->index, "is far ahead of the entry before");
    }
    struct entry **place = make_place(tail, (size_t)behind);
    if (*place != NULL) {
        bool same = (*place)->term == record->term && hash128_equal((*place)->chain, record->chain);
        return same ? ERR_NONE : damaged(replay, record->group, record->index, "is there twice");
    }
    *place = entry_of(record);
    return ERR_NONE;
}

static err take_cut(struct replay *replay, const struct record *record) {
    struct group *group = &replay->store->groups[record->group];
    segments_cut(replay->store, record->group, record->index);
    if (record->index > group->row.applied_index) {
        log_index kept = record->index - group->row.applied_index - 1;
        struct tail *tail = &replay->tails[record->group];
        tail_cut(tail, kept < tail->count ? (size_t)kept : tail->count);
        return ERR_NONE;
    }
    tail_cut(&replay->tails[record->group], 0);
    if (record->index > group->before_index) {
        group_cut(replay->store, group, record->index);
    } else {
        group_begin_at(replay->store, group, 0, 0, (hash128){0, 0});
    }
    return ERR_NONE;
}

// Whatever came before is of a log that is gone. The map may know of this install already, or of a
// later one.
static err take_install(struct replay *replay, const struct record *record) {
    struct store *store = replay->store;
    struct group *group = &store->groups[record->group];
    if (record->index > INT64_MAX) {
        return damaged(replay, record->group, record->index, "cannot be where a snapshot stands");
    }
    segments_cut(store, record->group, 1);
    tail_cut(&replay->tails[record->group], 0);
    group_begin_at(store, group, record->index, record->term, record->chain);
    if (record->epoch > group->row.log_epoch) {
        group->row.log_epoch = record->epoch;
        group->row.install = STORE_INSTALL_DROPPING;
        group->row.applied_index = record->index;
        group->row.applied_term = record->term;
        group->row.applied_chain = record->chain;
        group->row.time_ms = record->time_ms;
        group->hard_dirty = true;
    }
    group->commit_index = group->row.applied_index;
    group->overlaid_index = group->row.applied_index;
    group->hinted_index = group->row.applied_index;
    return ERR_NONE;
}

// The same without a place to begin at.
static void take_removed(struct replay *replay, const struct record *record) {
    struct store *store = replay->store;
    struct group *group = &store->groups[record->group];
    segments_cut(store, record->group, 1);
    tail_cut(&replay->tails[record->group], 0);
    group_begin_at(store, group, 0, 0, (hash128){0, 0});
    if (record->epoch > group->row.log_epoch) {
        group->row = (struct row_group){
            .term = group->row.term,
            .vote = group->row.vote,
            .log_epoch = record->epoch,
            .install = STORE_INSTALL_FORGETTING,
            .removed = mutant_is("removed_not_recovered") ? 0 : record->index,
        };
        group->hard_dirty = true;
    }
    group->commit_index = group->row.applied_index;
    group->overlaid_index = group->row.applied_index;
    group->hinted_index = group->row.applied_index;
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
        return record->index > 0 ? take_entry(replay, record, segment)
                                 : damaged(replay, record->group, 0, "does not exist");
    case RECORD_CUT:
        return record->index > 0 ? take_cut(replay, record)
                                 : damaged(replay, record->group, 0, "cannot be cut");
    case RECORD_INSTALL:
        return take_install(replay, record);
    case RECORD_REMOVED:
        take_removed(replay, record);
        return ERR_NONE;
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

// --- the groups ----------------------------------------------------------------------------------

// Whether what was found of the applied entries leads to the state in the map.
static bool history_connects(const struct group *group) {
    hash128 chain = group->before_chain;
    for (log_index i = group->before_index + 1; i <= group_last_index(group); i++) {
        struct entry *entry = group_entry(group, i);
        chain = entry_chain(entry, chain);
        if (!hash128_equal(chain, entry->chain)) {
            return false;
        }
    }
    return group_last_index(group) == group->row.applied_index &&
           hash128_equal(chain, group->row.applied_chain);
}

// The entries are pushed one by one, so that memory is accounted for in one place.
static err finish_group(struct replay *replay, group_id group_number) {
    struct store *store = replay->store;
    struct group *group = &store->groups[group_number];
    struct tail *tail = &replay->tails[group_number];
    const struct row_group *row = &group->row;
    if (!history_connects(group)) {
        group_begin_at(store, group, row->applied_index, row->applied_term, row->applied_chain);
    }
    hash128 chain = row->applied_chain;
    for (size_t i = 0; i < tail->count; i++) {
        log_index index = row->applied_index + 1 + i;
        struct entry *entry = tail->entries[i];
        if (entry == NULL) {
            return damaged(replay, group_number, index, "is missing");
        }
        chain = entry_chain(entry, chain);
        if (!hash128_equal(chain, entry->chain) || entry->index != index) {
            return damaged(replay, group_number, index, "does not follow the one before it");
        }
        if (!entry_payload_is_valid(entry_payload(entry))) {
            return damaged(replay, group_number, index, "holds a write it should not");
        }
        tail->entries[i] = NULL;
        group_push(store, group, entry);
    }
    log_index last = group_last_index(group);
    store_commit(store, group_number, group->hinted_index < last ? group->hinted_index : last);
    group->hinted_index = group->commit_index;
    return ERR_NONE;
}

static err read_log(struct replay *replay) {
    struct store *store = replay->store;
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
    TRY(wal_open(&options, replay->arena, visit, replay, &store->wal));
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        TRY(finish_group(replay, (group_id)i));
    }
    return ERR_NONE;
}

err store_replay(struct store *store, struct arena *arena) {
    struct replay replay = {.store = store, .arena = arena};
    replay.tails = calloc(store->options.group_count, sizeof(struct tail));
    check(replay.tails != NULL);
    err error = read_log(&replay);
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        tail_cut(&replay.tails[i], 0);
        free(replay.tails[i].entries);
    }
    free(replay.tails);
    return error;
}
