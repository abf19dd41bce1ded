// Any bytes as an expression template and a document: `${…}` with its JSONPath, filters, functions
// and patterns. The first line is the template's text, the rest the document; what is no JSON
// document is a small one.
//
// Held: every result is JSON and the same when asked again; templates without expressions are left
// alone; text in a template is what stands around its expressions; a result is not evaluated again
// where it holds none; one path by itself gives what the whole expression gives; errors are the
// bounds' alone.
#include "scheduler/expression/expression.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char usual[] =
    "{\"workflow\":{\"input\":{\"n\":5,\"d\":1.5e10,\"k\":\"a\",\"t\":\"${x}\",\"nil\":null},"
    "\"status\":\"RUNNING\"},\"a\":{\"output\":{\"l\":[1,\"b\",{\"id\":1,\"p\":2.5},{\"id\":\"2\"}]"
    ","
    "\"m\":{\"x\":{\"id\":3}},\"a b\":[[],{}]}}}";

struct execution {
    bytes document;
    uint32_t lookups;
};

static bool
look_up(void *argument, bytes root, bytes field, struct arena *arena, bytes *out_value) {
    struct execution *execution = argument;
    bytes entry = BYTES_EMPTY;
    (void)arena;
    execution->lookups++;
    if (!json_get(execution->document, root, &entry)) {
        return false;
    }
    if (field.size == 0) {
        *out_value = entry;
        return true;
    }
    return json_is_object(entry) && json_get(entry, field, out_value);
}

static bool variable(void *argument, bytes name, struct arena *arena, bytes *out_text) {
    (void)argument;
    (void)arena;
    if (!bytes_equal_text(name, "CPEWF_TASK_ID") && !bytes_equal_text(name, "workflow.env.J")) {
        return false;
    }
    *out_text = BYTES_LITERAL("{\"user\":[1,2]}");
    return true;
}

static void all_roots(void *argument, void (*visit)(void *visitor, bytes root), void *visitor) {
    const struct execution *execution = argument;
    struct json_iter iter = json_iter(execution->document);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        visit(visitor, bytes_slice(key, 1, key.size - 1));
    }
}

static err evaluate(bytes json, struct execution *execution, struct arena *arena, bytes *out) {
    struct expression_source source = {
        .argument = execution, .lookup = look_up, .variable = variable, .roots = all_roots};
    err error = expression_evaluate(json, &source, arena, out);
    check(!err_is(error) || error.code == ERR_TOO_LARGE);
    if (!err_is(error)) {
        bytes same = BYTES_EMPTY;
        check(!err_is(json_validate(*out, arena, &same)));
    }
    return error;
}

static void count(void *argument, bytes content) {
    (void)content;
    ++*(uint32_t *)argument;
}

// As a whole value, again, and in the middle of a text.
static void check_text(bytes text, struct execution *execution, struct arena *arena) {
    bytes whole = BYTES_EMPTY;
    bytes again = BYTES_EMPTY;
    bytes value = json_string_value(text, arena);
    uint32_t expressions = 0;
    expression_visit(text, count, &expressions);
    if (err_is(evaluate(value, execution, arena, &whole))) {
        return;
    }
    check(!err_is(evaluate(value, execution, arena, &again)));
    check(bytes_equal(whole, again));
    if (!expression_is_present(text)) {
        check(json_equal(whole, value));
    }
    if (expressions == 0 && bytes_find(text, 0, '$') == text.size) {
        check(json_equal(whole, value));
    }
    const char *around = arena_format(arena, "<%.*s>", BYTES_ARG(text));
    bytes framed = json_string_value(bytes_from_text(around), arena);
    if (memchr(text.data, 0, text.size) == NULL &&
        !err_is(evaluate(framed, execution, arena, &again))) {
        check(json_is_string(again));
        bytes shown = json_string(again, arena);
        check(shown.size >= 2 && shown.data[0] == '<' && shown.data[shown.size - 1] == '>');
    }
    const char *list = arena_format(arena, "[%.*s,{\"%%\":1}]", BYTES_ARG(value));
    bytes element = BYTES_EMPTY;
    if (!err_is(evaluate(bytes_from_text(list), execution, arena, &again))) {
        struct json_iter iter = json_iter(again);
        check(json_count(again) == 2 && json_next_element(&iter, &element));
        check(json_equal(element, whole));
    }
}

// Secrets are put in, everything else stays as it is.
static void check_reveal(bytes text, struct arena *arena) {
    struct expression_source source = {.variable = variable};
    bytes value = json_string_value(text, arena);
    bytes shown = BYTES_EMPTY;
    bytes same = BYTES_EMPTY;
    err error = expression_reveal(value, &source, arena, &shown);
    check(!err_is(error) || error.code == ERR_TOO_LARGE);
    if (err_is(error)) {
        return;
    }
    check(!err_is(json_validate(shown, arena, &same)));
    bytes name = BYTES_LITERAL("workflow.secrets.");
    bool has_secret = false;
    for (size_t at = 0; at + name.size <= text.size && !has_secret; at++) {
        has_secret = bytes_equal(bytes_slice(text, at, at + name.size), name);
    }
    check(has_secret || json_equal(shown, value));
}

// A path by itself: errors are suppressed, the answer is JSON, an indefinite one is a list.
static void check_path(bytes path, bytes document, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    bytes same = BYTES_EMPTY;
    bool definite = false;
    err error = jsonpath_evaluate(document, path, arena, &value, &definite);
    check(!err_is(error) || error.code == ERR_TOO_LARGE);
    if (err_is(error)) {
        return;
    }
    check(!err_is(json_validate(value, arena, &same)));
    check(definite || json_is_array(value) || json_is_null(value));
    bytes text = expression_java_text(value, arena);
    check(text.size > 0 || bytes_equal_text(value, "\"\""));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    // One input may not take the fuzzer's patience: the bounds of the program are far above it.
    if (size > 4096) {
        return 0;
    }
    struct arena *arena = arena_create(4096);
    bytes whole = bytes_of(input, size);
    size_t line = bytes_find(whole, 0, '\n');
    bytes text = bytes_slice(whole, 0, line);
    struct execution execution = {.document = bytes_from_text(usual)};
    bytes document = BYTES_EMPTY;
    bytes rest = line < size ? bytes_slice(whole, line + 1, size) : BYTES_EMPTY;
    if (rest.size > 0 && !err_is(json_validate(rest, arena, &document)) &&
        json_is_object(document)) {
        execution.document = document;
    }
    // Templates are JSON that was validated, so their texts are UTF-8.
    bytes ignored = BYTES_EMPTY;
    bytes value = json_string_value(text, arena);
    if (!err_is(json_validate(value, arena, &ignored))) {
        check_text(text, &execution, arena);
        check_reveal(text, arena);
        check_path(text, execution.document, arena);
    }
    arena_destroy(&arena);
    return 0;
}
