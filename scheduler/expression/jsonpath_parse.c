// Jayway's path syntax by recursive descent, one pass, no backtracking.
//
// What the reference accepts by accident of its scanner (a blank that ends a dotted name, a
// trailing dot) is refused here too, because a refused path is a visible result: null.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/jsonpath_internal.h"

#include <string.h>

static bool parse_tokens(struct path_parser *parser, struct path *path);
static struct path_token *parse_dotted(struct path_parser *parser);
static struct path_token *parse_bracket(struct path_parser *parser);

const struct path *path_parse(bytes text, unsigned depth, struct arena *arena) {
    while (text.size > 0 && (text.data[text.size - 1] <= ' ')) {
        text.size--;
    }
    if (text.size == 0 || depth > LIMIT_JSONPATH_DEPTH) {
        return NULL;
    }
    struct path_parser parser = {.text = text, .depth = depth, .arena = arena};
    struct path *path = ARENA_NEW(arena, struct path);
    path->from_root = text.data[0] != '@';
    bool prefixed = text.data[0] == '$' || text.data[0] == '@';
    parser.at = prefixed ? 1 : 0;
    if (prefixed && text.size > 1 && text.data[1] != '.' && text.data[1] != '[') {
        return NULL;
    }
    return parse_tokens(&parser, path) ? path : NULL;
}

static bool token_is_definite(const struct path_token *token) {
    switch (token->kind) {
    case PATH_PROPERTY:
    case PATH_INDEX:
    case PATH_FUNCTION:
        return true;
    case PATH_PROPERTIES:
        return token->next == NULL; // merged into one object
    case PATH_INDEXES:
    case PATH_SLICE:
    case PATH_WILDCARD:
    case PATH_SCAN:
    case PATH_FILTER:
        return false;
    }
    return false;
}

static bool append_token(struct path_token ***tail, struct path_token *token, unsigned *count) {
    if (token == NULL || ++*count > LIMIT_JSONPATH_TOKENS) {
        return false;
    }
    **tail = token;
    *tail = &token->next;
    return true;
}

// `at` stands at the first byte of a name, at a dot or at a bracket.
static bool parse_tokens(struct path_parser *parser, struct path *path) {
    struct path_token **tail = &path->first;
    unsigned count = 0;
    bool name_allowed = parser->at == 0;
    while (parser->at < parser->text.size) {
        uint8_t byte = parser->text.data[parser->at];
        if (byte == '.') {
            parser->at++;
            if (path_accept(parser, '.')) {
                struct path_token *scan = ARENA_NEW(parser->arena, struct path_token);
                scan->kind = PATH_SCAN;
                if (!append_token(&tail, scan, &count)) {
                    return false;
                }
            }
            if (parser->at == parser->text.size) {
                return false;
            }
            name_allowed = true;
            continue;
        }
        struct path_token *token = NULL;
        if (byte == '[') {
            token = parse_bracket(parser);
        } else if (name_allowed) {
            token = parse_dotted(parser);
        }
        if (!append_token(&tail, token, &count)) {
            return false;
        }
        name_allowed = false;
    }
    path->definite = true;
    for (struct path_token *token = path->first; token != NULL; token = token->next) {
        token->upstream_definite = path->definite;
        path->definite = path->definite && token_is_definite(token);
    }
    return true;
}

// --- names and functions
// --------------------------------------------------------------------------

static const char *const function_names[PATH_FUNCTION_COUNT] = {
    [PATH_LENGTH] = "length",
    [PATH_SIZE] = "size",
    [PATH_MIN] = "min",
    [PATH_MAX] = "max",
    [PATH_AVG] = "avg",
    [PATH_SUM] = "sum",
    [PATH_STDDEV] = "stddev",
    [PATH_KEYS] = "keys",
    [PATH_CONCAT] = "concat",
    [PATH_APPEND] = "append",
};

static bool
parse_argument(struct path_parser *parser, bytes text, struct path_argument *out_argument) {
    text = bytes_trim(text);
    if (text.size == 0) {
        return false;
    }
    if (text.data[0] == '$' || text.data[0] == '@') {
        out_argument->path = path_parse(text, parser->depth + 1, parser->arena);
        return out_argument->path != NULL;
    }
    return path_literal(text, parser->arena, &out_argument->json);
}

// Splits `text` at its outer commas. Counts only when `arguments` is NULL.
static bool split_arguments(
    struct path_parser *parser, bytes text, struct path_argument *arguments, size_t *out_count
) {
    size_t count = 0;
    size_t begin = 0;
    for (size_t at = 0; at <= text.size;) {
        uint8_t byte = at < text.size ? text.data[at] : ',';
        if (byte == ',') {
            bytes one = bytes_slice(text, begin, at);
            if (arguments != NULL && !parse_argument(parser, one, &arguments[count])) {
                return false;
            }
            count++;
            begin = at + 1;
            at++;
        } else if (strchr("([{'\"", byte) != NULL) {
            at = path_closing(text, at);
        } else {
            at++;
        }
    }
    *out_count = count;
    return begin > text.size;
}

