// The routes of the public API: which row a method and path mean, and what the row promises
// (rest-api.md §1). The rows are in proto/api/route_table.h. Pure. Thread: any.
#pragma once

#include "proto/api/model.h"
#include "proto/api/route_table.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

enum api_route_name {
#define API_ROUTE_ENUM(name, ...) API_##name,
    API_ROUTES(API_ROUTE_ENUM)
#undef API_ROUTE_ENUM
    API_ROUTE_COUNT
};

#define API_METHODS(METHOD) \
    METHOD(GET)             \
    METHOD(POST)            \
    METHOD(PUT)             \
    METHOD(DELETE)

enum api_method {
#define API_METHOD_ENUM(name) API_METHOD_##name,
    API_METHODS(API_METHOD_ENUM)
#undef API_METHOD_ENUM
    API_METHOD_COUNT
};

enum api_response {
    API_RESPONSE_VOID,    // no body, `Content-Length: 0`, no Content-Type
    API_RESPONSE_TEXT,    // text/plain;charset=UTF-8
    API_RESPONSE_JSON,    // application/json
    API_RESPONSE_METRICS, // text/plain; version=0.0.4
    API_RESPONSE_BINARY,  // application/octet-stream
};

enum api_body {
    API_BODY_NONE,
    API_BODY_MODEL,      // one object of the row's model
    API_BODY_MODEL_LIST, // an array of them
    API_BODY_OBJECT,     // any object
    API_BODY_TEXT_LIST,  // an array of strings
    API_BODY_RAW,        // the bytes as they are
};

enum api_query_type {
    API_QUERY_TEXT,
    API_QUERY_INT,
    API_QUERY_BOOL,
    API_QUERY_LIST,
};

struct api_query {
    const char *name;
    enum api_query_type type;
    const char *default_text; // NULL: none, the parameter may be absent
};

struct api_route {
    enum api_route_name name;
    const char *contract; // "W-1"
    enum api_method method;
    const char *path; // "/api/workflow/{workflowId}"
    uint16_t status;  // of success; some rows answer 204 instead (T-1)
    enum api_response response;
    enum api_body body;
    const struct api_model *model;   // of the body
    bool built;                      // false: answer 501, api_not_built
    const struct api_query *queries; // ends with a row whose name is NULL
};

const struct api_route *api_route_of(enum api_route_name name);
const char *api_method_text(enum api_method method);

// The name of a row `START_WORKFLOW`: for logs, metrics and operation ids.
const char *api_route_text(enum api_route_name name);

enum {
    API_PATH_SEGMENTS_MAX = 16,
    API_PATH_VARIABLES_MAX = 4,
};

// Splits a path (from its first '/', no query) at '/' and percent-decodes each segment once;
// `/api/queue/` has the segments `api`, `queue` and an empty one. `out_segments` has room for
// API_PATH_SEGMENTS_MAX; more is ERR_NOT_FOUND. Errors: ERR_INVALID for a bad escape, an encoded
// slash or zero, or bytes that are not UTF-8. Decoded text lives in `arena`.
MUST_USE err
api_split_path(bytes path, struct arena *arena, bytes *out_segments, size_t *out_count);

enum api_match_outcome {
    API_MATCH_ROUTE,
    API_MATCH_OPTIONS,      // 200 with `Allow`, no body
    API_MATCH_WRONG_METHOD, // 405
    API_MATCH_UNKNOWN,      // 404 (or the console, for GET outside /api)
};

struct api_match {
    enum api_match_outcome outcome;
    const struct api_route *route;           // of ROUTE
    bool head;                               // the method was HEAD: answer without the body
    unsigned methods;                        // bits 1 << enum api_method that the path has
    bytes variables[API_PATH_VARIABLES_MAX]; // of ROUTE, in the order of the path
    size_t variable_count;
};

// Finds the row for a request. Segment by segment a literal beats a variable, among the rows of the
// method; HEAD means GET; a variable is never empty.
struct api_match api_match(bytes method, const bytes *segments, size_t count);

// The value of an `Allow` header for a set of methods, HEAD and OPTIONS included; in `arena`.
const char *api_allow(unsigned methods, struct arena *arena);

// `Request method '<method>' is not supported`, ERR_INVALID: the status is 405, not the code's.
err api_wrong_method(bytes method, struct arena *arena);

// `No static resource <path>.`, ERR_NOT_FOUND. `path` as it was asked.
err api_unknown_path(bytes path, struct arena *arena);

// ERR_UNSUPPORTED with a text naming the row.
err api_not_built(const struct api_route *route, struct arena *arena);

// --- query ---------------------------------------------------------------------------------------

struct api_parameter {
    bytes name;
    bytes value;
};

struct api_parameters {
    const struct api_parameter *items;
    size_t count;
};

// Form decoding of a query (what follows '?'): '+' is a blank, `%xx` once, a name without '=' has
// an empty value. Lives in `arena`. Errors: ERR_INVALID for a bad escape or bytes that are not
// UTF-8; ERR_TOO_LARGE over LIMIT_API_QUERY_PARAMETERS.
MUST_USE err
api_split_query(bytes query, struct arena *arena, struct api_parameters *out_parameters);

// One parameter of the route by its name, which must be in its row with that type. An empty value
// is the default. Errors: ERR_INVALID, text names parameter and value.

// Repeated values are joined with ','. Data NULL when absent without a default.
bytes api_query_text(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena
);

// Absent without a default: `present` is false. The first of repeated values counts.
MUST_USE err api_query_int(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    struct api_optional_int *out_value
);

// true/on/yes/1, false/off/no/0, in any case. Absent without a default: false.
MUST_USE err api_query_bool(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    bool *out_value
);

// Repeated and comma-separated values, empty ones left out. The array lives in `arena`.
void api_query_list(
    const struct api_route *route,
    const struct api_parameters *parameters,
    const char *name,
    struct arena *arena,
    bytes **out_items,
    size_t *out_count
);
