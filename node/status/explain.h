// `orpheus explain WORKFLOW_ID`: what the rows of an execution say, as lines. Thread: one that runs
// no loop.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

// The answer of GET /api/cluster/explain as lines: a member a line, one line an element of a list.
// Errors: ERR_INVALID: not JSON.
MUST_USE err explain_draw(bytes json, struct arena *arena, struct buffer *out);

// Runs what stands behind `orpheus explain`; writes to stdout, complaints to stderr. Returns the
// process's exit code, one of orders.h: 1 when there is no such execution.
MUST_USE int explain_run(int argument_count, char *const *arguments);
