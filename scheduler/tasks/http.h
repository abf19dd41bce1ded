// What the files of HTTP share (engine.md §10.21): the request that a task's input asks for, and
// the output that an answer makes. Thread: core.
#pragma once

#include "scheduler/call.h"
#include "scheduler/task.h"

// Why an input is no request. `reason` is the task's; `response` its `output.response`, data NULL:
// none.
struct http_fault {
    const char *reason;
    const char *response;
};

// Words the request of a task's input, but for the header that names the task. Texts live in
// `arena`. `*out_fault` has a reason when there is none to be made.
void http_request_read(
    bytes input, struct arena *arena, struct call *out_call, struct http_fault *out_fault
);

// As the reference words a fault: `Failed to invoke HTTP task due to: <text>`; the output's text.
struct http_fault http_fault_of(struct arena *arena, const char *text);

// The map of an answer: statusCode, reasonPhrase, headers, body. Errors: ERR_TOO_LARGE.
MUST_USE err
http_response_write(const struct call_result *result, struct arena *arena, bytes *out_json);

// The standard text of a status, empty when it has none.
const char *http_phrase(int32_t status);

// Bytes as text: UTF-8 as it is, anything else taken for Latin-1.
bytes http_text(bytes body, struct arena *arena);
