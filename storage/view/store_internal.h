// The inside of a store, shared by the files of this room.
#pragma once

#include "storage/sorted_map.h"
#include "storage/store.h"
#include "storage/view/entry.h"
#include "storage/view/ordered.h"
#include "storage/view/row.h"
#include "storage/wal/wal.h"

// One group: what is in the map, and what came after it.
//
//   0 … before_index | first kept … applied_index … commit_index … overlaid_index … last_index
//                      history        the overlay is made of these                not readable yet
struct group {
    struct row_group row; // applied state and hard state; equal to the map's but for hard_dirty
    bool hard_dirty;      // term or vote changed since the row was written
    bool distrusted;      // the rows of this epoch are wrong
    log_index commit_index;
    log_index overlaid_index; // readable up to here
    log_index hinted_index;   // the newest COMMIT record
    log_index before_index;   // of the entry before the first kept one
    uint64_t before_term;
    hash128 before_chain;
    struct entry **entries; // before_index + 1 … last_index, from entries[entries_first]
    size_t entries_first;
    size_t entries_count;
    size_t entries_capacity;
    struct ordered overlay;    // newest value of every key of applied_index + 1 … overlaid_index
    log_index held_from;       // entries from it on stay for a snapshot; 0: none do
    log_index held_for_backup; // the same for a backup
    struct install *install;   // NULL: row.install is NONE
    bool rotten;               // store_rotten
};

// What a replica that is being installed waits for.
struct install {
    log_lsn begin_lsn;     // of its INSTALL; 0: recovered
    struct entry **chunks; // rows not yet in the map, in order
    size_t chunk_count;
    bool complete;         // the last chunk was taken
    bool end_asked;        // store_install_end was called
    log_index through;     // … with
    struct buffer reached; // key of the last row taken
};

// Which groups' applied entries are kept, in the order they were applied. A group stands in the
// ring at least as often as it has such entries.
struct history {
    group_id *ring;
    size_t capacity; // a power of two
    size_t first;
    size_t count;
    size_t bytes;
};

// A segment in which batches begin, and the newest entry of each group in those batches.
struct segment_use {
    uint64_t number;
    log_index *last_index;
};

// One record of a batch: an entry, an entry moved, or a small record.
struct batch_item {
    group_id group;
    bool moved;
    struct entry *entry; // NULL: a small record
    size_t offset, size; // in `small`, of what lies before the entry's write-set or is alone
};

struct store_batch {
    struct store *store;
    struct batch_item *items;
    size_t count;
    size_t capacity;
    struct buffer small;
    log_lsn first_lsn;
    log_index *last_index; // newest entry of each group in it; 0: none
    log_index *cut_from;   // lowest CUT of each group in it; 0: none
    bytes *pieces;
    size_t pieces_count;
    uint64_t moved_from;    // the segment whose entries were moved; 0: none
    uint64_t segment;       // it begins in; set when written
    uint64_t bytes_written; // set when written
};

struct store_txn {
    struct store *store;
    bool open;
    group_id group;
    struct entry *entry;     // the writes in order, superseded ones too
    struct ordered writes;   // the newest of each key; index: its place in the entry
    size_t write_count;      // in the entry
    size_t live_bytes;       // of the newest writes
    struct store_past *past; // reads as of then, and writes nothing; NULL: reads the newest state
};

// Rows of a group as they were when `index` was the newest that could be read.
struct store_past {
    struct store *store;
    group_id group;
    log_index index;
    struct store_scope *scopes;
    size_t scope_count;
    struct arena *arena;
    struct ordered rows; // what changed since, as it was
    size_t bytes;        // of them
    bool over;
    struct store_past *next;
};

struct checkpoint_group {
    group_id group;
    struct row_group row;  // as it will be
    struct entry **chunks; // of an install
    size_t chunk_count;
    bool complete;   // the last chunk is among them or was before
    bool ends;       // the install does
    bool rotten;     // a row that was replaced did not verify
    bool distrusted; // to be noted
};

