// Decoding happens exactly once, after splitting: an encoded delimiter never acts as one, and "%2F"
// is refused rather than guessed at (rest-api.md §1). Dot segments stay as they are: nothing here
// is a file path, and a workflow may be called "..".
#include "node/http/target.h"

#include "node/http/grammar.h"

#include <string.h>
#include <strings.h>

static const struct http_refusal not_a_target = {
    HTTP_REFUSAL_MALFORMED,
    "the request target is malformed",
};

static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The length of the UTF-8 sequence at `at`, 0 when it is none (RFC 3629: no surrogates, no overlong
// forms, at most U+10FFFF).
static size_t utf8_sequence_bytes(bytes text, size_t at) {
    uint8_t first = text.data[at];
    if (first < 0x80) {
        return 1;
    }
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || size > text.size - at) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text.data[at + i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = text.data[at + 1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || beyond ? 0 : size;
}

static bool text_is_utf8(bytes text) {
    size_t at = 0;
    while (at < text.size) {
        size_t size = utf8_sequence_bytes(text, at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

enum decoding {
    DECODE_PATH, // '+' is itself, an encoded slash is refused
    DECODE_FORM, // '+' is a blank
};

// Decodes `raw` once. False: a bad code, a NUL, an encoded slash in a path, or no UTF-8.
static bool
percent_decode(bytes raw, enum decoding decoding, struct arena *arena, bytes *out_text) {
    bool plain = bytes_find(raw, 0, '%') == raw.size;
    if (plain && (decoding == DECODE_PATH || bytes_find(raw, 0, '+') == raw.size)) {
        *out_text = raw;
        return true;
    }
    uint8_t *decoded = arena_alloc(arena, raw.size);
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t byte = raw.data[i];
        if (byte == '+' && decoding == DECODE_FORM) {
            byte = ' ';
        } else if (byte == '%') {
            int high = i + 1 < raw.size ? hex_value(raw.data[i + 1]) : -1;
            int low = i + 2 < raw.size ? hex_value(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            byte = (uint8_t)(high * 16 + low);
            if (byte == 0 || (byte == '/' && decoding == DECODE_PATH)) {
                return false;
            }
            i += 2;
        }
        decoded[size] = byte;
        size++;
    }
    *out_text = bytes_of(decoded, size);
    return text_is_utf8(*out_text);
}

static size_t byte_count(bytes text, uint8_t byte) {
    size_t count = 0;
    for (size_t at = bytes_find(text, 0, byte); at < text.size;
         at = bytes_find(text, at + 1, byte)) {
        count++;
    }
    return count;
}

static bool path_split(struct http_request *request, struct arena *arena) {
    bytes path = request->path;
    size_t count = byte_count(path, '/');
    bytes *segments = ARENA_ARRAY(arena, bytes, count);
    size_t begin = 1;
    for (size_t i = 0; i < count; i++) {
        size_t end = bytes_find(path, begin, '/');
        if (!percent_decode(bytes_slice(path, begin, end), DECODE_PATH, arena, &segments[i])) {
            return false;
        }
        begin = end + 1;
    }
    request->segments = segments;
    request->segment_count = count;
    return true;
}

static bool query_split(struct http_request *request, bytes query, struct arena *arena) {
    if (query.size == 0) {
        return true;
    }
    struct http_field *parameters =
        ARENA_ARRAY(arena, struct http_field, byte_count(query, '&') + 1);
    size_t count = 0;
    for (size_t begin = 0; begin < query.size;) {
        size_t end = bytes_find(query, begin, '&');
        bytes piece = bytes_slice(query, begin, end);
        begin = end + 1;
        if (piece.size == 0) {
            continue;
        }
        size_t equals = bytes_find(piece, 0, '=');
        bytes name = bytes_slice(piece, 0, equals);
        bytes value = bytes_slice(piece, equals + (equals < piece.size), piece.size);
        struct http_field *parameter = &parameters[count];
        if (!percent_decode(name, DECODE_FORM, arena, &parameter->name) ||
            !percent_decode(value, DECODE_FORM, arena, &parameter->value)) {
            return false;
        }
        count++;
    }
    request->parameters = parameters;
    request->parameter_count = count;
    return true;
}

// The size of "http://" or "https://" at the begin of `target`, 0 when it is neither.
static size_t scheme_bytes(bytes target) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (target.size >= size && strncasecmp((const char *)target.data, schemes[i], size) == 0) {
            return size;
        }
    }
    return 0;
}

struct http_refusal http_target_parse(struct http_request *request, struct arena *arena) {
    bytes target = request->target;
    if (bytes_equal_text(target, "*") && request->method == HTTP_METHOD_OPTIONS) {
        request->path = target;
        return HTTP_REFUSAL_NOT;
    }
    if (target.size == 0 || !http_grammar_all(&http_grammar_target, target)) {
        return not_a_target;
    }
    size_t authority = scheme_bytes(target);
    size_t begin = authority;
    while (authority > 0 && begin < target.size && target.data[begin] != '/' &&
           target.data[begin] != '?') {
        begin++;
    }
    bytes host = bytes_slice(target, authority, begin);
    if (authority > 0 && (host.size == 0 || !http_grammar_all(&http_grammar_host, host))) {
        return not_a_target;
    }
    size_t question = bytes_find(target, begin, '?');
    request->path = bytes_slice(target, begin, question);
    if (authority > 0 && request->path.size == 0) {
        request->path = BYTES_LITERAL("/");
    }
    if (request->path.size == 0 || request->path.data[0] != '/') {
        return not_a_target;
    }
    bytes query = bytes_slice(target, question + (question < target.size), target.size);
    if (!path_split(request, arena) || !query_split(request, query, arena)) {
        return (struct http_refusal){
            HTTP_REFUSAL_MALFORMED,
            "a percent code in the request target is refused",
        };
    }
    return HTTP_REFUSAL_NOT;
}
