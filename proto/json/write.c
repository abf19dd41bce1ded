// Writing documents straight into a buffer, and strings with their escapes.
//
// The writer holds one bit, whether a comma is due; that the calls nest is the caller's to see to.
// Escapes are those of RFC 8259 §7 in their shortest form, `\u00XX` with upper-case digits for the
// other control characters.
#include "proto/json/json_internal.h"

struct json_writer json_writer(struct buffer *buffer) {
    return (struct json_writer){buffer, false};
}

static void separate(struct json_writer *writer) {
    if (writer->comma) {
        buffer_append_byte(writer->buffer, ',');
    }
}

static void begin(struct json_writer *writer, uint8_t bracket) {
    separate(writer);
    buffer_append_byte(writer->buffer, bracket);
    writer->comma = false;
}

static void end(struct json_writer *writer, uint8_t bracket) {
    buffer_append_byte(writer->buffer, bracket);
    writer->comma = true;
}

void json_object_begin(struct json_writer *writer) {
    begin(writer, '{');
}

void json_object_end(struct json_writer *writer) {
    end(writer, '}');
}

void json_array_begin(struct json_writer *writer) {
    begin(writer, '[');
}

void json_array_end(struct json_writer *writer) {
    end(writer, ']');
}

void json_key(struct json_writer *writer, const char *key) {
    json_key_bytes(writer, bytes_from_text(key));
}

void json_key_bytes(struct json_writer *writer, bytes key) {
    separate(writer);
    json_escape(writer->buffer, key);
    buffer_append_byte(writer->buffer, ':');
    writer->comma = false;
}

void json_raw_key(struct json_writer *writer, bytes raw_key) {
    separate(writer);
    buffer_append(writer->buffer, raw_key);
    buffer_append_byte(writer->buffer, ':');
    writer->comma = false;
}

void json_raw(struct json_writer *writer, bytes value) {
    separate(writer);
    buffer_append(writer->buffer, value);
    writer->comma = true;
}

void json_text(struct json_writer *writer, bytes text) {
    separate(writer);
    json_escape(writer->buffer, text);
    writer->comma = true;
}

void json_int(struct json_writer *writer, int64_t value) {
    uint8_t text[20];
    size_t from = sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--from] = (uint8_t)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        text[--from] = '-';
    }
    json_raw(writer, bytes_of(text + from, sizeof(text) - from));
}

void json_bool(struct json_writer *writer, bool value) {
    json_raw(writer, value ? BYTES_LITERAL("true") : BYTES_LITERAL("false"));
}

void json_null(struct json_writer *writer) {
    json_raw(writer, JSON_NULL_TEXT);
}

void json_member_raw(struct json_writer *writer, const char *key, bytes value) {
    json_key(writer, key);
    json_raw(writer, value);
}

void json_member_text(struct json_writer *writer, const char *key, bytes text) {
    json_key(writer, key);
    json_text(writer, text);
}

void json_member_int(struct json_writer *writer, const char *key, int64_t value) {
    json_key(writer, key);
    json_int(writer, value);
}

void json_member_bool(struct json_writer *writer, const char *key, bool value) {
    json_key(writer, key);
    json_bool(writer, value);
}

// --- strings -------------------------------------------------------------------------------------

// The end of the run from `from` that needs no escape.
static size_t plain_until(bytes text, size_t from) {
    size_t at = from;
    while (text.size - at >= 8) {
        uint64_t word = json_load(text.data + at);
        if ((json_any_quote_or_escape(word) | json_any_control(word)) != 0) {
            break;
        }
        at += 8;
    }
    while (at < text.size && text.data[at] >= 0x20 && text.data[at] != '"' && text.data[at] != '\\'
    ) {
        at++;
    }
    return at;
}

static uint8_t escape_letter(uint8_t byte) {
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

// The escape of one byte; gives its size, 2 or 6.
static size_t put_escape(uint8_t byte, uint8_t out[6]) {
    static const char hex[] = "0123456789ABCDEF";
    out[0] = '\\';
    out[1] = escape_letter(byte);
    if (out[1] != 0) {
        return 2;
    }
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = (uint8_t)hex[byte >> 4];
    out[5] = (uint8_t)hex[byte & 15];
    return 6;
}

void json_escape(struct buffer *buffer, bytes text) {
    buffer_append_byte(buffer, '"');
    size_t at = 0;
    while (at < text.size) {
        size_t until = plain_until(text, at);
        buffer_append(buffer, bytes_slice(text, at, until));
        at = until;
        if (at < text.size) {
            uint8_t escaped[6];
            size_t size = put_escape(text.data[at], escaped);
            buffer_append(buffer, bytes_of(escaped, size));
            at++;
        }
    }
    buffer_append_byte(buffer, '"');
}

static size_t escaped_size(bytes text) {
    size_t size = 2;
    size_t at = 0;
    while (at < text.size) {
        size_t until = plain_until(text, at);
        size += until - at;
        at = until;
        if (at < text.size) {
            size += escape_letter(text.data[at]) != 0 ? 2 : 6;
            at++;
        }
    }
    return size;
}

bytes json_string_value(bytes text, struct arena *arena) {
    size_t size = escaped_size(text);
    uint8_t *value = arena_alloc(arena, size);
    size_t written = 0;
    value[written++] = '"';
    size_t at = 0;
    while (at < text.size) {
        size_t until = plain_until(text, at);
        memcpy(value + written, text.data + at, until - at);
        written += until - at;
        at = until;
        if (at < text.size) {
            uint8_t escaped[6];
            size_t escape_size = put_escape(text.data[at], escaped);
            memcpy(value + written, escaped, escape_size);
            written += escape_size;
            at++;
        }
    }
    value[written++] = '"';
    return bytes_of(value, written);
}
