// Functions at the end of a path. Aggregates give doubles, over the numbers of a list and of the
// arguments; without any number there is no answer, as in the reference.
#include "proto/json/json.h"
#include "scheduler/expression/jsonpath_internal.h"

#include <math.h>

struct aggregate {
    uint64_t count;
    double sum;
    double squares;
    double least;
    double most;
};

static void aggregate_add(struct aggregate *aggregate, bytes value) {
    double number = 0;
    if (json_kind(value) != JSON_NUMBER || !json_double(value, &number)) {
        return;
    }
    if (aggregate->count == 0 || number < aggregate->least) {
        aggregate->least = number;
    }
    if (aggregate->count == 0 || number > aggregate->most) {
        aggregate->most = number;
    }
    aggregate->count++;
    aggregate->sum += number;
    aggregate->squares += number * number;
}

// The value of an argument, null when its path finds nothing.
static bytes
argument_value(struct path_scope *scope, const struct path_argument *argument, bytes item) {
    if (argument->path == NULL) {
        return argument->json;
    }
    struct path_run run;
    bytes value = BYTES_EMPTY;
    path_walk(scope, argument->path, item, &run);
    return path_value(argument->path, &run, &value) ? value : JSON_NULL_TEXT;
}

static double aggregate_result(const struct aggregate *aggregate, enum path_function function) {
    double count = (double)aggregate->count;
    switch (function) {
    case PATH_MIN:
        return aggregate->least;
    case PATH_MAX:
        return aggregate->most;
    case PATH_AVG:
        return aggregate->sum / count;
    case PATH_STDDEV:
        return sqrt(aggregate->squares / count - aggregate->sum * aggregate->sum / count / count);
    case PATH_SUM:
    case PATH_LENGTH:
    case PATH_SIZE:
    case PATH_KEYS:
    case PATH_CONCAT:
    case PATH_APPEND:
    case PATH_FUNCTION_COUNT:
        break;
    }
    return aggregate->sum;
}

static bool apply_aggregate(
    struct path_scope *scope, const struct path_token *token, bytes value, bytes *out_value
) {
    struct aggregate aggregate = {0};
    for (size_t i = 0; i <= token->argument_count; i++) {
        bytes list = i == 0 ? value : argument_value(scope, &token->arguments[i - 1], value);
        if (!json_is_array(list)) {
            if (i > 0) {
                aggregate_add(&aggregate, list);
            }
            continue;
        }
        struct json_iter iter = json_iter(list);
        bytes element = BYTES_EMPTY;
        while (json_next_element(&iter, &element)) {
            aggregate_add(&aggregate, element);
        }
    }
    if (aggregate.count == 0) {
        return false;
    }
    double result = aggregate_result(&aggregate, token->function);
    *out_value = isfinite(result) ? java_double_text(result, scope->arena) : JSON_NULL_TEXT;
    return true;
}

static bytes apply_length(struct path_scope *scope, const struct path_token *token, bytes value) {
    if (token->argument_count > 0) {
        value = argument_value(scope, &token->arguments[0], value);
    }
    if (!json_is_array(value) && !json_is_object(value)) {
        return JSON_NULL_TEXT;
    }
    return bytes_from_text(arena_format(scope->arena, "%zu", json_count(value)));
}

static bytes apply_keys(struct path_scope *scope, bytes value) {
    if (!json_is_object(value) || !path_reserve(scope, value.size)) {
        return JSON_NULL_TEXT;
    }
    struct buffer buffer;
    buffer_init(&buffer, value.size + 2);
    struct json_writer writer = json_writer(&buffer);
    struct json_iter iter = json_iter(value);
    bytes key = BYTES_EMPTY;
    bytes ignored = BYTES_EMPTY;
    json_array_begin(&writer);
    while (json_next_member(&iter, &key, &ignored)) {
        json_raw(&writer, key);
    }
    json_array_end(&writer);
    bytes keys = arena_copy(scope->arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    return keys;
}

// The strings of a list, or one value as text; of an argument's list all elements count.
static void append_texts(struct path_scope *scope, struct buffer *text, bytes value, bool strings) {
    if (!json_is_array(value)) {
        if (!strings && !json_is_null(value)) {
            buffer_append(text, expression_java_text(value, scope->arena));
        }
        return;
    }
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        if (json_is_string(element) || (!strings && !json_is_null(element))) {
            buffer_append(text, expression_java_text(element, scope->arena));
        }
    }
}

static bytes apply_concat(struct path_scope *scope, const struct path_token *token, bytes value) {
    struct buffer text;
    buffer_init(&text, scope->bytes_left);
    append_texts(scope, &text, value, true);
    for (size_t i = 0; i < token->argument_count; i++) {
        append_texts(scope, &text, argument_value(scope, &token->arguments[i], value), false);
    }
    bytes joined = JSON_NULL_TEXT;
    if (!text.overflowed && path_reserve(scope, text.size)) {
        joined = json_string_value(buffer_bytes(&text), scope->arena);
    } else {
        scope->exhausted = true;
    }
    buffer_deinit(&text);
    return joined;
}

static bytes apply_append(struct path_scope *scope, const struct path_token *token, bytes value) {
    if (!json_is_array(value)) {
        return value;
    }
    struct buffer list;
    buffer_init(&list, scope->bytes_left);
    struct json_writer writer = json_writer(&list);
    struct json_iter iter = json_iter(value);
    bytes element = BYTES_EMPTY;
    json_array_begin(&writer);
    while (json_next_element(&iter, &element)) {
        json_raw(&writer, element);
    }
    for (size_t i = 0; i < token->argument_count; i++) {
        json_raw(&writer, argument_value(scope, &token->arguments[i], value));
    }
    json_array_end(&writer);
    bytes longer = JSON_NULL_TEXT;
    if (!list.overflowed && path_reserve(scope, list.size)) {
        longer = arena_copy(scope->arena, buffer_bytes(&list));
    } else {
        scope->exhausted = true;
    }
    buffer_deinit(&list);
    return longer;
}

bool path_function_apply(
    struct path_scope *scope, const struct path_token *token, bytes value, bytes *out_value
) {
    switch (token->function) {
    case PATH_LENGTH:
    case PATH_SIZE:
        *out_value = apply_length(scope, token, value);
        return true;
    case PATH_MIN:
    case PATH_MAX:
    case PATH_AVG:
    case PATH_SUM:
    case PATH_STDDEV:
        return apply_aggregate(scope, token, value, out_value);
    case PATH_KEYS:
        *out_value = apply_keys(scope, value);
        return true;
    case PATH_CONCAT:
        *out_value = apply_concat(scope, token, value);
        return true;
    case PATH_APPEND:
        *out_value = apply_append(scope, token, value);
        return true;
    case PATH_FUNCTION_COUNT:
        break;
    }
    return false;
}
