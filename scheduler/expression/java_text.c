// Values as Java prints them inside a text: `{k=v}`, `[a, b]`, `1.0`, `1.5E10`.
//
// Double.toString prints the fewest digits, but no fewer than two, that read back as the same
// double. At most sixteen trials of %.*e find them; the exact algorithms are faster and longer, and
// only decimals inside texts ask.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/jsonpath_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append_java(struct buffer *text, bytes value, struct arena *arena);

bytes expression_java_text(bytes value, struct arena *arena) {
    if (json_is_string(value)) {
        return json_string(value, arena);
    }
    struct buffer text;
    buffer_init(&text, SIZE_MAX); // shorter than four times the value, which was bounded
    append_java(&text, value, arena);
    bytes copied = arena_copy(arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return copied;
}

// The shortest digits of a finite, positive double without trailing zeros, and the power of ten of
// the first one.
static size_t shortest_digits(double value, char digits[20], int *out_power) {
    char text[40] = "";
    for (int precision = 1; precision < 17; precision++) {
        double back = 0;
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        if (json_double(bytes_from_text(text), &back) && !(back < value) && !(back > value)) {
            break;
        }
    }
    size_t count = 0;
    const char *at = text;
    for (; *at != 'e' && *at != 0; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[count++] = *at;
        }
    }
    *out_power = *at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0;
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}

// Digits with the point behind the first `whole` of them, zeros where there are none.
static void append_pointed(struct buffer *text, const char *digits, size_t count, int whole) {
    for (int i = 0; i < whole; i++) {
        buffer_append_byte(text, (size_t)i < count ? (uint8_t)digits[i] : '0');
    }
    if (whole <= 0) {
        buffer_append_byte(text, '0');
    }
    buffer_append_byte(text, '.');
    for (int i = whole; i < 0; i++) {
        buffer_append_byte(text, '0');
    }
    size_t from = whole > 0 ? (size_t)whole : 0;
    for (size_t i = from; i < count; i++) {
        buffer_append_byte(text, (uint8_t)digits[i]);
    }
    if (from >= count) {
        buffer_append_byte(text, '0');
    }
}

static void append_double(struct buffer *text, double value) {
    if (signbit(value)) {
        buffer_append_byte(text, '-');
        value = -value;
    }
    if (!isfinite(value)) {
        buffer_append_text(text, "Infinity");
        return;
    }
    if (fpclassify(value) == FP_ZERO) {
        buffer_append_text(text, "0.0");
        return;
    }
    char digits[20];
    int power = 0;
    size_t count = shortest_digits(value, digits, &power);
    if (power >= -3 && power < 7) {
        append_pointed(text, digits, count, power + 1);
    } else {
        append_pointed(text, digits, count, 1);
        buffer_format(text, "E%d", power);
    }
}

bytes java_double_text(double value, struct arena *arena) {
    struct buffer text;
    buffer_init(&text, 64);
    append_double(&text, value);
    bytes copied = arena_copy(arena, buffer_bytes(&text));
    buffer_deinit(&text);
    return copied;
}

static void append_number(struct buffer *text, bytes value) {
    double number = 0;
    if (json_number_is_integer_text(value)) {
        buffer_append(text, bytes_equal_text(value, "-0") ? BYTES_LITERAL("0") : value);
    } else if (json_double(value, &number)) {
        append_double(text, number);
    }
}

static void append_object(struct buffer *text, bytes value, struct arena *arena) {
    struct json_iter iter = json_iter(value);
    bytes key = BYTES_EMPTY;
    bytes member = BYTES_EMPTY;
    const char *between = "{";
    while (json_next_member(&iter, &key, &member)) {
        buffer_append_text(text, between);
        buffer_append(text, json_string(key, arena));
        buffer_append_byte(text, '=');
        append_java(text, member, arena);
        between = ", ";
    }
    buffer_append_text(text, between[0] == '{' ? "{}" : "}");
}

static void append_array(struct buffer *text, bytes value, struct arena *arena) {
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    const char *between = "[";
    while (json_next_element(&iter, &element)) {
        buffer_append_text(text, between);
        append_java(text, element, arena);
        between = ", ";
    }
    buffer_append_text(text, between[0] == '[' ? "[]" : "]");
}

static void append_java(struct buffer *text, bytes value, struct arena *arena) {
    switch (json_kind(value)) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        buffer_append(text, value);
        break;
    case JSON_NUMBER:
        append_number(text, value);
        break;
    case JSON_STRING:
        buffer_append(text, json_string(value, arena));
        break;
    case JSON_ARRAY:
        append_array(text, value, arena);
        break;
    case JSON_OBJECT:
        append_object(text, value, arena);
        break;
    }
}
