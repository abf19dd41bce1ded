// A borrowed view of bytes with a length. Text is bytes already checked to be UTF-8; it carries no
// terminating zero. C strings exist only in calls to libraries.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bytes {
    const uint8_t *data;
    size_t size;
} bytes;

#define BYTES_EMPTY ((bytes){NULL, 0})
// A view of a string literal, without its terminating zero.
#define BYTES_LITERAL(literal) ((bytes){(const uint8_t *)(literal), sizeof(literal) - 1})
// For printf's "%.*s": BYTES_ARG(view) gives both arguments.
#define BYTES_ARG(view) (int)(view).size, (const char *)(view).data

// A view of a C string, which must outlive it.
bytes bytes_from_text(const char *text);

// A view of `size` bytes at `data`.
static inline bytes bytes_of(const void *data, size_t size) {
    return (bytes){(const uint8_t *)data, size};
}

bool bytes_equal(bytes left, bytes right);

// Whether `view` holds exactly the characters of the C string.
bool bytes_equal_text(bytes view, const char *text);

// Order as memcmp, a prefix before the longer view: <0, 0, >0.
int bytes_compare(bytes left, bytes right);

bool bytes_starts_with(bytes view, bytes prefix);
bool bytes_ends_with(bytes view, bytes suffix);

// The part from `from` (inclusive) to `to` (exclusive); both at most the size.
bytes bytes_slice(bytes view, size_t from, size_t to);

// The index of the first `byte` at or after `from`, or the size when there is none.
size_t bytes_find(bytes view, size_t from, uint8_t byte);

// The view without blanks (space, tab, CR, LF) at both ends.
bytes bytes_trim(bytes view);

// Decimal text of an integer, an optional '-' first, nothing else around it. False: not such a
// text, or out of range; `*out_value` is then untouched.
bool bytes_parse_i64(bytes text, int64_t *out_value);

// Big-endian stores and loads, for keys and layouts on disk.
void bytes_put_u16(uint8_t *at, uint16_t value);
void bytes_put_u32(uint8_t *at, uint32_t value);
void bytes_put_u64(uint8_t *at, uint64_t value);
uint16_t bytes_get_u16(const uint8_t *at);
uint32_t bytes_get_u32(const uint8_t *at);
uint64_t bytes_get_u64(const uint8_t *at);
