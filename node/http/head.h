// The head of a request: request line and header fields, and how its body is framed. Internal to
// this room.
#pragma once

#include "node/http/request.h"
#include "proto/base/arena.h"
#include "proto/base/attr.h"

struct http_framing {
    bool chunked;
    uint64_t content_length; // 0 when chunked or not given
    bool expects_continue;
};

// Parses `head`: whole lines, each ended by CR LF, without the empty line that ends a head.
// `*out_request` (but for its body) lives in `arena` and in `head`. Outputs are written when the
// cause is NONE only. Pure.
MUST_USE struct http_refusal http_head_parse(
    bytes head,
    struct arena *arena,
    struct http_request *out_request,
    struct http_framing *out_framing
);

// Whether `line` (without CR LF) has the shape of a header field; its parts, as sent, as views.
MUST_USE bool http_head_field(bytes line, struct http_field *out_field);
