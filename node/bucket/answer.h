// What a service that speaks S3 says in XML: pages of a list of objects, and errors. Only what is
// asked for is read; whatever else stands there is passed over. Input of strangers: bounded, and
// refused when it is not well formed. Pure. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>
#include <stdint.h>

// `key` is the whole name of an object; it lives in the arena.
typedef err bucket_object_visit(void *argument, bytes key, uint64_t size);

// Reads a page (ListObjectsV2). `out_next` is the token to go on with, empty with the last page.
// Errors: ERR_CORRUPT (it is none); those of `visit`.
MUST_USE err bucket_list_read(
    bytes xml, struct arena *arena, bucket_object_visit *visit, void *argument, bytes *out_next
);

// An error, for a person: empty texts when the body is none. Characters that a terminal would act
// upon are gone.
struct bucket_error {
    bytes code;
    bytes message;
    bytes region; // the one that would have been right
};

void bucket_error_read(bytes xml, struct arena *arena, struct bucket_error *out_error);
