// One request, waited for: what the command line needs, which has no loop of its own.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/call.h"

// Makes the call and blocks until it has ended, which it does within its times. The texts of
// `out_result` live in `arena`. Errors: as caller_create; a call that failed is a result. Thread:
// one that runs no loop.
MUST_USE err fetch(const struct call *call, struct arena *arena, struct call_result *out_result);
