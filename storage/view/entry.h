// An entry of a group's log in memory: its write-set in the bytes that go to the log.
//
// Counted references: the group's list holds one until the entry is in the sorted map, a batch
// holds one until it is written. Belongs to the core thread; jobs only read it.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/hash.h"
#include "storage/store.h"

enum {
    // Room in front of the write-set: for the head of its log record, and for what the chain hashes
    // with it.
    ENTRY_FRONT_BYTES = 64
};

struct entry {
    uint32_t references;
    log_index index;
    uint64_t term;
    int64_t time_ms;
    hash128 chain;
    log_lsn lsn;     // of its first record; 0: recovered
    size_t size;     // of the write-set
    size_t capacity; // for the write-set
    size_t head;     // bytes of record head, right before the write-set
    uint8_t block[]; // ENTRY_FRONT_BYTES, then the write-set
};

// One write of a write-set: a put, or a deletion when `value.data` is NULL.
struct entry_write {
    bytes key;
    bytes value;
};

// An empty write-set with room for `capacity` bytes, one reference.
struct entry *entry_create(size_t capacity);

// The same with the content of `payload`.
struct entry *entry_copy(bytes payload);

// Drops a reference; frees the entry with the last. Leaves NULL.
void entry_release(struct entry **entry);

// Gives back the room that is not used. The entry may move; what pointed into it is then void.
struct entry *entry_shrink(struct entry *entry);

// The write-set. Borrows.
bytes entry_payload(const struct entry *entry);

// The bytes entry_append needs at most.
size_t entry_write_bytes_max(bytes key, bytes value);

// Writes a write at `at`, where there is that much room. Returns the bytes used.
size_t entry_encode_write(uint8_t *at, bytes key, bytes value);

// Appends a write at the end; there must be room. Returns the write as it lies in the entry.
struct entry_write entry_append(struct entry *entry, bytes key, bytes value);

// Takes the next write off the front of `*rest`. False: no write; `*rest` is then undefined.
MUST_USE bool entry_take(bytes *rest, struct entry_write *out_write);

// Whether the bytes are a write-set whose keys fit the map.
bool entry_payload_is_valid(bytes payload);

// hash(previous chain, term, time, write-set), with the entry's own term and time.
hash128 entry_chain(struct entry *entry, hash128 previous);

// Puts the head of the entry's log record in front of the write-set. Returns the whole record.
bytes entry_encode(struct entry *entry, group_id group);
