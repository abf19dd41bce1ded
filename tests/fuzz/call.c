// What HTTP tasks take from outside: any answer makes JSON, and whatever an input asks for leaves
// as one request and no more.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/tasks/http.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

// The bytes up to the first NUL are headers, the rest is the body.
static void check_answer(bytes input, struct arena *arena) {
    size_t end = bytes_find(input, 0, 0);
    struct call_result result = {
        .outcome = CALL_ANSWERED,
        .status = 200,
        .headers = bytes_slice(input, 0, end),
        .body = bytes_slice(input, end < input.size ? end + 1 : end, input.size),
    };
    bytes json = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    check(!err_is(http_response_write(&result, arena, &json)));
    check(!err_is(json_validate(json, arena, &value)));
    bytes text = json_string_value(http_text(result.body, arena), arena);
    check(!err_is(json_validate(text, arena, &value)));
}

static void check_headers(bytes headers) {
    check(headers.size > 0 && headers.data[headers.size - 1] == '\n');
    for (size_t at = 0; at < headers.size; at = bytes_find(headers, at, '\n') + 1) {
        bytes line = bytes_slice(headers, at, bytes_find(headers, at, '\n'));
        size_t colon = bytes_find(line, 0, ':');
        check(colon > 0 && colon + 1 < line.size && line.data[colon + 1] == ' ');
        for (size_t i = 0; i < line.size; i++) {
            check(line.data[i] >= ' ' && line.data[i] != 0x7f);
        }
    }
}

static void check_request(bytes input, struct arena *arena) {
    bytes json = BYTES_EMPTY;
    if (err_is(json_validate(input, arena, &json)) || !json_is_object(json)) {
        return;
    }
    struct call call;
    struct http_fault fault;
    http_request_read(json, arena, &call, &fault);
    if (fault.reason != NULL) {
        bytes value = BYTES_EMPTY;
        bytes reason = json_string_value(bytes_from_text(fault.reason), arena);
        check(!err_is(json_validate(reason, arena, &value)));
        return;
    }
    for (size_t i = 0; i < call.uri.size; i++) {
        check(call.uri.data[i] > ' ' && call.uri.data[i] < 0x7f);
    }
    check(bytes_find(call.method, 0, ' ') == call.method.size);
    check(call.connect_ms > 0 && call.silence_ms > 0);
    check(call.total_ms >= call.connect_ms + call.silence_ms);
    check_headers(call.headers);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    check_answer(bytes_of(input, size), arena);
    check_request(bytes_of(input, size), arena);
    arena_destroy(&arena);
    return 0;
}
