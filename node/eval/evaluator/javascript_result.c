// JSON in and out of the engine. The way in is one pass over text that was validated before it came
// here; it still trusts no length. The way out asks the engine for own enumerable keys, as the
// reference does, so getters and proxies run inside the script's deadline.
#include "node/eval/evaluator/javascript_internal.h"
#include "proto/json/json.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

// --- in ------------------------------------------------------------------------------------------

struct reader {
    struct javascript *javascript;
    JSContext *context;
    bytes json;
    size_t at;
    struct arena *arena;
};

static JSValue malformed(struct reader *reader) {
    return JS_ThrowSyntaxError(reader->context, "the input is not JSON");
}

static uint8_t peek(struct reader *reader) {
    while (reader->at < reader->json.size && memchr(" \t\r\n", reader->json.data[reader->at], 4)) {
        reader->at++;
    }
    return reader->at < reader->json.size ? reader->json.data[reader->at] : 0;
}

// The raw string at the reader, with its quotes; empty when there is none.
static bytes take_string(struct reader *reader, bool *out_escaped) {
    size_t from = reader->at;
    *out_escaped = false;
    for (size_t at = from + 1; at < reader->json.size; at++) {
        if (reader->json.data[at] == '"') {
            reader->at = at + 1;
            return bytes_slice(reader->json, from, at + 1);
        }
        if (reader->json.data[at] == '\\') {
            *out_escaped = true;
            at++;
        }
    }
    return BYTES_EMPTY;
}

