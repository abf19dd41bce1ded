// Paths and queries taken apart, and query parameters read by their row.
//
// A path is split before it is decoded, so that an encoded slash could hide a segment: it is
// refused, as is an encoded zero. '+' is a blank in a query and itself in a path (rest-api.md §1).
#include "proto/api/route.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <string.h>

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

// Whether `text` is UTF-8 without overlong forms, surrogates or code points over U+10FFFF.
static bool is_utf8(bytes text) {
    for (size_t at = 0; at < text.size;) {
        uint8_t lead = text.data[at];
        size_t more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || text.size - at <= more) {
            return false;
        }
        for (size_t index = 1; index <= more; index++) {
            if ((text.data[at + index] & 0xC0) != 0x80) {
                return false;
            }
        }
        uint8_t second = more > 0 ? text.data[at + 1] : 0;
        if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
            (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
            return false;
        }
        at += more + 1;
    }
    return true;
}

// Percent-decodes once; with `plus_is_blank` as in forms. Borrows when nothing is escaped.
static err percent_decode(bytes text, bool plus_is_blank, struct arena *arena, bytes *out_text) {
    bool plain = bytes_find(text, 0, '%') == text.size &&
                 (!plus_is_blank || bytes_find(text, 0, '+') == text.size);
    if (!plain) {
        uint8_t *decoded = arena_alloc(arena, text.size);
        size_t size = 0;
        for (size_t at = 0; at < text.size; at++) {
            uint8_t byte = text.data[at];
            if (byte == '%') {
                int high = at + 2 < text.size ? hex_digit(text.data[at + 1]) : -1;
                int low = at + 2 < text.size ? hex_digit(text.data[at + 2]) : -1;
                if (high < 0 || low < 0) {
                    return err_make(ERR_INVALID, "a percent escape in the address is malformed");
                }
                byte = (uint8_t)(high * 16 + low);
                at += 2;
            } else if (byte == '+' && plus_is_blank) {
                byte = ' ';
            }
            decoded[size++] = byte;
        }
        text = bytes_of(decoded, size);
    }
    if (!is_utf8(text) || bytes_find(text, 0, '\0') < text.size) {
        return err_make(ERR_INVALID, "the address is not UTF-8 text");
    }
    *out_text = text;
    return ERR_NONE;
}

err api_split_path(bytes path, struct arena *arena, bytes *out_segments, size_t *out_count) {
    if (path.size == 0 || path.data[0] != '/') {
        return err_make(ERR_INVALID, "the path does not begin with '/'");
    }
    bytes segments[API_PATH_SEGMENTS_MAX];
    size_t count = 0;
    for (size_t at = 1; at <= path.size;) {
        size_t end = bytes_find(path, at, '/');
        if (count == API_PATH_SEGMENTS_MAX) {
            return err_make(ERR_NOT_FOUND, "the path has more segments than any route");
        }
        TRY(percent_decode(bytes_slice(path, at, end), false, arena, &segments[count]));
        if (bytes_find(segments[count], 0, '/') < segments[count].size) {
            return err_make(ERR_INVALID, "an encoded slash in the path is refused");
        }
        count++;
        at = end + 1;
    }
    memcpy(out_segments, segments, count * sizeof(segments[0]));
    *out_count = count;
    return ERR_NONE;
}

static size_t count_of(bytes text, uint8_t byte) {
    size_t count = 0;
    for (size_t at = bytes_find(text, 0, byte); at < text.size;
         at = bytes_find(text, at + 1, byte)) {
        count++;
    }
    return count;
}

err api_split_query(bytes query, struct arena *arena, struct api_parameters *out_parameters) {
    size_t count_max = count_of(query, '&') + 1;
    if (count_max > LIMIT_API_QUERY_PARAMETERS) {
        return err_make(ERR_TOO_LARGE, "the query has too many parameters");
    }
    struct api_parameter *items = ARENA_ARRAY(arena, struct api_parameter, count_max);
    size_t count = 0;
    for (size_t at = 0; at < query.size;) {
        size_t end = bytes_find(query, at, '&');
        bytes pair = bytes_slice(query, at, end);
        at = end + 1;
        if (pair.size == 0) {
            continue;
        }
        size_t equals = bytes_find(pair, 0, '=');
        bytes value =
            equals < pair.size ? bytes_slice(pair, equals + 1, pair.size) : BYTES_LITERAL("");
        TRY(percent_decode(bytes_slice(pair, 0, equals), true, arena, &items[count].name));
        TRY(percent_decode(value, true, arena, &items[count].value));
        count++;
    }
    *out_parameters = (struct api_parameters){items, count};
    return ERR_NONE;
}

