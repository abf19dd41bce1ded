// Headers are appended piece by piece, no printf on the way of an ordinary answer: it is a third of
// the price of one.
#include "node/http/response.h"

#include "proto/base/time.h"

#include <stdio.h>
#include <string.h>

static const char *reason_of(uint16_t status) {
    static const struct {
        uint16_t status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return ""; // RFC 9112 §4: may be empty
}

bool http_response_has_body(uint16_t status) {
    return status >= 200 && status != 204 && status != 304;
}

static void decimal_append(struct buffer *buffer, uint64_t value) {
    uint8_t digits[20];
    size_t at = sizeof(digits);
    do {
        at--;
        digits[at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buffer_append(buffer, bytes_of(digits + at, sizeof(digits) - at));
}

static void harmless_append(struct buffer *buffer, bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        buffer_append_byte(buffer, byte < 0x20 || byte == 0x7f ? ' ' : byte);
    }
}

static void field_append(struct buffer *buffer, struct http_field field) {
    harmless_append(buffer, field.name);
    buffer_append_text(buffer, ": ");
    harmless_append(buffer, field.value);
    buffer_append_text(buffer, "\r\n");
}

// An answer to HTTP/1.0 whose size is not known ends with its connection.
static void length_append(
    struct buffer *buffer,
    const struct http_response *response,
    struct http_response_framing framing
) {
    if (!framing.streams || framing.total > 0) {
        buffer_append_text(buffer, "\r\nContent-Length: ");
        decimal_append(buffer, framing.streams ? framing.total : response->body.size);
    } else if (!framing.is_http_1_0) {
        buffer_append_text(buffer, "\r\nTransfer-Encoding: chunked");
    }
}

void http_response_chunk(struct buffer *buffer, size_t size, bool first) {
    buffer_append_text(buffer, first ? "" : "\r\n");
    buffer_format(buffer, "%zx\r\n", size);
}

void http_response_head(
    struct buffer *buffer,
    const struct http_response *response,
    struct http_response_framing framing
) {
    buffer_append_text(buffer, "HTTP/1.1 ");
    decimal_append(buffer, response->status);
    buffer_append_text(buffer, " ");
    buffer_append_text(buffer, reason_of(response->status));
    buffer_append_text(buffer, "\r\nDate: ");
    buffer_append(buffer, bytes_of(framing.date, HTTP_RESPONSE_DATE_BYTES));
    if (http_response_has_body(response->status)) {
        if (response->body.size > 0) {
            const char *type = response->content_type;
            buffer_append_text(buffer, "\r\nContent-Type: ");
            buffer_append_text(buffer, type != NULL ? type : "application/octet-stream");
        }
        length_append(buffer, response, framing);
    }
    buffer_append_text(buffer, "\r\n");
    for (size_t i = 0; i < response->header_count; i++) {
        field_append(buffer, response->headers[i]);
    }
    if (framing.close) {
        buffer_append_text(buffer, "Connection: close\r\n");
    } else if (framing.is_http_1_0) {
        buffer_append_text(buffer, "Connection: keep-alive\r\n");
    }
    buffer_append_text(buffer, "\r\n");
}

void http_response_date(int64_t seconds, char out[HTTP_RESPONSE_DATE_BYTES]) {
    static const char weekdays[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t days = seconds / 86400;
    int second = (int)(seconds % 86400);
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    time_civil_from_days(days, &year, &month, &day);
    char text[64];
    (void)snprintf(
        text,
        sizeof(text),
        "%s, %02u %s %04d %02d:%02d:%02d GMT",
        weekdays[days % 7],
        day,
        months[month - 1],
        (int)year,
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    memcpy(out, text, HTTP_RESPONSE_DATE_BYTES);
}

static void json_plain_append(struct buffer *buffer, const char *text) {
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        buffer_append_byte(buffer, plain ? byte : '?');
    }
}

void http_response_error_body(
    struct buffer *buffer, struct http_refusal refusal, const char *instance
) {
    uint16_t status = http_refusal_status(refusal.cause);
    buffer_append_text(buffer, "{\"status\":");
    decimal_append(buffer, status);
    buffer_append_text(buffer, ",\"message\":\"");
    json_plain_append(buffer, refusal.text);
    if (instance != NULL) {
        buffer_append_text(buffer, "\",\"instance\":\"");
        json_plain_append(buffer, instance);
    }
    buffer_append_text(buffer, "\",\"retryable\":");
    buffer_append_text(buffer, status == 503 ? "true}" : "false}");
}
