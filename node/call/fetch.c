#include "node/call/fetch.h"

#include "proto/base/check.h"

#include <event2/event.h>

#include <stdlib.h>

struct fetcher {
    struct event_base *base;
    struct caller *caller;
    struct arena *arena; // of the call that is waited for
    struct call_result *result;
};

err fetcher_create(struct fetcher **out_fetcher) {
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    check(fetcher != NULL);
    fetcher->base = event_base_new();
    check(fetcher->base != NULL);
    err created = caller_create(fetcher->base, &fetcher->caller);
    if (err_is(created)) {
        fetcher_destroy(&fetcher);
    }
    *out_fetcher = fetcher;
    return created;
}

void fetcher_destroy(struct fetcher **fetcher) {
    if (*fetcher == NULL) {
        return;
    }
    caller_destroy(&(*fetcher)->caller);
    event_base_free((*fetcher)->base);
    free(*fetcher);
    *fetcher = NULL;
}

static void on_end(void *argument, uint64_t call_id, const struct call_result *result) {
    struct fetcher *fetcher = argument;
    (void)call_id;
    *fetcher->result = (struct call_result){
        .outcome = result->outcome,
        .status = result->status,
        .headers = arena_copy(fetcher->arena, result->headers),
        .body = arena_copy(fetcher->arena, result->body),
        .error = arena_copy(fetcher->arena, result->error),
    };
    (void)event_base_loopbreak(fetcher->base);
}

void fetcher_fetch(
    struct fetcher *fetcher,
    const struct call *call,
    const struct call_signature *signature,
    struct arena *arena,
    struct call_result *out_result
) {
    fetcher->arena = arena;
    fetcher->result = out_result;
    caller_make_signed(fetcher->caller, 1, call, signature, on_end, fetcher);
    (void)event_base_dispatch(fetcher->base);
}

err fetch(const struct call *call, struct arena *arena, struct call_result *out_result) {
    struct fetcher *fetcher = NULL;
    TRY(fetcher_create(&fetcher));
    fetcher_fetch(fetcher, call, NULL, arena, out_result);
    fetcher_destroy(&fetcher);
    return ERR_NONE;
}
