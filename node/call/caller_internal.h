// The parts of a call, for the files of this folder.
#pragma once

#include "node/call/caller.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/limits.h"

#include <curl/curl.h>
#include <event2/event.h>

// What a peer has sent so far. answer.c
struct answer {
    struct caller *caller;
    CURL *transfer;
    struct event *silence; // rearmed whenever something comes
    struct timeval patience;
    struct buffer headers; // of the last response: lines `Name: value`, each ended by LF
    struct buffer body;
    size_t head_bytes; // of all responses
    uint32_t header_count;
    curl_off_t sent; // of the request, when last looked at
    bool head_whole; // its blank line came; what follows as headers are trailers
    bool too_large;
    const char *fault; // why we hung up, or NULL
};

void answer_init(struct answer *answer, struct caller *caller, size_t body_max);
void answer_deinit(struct answer *answer);

// Makes the transfer write into the answer and tell its signs of life.
void answer_attach(struct answer *answer, CURL *transfer);

// One request to be made. caller.c
struct open_call {
    struct caller *caller;
    uint64_t id;
    caller_callback *callback;
    void *argument;
    CURL *transfer;
    struct curl_slist *headers;
    bytes body; // on the C heap
    struct answer answer;
    char error[CURL_ERROR_SIZE];
    int64_t silence_ms;
    struct open_call *previous;
    struct open_call *next;
};

struct caller {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;  // libcurl's
    struct event *settle; // looks for transfers that ended
    struct open_call *first;
    struct caller_stats stats;
};

// Sets the transfer up: what is sent and within which bounds. False: libcurl refuses it. request.c
MUST_USE bool request_apply(
    struct open_call *open, const struct call *call, const struct call_signature *signature
);
