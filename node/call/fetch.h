// Requests that are waited for: what the command line needs, which has no loop of its own.
#pragma once

#include "node/call/caller.h"
#include "proto/base/arena.h"

// Makes the call and blocks until it has ended, which it does within its times. The texts of
// `out_result` live in `arena`. Errors: as caller_create; a call that failed is a result. Thread:
// one that runs no loop.
MUST_USE err fetch(const struct call *call, struct arena *arena, struct call_result *out_result);

// The same again and again, over connections that are kept between calls. Owned by the caller:
// fetcher_destroy, which leaves NULL and accepts NULL. Errors: as caller_create. Thread: one.
struct fetcher;
MUST_USE err fetcher_create(struct fetcher **out_fetcher);
void fetcher_destroy(struct fetcher **fetcher);

// `signature`: NULL, or who signs it (caller_make_signed).
void fetcher_fetch(
    struct fetcher *fetcher,
    const struct call *call,
    const struct call_signature *signature,
    struct arena *arena,
    struct call_result *out_result
);