static const struct api_query *
query_row(const struct api_route *route, const char *name, enum api_query_type type) {
    const struct api_query *row = route->queries;
    while (row->name != NULL && strcmp(row->name, name) != 0) {
        row++;
    }
    check(row->name != NULL);
    check(row->type == type);
    return row;
}

// The first value of the parameter that is not empty, else the default; data NULL: neither.
static bytes first_value(const struct api_query *row, const struct api_parameters *parameters) {
    for (size_t index = 0; index < parameters->count; index++) {
        const struct api_parameter *item = &parameters->items[index];
        if (item->value.size > 0 && bytes_equal_text(item->name, row->name)) {
            return item->value;
        }
    }
    return row->default_text == NULL ? BYTES_EMPTY : bytes_from_text(row->default_text);
}

bytes api_query_text(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena
) {
    const struct api_query *row = query_row(route, name, API_QUERY_TEXT);
    size_t size = 0;
    size_t count = 0;
    for (size_t index = 0; index < parameters->count; index++) {
        if (bytes_equal_text(parameters->items[index].name, name)) {
            size += parameters->items[index].value.size + 1;
            count++;
        }
    }
    if (count <= 1) {
        return first_value(row, parameters);
    }
    uint8_t *joined = arena_alloc(arena, size);
    size_t at = 0;
    for (size_t index = 0; index < parameters->count; index++) {
        const struct api_parameter *item = &parameters->items[index];
        if (bytes_equal_text(item->name, name)) {
            if (item->value.size > 0) {
                memcpy(joined + at, item->value.data, item->value.size);
            }
            at += item->value.size;
            joined[at++] = ',';
        }
    }
    return bytes_of(joined, size - 1);
}

static err wrong_parameter(
    const struct api_query *row, bytes value, const char *meaning, struct arena *arena
) {
    return err_make(
        ERR_INVALID,
        arena_format(
            arena, "parameter '%s': '%.*s' is not %s", row->name, BYTES_ARG(value), meaning
        )
    );
}

err api_query_int(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    struct api_optional_int *out_value
) {
    const struct api_query *row = query_row(route, name, API_QUERY_INT);
    bytes text = first_value(row, parameters);
    struct api_optional_int value = {.present = text.data != NULL};
    if (value.present && !bytes_parse_i64(bytes_trim(text), &value.value)) {
        return wrong_parameter(row, text, "an integer", arena);
    }
    *out_value = value;
    return ERR_NONE;
}

static bool equal_ignoring_case(bytes text, const char *lower) {
    if (text.size != strlen(lower)) {
        return false;
    }
    for (size_t index = 0; index < text.size; index++) {
        uint8_t byte = text.data[index];
        uint8_t folded = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
        if (folded != (uint8_t)lower[index]) {
            return false;
        }
    }
    return true;
}

static bool is_one_of(bytes text, const char *const *words, size_t count) {
    for (size_t index = 0; index < count; index++) {
        if (equal_ignoring_case(text, words[index])) {
            return true;
        }
    }
    return false;
}

err api_query_bool(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    bool *out_value
) {
    static const char *const truths[] = {"true", "on", "yes", "1"};
    static const char *const lies[] = {"false", "off", "no", "0"};
    const struct api_query *row = query_row(route, name, API_QUERY_BOOL);
    bytes text = bytes_trim(first_value(row, parameters));
    if (is_one_of(text, truths, 4)) {
        *out_value = true;
        return ERR_NONE;
    }
    if (text.size == 0 || is_one_of(text, lies, 4)) {
        *out_value = false;
        return ERR_NONE;
    }
    return wrong_parameter(row, text, "a boolean", arena);
}

void api_query_list(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    bytes **out_items,
    size_t *out_count
) {
    (void)query_row(route, name, API_QUERY_LIST);
    size_t count_max = 0;
    for (size_t index = 0; index < parameters->count; index++) {
        if (bytes_equal_text(parameters->items[index].name, name)) {
            count_max += count_of(parameters->items[index].value, ',') + 1;
        }
    }
    bytes *items = ARENA_ARRAY(arena, bytes, count_max == 0 ? 1 : count_max);
    size_t count = 0;
    for (size_t index = 0; index < parameters->count; index++) {
        bytes value = parameters->items[index].value;
        if (!bytes_equal_text(parameters->items[index].name, name)) {
            continue;
        }
        for (size_t at = 0; at < value.size;) {
            size_t end = bytes_find(value, at, ',');
            bytes item = bytes_trim(bytes_slice(value, at, end));
            if (item.size > 0) {
                items[count++] = item;
            }
            at = end + 1;
        }
    }
    *out_items = items;
    *out_count = count;
}
