// The predicate language of `[?(…)]`: or, and, not, comparisons, existence.
//
// An operand that is a path ends where Jayway's scanner ends it (a blank, an operator, a closing
// parenthesis that is not a function's); it also ends at `&&` and `||`, which costs nothing.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/jsonpath_internal.h"

#include <string.h>

static const struct filter *parse_or(struct path_parser *parser);

const struct filter *filter_parse(struct path_parser *parser) {
    if (++parser->depth > LIMIT_JSONPATH_DEPTH) {
        return NULL;
    }
    const struct filter *filter = parse_or(parser);
    parser->depth--;
    path_skip_blanks(parser);
    return filter != NULL && path_accept(parser, ')') ? filter : NULL;
}

static bool accept_pair(struct path_parser *parser, uint8_t byte) {
    path_skip_blanks(parser);
    if (parser->at + 1 < parser->text.size && parser->text.data[parser->at] == byte &&
        parser->text.data[parser->at + 1] == byte) {
        parser->at += 2;
        return true;
    }
    return false;
}

static const struct filter *filter_node(
    struct path_parser *parser,
    enum filter_kind kind,
    const struct filter *left,
    const struct filter *right
) {
    struct filter *filter = ARENA_NEW(parser->arena, struct filter);
    filter->kind = kind;
    filter->left = left;
    filter->right = right;
    return filter;
}

// --- operands
// --------------------------------------------------------------------------------------

static bool is_operator_byte(uint8_t byte) {
    return byte == '<' || byte == '>' || byte == '=' || byte == '~' || byte == '!';
}

static size_t path_operand_end(bytes text, size_t from) {
    size_t at = from + 1;
    while (at < text.size) {
        uint8_t byte = text.data[at];
        if (byte == '[' || byte == '(') {
            at = path_closing(text, at);
            continue;
        }
        bool pair = (byte == '&' || byte == '|') && at + 1 < text.size && text.data[at + 1] == byte;
        if (pair || byte <= ' ' || byte == ')' || is_operator_byte(byte)) {
            break;
        }
        at++;
    }
    return at;
}

static bool parse_pattern(struct path_parser *parser, struct filter_operand *out_operand) {
    size_t begin = ++parser->at;
    while (parser->at < parser->text.size && parser->text.data[parser->at] != '/') {
        parser->at += parser->text.data[parser->at] == '\\' ? 2 : 1;
    }
    if (parser->at >= parser->text.size) {
        return false;
    }
    bytes pattern = bytes_slice(parser->text, begin, parser->at);
    size_t flags = ++parser->at;
    while (parser->at < parser->text.size && parser->text.data[parser->at] != 0 &&
           strchr("idmsuxU", parser->text.data[parser->at]) != NULL) {
        parser->at++;
    }
    out_operand->kind = OPERAND_PATTERN;
    out_operand->pattern =
        regex_compile(pattern, bytes_slice(parser->text, flags, parser->at), parser->arena);
    return out_operand->pattern != NULL;
}

// A number, word, quoted string, list or object.
static bool parse_literal(struct path_parser *parser, struct filter_operand *out_operand) {
    size_t begin = parser->at;
    uint8_t byte = parser->text.data[begin];
    size_t end = begin;
    if (byte == '[' || byte == '{' || byte == '\'' || byte == '"') {
        end = path_closing(parser->text, begin);
    } else {
        while (end < parser->text.size && parser->text.data[end] > ' ' &&
               parser->text.data[end] != ')' && parser->text.data[end] != '&' &&
               parser->text.data[end] != '|' && !is_operator_byte(parser->text.data[end])) {
            end++;
        }
    }
    if (end > parser->text.size) {
        return false;
    }
    parser->at = end;
    out_operand->kind = OPERAND_JSON;
    return path_literal(bytes_slice(parser->text, begin, end), parser->arena, &out_operand->json);
}

