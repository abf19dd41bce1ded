// The buffer is the memory of the parser: [head][decoded body][bytes not taken]. A head is parsed
// when its last line is there, once to learn the framing and, only if the body came later, once
// more to make the request, so that a waiting connection keeps no parsed form. Chunks are moved
// down over their framing, each byte once; what remains is closed up, so the buffer never exceeds
// head + body + one partial line + what the last read brought beyond the request.
//
// Refusals are found in the order of the bytes, never by how much happens to be there: a test cuts
// every probe at every byte and expects the same outcome.
#include "node/http/parser.h"

#include "node/http/grammar.h"
#include "node/http/head.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <string.h>

enum line_outcome {
    LINE_WHOLE,
    LINE_PARTIAL,
    LINE_LONG,
    LINE_BARE, // a line feed without carriage return
};

void http_parser_init(struct http_parser *parser, struct http_parser_limits limits) {
    *parser = (struct http_parser){.limits = limits, .refusal = HTTP_REFUSAL_NOT};
}

static bool refuse(struct http_parser *parser, enum http_refusal_cause cause, const char *text) {
    parser->state = HTTP_PARSER_REFUSED;
    parser->refusal = (struct http_refusal){cause, text};
    return true;
}

// Takes the next line, of at most `size_max` bytes with its CR LF.
static enum line_outcome
line_take(struct http_parser *parser, bytes input, size_t size_max, bytes *out_line) {
    size_t available = input.size - parser->cursor;
    size_t end = parser->cursor + (available < size_max ? available : size_max);
    size_t at = bytes_find(bytes_slice(input, 0, end), parser->scanned, '\n');
    if (at == end) {
        parser->scanned = end;
        return available >= size_max ? LINE_LONG : LINE_PARTIAL;
    }
    if (at == parser->cursor || input.data[at - 1] != '\r') {
        return LINE_BARE;
    }
    *out_line = bytes_slice(input, parser->cursor, at - 1);
    parser->cursor = at + 1;
    parser->scanned = at + 1;
    return LINE_WHOLE;
}

static void body_begin(struct http_parser *parser, const struct http_framing *framing) {
    parser->body_begin = parser->cursor;
    if (framing->chunked) {
        parser->state = HTTP_PARSER_CHUNK_LINE;
    } else if (framing->content_length > parser->limits.body_bytes_max) {
        refuse(parser, HTTP_REFUSAL_BODY_TOO_LARGE, "the body is too large");
    } else {
        parser->remaining = framing->content_length;
        parser->state = framing->content_length > 0 ? HTTP_PARSER_LENGTH : HTTP_PARSER_WHOLE;
    }
}

static bytes head_of(const struct http_parser *parser, bytes input) {
    return bytes_slice(input, parser->head_begin, parser->head_end);
}

// The functions below make one move each and return false when they need more bytes.

static bool head_take(
    struct http_parser *parser,
    bytes input,
    struct arena *arena,
    struct http_request *request,
    struct http_framing *out_framing
) {
    size_t line_begin = parser->cursor;
    bytes line = BYTES_EMPTY;
    switch (line_take(parser, input, parser->limits.head_bytes_max - line_begin, &line)) {
    case LINE_PARTIAL:
        return false;
    case LINE_LONG:
        return refuse(parser, HTTP_REFUSAL_HEAD_TOO_LARGE, "the head is too large");
    case LINE_BARE:
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a line does not end with CR LF");
    case LINE_WHOLE:
        break;
    }
    if (line.size > 0) {
        return true;
    }
    if (line_begin == 0) {
        parser->head_begin = parser->cursor; // RFC 9112 §2.2: one empty line is forgiven
        return true;
    }
    if (line_begin == parser->head_begin) {
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "the request line is missing");
    }
    parser->head_end = line_begin;
    struct http_framing framing = {0};
    struct http_refusal refusal = http_head_parse(head_of(parser, input), arena, request, &framing);
    if (refusal.cause != HTTP_REFUSAL_NONE) {
        return refuse(parser, refusal.cause, refusal.text);
    }
    body_begin(parser, &framing);
    *out_framing = framing;
    return true;
}

