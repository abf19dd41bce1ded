// Any bytes as a stream of requests. The first byte says where the stream is cut for a second
// reading, which must tell the same story; what is accepted must keep what request.h promises.
#include "node/http/parser.h"
#include "tests/fuzz/fuzz.h"

enum {
    HEAD_BYTES_MAX = 512,
    BODY_BYTES_MAX = 256,
    BUFFER_BYTES_MAX = 64 * 1024,
};

// What a reading told, as bytes.
struct story {
    struct buffer told;
    size_t requests;
};

static void tell(struct story *story, bytes view) {
    buffer_format(&story->told, "%zu:", view.size);
    buffer_append(&story->told, view);
}

static void tell_fields(struct story *story, const struct http_field *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        tell(story, fields[i].name);
        tell(story, fields[i].value);
    }
}

static void check_request(const struct http_request *request) {
    check(request->body.size <= BODY_BYTES_MAX);
    check(request->method_text.size > 0);
    check(request->path.size > 0);
    check(request->segment_count > 0 || bytes_equal_text(request->path, "*"));
    for (size_t i = 0; i < request->segment_count; i++) {
        bytes segment = request->segments[i];
        check(bytes_find(segment, 0, '/') == segment.size);
        check(bytes_find(segment, 0, '\0') == segment.size);
    }
    for (size_t i = 0; i < request->parameter_count; i++) {
        struct http_field parameter = request->parameters[i];
        check(bytes_find(parameter.name, 0, '\0') == parameter.name.size);
        check(bytes_find(parameter.value, 0, '\0') == parameter.value.size);
    }
    size_t hosts = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        bytes value = request->headers[i].value;
        hosts += bytes_equal_text(request->headers[i].name, "host");
        check(bytes_find(value, 0, '\r') == value.size && bytes_find(value, 0, '\n') == value.size);
    }
    check(hosts == 1 || (hosts == 0 && request->is_http_1_0));
}

static void tell_request(struct story *story, const struct http_request *request) {
    story->requests++;
    tell(story, request->method_text);
    tell(story, request->target);
    tell(story, request->path);
    for (size_t i = 0; i < request->segment_count; i++) {
        tell(story, request->segments[i]);
    }
    tell_fields(story, request->parameters, request->parameter_count);
    tell_fields(story, request->headers, request->header_count);
    tell(story, request->body);
    buffer_append_byte(&story->told, request->keep_alive ? 'k' : 'c');
}

// Steps until more bytes are needed; false after a refusal.
static bool read_on(
    struct http_parser *parser, struct buffer *buffer, struct arena *arena, struct story *story
) {
    for (;;) {
        struct http_request request;
        arena_reset(arena);
        switch (http_parser_step(parser, buffer, arena, &request)) {
        case HTTP_PARSER_MORE:
            return true;
        case HTTP_PARSER_CONTINUE: // depends on the cut, so it is not told
            break;
        case HTTP_PARSER_REQUEST:
            check_request(&request);
            tell_request(story, &request);
            http_parser_next(parser, buffer);
            break;
        case HTTP_PARSER_REFUSAL:
            buffer_format(&story->told, "%s", http_refusal_name(parser->refusal.cause));
            return false;
        }
    }
}

static void read_in_pieces(bytes input, size_t piece_bytes, struct story *out_story) {
    struct arena *arena = arena_create(4096);
    struct http_parser parser;
    struct buffer buffer;
    buffer_init(&out_story->told, SIZE_MAX);
    out_story->requests = 0;
    buffer_init(&buffer, SIZE_MAX);
    http_parser_init(&parser, (struct http_parser_limits){HEAD_BYTES_MAX, BODY_BYTES_MAX});
    bool goes_on = true;
    for (size_t from = 0; from < input.size && goes_on; from += piece_bytes) {
        size_t size = input.size - from < piece_bytes ? input.size - from : piece_bytes;
        buffer_append(&buffer, bytes_slice(input, from, from + size));
        goes_on = read_on(&parser, &buffer, arena, out_story);
        // Nothing but a part of one request is ever kept.
        check(!goes_on || buffer.size <= 2 * HEAD_BYTES_MAX + BODY_BYTES_MAX + 1024);
    }
    buffer_deinit(&buffer);
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < 2 || size > BUFFER_BYTES_MAX) {
        return 0;
    }
    bytes stream = bytes_of(input + 1, size - 1);
    struct story whole;
    struct story cut;
    read_in_pieces(stream, stream.size, &whole);
    read_in_pieces(stream, (size_t)input[0] % 64 + 1, &cut);
    check(whole.requests == cut.requests);
    check(bytes_equal(buffer_bytes(&whole.told), buffer_bytes(&cut.told)));
    buffer_deinit(&whole.told);
    buffer_deinit(&cut.told);
    return 0;
}