static struct path_token *parse_function(struct path_parser *parser, bytes name) {
    struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
    token->kind = PATH_FUNCTION;
    while (!bytes_equal_text(name, function_names[token->function])) {
        if (++token->function == PATH_FUNCTION_COUNT) {
            return NULL;
        }
    }
    size_t end = path_closing(parser->text, parser->at);
    if (end > parser->text.size) {
        return NULL;
    }
    bytes inside = bytes_trim(bytes_slice(parser->text, parser->at + 1, end - 1));
    parser->at = end;
    if (inside.size > 0) {
        if (!split_arguments(parser, inside, NULL, &token->argument_count)) {
            return NULL;
        }
        token->arguments = ARENA_ARRAY(parser->arena, struct path_argument, token->argument_count);
        if (!split_arguments(parser, inside, token->arguments, &token->argument_count)) {
            return NULL;
        }
    }
    return token;
}

static struct path_token *property_token(struct path_parser *parser, bytes name) {
    struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
    token->kind = PATH_PROPERTY;
    token->names = ARENA_NEW(parser->arena, bytes);
    token->names[0] = name;
    token->name_count = 1;
    return token;
}

static struct path_token *parse_dotted(struct path_parser *parser) {
    if (path_accept(parser, '*')) {
        struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
        token->kind = PATH_WILDCARD;
        return token;
    }
    size_t begin = parser->at;
    while (parser->at < parser->text.size) {
        uint8_t byte = parser->text.data[parser->at];
        if (byte == ' ') {
            return NULL;
        }
        if (byte == '.' || byte == '[') {
            break;
        }
        if (byte == '(') {
            return parse_function(parser, bytes_slice(parser->text, begin, parser->at));
        }
        parser->at++;
    }
    return property_token(parser, bytes_slice(parser->text, begin, parser->at));
}

// --- brackets
// --------------------------------------------------------------------------------------

static struct path_token *parse_names(struct path_parser *parser) {
    struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
    size_t count_max = 1;
    for (size_t at = parser->at; at < parser->text.size; at++) {
        count_max += parser->text.data[at] == ',';
    }
    token->names = ARENA_ARRAY(parser->arena, bytes, count_max);
    do {
        path_skip_blanks(parser);
        if (token->name_count == count_max ||
            !path_quoted(parser, &token->names[token->name_count])) {
            return NULL;
        }
        token->name_count++;
        path_skip_blanks(parser);
    } while (path_accept(parser, ','));
    token->kind = token->name_count == 1 ? PATH_PROPERTY : PATH_PROPERTIES;
    return path_accept(parser, ']') ? token : NULL;
}

static bool parse_integer(struct path_parser *parser, int64_t *out_value) {
    path_skip_blanks(parser);
    size_t begin = parser->at;
    (void)path_accept(parser, '-');
    while (parser->at < parser->text.size && parser->text.data[parser->at] >= '0' &&
           parser->text.data[parser->at] <= '9') {
        parser->at++;
    }
    bool parsed = bytes_parse_i64(bytes_slice(parser->text, begin, parser->at), out_value) &&
                  *out_value >= INT32_MIN && *out_value <= INT32_MAX;
    path_skip_blanks(parser);
    return parsed;
}

static struct path_token *parse_slice_end(struct path_parser *parser, struct path_token *token) {
    token->kind = PATH_SLICE;
    path_skip_blanks(parser);
    if (!path_accept(parser, ']')) {
        token->has_to = parse_integer(parser, &token->to);
        if (!token->has_to || !path_accept(parser, ']')) {
            return NULL;
        }
    }
    return token->has_from || token->has_to ? token : NULL;
}

static struct path_token *parse_indexes(struct path_parser *parser) {
    struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
    if (path_accept(parser, ':')) {
        return parse_slice_end(parser, token);
    }
    size_t count_max = 1;
    for (size_t at = parser->at; at < parser->text.size; at++) {
        count_max += parser->text.data[at] == ',';
    }
    token->indexes = ARENA_ARRAY(parser->arena, int64_t, count_max);
    do {
        if (!parse_integer(parser, &token->indexes[token->index_count])) {
            return NULL;
        }
        token->index_count++;
    } while (token->index_count < count_max && path_accept(parser, ','));
    if (token->index_count == 1 && path_accept(parser, ':')) {
        token->has_from = true;
        token->from = token->indexes[0];
        return parse_slice_end(parser, token);
    }
    token->kind = token->index_count == 1 ? PATH_INDEX : PATH_INDEXES;
    return path_accept(parser, ']') ? token : NULL;
}

