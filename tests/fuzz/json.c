// Any bytes through json_validate; what it accepts is read, compared, rewritten and merged, and
// each way back must give the same value.
#include "proto/json/json.h"

#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

static bytes validated(bytes text, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    err error = json_validate(text, arena, &value);
    check(!err_is(error));
    check(bytes_equal(value, text));
    return value;
}

static void check_string(bytes raw, struct arena *arena) {
    bytes text = json_string(raw, arena);
    check(text.size <= raw.size - 2);
    bytes escaped = validated(json_string_value(text, arena), arena);
    check(bytes_equal(json_string(escaped, arena), text));
    check(json_string_equal(escaped, text));
    check(json_string_equal(raw, text));
    check(json_equal(raw, escaped));
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    json_escape(&buffer, text);
    check(bytes_equal(buffer_bytes(&buffer), escaped));
    buffer_deinit(&buffer);
    // one byte more is another text
    uint8_t *longer = arena_alloc(arena, text.size + 1);
    if (text.size > 0) {
        memcpy(longer, text.data, text.size);
    }
    longer[text.size] = 'x';
    check(!json_string_equal(raw, bytes_of(longer, text.size + 1)));
    check(!json_equal(raw, json_string_value(bytes_of(longer, text.size + 1), arena)));
}

// Other spellings of the value are equal to it, other powers of ten are not.
static void check_spellings(bytes number, struct arena *arena) {
    if (bytes_find(number, 0, 'e') < number.size || bytes_find(number, 0, 'E') < number.size) {
        return;
    }
    bool zero = json_equal(number, BYTES_LITERAL("0"));
    for (int shift = -20; shift <= 20; shift++) {
        const char *text = arena_format(arena, "%.*se%+03d", BYTES_ARG(number), shift);
        bool equal = json_equal(number, validated(bytes_from_text(text), arena));
        check(equal == (zero || shift == 0));
    }
    bool fraction = bytes_find(number, 0, '.') < number.size;
    const char *zeros = arena_format(arena, "%.*s%s", BYTES_ARG(number), fraction ? "000" : ".000");
    check(json_equal(number, validated(bytes_from_text(zeros), arena)));
    const char *more = arena_format(arena, "%s1", zeros);
    check(!json_equal(number, validated(bytes_from_text(more), arena)));
}

static void check_number(bytes number, struct arena *arena) {
    double approximate = 0;
    check(json_double(number, &approximate));
    check(approximate <= 0 || approximate >= 0);
    int64_t integer = 0;
    if (json_i64(number, &integer)) {
        bytes text = bytes_from_text(arena_format(arena, "%lld", (long long)integer));
        check(json_equal(number, text));
        check(json_number_is_integer_text(text));
    } else if (json_number_is_integer_text(number)) {
        check(approximate >= 9.2e18 || approximate <= -9.2e18);
    }
    check_spellings(number, arena);
}

// The value again through the writer, with every string decoded and escaped.
static void rewrite(struct json_writer *writer, bytes value, struct arena *arena) {
    struct json_iter iter;
    bytes key;
    bytes item;
    size_t count = 0;
    switch (json_kind(value)) {
    case JSON_OBJECT:
        iter = json_iter(value);
        json_object_begin(writer);
        for (; json_next_member(&iter, &key, &item); count++) {
            check_string(key, arena);
            bytes found;
            check(json_get(value, json_string(key, arena), &found));
            json_key_bytes(writer, json_string(key, arena));
            rewrite(writer, item, arena);
        }
        json_object_end(writer);
        check(json_count(value) == count);
        return;
    case JSON_ARRAY:
        iter = json_iter(value);
        json_array_begin(writer);
        for (; json_next_element(&iter, &item); count++) {
            rewrite(writer, item, arena);
        }
        json_array_end(writer);
        check(json_count(value) == count);
        return;
    case JSON_STRING:
        check_string(value, arena);
        json_text(writer, json_string(value, arena));
        return;
    case JSON_NUMBER:
        check_number(value, arena);
        json_raw(writer, value);
        return;
    case JSON_NULL:
        json_null(writer);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(writer, json_kind(value) == JSON_TRUE);
        return;
    }
}

static void check_merges(bytes object, struct arena *arena) {
    bytes merged = validated(json_merge(object, JSON_EMPTY_OBJECT, arena), arena);
    check(json_equal(merged, object));
    check(json_equal(validated(json_merge(JSON_EMPTY_OBJECT, object, arena), arena), object));
    bytes twice = validated(json_merge(object, object, arena), arena);
    check(bytes_equal(twice, merged));
    bytes more = json_merge(object, BYTES_LITERAL("{\"\\u0000a key of no seed\":1}"), arena);
    check(json_count(validated(more, arena)) == json_count(merged) + 1);
    check(!json_equal(more, object));
}

static void check_value(bytes value, struct arena *arena) {
    bytes compact = validated(json_compact(value, arena), arena);
    check(json_compact(compact, arena).data == compact.data);
    check(json_equal(value, compact));
    struct buffer buffer;
    buffer_init(&buffer, SIZE_MAX);
    struct json_writer writer = json_writer(&buffer);
    rewrite(&writer, value, arena);
    bytes rewritten = validated(buffer_bytes(&buffer), arena);
    check(json_equal(value, rewritten));
    check(json_equal(rewritten, compact));
    buffer_deinit(&buffer);
    // equal without being the same bytes
    struct arena *own = arena_create(64);
    bytes tight = bytes_from_text(arena_format(own, "[%.*s]", BYTES_ARG(value)));
    bytes loose = bytes_from_text(arena_format(own, "[\n%.*s ]", BYTES_ARG(value)));
    check(json_equal(tight, loose));
    arena_destroy(&own);
    if (json_is_object(value)) {
        check_merges(value, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct arena *arena = arena_create(4096);
    bytes value = BYTES_EMPTY;
    err error = json_validate(bytes_of(input, size), arena, &value);
    if (err_is(error)) {
        check(error.code == ERR_INVALID);
    } else {
        check(value.size > 0 && value.data >= input && value.data + value.size <= input + size);
        check_value(value, arena);
    }
    arena_destroy(&arena);
    return 0;
}