static bool length_take(struct http_parser *parser, bytes input) {
    if (input.size - parser->body_begin < parser->remaining) {
        return false;
    }
    parser->body_size = (size_t)parser->remaining;
    parser->cursor = parser->body_begin + parser->body_size;
    parser->state = HTTP_PARSER_WHOLE;
    return true;
}

// chunk-size [ *blank ";" extension ], RFC 9112 §7.1. False: it is not; a size of more digits than
// 15 is none we would take.
static bool chunk_line_parse(bytes line, uint64_t *out_size, size_t *out_extension_bytes) {
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.size; digits++) {
        uint8_t byte = line.data[digits];
        uint8_t lower = byte | 0x20;
        bool is_letter = lower >= 'a' && lower <= 'f';
        if (!is_letter && (byte < '0' || byte > '9')) {
            break;
        }
        size = size * 16 + (uint64_t)(is_letter ? lower - 'a' + 10 : byte - '0');
        if (digits >= 15) {
            return false;
        }
    }
    size_t at = digits;
    while (at < line.size && (line.data[at] == ' ' || line.data[at] == '\t')) {
        at++;
    }
    bool extended = at < line.size && line.data[at] == ';';
    bytes extension = bytes_slice(line, digits, line.size);
    if (digits == 0 || (extension.size > 0 && !extended) ||
        !http_grammar_all(&http_grammar_value, extension)) {
        return false;
    }
    *out_size = size;
    *out_extension_bytes = extension.size;
    return true;
}

static bool chunk_line_take(struct http_parser *parser, bytes input) {
    bytes line = BYTES_EMPTY;
    switch (line_take(parser, input, LIMIT_HTTP_CHUNK_LINE_BYTES, &line)) {
    case LINE_PARTIAL:
        return false;
    case LINE_LONG:
    case LINE_BARE:
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a chunk size line is malformed");
    case LINE_WHOLE:
        break;
    }
    uint64_t size = 0;
    size_t extension_bytes = 0;
    if (!chunk_line_parse(line, &size, &extension_bytes)) {
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a chunk size line is malformed");
    }
    parser->overhead_bytes += extension_bytes;
    if (parser->overhead_bytes > parser->limits.head_bytes_max) {
        return refuse(parser, HTTP_REFUSAL_HEAD_TOO_LARGE, "the chunk extensions are too large");
    }
    if (size > parser->limits.body_bytes_max - parser->body_size) {
        return refuse(parser, HTTP_REFUSAL_BODY_TOO_LARGE, "the body is too large");
    }
    parser->remaining = size;
    parser->state = size > 0 ? HTTP_PARSER_CHUNK_BODY : HTTP_PARSER_TRAILER;
    return true;
}

static bool chunk_body_take(struct http_parser *parser, struct buffer *buffer) {
    size_t available = buffer->size - parser->cursor;
    size_t size = available < parser->remaining ? available : (size_t)parser->remaining;
    if (size > 0) {
        uint8_t *body_end = buffer->data + parser->body_begin + parser->body_size;
        memmove(body_end, buffer->data + parser->cursor, size);
    }
    parser->body_size += size;
    parser->cursor += size;
    parser->scanned = parser->cursor;
    parser->remaining -= size;
    if (parser->remaining > 0) {
        return false;
    }
    parser->state = HTTP_PARSER_CHUNK_END;
    return true;
}

static bool chunk_end_take(struct http_parser *parser, bytes input) {
    if (input.size - parser->cursor < 2) {
        return false;
    }
    if (memcmp(input.data + parser->cursor, "\r\n", 2) != 0) {
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a chunk is longer than its size");
    }
    parser->cursor += 2;
    parser->scanned = parser->cursor;
    parser->state = HTTP_PARSER_CHUNK_LINE;
    return true;
}

