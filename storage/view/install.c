// Installing a snapshot at the destination (distributed.md §4.1, I1–I4).
//
//   NONE ── begin ──► DROPPING ── no old row left ──► LOADING ── last chunk ──► FOLLOWING
//    ▲                   ▲            begin anew, from anywhere       │              │
//    └───────────────────┴────────────────────────────────────────────┴── through ───┘
//
// In memory the group is at the new position from store_install_begin on: no entry, no overlay,
// nothing readable. The map follows in checkpoints, which are due at once while there is work, and
// every move of the picture is a row of the transaction that does it. So a crash finds either the
// INSTALL in the log and the old map, which begins to drop, or the state the map names.
//
// Until the INSTALL is durable no checkpoint touches the group, and its log stays: a crash then
// finds the old replica whole. A checkpoint that was out when an install began wrote an older
// epoch's state; its end is ignored for the group, and the drop takes what it wrote.
//
// Old rows go by range, without being looked at: a replica may be installed because they are
// rotten. So the state hash begins at zero. Rows come in the order of keys and replace what is
// there.
//
// A replica that is forgotten (store_forget) goes the same way and ends after the drop: NONE, with
// nothing in it.
//
// Rejected: writing from the core thread (a transaction syncs), and a map transaction over the
// whole install (it would keep checkpoints of the other groups out, and all pages it frees).
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "storage/view/store_internal.h"

#include <stdlib.h>

static struct install *install_create(struct store *store, struct group *group) {
    struct install *install = calloc(1, sizeof(*install));
    check(install != NULL);
    buffer_init(&install->reached, ROW_KEY_BYTES_MAX);
    group->install = install;
    store->installs++;
    return install;
}

static void release_chunks(struct store *store, struct install *install, size_t count) {
    for (size_t i = 0; i < count; i++) {
        store->install_bytes -= install->chunks[i]->size;
        entry_release(&install->chunks[i]);
    }
    for (size_t i = count; i < install->chunk_count; i++) {
        install->chunks[i - count] = install->chunks[i];
    }
    install->chunk_count -= count;
}

void install_destroy(struct store *store, struct group *group) {
    struct install *install = group->install;
    if (install != NULL) {
        release_chunks(store, install, install->chunk_count);
        free(install->chunks);
        buffer_deinit(&install->reached);
        free(install);
        group->install = NULL;
        store->installs--;
    }
}

enum store_install store_installing(const struct store *store, group_id group) {
    return store_group_of(store, group)->row.install;
}

uint64_t store_log_epoch(const struct store *store, group_id group) {
    return store_group_of(store, group)->row.log_epoch;
}

// --- beginning -----------------------------------------------------------------------------------

// The bytes of the committed entries that no checkpoint has taken.
static size_t untaken_bytes(const struct store *store, const struct group *group, group_id number) {
    log_index taken = group->row.applied_index;
    const struct store_checkpoint *out = store->checkpoint_out;
    for (size_t i = 0; out != NULL && i < out->groups_count; i++) {
        const struct checkpoint_group *part = &out->groups[i];
        if (part->group == number && part->row.log_epoch == group->row.log_epoch) {
            taken = part->row.applied_index;
        }
    }
    size_t size = 0;
    for (log_index i = taken + 1; i <= group->commit_index; i++) {
        size += group_entry(group, i)->size;
    }
    return size;
}

static void forget_log(
    struct store *store, struct group *group, group_id number, const struct store_position *position
) {
    store->committed_bytes -= untaken_bytes(store, group, number);
    pasts_end_behind(store, number, 0);
    store->node_bytes -= group->overlay.bytes;
    ordered_clear(&group->overlay);
    group_begin_at(store, group, position->index, position->term, position->chain);
    group->commit_index = position->index;
    group->overlaid_index = position->index;
    group->hinted_index = position->index;
    group->distrusted = false;
    store->generation++;
}

log_lsn store_install_begin(
    struct store *store, group_id group_number, const struct store_position *position
) {
    struct group *group = store_group_of(store, group_number);
    check(!store->txn.open);
    check(position->index <= INT64_MAX);
    check(position->time_ms >= 0);
    forget_log(store, group, group_number, position);
    group->row.applied_index = position->index;
    group->row.applied_term = position->term;
    group->row.applied_chain = position->chain;
    group->row.time_ms = position->time_ms;
    group->row.log_epoch++;
    group->row.attested_index = 0;
    group->row.install = STORE_INSTALL_DROPPING;
    group->rotten = false;
    group->hard_dirty = true;
    install_destroy(store, group);
    struct install *install = install_create(store, group);
    install->begin_lsn = batch_add_install(store, group_number);
    return install->begin_lsn;
}

