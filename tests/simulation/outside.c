// A request's fate is drawn when it arrives. What was asked under a key is remembered, because a
// call may be made again but must not become another one.

#include "tests/simulation/outside.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/table.h"

#include <stdlib.h>

enum {
    LATE_MS = 3 * OUTSIDE_LEASE_MS
};

// A request on its way. Owned by the action that will answer it, listed for the end of the world.
struct sent {
    struct outside *outside;
    uint64_t incarnation;
    uint64_t call_id;
    struct call_result result; // of literals
    struct sent *next;
};

struct outside {
    struct world *world;
    const struct swarm *swarm;
    outside_told told;
    void *argument;
    struct table requests; // hash of the request by the hash of its key, as pointers to hashes
    struct sent *sent;     // all of the world
    struct asked *asked;
};

struct asked {
    uint64_t request;
    uint32_t count;
    struct asked *next;
};

struct outside *
outside_create(struct world *world, const struct swarm *swarm, outside_told told, void *argument) {
    struct outside *outside = calloc(1, sizeof(*outside));
    check(outside != NULL);
    outside->world = world;
    outside->swarm = swarm;
    outside->told = told;
    outside->argument = argument;
    table_init(&outside->requests);
    return outside;
}

void outside_destroy(struct outside **outside_at) {
    struct outside *outside = *outside_at;
    if (outside == NULL) {
        return;
    }
    while (outside->sent != NULL) {
        struct sent *sent = outside->sent;
        outside->sent = sent->next;
        free(sent);
    }
    while (outside->asked != NULL) {
        struct asked *asked = outside->asked;
        outside->asked = asked->next;
        free(asked);
    }
    table_deinit(&outside->requests);
    free(outside);
    *outside_at = NULL;
}

static bytes key_of(bytes headers) {
    bytes name = BYTES_LITERAL("Idempotency-Key: ");
    for (size_t at = 0; at < headers.size;) {
        size_t end = bytes_find(headers, at, '\n');
        bytes line = bytes_slice(headers, at, end);
        if (bytes_starts_with(line, name)) {
            return bytes_slice(line, name.size, line.size);
        }
        at = end < headers.size ? end + 1 : end;
    }
    return BYTES_EMPTY;
}

static void judge(struct outside *outside, const struct call *call) {
    bytes key = key_of(call->headers);
    if (key.size == 0) {
        world_fail(outside->world, "outside", "a call without Idempotency-Key");
        return;
    }
    uint64_t request = hash_sip64(call->uri) ^ hash_sip64(call->method) ^ hash_sip64(call->body);
    struct asked *asked = table_get(&outside->requests, hash_sip64(key));
    if (asked == NULL) {
        asked = calloc(1, sizeof(*asked));
        check(asked != NULL);
        asked->request = request;
        asked->next = outside->asked;
        outside->asked = asked;
        table_put(&outside->requests, hash_sip64(key), asked);
    }
    asked->count++;
    world_trace(outside->world, "outside %.*s asked %u times", BYTES_ARG(key), asked->count);
    if (asked->request != request) {
        world_fail(outside->world, "outside", "key %.*s came with another request", BYTES_ARG(key));
    }
}

static void tell(void *argument, uint64_t times) {
    struct sent *sent = argument;
    for (uint64_t i = 0; i < times; i++) {
        sent->outside->told(
            sent->outside->argument, sent->incarnation, sent->call_id, &sent->result
        );
    }
}

static struct call_result draw_result(struct world *world, const struct swarm *swarm) {
    if (!world_maybe(world, swarm->worker_fails)) {
        return (struct call_result){
            .outcome = CALL_ANSWERED,
            .status = 200,
            .headers = BYTES_LITERAL("Content-Type: application/json\n"),
            .body = BYTES_LITERAL("{\"value\":7}"),
        };
    }
    if (world_maybe(world, 500)) {
        return (struct call_result){.outcome = CALL_ANSWERED, .status = 503};
    }
    return (struct call_result){.outcome = CALL_FAILED, .error = BYTES_LITERAL("Read timed out")};
}

void outside_call(struct outside *outside, uint64_t incarnation, const struct node_effect *effect) {
    struct world *world = outside->world;
    const struct swarm *swarm = outside->swarm;
    judge(outside, &effect->call);
    struct sent *sent = calloc(1, sizeof(*sent));
    check(sent != NULL);
    *sent = (struct sent){
        .outside = outside,
        .incarnation = incarnation,
        .call_id = effect->call_id,
        .result = draw_result(world, swarm),
        .next = outside->sent,
    };
    outside->sent = sent;
    if (world_maybe(world, swarm->worker_dies)) {
        return; // its caller's thread hangs: nobody is ever told
    }
    int64_t us = world_draw(world, 300, 200000);
    if (world_maybe(world, swarm->worker_slow)) {
        us += world_draw(world, 0, LATE_MS) * 1000;
    }
    world_after(world, us * 1000, tell, sent, world_maybe(world, swarm->worker_repeats) ? 2 : 1);
}
