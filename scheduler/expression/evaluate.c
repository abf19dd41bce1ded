// Finds the expressions of a text in one pass and puts values in their place.
//
// Where a brace closes is found by a stack over the whole text before anything else, so a text of
// unclosed braces costs its length once and not its square (the reference matches by a backtracking
// pattern). An expression begins at `${` behind anything but `$` and ends at the brace that
// balances its own, counted textually; its content is evaluated first, then named.
//
// A name is asked of the source by root and field (jsonpath.c); the context document of the
// reference exists only for the paths that scan it.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/jsonpath_internal.h"

struct evaluation {
    const struct expression_source *source;
    struct arena *arena;
    bool reveals; // secrets, and nothing else
};

// What an expression gave.
enum outcome_kind {
    OUTCOME_VALUE, // JSON
    OUTCOME_LIST,  // JSON, of an indefinite path: printed as JSON inside a text
    OUTCOME_TEXT,  // plain text
    OUTCOME_KEEP,  // nothing: the expression's own text stays
    OUTCOME_GONE,  // null alone, nothing in a text
};

struct outcome {
    enum outcome_kind kind;
    bytes value;
};

static err evaluate_text(
    const struct evaluation *evaluation, bytes text, unsigned depth, struct outcome *out_outcome
);
static err value_of_text(const struct evaluation *evaluation, bytes text, bytes *out_json);
static err
evaluate_value(const struct evaluation *evaluation, bytes value, struct json_writer *writer);
static err evaluate(const struct evaluation *evaluation, bytes json, bytes *out_json);

// --- finding expressions
// ---------------------------------------------------------------------------

#define UNCLOSED SIZE_MAX

struct scan {
    bytes text;
    size_t at;
    size_t brace;         // opening braces before `at`
    const size_t *closes; // by opening brace: the index of the one that closes it
};

static struct scan scan_begin(bytes text, struct arena *arena) {
    size_t count = 0;
    for (size_t at = 0; at < text.size; at++) {
        count += text.data[at] == '{';
    }
    size_t *closes = ARENA_ARRAY(arena, size_t, count + 1);
    size_t *open = ARENA_ARRAY(arena, size_t, count + 1);
    size_t depth = 0;
    size_t brace = 0;
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] == '{') {
            closes[brace] = UNCLOSED;
            open[depth++] = brace++;
        } else if (text.data[at] == '}' && depth > 0) {
            closes[open[--depth]] = at;
        }
    }
    return (struct scan){.text = text, .closes = closes};
}

// The next outermost expression: from its `$` to behind its closing brace. False: no more.
static bool scan_next(struct scan *scan, size_t *out_from, size_t *out_to) {
    bytes text = scan->text;
    for (; scan->at < text.size; scan->at++) {
        if (text.data[scan->at] != '{') {
            continue;
        }
        size_t from = scan->at - 1;
        size_t close = scan->closes[scan->brace++];
        bool begins =
            scan->at > 0 && text.data[from] == '$' && (from == 0 || text.data[from - 1] != '$');
        if (!begins || close == UNCLOSED) {
            continue;
        }
        for (size_t at = scan->at + 1; at < close; at++) {
            scan->brace += text.data[at] == '{';
        }
        scan->at = close + 1;
        *out_from = from;
        *out_to = close + 1;
        return true;
    }
    return false;
}

bool expression_is_present(bytes text) {
    for (size_t at = bytes_find(text, 0, '$'); at + 1 < text.size;
         at = bytes_find(text, at + 1, '$')) {
        if (text.data[at + 1] == '{') {
            return true;
        }
    }
    return false;
}

void expression_visit(bytes text, void (*visit)(void *argument, bytes content), void *argument) {
    if (!expression_is_present(text)) {
        return;
    }
    struct arena *arena = arena_create(LIMIT_EXPRESSION_SCAN_BYTES);
    struct scan scan = scan_begin(text, arena);
    size_t from = 0;
    size_t to = 0;
    while (scan_next(&scan, &from, &to)) {
        visit(argument, bytes_slice(text, from + 2, to - 1));
    }
    arena_destroy(&arena);
}