static bytes take_text(struct reader *reader, bool *out_found) {
    bool escaped = false;
    bytes raw = peek(reader) == '"' ? take_string(reader, &escaped) : BYTES_EMPTY;
    *out_found = raw.size >= 2;
    if (!*out_found) {
        return BYTES_EMPTY;
    }
    return escaped ? json_string(raw, reader->arena) : bytes_slice(raw, 1, raw.size - 1);
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static JSValue read_number(struct reader *reader) {
    size_t from = reader->at;
    int64_t value = 0;
    bool negative = reader->json.data[from] == '-';
    size_t at = from + negative;
    for (; at < reader->json.size && is_digit(reader->json.data[at]) && at - from < 16; at++) {
        value = value * 10 + (reader->json.data[at] - '0');
    }
    bool more = at < reader->json.size && memchr("0123456789.eE+-", reader->json.data[at], 15);
    if (!more && at > from + negative && value != 0) {
        reader->at = at;
        return JS_NewInt64(reader->context, negative ? -value : value);
    }
    while (at < reader->json.size && memchr("0123456789.eE+-", reader->json.data[at], 15)) {
        at++;
    }
    reader->at = at;
    double real = 0;
    if (at == from || !json_double(bytes_slice(reader->json, from, at), &real)) {
        return malformed(reader);
    }
    return JS_NewNumber(reader->context, real);
}

static JSValue read_word(struct reader *reader, const char *word, JSValue value) {
    size_t size = strlen(word);
    if (reader->json.size - reader->at < size ||
        memcmp(reader->json.data + reader->at, word, size) != 0) {
        return malformed(reader);
    }
    reader->at += size;
    return value;
}

static JSValue read_value(struct reader *reader, size_t depth);

static JSValue read_object(struct reader *reader, size_t depth) {
    JSContext *context = reader->context;
    JSValue object = JS_NewObjectProto(context, reader->javascript->map_prototype);
    reader->at++;
    bool first = true;
    while (!JS_IsException(object) && peek(reader) != '}') {
        if (!first && peek(reader) != ',') {
            return malformed(reader);
        }
        reader->at += first ? 0 : 1;
        first = false;
        bool found = false;
        bytes key = take_text(reader, &found);
        if (!found || peek(reader) != ':') {
            return malformed(reader);
        }
        reader->at++;
        JSAtom atom = JS_NewAtomLen(context, key.size ? (const char *)key.data : "", key.size);
        JSValue value = read_value(reader, depth + 1);
        if (atom == JS_ATOM_NULL || JS_IsException(value) ||
            JS_DefinePropertyValue(context, object, atom, value, JS_PROP_C_W_E) < 0) {
            return JS_EXCEPTION;
        }
    }
    reader->at++;
    return object;
}

static JSValue read_array(struct reader *reader, size_t depth) {
    JSContext *context = reader->context;
    JSValue array = JS_NewArray(context);
    reader->at++;
    uint32_t count = 0;
    while (!JS_IsException(array) && peek(reader) != ']') {
        if (count > 0 && peek(reader) != ',') {
            return malformed(reader);
        }
        reader->at += count > 0;
        JSValue value = read_value(reader, depth + 1);
        if (JS_IsException(value) ||
            JS_DefinePropertyValueUint32(context, array, count++, value, JS_PROP_C_W_E) < 0) {
            return JS_EXCEPTION;
        }
    }
    reader->at++;
    if (JS_IsException(array) ||
        JS_SetPrototype(context, array, reader->javascript->list_prototype) < 0) {
        return JS_EXCEPTION;
    }
    return array;
}

static JSValue read_value(struct reader *reader, size_t depth) {
    if (depth > LIMIT_JSON_DEPTH) {
        return malformed(reader);
    }
    switch (peek(reader)) {
    case '{':
        return read_object(reader, depth);
    case '[':
        return read_array(reader, depth);
    case '"': {
        bool found = false;
        bytes text = take_text(reader, &found);
        const char *start = text.size ? (const char *)text.data : "";
        return found ? JS_NewStringLen(reader->context, start, text.size) : malformed(reader);
    }
    case 't':
        return read_word(reader, "true", JS_TRUE);
    case 'f':
        return read_word(reader, "false", JS_FALSE);
    case 'n':
        return read_word(reader, "null", JS_NULL);
    default:
        return reader->at < reader->json.size ? read_number(reader) : malformed(reader);
    }
}

JSValue javascript_input(struct javascript *javascript, bytes json, struct arena *arena) {
    struct reader reader = {
        .javascript = javascript, .context = javascript->context, .json = json, .arena = arena};
    return read_value(&reader, 0);
}

// --- out -----------------------------------------------------------------------------------------

// Half a surrogate pair, which the engine writes as three bytes, is '?' as in the reference.
static bytes without_halves(struct javascript *javascript, bytes text) {
    size_t from = 0;
    uint8_t *copy = NULL;
    size_t size = 0;
    for (size_t at = 0; at + 2 < text.size; at++) {
        if (text.data[at] != 0xed || text.data[at + 1] < 0xa0) {
            continue;
        }
        copy = copy != NULL ? copy : js_malloc(javascript->context, text.size);
        if (copy == NULL) {
            return BYTES_EMPTY;
        }
        memcpy(copy + size, text.data + from, at - from);
        size += at - from;
        copy[size++] = '?';
        from = at + 3;
        at += 2;
    }
    if (copy == NULL) {
        return text;
    }
    memcpy(copy + size, text.data + from, text.size - from);
    return bytes_of(copy, size + text.size - from);
}

static void put_text(struct javascript *javascript, const char *text, size_t size) {
    json_escape(&javascript->out, without_halves(javascript, bytes_of(text, size)));
}

static int put_string(struct javascript *javascript, JSValueConst value) {
    size_t size = 0;
    const char *text = JS_ToCStringLen(javascript->context, &size, value);
    if (text == NULL) {
        return -1;
    }
    put_text(javascript, text, size);
    JS_FreeCString(javascript->context, text);
    return 0;
}

static int put_number(struct javascript *javascript, JSValueConst value) {
    double number = 0;
    if (JS_ToFloat64(javascript->context, &number, value) < 0) {
        return -1;
    }
    numbers_put(javascript->numbers, number, &javascript->out);
    return 0;
}

// One of 64 bits is a number; a longer one has no JSON form in the reference.
static int put_big_integer(struct javascript *javascript, JSValueConst value) {
    size_t size = 0;
    const char *text = JS_ToCStringLen(javascript->context, &size, value);
    if (text == NULL) {
        return -1;
    }
    int64_t number = 0;
    bool fits = bytes_parse_i64(bytes_of(text, size), &number);
    buffer_append(&javascript->out, fits ? bytes_of(text, size) : BYTES_LITERAL("{}"));
    return 0;
}

static int put_list(struct javascript *javascript, JSValueConst list, size_t depth) {
    JSContext *context = javascript->context;
    int64_t count = 0;
    if (JS_GetLength(context, list, &count) < 0) {
        return -1;
    }
    buffer_append_byte(&javascript->out, '[');
    for (int64_t i = 0; i < count && !javascript->out.overflowed; i++) {
        if (i > 0) {
            buffer_append_byte(&javascript->out, ',');
        }
        JSValue value = JS_GetPropertyInt64(context, list, i);
        if (JS_IsException(value) || javascript_put_result(javascript, value, depth + 1) < 0) {
            return -1;
        }
        JS_FreeValue(context, value);
    }
    buffer_append_byte(&javascript->out, ']');
    return 0;
}

// Keys of a Map are texts.
static int put_map(struct javascript *javascript, JSValueConst map, size_t depth) {
    JSContext *context = javascript->context;
    JSValue entries = JS_Call(context, javascript->entries_of, JS_UNDEFINED, 1, &map);
    int64_t count = 0;
    if (JS_IsException(entries) || JS_GetLength(context, entries, &count) < 0) {
        return -1;
    }
    buffer_append_byte(&javascript->out, '{');
    for (int64_t i = 0; i < count; i++) {
        JSValue entry = JS_GetPropertyInt64(context, entries, i);
        JSValue key = JS_GetPropertyUint32(context, entry, 0);
        JSValue value = JS_GetPropertyUint32(context, entry, 1);
        if (i > 0) {
            buffer_append_byte(&javascript->out, ',');
        }
        if (put_string(javascript, key) < 0) {
            return -1;
        }
        buffer_append_byte(&javascript->out, ':');
        if (javascript_put_result(javascript, value, depth + 1) < 0) {
            return -1;
        }
    }
    buffer_append_byte(&javascript->out, '}');
    return 0;
}

static int put_members(struct javascript *javascript, JSValueConst object, size_t depth) {
    JSContext *context = javascript->context;
    JSPropertyEnum *keys = NULL;
    uint32_t count = 0;
    if (JS_GetOwnPropertyNames(
            context, &keys, &count, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY
        ) < 0) {
        return -1;
    }
    buffer_append_byte(&javascript->out, '{');
    for (uint32_t i = 0; i < count && !javascript->out.overflowed; i++) {
        if (i > 0) {
            buffer_append_byte(&javascript->out, ',');
        }
        size_t size = 0;
        const char *key = JS_AtomToCStringLen(context, &size, keys[i].atom);
        if (key == NULL) {
            return -1;
        }
        put_text(javascript, key, size);
        JS_FreeCString(context, key);
        buffer_append_byte(&javascript->out, ':');
        JSValue value = JS_GetProperty(context, object, keys[i].atom);
        if (JS_IsException(value) || javascript_put_result(javascript, value, depth + 1) < 0) {
            return -1;
        }
        JS_FreeValue(context, value);
    }
    JS_FreePropertyEnum(context, keys, count);
    buffer_append_byte(&javascript->out, '}');
    return 0;
}

static int put_object(struct javascript *javascript, JSValueConst object, size_t depth) {
    JSContext *context = javascript->context;
    JSClassID class = JS_GetClassID(object);
    if (JS_IsFunction(context, object)) {
        buffer_append_text(&javascript->out, "{}");
        return 0;
    }
    if (class == javascript->boxed_class[BOXED_NUMBER]) {
        return put_number(javascript, object);
    }
    if (class == javascript->boxed_class[BOXED_STRING]) {
        return put_string(javascript, object);
    }
    if (class == javascript->map_class) {
        return put_map(javascript, object, depth);
    }
    if (JS_IsArray(object) || JS_GetTypedArrayType(object) >= 0) {
        return put_list(javascript, object, depth);
    }
    return put_members(javascript, object, depth);
}

int javascript_put_result(struct javascript *javascript, JSValueConst value, size_t depth) {
    struct buffer *out = &javascript->out;
    if (depth > LIMIT_JSON_DEPTH) {
        JS_ThrowRangeError(
            javascript->context, "the result is nested too deeply or contains itself"
        );
        return -1;
    }
    if (JS_IsNull(value) || JS_IsUndefined(value)) {
        buffer_append_text(out, "null");
    } else if (JS_IsBool(value)) {
        buffer_append_text(out, JS_ToBool(javascript->context, value) ? "true" : "false");
    } else if (JS_IsNumber(value)) {
        return put_number(javascript, value);
    } else if (JS_IsString(value)) {
        return put_string(javascript, value);
    } else if (JS_IsBigInt(value)) {
        return put_big_integer(javascript, value);
    } else if (JS_IsObject(value)) {
        return put_object(javascript, value, depth);
    } else {
        buffer_append_text(out, "{}"); // a symbol
    }
    return 0;
}
