// Rows as they lie in the sorted map: the group before the key, a crc32c over key and value behind
// the value; and the rows of the table MAP_META.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"
#include "storage/sorted_map.h"
#include "storage/store.h"

enum {
    ROW_GROUP_BYTES = 2,
    ROW_CRC_BYTES = 4,
    ROW_KEY_BYTES_MAX = MAP_KEY_BYTES_MAX - ROW_GROUP_BYTES
};

struct row_key {
    size_t size;
    uint8_t bytes[MAP_KEY_BYTES_MAX];
};

// The key in the map of a group's key; 1 … ROW_KEY_BYTES_MAX bytes.
struct row_key row_key(group_id group, bytes key);
bytes row_key_bytes(const struct row_key *key);

// The value in `stored`, when its crc verifies. Errors: ERR_CORRUPT.
MUST_USE err row_open(bytes map_key, bytes stored, bytes *out_value);

// Room in which a row is sealed and hashed; grows, freed by row_room_deinit.
struct row_room {
    uint8_t *memory;
    size_t capacity;
};
void row_room_deinit(struct row_room *room);

// The stored form of a value. Borrows from `room` until its next use.
bytes row_seal(struct row_room *room, bytes map_key, bytes value);

// Whether what a cursor found is a row of the group.
bool row_of_group(err found, bytes map_key, group_id group);

// hash(key, value) of the state hash, the group left out.
hash128 row_hash(struct row_room *room, bytes map_key, bytes value);

// Addition and subtraction mod 2^128.
hash128 row_hash_add(hash128 left, hash128 right);
hash128 row_hash_subtract(hash128 left, hash128 right);

// --- meta rows -----------------------------------------------------------------------------------

struct row_group {
    log_index applied_index;
    uint64_t applied_term;
    hash128 applied_chain;
    hash128 state_hash;
    int64_t time_ms; // partition time of the applied entry
    uint64_t term;   // hard state
    uint16_t vote;
    uint64_t log_epoch;
    enum store_install install;
    uint64_t removed;         // the newest replica that was forgotten here; 0: none
    log_index attested_index; // store_attested
    hash128 attested_hash;
};

struct row_store {
    bool formatting; // not finished: the log may not exist yet
    uint8_t cluster[16];
    uint8_t store_uuid[16];
    uint32_t group_count;
    uint32_t lane;
    uint32_t lane_count;
    uint64_t first_segment; // of the log that is needed
};

enum {
    ROW_META_BYTES_MAX = 112
};

// Encoded rows, not sealed yet. Return the size.
size_t row_encode_group(const struct row_group *row, uint8_t out[ROW_META_BYTES_MAX]);
size_t row_encode_store(const struct row_store *row, uint8_t out[ROW_META_BYTES_MAX]);

// Errors: ERR_CORRUPT, ERR_CONFLICT (another release's row).
MUST_USE err row_decode_group(bytes value, struct row_group *out_row);
MUST_USE err row_decode_store(bytes value, struct row_store *out_row);

// Their keys in MAP_META.
struct row_key row_group_key(group_id group);
struct row_key row_store_key(void);
// Its value: the epoch of the log whose rows are wrong. Releases before the third do not look.
struct row_key row_distrust_key(group_id group);
struct row_key row_install_key(group_id group); // its value: the last key given by a snapshot
