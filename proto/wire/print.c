// Records for a person. Texts are quoted; what is not printable ASCII and not UTF-8's own high
// bytes is shown as \xNN, so that one record is always one line.
#include "proto/wire/wire_internal.h"

#include <inttypes.h>

static void print_text(bytes text, struct buffer *out) {
    buffer_append_byte(out, '"');
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte < 0x20 || byte == 0x7f) {
            buffer_format(out, "\\x%02x", (unsigned)byte);
            continue;
        }
        if (byte == '"' || byte == '\\') {
            buffer_append_byte(out, '\\');
        }
        buffer_append_byte(out, byte);
    }
    buffer_append_byte(out, '"');
}

static void print_u32_list(const struct wire_u32_list *list, struct buffer *out) {
    buffer_append_byte(out, '[');
    for (uint32_t index = 0; index < list->count; index++) {
        buffer_format(out, "%s%" PRIu32, index == 0 ? "" : ",", list->items[index]);
    }
    buffer_append_byte(out, ']');
}

static void print_text_list(const struct wire_text_list *list, struct buffer *out) {
    buffer_append_byte(out, '[');
    for (uint32_t index = 0; index < list->count; index++) {
        if (index > 0) {
            buffer_append_byte(out, ',');
        }
        print_text(list->items[index], out);
    }
    buffer_append_byte(out, ']');
}

static void print_id(id128 id, struct buffer *out) {
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    buffer_append(out, bytes_of(text, sizeof(text)));
}

static void print_field(enum wire_kind kind, const void *at, struct buffer *out) {
    switch (kind) {
    case WIRE_U8:
        buffer_format(out, "%u", (unsigned)*(const uint8_t *)at);
        break;
    case WIRE_U16:
        buffer_format(out, "%u", (unsigned)*(const uint16_t *)at);
        break;
    case WIRE_U32:
        buffer_format(out, "%" PRIu32, *(const uint32_t *)at);
        break;
    case WIRE_U64:
        buffer_format(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case WIRE_I32:
        buffer_format(out, "%" PRId32, *(const int32_t *)at);
        break;
    case WIRE_I64:
        buffer_format(out, "%" PRId64, *(const int64_t *)at);
        break;
    case WIRE_BOOL:
        buffer_append_text(out, "true");
        break;
    case WIRE_TEXT:
        print_text(*(const bytes *)at, out);
        break;
    case WIRE_ID:
        print_id(*(const id128 *)at, out);
        break;
    case WIRE_U32_LIST:
        print_u32_list(at, out);
        break;
    case WIRE_TEXT_LIST:
        print_text_list(at, out);
        break;
    }
}

void wire_print(const struct wire_record *record, const void *value, struct buffer *out) {
    buffer_append_text(out, record->name);
    buffer_append_byte(out, '{');
    const char *separator = "";
    for (size_t index = 0; index < record->field_count; index++) {
        const struct wire_field *field = &record->fields[index];
        const void *at = wire_field_at(field, value);
        if (!wire_field_is_zero(field->kind, at)) {
            buffer_format(out, "%s%s=", separator, field->name);
            print_field(field->kind, at, out);
            separator = " ";
        }
    }
    buffer_append_byte(out, '}');
}
