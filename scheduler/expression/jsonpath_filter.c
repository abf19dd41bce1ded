// Decides whether a filter accepts one element, by Jayway's rules of comparison.
//
// A number equals the string of its digits, a missing value equals nothing, not even null; order
// exists between two numbers or two strings. A right side that had to be a list and is none makes
// the whole path find nothing; here it makes the element refused, which reads the same but for
// negations.
#include "proto/json/json.h"
#include "scheduler/expression/jsonpath_internal.h"

#include <string.h>

struct filter_value {
    bool missing;
    bytes json;
    const struct regex *pattern;
};

static struct filter_value
operand_value(struct path_scope *scope, const struct filter_operand *operand, bytes item) {
    struct filter_value value = {.json = operand->json, .pattern = operand->pattern};
    if (operand->kind == OPERAND_PATH) {
        struct path_run run;
        path_walk(scope, operand->path, item, &run);
        value.missing = !path_value(operand->path, &run, &value.json);
    }
    return value;
}

static bool is_number(struct filter_value value) {
    return !value.missing && value.pattern == NULL && json_kind(value.json) == JSON_NUMBER;
}

static bool is_string(struct filter_value value) {
    return !value.missing && value.pattern == NULL && json_is_string(value.json);
}

static bool is_list(struct filter_value value) {
    return !value.missing && value.pattern == NULL && json_is_array(value.json);
}

// The number a string spells, as JSON.
static bool string_number(struct path_scope *scope, bytes string, bytes *out_number) {
    bytes text = json_string(string, scope->arena);
    return !err_is(json_validate(text, scope->arena, out_number)) &&
           json_kind(*out_number) == JSON_NUMBER;
}

static bool equal(struct path_scope *scope, struct filter_value left, struct filter_value right) {
    if (left.missing || right.missing || left.pattern != NULL || right.pattern != NULL) {
        return false;
    }
    if (is_number(left) && is_string(right)) {
        bytes number = BYTES_EMPTY;
        return string_number(scope, right.json, &number) && json_equal(left.json, number);
    }
    if (is_string(left) && is_number(right)) {
        return json_string_equal(left.json, right.json); // the number by its text
    }
    return json_equal(left.json, right.json);
}

// The order of two numbers or two strings. False: there is none.
static bool order(
    struct path_scope *scope, struct filter_value left, struct filter_value right, int *out_order
) {
    if (is_string(left) && is_string(right)) {
        *out_order = bytes_compare(
            json_string(left.json, scope->arena), json_string(right.json, scope->arena)
        );
        return true;
    }
    if (!is_number(left) || !is_number(right)) {
        return false;
    }
    int64_t whole[2];
    if (json_i64(left.json, &whole[0]) && json_i64(right.json, &whole[1])) {
        *out_order = whole[0] < whole[1] ? -1 : whole[0] > whole[1];
        return true;
    }
    double number[2] = {0, 0};
    if (!json_double(left.json, &number[0]) || !json_double(right.json, &number[1])) {
        return false;
    }
    *out_order = number[0] < number[1] ? -1 : number[0] > number[1];
    return true;
}

static bool
list_has(struct path_scope *scope, struct filter_value list, struct filter_value wanted) {
    if (!is_list(list)) {
        return false;
    }
    struct json_iter iter = json_iter(list.json);
    struct filter_value element = {0};
    while (json_next_element(&iter, &element.json)) {
        if (equal(scope, wanted, element)) {
            return true;
        }
    }
    return false;
}

// Whether every element of `part` is in `whole`.
static bool
list_has_all(struct path_scope *scope, struct filter_value whole, struct filter_value part) {
    if (!is_list(whole) || !is_list(part)) {
        return false;
    }
    struct json_iter iter = json_iter(part.json);
    struct filter_value element = {0};
    while (json_next_element(&iter, &element.json)) {
        if (!list_has(scope, whole, element)) {
            return false;
        }
    }
    return true;
}

