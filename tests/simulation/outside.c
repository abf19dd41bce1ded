// A request's fate is drawn when it arrives. What was asked under a key is remembered, because a
// call may be made again but must not become another one, and should not be made again at all.
//
// Leases run by partition time, which a node alone takes from its clock, however wrong that is: of
// such a node it is not asked whether a call comes too early.

#include "tests/simulation/outside.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/table.h"

#include <stdlib.h>

enum {
    TOTAL_MS = OUTSIDE_LEASE_MS - LIMIT_CALL_GRACE_MS, // left of its lease when a call leaves
    LATE_MS = 3 * OUTSIDE_LEASE_MS,
    LEASE_PER_CENT = 90,                      // of a time may pass for all of it: clocks differ
    IN_TIME_MS = LIMIT_CALL_GRACE_MS * 3 / 4, // before the end of its lease an answer is not late
    RECOVERY_MS = 3000                        // leaders are found, links are made
};

// A request on its way. Owned by the action that will answer it, listed for the end of the world.
struct sent {
    struct outside *outside;
    struct outside_caller caller;
    struct asked *asked;
    uint32_t count; // of the key's requests, with this one
    uint64_t call_id;
    struct call_result result; // of literals
    struct sent *next;
};

struct outside {
    struct world *world;
    const struct swarm *swarm;
    bool calm;
    int64_t troubled_until_ns;
    struct table requests; // struct asked by the hash of its key
    struct sent *sent;     // all of the world
    struct asked *asked;
};

// What came under one key.
struct asked {
    uint64_t request; // its hash
    uint32_t count;
    struct outside_caller caller; // of the newest one
    mono_time at;
    int64_t told_ns; // when it was answered in time, with nothing in the way; 0: it was not
    struct asked *next;
};

struct outside *outside_create(struct world *world, const struct swarm *swarm) {
    struct outside *outside = calloc(1, sizeof(*outside));
    check(outside != NULL);
    outside->world = world;
    outside->swarm = swarm;
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

static struct asked *asked_of(struct outside *outside, bytes key, uint64_t request) {
    struct asked *asked = table_get(&outside->requests, hash_sip64(key));
    if (asked == NULL) {
        asked = calloc(1, sizeof(*asked));
        check(asked != NULL);
        asked->request = request;
        asked->next = outside->asked;
        outside->asked = asked;
        table_put(&outside->requests, hash_sip64(key), asked);
    }
    return asked;
}

static int64_t passed_ms(const struct outside *outside, const struct asked *asked) {
    return (world_mono(outside->world).ns - asked->at.ns) / WORLD_MS;
}

// Asked before: was there a reason to ask again?
static void judge_again(struct outside *outside, const struct asked *asked, bytes key) {
    int64_t ms = passed_ms(outside, asked);
    if (asked->told_ns != 0 && asked->told_ns >= outside->troubled_until_ns) {
        world_fail(
            outside->world,
            "outside",
            "key %.*s came again, although n%u was told the answer in time",
            BYTES_ARG(key),
            asked->caller.number
        );
    } else if (!outside->swarm->alone && ms * 100 < (int64_t)TOTAL_MS * LEASE_PER_CENT &&
               asked->caller.lives(asked->caller.argument, asked->caller.incarnation)) {
        world_fail(
            outside->world,
            "outside",
            "key %.*s came again after %lld ms, although n%u, which asked before, lives",
            BYTES_ARG(key),
            (long long)ms,
            asked->caller.number
        );
    }
}

static struct asked *
judge(struct outside *outside, const struct outside_caller *caller, const struct call *call) {
    bytes key = key_of(call->headers);
    if (key.size == 0) {
        world_fail(outside->world, "outside", "a call without Idempotency-Key");
        return NULL;
    }
    uint64_t request = hash_sip64(call->uri) ^ hash_sip64(call->method) ^ hash_sip64(call->body);
    struct asked *asked = asked_of(outside, key, request);
    world_trace(outside->world, "outside %.*s asked %u times", BYTES_ARG(key), asked->count + 1);
    if (asked->request != request) {
        world_fail(outside->world, "outside", "key %.*s came with another request", BYTES_ARG(key));
    } else if (asked->count > 0) {
        judge_again(outside, asked, key);
    }
    asked->count++;
    asked->caller = *caller;
    asked->at = world_mono(outside->world);
    asked->told_ns = 0;
    return asked;
}

// An entry may be kept waiting at any moment.
static bool disks_fail(const struct swarm *swarm) {
    return swarm->stall_per_batch + swarm->late_commit + swarm->full_per_batch > 0;
}

static void tell(void *argument, uint64_t times) {
    struct sent *sent = argument;
    struct outside *outside = sent->outside;
    bool heard = false;
    for (uint64_t i = 0; i < times; i++) {
        const struct outside_caller *caller = &sent->caller;
        heard = caller->told(caller->argument, caller->incarnation, sent->call_id, &sent->result) ||
                heard;
    }
    struct asked *asked = sent->asked;
    int64_t now_ns = world_mono(outside->world).ns;
    bool in_time = passed_ms(outside, asked) < OUTSIDE_LEASE_MS - IN_TIME_MS;
    if (heard && in_time && sent->count == asked->count && now_ns >= outside->troubled_until_ns &&
        (outside->calm || !disks_fail(outside->swarm))) {
        asked->told_ns = now_ns;
    }
}

void outside_trouble(struct outside *outside, int64_t ms) {
    int64_t until_ns = world_mono(outside->world).ns + (ms + RECOVERY_MS) * WORLD_MS;
    if (until_ns > outside->troubled_until_ns) {
        outside->troubled_until_ns = until_ns;
    }
}

void outside_calm(struct outside *outside) {
    outside->calm = true;
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

void outside_call(
    struct outside *outside, const struct outside_caller *caller, const struct node_effect *effect
) {
    struct world *world = outside->world;
    const struct swarm *swarm = outside->swarm;
    struct asked *asked = judge(outside, caller, &effect->call);
    if (asked == NULL) {
        return;
    }
    struct sent *sent = calloc(1, sizeof(*sent));
    check(sent != NULL);
    *sent = (struct sent){
        .outside = outside,
        .caller = *caller,
        .asked = asked,
        .count = asked->count,
        .call_id = effect->call_id,
        .result = draw_result(world, swarm),
        .next = outside->sent,
    };
    outside->sent = sent;
    if (world_maybe(world, swarm->worker_dies)) {
        return; // its caller's thread hangs: nobody is ever told
    }
    int64_t us = world_draw(world, 300, world_maybe(world, 400) ? TOTAL_MS * 1000 : 200000);
    if (world_maybe(world, swarm->worker_slow)) {
        us += world_draw(world, 0, LATE_MS) * 1000;
    }
    world_after(world, us * 1000, tell, sent, world_maybe(world, swarm->worker_repeats) ? 2 : 1);
}
