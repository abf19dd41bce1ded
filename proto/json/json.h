// JSON as validated raw text: check, locate, read, write, compare. No tree.
//
// Everything but json_validate takes text that json_validate accepted; a `bytes` called a value is
// then exactly one JSON value without blanks around it. Numbers keep their text to the last digit.
// Views borrow from the document; what is decoded lives in the arena that was given. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

#define JSON_NULL_TEXT BYTES_LITERAL("null")
#define JSON_EMPTY_OBJECT BYTES_LITERAL("{}")
#define JSON_EMPTY_ARRAY BYTES_LITERAL("[]")

// Checks that `text` is one JSON value by RFC 8259 in UTF-8 (no byte order mark, no lone surrogate
// escapes refused: `\ud800` is accepted as text the way the RFC leaves it open), at most
// LIMIT_JSON_DEPTH deep, and gives the value without the blanks around it.
// Errors: ERR_INVALID with text `malformed JSON at byte <n>: <what>` (in `arena`).
MUST_USE err json_validate(bytes text, struct arena *arena, bytes *out_value);

// The kind of a value.
enum json_kind json_kind(bytes value);
bool json_is_null(bytes value);
bool json_is_object(bytes value);
bool json_is_array(bytes value);
bool json_is_string(bytes value);

// --- reading -------------------------------------------------------------------------------------

// Walks the members of an object or the elements of an array, in order. Initialise with json_iter.
struct json_iter {
    bytes rest;
    bool first;
};

// Starts a walk over an object or array value.
struct json_iter json_iter(bytes container);

// The next member: its key as raw string (with quotes) and value. False: no more.
bool json_next_member(struct json_iter *iter, bytes *out_raw_key, bytes *out_value);

// The next element. False: no more.
bool json_next_element(struct json_iter *iter, bytes *out_value);

// The number of members or elements of a container.
size_t json_count(bytes container);

// The member called `key` (decoded text). The last of several wins. False: no such member or not an
// object.
bool json_get(bytes object, bytes key, bytes *out_value);

// As json_get with a C string.
bool json_get_text(bytes object, const char *key, bytes *out_value);

// Whether a raw string (with quotes) decodes to exactly `text`.
bool json_string_equal(bytes raw_string, bytes text);

// A string value decoded to UTF-8 (a lone surrogate becomes U+FFFD). Borrows from the document when
// nothing is escaped, else lives in `arena`.
bytes json_string(bytes raw_string, struct arena *arena);

// A number value that is an integer of 64 bits, in any spelling whose value is integral (`1e3`,
// `2.0`). False: not a number, not integral, or out of range.
bool json_i64(bytes value, int64_t *out_value);

// Whether the number's text is an integer literal: no '.', no exponent.
bool json_number_is_integer_text(bytes value);

// A number value as double, nearest; ±HUGE_VAL when out of range. False: not a number.
bool json_double(bytes value, double *out_value);

// Equality of values: objects regardless of member order, numbers by mathematical value (1 = 1.0 =
// 10e-1, exact to the last digit), strings by decoded text.
bool json_equal(bytes left, bytes right);

// --- writing -------------------------------------------------------------------------------------

// Writes one document into a buffer, placing commas by itself. Keys and texts are UTF-8, escaped as
// needed; '/' and non-ASCII characters are left as they are.
struct json_writer {
    struct buffer *buffer;
    bool comma; // the next key or element needs one before it
};

struct json_writer json_writer(struct buffer *buffer);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);

// The key of the next value. `raw_key` variants take a string value with its quotes.
void json_key(struct json_writer *writer, const char *key);
void json_key_bytes(struct json_writer *writer, bytes key);
void json_raw_key(struct json_writer *writer, bytes raw_key);

// One value: an element, or the value of the key just written.
void json_raw(struct json_writer *writer, bytes value);
void json_text(struct json_writer *writer, bytes text);
void json_int(struct json_writer *writer, int64_t value);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);

// Key and value at once.
void json_member_raw(struct json_writer *writer, const char *key, bytes value);
void json_member_text(struct json_writer *writer, const char *key, bytes text);
void json_member_int(struct json_writer *writer, const char *key, int64_t value);
void json_member_bool(struct json_writer *writer, const char *key, bool value);

// Appends `text` as a JSON string, with quotes.
void json_escape(struct buffer *buffer, bytes text);

// The text as a string value in `arena`.
bytes json_string_value(bytes text, struct arena *arena);

// The value without any blanks between its tokens, in `arena`; `value` itself when it has none.
bytes json_compact(bytes value, struct arena *arena);

// An object with the members of `base`, then those of `over` replacing members of the same key (in
// place, the rest appended in order), top level only. Lives in `arena`. Both must be objects.
bytes json_merge(bytes base, bytes over, struct arena *arena);
