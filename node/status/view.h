// What GET /api/cluster says, as values: the part that people wait for. Pure; thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct view_member {
    int64_t node;
    bytes state; // joining, active, draining, left, dead; empty: the answer has no members
    bytes zone;  // may be empty
    bytes address;
    int64_t copies; // of partitions, those being made among them
};

struct view_progress {
    bool known; // the asked node knows of the moves
    int64_t done;
    int64_t left;
    int64_t moving; // of those left, under way now
    int64_t bytes_per_second;
    int64_t seconds_left; // -1: not known
    bool paused;
};

struct view {
    struct view_member members[LIMIT_NODES];
    size_t member_count;
    struct view_progress progress;
    int64_t short_of_copies; // partitions with fewer copies than they shall have
};

// Reads the answer; texts borrow from it, or live in `arena`. Errors: ERR_INVALID: it is none.
MUST_USE err view_read(bytes answer, struct arena *arena, struct view *out_view);

// The member of that number, or NULL.
const struct view_member *view_member_of(const struct view *view, int64_t node);

// A member of a JSON object as a number, or `otherwise`; whether it is true.
int64_t view_number(bytes object, const char *key, int64_t otherwise);
bool view_is_true(bytes object, const char *key);

// Appends the progress as half a line: "12 of 40 moves done, 2 under way, 14.2 MB/s, 35 s left".
void view_progress_draw(const struct view_progress *progress, struct buffer *out);
