// The twins: a disk and a sorted map in memory that keep the promises of storage/disk.h and
// storage/sorted_map.h to the letter and no further, and that crash.
//
// Both share one `struct memory_faults`: it decides, from its own random numbers, which operation
// fails, and counts the operations that change something, so that a test can make each of them in
// turn the last. One thread; nothing here blocks. The simulator and the crash-point tests run the
// real storage/wal and storage/view over them.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/random.h"
#include "storage/disk.h"
#include "storage/sorted_map.h"

#include <stdbool.h>

struct memory_faults {
    struct random random;
    uint64_t operations; // counted: create, write, sync, sync_directory, rename, remove, map commit
    uint64_t stop_at; // power goes during this one; it and all later ones answer ERR_IO. 0: never
    uint32_t write_fails_one_in;  // writes and creates that answer ERR_IO. 0: none
    uint32_t sync_fails_one_in;   // syncs that answer ERR_IO, having done any part of their work
    uint32_t commit_fails_one_in; // map commits that answer ERR_IO, done or not
    uint64_t full_at_bytes;       // creates that would take more answer ERR_FULL. 0: no bound
    uint64_t map_full_at_bytes;   // map commits that end above answer ERR_FULL. 0: no bound
    uint32_t full_one_in;         // creates that answer ERR_FULL anyway. 0: none
};

// No faults; random numbers from `seed`.
void memory_faults_init(struct memory_faults *faults, uint64_t seed);

// --- the disk ------------------------------------------------------------------------------------

// An empty directory. `faults` is borrowed for its life.
struct disk *memory_disk_create(struct memory_faults *faults);

// Frees it; open files too. Leaves NULL. Accepts NULL.
void memory_disk_destroy(struct disk **base);

// The power goes: of the writes and names that were not synced, any part survives, in sectors, in
// any order, as faults->random says. Files that are still open may only be closed. Lifts stop_at.
void memory_disk_crash(struct disk *base);

// What its files take.
uint64_t memory_disk_used(struct disk *base);

// Rot: changes `size` bytes at `offset` of a file, in place. False: no such file or range.
bool memory_disk_damage(struct disk *disk, const char *name, uint64_t offset, size_t size);

// The durable bytes of a file. Borrows until the next operation. False: no such file.
bool memory_disk_content(struct disk *disk, const char *name, bytes *out_content);

// A directory that holds now what this one holds durably.
struct disk *memory_disk_copy(struct disk *base, struct memory_faults *faults);

// --- the sorted map ------------------------------------------------------------------------------

// An empty map. `faults` is borrowed for its life.
struct sorted_map *memory_map_create(struct memory_faults *faults);

// Frees it. Leaves NULL. Accepts NULL.
void memory_map_destroy(struct sorted_map **base);

// The power goes: what was committed stays. Snapshots and cursors may only be ended and closed.
void memory_map_crash(struct sorted_map *base);

// What its values take, those that only a snapshot sees included.
uint64_t memory_map_used(struct sorted_map *base);

// Rot: changes the last byte of a row's value. False: no such row.
bool memory_map_damage(struct sorted_map *map, enum map_table table, bytes key);

// A map that holds what is committed in this one.
struct sorted_map *memory_map_copy(struct sorted_map *base, struct memory_faults *faults);
