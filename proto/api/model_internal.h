// How the rows of a model become its table, and what binding shares with reading. For this folder
// only.
#pragma once

#include "proto/api/model.h"

#include <stddef.h>

// A table is made under `#define MODEL <name>`:
//   API_MODEL_TABLE("WireName", API_…_FIELDS, derive or NULL)
#define API_ROW(kind_, member, name_, default_, flags_, nested_) \
    {                                                            \
        .name = name_,                                           \
        .name_size = sizeof(name_) - 1,                          \
        .kind = API_KIND_##kind_,                                \
        .default_json = default_,                                \
        .flags = flags_,                                         \
        API_NESTED_##kind_(nested_),                             \
        .offset = offsetof(API_STRUCT(MODEL), member),           \
    },
#define API_STRUCT(model) API_STRUCT_OF(model)
#define API_STRUCT_OF(model) struct api_##model
#define API_FIELDS_OF(model) API_FIELDS_OF_(model)
#define API_FIELDS_OF_(model) model##_fields
#define API_MODEL_OF(model) API_MODEL_OF_(model)
#define API_MODEL_OF_(model) api_##model##_model

#define API_NO_NESTED .nested = NULL, .enumeration = NULL
#define API_NESTED_MODEL_(nested_) .nested = &api_##nested_##_model, .enumeration = NULL
#define API_NESTED_TEXT(nested_) API_NO_NESTED
#define API_NESTED_INT32(nested_) API_NO_NESTED
#define API_NESTED_INT64(nested_) API_NO_NESTED
#define API_NESTED_BOOL(nested_) API_NO_NESTED
#define API_NESTED_OPTIONAL_INT32(nested_) API_NO_NESTED
#define API_NESTED_OPTIONAL_INT64(nested_) API_NO_NESTED
#define API_NESTED_OPTIONAL_BOOL(nested_) API_NO_NESTED
#define API_NESTED_ENUM(nested_) .nested = NULL, .enumeration = &api_##nested_##_enum
#define API_NESTED_ANY(nested_) API_NO_NESTED
#define API_NESTED_OBJECT(nested_) API_NO_NESTED
#define API_NESTED_TEXT_MAP(nested_) API_NO_NESTED
#define API_NESTED_TEXT_LIST(nested_) API_NO_NESTED
#define API_NESTED_MODEL(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_MODEL_LIST(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_MODEL_MAP(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_MODEL_LIST_MAP(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_MODEL_LIST_LIST(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_MODEL_OR_EXPRESSION(nested_) API_NESTED_MODEL_(nested_)
#define API_NESTED_ALIAS(nested_) API_NO_NESTED

#define API_MODEL_TABLE(wire_name, FIELDS, derive_)                                            \
    static const struct api_field API_FIELDS_OF(MODEL)[] = {FIELDS(API_ROW)};                  \
    _Static_assert(                                                                            \
        sizeof(API_FIELDS_OF(MODEL)) / sizeof(API_FIELDS_OF(MODEL)[0]) <= API_FIELD_COUNT_MAX, \
        "a model has more fields than binding has room for"                                    \
    );                                                                                         \
    const struct api_model API_MODEL_OF(MODEL) = {                                             \
        .name = wire_name,                                                                     \
        .fields = API_FIELDS_OF(MODEL),                                                        \
        .field_count = sizeof(API_FIELDS_OF(MODEL)) / sizeof(API_FIELDS_OF(MODEL)[0]),         \
        .struct_size = sizeof(API_STRUCT(MODEL)),                                              \
        .derive = derive_,                                                                     \
    }

enum {
    API_FIELD_COUNT_MAX = 64,
    API_STRUCT_BYTES_MAX = 2048,
};

// One binding under way: where its text goes, and what it has cost so far.
struct api_binding {
    struct arena *arena;
    struct json_writer *writer;
    unsigned depth;    // models open now
    size_t work_bytes; // sizes of all objects bound so far
};

// Finds what `object` gives for each field: `out_values` is parallel to the fields, data NULL where
// a field is missing or null and has no default. Errors: ERR_INVALID when it is not an object.
MUST_USE err api_bind_fields(
    const struct api_model *model, bytes object, struct arena *arena, bytes *out_values
);

// Writes `value` (not null) as the canonical value of the field. Errors: as api_bind.
MUST_USE err
api_bind_value(const struct api_field *field, bytes value, struct api_binding *binding);

// Writes the canonical object. Errors: as api_bind.
MUST_USE err
api_bind_object(const struct api_model *model, bytes object, struct api_binding *binding);

// Scalars by the coercions of models.md §0.2, range included. Errors: ERR_INVALID, naming field and
// value.
MUST_USE err api_coerce_integer(
    const struct api_field *field, bytes value, struct arena *arena, int64_t *out_value
);
MUST_USE err
api_coerce_bool(const struct api_field *field, bytes value, struct arena *arena, bool *out_value);
MUST_USE err
api_coerce_text(const struct api_field *field, bytes value, struct arena *arena, bytes *out_text);
MUST_USE err
api_coerce_enum(const struct api_field *field, bytes value, struct arena *arena, int *out_constant);

// `field '<name>': <value> is not <what the kind wants>`, ERR_INVALID.
err api_wrong_value(const struct api_field *field, bytes value, struct arena *arena);
