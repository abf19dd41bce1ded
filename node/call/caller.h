// Requests to other servers, made on the shell's loop: HTTP/1.1 by libcurl, which is spoken in this
// room only.
//
// A peer may do what it likes. Every call ends within its times, holds no more than its bounds
// (proto/limits.h) and is told once: answered, failed with a text for people, or too large. Peers
// are called directly, never through a proxy of the environment; certificates are checked.
//
// Thread: the loop's; callbacks are called on it, never from within a call of the caller.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/err.h"
#include "scheduler/call.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct caller;

// `result` is valid during the call.
typedef void caller_callback(void *argument, uint64_t call_id, const struct call_result *result);

// Counters since the start, and what is so now.
struct caller_stats {
    uint64_t made;
    uint64_t answered;
    uint64_t failed;
    uint64_t too_large;
    uint64_t received_bytes; // of bodies
    uint32_t open;
    uint64_t held_bytes; // of bodies of open calls
};

// Errors: ERR_UNSUPPORTED: this libcurl would stop the loop while it looks names up; ERR_IO.
MUST_USE err caller_create(struct event_base *base, struct caller **out_caller);

// Gives up what is open; no callback is called. Leaves NULL; accepts NULL.
void caller_destroy(struct caller **caller);

// Makes a call, whose texts are copied. `callback` is called once, later, with `call_id`, which is
// the caller's and means nothing here.
void caller_make(
    struct caller *caller,
    uint64_t call_id,
    const struct call *call,
    caller_callback *callback,
    void *argument
);

// Who asks a service of AWS's kind, S3 and what speaks like it. Texts are borrowed. The secret goes
// to libcurl and nowhere else.
struct call_signature {
    bytes region;
    bytes service;
    bytes key_id;
    bytes secret;
};

// The same, signed (version 4). What is signed is what is there: the query must be sorted and
// escaped as the signature wants it, and headers that the service asks for are the call's. NULL:
// not signed.
void caller_make_signed(
    struct caller *caller,
    uint64_t call_id,
    const struct call *call,
    const struct call_signature *signature,
    caller_callback *callback,
    void *argument
);

struct caller_stats caller_stats(const struct caller *caller);
