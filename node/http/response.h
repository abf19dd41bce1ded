// Answers as bytes. Internal to this room.
#pragma once

#include "node/http/server.h"
#include "proto/base/buffer.h"

enum {
    HTTP_RESPONSE_DATE_BYTES = 29
};

// How an answer is framed.
struct http_response_framing {
    bool close;       // the connection ends with it
    bool is_http_1_0; // "keep-alive" must be said where the connection stays
    bool streams;     // the body comes in pieces: `body` is the first
    uint64_t total;   // their bytes; 0: not known
    // RFC 9110 §5.6.7, HTTP_RESPONSE_DATE_BYTES characters
    const char *date;
};

// Whether an answer of `status` may have a body at all.
bool http_response_has_body(uint16_t status);

// Appends the status line and the headers with the empty line.
void http_response_head(
    struct buffer *buffer,
    const struct http_response *response,
    struct http_response_framing framing
);

// Appends what stands in front of a chunk of that size; `first`: nothing was before it.
void http_response_chunk(struct buffer *buffer, size_t size, bool first);

// Writes the Date of `seconds` since 1970 into `out`.
void http_response_date(int64_t seconds, char out[HTTP_RESPONSE_DATE_BYTES]);

// Appends the error body of rest-api.md §2.1; `instance` may be NULL.
void http_response_error_body(
    struct buffer *buffer, struct http_refusal refusal, const char *instance
);
