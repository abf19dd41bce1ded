// One text form only, so that an id that was parsed prints as it was written: two spellings of one
// id would route alike but compare unlike in every place that keeps text.
#include "proto/base/id.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"

#include <string.h>

_Static_assert(sizeof(id128) == 16, "an id is its 16 bytes");

static const char HEX[] = "0123456789abcdef";

static bool dash_follows(size_t byte) {
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

id128 id_mint(uint16_t slot, int64_t time_ms, struct random *random) {
    check(slot < ID_SLOT_COUNT);
    uint64_t time = (uint64_t)time_ms & 0xffffffffffffu;
    uint64_t high = ((uint64_t)slot << 52) | (time >> 12 << 16) | 0x4000u | (time & 0xfffu);
    uint64_t low = 0x8000000000000000u | (random_u64(random) >> 2);
    id128 id;
    bytes_put_u64(id.bytes, high);
    bytes_put_u64(id.bytes + 8, low);
    return id;
}

uint16_t id_slot(id128 id) {
    return (uint16_t)(bytes_get_u16(id.bytes) >> 4);
}

uint16_t id_slot_of_text(bytes text) {
    id128 id;
    if (id_parse(text, &id)) {
        return id_slot(id);
    }
    return (uint16_t)(hash_sip64(text) % ID_SLOT_COUNT);
}

int64_t id_time_ms(id128 id) {
    uint64_t high = bytes_get_u64(id.bytes);
    return (int64_t)(((high >> 16 & 0xfffffffffu) << 12) | (high & 0xfffu));
}

void id_format(id128 id, char out[ID_TEXT_BYTES]) {
    char *at = out;
    for (size_t i = 0; i < sizeof(id.bytes); i++) {
        *at++ = HEX[id.bytes[i] >> 4];
        *at++ = HEX[id.bytes[i] & 15];
        if (dash_follows(i)) {
            *at++ = '-';
        }
    }
}

static int hex_value(uint8_t character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool id_parse(bytes text, id128 *out_id) {
    if (text.size != ID_TEXT_BYTES) {
        return false;
    }
    id128 id;
    const uint8_t *at = text.data;
    for (size_t i = 0; i < sizeof(id.bytes); i++) {
        int high = hex_value(*at++);
        int low = hex_value(*at++);
        if (high < 0 || low < 0 || (dash_follows(i) && *at++ != '-')) {
            return false;
        }
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out_id = id;
    return true;
}

id128 id_load(const uint8_t at[16]) {
    id128 id;
    memcpy(id.bytes, at, sizeof(id.bytes));
    return id;
}

bool id_equal(id128 left, id128 right) {
    return id_compare(left, right) == 0;
}

int id_compare(id128 left, id128 right) {
    return memcmp(left.bytes, right.bytes, sizeof(left.bytes));
}

bool id_is_zero(id128 id) {
    return id_equal(id, (id128){{0}});
}
