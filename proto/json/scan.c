// Moving over validated text.
//
// The text is known to be well formed, so a container is skipped by counting brackets outside
// strings, and a string by looking for '"' and '\' only, eight bytes at a time.
#include "proto/base/check.h"
#include "proto/json/json_internal.h"

// The next '"' or '\'; `end` when there is none.
static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end) {
    while (end - at >= 8) {
        uint64_t found = json_any_quote_or_escape(json_load(at));
        if (found != 0) {
            return at + json_bytes_before(found);
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

const uint8_t *json_skip_string(const uint8_t *at, const uint8_t *end) {
    at = plain_end(at + 1, end);
    while (at < end && *at == '\\') {
        at = plain_end(at + (end - at >= 2 ? 2 : 1), end);
    }
    return at < end ? at + 1 : end;
}

static const uint8_t *skip_container(const uint8_t *at, const uint8_t *end) {
    size_t depth = 0;
    while (at < end) {
        uint8_t byte = *at;
        if (byte == '"') {
            at = json_skip_string(at, end);
            continue;
        }
        at++;
        if (byte < '[') {
            continue;
        }
        uint8_t folded = byte | 0x20; // '[' to '{', ']' to '}'
        if (folded == '{') {
            depth++;
        } else if (folded == '}' && --depth == 0) {
            return at;
        }
    }
    return end;
}

static bool ends_scalar(uint8_t byte) {
    return byte == ',' || byte == '}' || byte == ']' || json_is_blank(byte);
}

const uint8_t *json_skip_value(const uint8_t *at, const uint8_t *end) {
    if (at >= end) {
        return end;
    }
    if (*at == '"') {
        return json_skip_string(at, end);
    }
    if (*at == '{' || *at == '[') {
        return skip_container(at, end);
    }
    while (at < end && !ends_scalar(*at)) {
        at++;
    }
    return at;
}

bytes json_inner(bytes raw_string) {
    check(json_is_string(raw_string));
    return bytes_of(raw_string.data + 1, raw_string.size - 2);
}

bool json_has_escape(bytes inner) {
    return bytes_find(inner, 0, '\\') < inner.size;
}

// --- characters ----------------------------------------------------------------------------------

static uint32_t hex_value(uint8_t byte) {
    return json_is_digit(byte) ? (uint32_t)(byte - '0') : (uint32_t)((byte | 0x20) - 'a' + 10);
}

// The 16 bits of the escape at `at`, which points at its backslash. False: no such escape there.
static bool unicode_escape(const uint8_t *at, const uint8_t *end, uint32_t *out_unit) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return false;
    }
    *out_unit =
        hex_value(at[2]) << 12 | hex_value(at[3]) << 8 | hex_value(at[4]) << 4 | hex_value(at[5]);
    return true;
}

static size_t put_utf8(uint32_t code, uint8_t out[4]) {
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

// RFC 8259 §7: a high surrogate and a low one right behind it are one character.
static size_t next_unicode(const uint8_t **at, const uint8_t *end, uint32_t unit, uint8_t out[4]) {
    *at += 6;
    uint32_t low = 0;
    bool high = unit >= 0xd800 && unit <= 0xdbff;
    if (high && unicode_escape(*at, end, &low) && low >= 0xdc00 && low <= 0xdfff) {
        *at += 6;
        return put_utf8(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
    }
    bool lone = unit >= 0xd800 && unit <= 0xdfff;
    return put_utf8(lone ? 0xfffd : unit, out);
}

static uint8_t short_escape(uint8_t letter) {
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

size_t json_next_character(const uint8_t **at, const uint8_t *end, uint8_t out[4]) {
    uint8_t first = **at;
    if (first == '\\' && end - *at >= 2) {
        uint32_t unit = 0;
        if (unicode_escape(*at, end, &unit)) {
            return next_unicode(at, end, unit, out);
        }
        out[0] = short_escape((*at)[1]);
        *at += 2;
        return 1;
    }
    size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    size_t left = (size_t)(end - *at);
    size = size < left ? size : left;
    memcpy(out, *at, size);
    *at += size;
    return size;
}

int json_string_compare(bytes left, bytes right) {
    left = json_inner(left);
    right = json_inner(right);
    if (!json_has_escape(left) && !json_has_escape(right)) {
        return bytes_compare(left, right);
    }
    const uint8_t *left_at = left.data;
    const uint8_t *right_at = right.data;
    const uint8_t *left_end = left.data + left.size;
    const uint8_t *right_end = right.data + right.size;
    while (left_at < left_end && right_at < right_end) {
        uint8_t left_character[4];
        uint8_t right_character[4];
        size_t left_size = json_next_character(&left_at, left_end, left_character);
        size_t right_size = json_next_character(&right_at, right_end, right_character);
        int order = bytes_compare(
            bytes_of(left_character, left_size), bytes_of(right_character, right_size)
        );
        if (order != 0) {
            return order;
        }
    }
    return left_at < left_end ? 1 : right_at < right_end ? -1 : 0;
}
