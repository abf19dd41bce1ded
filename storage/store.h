// Durable storage of one lane as the rest of the system sees it: a log that is the truth since the
// last checkpoint, and the state at it. Which engines answer is hidden.
//
// Two promises (distributed.md §1): an append is durable when store_batch_end returned an lsn at or
// above its own – nothing here blocks the core thread; state rows are recoverable from the log.
//
// One thread, the core, owns a store and calls everything that is not marked otherwise. Two jobs
// leave it, one of each kind at a time: a log batch (store_batch_write, on the log thread) and a
// checkpoint (store_checkpoint_write, on the checkpoint thread). A failed write or sync inside a
// job is returned; the caller ends the process at once, no retry (distributed.md §13).
//
// Keys, their order and values are drawn in storage/keys.h. A key given here has no group in front:
// the group is an argument.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"
#include "proto/base/random.h"
#include "proto/base/time.h"

struct store;
struct store_txn;
struct store_batch;
struct store_checkpoint;
struct disk;       // storage/disk.h: files, as a table of functions
struct sorted_map; // storage/sorted_map.h: LMDB or its twin, as a table of functions

typedef uint16_t group_id;
typedef uint64_t log_index; // 1, 2, 3 … within a group
typedef uint64_t log_lsn;   // 1, 2, 3 … a record's place in the lane's log

enum {
    STORE_HISTORY_NONE = 1 // history_bytes of a store whose groups nobody follows
};

struct store_options {
    struct disk *disk;
    struct sorted_map *map;
    uint32_t group_count; // groups 0 … group_count-1; fixed when the store is formatted
    uint32_t lane;        // of lane_count; v1: 0 of 1
    uint32_t lane_count;
    size_t segment_bytes;     // a log segment; the simulator draws tiny ones
    size_t overlay_bytes_max; // above it store_txn_begin answers ERR_UNAVAILABLE (backpressure)
    size_t checkpoint_bytes;  // write-sets above it make a checkpoint due
    int64_t checkpoint_ms;    // and so does this age
    log_index attest_entries; // store_attested; 0: LIMIT_STORE_ATTEST_ENTRIES
    size_t scrub_bytes;       // store_rotten: of rows a checkpoint reads again. 0: none
    int64_t scrub_ms;         // between two such slices, each in a checkpoint of its own if need be
    int64_t scrub_rest_ms;    // between two walks through everything
    size_t history_bytes;     // of applied entries kept; 0: LIMIT_STORE_HISTORY_BYTES
    uint8_t cluster[16];      // written at format; another one is refused at open
    uint8_t identity[16];     // of a store that is formatted; zero: drawn
    uint64_t random_seed;     // store uuid and salts come from it
};

// Opens or formats the store and recovers: reads the log behind the last checkpoint. What is known
// to be committed is readable; the entries above are there, but not overlaid until store_commit:
// the end of the log is not what was committed. Errors: ERR_CORRUPT (damage inside the acknowledged
// log or state: text says which segment, offset, what to do), ERR_IO, ERR_FULL, ERR_CONFLICT
// (another cluster, group count or format). Text lives in `arena`. May block for as long as the log
// is long.
MUST_USE err
store_open(const struct store_options *options, struct arena *arena, struct store **out_store);

// Frees everything in memory; writes nothing. No job may be running on its thread; one that was
// begun and never ended is forgotten, as in a crash. Accepts NULL; leaves NULL.
void store_close(struct store **store);

// The store's own number, chosen when it was formatted: a store that was lost and made anew has
// another one.
void store_identity(const struct store *store, uint8_t out_uuid[16]);

// --- the log, for consensus ----------------------------------------------------------------------

struct store_group {
    uint64_t term; // hard state
    uint16_t vote;
    log_index last_index; // newest entry, durable or not
    uint64_t last_term;
    hash128 last_chain;
    log_index commit_index;  // as told by store_commit, or as recovery knows it
    log_index applied_index; // state up to here is in the sorted map, durable
    int64_t time_ms;         // partition time of the newest entry
    uint64_t removed;        // the newest replica of the group that was forgotten here; 0: none
};

// What the store knows of a group. After store_open: last_index is the newest durable entry.
struct store_group store_group(const struct store *store, group_id group);

// Adds term and vote to the open batch; durable when the returned lsn is.
log_lsn store_hard_state(struct store *store, group_id group, uint64_t term, uint16_t vote);

// Says that entries up to `index` are committed: their write-sets are readable and, once durable
// here, may be checkpointed. Never goes back; at most last_index. Written to the log with a batch
// that is written anyway, as a hint for recovery.
void store_commit(struct store *store, group_id group, log_index index);

