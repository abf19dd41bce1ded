// Scalars the way the reference's JSON library takes them: a number for a string, a string for a
// number, 0 and 1 for booleans, the whole part of a decimal for an integer (models.md §0.2).
//
// What has no reading as the kind wanted is refused with the field and the value in the text; the
// value is cut at a character's border, so that the text stays UTF-8.
#include "proto/api/model_internal.h"

#include <math.h>

enum {
    // A value in an error text: enough to recognise it, little enough to log.
    SHOWN_BYTES = 80,
};

static const char *const kind_meanings[] = {
#define KIND_MEANING(kind, meaning) meaning,
    API_KINDS(KIND_MEANING)};

err api_wrong_value(const struct api_field *field, bytes value, struct arena *arena) {
    size_t shown = value.size;
    if (shown > SHOWN_BYTES) {
        shown = SHOWN_BYTES;
        while (shown > 0 && (value.data[shown] & 0xC0) == 0x80) {
            shown--;
        }
    }
    return err_make(
        ERR_INVALID,
        arena_format(
            arena,
            "field '%s': %.*s%s is not %s",
            field->name,
            (int)shown,
            (const char *)value.data,
            shown < value.size ? "..." : "",
            kind_meanings[field->kind]
        )
    );
}

static bool is_narrow(enum api_kind kind) {
    return kind == API_KIND_INT32 || kind == API_KIND_OPTIONAL_INT32;
}

// The whole part of a decimal number. False: out of range of 64 bits.
static bool whole_part(bytes number, int64_t *out_value) {
    double value = 0;
    if (!json_double(number, &value) || !(fabs(value) < 9223372036854775808.0)) {
        return false;
    }
    *out_value = (int64_t)value;
    return true;
}

err api_coerce_integer(
    const struct api_field *field, bytes value, struct arena *arena, int64_t *out_value
) {
    int64_t integer = 0;
    enum json_kind kind = json_kind(value);
    bool read = false;
    if (kind == JSON_NUMBER) {
        read = json_i64(value, &integer) || whole_part(value, &integer);
    } else if (kind == JSON_STRING) {
        bytes text = bytes_trim(json_string(value, arena));
        read = text.size == 0 || bytes_parse_i64(text, &integer);
    }
    if (!read || (is_narrow(field->kind) && (integer < INT32_MIN || integer > INT32_MAX))) {
        return api_wrong_value(field, value, arena);
    }
    *out_value = integer;
    return ERR_NONE;
}

static bool bool_of_text(bytes text, bool *out_value) {
    static const char *const truths[] = {"true", "True", "TRUE"};
    static const char *const lies[] = {"false", "False", "FALSE", ""};
    for (size_t index = 0; index < sizeof(truths) / sizeof(truths[0]); index++) {
        if (bytes_equal_text(text, truths[index])) {
            *out_value = true;
            return true;
        }
    }
    for (size_t index = 0; index < sizeof(lies) / sizeof(lies[0]); index++) {
        if (bytes_equal_text(text, lies[index])) {
            *out_value = false;
            return true;
        }
    }
    return false;
}

err api_coerce_bool(
    const struct api_field *field, bytes value, struct arena *arena, bool *out_value
) {
    enum json_kind kind = json_kind(value);
    int64_t integer = 0;
    if (kind == JSON_TRUE || kind == JSON_FALSE) {
        *out_value = kind == JSON_TRUE;
        return ERR_NONE;
    }
    if (kind == JSON_NUMBER && json_i64(value, &integer)) {
        *out_value = integer != 0;
        return ERR_NONE;
    }
    if (kind == JSON_STRING && bool_of_text(bytes_trim(json_string(value, arena)), out_value)) {
        return ERR_NONE;
    }
    return api_wrong_value(field, value, arena);
}

err api_coerce_text(
    const struct api_field *field, bytes value, struct arena *arena, bytes *out_text
) {
    switch (json_kind(value)) {
    case JSON_STRING:
        *out_text = json_string(value, arena);
        return ERR_NONE;
    case JSON_NUMBER:
    case JSON_TRUE:
    case JSON_FALSE:
        *out_text = value;
        return ERR_NONE;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return api_wrong_value(field, value, arena);
}

err api_coerce_enum(
    const struct api_field *field, bytes value, struct arena *arena, int *out_constant
) {
    const struct api_enum *table = field->enumeration;
    int64_t ordinal = 0;
    if (json_number_is_integer_text(value) && json_i64(value, &ordinal)) {
        if (ordinal >= 0 && ordinal < table->count) {
            *out_constant = (int)ordinal + 1;
            return ERR_NONE;
        }
        return api_wrong_value(field, value, arena);
    }
    if (json_is_string(value)) {
        for (int index = 0; index < table->count; index++) {
            if (json_string_equal(value, bytes_from_text(table->texts[index]))) {
                *out_constant = index + 1;
                return ERR_NONE;
            }
        }
    }
    return api_wrong_value(field, value, arena);
}
