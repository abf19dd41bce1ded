// Fixed layouts with a version byte in front; a row of another version belongs to another release.
#include "storage/view/row.h"

#include "proto/base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    STORE_ROW_VERSION = 1,
    GROUP_ROW_VERSION = 4,
    GROUP_ROW_BYTES_1 = 1 + 8 + 8 + 16 + 16 + 8 + 8 + 2, // of version 1: no epoch, no install
    GROUP_ROW_BYTES_2 = GROUP_ROW_BYTES_1 + 8 + 1,       // of version 2: nothing removed
    GROUP_ROW_BYTES_3 = GROUP_ROW_BYTES_2 + 8,           // of version 3: no attested hash
    GROUP_ROW_BYTES = GROUP_ROW_BYTES_3 + 8 + 16,
    STORE_ROW_BYTES = 1 + 1 + 16 + 16 + 4 + 4 + 4 + 8
};

_Static_assert((int)GROUP_ROW_BYTES <= (int)ROW_META_BYTES_MAX, "it fits");
_Static_assert((int)STORE_ROW_BYTES <= (int)ROW_META_BYTES_MAX, "it fits");

struct row_key row_key(group_id group, bytes key) {
    check(key.size <= ROW_KEY_BYTES_MAX);
    struct row_key row;
    row.size = ROW_GROUP_BYTES + key.size;
    bytes_put_u16(row.bytes, group);
    if (key.size > 0) {
        memcpy(row.bytes + ROW_GROUP_BYTES, key.data, key.size);
    }
    return row;
}

bytes row_key_bytes(const struct row_key *key) {
    return bytes_of(key->bytes, key->size);
}

static uint32_t row_crc(bytes map_key, bytes value) {
    return hash_crc32c(hash_crc32c(0, map_key), value);
}

err row_open(bytes map_key, bytes stored, bytes *out_value) {
    if (stored.size < ROW_CRC_BYTES) {
        return err_make(ERR_CORRUPT, "a stored row is cut short");
    }
    bytes value = bytes_slice(stored, 0, stored.size - ROW_CRC_BYTES);
    if (bytes_get_u32(stored.data + value.size) != row_crc(map_key, value)) {
        return err_make(ERR_CORRUPT, "a stored row does not match its checksum");
    }
    *out_value = value;
    return ERR_NONE;
}

bool row_of_group(err found, bytes map_key, group_id group) {
    return found.code == ERR_OK && map_key.size > ROW_GROUP_BYTES &&
           bytes_get_u16(map_key.data) == group;
}

static uint8_t *room_reserve(struct row_room *room, size_t size) {
    if (size > room->capacity) {
        free(room->memory);
        room->capacity = size < 4096 ? 4096 : 2 * size;
        room->memory = malloc(room->capacity);
        check(room->memory != NULL);
    }
    return room->memory;
}

void row_room_deinit(struct row_room *room) {
    free(room->memory);
    *room = (struct row_room){0};
}

static void copy(uint8_t *at, bytes view) {
    if (view.size > 0) {
        memcpy(at, view.data, view.size);
    }
}

bytes row_seal(struct row_room *room, bytes map_key, bytes value) {
    uint8_t *at = room_reserve(room, value.size + ROW_CRC_BYTES);
    copy(at, value);
    bytes_put_u32(at + value.size, row_crc(map_key, value));
    return bytes_of(at, value.size + ROW_CRC_BYTES);
}

hash128 row_hash(struct row_room *room, bytes map_key, bytes value) {
    bytes key = bytes_slice(map_key, ROW_GROUP_BYTES, map_key.size);
    uint8_t *at = room_reserve(room, 2 + key.size + value.size);
    bytes_put_u16(at, (uint16_t)key.size);
    copy(at + 2, key);
    copy(at + 2 + key.size, value);
    return hash_sip128(bytes_of(at, 2 + key.size + value.size));
}

hash128 row_hash_add(hash128 left, hash128 right) {
    hash128 sum = {.high = left.high + right.high, .low = left.low + right.low};
    sum.high += sum.low < left.low;
    return sum;
}

hash128 row_hash_subtract(hash128 left, hash128 right) {
    hash128 rest = {.high = left.high - right.high, .low = left.low - right.low};
    rest.high -= left.low < right.low;
    return rest;
}

