// `orpheus cluster status [--server URL]`: one node is asked, its answer drawn.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/err.h"

#include <stdbool.h>

// Asks the node at `server` (http://host:port) and appends its cluster as lines to `out`; within
// some seconds. `out_whole` as status_table. Errors: ERR_IO: no answer, ERR_INVALID: not of
// Orpheus; both with a text in `arena` that names the server. Thread: one that runs no loop.
MUST_USE err
status_ask(const char *server, struct arena *arena, struct buffer *out, bool *out_whole);
