// From an input to a request. The input is what people wrote and expressions resolved to, so
// everything is checked here: nothing that leaves can end a header line, and what no peer could
// make sense of fails the task at once, in the words of the reference where it has some.
#include "proto/base/attr.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/expression.h"
#include "scheduler/tasks/http.h"

#include <stdarg.h>

#include <stdio.h>
#include <string.h>

struct reading {
    bytes request; // an object
    struct arena *arena;
    struct call *call;
    struct http_fault *fault;
    struct buffer headers;
    bool has_accept;
    bool has_content_type;
};

static void read_all(struct reading *reading);
static bool read_method(struct reading *reading);
static bool read_uri(struct reading *reading);
static bool read_headers(struct reading *reading);
static bool read_media_types(struct reading *reading);
static bool read_body(struct reading *reading);
static bool read_times(struct reading *reading);
static bool find(const struct reading *reading, const char *key, bytes *out_value);
static bytes text_of(const struct reading *reading, bytes value);
static void append_header(struct reading *reading, bytes name, bytes value);
static bool equal_without_case(bytes left, const char *right);
PRINTF_LIKE(2, 3) static bool refuse(struct reading *reading, const char *format, ...);

void http_request_read(
    bytes input, struct arena *arena, struct call *out_call, struct http_fault *out_fault
) {
    *out_call = (struct call){.total_ms = 0};
    *out_fault = (struct http_fault){NULL, NULL};
    struct reading reading = {
        .request = input, .arena = arena, .call = out_call, .fault = out_fault};
    bytes nested = BYTES_EMPTY;
    if (json_get_text(input, "http_request", &nested) && !json_is_null(nested)) {
        reading.request = nested;
    }
    buffer_init(&reading.headers, LIMIT_CALL_REQUEST_BYTES);
    read_all(&reading);
    out_call->headers = arena_copy(arena, buffer_bytes(&reading.headers));
    if (err_is(buffer_status(&reading.headers))) {
        (void)refuse(&reading, "java.lang.IllegalArgumentException: headers are too large");
    }
    buffer_deinit(&reading.headers);
}

struct http_fault http_fault_of(struct arena *arena, const char *text) {
    return (struct http_fault){
        .reason = arena_format(arena, "Failed to invoke HTTP task due to: %s", text),
        .response = text,
    };
}

static void read_all(struct reading *reading) {
    bytes value = BYTES_EMPTY;
    if (!json_is_object(reading->request)) {
        (void)refuse(reading, "java.lang.IllegalArgumentException: http_request is not an object");
    } else if (!find(reading, "uri", &value)) {
        reading->fault->reason =
            "Missing HTTP URI.  See documentation for HttpTask for required input parameters";
    } else if (!find(reading, "method", &value)) {
        reading->fault->reason = "No HTTP method specified";
    } else {
        (void
        )(read_method(reading) && read_uri(reading) && read_headers(reading) &&
          read_media_types(reading) && read_body(reading) && read_times(reading));
    }
}

static bool read_method(struct reading *reading) {
    static const char *const methods[] = {
        "GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"};
    bytes value = BYTES_EMPTY;
    (void)find(reading, "method", &value);
    bytes method = text_of(reading, value);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (bytes_equal_text(method, methods[i])) {
            reading->call->method = method;
            reading->call->follow = i == 0 || bytes_equal_text(method, "HEAD");
            return true;
        }
    }
    return refuse(
        reading, "java.lang.IllegalArgumentException: Invalid HTTP method: %.*s", BYTES_ARG(method)
    );
}

