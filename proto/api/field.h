// How a row of a model's table becomes a member of its struct.
//
// A table is a macro of rows FIELD(kind, member, "jsonName", default as JSON text or NULL, flags,
// nested), `nested` being the model or enumeration without `api_` and `_model`/`_enum`, or `none`.
// The kinds are those of API_KINDS in proto/api/model.h.
#pragma once

#include "proto/api/enums.h"
#include "proto/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

struct api_optional_int {
    bool present;
    int64_t value;
};

struct api_optional_bool {
    bool present;
    bool value;
};

#define API_MEMBER(kind, member, name, default_json, flags, nested) \
    API_MEMBER_##kind(member, nested)
#define API_MEMBER_TEXT(member, nested) bytes member;
#define API_MEMBER_INT32(member, nested) int32_t member;
#define API_MEMBER_INT64(member, nested) int64_t member;
#define API_MEMBER_BOOL(member, nested) bool member;
#define API_MEMBER_OPTIONAL_INT32(member, nested) struct api_optional_int member;
#define API_MEMBER_OPTIONAL_INT64(member, nested) struct api_optional_int member;
#define API_MEMBER_OPTIONAL_BOOL(member, nested) struct api_optional_bool member;
#define API_MEMBER_ENUM(member, nested) enum api_##nested member;
#define API_MEMBER_ANY(member, nested) bytes member;
#define API_MEMBER_OBJECT(member, nested) bytes member;
#define API_MEMBER_TEXT_MAP(member, nested) bytes member;
#define API_MEMBER_TEXT_LIST(member, nested) bytes member;
#define API_MEMBER_MODEL(member, nested) bytes member;
#define API_MEMBER_MODEL_LIST(member, nested) bytes member;
#define API_MEMBER_MODEL_MAP(member, nested) bytes member;
#define API_MEMBER_MODEL_LIST_MAP(member, nested) bytes member;
#define API_MEMBER_MODEL_LIST_LIST(member, nested) bytes member;
#define API_MEMBER_MODEL_OR_EXPRESSION(member, nested) bytes member;
#define API_MEMBER_ALIAS(member, nested)

// Declares `struct api_<name>` and its `api_<name>_model`.
#define API_DECLARE_MODEL(name, FIELDS) \
    struct api_##name {                 \
        FIELDS(API_MEMBER)              \
    };                                  \
    extern const struct api_model api_##name##_model
