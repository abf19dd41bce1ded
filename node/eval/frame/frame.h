// What the server and an evaluator process say to each other over two pipes: frames of a length
// and a fixed head, answered in the order they were asked. Nothing here is on disk or crosses
// nodes, for both ends are one release. Thread: any.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/err.h"
#include "scheduler/evaluation.h"

// server → evaluator:  u32 size of what follows | u64 serial | u8 language | u8 kind
//                      | u32 deadline in ms | u32 size of text | text | input
struct frame_request {
    uint64_t serial;
    uint32_t deadline_ms; // from the start of the evaluation
    struct evaluation evaluation;
};

// evaluator → server:  u32 size of what follows | u64 serial | u8 outcome | json or error. The
// first one has serial 0 and means: it stands, in its sandbox.
struct frame_answer {
    uint64_t serial;
    struct evaluation_result result;
};

// Appends a frame. Too large (LIMIT_EVALUATION_FRAME_BYTES) shows as the buffer's overflow.
void frame_put_request(struct buffer *buffer, const struct frame_request *request);
void frame_put_answer(struct buffer *buffer, const struct frame_answer *answer);

// The first frame in `stream`: borrows from it. `*out_size` is what it took, 0 when it is not whole
// yet and the outputs are untouched. Errors: ERR_CORRUPT.
MUST_USE err frame_take_request(bytes stream, struct frame_request *out_request, size_t *out_size);
MUST_USE err frame_take_answer(bytes stream, struct frame_answer *out_answer, size_t *out_size);