// --- resolving one expression
// -----------------------------------------------------------------------

static bool is_blank(bytes text) {
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] > ' ') {
            return false;
        }
    }
    return true;
}

// A name that stands for itself: no path behind it.
static bool is_plain_name(bytes name) {
    return bytes_find(name, 0, '.') == name.size && bytes_find(name, 0, '[') == name.size;
}

static bool variable(const struct evaluation *evaluation, bytes name, struct outcome *out_outcome) {
    const struct expression_source *source = evaluation->source;
    out_outcome->kind = OUTCOME_TEXT;
    return source->variable != NULL &&
           source->variable(source->argument, name, evaluation->arena, &out_outcome->value);
}

// `workflow.env.NAME` or `workflow.secrets.NAME`, or a path into the JSON that NAME's text is.
// `prefix` is what stands before NAME.
static err resolve_named(
    const struct evaluation *evaluation, bytes content, size_t prefix, struct outcome *out
) {
    size_t end = prefix;
    while (end < content.size && content.data[end] != '.' && content.data[end] != '[') {
        end++;
    }
    bool found = variable(evaluation, bytes_slice(content, 0, end), out);
    if (found && end == content.size) {
        return ERR_NONE;
    }
    bytes document = JSON_NULL_TEXT;
    if (!found || err_is(json_validate(out->value, evaluation->arena, &document))) {
        *out = (struct outcome){OUTCOME_VALUE, JSON_NULL_TEXT};
        return ERR_NONE;
    }
    bool definite = true;
    size_t path = end + (content.data[end] == '.');
    TRY(jsonpath_evaluate(
        document,
        bytes_slice(content, path, content.size),
        evaluation->arena,
        &out->value,
        &definite
    ));
    out->kind = definite ? OUTCOME_VALUE : OUTCOME_LIST;
    return ERR_NONE;
}

static err resolve_path(const struct evaluation *evaluation, bytes content, struct outcome *out) {
    *out = (struct outcome){OUTCOME_VALUE, JSON_NULL_TEXT};
    if (content.size > LIMIT_JSONPATH_BYTES) {
        return err_make(ERR_TOO_LARGE, "the path of an expression is too long");
    }
    const struct path *path = path_parse(content, 0, evaluation->arena);
    if (path == NULL) {
        return ERR_NONE;
    }
    struct path_scope scope = {
        .source = evaluation->source,
        .arena = evaluation->arena,
        .steps = LIMIT_JSONPATH_STEPS,
        .bytes_left = LIMIT_JSONPATH_RESULT_BYTES,
    };
    struct path_run run;
    bytes value = BYTES_EMPTY;
    path_walk(&scope, path, JSON_NULL_TEXT, &run);
    if (path_value(path, &run, &value)) {
        *out = (struct outcome){path->definite ? OUTCOME_VALUE : OUTCOME_LIST, value};
    }
    return scope.exhausted ? err_make(ERR_TOO_LARGE, "an expression visits or gives too much")
                           : ERR_NONE;
}

static err reveal(const struct evaluation *evaluation, bytes content, struct outcome *out) {
    bytes prefix = BYTES_LITERAL("workflow.secrets.");
    if (!bytes_starts_with(content, prefix)) {
        *out = (struct outcome){OUTCOME_KEEP, BYTES_EMPTY};
        return ERR_NONE;
    }
    TRY(resolve_named(evaluation, content, prefix.size, out));
    if (out->kind == OUTCOME_VALUE && json_is_null(out->value)) {
        out->kind = OUTCOME_GONE;
    }
    return ERR_NONE;
}