// Calls `visit` for each key of an entry that is kept (anything above applied_index), in the order
// of writing. `value.data` is NULL for a deletion. Used at commit to learn which queue, timer and
// outbox rows came and went.
void store_entry_visit(
    const struct store *store,
    group_id group,
    log_index index,
    void (*visit)(void *argument, bytes key, bytes value),
    void *argument
);

// What a write-set puts under `key`, borrowed; without data: nothing, or a deletion. Of bytes that
// are no write-set: what stands before the fault.
bytes store_payload_find(bytes payload, bytes key);

// An entry as replicas exchange it.
struct store_entry {
    uint64_t term;
    int64_t time_ms; // partition time
    hash128 chain;   // hash(chain of the entry before, term, time, payload)
    bytes payload;   // the write-set
};

// Reads an entry that is kept: all above applied_index, and below it as far back as the history
// goes (store_options.history_bytes over all groups, the oldest leave first; recovery fills it from
// what the log still holds). Borrows: the payload is valid until the next call that changes the
// store. Errors: ERR_NOT_FOUND (not kept any more, or not there yet).
MUST_USE err store_entry_read(
    const struct store *store, group_id group, log_index index, struct store_entry *out_entry
);

// Term and chain at `index`, as the entry after it must follow them: of a kept entry, of the one
// before the first kept, of applied_index, or of 0 (term 0, chain zero). False: not known.
MUST_USE bool store_entry_term(
    const struct store *store,
    group_id group,
    log_index index,
    uint64_t *out_term,
    hash128 *out_chain
);

// The first index that store_entry_read gives; last_index + 1 when it gives none.
log_index store_first_index(const struct store *store, group_id group);

// A leader's entry that opens its term: last_index + 1, an empty write-set.
void store_append_noop(
    struct store *store,
    group_id group,
    uint64_t term,
    int64_t time_ms,
    log_index *out_index,
    log_lsn *out_lsn
);

// A follower's entry last_index + 1: its record goes to the open batch, its write-set is readable
// from store_commit on. Copies the payload. Errors, nothing appended: ERR_CORRUPT (the chain is not
// that of an entry after last_index, the term or time is impossible, the payload no write-set),
// ERR_UNAVAILABLE (overlay full while a checkpoint can empty it, or the replica waits for the rows
// of a snapshot: the leader sends it again later).
MUST_USE err store_append(
    struct store *store, group_id group, const struct store_entry *entry, log_lsn *out_lsn
);

// Drops the entries from `from` on, which is above commit_index and at most last_index: they
// conflict with the leader's. What of them was readable no longer is. What is appended after it may
// take their indexes. Recovery obeys the record whose lsn is returned.
log_lsn store_cut(struct store *store, group_id group, log_index from);

// Leadership is lost: what is readable above commit_index no longer is (distributed.md §3.2). The
// entries stay in the log. Rebuilds the group's overlay when there is such a thing.
void store_forget_speculation(struct store *store, group_id group);

// --- snapshots (distributed.md §4.1, §11) --------------------------------------------------------
//
// The source scans its rows a chunk at a time, each at whatever age the map has then, and sends the
// entries from the first chunk's position on afterwards: write-sets are absolute, so they bring
// rows of mixed age to one state. The destination begins (its log and then its rows go), is given
// the chunks in order, then entries as any follower, and ends once it is past the age of every row.
// The map is written by checkpoints only, in bounded steps, which are due at once while there is
// work.

// Where the rows of a group stand.
struct store_position {
    log_index index;
    uint64_t term;
    hash128 chain;
    int64_t time_ms;
};

// The position of the rows that store_scan reads now: applied_index.
struct store_position store_position(const struct store *store, group_id group);

// Reads rows of the sorted map from the key `from` on into `*out_rows` (cleared before), of at most
// `bytes_max`, but one row at least. When there are more, `*out_next` is the key to go on from
// (`from` may lie in it) and `*out_done` false. `*out_applied` is the newest entry the rows may
// show. Takes as long as reading bytes_max. Errors: ERR_CORRUPT.
MUST_USE err store_scan(
    struct store *store,
    group_id group,
    bytes from,
    size_t bytes_max,
    struct buffer *out_rows,
    struct buffer *out_next,
    bool *out_done,
    log_index *out_applied
);

// Takes the next write off a write-set, or the next row off the rows of a chunk; `out_value->data`
// is NULL for a deletion. False: there is none, or the rest is no write-set.
MUST_USE bool store_writes_take(bytes *rest, bytes *out_key, bytes *out_value);

// Appends one write as it lies in a write-set; a value without data is a deletion.
void store_writes_put(struct buffer *writes, bytes key, bytes value);

// hash(key, value) of the state hash (store_state_hash), and sums of such.
hash128 store_row_hash(bytes key, bytes value);
hash128 store_hash_add(hash128 left, hash128 right);
hash128 store_hash_subtract(hash128 left, hash128 right);

