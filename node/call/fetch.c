#include "node/call/fetch.h"

#include "node/call/caller.h"
#include "proto/base/check.h"

#include <event2/event.h>

struct fetching {
    struct event_base *base;
    struct arena *arena;
    struct call_result *result;
};

static void on_end(void *argument, uint64_t call_id, const struct call_result *result) {
    struct fetching *fetching = argument;
    (void)call_id;
    *fetching->result = (struct call_result){
        .outcome = result->outcome,
        .status = result->status,
        .headers = arena_copy(fetching->arena, result->headers),
        .body = arena_copy(fetching->arena, result->body),
        .error = arena_copy(fetching->arena, result->error),
    };
    (void)event_base_loopbreak(fetching->base);
}

err fetch(const struct call *call, struct arena *arena, struct call_result *out_result) {
    struct fetching fetching = {.base = event_base_new(), .arena = arena, .result = out_result};
    check(fetching.base != NULL);
    struct caller *caller = NULL;
    err created = caller_create(fetching.base, &caller);
    if (!err_is(created)) {
        caller_make(caller, 1, call, on_end, &fetching);
        (void)event_base_dispatch(fetching.base);
        caller_destroy(&caller);
    }
    event_base_free(fetching.base);
    return created;
}
