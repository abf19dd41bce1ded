// A JSONPath as its parser leaves it and the walkers read it. For this folder only.
//
// A path is a list of tokens; a filter inside one is a small tree whose operands are paths again.
// Everything lives in the arena of one evaluation and is never changed after parsing, but for the
// memory of what a `$` operand gave.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "scheduler/expression/expression.h"
#include "scheduler/expression/regex_internal.h"

enum path_token_kind {
    PATH_PROPERTY,   // .name, ['name']
    PATH_PROPERTIES, // ['a','b']
    PATH_INDEX,      // [0], [-1]
    PATH_INDEXES,    // [0,2]
    PATH_SLICE,      // [1:3]
    PATH_WILDCARD,   // *
    PATH_SCAN,       // ..
    PATH_FILTER,     // [?(…)]
    PATH_FUNCTION,   // .length()
};

enum path_function {
    PATH_LENGTH,
    PATH_SIZE,
    PATH_MIN,
    PATH_MAX,
    PATH_AVG,
    PATH_SUM,
    PATH_STDDEV,
    PATH_KEYS,
    PATH_CONCAT,
    PATH_APPEND,
    PATH_FUNCTION_COUNT,
};

struct path_argument {
    const struct path *path; // NULL: the literal `json`
    bytes json;
};

struct path_token {
    enum path_token_kind kind;
    bool upstream_definite; // every token before this one leads to one place at most
    struct path_token *next;
    bytes *names; // PATH_PROPERTY, PATH_PROPERTIES: decoded
    size_t name_count;
    int64_t *indexes; // PATH_INDEX, PATH_INDEXES
    size_t index_count;
    bool has_from; // PATH_SLICE
    bool has_to;
    int64_t from;
    int64_t to;
    const struct filter *filter; // PATH_FILTER
    enum path_function function; // PATH_FUNCTION
    struct path_argument *arguments;
    size_t argument_count;
};

struct path {
    bool from_root; // `$`, or nothing at all; otherwise `@`
    bool definite;
    struct path_token *first; // NULL: the document itself
};

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_COMPARE,
    FILTER_EXISTS,
};

enum filter_operator {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_MATCHES,
    FILTER_IN,
    FILTER_NIN,
    FILTER_CONTAINS,
    FILTER_ALL,
    FILTER_SIZE,
    FILTER_EMPTY,
    FILTER_SUBSETOF,
    FILTER_OPERATOR_COUNT,
};

enum filter_operand_kind {
    OPERAND_PATH,
    OPERAND_JSON,
    OPERAND_PATTERN,
};

struct filter_operand {
    enum filter_operand_kind kind;
    const struct path *path;
    bytes json;
    const struct regex *pattern;
};

struct filter {
    enum filter_kind kind;
    const struct filter *left; // AND, OR, NOT
    const struct filter *right;
    enum filter_operator operator; // COMPARE
    struct filter_operand first;   // COMPARE, EXISTS
    struct filter_operand second;
    bool wanted; // EXISTS: false for `!@.x`
};

// --- parsing (jsonpath_parse.c, jsonpath_filter_parse.c) ----------------------------------------

struct path_parser {
    bytes text;
    size_t at;
    unsigned depth; // of paths in filters in paths
    struct arena *arena;
};

// The path of a text with or without `$` or `@` in front. NULL: not a path.
const struct path *path_parse(bytes text, unsigned depth, struct arena *arena);

// The filter between `[?(` and `)]`, the parser standing behind the opening parenthesis; leaves it
// behind the closing one. NULL: not a filter.
const struct filter *filter_parse(struct path_parser *parser);

void path_skip_blanks(struct path_parser *parser);

// Whether `byte` is the next one; then it is taken.
bool path_accept(struct path_parser *parser, uint8_t byte);

// The text of a quoted string, quote and escapes resolved, the parser standing at the quote.
bool path_quoted(struct path_parser *parser, bytes *out_text);

// A literal in JSON that may quote its strings with apostrophes: the value. False: not one.
bool path_literal(bytes text, struct arena *arena, bytes *out_json);

// The index behind the bracket that closes the one at `from`, quotes respected; the text's size + 1
// when it is never closed.
size_t path_closing(bytes text, size_t from);

// --- walking (jsonpath.c, jsonpath_filter.c, jsonpath_function.c)
// ---------------------------------

// What all paths of one evaluation share.
struct path_scope {
    const struct expression_source *source; // NULL: `document` is the root
    bytes document;                         // data NULL: not built yet
    struct arena *arena;
    uint64_t steps;      // left before the evaluation is refused
    uint64_t bytes_left; // of lists and objects built
    bool exhausted;
};

struct path_result {
    struct path_result *next;
    bytes value;
};

// What one path found.
struct path_run {
    struct path_scope *scope;
    struct path_result *first;
    struct path_result *last;
    size_t count;
    size_t bytes;
    bool failed; // the path does not fit the document: nothing is found
};

// Walks `path`; `item` is where `@` leads.
void path_walk(
    struct path_scope *scope, const struct path *path, bytes item, struct path_run *out_run
);

// The value of a finished walk: the single one, or a list of all. False: a definite path that found
// nothing.
bool path_value(const struct path *path, const struct path_run *run, bytes *out_value);

void path_found(struct path_run *run, bytes value);

// Takes `size` bytes from the budget of the scope. False: none left.
bool path_reserve(struct path_scope *scope, size_t size);

bool filter_accepts(struct path_scope *scope, const struct filter *filter, bytes item);

// Applies a function token to a value. False: it does not fit (the evaluation finds nothing).
bool path_function_apply(
    struct path_scope *scope, const struct path_token *token, bytes value, bytes *out_value
);

// A double as Java prints it, which is also a JSON number unless it is not finite.
bytes java_double_text(double value, struct arena *arena);
