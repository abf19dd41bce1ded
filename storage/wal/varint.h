// Unsigned numbers in 1 to 10 bytes, seven bits a byte, lowest first: what is small in the log
// stays small.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"

enum {
    VARINT_BYTES_MAX = 10
};

// Writes `value` at `at`, which has VARINT_BYTES_MAX bytes. Returns the bytes used.
static inline size_t varint_put(uint8_t *at, uint64_t value) {
    size_t size = 0;
    while (value >= 0x80) {
        at[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    at[size++] = (uint8_t)value;
    return size;
}

// Takes a number off the front of `*rest`. False: cut short or over 64 bits; `*rest` is then
// undefined.
MUST_USE static inline bool varint_take(bytes *rest, uint64_t *out_value) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && rest->size > 0; shift += 7) {
        uint8_t byte = *rest->data;
        rest->data++;
        rest->size--;
        uint64_t part = byte & 0x7fu;
        if (shift == 63 && part > 1) {
            return false;
        }
        value |= part << shift;
        if (byte < 0x80) {
            *out_value = value;
            return true;
        }
    }
    return false;
}
