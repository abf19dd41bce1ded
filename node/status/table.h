// The cluster in a screenful: from the JSON of GET /api/cluster to lines for a person. Pure.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

#include <stdbool.h>

// Appends the lines to `out`. `out_whole`: every node is up and every partition has a leader
// and the copies it shall have, as far as the asked node knows.
// Errors: ERR_INVALID: this is no answer of GET /api/cluster.
MUST_USE err status_table(bytes answer, struct arena *arena, struct buffer *out, bool *out_whole);