// Keeps the group's entries from `from` on while a snapshot is under way, though the history is
// over its bound, up to LIMIT_STORE_HELD_BYTES for all groups. 0: no longer.
void store_hold(struct store *store, group_id group, log_index from);

// The same for a backup that reads the group, beside a snapshot of it.
void store_hold_for_backup(struct store *store, group_id group, log_index from);

// A replica that is being installed; all but NONE survive a crash. Until it is NONE again the
// replica refuses votes, acknowledgements of entries and reads (I1).
enum store_install {
    STORE_INSTALL_NONE,
    STORE_INSTALL_DROPPING,  // its old rows are going; chunks are taken already
    STORE_INSTALL_LOADING,   // waits for chunks
    STORE_INSTALL_FOLLOWING, // has all rows: takes entries, waits for store_install_end
    STORE_INSTALL_FORGETTING // its rows are going and nothing comes: store_forget
};
enum store_install store_installing(const struct store *store, group_id group);

// How often the replica dropped its log for an install.
uint64_t store_log_epoch(const struct store *store, group_id group);

// Begins an install, or begins it anew: the log of the group is gone, its last entry, commit and
// applied index are those of `position`, its epoch is one higher. Its rows are dropped only after
// the returned lsn is durable (I1).
log_lsn
store_install_begin(struct store *store, group_id group, const struct store_position *position);

// Takes the next chunk, `last` with the last one. A chunk that came before does no harm; after the
// last all are ignored. Copies. Errors: ERR_CORRUPT (no rows), ERR_UNAVAILABLE
// (LIMIT_STORE_INSTALL_BYTES wait already: again after a checkpoint).
MUST_USE err store_install_rows(struct store *store, group_id group, bytes rows, bool last);

// The key of the last row taken, empty before the first: after a crash the scan goes on from it,
// if the source still keeps the entries after the position. Borrows until the next call.
bytes store_install_reached(const struct store *store, group_id group);

// Asks for the end: the replica holds state and log up to `through`, which is committed here, at
// least the leader's commit when the install began and every out_applied of the scan (I2, I3). The
// first checkpoint that has `through` in the map clears the mark in the same transaction;
// store_installing tells. Ask again after a crash.
void store_install_end(struct store *store, group_id group, log_index through);

// The node's replica of the group is no more: its log is gone at once, its rows go in bounded steps
// after the returned lsn is durable, its epoch is one higher. Term and vote stay: a vote is never
// unsaid. `replica` is remembered (store_group.removed), so that nobody takes the empty group for
// one that never was. A later replica begins with an install, or with entry 1 once the rows are
// gone.
log_lsn store_forget(struct store *store, group_id group, uint64_t replica);

// --- batches: the log thread ---------------------------------------------------------------------

// Takes what was appended since the last batch. NULL when that is nothing or a batch is still out.
struct store_batch *store_batch_begin(struct store *store);

// Writes and syncs the batch. Thread: log; blocks. Errors: ERR_IO, ERR_FULL: end the process.
MUST_USE err store_batch_write(struct store_batch *batch);

// Gives the batch back. Returns the lsn up to which the log is now durable.
log_lsn store_batch_end(struct store *store, struct store_batch **batch);

// Whether something waits for the next batch.
bool store_batch_pending(const struct store *store);

// --- checkpoints: the checkpoint thread ----------------------------------------------------------

// Takes the committed write-sets when a checkpoint is due at `now` (by age or bytes; `force` takes
// whatever there is). NULL when not due, nothing committed and no hard state changed, or one is
// still out.
struct store_checkpoint *store_checkpoint_begin(struct store *store, mono_time now, bool force);

// Applies them to the sorted map in one synced transaction. Thread: checkpoint; blocks.
MUST_USE err store_checkpoint_write(struct store_checkpoint *checkpoint);

// Gives it back: the overlay drops what is now in the map, old segments are freed.
void store_checkpoint_end(struct store *store, struct store_checkpoint **checkpoint);

// --- reading the state ---------------------------------------------------------------------------

// Finds `key` in the newest state (committed or not). Borrows: the value is valid until the next
// call that changes the store. Errors: ERR_NOT_FOUND, ERR_CORRUPT.
MUST_USE err store_get(struct store *store, group_id group, bytes key, bytes *out_value);

// A walk in key order. Reads through a transaction when `txn` is not NULL. Key and value borrow:
// valid until the next step or change. At most one second of life while the core loop turns.
struct store_cursor;

// Positions before the first key ≥ `from` of the group. `txn` may be NULL. Owned by the caller.
struct store_cursor *
store_cursor_open(struct store *store, struct store_txn *txn, group_id group, bytes from);

// The next row. False: no more rows in the group. Rows may come and go during the walk. A row that
// does not verify stops the process: a walk that ended early would be a lie.
bool store_cursor_next(struct store_cursor *cursor, bytes *out_key, bytes *out_value);
void store_cursor_close(struct store_cursor **cursor);

