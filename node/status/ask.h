// One node is asked, and waited for: `orpheus cluster …`. Thread: one that runs no loop.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct status_answer {
    int32_t status;
    bytes body;
    bytes message; // of an error's body, or the body
};

// One request to the node at `server` (http://host:port); within some seconds. `json` may be NULL.
// Texts live in `arena`. Errors: ERR_IO: no answer, with a text that names the address.
MUST_USE err status_http(
    const char *method,
    const char *server,
    const char *path,
    const char *json,
    struct arena *arena,
    struct status_answer *out_answer
);

// Asks the node at `server` and appends its cluster as lines to `out`. `out_whole` as status_table.
// Errors: ERR_IO: no answer, ERR_INVALID: not of Orpheus; both with a text in `arena` that names
// the server.
MUST_USE err
status_ask(const char *server, struct arena *arena, struct buffer *out, bool *out_whole);
