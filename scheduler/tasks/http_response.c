// From the bytes of an answer to the JSON of an output. A body that is JSON becomes what the
// reference makes of it: objects and lists as they are, numbers doubles, anything else text; a body
// that is none is text, too (engine.md §10.21).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/expression.h"
#include "scheduler/payload.h"
#include "scheduler/tasks/http.h"

#include <string.h>

static void write_headers(bytes lines, struct json_writer *writer, struct arena *arena);
static void write_body(bytes body, struct json_writer *writer, struct arena *arena);
static bool is_utf8(bytes text);

err http_response_write(const struct call_result *result, struct arena *arena, bytes *out_json) {
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    bool successful = result->status / 100 == 2;
    json_object_begin(&writer);
    json_member_int(&writer, "statusCode", result->status);
    json_member_text(&writer, "reasonPhrase", bytes_from_text(http_phrase(result->status)));
    json_key(&writer, "headers");
    write_headers(result->headers, &writer, arena);
    json_key(&writer, "body");
    // The reference looks at the body of a redirect that was not followed as little as at a 1xx's.
    bool read = successful || result->status >= 400;
    write_body(read ? result->body : BYTES_EMPTY, &writer, arena);
    json_object_end(&writer);
    return payload_take(&buffer, arena, out_json);
}

const char *http_phrase(int32_t status) {
    static const struct {
        int32_t status;
        const char *phrase;
    } phrases[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {102, "Processing"},
        {103, "Early Hints"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {207, "Multi-Status"},
        {208, "Already Reported"},
        {226, "IM Used"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {305, "Use Proxy"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Payload Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Requested Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {418, "I'm a Teapot"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Entity"},
        {423, "Locked"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {506, "Variant Also Negotiates"},
        {507, "Insufficient Storage"},
        {508, "Loop Detected"},
        {509, "Bandwidth Limit Exceeded"},
        {510, "Not Extended"},
        {511, "Network Authentication Required"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "";
}

bytes http_text(bytes body, struct arena *arena) {
    if (is_utf8(body)) {
        return body;
    }
    uint8_t *text = arena_alloc(arena, body.size * 2);
    size_t size = 0;
    for (size_t i = 0; i < body.size; i++) {
        uint8_t byte = body.data[i];
        if (byte < 0x80) {
            text[size++] = byte;
        } else {
            text[size++] = (uint8_t)(0xc0 | byte >> 6);
            text[size++] = (uint8_t)(0x80 | (byte & 0x3f));
        }
    }
    return bytes_of(text, size);
}

// --- headers
// -------------------------------------------------------------------------------------

static bool next_line(bytes *rest, bytes *out_name, bytes *out_value) {
    if (rest->size == 0) {
        return false;
    }
    size_t end = bytes_find(*rest, 0, '\n');
    bytes line = bytes_slice(*rest, 0, end);
    *rest = bytes_slice(*rest, end < rest->size ? end + 1 : end, rest->size);
    size_t colon = bytes_find(line, 0, ':');
    *out_name = bytes_slice(line, 0, colon);
    *out_value = bytes_trim(bytes_slice(line, colon < line.size ? colon + 1 : colon, line.size));
    return true;
}

static bool same_name(bytes left, bytes right) {
    if (left.size != right.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        uint8_t a = left.data[i];
        uint8_t b = right.data[i];
        a = a >= 'A' && a <= 'Z' ? (uint8_t)(a | 0x20) : a;
        b = b >= 'A' && b <= 'Z' ? (uint8_t)(b | 0x20) : b;
        if (a != b) {
            return false;
        }
    }
    return true;
}

static bool came_before(bytes lines, const uint8_t *until, bytes wanted) {
    bytes name = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (lines.data < until && next_line(&lines, &name, &value)) {
        if (name.data < until && same_name(name, wanted)) {
            return name.data < wanted.data;
        }
    }
    return false;
}

// One member a name, in its first spelling, with the list of its values. Names are looked up by
// walking: a head has at most LIMIT_CALL_HEADERS lines.
static void write_headers(bytes lines, struct json_writer *writer, struct arena *arena) {
    json_object_begin(writer);
    bytes rest = lines;
    bytes name = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (next_line(&rest, &name, &value)) {
        if (came_before(lines, name.data, name)) {
            continue;
        }
        json_key_bytes(writer, http_text(name, arena));
        json_array_begin(writer);
        json_text(writer, http_text(value, arena));
        bytes behind = rest;
        bytes other = BYTES_EMPTY;
        while (next_line(&behind, &other, &value)) {
            if (same_name(other, name)) {
                json_text(writer, http_text(value, arena));
            }
        }
        json_array_end(writer);
    }
    json_object_end(writer);
}

// --- body
// ----------------------------------------------------------------------------------------

// A number as Java's double, `5` as `5.0`.
static bytes double_text(bytes number, struct arena *arena) {
    if (json_number_is_integer_text(number)) {
        number = bytes_from_text(arena_format(arena, "%.*s.0", BYTES_ARG(number)));
    }
    bytes text = expression_java_text(number, arena);
    bytes checked = BYTES_EMPTY;
    // Infinity is no JSON.
    return err_is(json_validate(text, arena, &checked)) ? json_string_value(text, arena) : checked;
}

static void write_body(bytes body, struct json_writer *writer, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    if (body.size == 0) {
        json_null(writer);
        return;
    }
    if (bytes_trim(body).size == 0) {
        json_text(writer, BYTES_LITERAL(""));
        return;
    }
    if (err_is(json_validate(body, arena, &value))) {
        json_text(writer, http_text(body, arena));
        return;
    }
    switch (json_kind(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        json_raw(writer, value);
        break;
    case JSON_NUMBER:
        json_raw(writer, double_text(value, arena));
        break;
    case JSON_STRING:
        json_raw(writer, value);
        break;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        json_text(writer, value);
        break;
    }
}

// The length of a UTF-8 character, 0 when it is none.
static size_t character_size(bytes text, size_t at) {
    uint8_t first = text.data[at];
    size_t size = first < 0x80                    ? 1
                  : first >= 0xc2 && first < 0xe0 ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
    if (size == 0 || at + size > text.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text.data[at + i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = size > 1 ? text.data[at + 1] : 0x80;
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool no_character = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
    return overlong || no_character ? 0 : size;
}

static bool is_utf8(bytes text) {
    for (size_t at = 0; at < text.size;) {
        size_t size = character_size(text, at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}