static bool is_hex(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

// Blanks and what is no ASCII are escaped, as the reference does.
static bool escape_uri(struct reading *reading, bytes uri, struct buffer *escaped) {
    for (size_t i = 0; i < uri.size; i++) {
        uint8_t byte = uri.data[i];
        if (byte == '{' || byte == '}') {
            return refuse(
                reading,
                "java.lang.IllegalArgumentException: Not enough variable values available to "
                "expand %.*s",
                BYTES_ARG(uri)
            );
        }
        bool escape = byte == '%';
        if (escape && !(i + 2 < uri.size && is_hex(uri.data[i + 1]) && is_hex(uri.data[i + 2]))) {
            return refuse(
                reading,
                "java.lang.IllegalArgumentException: Bad path, %% without two digits: %.*s",
                BYTES_ARG(uri)
            );
        }
        if (byte <= ' ' || byte >= 0x7f || memchr("\"<>\\^`|", byte, 7) != NULL) {
            buffer_format(escaped, "%%%02X", byte);
        } else {
            buffer_append_byte(escaped, byte);
        }
    }
    return true;
}

// The URI without its query, as texts of the reference show it.
static bytes uri_shown(bytes uri) {
    return bytes_slice(uri, 0, bytes_find(uri, 0, '?'));
}

static bool read_uri(struct reading *reading) {
    bytes value = BYTES_EMPTY;
    (void)find(reading, "uri", &value);
    bytes uri = text_of(reading, value);
    struct buffer escaped;
    buffer_init(&escaped, LIMIT_CALL_REQUEST_BYTES);
    bool whole = escape_uri(reading, uri, &escaped);
    reading->call->uri = arena_copy(reading->arena, buffer_bytes(&escaped));
    buffer_deinit(&escaped);
    if (!whole) {
        return false;
    }
    size_t colon = bytes_find(uri, 0, ':');
    bytes scheme = bytes_slice(uri, 0, colon);
    bytes shown = uri_shown(uri);
    bool known = equal_without_case(scheme, "http") || equal_without_case(scheme, "https");
    bytes rest = known ? bytes_slice(uri, colon, uri.size) : BYTES_EMPTY;
    if (known && bytes_starts_with(rest, BYTES_LITERAL("://")) && rest.size > 3 &&
        memchr("/?#", rest.data[3], 3) == NULL) {
        return true;
    }
    bool foreign = !known && bytes_find(uri, 0, ':') < uri.size;
    return refuse(
        reading,
        "java.lang.Exception: I/O error on %.*s request for \"%.*s\": %s",
        BYTES_ARG(reading->call->method),
        BYTES_ARG(shown),
        foreign ? "Unroutable protocol scheme" : "Target host is not specified"
    );
}

static bool is_token(bytes name) {
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (byte <= ' ' || byte >= 0x7f || memchr("\"(),/:;<=>?@[\\]{}", byte, 17) != NULL) {
            return false;
        }
    }
    return name.size > 0;
}

// What the transport says by itself.
static bool is_ours(bytes name) {
    return equal_without_case(name, "content-length") ||
           equal_without_case(name, "transfer-encoding") || equal_without_case(name, "connection");
}

static bool read_headers(struct reading *reading) {
    bytes headers = BYTES_EMPTY;
    if (!find(reading, "headers", &headers)) {
        return true;
    }
    if (!json_is_object(headers)) {
        return refuse(reading, "java.lang.IllegalArgumentException: headers are not an object");
    }
    struct json_iter iter = json_iter(headers);
    bytes raw_key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &raw_key, &value)) {
        bytes name = json_string(raw_key, reading->arena);
        if (!is_token(name)) {
            return refuse(
                reading,
                "java.lang.IllegalArgumentException: '%.*s' is no name of a header",
                BYTES_ARG(name)
            );
        }
        if (!json_is_null(value) && !is_ours(name)) {
            append_header(reading, name, text_of(reading, value));
        }
    }
    return true;
}

// `accept` may be a list.
static bytes media_types(const struct reading *reading, bytes value) {
    if (!json_is_array(value)) {
        return text_of(reading, value);
    }
    struct buffer list;
    buffer_init(&list, LIMIT_CALL_REQUEST_BYTES);
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        if (list.size > 0) {
            buffer_append_text(&list, ", ");
        }
        buffer_append(&list, text_of(reading, element));
    }
    bytes text = arena_copy(reading->arena, buffer_bytes(&list));
    buffer_deinit(&list);
    return text;
}

