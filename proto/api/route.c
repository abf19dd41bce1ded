// Matching a request to its row.
//
// Idea: every row is compared segment by segment with its own pattern text; among the rows that fit
// and have the method, the one with the earliest literal wins. Some hundred and thirty rows cost
// one to two microseconds, most of them falling at their second segment; a tree would be faster and
// would be a second place where routes live.
#include "proto/api/route.h"

#include "proto/base/check.h"

#include <string.h>

#define NO_QUERY ((const struct api_query[]){{NULL, API_QUERY_TEXT, NULL}})
#define QUERIES(...) ((const struct api_query[]){__VA_ARGS__, {NULL, API_QUERY_TEXT, NULL}})
#define TEXT(name, default_text) \
    { name, API_QUERY_TEXT, default_text }
#define INT(name, default_text) \
    { name, API_QUERY_INT, default_text }
#define BOOL(name, default_text) \
    { name, API_QUERY_BOOL, default_text }
#define LIST(name, default_text) \
    { name, API_QUERY_LIST, default_text }

#define ROUTE_BODY(body) ROUTE_BODY_##body
#define ROUTE_BODY_NONE API_BODY_NONE, NULL
#define ROUTE_BODY_OBJECT API_BODY_OBJECT, NULL
#define ROUTE_BODY_TEXT_LIST API_BODY_TEXT_LIST, NULL
#define ROUTE_BODY_RAW API_BODY_RAW, NULL
#define ROUTE_BODY_MODEL(name) API_BODY_MODEL, &api_##name##_model
#define ROUTE_BODY_MODEL_LIST(name) API_BODY_MODEL_LIST, &api_##name##_model

#define ROUTE_ROW(built, name, contract, method, path, status, response, body, queries) \
    {                                                                                   \
        API_##name,                                                                     \
        contract,                                                                       \
        API_METHOD_##method,                                                            \
        path,                                                                           \
        status,                                                                         \
        API_RESPONSE_##response,                                                        \
        ROUTE_BODY_##body,                                                              \
        built,                                                                          \
        queries,                                                                        \
    },
#define ROUTE_BUILT(...) ROUTE_ROW(true, __VA_ARGS__)
#define ROUTE_NOT_BUILT(...) ROUTE_ROW(false, __VA_ARGS__)

static const struct api_route routes[API_ROUTE_COUNT] = {API_ROUTES_BUILT(ROUTE_BUILT)
                                                             API_ROUTES_NOT_BUILT(ROUTE_NOT_BUILT)};

static const char *const method_texts[] = {
#define METHOD_TEXT(name) #name,
    API_METHODS(METHOD_TEXT)};

const struct api_route *api_route_of(enum api_route_name name) {
    check(name < API_ROUTE_COUNT);
    return &routes[name];
}

static const char *const route_texts[] = {
#define ROUTE_TEXT(name, ...) #name,
    API_ROUTES(ROUTE_TEXT)};

const char *api_method_text(enum api_method method) {
    check(method < API_METHOD_COUNT);
    return method_texts[method];
}

const char *api_route_text(enum api_route_name name) {
    check(name < API_ROUTE_COUNT);
    return route_texts[name];
}

// How well a path fits a pattern: bit (31 - i) is set when segment i is a literal, so that the
// greater of two fits has the earlier literal.
struct fit {
    uint32_t literals;
    bytes variables[API_PATH_VARIABLES_MAX];
    size_t variable_count;
};

// The end of a pattern's segment.
static const char *segment_end(const char *at) {
    while (*at != '/' && *at != '\0') {
        at++;
    }
    return at;
}

// The end of the pattern's literal segment at `at`, NULL when it is not `segment`.
static const char *fit_literal(const char *at, bytes segment) {
    size_t size = 0;
    while (size < segment.size && at[size] != '\0' && (uint8_t)at[size] == segment.data[size]) {
        size++;
    }
    bool ended = at[size] == '/' || at[size] == '\0';
    return size == segment.size && ended ? at + size : NULL;
}

