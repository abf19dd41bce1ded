// A request that a task wants made outside, and what became of it: values only. The scheduler words
// the request and reads the answer; who makes it is the node that leads the task's group, once the
// claim is committed (distributed.md §9). Thread: any.
//
// Headers of both are lines `Name: value`, each ended by LF, without CR: flat, so that a call is
// copied by copying four texts.
#pragma once

#include "proto/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Texts are borrowed. Times are in ms and positive.
struct call {
    bytes method; // one of the eight of HTTP/1.1, upper case
    bytes uri;    // ASCII without blanks; whether anybody is there is seen when it is called
    bytes headers;
    bytes body;
    bool has_body; // an empty one is one, too
    bool follow;   // redirects, at most LIMIT_CALL_REDIRECTS
    int64_t connect_ms;
    int64_t silence_ms; // the longest the peer may send nothing, once connected
    int64_t total_ms;
    size_t body_max; // of the answer; 0: LIMIT_TASK_PAYLOAD_BYTES
};

enum call_outcome {
    CALL_ANSWERED,
    CALL_FAILED,    // no whole answer came; `error` says why
    CALL_TOO_LARGE, // it was given up when its body passed body_max
    CALL_RELEASED,  // nobody makes it, or waits for it: it is to be claimed anew
    CALL_OUTCOME_COUNT
};

// `body` are the bytes that came, any bytes; `headers` are of the last response.
struct call_result {
    enum call_outcome outcome;
    int32_t status;
    bytes headers;
    bytes body;
    bytes error;
};
