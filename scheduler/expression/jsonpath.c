// Walks a path over raw JSON. The document is never parsed into a tree: each token locates its
// values in the text.
//
// The rules are Jayway's, errors suppressed: what a definite path does not find is null, what an
// indefinite one does not find is an empty list; a value of the wrong kind ends the evaluation only
// while the path has led to one place (`upstream_definite`), behind a wildcard it is passed over.
// Where `$` leads is either one document or an execution (an expression_source), of which only the
// entries that the path names are asked for. Steps and built bytes are counted against a budget,
// since `$..*..*` grows with a power of the document.
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/expression/jsonpath_internal.h"

static void walk(struct path_run *run, const struct path_token *token, bytes value);
static void walk_root(struct path_run *run, const struct path *path);

err jsonpath_evaluate(
    bytes document, bytes path, struct arena *arena, bytes *out_value, bool *out_definite
) {
    struct path_scope scope = {
        .document = document,
        .arena = arena,
        .steps = LIMIT_JSONPATH_STEPS,
        .bytes_left = LIMIT_JSONPATH_RESULT_BYTES,
    };
    bytes value = JSON_NULL_TEXT;
    bool definite = true;
    if (path.size > LIMIT_JSONPATH_BYTES) {
        return err_make(ERR_TOO_LARGE, "the path of an expression is too long");
    }
    const struct path *parsed = path_parse(path, 0, arena);
    if (parsed != NULL) {
        struct path_run run;
        path_walk(&scope, parsed, document, &run);
        if (!path_value(parsed, &run, &value)) {
            value = JSON_NULL_TEXT;
        }
        definite = parsed->definite;
    }
    if (scope.exhausted) {
        return err_make(ERR_TOO_LARGE, "an expression visits or gives too much");
    }
    *out_value = value;
    *out_definite = definite;
    return ERR_NONE;
}

void path_walk(
    struct path_scope *scope, const struct path *path, bytes item, struct path_run *out_run
) {
    *out_run = (struct path_run){.scope = scope};
    if (!path->from_root) {
        walk(out_run, path->first, item);
    } else {
        walk_root(out_run, path);
    }
    if (out_run->failed || scope->exhausted) {
        out_run->first = out_run->last = NULL;
        out_run->count = out_run->bytes = 0;
    }
}

bool path_value(const struct path *path, const struct path_run *run, bytes *out_value) {
    if (path->definite) {
        if (run->count == 0) {
            return false;
        }
        *out_value = run->last->value;
        return true;
    }
    if (run->count == 0) {
        *out_value = JSON_EMPTY_ARRAY;
        return true;
    }
    size_t size = run->bytes + run->count + 1;
    if (!path_reserve(run->scope, size)) {
        return false;
    }
    struct buffer buffer;
    buffer_init(&buffer, size);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    for (const struct path_result *result = run->first; result != NULL; result = result->next) {
        json_raw(&writer, result->value);
    }
    json_array_end(&writer);
    *out_value = arena_copy(run->scope->arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    return true;
}

void path_found(struct path_run *run, bytes value) {
    struct path_result *result = ARENA_NEW(run->scope->arena, struct path_result);
    result->value = value;
    if (run->last == NULL) {
        run->first = result;
    } else {
        run->last->next = result;
    }
    run->last = result;
    run->count++;
    run->bytes += value.size;
}

bool path_reserve(struct path_scope *scope, size_t size) {
    if (size > scope->bytes_left) {
        scope->exhausted = true;
        return false;
    }
    scope->bytes_left -= size;
    return true;
}

// --- the root of an execution --------------------------------------------------------------------

struct root_writer {
    struct path_scope *scope;
    struct json_writer writer;
};

static void write_root(void *argument, bytes root) {
    struct root_writer *roots = argument;
    bytes entry = BYTES_EMPTY;
    const struct expression_source *source = roots->scope->source;
    if (source->lookup(source->argument, root, BYTES_EMPTY, roots->scope->arena, &entry)) {
        json_key_bytes(&roots->writer, root);
        json_raw(&roots->writer, entry);
    }
}

// The whole context document, for a path that scans it.
static bytes root_document(struct path_scope *scope) {
    if (scope->document.data != NULL) {
        return scope->document;
    }
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_JSONPATH_RESULT_BYTES);
    struct root_writer roots = {.scope = scope, .writer = json_writer(&buffer)};
    json_object_begin(&roots.writer);
    if (scope->source->roots != NULL) {
        scope->source->roots(scope->source->argument, write_root, &roots);
    }
    json_object_end(&roots.writer);
    if (err_is(buffer_status(&buffer))) {
        scope->exhausted = true;
        scope->document = JSON_EMPTY_OBJECT;
    } else {
        scope->document = arena_copy(scope->arena, buffer_bytes(&buffer));
    }
    buffer_deinit(&buffer);
    return scope->document;
}