static bool
fit_path(const char *pattern, const bytes *segments, size_t count, struct fit *out_fit) {
    const char *at = pattern;
    out_fit->literals = 0;
    out_fit->variable_count = 0;
    for (size_t index = 0; index < count; index++) {
        if (*at != '/') {
            return false;
        }
        at++;
        if (*at == '{') {
            if (segments[index].size == 0) {
                return false;
            }
            check(out_fit->variable_count < API_PATH_VARIABLES_MAX);
            out_fit->variables[out_fit->variable_count++] = segments[index];
            at = segment_end(at);
            continue;
        }
        at = fit_literal(at, segments[index]);
        if (at == NULL) {
            return false;
        }
        out_fit->literals |= UINT32_C(1) << (31 - index);
    }
    return *at == '\0';
}

// The method a text means for matching. False: none that any row has.
static bool method_of(bytes text, enum api_method *out_method) {
    if (bytes_equal_text(text, "HEAD")) {
        *out_method = API_METHOD_GET;
        return true;
    }
    for (int method = 0; method < API_METHOD_COUNT; method++) {
        if (bytes_equal_text(text, method_texts[method])) {
            *out_method = (enum api_method)method;
            return true;
        }
    }
    return false;
}

struct api_match api_match(bytes method, const bytes *segments, size_t count) {
    struct api_match match = {
        .outcome = API_MATCH_UNKNOWN,
        .head = bytes_equal_text(method, "HEAD"),
    };
    enum api_method wanted = API_METHOD_GET;
    bool known = method_of(method, &wanted);
    uint32_t best = 0;
    if (count > API_PATH_SEGMENTS_MAX) {
        return match;
    }
    for (size_t index = 0; index < API_ROUTE_COUNT; index++) {
        const struct api_route *route = &routes[index];
        struct fit fit;
        if (!fit_path(route->path, segments, count, &fit)) {
            continue;
        }
        match.methods |= 1U << route->method;
        if (known && route->method == wanted && (match.route == NULL || fit.literals > best)) {
            best = fit.literals;
            match.route = route;
            memcpy(match.variables, fit.variables, sizeof(fit.variables));
            match.variable_count = fit.variable_count;
        }
    }
    if (match.route != NULL) {
        match.outcome = API_MATCH_ROUTE;
    } else if (match.methods != 0) {
        match.outcome =
            bytes_equal_text(method, "OPTIONS") ? API_MATCH_OPTIONS : API_MATCH_WRONG_METHOD;
    }
    return match;
}

const char *api_allow(unsigned methods, struct arena *arena) {
    const char *list = "";
    for (int method = 0; method < API_METHOD_COUNT; method++) {
        if ((methods & (1U << method)) != 0) {
            const char *more = method == API_METHOD_GET ? "GET,HEAD" : method_texts[method];
            list = arena_format(arena, "%s%s%s", list, list[0] == '\0' ? "" : ",", more);
        }
    }
    return arena_format(arena, "%s%sOPTIONS", list, list[0] == '\0' ? "" : ",");
}

err api_wrong_method(bytes method, struct arena *arena) {
    return err_make(
        ERR_INVALID,
        arena_format(arena, "Request method '%.*s' is not supported", BYTES_ARG(method))
    );
}

err api_unknown_path(bytes path, struct arena *arena) {
    bytes shown = path.size > 0 && path.data[0] == '/' ? bytes_slice(path, 1, path.size) : path;
    return err_make(
        ERR_NOT_FOUND, arena_format(arena, "No static resource %.*s.", BYTES_ARG(shown))
    );
}

err api_not_built(const struct api_route *route, struct arena *arena) {
    return err_make(
        ERR_UNSUPPORTED,
        arena_format(
            arena,
            "%s %s (%s) is not served by this version yet",
            api_method_text(route->method),
            route->path,
            route->contract
        )
    );
}
