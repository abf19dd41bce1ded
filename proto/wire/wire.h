// Records as field tables: one table gives the struct, encoder, decoder, printer and golden test.
// The only room that speaks msgpack-c.
//
// A record is written as a msgpack map from field tag to value; a field that equals its zero is
// left out, an unknown tag is skipped, so releases can read each other. Tags are never reused.
//
// clang-format off
/*
 *  #define LEASE_FIELDS(FIELD) \
 *      FIELD(1, TEXT, worker) \
 *      FIELD(2, I64, due_ms)
 *  WIRE_STRUCT(lease_row, LEASE_FIELDS);      // in the header: struct lease_row
 *
 *  #define WIRE_SELF struct lease_row         // in the .c: const struct wire_record lease_row_record
 *  WIRE_RECORD(lease_row, LEASE_FIELDS)
 *  #undef WIRE_SELF
 */
// clang-format on
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/id.h"

#include <stddef.h>

// A list of numbers or texts in arena memory.
struct wire_u32_list {
    uint32_t *items;
    uint32_t count;
};
struct wire_text_list {
    bytes *items;
    uint32_t count;
};

// The kinds of field and the C type each has in the struct.
#define WIRE_KINDS(KIND)                 \
    KIND(U8, uint8_t)                    \
    KIND(U16, uint16_t)                  \
    KIND(U32, uint32_t)                  \
    KIND(U64, uint64_t)                  \
    KIND(I32, int32_t)                   \
    KIND(I64, int64_t)                   \
    KIND(BOOL, bool)                     \
    KIND(TEXT, bytes)                    \
    KIND(ID, id128)                      \
    KIND(U32_LIST, struct wire_u32_list) \
    KIND(TEXT_LIST, struct wire_text_list)

enum wire_kind {
#define WIRE_KIND_ENUM(kind, type) WIRE_##kind,
    WIRE_KINDS(WIRE_KIND_ENUM)
#undef WIRE_KIND_ENUM
};

#define WIRE_KIND_TYPEDEF(kind, type) typedef type wire_type_##kind;
WIRE_KINDS(WIRE_KIND_TYPEDEF)
#undef WIRE_KIND_TYPEDEF

struct wire_field {
    uint8_t tag;
    enum wire_kind kind;
    const char *name;
    size_t offset;
};

struct wire_record {
    const char *name;
    size_t size; // of the struct
    const struct wire_field *fields;
    size_t field_count;
};

#define WIRE_STRUCT_FIELD(tag, kind, name) wire_type_##kind name;
#define WIRE_STRUCT(record, FIELDS) \
    struct record {                 \
        FIELDS(WIRE_STRUCT_FIELD)   \
    };                              \
    extern const struct wire_record record##_record

#define WIRE_TABLE_FIELD(tag, kind, name) {tag, WIRE_##kind, #name, offsetof(WIRE_SELF, name)},
// Defines `record_record`, between a `#define WIRE_SELF struct record` and its `#undef`.
#define WIRE_RECORD(record, FIELDS)                                                \
    static const struct wire_field record##_fields[] = {FIELDS(WIRE_TABLE_FIELD)}; \
    const struct wire_record record##_record = {                                   \
        #record,                                                                   \
        sizeof(struct record),                                                     \
        record##_fields,                                                           \
        sizeof(record##_fields) / sizeof(record##_fields[0])};

// Appends the record's encoding. Fields are written in table order. Overflow: see buffer_status.
void wire_encode(const struct wire_record *record, const void *value, struct buffer *out);

// Reads one record that fills `in` exactly. Texts borrow from `in`; lists live in `arena`. Fields
// that are absent become zero. Errors: ERR_CORRUPT (names the record and field); `*out_value` is
// then undefined.
MUST_USE err
wire_decode(const struct wire_record *record, bytes in, struct arena *arena, void *out_value);

// Appends `name{field=value …}` for a person: zero fields left out, ids as UUIDs.
void wire_print(const struct wire_record *record, const void *value, struct buffer *out);