// `a.output.x` asks for `output` of `a` and walks on there; `a` and `a[…]` ask for the entry.
static void walk_root(struct path_run *run, const struct path *path) {
    struct path_scope *scope = run->scope;
    const struct path_token *root = path->first;
    if (scope->document.data != NULL || root == NULL || root->kind != PATH_PROPERTY) {
        walk(run, root, root_document(scope));
        return;
    }
    const struct path_token *field = root->next;
    bool named = field != NULL && field->kind == PATH_PROPERTY && field->names[0].size > 0;
    bytes name = named ? field->names[0] : BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    const struct expression_source *source = scope->source;
    check(source != NULL);
    const struct path_token *member = named ? field->next : NULL;
    if (member != NULL && member->kind == PATH_PROPERTY && source->member != NULL &&
        source->member(source->argument, root->names[0], name, member->names[0], &value)) {
        walk(run, member->next, value);
        return;
    }
    if (source->lookup(source->argument, root->names[0], name, scope->arena, &value)) {
        walk(run, named ? field->next : field, value);
    }
}

// --- tokens
// ------------------------------------------------------------------------------------------

static void walk_property(struct path_run *run, const struct path_token *token, bytes object) {
    bytes value = BYTES_EMPTY;
    for (size_t i = 0; i < token->name_count; i++) {
        if (json_get(object, token->names[i], &value)) {
            walk(run, token->next, value);
        }
    }
}

// Several names at the end of a path make one object of them.
static void walk_merged(struct path_run *run, const struct path_token *token, bytes object) {
    struct path_scope *scope = run->scope;
    struct buffer buffer;
    buffer_init(&buffer, scope->bytes_left);
    struct json_writer writer = json_writer(&buffer);
    bytes value = BYTES_EMPTY;
    json_object_begin(&writer);
    for (size_t i = 0; i < token->name_count; i++) {
        if (json_get(object, token->names[i], &value)) {
            json_key_bytes(&writer, token->names[i]);
            json_raw(&writer, value);
        }
    }
    json_object_end(&writer);
    if (!buffer.overflowed && path_reserve(scope, buffer.size)) {
        path_found(run, arena_copy(scope->arena, buffer_bytes(&buffer)));
    } else {
        scope->exhausted = true;
    }
    buffer_deinit(&buffer);
}

static void
walk_element(struct path_run *run, const struct path_token *token, bytes array, int64_t index) {
    struct json_iter iter = json_iter(array);
    bytes element = BYTES_EMPTY;
    if (index < 0) {
        index += (int64_t)json_count(array);
    }
    for (int64_t at = 0; index >= 0 && json_next_element(&iter, &element); at++) {
        if (at == index) {
            walk(run, token->next, element);
            return;
        }
    }
}

// With both ends given an end below zero keeps its sign, as in the reference: `[1:-1]` is empty.
static void walk_slice(struct path_run *run, const struct path_token *token, bytes array) {
    int64_t count = (int64_t)json_count(array);
    int64_t from = token->has_from ? token->from : 0;
    int64_t to = token->has_to && token->to < count ? token->to : count;
    if (!token->has_to || !token->has_from) {
        from = from < 0 ? from + count : from;
        from = from < 0 ? 0 : from;
        to = to < 0 ? to + count : to;
    }
    if (from < 0) {
        for (int64_t index = from < -count ? -count : from; index < to; index++) {
            walk_element(run, token, array, index);
        }
        return;
    }
    struct json_iter iter = json_iter(array);
    bytes element = BYTES_EMPTY;
    for (int64_t at = 0; at < to && json_next_element(&iter, &element); at++) {
        if (at >= from) {
            walk(run, token->next, element);
        }
    }
}

static void walk_children(struct path_run *run, const struct path_token *token, bytes value) {
    bool object = json_is_object(value);
    if (!object && !json_is_array(value)) {
        return;
    }
    struct json_iter iter = json_iter(value);
    bytes key = BYTES_EMPTY;
    bytes child = BYTES_EMPTY;
    while (object ? json_next_member(&iter, &key, &child) : json_next_element(&iter, &child)) {
        walk(run, token->next, child);
    }
}

