// The body of every error answer (rest-api.md §2.1).
#pragma once

#include "proto/api/validate.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/json/json.h"

struct api_error {
    uint16_t status; // of the answer
    bytes message;   // data NULL: left out
    bytes instance;  // name of the server; data NULL: left out (validation errors)
    bool retryable;
    const struct api_violations *violations; // NULL or empty: left out
};

// The answer to an error: status of its code, its text, retryable only where a later try may do.
struct api_error api_error_of(err error, bytes instance);

// The answer to a request with violations: 400, no instance.
struct api_error api_error_of_violations(const struct api_violations *violations);

// Writes the body.
void api_write_error(const struct api_error *error, struct json_writer *writer);
