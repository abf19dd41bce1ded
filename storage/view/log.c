// The log as consensus sees it: what a group is at, its entries read, appended, cut and committed.
//
// Readable and committed are two things. A leader reads its own entries at once (store_txn_commit),
// a follower those that are committed; recovery knows nothing but what a checkpoint or a hint says.
// So overlaid_index stands beside commit_index, never below it.
//
// A cut takes effect in memory at once. Segments are let go by it only when its record is durable:
// until then recovery would find the entries behind it and ask for those before them.
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/view/store_internal.h"

struct group *store_group_of(const struct store *store, group_id group) {
    check(group < store->options.group_count);
    return &store->groups[group];
}

struct store_group store_group(const struct store *store, group_id group_number) {
    const struct group *group = store_group_of(store, group_number);
    struct store_group view = {
        .term = group->row.term,
        .vote = group->row.vote,
        .last_index = group_last_index(group),
        .last_term = group->row.applied_term,
        .last_chain = group->row.applied_chain,
        .commit_index = group->commit_index,
        .applied_index = group->row.applied_index,
        .time_ms = group->row.time_ms,
        .removed = group->row.removed,
    };
    if (view.last_index > view.applied_index) {
        const struct entry *last = group_entry(group, view.last_index);
        view.last_term = last->term;
        view.last_chain = last->chain;
        view.time_ms = last->time_ms;
    }
    return view;
}

log_lsn store_hard_state(struct store *store, group_id group_number, uint64_t term, uint16_t vote) {
    struct group *group = store_group_of(store, group_number);
    check(term >= group->row.term);
    group->row.term = term;
    group->row.vote = vote;
    group->hard_dirty = true;
    struct record record = {
        .type = RECORD_HARD,
        .group = group_number,
        .term = term,
        .vote = vote,
    };
    return batch_add_small(store, &record);
}

void store_commit(struct store *store, group_id group_number, log_index index) {
    struct group *group = store_group_of(store, group_number);
    check(index <= group_last_index(group));
    while (group->commit_index < index) {
        group->commit_index++;
        store->committed_bytes += group_entry(group, group->commit_index)->size;
    }
    group_overlay(store, group, group->commit_index);
}

// The next index at which all copies' checkpoints stop.
static log_index next_stop(const struct store *store, const struct group *group) {
    log_index every = store->options.attest_entries;
    return (group->row.applied_index / every + 1) * every;
}

log_index group_checkpointable(const struct store *store, const struct group *group) {
    if (group->row.install != STORE_INSTALL_NONE && group->row.install != STORE_INSTALL_FOLLOWING) {
        return group->row.applied_index;
    }
    log_index stop = next_stop(store, group);
    log_index index = group->commit_index < stop ? group->commit_index : stop;
    if (mutant_is("checkpoint_ahead_of_log")) {
        return index;
    }
    while (index > group->row.applied_index &&
           group_entry(group, index)->lsn > store->stats.durable_lsn) {
        index--;
    }
    return index;
}

// --- reading -------------------------------------------------------------------------------------

void store_entry_visit(
    const struct store *store,
    group_id group_number,
    log_index index,
    void (*visit)(void *argument, bytes key, bytes value),
    void *argument
) {
    bytes rest = entry_payload(group_entry(store_group_of(store, group_number), index));
    while (rest.size > 0) {
        struct entry_write write;
        check(entry_take(&rest, &write));
        visit(argument, write.key, write.value);
    }
}

bytes store_payload_find(bytes payload, bytes key) {
    bytes found = BYTES_EMPTY;
    struct entry_write write;
    while (payload.size > 0 && entry_take(&payload, &write)) {
        if (bytes_equal(write.key, key)) {
            found = write.value;
        }
    }
    return found;
}

static const struct entry *kept(const struct group *group, log_index index) {
    bool is = index > group->before_index && index <= group_last_index(group);
    return is ? group_entry(group, index) : NULL;
}

err store_entry_read(
    const struct store *store, group_id group_number, log_index index, struct store_entry *out_entry
) {
    const struct entry *entry = kept(store_group_of(store, group_number), index);
    if (entry == NULL) {
        return err_make(ERR_NOT_FOUND, "the entry is not kept");
    }
    *out_entry = (struct store_entry){
        .term = entry->term,
        .time_ms = entry->time_ms,
        .chain = entry->chain,
        .payload = entry_payload(entry),
    };
    return ERR_NONE;
}

