// Reading a record from bytes that may be hostile, without building msgpack objects.
//
// The reader is a cursor that takes one item's head at a time. Every length is held against what is
// left before it is believed, so memory asked for is at most a fixed multiple of the input; items
// that are skipped are counted, not recursed into. msgpack-c's unpacker was rejected for this side:
// it makes a zone and an object tree for every record (see README.md).
//
// Fields mostly come in table order, so the search for a tag starts behind the last one found.
#include "proto/base/check.h"
#include "proto/wire/wire_internal.h"

#include <string.h>

enum head_kind {
    HEAD_NONE, // no such byte in the format
    HEAD_NIL,
    HEAD_FALSE,
    HEAD_TRUE,
    HEAD_UINT,
    HEAD_INT, // signed of `width` bytes
    HEAD_STR,
    HEAD_BIN,
    HEAD_ARRAY,
    HEAD_MAP,
    HEAD_OPAQUE, // floats and extensions: only ever skipped
};

struct head {
    enum head_kind kind;
    uint64_t number; // the value (a HEAD_INT in two's complement), or the count of bytes or items
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

// The formats 0xc0 … 0xdf: the kind, the width of the big-endian number behind the first byte, and
// what to add to that number.
struct format {
    uint8_t kind;
    uint8_t width;
    uint8_t plus;
};

static const struct format formats[32] = {
    {HEAD_NIL, 0, 0},     {HEAD_NONE, 0, 0},   {HEAD_FALSE, 0, 0},  {HEAD_TRUE, 0, 0},
    {HEAD_BIN, 1, 0},     {HEAD_BIN, 2, 0},    {HEAD_BIN, 4, 0},    {HEAD_OPAQUE, 1, 1},
    {HEAD_OPAQUE, 2, 1},  {HEAD_OPAQUE, 4, 1}, {HEAD_OPAQUE, 0, 4}, {HEAD_OPAQUE, 0, 8},
    {HEAD_UINT, 1, 0},    {HEAD_UINT, 2, 0},   {HEAD_UINT, 4, 0},   {HEAD_UINT, 8, 0},
    {HEAD_INT, 1, 0},     {HEAD_INT, 2, 0},    {HEAD_INT, 4, 0},    {HEAD_INT, 8, 0},
    {HEAD_OPAQUE, 0, 2},  {HEAD_OPAQUE, 0, 3}, {HEAD_OPAQUE, 0, 5}, {HEAD_OPAQUE, 0, 9},
    {HEAD_OPAQUE, 0, 17}, {HEAD_STR, 1, 0},    {HEAD_STR, 2, 0},    {HEAD_STR, 4, 0},
    {HEAD_ARRAY, 2, 0},   {HEAD_ARRAY, 4, 0},  {HEAD_MAP, 2, 0},    {HEAD_MAP, 4, 0},
};

static const char *const cut_short = "is cut short";
static const char *const not_msgpack = "is not msgpack";

static size_t left(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

static uint64_t sign_extend(uint64_t number, uint8_t width) {
    check(width > 0);
    unsigned unused = 64 - 8u * width;
    uint64_t sign = (uint64_t)1 << (63 - unused);
    return (number ^ sign) - sign;
}

// Each reader below returns what is wrong, or NULL.

static const char *wide_head(struct cursor *cursor, struct format format, struct head *out_head) {
    if (left(cursor) < format.width) {
        return cut_short;
    }
    uint64_t number = 0;
    for (uint8_t index = 0; index < format.width; index++) {
        number = number << 8 | cursor->at[index];
    }
    cursor->at += format.width;
    number += format.plus;
    out_head->kind = (enum head_kind)format.kind;
    out_head->number = out_head->kind == HEAD_INT ? sign_extend(number, format.width) : number;
    return out_head->kind == HEAD_NONE ? not_msgpack : NULL;
}

// The head of the next item. The bytes a string or opaque item counts are all there; the items a
// container counts may be there, at one byte each.
static const char *read_head(struct cursor *cursor, struct head *out_head) {
    if (cursor->at == cursor->end) {
        return cut_short;
    }
    uint8_t first = *cursor->at++;
    if (first < 0x80) {
        *out_head = (struct head){HEAD_UINT, first};
        return NULL;
    }
    if (first >= 0xe0) {
        *out_head = (struct head){HEAD_INT, sign_extend(first, 1)};
        return NULL;
    }
    const char *wrong = NULL;
    if (first < 0x90) {
        *out_head = (struct head){HEAD_MAP, first & 0x0f};
    } else if (first < 0xa0) {
        *out_head = (struct head){HEAD_ARRAY, first & 0x0f};
    } else if (first < 0xc0) {
        *out_head = (struct head){HEAD_STR, first & 0x1f};
    } else {
        wrong = wide_head(cursor, formats[first - 0xc0], out_head);
    }
    bool counts = out_head->kind >= HEAD_STR;
    return wrong == NULL && counts && out_head->number > left(cursor) ? cut_short : wrong;
}

// Each item takes at least a byte, so the loop ends with the input however much the heads promise.
static const char *skip_item(struct cursor *cursor) {
    uint64_t due = 1;
    while (due > 0) {
        struct head head = {HEAD_NONE, 0};
        const char *wrong = read_head(cursor, &head);
        if (wrong != NULL) {
            return wrong;
        }
        due--;
        if (head.kind == HEAD_ARRAY) {
            due += head.number;
        } else if (head.kind == HEAD_MAP) {
            due += 2 * head.number;
        } else if (head.kind >= HEAD_STR) {
            cursor->at += head.number;
        }
    }
    return NULL;
}

// --- values --------------------------------------------------------------------------------------

static const char *read_unsigned(struct cursor *cursor, uint64_t most, uint64_t *out_value) {
    if (cursor->at < cursor->end && *cursor->at < 0x80) { // nearly every tag and small number
        *out_value = *cursor->at++;
        return NULL;
    }
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(cursor, &head);
    if (wrong != NULL) {
        return wrong;
    }
    bool good = head.kind == HEAD_UINT || (head.kind == HEAD_INT && head.number <= INT64_MAX);
    if (!good) {
        return "is of another kind";
    }
    *out_value = head.number;
    return head.number > most ? "is out of range" : NULL;
}

static const char *
read_signed(struct cursor *cursor, int64_t least, int64_t most, int64_t *out_value) {
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(cursor, &head);
    if (wrong != NULL) {
        return wrong;
    }
    if (head.kind != HEAD_UINT && head.kind != HEAD_INT) {
        return "is of another kind";
    }
    if (head.kind == HEAD_UINT && head.number > INT64_MAX) {
        return "is out of range";
    }
    *out_value = (int64_t)head.number;
    return *out_value < least || *out_value > most ? "is out of range" : NULL;
}

static const char *read_bool(struct cursor *cursor, bool *out_value) {
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(cursor, &head);
    if (wrong == NULL && head.kind != HEAD_TRUE && head.kind != HEAD_FALSE) {
        wrong = "is of another kind";
    }
    *out_value = head.kind == HEAD_TRUE;
    return wrong;
}

static const char *read_bytes(struct cursor *cursor, enum head_kind kind, bytes *out_value) {
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(cursor, &head);
    if (wrong != NULL) {
        return wrong;
    }
    if (head.kind != kind) {
        return "is of another kind";
    }
    *out_value = bytes_of(cursor->at, (size_t)head.number);
    cursor->at += head.number;
    return NULL;
}

static const char *read_id(struct cursor *cursor, id128 *out_value) {
    bytes view = BYTES_EMPTY;
    const char *wrong = read_bytes(cursor, HEAD_BIN, &view);
    if (wrong != NULL) {
        return wrong;
    }
    if (view.size != sizeof(out_value->bytes)) {
        return "has not the size of an id";
    }
    *out_value = id_load(view.data);
    return NULL;
}

static const char *read_count(struct cursor *cursor, uint32_t *out_count) {
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(cursor, &head);
    if (wrong == NULL && head.kind != HEAD_ARRAY) {
        wrong = "is of another kind";
    }
    *out_count = (uint32_t)head.number;
    return wrong;
}

static const char *
read_u32_list(struct cursor *cursor, struct arena *arena, struct wire_u32_list *out_list) {
    uint32_t count = 0;
    const char *wrong = read_count(cursor, &count);
    if (wrong != NULL || count == 0) {
        return wrong;
    }
    *out_list = (struct wire_u32_list){ARENA_ARRAY(arena, uint32_t, count), count};
    for (uint32_t index = 0; index < count && wrong == NULL; index++) {
        uint64_t number = 0;
        wrong = read_unsigned(cursor, UINT32_MAX, &number);
        out_list->items[index] = (uint32_t)number;
    }
    return wrong;
}

static const char *
read_text_list(struct cursor *cursor, struct arena *arena, struct wire_text_list *out_list) {
    uint32_t count = 0;
    const char *wrong = read_count(cursor, &count);
    if (wrong != NULL || count == 0) {
        return wrong;
    }
    *out_list = (struct wire_text_list){ARENA_ARRAY(arena, bytes, count), count};
    for (uint32_t index = 0; index < count && wrong == NULL; index++) {
        wrong = read_bytes(cursor, HEAD_STR, &out_list->items[index]);
    }
    return wrong;
}

static const char *
read_field(struct cursor *cursor, enum wire_kind kind, struct arena *arena, void *out_value) {
    uint64_t number = 0;
    int64_t integer = 0;
    const char *wrong = NULL;
    switch (kind) {
    case WIRE_U8:
        wrong = read_unsigned(cursor, UINT8_MAX, &number);
        *(uint8_t *)out_value = (uint8_t)number;
        return wrong;
    case WIRE_U16:
        wrong = read_unsigned(cursor, UINT16_MAX, &number);
        *(uint16_t *)out_value = (uint16_t)number;
        return wrong;
    case WIRE_U32:
        wrong = read_unsigned(cursor, UINT32_MAX, &number);
        *(uint32_t *)out_value = (uint32_t)number;
        return wrong;
    case WIRE_U64:
        return read_unsigned(cursor, UINT64_MAX, out_value);
    case WIRE_I32:
        wrong = read_signed(cursor, INT32_MIN, INT32_MAX, &integer);
        *(int32_t *)out_value = (int32_t)integer;
        return wrong;
    case WIRE_I64:
        return read_signed(cursor, INT64_MIN, INT64_MAX, out_value);
    case WIRE_BOOL:
        return read_bool(cursor, out_value);
    case WIRE_TEXT:
        return read_bytes(cursor, HEAD_STR, out_value);
    case WIRE_ID:
        return read_id(cursor, out_value);
    case WIRE_U32_LIST:
        return read_u32_list(cursor, arena, out_value);
    case WIRE_TEXT_LIST:
        return read_text_list(cursor, arena, out_value);
    }
    return "is of no known kind";
}

// --- records -------------------------------------------------------------------------------------

struct decoder {
    const struct wire_record *record;
    struct cursor cursor;
    size_t expected;  // where in the table to look first
    uint64_t seen[4]; // by tag
};

// The field of a tag, or NULL.
static const struct wire_field *find_field(struct decoder *decoder, uint64_t tag) {
    size_t count = decoder->record->field_count;
    size_t index = decoder->expected;
    for (size_t tried = 0; tried < count; tried++) {
        index = index < count ? index : 0;
        if (decoder->record->fields[index].tag == tag) {
            decoder->expected = index + 1;
            return &decoder->record->fields[index];
        }
        index++;
    }
    return NULL;
}

static bool seen_before(struct decoder *decoder, uint8_t tag) {
    uint64_t bit = (uint64_t)1 << (tag % 64);
    bool seen = (decoder->seen[tag / 64] & bit) != 0;
    decoder->seen[tag / 64] |= bit;
    return seen;
}

// One tag and its value. `*out_field` is the field it belongs to, for the message; NULL: none.
static const char *read_pair(
    struct decoder *decoder,
    struct arena *arena,
    uint8_t *out_value,
    const struct wire_field **out_field
) {
    uint64_t tag = 0;
    *out_field = NULL;
    const char *wrong = read_unsigned(&decoder->cursor, UINT64_MAX, &tag);
    if (wrong != NULL) {
        return wrong;
    }
    const struct wire_field *field = find_field(decoder, tag);
    if (field == NULL) {
        return skip_item(&decoder->cursor);
    }
    *out_field = field;
    if (seen_before(decoder, field->tag)) {
        return "is there twice";
    }
    return read_field(&decoder->cursor, field->kind, arena, out_value + field->offset);
}

static err corrupt(
    const struct wire_record *record,
    const struct wire_field *field,
    const char *wrong,
    struct arena *arena
) {
    const char *text = field == NULL
                           ? arena_format(arena, "%s %s", record->name, wrong)
                           : arena_format(arena, "%s.%s %s", record->name, field->name, wrong);
    return err_make(ERR_CORRUPT, text);
}

err wire_decode(const struct wire_record *record, bytes in, struct arena *arena, void *out_value) {
    memset(out_value, 0, record->size);
    if (in.size == 0) {
        return corrupt(record, NULL, cut_short, arena);
    }
    struct decoder decoder = {.record = record, .cursor = {in.data, in.data + in.size}};
    struct head head = {HEAD_NONE, 0};
    const char *wrong = read_head(&decoder.cursor, &head);
    if (wrong == NULL && head.kind != HEAD_MAP) {
        wrong = "is not a map";
    }
    const struct wire_field *field = NULL;
    for (uint64_t pair = 0; wrong == NULL && pair < head.number; pair++) {
        wrong = read_pair(&decoder, arena, out_value, &field);
    }
    if (wrong == NULL && decoder.cursor.at != decoder.cursor.end) {
        field = NULL;
        wrong = "has bytes behind it";
    }
    return wrong == NULL ? ERR_NONE : corrupt(record, field, wrong, arena);
}
