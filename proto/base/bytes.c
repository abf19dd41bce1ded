// Views never own; every function here is total over its inputs but for the checked bounds.
#include "proto/base/bytes.h"

#include "proto/base/check.h"

#include <string.h>

bytes bytes_from_text(const char *text) {
    return bytes_of(text, strlen(text));
}

bool bytes_equal(bytes left, bytes right) {
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

bool bytes_equal_text(bytes view, const char *text) {
    return bytes_equal(view, bytes_from_text(text));
}

int bytes_compare(bytes left, bytes right) {
    size_t shared = left.size < right.size ? left.size : right.size;
    int order = shared == 0 ? 0 : memcmp(left.data, right.data, shared);
    if (order != 0) {
        return order;
    }
    return left.size < right.size ? -1 : left.size > right.size;
}

bool bytes_starts_with(bytes view, bytes prefix) {
    return view.size >= prefix.size && bytes_equal(bytes_slice(view, 0, prefix.size), prefix);
}

bool bytes_ends_with(bytes view, bytes suffix) {
    return view.size >= suffix.size &&
           bytes_equal(bytes_slice(view, view.size - suffix.size, view.size), suffix);
}

bytes bytes_slice(bytes view, size_t from, size_t to) {
    check(from <= to);
    check(to <= view.size);
    if (from == to) {
        return (bytes){view.data, 0};
    }
    return bytes_of(view.data + from, to - from);
}

size_t bytes_find(bytes view, size_t from, uint8_t byte) {
    if (from >= view.size) {
        return view.size;
    }
    const uint8_t *found = memchr(view.data + from, byte, view.size - from);
    return found == NULL ? view.size : (size_t)(found - view.data);
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bytes bytes_trim(bytes view) {
    size_t from = 0;
    size_t to = view.size;
    while (from < to && is_blank(view.data[from])) {
        from++;
    }
    while (to > from && is_blank(view.data[to - 1])) {
        to--;
    }
    return bytes_slice(view, from, to);
}

bool bytes_parse_i64(bytes text, int64_t *out_value) {
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == text.size) {
        return false;
    }
    uint64_t value = 0;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (; at < text.size; at++) {
        uint8_t digit = (uint8_t)(text.data[at] - '0');
        if (digit > 9 || value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

void bytes_put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void bytes_put_u32(uint8_t *at, uint32_t value) {
    bytes_put_u16(at, (uint16_t)(value >> 16));
    bytes_put_u16(at + 2, (uint16_t)value);
}

void bytes_put_u64(uint8_t *at, uint64_t value) {
    bytes_put_u32(at, (uint32_t)(value >> 32));
    bytes_put_u32(at + 4, (uint32_t)value);
}

uint16_t bytes_get_u16(const uint8_t *at) {
    return (uint16_t)((at[0] << 8) | at[1]);
}

uint32_t bytes_get_u32(const uint8_t *at) {
    return ((uint32_t)bytes_get_u16(at) << 16) | bytes_get_u16(at + 2);
}

uint64_t bytes_get_u64(const uint8_t *at) {
    return ((uint64_t)bytes_get_u32(at) << 32) | bytes_get_u32(at + 4);
}
