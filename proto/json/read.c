// Finding things in validated text by skipping over the rest. Nothing here builds a tree or keeps
// an index: documents are read once or twice, and skipping runs at memory speed.
#include "proto/base/check.h"
#include "proto/json/json_internal.h"

enum json_kind json_kind(bytes value) {
    check(value.size > 0);
    switch (value.data[0]) {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return JSON_NUMBER;
    }
}

static bool starts_with(bytes value, uint8_t byte) {
    return value.size > 0 && value.data[0] == byte;
}

bool json_is_null(bytes value) {
    return starts_with(value, 'n');
}

bool json_is_object(bytes value) {
    return starts_with(value, '{');
}

bool json_is_array(bytes value) {
    return starts_with(value, '[');
}

bool json_is_string(bytes value) {
    return starts_with(value, '"') && value.size >= 2;
}

// --- walking -------------------------------------------------------------------------------------

struct json_iter json_iter(bytes container) {
    check(json_is_object(container) || json_is_array(container));
    return (struct json_iter){bytes_of(container.data + 1, container.size - 1), true};
}

static bytes between(const uint8_t *from, const uint8_t *to) {
    return bytes_of(from, (size_t)(to - from));
}

// To the next key or element, past the comma. NULL: the container ends.
static const uint8_t *next_start(struct json_iter *iter, const uint8_t *end) {
    const uint8_t *at = json_skip_blanks(iter->rest.data, end);
    if (at >= end || *at == '}' || *at == ']') {
        return NULL;
    }
    if (!iter->first) {
        at = json_skip_blanks(at + 1, end);
    }
    iter->first = false;
    return at;
}

bool json_next_member(struct json_iter *iter, bytes *out_raw_key, bytes *out_value) {
    const uint8_t *end = iter->rest.data + iter->rest.size;
    const uint8_t *key = next_start(iter, end);
    if (key == NULL) {
        return false;
    }
    check(*key == '"');
    const uint8_t *key_end = json_skip_string(key, end);
    const uint8_t *colon = json_skip_blanks(key_end, end);
    check(colon < end && *colon == ':');
    const uint8_t *value = json_skip_blanks(colon + 1, end);
    const uint8_t *value_end = json_skip_value(value, end);
    *out_raw_key = between(key, key_end);
    *out_value = between(value, value_end);
    iter->rest = between(value_end, end);
    return true;
}

bool json_next_element(struct json_iter *iter, bytes *out_value) {
    const uint8_t *end = iter->rest.data + iter->rest.size;
    const uint8_t *value = next_start(iter, end);
    if (value == NULL) {
        return false;
    }
    const uint8_t *value_end = json_skip_value(value, end);
    *out_value = between(value, value_end);
    iter->rest = between(value_end, end);
    return true;
}

size_t json_count(bytes container) {
    struct json_iter iter = json_iter(container);
    bytes key;
    bytes value;
    size_t count = 0;
    if (json_is_object(container)) {
        while (json_next_member(&iter, &key, &value)) {
            count++;
        }
        return count;
    }
    while (json_next_element(&iter, &value)) {
        count++;
    }
    return count;
}

bool json_get(bytes object, bytes key, bytes *out_value) {
    if (!json_is_object(object)) {
        return false;
    }
    struct json_iter iter = json_iter(object);
    bytes raw_key;
    bytes value;
    bool found = false;
    while (json_next_member(&iter, &raw_key, &value)) {
        if (json_string_equal(raw_key, key)) {
            *out_value = value;
            found = true;
        }
    }
    return found;
}

bool json_get_text(bytes object, const char *key, bytes *out_value) {
    return json_get(object, bytes_from_text(key), out_value);
}

// --- strings -------------------------------------------------------------------------------------

static bool decodes_to(bytes inner, bytes text) {
    const uint8_t *at = inner.data;
    const uint8_t *end = inner.data + inner.size;
    size_t matched = 0;
    while (at < end) {
        uint8_t character[4];
        size_t size = json_next_character(&at, end, character);
        if (text.size - matched < size || memcmp(text.data + matched, character, size) != 0) {
            return false;
        }
        matched += size;
    }
    return matched == text.size;
}

// An escape is always longer than what it stands for, so sizes decide most cases.
bool json_string_equal(bytes raw_string, bytes text) {
    bytes inner = json_inner(raw_string);
    if (inner.size < text.size) {
        return false;
    }
    if (inner.size == text.size) {
        return bytes_equal(inner, text) && !json_has_escape(inner);
    }
    return json_has_escape(inner) && decodes_to(inner, text);
}

bytes json_string(bytes raw_string, struct arena *arena) {
    bytes inner = json_inner(raw_string);
    size_t plain = bytes_find(inner, 0, '\\');
    if (plain == inner.size) {
        return inner;
    }
    uint8_t *text = arena_alloc(arena, inner.size);
    memcpy(text, inner.data, plain);
    size_t size = plain;
    const uint8_t *at = inner.data + plain;
    const uint8_t *end = inner.data + inner.size;
    while (at < end) {
        uint8_t character[4];
        size_t character_size = json_next_character(&at, end, character);
        memcpy(text + size, character, character_size);
        size += character_size;
    }
    return bytes_of(text, size);
}