log_lsn store_forget(struct store *store, group_id group_number, uint64_t replica) {
    struct group *group = store_group_of(store, group_number);
    check(!store->txn.open);
    struct store_position nothing = {0};
    forget_log(store, group, group_number, &nothing);
    group->row = (struct row_group){
        .term = group->row.term,
        .vote = group->row.vote,
        .log_epoch = group->row.log_epoch + 1,
        .install = STORE_INSTALL_FORGETTING,
        .removed = replica > group->row.removed ? replica : group->row.removed,
    };
    group->hard_dirty = true;
    group->rotten = false;
    install_destroy(store, group);
    struct install *install = install_create(store, group);
    install->begin_lsn = batch_add_removed(store, group_number);
    return install->begin_lsn;
}

err install_recover(struct store *store) {
    for (uint32_t i = 0; i < store->options.group_count; i++) {
        struct group *group = &store->groups[i];
        if (group->row.install == STORE_INSTALL_NONE) {
            continue;
        }
        struct install *install = install_create(store, group);
        install->complete = group->row.install == STORE_INSTALL_FOLLOWING;
        bytes reached = BYTES_EMPTY;
        err error = store_get_meta(store, row_install_key((group_id)i), &reached);
        if (error.code == ERR_OK && group->row.install == STORE_INSTALL_LOADING) {
            buffer_append(&install->reached, reached);
        } else if (error.code != ERR_OK && error.code != ERR_NOT_FOUND) {
            return error;
        }
    }
    return ERR_NONE;
}

// --- rows ----------------------------------------------------------------------------------------

// Whether the bytes are rows, and the key of the last of them.
static bool take_rows(bytes rows, bytes *out_last) {
    *out_last = BYTES_EMPTY;
    while (rows.size > 0) {
        struct entry_write row;
        if (!entry_take(&rows, &row) || row.key.size > ROW_KEY_BYTES_MAX ||
            row.value.data == NULL) {
            return false;
        }
        *out_last = row.key;
    }
    return true;
}

err store_install_rows(struct store *store, group_id group_number, bytes rows, bool last) {
    struct install *install = store_group_of(store, group_number)->install;
    check(install != NULL);
    bytes last_key = BYTES_EMPTY;
    if (!take_rows(rows, &last_key)) {
        return err_make(ERR_CORRUPT, "a chunk of a snapshot holds what is no row");
    }
    if (install->complete) {
        return ERR_NONE;
    }
    if (install->chunk_count > 0 && store->install_bytes + rows.size > LIMIT_STORE_INSTALL_BYTES) {
        return err_make(ERR_UNAVAILABLE, "the disk cannot keep up with a snapshot; retry later");
    }
    install->complete = last;
    if (rows.size > 0) {
        size_t size = (install->chunk_count + 1) * sizeof(struct entry *);
        install->chunks = realloc(install->chunks, size);
        check(install->chunks != NULL);
        install->chunks[install->chunk_count++] = entry_copy(rows);
        store->install_bytes += rows.size;
        if (bytes_compare(last_key, buffer_bytes(&install->reached)) > 0) {
            buffer_clear(&install->reached);
            buffer_append(&install->reached, last_key);
        }
    }
    return ERR_NONE;
}

bytes store_install_reached(const struct store *store, group_id group_number) {
    const struct install *install = store_group_of(store, group_number)->install;
    return install == NULL ? BYTES_EMPTY : buffer_bytes(&install->reached);
}

void store_install_end(struct store *store, group_id group_number, log_index through) {
    struct group *group = store_group_of(store, group_number);
    check(group->install != NULL);
    check(group->row.install == STORE_INSTALL_FOLLOWING);
    check(group->commit_index >= through);
    group->install->end_asked = true;
    group->install->through = through;
}

// --- in checkpoints ------------------------------------------------------------------------------

bool install_waits(const struct store *store, const struct group *group) {
    return group->install != NULL && group->install->begin_lsn > store->stats.durable_lsn &&
           !mutant_is("install_drops_early");
}