// A walk through the map (scrub.c). With the checkpoint's job while there is one.
struct scrub {
    group_id group;      // that is walked, or comes next
    bool walking;        // its rows before `next` are in `sum`, as they are now
    uint64_t log_epoch;  // of the group, when its walk began
    struct row_key next; // in the map
    hash128 sum;
    mono_time due;    // the next slice
    hash128 expected; // of a slice: the group's state hash in the map
    size_t bytes;     // … read in it
    size_t rotten;    // … rows in it that did not verify
    bool ended;       // … the group did
    bool differs;     // … from what was expected
};

// A write transaction of the map and the room to seal rows in.
struct map_writer {
    struct sorted_map *map;
    struct map_txn *txn;
    struct scrub *scrub;
    struct row_room room;
};

struct checkpoint_entry {
    group_id group;
    struct entry *entry;
};

struct store_checkpoint {
    struct store *store;
    struct checkpoint_group *groups;
    size_t groups_count;
    struct checkpoint_entry *entries;
    size_t entries_count;
    struct row_store row;
    uint64_t bytes; // of write-sets
    bool scrubs;    // a slice, too
};

struct store {
    struct store_options options;
    struct random random;
    struct row_store row;
    struct wal *wal; // with the log thread while `batch_out` is
    struct map_snapshot *snapshot;
    struct group *groups;
    struct segment_use *segments; // oldest first
    size_t segments_count;
    size_t segments_capacity;
    struct store_batch batches[2];
    struct store_batch *batch_open;
    struct store_batch *batch_out; // NULL: none
    struct store_checkpoint *checkpoint_out;
    struct store_txn txn;
    struct store_past *pasts;
    uint64_t generation; // rises with every change a cursor must notice
    struct history history;
    struct scrub scrub;
    size_t installs;      // groups that have one
    size_t install_bytes; // of their chunks
    size_t entry_bytes;   // of the entries above applied_index
    size_t node_bytes;
    size_t committed_bytes; // of write-sets not yet in a checkpoint
    mono_time checkpoint_time;
    bool stopped; // the newest checkpoint, at an index all copies stop at, with more behind it
    uint64_t recycle_before; // segments before it go back at the next batch
    struct store_stats stats;
};

struct group *store_group_of(const struct store *store, group_id group);

// Finds a row of the table MAP_META at the snapshot, verified.
MUST_USE err store_get_meta(struct store *store, struct row_key key, bytes *out_value);

// --- entries.c: what is kept of the log ----------------------------------------------------------

log_index group_last_index(const struct group *group);

// The entry at `index`, which is kept.
struct entry *group_entry(const struct group *group, log_index index);

// Takes over `entry` as last_index + 1, above applied_index, and its memory into account.
void group_push(struct store *store, struct group *group, struct entry *entry);

// As group_push for an entry up to applied_index, which recovery found in the log.
void group_push_history(struct store *store, group_id group, struct entry *entry);

// The map holds the state of `row`: drops the rows of the overlay up to it; the entries become
// history.
void group_apply(struct store *store, group_id group, const struct row_group *row);

// Releases the entries from `from` on, which none of the overlay's rows lie in.
void group_cut(struct store *store, struct group *group, log_index from);

// Keeps no entry up to `index`, of which term and chain are given, nor any after it.
void group_begin_at(
    struct store *store, struct group *group, log_index index, uint64_t term, hash128 chain
);

// Lets the oldest go until the bound is kept.
void history_trim(struct store *store);

// --- overlay.c -----------------------------------------------------------------------------------

// Makes the entries up to `index` readable.
void group_overlay(struct store *store, struct group *group, log_index index);

// Makes the entries above `index` unreadable; not below commit_index.
void group_overlay_back(struct store *store, struct group *group, log_index index);

// --- txn.c ---------------------------------------------------------------------------------------

