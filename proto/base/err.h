// Errors are values. A code exists only where some caller acts on it; the text is for a person.
#pragma once

#include "proto/base/attr.h"

#include <stdint.h>

// name, HTTP status a client sees, meaning
#define ERR_TABLE(X)                                                                    \
    X(OK, 200, "no error")                                                              \
    X(INVALID, 400, "the request itself is wrong")                                      \
    X(NOT_FOUND, 404, "what was named does not exist")                                  \
    X(CONFLICT, 409, "it exists already, or its state forbids the call")                \
    X(TOO_LARGE, 413, "over a bound of proto/limits.h")                                 \
    X(ILLEGAL_STATE, 500, "the contract's illegal state: refused, final")               \
    X(UNSUPPORTED, 501, "a part of the contract that is not built yet")                 \
    X(UNAVAILABLE, 503, "not now: retry later")                                         \
    X(UNKNOWN, 503, "the outcome is not known: retry with the same id")                 \
    X(CORRUPT, 500, "stored bytes do not verify")                                       \
    X(IO, 500, "the operating system refused")                                          \
    X(FULL, 503, "no room left on the device or in a bounded queue")                    \
    X(SUSPENDED, 500, "a decision waits for an evaluation; never leaves the core")      \
    X(LATER, 500, "not in this command: record it and CONTINUE; never leaves the core") \
    X(END, 500, "nothing more to read; never leaves a room")

enum err_code {
#define ERR_ENUM(name, status, meaning) ERR_##name,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
    ERR_CODE_COUNT
};

// `text` is a literal or owned by the arena the call was given: one short clause that says what was
// refused and the value that did it.
typedef struct err {
    enum err_code code;
    const char *text;
} err;

#define ERR_NONE ((err){ERR_OK, ""})

// Makes an error with a literal text.
static inline err err_make(enum err_code code, const char *text) {
    return (err){code, text};
}

static inline int err_is(err error) {
    return error.code != ERR_OK;
}

// The HTTP status of a code, as rest-api.md §2.2.
uint16_t err_http_status(enum err_code code);

// The name of a code in lower case, for logs.
const char *err_name(enum err_code code);

// Returns from the calling function when `expression` is an error. The only macro that returns.
#define TRY(expression)                \
    do {                               \
        err try_error_ = (expression); \
        if (err_is(try_error_)) {      \
            return try_error_;         \
        }                              \
    } while (0)