static struct path_token *parse_filter_token(struct path_parser *parser) {
    struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
    token->kind = PATH_FILTER;
    path_skip_blanks(parser);
    if (!path_accept(parser, '(')) {
        return NULL;
    }
    token->filter = filter_parse(parser);
    path_skip_blanks(parser);
    return token->filter != NULL && path_accept(parser, ']') ? token : NULL;
}

static struct path_token *parse_bracket(struct path_parser *parser) {
    parser->at++;
    path_skip_blanks(parser);
    if (parser->at == parser->text.size) {
        return NULL;
    }
    switch (parser->text.data[parser->at]) {
    case '\'':
    case '"':
        return parse_names(parser);
    case '?':
        parser->at++;
        return parse_filter_token(parser);
    case '*': {
        parser->at++;
        path_skip_blanks(parser);
        struct path_token *token = ARENA_NEW(parser->arena, struct path_token);
        token->kind = PATH_WILDCARD;
        return path_accept(parser, ']') ? token : NULL;
    }
    default:
        return parse_indexes(parser);
    }
}

// --- words
// -------------------------------------------------------------------------------------------

void path_skip_blanks(struct path_parser *parser) {
    while (parser->at < parser->text.size && parser->text.data[parser->at] <= ' ') {
        parser->at++;
    }
}

bool path_accept(struct path_parser *parser, uint8_t byte) {
    if (parser->at < parser->text.size && parser->text.data[parser->at] == byte) {
        parser->at++;
        return true;
    }
    return false;
}

// The index of the quote that ends the string whose quote is at `from`, or the size.
static size_t quote_end(bytes text, size_t from) {
    uint8_t quote = text.data[from];
    for (size_t at = from + 1; at < text.size; at++) {
        if (text.data[at] == '\\') {
            at++;
        } else if (text.data[at] == quote) {
            return at;
        }
    }
    return text.size;
}

size_t path_closing(bytes text, size_t from) {
    if (text.data[from] == '\'' || text.data[from] == '"') {
        return quote_end(text, from) + 1;
    }
    uint8_t open = text.data[from];
    uint8_t close = open == '(' ? ')' : open == '[' ? ']' : '}';
    size_t depth = 0;
    for (size_t at = from; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte == '\'' || byte == '"') {
            at = quote_end(text, at);
        } else if (byte == open) {
            depth++;
        } else if (byte == close && --depth == 0) {
            return at + 1;
        }
    }
    return text.size + 1;
}

// Appends the string between the quotes at `from` and `to` as JSON: an escape JSON does not know
// stands for its character, a bare `"` and control characters are escaped.
static void append_as_json(struct buffer *buffer, bytes text, size_t from, size_t to) {
    buffer_append_byte(buffer, '"');
    for (size_t at = from + 1; at < to; at++) {
        uint8_t byte = text.data[at];
        if (byte == '\\' && at + 1 < to) {
            at++;
            bool known = text.data[at] != 0 && strchr("\"\\/bfnrtu", text.data[at]) != NULL;
            if (known) {
                buffer_append_byte(buffer, '\\');
            }
            buffer_append_byte(buffer, text.data[at]);
        } else if (byte == '"' || byte == '\\') {
            buffer_append_byte(buffer, '\\');
            buffer_append_byte(buffer, byte);
        } else if (byte < ' ') {
            buffer_format(buffer, "\\u%04x", byte);
        } else {
            buffer_append_byte(buffer, byte);
        }
    }
    buffer_append_byte(buffer, '"');
}

bool path_literal(bytes text, struct arena *arena, bytes *out_json) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, text.size * 6 + 2);
    for (size_t at = 0; at < text.size; at++) {
        uint8_t byte = text.data[at];
        if (byte == '\'' || byte == '"') {
            size_t end = quote_end(text, at);
            if (end == text.size) {
                return false;
            }
            append_as_json(&buffer, text, at, end);
            at = end;
        } else {
            buffer_append_byte(&buffer, byte);
        }
    }
    return !err_is(buffer_status(&buffer)) &&
           !err_is(json_validate(arena_copy(arena, buffer_bytes(&buffer)), arena, out_json));
}

bool path_quoted(struct path_parser *parser, bytes *out_text) {
    if (parser->at == parser->text.size ||
        (parser->text.data[parser->at] != '\'' && parser->text.data[parser->at] != '"')) {
        return false;
    }
    size_t end = quote_end(parser->text, parser->at);
    if (end == parser->text.size) {
        return false;
    }
    bytes inside = bytes_slice(parser->text, parser->at + 1, end);
    bytes json = BYTES_EMPTY;
    if (bytes_find(inside, 0, '\\') == inside.size) {
        *out_text = inside;
    } else if (path_literal(bytes_slice(parser->text, parser->at, end + 1), parser->arena, &json)) {
        *out_text = json_string(json, parser->arena);
    } else {
        return false;
    }
    parser->at = end + 1;
    return true;
}