// Whether a deep scan stops at `value` for `token`.
static bool scan_matches(struct path_run *run, const struct path_token *token, bytes value) {
    bytes ignored = BYTES_EMPTY;
    switch (token->kind) {
    case PATH_PROPERTY:
    case PATH_PROPERTIES:
        if (!json_is_object(value)) {
            return false;
        }
        for (size_t i = 0; i < token->name_count; i++) {
            bool whole = token->kind == PATH_PROPERTY || token->next == NULL;
            if (whole && !json_get(value, token->names[i], &ignored)) {
                return false;
            }
        }
        return true;
    case PATH_INDEX:
    case PATH_INDEXES:
    case PATH_SLICE:
        return json_is_array(value);
    case PATH_WILDCARD:
        return true;
    case PATH_FILTER:
        return filter_accepts(run->scope, token->filter, value);
    case PATH_SCAN:
    case PATH_FUNCTION:
        return false;
    }
    return false;
}

static void scan(struct path_run *run, const struct path_token *token, bytes value) {
    bool object = json_is_object(value);
    if ((!object && !json_is_array(value)) || run->failed || run->scope->exhausted) {
        return;
    }
    if (scan_matches(run, token, value)) {
        walk(run, token, value);
    }
    struct json_iter iter = json_iter(value);
    bytes key = BYTES_EMPTY;
    bytes child = BYTES_EMPTY;
    while (object ? json_next_member(&iter, &key, &child) : json_next_element(&iter, &child)) {
        scan(run, token, child);
    }
}

static void walk_filtered(struct path_run *run, const struct path_token *token, bytes value) {
    if (json_is_object(value)) {
        if (filter_accepts(run->scope, token->filter, value)) {
            walk(run, token->next, value);
        }
        return;
    }
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        if (filter_accepts(run->scope, token->filter, element)) {
            walk(run, token->next, element);
        }
    }
}

static void walk_function(struct path_run *run, const struct path_token *token, bytes value) {
    bytes result = BYTES_EMPTY;
    if (!path_function_apply(run->scope, token, value, &result)) {
        run->failed = true;
        return;
    }
    path_found(run, result);
    if (token->next != NULL) {
        walk(run, token->next, result);
    }
}

// Whether a token can be applied to a value of this kind at all.
static bool token_fits(const struct path_token *token, bytes value) {
    switch (token->kind) {
    case PATH_PROPERTY:
    case PATH_PROPERTIES:
        return json_is_object(value);
    case PATH_INDEX:
    case PATH_INDEXES:
    case PATH_SLICE:
        return json_is_array(value);
    case PATH_FILTER:
        return json_is_object(value) || json_is_array(value);
    case PATH_WILDCARD:
    case PATH_SCAN:
    case PATH_FUNCTION:
        return true;
    }
    return true;
}

static void walk(struct path_run *run, const struct path_token *token, bytes value) {
    struct path_scope *scope = run->scope;
    // A visit costs what reading its text costs: many visits of a large value are not cheap.
    uint64_t cost = 1 + value.size / LIMIT_JSONPATH_STEP_BYTES;
    if (scope->steps < cost) {
        scope->steps = 0;
        scope->exhausted = true;
    }
    if (run->failed || scope->exhausted) {
        return;
    }
    scope->steps -= cost;
    if (token == NULL) {
        path_found(run, value);
        return;
    }
    if (!token_fits(token, value)) {
        run->failed = token->upstream_definite;
        return;
    }
    switch (token->kind) {
    case PATH_PROPERTY:
        walk_property(run, token, value);
        break;
    case PATH_PROPERTIES:
        if (token->next == NULL) {
            walk_merged(run, token, value);
        } else {
            walk_property(run, token, value);
        }
        break;
    case PATH_INDEX:
    case PATH_INDEXES:
        for (size_t i = 0; i < token->index_count; i++) {
            walk_element(run, token, value, token->indexes[i]);
        }
        break;
    case PATH_SLICE:
        walk_slice(run, token, value);
        break;
    case PATH_WILDCARD:
        walk_children(run, token, value);
        break;
    case PATH_SCAN:
        if (token->next != NULL) {
            scan(run, token->next, value);
        }
        break;
    case PATH_FILTER:
        walk_filtered(run, token, value);
        break;
    case PATH_FUNCTION:
        walk_function(run, token, value);
        break;
    }
}