static bool read_media_type(struct reading *reading, const char *key, const char *name) {
    bytes value = BYTES_EMPTY;
    bytes types = BYTES_LITERAL("application/json");
    if (find(reading, key, &value)) {
        types = media_types(reading, value);
    }
    if (bytes_find(types, 0, '/') == types.size) {
        return refuse(
            reading,
            "org.springframework.http.InvalidMediaTypeException: Invalid mime type \"%.*s\": does "
            "not contain '/'",
            BYTES_ARG(types)
        );
    }
    append_header(reading, bytes_from_text(name), types);
    return true;
}

// A header of the same name given by hand wins; the reference sends both.
static bool read_media_types(struct reading *reading) {
    return (reading->has_accept || read_media_type(reading, "accept", "Accept")) &&
           (reading->has_content_type || read_media_type(reading, "contentType", "Content-Type"));
}

static bool read_body(struct reading *reading) {
    bytes value = BYTES_EMPTY;
    if (find(reading, "body", &value)) {
        reading->call->has_body = true;
        reading->call->body = json_is_string(value) ? json_string(value, reading->arena)
                                                    : json_compact(value, reading->arena);
    }
    return true;
}

// Whole milliseconds; fractions are cut, 0 stands for the longest.
static bool read_time(struct reading *reading, const char *key, int64_t *out_ms) {
    bytes value = BYTES_EMPTY;
    *out_ms = LIMIT_CALL_TIMEOUT_DEFAULT_MS;
    if (!find(reading, key, &value)) {
        return true;
    }
    double number = 0;
    bytes text = bytes_trim(text_of(reading, value));
    bytes checked = BYTES_EMPTY;
    if (err_is(json_validate(text, reading->arena, &checked)) || !json_double(checked, &number)) {
        return refuse(
            reading,
            "java.lang.IllegalArgumentException: %s is not a number: %.*s",
            key,
            BYTES_ARG(text)
        );
    }
    if (number <= -1) {
        return refuse(
            reading,
            "java.lang.IllegalArgumentException: duration must not be negative: %.*s",
            BYTES_ARG(text)
        );
    }
    bool longest = number < 1 || number > LIMIT_CALL_TIMEOUT_MS;
    *out_ms = longest ? LIMIT_CALL_TIMEOUT_MS : (int64_t)number;
    return true;
}

static bool read_times(struct reading *reading) {
    struct call *call = reading->call;
    if (!read_time(reading, "connectionTimeOut", &call->connect_ms) ||
        !read_time(reading, "readTimeOut", &call->silence_ms)) {
        return false;
    }
    call->total_ms = call->connect_ms + call->silence_ms * LIMIT_CALL_READS;
    return true;
}

// --- small parts
// ---------------------------------------------------------------------------------

static bool find(const struct reading *reading, const char *key, bytes *out_value) {
    return json_get_text(reading->request, key, out_value) && !json_is_null(*out_value);
}

static bytes text_of(const struct reading *reading, bytes value) {
    return json_is_string(value) ? json_string(value, reading->arena)
                                 : expression_java_text(value, reading->arena);
}

// Whatever would end the line becomes a blank, as in the reference.
static void append_header(struct reading *reading, bytes name, bytes value) {
    reading->has_accept = reading->has_accept || equal_without_case(name, "accept");
    reading->has_content_type =
        reading->has_content_type || equal_without_case(name, "content-type");
    buffer_append(&reading->headers, name);
    buffer_append_text(&reading->headers, ": ");
    for (size_t i = 0; i < value.size; i++) {
        bool control = value.data[i] < ' ' || value.data[i] == 0x7f;
        buffer_append_byte(&reading->headers, control ? ' ' : value.data[i]);
    }
    buffer_append_byte(&reading->headers, '\n');
}

static bool equal_without_case(bytes left, const char *right) {
    if (left.size != strlen(right)) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        uint8_t letter = left.data[i];
        letter = letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter | 0x20) : letter;
        if (letter != (uint8_t)right[i]) {
            return false;
        }
    }
    return true;
}

static bool refuse(struct reading *reading, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof text) {
        size = sizeof text - 1;
        while (size > 0 && ((uint8_t)text[size - 1] & 0x80) != 0) {
            size--; // no half character
        }
        text[size] = 0;
    }
    *reading->fault = http_fault_of(reading->arena, arena_format(reading->arena, "%s", text));
    return false;
}