// Trailers are checked and forgotten (RFC 9110 §6.5.1 allows that).
static bool trailer_take(struct http_parser *parser, bytes input) {
    bytes line = BYTES_EMPTY;
    size_t size_max = parser->limits.head_bytes_max - parser->overhead_bytes;
    switch (line_take(parser, input, size_max, &line)) {
    case LINE_PARTIAL:
        return false;
    case LINE_LONG:
        return refuse(parser, HTTP_REFUSAL_HEAD_TOO_LARGE, "the trailers are too large");
    case LINE_BARE:
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a line does not end with CR LF");
    case LINE_WHOLE:
        break;
    }
    struct http_field field;
    if (line.size == 0) {
        parser->state = HTTP_PARSER_WHOLE;
    } else if (!http_head_field(line, &field)) {
        return refuse(parser, HTTP_REFUSAL_MALFORMED, "a trailer field is malformed");
    }
    parser->overhead_bytes += line.size + 2;
    return true;
}

// Moves the bytes not taken down to the end of the decoded body.
static void gap_close(struct http_parser *parser, struct buffer *buffer) {
    size_t body_end = parser->body_begin + parser->body_size;
    size_t gap = parser->cursor - body_end;
    if (gap == 0) {
        return;
    }
    memmove(buffer->data + body_end, buffer->data + parser->cursor, buffer->size - parser->cursor);
    buffer->size -= gap;
    parser->cursor -= gap;
    parser->scanned -= gap;
}

static bool state_is_chunked(enum http_parser_state state) {
    return state == HTTP_PARSER_CHUNK_LINE || state == HTTP_PARSER_CHUNK_BODY ||
           state == HTTP_PARSER_CHUNK_END || state == HTTP_PARSER_TRAILER;
}

// One move by the state. False: more bytes are needed.
static bool move(
    struct http_parser *parser,
    struct buffer *buffer,
    struct arena *arena,
    struct http_request *request,
    struct http_framing *framing
) {
    bytes input = buffer_bytes(buffer);
    switch (parser->state) {
    case HTTP_PARSER_HEAD:
        return head_take(parser, input, arena, request, framing);
    case HTTP_PARSER_LENGTH:
        return length_take(parser, input);
    case HTTP_PARSER_CHUNK_LINE:
        return chunk_line_take(parser, input);
    case HTTP_PARSER_CHUNK_BODY:
        return chunk_body_take(parser, buffer);
    case HTTP_PARSER_CHUNK_END:
        return chunk_end_take(parser, input);
    case HTTP_PARSER_TRAILER:
        return trailer_take(parser, input);
    case HTTP_PARSER_WHOLE:
    case HTTP_PARSER_REFUSED:
        break;
    }
    return false;
}

enum http_parser_outcome http_parser_step(
    struct http_parser *parser,
    struct buffer *buffer,
    struct arena *arena,
    struct http_request *out_request
) {
    struct http_request request = {0};
    struct http_framing framing = {0};
    while (move(parser, buffer, arena, &request, &framing)) {
    }
    if (parser->state == HTTP_PARSER_REFUSED) {
        return HTTP_PARSER_REFUSAL;
    }
    bytes input = buffer_bytes(buffer);
    if (parser->state == HTTP_PARSER_WHOLE) {
        if (request.method_text.size == 0) {
            struct http_refusal again =
                http_head_parse(head_of(parser, input), arena, &request, &framing);
            check(again.cause == HTTP_REFUSAL_NONE);
        }
        request.body =
            bytes_slice(input, parser->body_begin, parser->body_begin + parser->body_size);
        *out_request = request;
        return HTTP_PARSER_REQUEST;
    }
    if (state_is_chunked(parser->state)) {
        gap_close(parser, buffer);
    }
    bool body_is_awaited = framing.expects_continue && buffer->size == parser->body_begin;
    return body_is_awaited ? HTTP_PARSER_CONTINUE : HTTP_PARSER_MORE;
}

void http_parser_next(struct http_parser *parser, struct buffer *buffer) {
    check(parser->state == HTTP_PARSER_WHOLE);
    buffer_consume(buffer, parser->cursor);
    http_parser_init(parser, parser->limits);
}

uint64_t http_parser_wanted(const struct http_parser *parser, const struct buffer *buffer) {
    if (parser->state == HTTP_PARSER_LENGTH) {
        return parser->remaining - (buffer->size - parser->body_begin);
    }
    return parser->state == HTTP_PARSER_CHUNK_BODY ? parser->remaining : 0;
}

bool http_parser_in_body(const struct http_parser *parser) {
    return parser->state == HTTP_PARSER_LENGTH || state_is_chunked(parser->state);
}
