// Look-ups over a parsed request: lists are short, so they are walked.
#include "node/http/request.h"

#include "proto/base/check.h"

static bool
field_find(const struct http_field *fields, size_t count, const char *name, bytes *out_value) {
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_text(fields[i].name, name)) {
            *out_value = fields[i].value;
            return true;
        }
    }
    return false;
}

bool http_request_header(const struct http_request *request, const char *name, bytes *out_value) {
    return field_find(request->headers, request->header_count, name, out_value);
}

bool http_request_parameter(
    const struct http_request *request, const char *name, bytes *out_value
) {
    return field_find(request->parameters, request->parameter_count, name, out_value);
}

uint16_t http_refusal_status(enum http_refusal_cause cause) {
    static const uint16_t statuses[] = {
#define HTTP_REFUSAL_STATUS(name, status, meaning) status,
        HTTP_REFUSAL_TABLE(HTTP_REFUSAL_STATUS)
#undef HTTP_REFUSAL_STATUS
    };
    check(cause < HTTP_REFUSAL_COUNT);
    return statuses[cause];
}

const char *http_refusal_name(enum http_refusal_cause cause) {
    switch (cause) {
    case HTTP_REFUSAL_NONE:
        return "none";
    case HTTP_REFUSAL_MALFORMED:
        return "malformed";
    case HTTP_REFUSAL_HEAD_TIMEOUT:
        return "head_timeout";
    case HTTP_REFUSAL_BODY_TIMEOUT:
        return "body_timeout";
    case HTTP_REFUSAL_BODY_TOO_LARGE:
        return "body_too_large";
    case HTTP_REFUSAL_EXPECTATION:
        return "expectation";
    case HTTP_REFUSAL_HEAD_TOO_LARGE:
        return "head_too_large";
    case HTTP_REFUSAL_CODING:
        return "coding";
    case HTTP_REFUSAL_CONNECTIONS:
        return "connections";
    case HTTP_REFUSAL_VERSION:
        return "version";
    case HTTP_REFUSAL_COUNT:
        break;
    }
    check(cause < HTTP_REFUSAL_COUNT);
    return "";
}
