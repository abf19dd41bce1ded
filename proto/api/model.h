// The objects of the public API as tables of fields: binding what a client sent, reading into
// structs, writing what a client gets (models.md §0).
//
// The structs and their tables come from the same rows: definition_models.h and execution_models.h.
// In a struct, text is `bytes` decoded (data NULL: null); containers and nested objects are `bytes`
// of JSON text (data NULL: null), canonical where their shape is known, the user's own text where
// not; an absent enumeration is its NONE. Pure. Thread: any.
#pragma once

#include "proto/api/definition_models.h"
#include "proto/api/enums.h"
#include "proto/api/execution_models.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/json/json.h"

// kind, type in a struct, what JSON it is
#define API_KINDS(KIND)                                            \
    KIND(TEXT, "a string")                                         \
    KIND(INT32, "an integer of 32 bits")                           \
    KIND(INT64, "an integer of 64 bits")                           \
    KIND(BOOL, "a boolean")                                        \
    KIND(OPTIONAL_INT32, "an integer of 32 bits, or null")         \
    KIND(OPTIONAL_INT64, "an integer of 64 bits, or null")         \
    KIND(OPTIONAL_BOOL, "a boolean, or null")                      \
    KIND(ENUM, "one of the enumeration's constants")               \
    KIND(ANY, "any value")                                         \
    KIND(OBJECT, "an object")                                      \
    KIND(TEXT_MAP, "an object of strings")                         \
    KIND(TEXT_LIST, "an array of strings")                         \
    KIND(MODEL, "an object")                                       \
    KIND(MODEL_LIST, "an array of objects")                        \
    KIND(MODEL_MAP, "an object of objects")                        \
    KIND(MODEL_LIST_MAP, "an object of arrays of objects")         \
    KIND(MODEL_LIST_LIST, "an array of arrays of objects")         \
    KIND(MODEL_OR_EXPRESSION, "an object, or a string \"${...}\"") \
    KIND(ALIAS, "a second name on input for the field in the row before")

enum api_kind {
#define API_KIND_ENUM(kind, meaning) API_KIND_##kind,
    API_KINDS(API_KIND_ENUM)
#undef API_KIND_ENUM
    API_KIND_COUNT
};

enum api_field_flags {
    API_PLAIN = 0,
    API_NULL_IS_DEFAULT = 1, // null takes the default (models.md "null→{}")
    API_DROP_EMPTY = 2,      // an empty container is not written (NON_EMPTY)
    API_NULL_LITERAL = 4,    // null is written as `null`: Task.taskDefinition alone
};

struct api_model;

struct api_field {
    const char *name; // JSON name
    size_t name_size; // of its text
    enum api_kind kind;
    const char *default_json; // NULL: null
    unsigned flags;
    const struct api_model *nested;     // of MODEL… kinds
    const struct api_enum *enumeration; // of ENUM
    size_t offset;                      // in the struct
};

struct api_model {
    const char *name; // as in models.md: "WorkflowDef"
    const struct api_field *fields;
    size_t field_count;
    size_t struct_size;
    // Corrects the raw values (parallel to `fields`, data NULL: not given) before they are bound,
    // or NULL.
    void (*derive)(bytes *values);
};

// Binds what a client sent, by models.md §0.2: unknown fields dropped, defaults filled in, scalars
// coerced, null fields dropped, the user's own JSON kept as its text. `json` is valid JSON (any
// that json_validate gave). `*out_json`, the canonical text, lives in `arena`.
// Errors: ERR_INVALID, text names the field and the value; ERR_TOO_LARGE over LIMIT_API_… bounds.
MUST_USE err
api_bind(const struct api_model *model, bytes json, struct arena *arena, bytes *out_json);

// As api_bind for an array of such objects.
MUST_USE err
api_bind_list(const struct api_model *model, bytes json, struct arena *arena, bytes *out_json);

// As api_bind, into the model's struct. Views borrow from `json` or live in `arena`.
MUST_USE err
api_read(const struct api_model *model, bytes json, struct arena *arena, void *out_struct);

// As api_read for text that api_bind or api_write made: nested containers are borrowed as they
// stand, so that reading costs one walk over the object.
MUST_USE err api_read_canonical(
    const struct api_model *model, bytes json, struct arena *arena, void *out_struct
);

// As api_read for an array: `*out_structs` is an array of the model's struct in `arena`.
MUST_USE err api_read_list(
    const struct api_model *model,
    bytes json,
    struct arena *arena,
    void **out_structs,
    size_t *out_count
);

// Sets a struct to the model's defaults (an empty map is the text `{}`, not NULL).
void api_init(const struct api_model *model, void *out_struct);

// Writes a struct as one object: null fields dropped, flags obeyed, containers as they stand.
void api_write(const struct api_model *model, const void *from, struct json_writer *writer);

// Every model, for documentation and tests.
extern const struct api_model *const api_models[];
extern const size_t api_model_count;