static bool
contains(struct path_scope *scope, struct filter_value left, struct filter_value right) {
    if (!is_string(left) || !is_string(right)) {
        return list_has(scope, left, right);
    }
    bytes text = json_string(left.json, scope->arena);
    bytes part = json_string(right.json, scope->arena);
    for (size_t at = 0; at + part.size <= text.size; at++) {
        if (bytes_equal(bytes_slice(text, at, at + part.size), part)) {
            return true;
        }
    }
    return false;
}

// UTF-16 units, as Java counts.
static int64_t text_length(bytes text) {
    int64_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        length += ((text.data[i] & 0xc0) != 0x80) + (text.data[i] >= 0xf0);
    }
    return length;
}

// The length of a text, list or object. False: of something else.
static bool size_of(struct path_scope *scope, struct filter_value value, int64_t *out_size) {
    if (value.missing || value.pattern != NULL) {
        return false;
    }
    switch (json_kind(value.json)) {
    case JSON_STRING:
        *out_size = text_length(json_string(value.json, scope->arena));
        return true;
    case JSON_ARRAY:
    case JSON_OBJECT:
        *out_size = (int64_t)json_count(value.json);
        return true;
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        return false;
    }
    return false;
}

static bool matches(struct path_scope *scope, struct filter_value left, struct filter_value right) {
    if ((left.pattern == NULL) == (right.pattern == NULL)) {
        return false;
    }
    const struct regex *regex = left.pattern != NULL ? left.pattern : right.pattern;
    struct filter_value value = left.pattern != NULL ? right : left;
    bytes text = BYTES_LITERAL("");
    if (is_string(value)) {
        text = json_string(value.json, scope->arena);
    } else if (!value.missing && !json_is_null(value.json) && !json_is_array(value.json) &&
               !json_is_object(value.json)) {
        text = value.json;
    }
    if (scope->steps < text.size) {
        scope->exhausted = true;
        return false;
    }
    scope->steps -= text.size;
    return regex_matches(regex, text, scope->arena);
}

static bool compares(struct path_scope *scope, const struct filter *filter, bytes item) {
    struct filter_value left = operand_value(scope, &filter->first, item);
    struct filter_value right = operand_value(scope, &filter->second, item);
    int sign = 0;
    int64_t size = 0;
    int64_t wanted = 0;
    switch (filter->operator) {
    case FILTER_EQ:
        return equal(scope, left, right);
    case FILTER_NE:
        return !equal(scope, left, right);
    case FILTER_LT:
        return order(scope, left, right, &sign) && sign < 0;
    case FILTER_LE:
        return order(scope, left, right, &sign) && sign <= 0;
    case FILTER_GT:
        return order(scope, left, right, &sign) && sign > 0;
    case FILTER_GE:
        return order(scope, left, right, &sign) && sign >= 0;
    case FILTER_MATCHES:
        return matches(scope, left, right);
    case FILTER_IN:
        return list_has(scope, right, left);
    case FILTER_NIN:
        return is_list(right) && !list_has(scope, right, left);
    case FILTER_CONTAINS:
        return contains(scope, left, right);
    case FILTER_ALL:
        return list_has_all(scope, left, right);
    case FILTER_SUBSETOF:
        return list_has_all(scope, right, left);
    case FILTER_SIZE:
        return is_number(right) && json_i64(right.json, &wanted) && size_of(scope, left, &size) &&
               size == wanted;
    case FILTER_EMPTY:
        return !right.missing && right.pattern == NULL && size_of(scope, left, &size) &&
               json_kind(right.json) == (size == 0 ? JSON_TRUE : JSON_FALSE);
    case FILTER_OPERATOR_COUNT:
        break;
    }
    return false;
}

bool filter_accepts(struct path_scope *scope, const struct filter *filter, bytes item) {
    switch (filter->kind) {
    case FILTER_AND:
        return filter_accepts(scope, filter->left, item) &&
               filter_accepts(scope, filter->right, item);
    case FILTER_OR:
        return filter_accepts(scope, filter->left, item) ||
               filter_accepts(scope, filter->right, item);
    case FILTER_NOT:
        return !filter_accepts(scope, filter->left, item);
    case FILTER_EXISTS:
        return operand_value(scope, &filter->first, item).missing != filter->wanted;
    case FILTER_COMPARE:
        return compares(scope, filter, item);
    }
    return false;
}
