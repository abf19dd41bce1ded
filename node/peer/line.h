// One TCP connection between two nodes, as frames: `u32 size | frame`, big-endian.
//
// NNG's threads put what arrives into a bounded inbox and ring the bell, nothing else; when the
// inbox is full they stop reading, and the other end has to wait. One frame is under way at a time.
//
// Thread: all calls on one thread, the core's.
#pragma once

#include "node/peer/doorbell.h"
#include "proto/base/attr.h"
#include "proto/base/bytes.h"

#include <stddef.h>

struct line;
struct nng_stream;

// Takes the stream over and begins to read. Owned by the caller: line_destroy.
struct line *line_create(struct doorbell *bell, struct nng_stream *stream);

// Closes the connection; frames that wait are lost. Waits for NNG's callbacks, which are short.
// Leaves NULL; accepts NULL.
void line_destroy(struct line **line);

// Whether it was closed by the other end, broke, or carried what is no frame. Frames that arrived
// before may still wait.
bool line_has_ended(struct line *line);

// How many frames wait.
size_t line_waiting(struct line *line);

// Looks at the oldest frame without taking it; borrowed until it is taken. False: none.
MUST_USE bool line_peek(struct line *line, bytes *out_frame);

struct line_frame {
    struct line_frame *next;
    size_t size;
    uint8_t data[]; // may be changed
};

// Takes the oldest frame, to be freed by line_frame_free, or NULL.
struct line_frame *line_take(struct line *line);

// Leaves NULL; accepts NULL.
void line_frame_free(struct line_frame **frame);

// Whether a frame may be begun.
bool line_is_free(struct line *line);

// As line_is_free; if not, the bell rings as soon as one may.
bool line_want(struct line *line);

// Memory for a frame of that size, at most LIMIT_PEER_FRAME_BYTES; line_send sends it.
uint8_t *line_begin(struct line *line, size_t size);
void line_send(struct line *line);