bool store_entry_term(
    const struct store *store,
    group_id group_number,
    log_index index,
    uint64_t *out_term,
    hash128 *out_chain
) {
    const struct group *group = store_group_of(store, group_number);
    const struct entry *entry = kept(group, index);
    if (entry != NULL) {
        *out_term = entry->term;
        *out_chain = entry->chain;
    } else if (index == group->before_index) {
        *out_term = group->before_term;
        *out_chain = group->before_chain;
    } else if (index == 0) {
        *out_term = 0;
        *out_chain = (hash128){0, 0};
    } else {
        return false;
    }
    return true;
}

log_index store_first_index(const struct store *store, group_id group) {
    return store_group_of(store, group)->before_index + 1;
}

// --- appending -----------------------------------------------------------------------------------

void store_append_noop(
    struct store *store,
    group_id group_number,
    uint64_t term,
    int64_t time_ms,
    log_index *out_index,
    log_lsn *out_lsn
) {
    struct group *group = store_group_of(store, group_number);
    struct store_group before = store_group(store, group_number);
    check(term >= before.last_term);
    check(time_ms >= 0);
    check(group->row.install == STORE_INSTALL_NONE);
    struct entry *entry = entry_create(0);
    entry->index = before.last_index + 1;
    entry->term = term;
    entry->time_ms = time_ms;
    entry->chain = entry_chain(entry, before.last_chain);
    group_push(store, group, entry);
    if (group->overlaid_index == before.last_index) {
        group_overlay(store, group, entry->index);
    }
    *out_index = entry->index;
    *out_lsn = batch_add_entry(store, group_number, entry);
}

// Whether memory is short and a checkpoint will help. Uncommitted entries alone never refuse: what
// commits them could be among those refused.
static bool pushes_back(const struct store *store) {
    return store_overlay_bytes(store) > store->options.overlay_bytes_max &&
           (store->committed_bytes > 0 || store->checkpoint_out != NULL);
}

err store_append(
    struct store *store, group_id group_number, const struct store_entry *offered, log_lsn *out_lsn
) {
    struct store_group before = store_group(store, group_number);
    if (offered->term < before.last_term || offered->time_ms < 0) {
        return err_make(ERR_CORRUPT, "an entry's term or time is below that of the one before it");
    }
    if (!entry_payload_is_valid(offered->payload)) {
        return err_make(ERR_CORRUPT, "an entry's payload is no write-set");
    }
    enum store_install install = store_installing(store, group_number);
    if (install != STORE_INSTALL_NONE && install != STORE_INSTALL_FOLLOWING) {
        return err_make(ERR_UNAVAILABLE, "the replica waits for the rows of a snapshot");
    }
    if (pushes_back(store)) {
        return err_make(ERR_UNAVAILABLE, "the disk cannot keep up; retry later");
    }
    struct entry *entry = entry_copy(offered->payload);
    entry->index = before.last_index + 1;
    entry->term = offered->term;
    entry->time_ms = offered->time_ms;
    entry->chain = entry_chain(entry, before.last_chain);
    if (!hash128_equal(entry->chain, offered->chain) && !mutant_is("chain_not_checked")) {
        entry_release(&entry);
        return err_make(ERR_CORRUPT, "an entry does not follow the log of this replica");
    }
    group_push(store, store_group_of(store, group_number), entry);
    *out_lsn = batch_add_entry(store, group_number, entry);
    return ERR_NONE;
}

// --- taking back ---------------------------------------------------------------------------------

log_lsn store_cut(struct store *store, group_id group_number, log_index from) {
    struct group *group = store_group_of(store, group_number);
    check(!store->txn.open);
    check(from > group->commit_index);
    check(from <= group_last_index(group));
    group_overlay_back(store, group, from - 1);
    group_cut(store, group, from);
    if (mutant_is("cut_frees_early")) {
        segments_cut(store, group_number, from);
    }
    if (mutant_is("cut_not_durable")) {
        return store->stats.appended_lsn;
    }
    return batch_add_cut(store, group_number, from);
}

void store_forget_speculation(struct store *store, group_id group_number) {
    struct group *group = store_group_of(store, group_number);
    check(!store->txn.open);
    if (!mutant_is("overlay_not_rolled_back")) {
        group_overlay_back(store, group, group->commit_index);
    }
}
