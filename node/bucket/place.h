// Where a backup lies in a service that speaks S3, and with whose key: from what a person wrote and
// from the variables that every tool of this kind reads. Pure. Thread: any.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>

// Texts live in the arena that was given. The secret and the token are for the signature alone: no
// text of an error holds them.
struct bucket_place {
    bytes bucket;
    bytes prefix;   // of all names, with a slash at its end; or empty
    bytes endpoint; // scheme, host, port; without a slash at its end
    bool by_path;   // the bucket's name stands in the path, not before the host's
    bytes region;
    bytes key_id;
    bytes secret;
    bytes token; // of a session; or empty
};

// What was written; NULL: nothing.
struct bucket_wish {
    const char *location; // s3://BUCKET/PREFIX
    const char *endpoint; // --endpoint, before AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL
    const char *region;   // --region, before AWS_REGION and AWS_DEFAULT_REGION
    // The value of a variable of the environment, or NULL: AWS_ACCESS_KEY_ID,
    // AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and those above.
    const char *(*variable)(const char *name);
};

// Whether a location is one of these.
bool bucket_is_location(const char *location);

// Errors: ERR_INVALID with a text in `arena`.
MUST_USE err
bucket_place_read(const struct bucket_wish *wish, struct arena *arena, struct bucket_place *out);

// The address of an object; of the bucket when `name` is empty. `query` is as it stands in the
// address, sorted.
const char *bucket_address(
    const struct bucket_place *place, const char *name, const char *query, struct arena *arena
);

// A text as it stands in a query: all but letters, digits and -._~ escaped.
const char *bucket_escape(bytes text, struct arena *arena);
