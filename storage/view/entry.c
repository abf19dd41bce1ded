// A write-set is written once, where it stays: the transaction appends to the block, the overlay
// points into it, the log thread copies from it.
//
//   write: key_size, value_size + 1 (0: a deletion), key, value        (sizes as varints)
#include "storage/view/entry.h"

#include "proto/base/check.h"
#include "storage/view/row.h"
#include "storage/wal/record.h"
#include "storage/wal/varint.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHAIN_BYTES = 16 + 8 + 8 // previous chain, term, time
};

_Static_assert((int)CHAIN_BYTES <= (int)ENTRY_FRONT_BYTES, "the chain's part lies in front");
_Static_assert((int)RECORD_HEAD_BYTES_MAX <= (int)ENTRY_FRONT_BYTES, "the head lies in front");

struct entry *entry_create(size_t capacity) {
    struct entry *entry = malloc(sizeof(*entry) + ENTRY_FRONT_BYTES + capacity);
    check(entry != NULL);
    *entry = (struct entry){.references = 1, .capacity = capacity};
    return entry;
}

struct entry *entry_copy(bytes payload) {
    struct entry *entry = entry_create(payload.size);
    if (payload.size > 0) {
        memcpy(entry->block + ENTRY_FRONT_BYTES, payload.data, payload.size);
    }
    entry->size = payload.size;
    return entry;
}

void entry_release(struct entry **entry) {
    if (*entry != NULL) {
        check((*entry)->references > 0);
        (*entry)->references--;
        if ((*entry)->references == 0) {
            free(*entry);
        }
        *entry = NULL;
    }
}

struct entry *entry_shrink(struct entry *entry) {
    entry->capacity = entry->size;
    struct entry *shrunk = realloc(entry, sizeof(*entry) + ENTRY_FRONT_BYTES + entry->size);
    check(shrunk != NULL);
    return shrunk;
}

bytes entry_payload(const struct entry *entry) {
    return bytes_of(entry->block + ENTRY_FRONT_BYTES, entry->size);
}

size_t entry_write_bytes_max(bytes key, bytes value) {
    return (size_t)2 * VARINT_BYTES_MAX + key.size + value.size;
}

size_t entry_encode_write(uint8_t *at, bytes key, bytes value) {
    uint8_t *begin = at;
    bool deletes = value.data == NULL;
    at += varint_put(at, key.size);
    at += varint_put(at, deletes ? 0 : (uint64_t)value.size + 1);
    memcpy(at, key.data, key.size);
    at += key.size;
    if (!deletes && value.size > 0) {
        memcpy(at, value.data, value.size);
        at += value.size;
    }
    return (size_t)(at - begin);
}

struct entry_write entry_append(struct entry *entry, bytes key, bytes value) {
    check(entry_write_bytes_max(key, value) <= entry->capacity - entry->size);
    uint8_t *at = entry->block + ENTRY_FRONT_BYTES + entry->size;
    size_t size = entry_encode_write(at, key, value);
    entry->size += size;
    at += size - key.size - value.size;
    return (struct entry_write){
        .key = bytes_of(at, key.size),
        .value = value.data == NULL ? BYTES_EMPTY : bytes_of(at + key.size, value.size),
    };
}

bool entry_take(bytes *rest, struct entry_write *out_write) {
    uint64_t key_size = 0;
    uint64_t value_code = 0;
    if (!varint_take(rest, &key_size) || !varint_take(rest, &value_code)) {
        return false;
    }
    uint64_t value_size = value_code == 0 ? 0 : value_code - 1;
    if (key_size == 0 || key_size > rest->size || value_size > rest->size - key_size) {
        return false;
    }
    size_t end = (size_t)(key_size + value_size);
    out_write->key = bytes_of(rest->data, (size_t)key_size);
    out_write->value =
        value_code == 0 ? BYTES_EMPTY : bytes_of(rest->data + key_size, (size_t)value_size);
    *rest = bytes_of(rest->data + end, rest->size - end);
    return true;
}

bool entry_payload_is_valid(bytes payload) {
    while (payload.size > 0) {
        struct entry_write write;
        if (!entry_take(&payload, &write) || write.key.size > ROW_KEY_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

hash128 entry_chain(struct entry *entry, hash128 previous) {
    uint8_t *front = entry->block + ENTRY_FRONT_BYTES - CHAIN_BYTES;
    hash128_store(previous, front);
    bytes_put_u64(front + 16, entry->term);
    bytes_put_u64(front + 24, (uint64_t)entry->time_ms);
    return hash_sip128(bytes_of(front, CHAIN_BYTES + entry->size));
}

bytes entry_encode(struct entry *entry, group_id group) {
    struct record record = {
        .type = RECORD_ENTRY,
        .group = group,
        .index = entry->index,
        .term = entry->term,
        .time_ms = entry->time_ms,
        .chain = entry->chain,
        .payload = entry_payload(entry),
    };
    uint8_t head[RECORD_HEAD_BYTES_MAX];
    entry->head = record_encode_head(&record, head);
    uint8_t *at = entry->block + ENTRY_FRONT_BYTES - entry->head;
    memcpy(at, head, entry->head);
    return bytes_of(at, entry->head + entry->size);
}
