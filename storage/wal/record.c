// A record is its type, the size of its body, its body. The size lets a later release add fields
// behind those of this one; a type that is unknown is refused, because skipping it could skip a
// promise.
#include "storage/wal/record.h"

#include "proto/base/check.h"
#include "storage/wal/varint.h"

#include <string.h>

static bool has_position(enum record_type type) {
    return type == RECORD_ENTRY || type == RECORD_MOVED || type == RECORD_INSTALL;
}

size_t record_encode_head(const struct record *record, uint8_t out[RECORD_HEAD_BYTES_MAX]) {
    uint8_t body[RECORD_HEAD_BYTES_MAX];
    size_t size = varint_put(body, record->group);
    if (record->type == RECORD_INSTALL || record->type == RECORD_REMOVED) {
        size += varint_put(body + size, record->epoch);
    }
    if (record->type == RECORD_HARD) {
        size += varint_put(body + size, record->term);
        size += varint_put(body + size, record->vote);
    } else {
        size += varint_put(body + size, record->index);
    }
    if (has_position(record->type)) {
        check(record->time_ms >= 0);
        size += varint_put(body + size, record->term);
        size += varint_put(body + size, (uint64_t)record->time_ms);
        hash128_store(record->chain, body + size);
        size += 16;
    }
    out[0] = (uint8_t)record->type;
    size_t head = 1 + varint_put(out + 1, size + record->payload.size);
    memcpy(out + head, body, size);
    return head + size;
}

static bool take_u16(bytes *rest, uint16_t *out_value) {
    uint64_t value = 0;
    if (!varint_take(rest, &value) || value > UINT16_MAX) {
        return false;
    }
    *out_value = (uint16_t)value;
    return true;
}

static bool take_position(bytes *body, struct record *record) {
    uint64_t time_ms = 0;
    if (!varint_take(body, &record->index) || !varint_take(body, &record->term) ||
        !varint_take(body, &time_ms) || time_ms > INT64_MAX || body->size < 16) {
        return false;
    }
    record->time_ms = (int64_t)time_ms;
    record->chain = hash128_load(body->data);
    record->payload = bytes_slice(*body, 16, body->size);
    return true;
}

bool record_take(bytes *rest, struct record *out_record) {
    if (rest->size < 1) {
        return false;
    }
    struct record record = {.type = (enum record_type)rest->data[0]};
    *rest = bytes_slice(*rest, 1, rest->size);
    uint64_t size = 0;
    if (!varint_take(rest, &size) || size > rest->size) {
        return false;
    }
    bytes body = bytes_slice(*rest, 0, (size_t)size);
    *rest = bytes_slice(*rest, (size_t)size, rest->size);
    if (!take_u16(&body, &record.group)) {
        return false;
    }
    bool good = false;
    switch (record.type) {
    case RECORD_ENTRY:
    case RECORD_MOVED:
        good = take_position(&body, &record);
        break;
    case RECORD_INSTALL:
        good = varint_take(&body, &record.epoch) && take_position(&body, &record);
        record.payload = BYTES_EMPTY; // what a later release adds
        break;
    case RECORD_REMOVED:
        good = varint_take(&body, &record.epoch) && varint_take(&body, &record.index);
        break;
    case RECORD_HARD:
        good = varint_take(&body, &record.term) && take_u16(&body, &record.vote);
        break;
    case RECORD_CUT:
    case RECORD_COMMIT:
        good = varint_take(&body, &record.index);
        break;
    }
    if (good) {
        *out_record = record;
    }
    return good;
}