// --- reading the past ----------------------------------------------------------------------------

// Some rows of a group as they were when this began, for a reader that takes several turns: what
// changes meanwhile is kept as it was, up to LIMIT_STORE_PAST_BYTES. It costs nothing while nothing
// of it changes, and holds neither the log nor the map.
struct store_past;

// Which rows: those whose key begins with `prefix`; `only_gone`: such as change by being deleted
// only, and are looked for only if they were there.
struct store_scope {
    bytes prefix;
    bool only_gone;
};

// Begins one at the newest state, committed or not. Copies. Owned: store_past_end.
struct store_past *store_past_begin(
    struct store *store, group_id group, const struct store_scope *scopes, size_t scope_count
);
void store_past_end(struct store_past **past); // accepts NULL; leaves NULL

// A transaction that reads rows of those scopes as they were and all others as they are; it writes
// nothing and ends with store_txn_abort. Errors: ERR_UNAVAILABLE, for ever: too much changed, the
// entries it began at were taken back, or the replica was dropped.
MUST_USE err store_past_read(struct store_past *past, struct store_txn **out_txn);
bool store_past_is_over(const struct store_past *past);

// What it keeps.
size_t store_past_bytes(const struct store_past *past);

// --- writing the state ---------------------------------------------------------------------------

// A decision's writes over the newest state of one group, invisible to others until the commit.
// One at a time in a store. Every entry of the group must be readable: a leader decides only once
// the entry that opened its term is committed (distributed.md §4, rule 2). Errors: ERR_UNAVAILABLE
// (overlay full: a checkpoint must finish first).
MUST_USE err store_txn_begin(struct store *store, group_id group, struct store_txn **out_txn);

MUST_USE err store_txn_get(struct store_txn *txn, bytes key, bytes *out_value);

// As store_txn_get of a key that only this transaction can have written: asks nobody else, which is
// what most reads that find nothing cost.
MUST_USE err store_txn_get_own(struct store_txn *txn, bytes key, bytes *out_value);
void store_txn_put(struct store_txn *txn, bytes key, bytes value); // copies both
void store_txn_del(struct store_txn *txn, bytes key);              // of a key that exists or not

// Whether anything was written, and the bytes of it (distributed.md §5.1 bounds a decision by
// them).
size_t store_txn_bytes(const struct store_txn *txn);

// The group this transaction writes, and its store, for reading other groups.
group_id store_txn_group(const struct store_txn *txn);
struct store *store_txn_store(const struct store_txn *txn);

// Makes the writes one log entry `last_index + 1` of the group in `term` at partition time
// `time_ms`: overlay updated, record in the open batch. Ends the transaction. With no writes: no
// entry, both outputs 0. Only sequential puts and deletes of absolute values: replay is idempotent.
void store_txn_commit(
    struct store_txn **txn, uint64_t term, int64_t time_ms, log_index *out_index, log_lsn *out_lsn
);

// Forgets the writes. Ends the transaction. NULL is accepted.
void store_txn_abort(struct store_txn **txn);

// --- seeing it -----------------------------------------------------------------------------------

struct store_stats {
    uint64_t batches;     // synced log batches
    uint64_t batch_bytes; // bytes written for them, padding included
    uint64_t checkpoints;
    uint64_t checkpoint_bytes; // of write-sets applied
    uint64_t overlay_bytes;
    uint64_t history_bytes; // of applied entries that are kept
    uint64_t segments;
    uint64_t scrubbed_bytes;
    uint64_t scrubbed_groups;
    uint64_t rotten; // times a row did not verify, or a group's rows together
    log_lsn durable_lsn;
    log_lsn appended_lsn;
};

struct store_stats store_stats(const struct store *store);

// The group's state hash (distributed.md §3.2): the sum mod 2^128 of hash(key, value) over its rows
// in the sorted map.
MUST_USE err store_state_hash(struct store *store, group_id group, hash128 *out_hash);

// Whether a row of the group did not verify, or its rows together are not what was written: seen by
// the scrubber, by a checkpoint that replaced it or by a read. Until the group is installed or
// forgotten. Not kept over a restart, which begins to scrub anew.
bool store_rotten(const struct store *store, group_id group);

// The newest index divided by store_options.attest_entries at which the group's rows were all of
// exactly that index, and their hash then: equal on every copy that is right, whatever its
// checkpoints did. 0: none yet, or not since the newest install.
log_index store_attested(const struct store *store, group_id group, hash128 *out_hash);

// Notes that the group's rows are wrong, until an install or a forgetting takes them away. Durable
// with the next checkpoint.
void store_distrust(struct store *store, group_id group);
bool store_is_distrusted(const struct store *store, group_id group);
