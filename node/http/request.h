// A request as its handler sees it, and the reasons for which one is refused before that.
//
// Everything is a view: who made the request says how long it lives.
#pragma once

#include "proto/base/bytes.h"

// cause, status, meaning
#define HTTP_REFUSAL_TABLE(X)                                               \
    X(NONE, 200, "not refused")                                             \
    X(MALFORMED, 400, "the bytes are no request by RFC 9112")               \
    X(HEAD_TIMEOUT, 408, "the head did not arrive in time")                 \
    X(BODY_TIMEOUT, 408, "the body arrives too slowly")                     \
    X(BODY_TOO_LARGE, 413, "the body is over its bound")                    \
    X(EXPECTATION, 417, "an expectation other than 100-continue")           \
    X(HEAD_TOO_LARGE, 431, "the head or the trailers are over their bound") \
    X(CODING, 501, "a transfer coding other than chunked")                  \
    X(CONNECTIONS, 503, "as many connections as we hold are open")          \
    X(VERSION, 505, "a version of HTTP other than 1.0 and 1.1")

enum http_refusal_cause {
#define HTTP_REFUSAL_ENUM(name, status, meaning) HTTP_REFUSAL_##name,
    HTTP_REFUSAL_TABLE(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
    HTTP_REFUSAL_COUNT
};

// `text` is a literal that fits into a JSON string as it stands.
struct http_refusal {
    enum http_refusal_cause cause;
    const char *text;
};

#define HTTP_REFUSAL_NOT ((struct http_refusal){HTTP_REFUSAL_NONE, ""})

// The HTTP status of a cause.
uint16_t http_refusal_status(enum http_refusal_cause cause);

// The name of a cause in lower case, for logs and counters.
const char *http_refusal_name(enum http_refusal_cause cause);

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_OTHER, // any other token, in `method_text`
};

struct http_field {
    bytes name;
    bytes value;
};

struct http_request {
    enum http_method method;
    bytes method_text; // as sent; methods are case-sensitive
    bytes target;      // as sent
    // The path as sent, still encoded, "/" at least; of an absolute target the part after the host.
    // "*" for `OPTIONS *`, which has no segments.
    bytes path;
    // The parts between slashes, each percent-decoded once, UTF-8 without NUL and without '/'. A
    // slash at the end gives a last empty segment: "/" is [""], "/a/" is ["a", ""].
    const bytes *segments;
    size_t segment_count;
    // Form-decoded, UTF-8 without NUL, in the order sent, repeated names kept; a parameter without
    // '=' has an empty value, an empty one ("a=1&&b=2") is left out.
    const struct http_field *parameters;
    size_t parameter_count;
    // Names in lower case, values without blanks around them, in the order sent. Never trailers.
    const struct http_field *headers;
    size_t header_count;
    bytes body; // decoded; empty when there is none
    bool is_http_1_0;
    bool keep_alive; // what the client wishes
};

// The first header called `name` (in lower case). False: there is none; `*out_value` is untouched.
bool http_request_header(const struct http_request *request, const char *name, bytes *out_value);

// The first query parameter called `name`. False: there is none; `*out_value` is untouched.
bool http_request_parameter(const struct http_request *request, const char *name, bytes *out_value);
