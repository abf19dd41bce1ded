// Reads requests from a stream of bytes, however it is cut: pure, incremental, strict.
//
// The bytes stay in the caller's buffer: the caller appends what arrived and calls step; a finished
// request is a view of the buffer and of an arena. Chunked bodies are decoded in place. Where the
// stream is cut changes nothing about the outcome but whether CONTINUE is said.
// Rules: RFC 9112; rest-api.md §1; the probe table of the design.
#pragma once

#include "node/http/request.h"
#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/buffer.h"

struct http_parser_limits {
    size_t head_bytes_max; // request line and headers; also trailers, and chunk extensions together
    size_t body_bytes_max; // decoded
};

enum http_parser_state {
    HTTP_PARSER_HEAD,
    HTTP_PARSER_LENGTH, // a body of known length
    HTTP_PARSER_CHUNK_LINE,
    HTTP_PARSER_CHUNK_BODY,
    HTTP_PARSER_CHUNK_END,
    HTTP_PARSER_TRAILER,
    HTTP_PARSER_WHOLE,
    HTTP_PARSER_REFUSED,
};

// Plain so that it can live inside its owner; only parser.c changes the fields. Offsets count from
// the begin of the buffer.
struct http_parser {
    struct http_parser_limits limits;
    enum http_parser_state state;
    size_t cursor;     // the first byte not taken yet
    size_t scanned;    // no line feed between cursor and here
    size_t head_begin; // after an empty line that may stand before a request
    size_t head_end;   // before the empty line that ends the head
    size_t body_begin;
    size_t body_size;      // decoded so far
    uint64_t remaining;    // bytes of the body or the chunk still to come
    size_t overhead_bytes; // chunk extensions and trailers so far
    struct http_refusal refusal;
};

enum http_parser_outcome {
    HTTP_PARSER_MORE,     // everything in the buffer is taken: append more
    HTTP_PARSER_CONTINUE, // the client waits for "100 Continue": send it, call step again
    HTTP_PARSER_REQUEST,  // a whole request
    HTTP_PARSER_REFUSAL,  // answer `refusal`, then close: where the next request begins is unknown
};

void http_parser_init(struct http_parser *parser, struct http_parser_limits limits);

// Takes what is in `buffer`. On REQUEST `*out_request` is valid until the buffer changes or `arena`
// is reset; the caller then calls http_parser_next. Nothing in `arena` is needed by a later step.
MUST_USE enum http_parser_outcome http_parser_step(
    struct http_parser *parser,
    struct buffer *buffer,
    struct arena *arena,
    struct http_request *out_request
);

// Removes the finished request from the buffer and begins the next one.
void http_parser_next(struct http_parser *parser, struct buffer *buffer);

// How many bytes are surely still to come, 0 when that is not known: a hint for reading.
uint64_t http_parser_wanted(const struct http_parser *parser, const struct buffer *buffer);

// Whether the head is whole and the body is not.
bool http_parser_in_body(const struct http_parser *parser);
