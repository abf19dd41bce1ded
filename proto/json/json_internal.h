// What the files of proto/json share: moving over validated text. For this folder only.
//
// Every function takes `at` inside a validated document and its `end`; it never reads at or past
// `end`, so that a caller who breaks the contract gets a wrong answer and not foreign memory.
#pragma once

#include "proto/json/json.h"

#include <string.h>

#define JSON_EACH_BYTE(byte) (0x0101010101010101u * (uint64_t)(byte))

// Eight bytes at once: a bit set in the top of some byte when any byte of `word` is zero.
static inline uint64_t json_any_zero(uint64_t word) {
    return (word - JSON_EACH_BYTE(0x01)) & ~word & JSON_EACH_BYTE(0x80);
}

// Not zero when any of the eight bytes ends a plain run inside a string: '"' or '\'.
static inline uint64_t json_any_quote_or_escape(uint64_t word) {
    return json_any_zero(word ^ JSON_EACH_BYTE('"')) | json_any_zero(word ^ JSON_EACH_BYTE('\\'));
}

// Not zero when any of the eight bytes is a control character below 0x20.
static inline uint64_t json_any_control(uint64_t word) {
    return (word - JSON_EACH_BYTE(0x20)) & ~word & JSON_EACH_BYTE(0x80);
}

static inline uint64_t json_load(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

// How many bytes stand before the first that one of the masks above has set. Bytes behind it may be
// set wrongly, never one before it; the first in memory is the lowest of the word.
static inline size_t json_bytes_before(uint64_t mask) {
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are read as they lie");
    return (size_t)__builtin_ctzll(mask) / 8;
}

static inline bool json_is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const uint8_t *json_skip_blanks(const uint8_t *at, const uint8_t *end) {
    while (at < end && json_is_blank(*at)) {
        at++;
    }
    return at;
}

static inline bool json_is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') <= 9;
}

// From the opening quote to just behind the closing one.
const uint8_t *json_skip_string(const uint8_t *at, const uint8_t *end);

// From the first byte of any value to just behind it.
const uint8_t *json_skip_value(const uint8_t *at, const uint8_t *end);

// The text between the quotes.
bytes json_inner(bytes raw_string);

// Whether the text between the quotes has an escape.
bool json_has_escape(bytes inner);

// Decodes the character at `*at` of the text between quotes to UTF-8 and moves past it; gives its
// size, 1 to 4. A lone surrogate gives U+FFFD.
size_t json_next_character(const uint8_t **at, const uint8_t *end, uint8_t out[4]);

// Order of two raw strings by their decoded text: <0, 0, >0. The order of code points.
int json_string_compare(bytes left, bytes right);

// Equality of two number texts by mathematical value.
bool json_number_equal(bytes left, bytes right);

// One member and its place among those that are sorted with it.
struct json_member {
    bytes raw_key;
    bytes value;
    size_t index;
};

// Appends the members of `object` to `members`, numbering on from `count`; there is room for
// json_count(object) more. Gives the new count.
size_t json_members_collect(bytes object, struct json_member *members, size_t count);

// Sorts by key, then by index.
void json_members_sort(struct json_member *members, size_t count);
