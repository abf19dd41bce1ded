// What the files of proto/wire share. For this folder only.
#pragma once

#include "proto/wire/wire.h"

// Whether the field at `at` equals its zero and so is left out.
bool wire_field_is_zero(enum wire_kind kind, const void *at);

static inline const void *wire_field_at(const struct wire_field *field, const void *value) {
    return (const uint8_t *)value + field->offset;
}