// The order of names is engine.md §9.4's.
static err resolve(const struct evaluation *evaluation, bytes content, struct outcome *out) {
    if (evaluation->reveals) {
        return reveal(evaluation, content, out);
    }
    if (is_blank(content)) {
        *out = (struct outcome){OUTCOME_TEXT, BYTES_LITERAL("")};
        return ERR_NONE;
    }
    if (bytes_starts_with(content, BYTES_LITERAL("workflow.secrets."))) {
        *out = (struct outcome){OUTCOME_KEEP, BYTES_EMPTY};
        return ERR_NONE;
    }
    if (bytes_starts_with(content, BYTES_LITERAL("workflow.env."))) {
        return resolve_named(evaluation, content, sizeof "workflow.env." - 1, out);
    }
    if (bytes_equal_text(content, "CPEWF_TASK_ID") || bytes_equal_text(content, "NETFLIX_ENV") ||
        bytes_equal_text(content, "NETFLIX_STACK")) {
        if (!variable(evaluation, content, out)) {
            out->kind = OUTCOME_KEEP;
        }
        return ERR_NONE;
    }
    TRY(resolve_path(evaluation, content, out));
    struct outcome named;
    if (json_is_null(out->value) && is_plain_name(content) &&
        variable(evaluation, content, &named)) {
        *out = named;
    }
    return ERR_NONE;
}

// --- texts
// -----------------------------------------------------------------------------------------

static bytes outcome_text(struct outcome outcome, struct arena *arena) {
    switch (outcome.kind) {
    case OUTCOME_VALUE:
        return expression_java_text(outcome.value, arena);
    case OUTCOME_LIST:
        return json_compact(outcome.value, arena);
    case OUTCOME_GONE:
        return BYTES_LITERAL("");
    case OUTCOME_TEXT:
    case OUTCOME_KEEP:
        break;
    }
    return outcome.value;
}

// `$${` becomes `${`, in place.
static bytes unescape(struct buffer *text) {
    size_t to = 0;
    for (size_t from = 0; from < text->size; from++) {
        bool escaped = from + 2 < text->size && text->data[from] == '$' &&
                       text->data[from + 1] == '$' && text->data[from + 2] == '{';
        if (escaped) {
            text->data[to++] = '$';
            text->data[to++] = '{';
            from += 2;
        } else {
            text->data[to++] = text->data[from];
        }
    }
    text->size = to;
    return buffer_bytes(text);
}

// The content of one expression, its own expressions replaced.
static err
content_of(const struct evaluation *evaluation, bytes content, unsigned depth, bytes *out_content) {
    *out_content = content;
    if (evaluation->reveals || !expression_is_present(content)) {
        return ERR_NONE;
    }
    if (depth == LIMIT_EXPRESSION_DEPTH) {
        return err_make(ERR_TOO_LARGE, "expressions are nested too deep");
    }
    struct outcome inner;
    TRY(evaluate_text(evaluation, content, depth + 1, &inner));
    *out_content = outcome_text(inner, evaluation->arena);
    return ERR_NONE;
}

// An expression in the middle of a text.
static err append_expression(
    const struct evaluation *evaluation, struct buffer *text, bytes content, struct outcome outcome
) {
    if (outcome.kind == OUTCOME_KEEP) {
        buffer_append_text(text, "${");
        buffer_append(text, content);
        buffer_append_text(text, "}");
    } else {
        buffer_append(text, outcome_text(outcome, evaluation->arena));
    }
    return buffer_status(text);
}

static err evaluate_text(
    const struct evaluation *evaluation, bytes text, unsigned depth, struct outcome *out_outcome
) {
    SCOPED(buffer_deinit) struct buffer built;
    buffer_init(&built, LIMIT_JSONPATH_RESULT_BYTES);
    struct scan scan = scan_begin(text, evaluation->arena);
    size_t copied = 0;
    size_t from = 0;
    size_t to = 0;
    while (scan_next(&scan, &from, &to)) {
        bytes content = BYTES_EMPTY;
        struct outcome outcome = {OUTCOME_VALUE, JSON_NULL_TEXT};
        TRY(content_of(evaluation, bytes_slice(text, from + 2, to - 1), depth, &content));
        TRY(resolve(evaluation, content, &outcome));
        if (from == 0 && to == text.size && outcome.kind != OUTCOME_KEEP) {
            *out_outcome = outcome;
            return ERR_NONE;
        }
        buffer_append(&built, bytes_slice(text, copied, from));
        TRY(append_expression(evaluation, &built, content, outcome));
        copied = to;
    }
    buffer_append(&built, bytes_slice(text, copied, text.size));
    TRY(buffer_status(&built));
    out_outcome->kind = OUTCOME_TEXT;
    out_outcome->value = arena_copy(
        evaluation->arena, evaluation->reveals ? buffer_bytes(&built) : unescape(&built)
    );
    return ERR_NONE;
}

