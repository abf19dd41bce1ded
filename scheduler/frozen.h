// The definitions that the executions of a group run on, one row each by content, written by the
// first execution and gone with the last (distributed.md §3.3). How many there are is a row of its
// own: inside it a start would rewrite the definition.
#pragma once

#include "scheduler/decision.h"

#define FROZEN_COUNT_ROW_FIELDS(FIELD) FIELD(1, U32, count)
WIRE_STRUCT(frozen_count_row, FROZEN_COUNT_ROW_FIELDS);

// One more execution, or one less, refers to it. Errors of all: ERR_CORRUPT.
MUST_USE err frozen_take(struct decision *decision, const struct definition *definition);
MUST_USE err frozen_release(struct decision *decision, hash128 definition);

// Compiled, from the cache or the row.
MUST_USE err frozen_open(
    struct decision *decision, hash128 definition, const struct definition **out_definition
);