static bool parse_operand(struct path_parser *parser, struct filter_operand *out_operand) {
    path_skip_blanks(parser);
    if (parser->at == parser->text.size) {
        return false;
    }
    switch (parser->text.data[parser->at]) {
    case '$':
    case '@': {
        size_t end = path_operand_end(parser->text, parser->at);
        if (end > parser->text.size) {
            return false;
        }
        out_operand->kind = OPERAND_PATH;
        out_operand->path = path_parse(
            bytes_slice(parser->text, parser->at, end), parser->depth + 1, parser->arena
        );
        parser->at = end;
        return out_operand->path != NULL;
    }
    case '/':
        return parse_pattern(parser, out_operand);
    default:
        return parse_literal(parser, out_operand);
    }
}

// --- operators
// -------------------------------------------------------------------------------------

static const char *const operator_texts[FILTER_OPERATOR_COUNT] = {
    [FILTER_EQ] = "==",
    [FILTER_NE] = "!=",
    [FILTER_LT] = "<",
    [FILTER_LE] = "<=",
    [FILTER_GT] = ">",
    [FILTER_GE] = ">=",
    [FILTER_MATCHES] = "=~",
    [FILTER_IN] = "IN",
    [FILTER_NIN] = "NIN",
    [FILTER_CONTAINS] = "CONTAINS",
    [FILTER_ALL] = "ALL",
    [FILTER_SIZE] = "SIZE",
    [FILTER_EMPTY] = "EMPTY",
    [FILTER_SUBSETOF] = "SUBSETOF",
};

static bool is_letter(uint8_t byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool parse_operator(struct path_parser *parser, enum filter_operator *out_operator) {
    path_skip_blanks(parser);
    char word[16] = "";
    size_t size = 0;
    size_t at = parser->at;
    bool letters = at < parser->text.size && is_letter(parser->text.data[at]);
    while (at < parser->text.size && size < sizeof word - 1 &&
           (letters ? is_letter(parser->text.data[at]) : is_operator_byte(parser->text.data[at]))) {
        uint8_t byte = parser->text.data[at++];
        word[size++] = (char)(letters ? byte & ~0x20 : byte);
    }
    for (int found = 0; found < FILTER_OPERATOR_COUNT; found++) {
        if (strcmp(word, operator_texts[found]) == 0) {
            *out_operator = (enum filter_operator)found;
            parser->at = at;
            return true;
        }
    }
    return false;
}

static const struct filter *parse_comparison(struct path_parser *parser, bool negated) {
    struct filter *filter = ARENA_NEW(parser->arena, struct filter);
    if (!parse_operand(parser, &filter->first)) {
        return NULL;
    }
    if (parse_operator(parser, &filter->operator)) {
        filter->kind = FILTER_COMPARE;
        return parse_operand(parser, &filter->second) ? filter : NULL;
    }
    filter->kind = FILTER_EXISTS;
    filter->wanted = !negated;
    return filter->first.kind == OPERAND_PATH ? filter : NULL;
}

static const struct filter *parse_not(struct path_parser *parser) {
    path_skip_blanks(parser);
    if (path_accept(parser, '(')) {
        return filter_parse(parser);
    }
    if (!path_accept(parser, '!')) {
        return parse_comparison(parser, false);
    }
    path_skip_blanks(parser);
    if (parser->at < parser->text.size &&
        (parser->text.data[parser->at] == '@' || parser->text.data[parser->at] == '$')) {
        return parse_comparison(parser, true);
    }
    if (++parser->depth > LIMIT_JSONPATH_DEPTH) {
        return NULL;
    }
    const struct filter *negated = parse_not(parser);
    parser->depth--;
    return negated == NULL ? NULL : filter_node(parser, FILTER_NOT, negated, NULL);
}

static const struct filter *parse_and(struct path_parser *parser) {
    const struct filter *left = parse_not(parser);
    while (left != NULL && accept_pair(parser, '&')) {
        const struct filter *right = parse_not(parser);
        left = right == NULL ? NULL : filter_node(parser, FILTER_AND, left, right);
    }
    return left;
}

static const struct filter *parse_or(struct path_parser *parser) {
    const struct filter *left = parse_and(parser);
    while (left != NULL && accept_pair(parser, '|')) {
        const struct filter *right = parse_and(parser);
        left = right == NULL ? NULL : filter_node(parser, FILTER_OR, left, right);
    }
    return left;
}
