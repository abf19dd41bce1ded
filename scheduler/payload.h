// Payloads: JSON objects of a workflow, kept in immutable numbered blobs (B rows) that headers and
// tasks refer to. A number is never reused and never changes its content, so one blob may be the
// output of a task and of its workflow at once. Thread: core.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdint.h>

struct workflow;

struct payload {
    uint32_t blob;  // 0: the empty object
    uint32_t bytes; // of its text
};

// Writes `json`, an object, under a fresh number. The empty object costs nothing; a large one is
// staged, where the decision may wait for that (staging.h): `json` then must live in its arena.
struct payload payload_store(struct workflow *workflow, bytes json);

// Takes the text out of a buffer that was born with LIMIT_REPLY_BYTES, into `arena`, and ends the
// buffer. Errors: ERR_TOO_LARGE.
MUST_USE err payload_take(struct buffer *buffer, struct arena *arena, bytes *out_text);

// Deletes the rows of a payload that no task refers to any more. The workflow's output stays until
// its run is swept: an execution that is retried shows the output it failed with until it ends
// again, and meanwhile a loop may drop the task that gave it.
void payload_delete(struct workflow *workflow, struct payload payload);

// The text of a payload, in the decision's arena. Errors: ERR_CORRUPT.
MUST_USE err payload_load(const struct workflow *workflow, struct payload payload, bytes *out_json);
