// A record goes straight into the caller's buffer: the packer's callback is the buffer's append, so
// encoding allocates nothing of its own. The map's size stands in front, which is why fields are
// looked at twice; that is cheaper than writing to the side and copying.
#include "proto/base/check.h"
#include "proto/wire/wire_internal.h"

#include <msgpack.h>

static int append(void *buffer, const char *from, size_t size) {
    buffer_append(buffer, bytes_of(from, size));
    return 0; // an overflow is remembered by the buffer
}

bool wire_field_is_zero(enum wire_kind kind, const void *at) {
    switch (kind) {
    case WIRE_U8:
        return *(const uint8_t *)at == 0;
    case WIRE_U16:
        return *(const uint16_t *)at == 0;
    case WIRE_U32:
        return *(const uint32_t *)at == 0;
    case WIRE_U64:
        return *(const uint64_t *)at == 0;
    case WIRE_I32:
        return *(const int32_t *)at == 0;
    case WIRE_I64:
        return *(const int64_t *)at == 0;
    case WIRE_BOOL:
        return !*(const bool *)at;
    case WIRE_TEXT:
        return ((const bytes *)at)->size == 0;
    case WIRE_ID:
        return id_is_zero(*(const id128 *)at);
    case WIRE_U32_LIST:
        return ((const struct wire_u32_list *)at)->count == 0;
    case WIRE_TEXT_LIST:
        return ((const struct wire_text_list *)at)->count == 0;
    }
    return true;
}

static void pack_text(msgpack_packer *packer, bytes text) {
    check(text.size <= UINT32_MAX);
    msgpack_pack_str(packer, text.size);
    msgpack_pack_str_body(packer, text.data, text.size);
}

static void pack_u32_list(msgpack_packer *packer, const struct wire_u32_list *list) {
    msgpack_pack_array(packer, list->count);
    for (uint32_t index = 0; index < list->count; index++) {
        msgpack_pack_uint32(packer, list->items[index]);
    }
}

static void pack_text_list(msgpack_packer *packer, const struct wire_text_list *list) {
    msgpack_pack_array(packer, list->count);
    for (uint32_t index = 0; index < list->count; index++) {
        pack_text(packer, list->items[index]);
    }
}

static void pack_field(msgpack_packer *packer, enum wire_kind kind, const void *at) {
    switch (kind) {
    case WIRE_U8:
        msgpack_pack_uint8(packer, *(const uint8_t *)at);
        break;
    case WIRE_U16:
        msgpack_pack_uint16(packer, *(const uint16_t *)at);
        break;
    case WIRE_U32:
        msgpack_pack_uint32(packer, *(const uint32_t *)at);
        break;
    case WIRE_U64:
        msgpack_pack_uint64(packer, *(const uint64_t *)at);
        break;
    case WIRE_I32:
        msgpack_pack_int32(packer, *(const int32_t *)at);
        break;
    case WIRE_I64:
        msgpack_pack_int64(packer, *(const int64_t *)at);
        break;
    case WIRE_BOOL:
        msgpack_pack_true(packer);
        break;
    case WIRE_TEXT:
        pack_text(packer, *(const bytes *)at);
        break;
    case WIRE_ID:
        msgpack_pack_bin_with_body(packer, at, sizeof(id128));
        break;
    case WIRE_U32_LIST:
        pack_u32_list(packer, at);
        break;
    case WIRE_TEXT_LIST:
        pack_text_list(packer, at);
        break;
    }
}

void wire_encode(const struct wire_record *record, const void *value, struct buffer *out) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, append);
    size_t present = 0;
    for (size_t index = 0; index < record->field_count; index++) {
        const struct wire_field *field = &record->fields[index];
        present += wire_field_is_zero(field->kind, wire_field_at(field, value)) ? 0 : 1;
    }
    msgpack_pack_map(&packer, present);
    for (size_t index = 0; index < record->field_count; index++) {
        const struct wire_field *field = &record->fields[index];
        const void *at = wire_field_at(field, value);
        if (!wire_field_is_zero(field->kind, at)) {
            msgpack_pack_uint8(&packer, field->tag);
            pack_field(&packer, field->kind, at);
        }
    }
}