static bool may_end(const struct store *store, const struct group *group) {
    const struct install *install = group->install;
    return group->row.install == STORE_INSTALL_FOLLOWING && install->end_asked &&
           (install->through <= group_checkpointable(store, group) ||
            mutant_is("install_ends_early"));
}

bool install_is_due(const struct store *store, const struct group *group) {
    if (group->install == NULL || install_waits(store, group)) {
        return false;
    }
    switch (group->row.install) {
    case STORE_INSTALL_DROPPING:
    case STORE_INSTALL_FORGETTING:
        return true;
    case STORE_INSTALL_LOADING:
        return group->install->chunk_count > 0 || group->install->complete;
    case STORE_INSTALL_FOLLOWING:
        return may_end(store, group);
    case STORE_INSTALL_NONE:
        break;
    }
    return false;
}

bool install_any_is_due(const struct store *store) {
    for (uint32_t i = 0; store->installs > 0 && i < store->options.group_count; i++) {
        if (install_is_due(store, &store->groups[i])) {
            return true;
        }
    }
    return false;
}

void install_take(const struct store *store, struct checkpoint_group *part) {
    const struct group *group = store_group_of(store, part->group);
    const struct install *install = group->install;
    if (install == NULL) {
        return;
    }
    part->complete = install->complete;
    part->ends = may_end(store, group);
    if (install->chunk_count > 0) {
        part->chunks = malloc(install->chunk_count * sizeof(struct entry *));
        check(part->chunks != NULL);
        for (size_t i = 0; i < install->chunk_count; i++) {
            install->chunks[i]->references++;
            part->chunks[i] = install->chunks[i];
        }
        part->chunk_count = install->chunk_count;
    }
}

// Old rows go as far as `*drops` allows, which is what is left for this checkpoint.
static err drop_rows(struct map_writer *writer, struct checkpoint_group *part, size_t *drops) {
    struct row_key from = row_key(part->group, BYTES_EMPTY);
    struct row_key until = row_key((group_id)(part->group + 1), BYTES_EMPTY);
    size_t count = 0;
    TRY(map_txn_del_range(
        writer->map,
        writer->txn,
        MAP_STATE,
        row_key_bytes(&from),
        row_key_bytes(&until),
        *drops,
        &count
    ));
    *drops -= count;
    if (*drops > 0) {
        bool forgets = part->row.install == STORE_INSTALL_FORGETTING;
        part->row.install = forgets ? STORE_INSTALL_NONE : STORE_INSTALL_LOADING;
        part->row.state_hash = (hash128){0, 0};
        struct row_key reached = row_install_key(part->group);
        return map_txn_del(writer->map, writer->txn, MAP_META, row_key_bytes(&reached));
    }
    return ERR_NONE;
}

static err load_rows(struct map_writer *writer, struct checkpoint_group *part) {
    bytes last = BYTES_EMPTY;
    for (size_t i = 0; i < part->chunk_count; i++) {
        bytes rest = entry_payload(part->chunks[i]);
        while (rest.size > 0) {
            struct entry_write row;
            check(entry_take(&rest, &row));
            TRY(writer_row(writer, part, &row));
            last = row.key;
        }
    }
    return last.size == 0 ? ERR_NONE : writer_meta(writer, row_install_key(part->group), last);
}

err install_write(struct map_writer *writer, struct checkpoint_group *part, size_t *drops) {
    bool drops_rows = part->row.install == STORE_INSTALL_DROPPING ||
                      part->row.install == STORE_INSTALL_FORGETTING;
    if (drops_rows && *drops > 0) {
        TRY(drop_rows(writer, part, drops));
    }
    if (part->row.install == STORE_INSTALL_LOADING) {
        TRY(load_rows(writer, part));
        if (part->complete) {
            part->row.install = STORE_INSTALL_FOLLOWING;
        }
    }
    if (part->ends) {
        part->row.install = STORE_INSTALL_NONE;
        struct row_key reached = row_install_key(part->group);
        return map_txn_del(writer->map, writer->txn, MAP_META, row_key_bytes(&reached));
    }
    return ERR_NONE;
}

void install_written(struct store *store, const struct checkpoint_group *part) {
    struct group *group = store_group_of(store, part->group);
    if (group->install == NULL) {
        return;
    }
    if (part->row.install == STORE_INSTALL_NONE) {
        install_destroy(store, group);
    } else if (part->row.install != STORE_INSTALL_DROPPING) {
        release_chunks(store, group->install, part->chunk_count);
    }
}
