// Strict where lenience lets two parsers of one stream disagree about where a request ends: no
// blank before a colon, no folded line, one Content-Length of digits only, no Content-Length beside
// Transfer-Encoding, no coding but chunked, exactly one Host. RFC 9112 §2.2, §5, §6; the probes are
// rows of tests/unit/node_http/probes.h.
#include "node/http/head.h"

#include "node/http/grammar.h"
#include "node/http/target.h"

#include <string.h>
#include <strings.h>

enum {
    CONTENT_LENGTH_DIGITS_MAX = 18, // what surely fits 64 bits; more is too large anyway
};

// What the fields of one head say together, before it is weighed.
struct head_facts {
    bool is_http_1_0;
    size_t host_count;
    size_t length_count;
    size_t coding_count;
    bytes length;
    bytes coding;
    bytes expect;
    bool close;
    bool keep_alive;
};

static struct http_refusal malformed(const char *text) {
    return (struct http_refusal){HTTP_REFUSAL_MALFORMED, text};
}

static bool text_is(bytes text, const char *lower) {
    return text.size == strlen(lower) &&
           strncasecmp((const char *)text.data, lower, text.size) == 0;
}

static bytes blanks_trim(bytes text) {
    size_t begin = 0;
    size_t end = text.size;
    while (begin < end && (text.data[begin] == ' ' || text.data[begin] == '\t')) {
        begin++;
    }
    while (end > begin && (text.data[end - 1] == ' ' || text.data[end - 1] == '\t')) {
        end--;
    }
    return bytes_slice(text, begin, end);
}

static enum http_method method_of(bytes text) {
    static const char *const names[] = {
        [HTTP_METHOD_GET] = "GET",
        [HTTP_METHOD_HEAD] = "HEAD",
        [HTTP_METHOD_POST] = "POST",
        [HTTP_METHOD_PUT] = "PUT",
        [HTTP_METHOD_DELETE] = "DELETE",
        [HTTP_METHOD_PATCH] = "PATCH",
        [HTTP_METHOD_OPTIONS] = "OPTIONS",
    };
    for (size_t i = 0; i < HTTP_METHOD_OTHER; i++) {
        if (bytes_equal_text(text, names[i])) {
            return (enum http_method)i;
        }
    }
    return HTTP_METHOD_OTHER;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static struct http_refusal version_parse(bytes text, struct head_facts *facts) {
    if (text.size != 8 || memcmp(text.data, "HTTP/", 5) != 0 || !is_digit(text.data[5]) ||
        text.data[6] != '.' || !is_digit(text.data[7])) {
        return malformed("the request line has no HTTP version");
    }
    if (text.data[5] != '1' || text.data[7] > '1') {
        return (struct http_refusal){HTTP_REFUSAL_VERSION, "this server speaks HTTP/1.1"};
    }
    facts->is_http_1_0 = text.data[7] == '0';
    return HTTP_REFUSAL_NOT;
}

static struct http_refusal request_line_parse(
    bytes line, struct arena *arena, struct http_request *request, struct head_facts *facts
) {
    size_t first = bytes_find(line, 0, ' ');
    size_t second = first < line.size ? bytes_find(line, first + 1, ' ') : line.size;
    if (second == line.size) {
        return malformed("the request line is malformed");
    }
    request->method_text = bytes_slice(line, 0, first);
    request->target = bytes_slice(line, first + 1, second);
    if (first == 0 || !http_grammar_all(&http_grammar_token, request->method_text)) {
        return malformed("the request method is malformed");
    }
    request->method = method_of(request->method_text);
    struct http_refusal refusal = version_parse(bytes_slice(line, second + 1, line.size), facts);
    return refusal.cause != HTTP_REFUSAL_NONE ? refusal : http_target_parse(request, arena);
}

bool http_head_field(bytes line, struct http_field *out_field) {
    size_t colon = bytes_find(line, 0, ':');
    if (colon == 0 || colon == line.size) {
        return false;
    }
    bytes name = bytes_slice(line, 0, colon);
    bytes value = blanks_trim(bytes_slice(line, colon + 1, line.size));
    if (!http_grammar_all(&http_grammar_token, name) ||
        !http_grammar_all(&http_grammar_value, value)) {
        return false;
    }
    *out_field = (struct http_field){name, value};
    return true;
}

static bytes name_lowered(bytes name, struct arena *arena) {
    uint8_t *lowered = arena_alloc(arena, name.size);
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        lowered[i] = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
    }
    return bytes_of(lowered, name.size);
}

static void connection_options(bytes list, struct head_facts *facts) {
    for (size_t begin = 0; begin < list.size;) {
        size_t end = bytes_find(list, begin, ',');
        bytes option = blanks_trim(bytes_slice(list, begin, end));
        facts->close = facts->close || text_is(option, "close");
        facts->keep_alive = facts->keep_alive || text_is(option, "keep-alive");
        begin = end + 1;
    }
}