size_t row_encode_group(const struct row_group *row, uint8_t out[ROW_META_BYTES_MAX]) {
    out[0] = GROUP_ROW_VERSION;
    bytes_put_u64(out + 1, row->applied_index);
    bytes_put_u64(out + 9, row->applied_term);
    hash128_store(row->applied_chain, out + 17);
    hash128_store(row->state_hash, out + 33);
    bytes_put_u64(out + 49, (uint64_t)row->time_ms);
    bytes_put_u64(out + 57, row->term);
    bytes_put_u16(out + 65, row->vote);
    bytes_put_u64(out + 67, row->log_epoch);
    out[75] = (uint8_t)row->install;
    bytes_put_u64(out + 76, row->removed);
    bytes_put_u64(out + 84, row->attested_index);
    hash128_store(row->attested_hash, out + 92);
    return GROUP_ROW_BYTES;
}

static err check_layout(bytes value, uint8_t version, size_t size) {
    if (value.size < 1 || value.data[0] != version) {
        return err_make(ERR_CONFLICT, "the store was written by another release");
    }
    return value.size == size ? ERR_NONE : err_make(ERR_CORRUPT, "a meta row has the wrong size");
}

err row_decode_group(bytes value, struct row_group *out_row) {
    static const size_t sizes[] = {
        0, GROUP_ROW_BYTES_1, GROUP_ROW_BYTES_2, GROUP_ROW_BYTES_3, GROUP_ROW_BYTES};
    bool known = value.size > 0 && value.data[0] >= 1 && value.data[0] <= GROUP_ROW_VERSION;
    uint8_t version = known ? value.data[0] : GROUP_ROW_VERSION;
    TRY(check_layout(value, version, sizes[version]));
    bool first = version == 1;
    if (!first && value.data[75] > STORE_INSTALL_FORGETTING) {
        return err_make(ERR_CORRUPT, "a meta row holds what it should not");
    }
    const uint8_t *at = value.data;
    *out_row = (struct row_group){
        .applied_index = bytes_get_u64(at + 1),
        .applied_term = bytes_get_u64(at + 9),
        .applied_chain = hash128_load(at + 17),
        .state_hash = hash128_load(at + 33),
        .time_ms = (int64_t)bytes_get_u64(at + 49),
        .term = bytes_get_u64(at + 57),
        .vote = bytes_get_u16(at + 65),
        .log_epoch = first ? 0 : bytes_get_u64(at + 67),
        .install = first ? STORE_INSTALL_NONE : (enum store_install)at[75],
        .removed = version < 3 ? 0 : bytes_get_u64(at + 76),
        .attested_index = version < 4 ? 0 : bytes_get_u64(at + 84),
        .attested_hash = version < 4 ? (hash128){0, 0} : hash128_load(at + 92),
    };
    return ERR_NONE;
}

size_t row_encode_store(const struct row_store *row, uint8_t out[ROW_META_BYTES_MAX]) {
    out[0] = STORE_ROW_VERSION;
    out[1] = row->formatting ? 1 : 0;
    memcpy(out + 2, row->cluster, 16);
    memcpy(out + 18, row->store_uuid, 16);
    bytes_put_u32(out + 34, row->group_count);
    bytes_put_u32(out + 38, row->lane);
    bytes_put_u32(out + 42, row->lane_count);
    bytes_put_u64(out + 46, row->first_segment);
    return STORE_ROW_BYTES;
}

err row_decode_store(bytes value, struct row_store *out_row) {
    TRY(check_layout(value, STORE_ROW_VERSION, STORE_ROW_BYTES));
    const uint8_t *at = value.data;
    *out_row = (struct row_store){
        .formatting = at[1] != 0,
        .group_count = bytes_get_u32(at + 34),
        .lane = bytes_get_u32(at + 38),
        .lane_count = bytes_get_u32(at + 42),
        .first_segment = bytes_get_u64(at + 46),
    };
    memcpy(out_row->cluster, at + 2, 16);
    memcpy(out_row->store_uuid, at + 18, 16);
    return ERR_NONE;
}

struct row_key row_group_key(group_id group) {
    struct row_key key = {.size = 3, .bytes = {'G'}};
    bytes_put_u16(key.bytes + 1, group);
    return key;
}

struct row_key row_store_key(void) {
    return (struct row_key){.size = 1, .bytes = {'S'}};
}

struct row_key row_install_key(group_id group) {
    struct row_key key = {.size = 3, .bytes = {'I'}};
    bytes_put_u16(key.bytes + 1, group);
    return key;
}

struct row_key row_distrust_key(group_id group) {
    struct row_key key = {.size = 3, .bytes = {'Q'}};
    bytes_put_u16(key.bytes + 1, group);
    return key;
}