// The rows that a transaction sees before those of the group: its own, or as they were.
const struct ordered *txn_rows(const struct store_txn *txn);

// --- past.c --------------------------------------------------------------------------------------

// A row is about to change, or to be `gone`.
void pasts_note(struct store *store, group_id group, bytes key, bool gone);

// Entries above `index` are about to become unreadable: pasts behind it are over.
void pasts_end_behind(struct store *store, group_id group, log_index index);

// --- install.c -----------------------------------------------------------------------------------

// Whether the group's INSTALL is not durable yet: until then nothing of it may reach the map.
bool install_waits(const struct store *store, const struct group *group);

// Whether a checkpoint has something to do for an install of the group, or of any.
bool install_is_due(const struct store *store, const struct group *group);
bool install_any_is_due(const struct store *store);

// Gives what there is to do to a checkpoint.
void install_take(const struct store *store, struct checkpoint_group *part);

// Does it, deleting at most `*drops` old rows, which it counts down. Thread: checkpoint.
MUST_USE err install_write(struct map_writer *writer, struct checkpoint_group *part, size_t *drops);

// The checkpoint is in the map.
void install_written(struct store *store, const struct checkpoint_group *part);

// Takes up the installs that recovery found.
MUST_USE err install_recover(struct store *store);

// Forgets all about it.
void install_destroy(struct store *store, struct group *group);

// Puts or deletes one row and keeps the group's hash in step; puts a meta row.
MUST_USE err writer_row(
    struct map_writer *writer, struct checkpoint_group *part, const struct entry_write *write
);
MUST_USE err writer_meta(struct map_writer *writer, struct row_key key, bytes value);

// --- scrub.c -------------------------------------------------------------------------------------

// Whether a slice is due; takes one up. False: there is nothing to be read now.
bool scrub_is_due(const struct store *store, mono_time now);
bool scrub_begin(struct store *store, mono_time now);

// Reads it. Errors of the map. Thread: checkpoint.
MUST_USE err scrub_slice(struct store *store);

// Judges what was read.
void scrub_end(struct store *store);

// The sum to keep in step with a write to the map; NULL: none. Thread: checkpoint.
hash128 *scrub_sum(struct scrub *scrub, group_id group, bytes map_key);

// A row of the group did not verify.
void store_note_rot(struct store *store, group_id group);

// --- batch.c, checkpoint.c, replay.c -------------------------------------------------------------

// Appends to the open batch. Return the record's lsn.
log_lsn batch_add_entry(struct store *store, group_id group, struct entry *entry);
log_lsn batch_add_moved(struct store *store, group_id group, struct entry *entry);
log_lsn batch_add_cut(struct store *store, group_id group, log_index from);
log_lsn batch_add_install(struct store *store, group_id group);
log_lsn batch_add_removed(struct store *store, group_id group);
log_lsn batch_add_small(struct store *store, const struct record *record);

// A batch's memory.
void batch_init(struct store_batch *batch, struct store *store);
void batch_deinit(struct store_batch *batch);

// Notes that nothing from `from` on in the log up to here is of use: its CUT is durable.
void segments_cut(struct store *store, group_id group, log_index from);

// Notes that a batch beginning in `segment` holds `index` of `group`.
void segment_note(struct store *store, uint64_t number, group_id group, log_index index);

// Frees a checkpoint's memory. Accepts NULL.
void checkpoint_destroy(struct store_checkpoint *checkpoint);

// Replays the log behind the checkpoint (replay.c): opens store->wal.
MUST_USE err store_replay(struct store *store, struct arena *arena);

// The newest entry that the next checkpoint may take: committed, durable in this log, and not
// behind the next index at which all copies' checkpoints stop. A follower knows of commits before
// its own sync; a map that is ahead of the log would meet, after a crash, entries whose CUT was
// lost.
log_index group_checkpointable(const struct store *store, const struct group *group);

// The bytes the overlay is accounted for.
size_t store_overlay_bytes(const struct store *store);
