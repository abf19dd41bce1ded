// Requests to a service that speaks S3: made again while they may succeed yet, and refusals put
// into words. Pure: who carries a request out is a table of functions. Thread: one.
#pragma once

#include "node/bucket/answer.h"
#include "node/bucket/place.h"

// `body_max` bounds the answer's body; 0: none is wanted.
struct bucket_request {
    const char *method;
    const char *address;
    bytes body;
    size_t body_max;
};

struct bucket_answer {
    uint16_t status;
    bytes headers; // lines `Name: value`, each ended by LF
    bytes body;
};

// Errors of `ask`: ERR_IO, with a text in `arena` (no whole answer; it may have been done).
struct bucket_wire {
    void *argument;
    err (*ask
    )(void *argument,
      const struct bucket_request *request,
      struct arena *arena,
      struct bucket_answer *out_answer);
    void (*wait)(void *argument, int64_t ms);
    int64_t (*now_ms)(void *argument); // of a clock that does not go back
};

struct bucket_client {
    struct bucket_place place;
    struct bucket_wire wire;
};

// Errors of all: ERR_IO (not answered, or with 5xx, for LIMIT_BUCKET_PATIENCE_MS), ERR_INVALID (the
// service refuses), ERR_CORRUPT (an answer is none; an object is not there or of another size).
// Texts live in `arena`.
MUST_USE err bucket_put(
    const struct bucket_client *client, const char *name, bytes content, struct arena *arena
);

// An object of which the size is known.
MUST_USE err bucket_get(
    const struct bucket_client *client,
    const char *name,
    size_t size,
    struct arena *arena,
    bytes *out_content
);

// It is not there afterwards; it need not have been before.
MUST_USE err
bucket_delete(const struct bucket_client *client, const char *name, struct arena *arena);

// All objects below the prefix, in the order of their names, which are given without it.
MUST_USE err bucket_list(
    const struct bucket_client *client,
    struct arena *arena,
    bucket_object_visit *visit,
    void *argument
);