err expression_evaluate_text(
    bytes text, const struct expression_source *source, struct arena *arena, bytes *out_json
) {
    struct evaluation evaluation = {.source = source, .arena = arena};
    return value_of_text(&evaluation, text, out_json);
}

static err value_of_text(const struct evaluation *evaluation, bytes text, bytes *out_json) {
    struct outcome outcome = {OUTCOME_TEXT, text};
    if (expression_is_present(text)) {
        TRY(evaluate_text(evaluation, text, 0, &outcome));
    }
    *out_json = outcome.kind == OUTCOME_TEXT ? json_string_value(outcome.value, evaluation->arena)
                                             : outcome.value;
    return ERR_NONE;
}

// --- documents
// ---------------------------------------------------------------------------------------

// Whether raw JSON may hold an expression: also one whose characters are escaped.
static bool may_hold_expression(bytes json) {
    if (expression_is_present(json)) {
        return true;
    }
    for (size_t at = bytes_find(json, 0, '\\'); at + 3 < json.size;
         at = bytes_find(json, at + 1, '\\')) {
        if (json.data[at + 1] == 'u' && json.data[at + 2] == '0' && json.data[at + 3] == '0') {
            return true; // \u0024 or \u007b
        }
    }
    return false;
}

static err
evaluate_string(const struct evaluation *evaluation, bytes value, struct json_writer *writer) {
    bytes text = json_string(value, evaluation->arena);
    bytes result = value;
    if (expression_is_present(text)) {
        TRY(value_of_text(evaluation, text, &result));
    }
    json_raw(writer, result);
    return ERR_NONE;
}

static err
evaluate_object(const struct evaluation *evaluation, bytes value, struct json_writer *writer) {
    struct json_iter iter = json_iter(value);
    bytes key = BYTES_EMPTY;
    bytes member = BYTES_EMPTY;
    json_object_begin(writer);
    while (json_next_member(&iter, &key, &member)) {
        json_raw_key(writer, key);
        TRY(evaluate_value(evaluation, member, writer));
    }
    json_object_end(writer);
    return buffer_status(writer->buffer);
}

static err
evaluate_array(const struct evaluation *evaluation, bytes value, struct json_writer *writer) {
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    json_array_begin(writer);
    while (json_next_element(&iter, &element)) {
        TRY(evaluate_value(evaluation, element, writer));
    }
    json_array_end(writer);
    return buffer_status(writer->buffer);
}

static err
evaluate_value(const struct evaluation *evaluation, bytes value, struct json_writer *writer) {
    switch (json_kind(value)) {
    case JSON_STRING:
        return evaluate_string(evaluation, value, writer);
    case JSON_OBJECT:
        return evaluate_object(evaluation, value, writer);
    case JSON_ARRAY:
        return evaluate_array(evaluation, value, writer);
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        break;
    }
    json_raw(writer, value);
    return ERR_NONE;
}

err expression_evaluate(
    bytes template_json,
    const struct expression_source *source,
    struct arena *arena,
    bytes *out_json
) {
    struct evaluation evaluation = {.source = source, .arena = arena};
    return evaluate(&evaluation, template_json, out_json);
}

err expression_reveal(
    bytes json, const struct expression_source *source, struct arena *arena, bytes *out_json
) {
    struct evaluation evaluation = {.source = source, .arena = arena, .reveals = true};
    return evaluate(&evaluation, json, out_json);
}

static err evaluate(const struct evaluation *evaluation, bytes json, bytes *out_json) {
    if (!may_hold_expression(json)) {
        *out_json = json;
        return ERR_NONE;
    }
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_JSONPATH_RESULT_BYTES);
    struct json_writer writer = json_writer(&buffer);
    TRY(evaluate_value(evaluation, json, &writer));
    TRY(buffer_status(&buffer));
    *out_json = arena_copy(evaluation->arena, buffer_bytes(&buffer));
    return ERR_NONE;
}