static struct http_refusal field_weigh(struct http_field field, struct head_facts *facts) {
    if (bytes_equal_text(field.name, "host")) {
        facts->host_count++;
        if (facts->host_count > 1 || !http_grammar_all(&http_grammar_host, field.value)) {
            return malformed("the Host header is malformed or repeated");
        }
    } else if (bytes_equal_text(field.name, "content-length")) {
        facts->length_count++;
        facts->length = field.value;
    } else if (bytes_equal_text(field.name, "transfer-encoding")) {
        facts->coding_count++;
        facts->coding = field.value;
    } else if (bytes_equal_text(field.name, "connection")) {
        connection_options(field.value, facts);
    } else if (bytes_equal_text(field.name, "expect")) {
        facts->expect = field.value;
    }
    return HTTP_REFUSAL_NOT;
}

static struct http_refusal fields_parse(
    bytes lines, struct arena *arena, struct http_request *request, struct head_facts *facts
) {
    size_t count = 0;
    for (size_t at = 0; at < lines.size; at = bytes_find(lines, at, '\n') + 1) {
        count++;
    }
    struct http_field *headers = ARENA_ARRAY(arena, struct http_field, count);
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        size_t end = bytes_find(lines, begin, '\n');
        struct http_field sent;
        if (!http_head_field(bytes_slice(lines, begin, end - 1), &sent)) {
            return malformed("a header field is malformed");
        }
        headers[i] = (struct http_field){name_lowered(sent.name, arena), sent.value};
        struct http_refusal refusal = field_weigh(headers[i], facts);
        if (refusal.cause != HTTP_REFUSAL_NONE) {
            return refusal;
        }
        begin = end + 1;
    }
    request->headers = headers;
    request->header_count = count;
    return HTTP_REFUSAL_NOT;
}

static struct http_refusal length_parse(bytes text, uint64_t *out_length) {
    uint64_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i])) {
            return malformed("Content-Length is not a number");
        }
    }
    if (text.size == 0) {
        return malformed("Content-Length is not a number");
    }
    if (text.size > CONTENT_LENGTH_DIGITS_MAX) {
        return (struct http_refusal){HTTP_REFUSAL_BODY_TOO_LARGE, "the body is too large"};
    }
    for (size_t i = 0; i < text.size; i++) {
        length = length * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out_length = length;
    return HTTP_REFUSAL_NOT;
}

static struct http_refusal coding_weigh(const struct head_facts *facts) {
    if (facts->length_count > 0) {
        return malformed("Content-Length and Transfer-Encoding are both given");
    }
    if (facts->is_http_1_0 || facts->coding_count > 1 || facts->coding.size == 0) {
        return malformed("Transfer-Encoding is repeated, empty or in HTTP/1.0");
    }
    if (!text_is(facts->coding, "chunked")) {
        return (struct http_refusal){HTTP_REFUSAL_CODING, "the transfer coding is not chunked"};
    }
    return HTTP_REFUSAL_NOT;
}

static struct http_refusal
framing_weigh(const struct head_facts *facts, struct http_framing *framing) {
    if (facts->host_count == 0 && !facts->is_http_1_0) {
        return malformed("the Host header is missing");
    }
    if (facts->length_count > 1) {
        return malformed("Content-Length is repeated");
    }
    struct http_refusal refusal = HTTP_REFUSAL_NOT;
    if (facts->coding_count > 0) {
        refusal = coding_weigh(facts);
        framing->chunked = true;
    } else if (facts->length_count == 1) {
        refusal = length_parse(facts->length, &framing->content_length);
    }
    if (refusal.cause == HTTP_REFUSAL_NONE && facts->expect.size > 0 && !facts->is_http_1_0) {
        framing->expects_continue = true;
        if (!text_is(facts->expect, "100-continue")) {
            return (struct http_refusal){HTTP_REFUSAL_EXPECTATION, "the expectation is unknown"};
        }
    }
    return refusal;
}

struct http_refusal http_head_parse(
    bytes head,
    struct arena *arena,
    struct http_request *out_request,
    struct http_framing *out_framing
) {
    struct http_request request = {0};
    struct http_framing framing = {0};
    struct head_facts facts = {0};
    size_t end = bytes_find(head, 0, '\n');
    struct http_refusal refusal =
        request_line_parse(bytes_slice(head, 0, end - 1), arena, &request, &facts);
    if (refusal.cause == HTTP_REFUSAL_NONE) {
        refusal = fields_parse(bytes_slice(head, end + 1, head.size), arena, &request, &facts);
    }
    if (refusal.cause == HTTP_REFUSAL_NONE) {
        refusal = framing_weigh(&facts, &framing);
    }
    if (refusal.cause == HTTP_REFUSAL_NONE) {
        request.is_http_1_0 = facts.is_http_1_0;
        request.keep_alive = !facts.close && (!facts.is_http_1_0 || facts.keep_alive);
        *out_request = request;
        *out_framing = framing;
    }
    return refusal;
}
