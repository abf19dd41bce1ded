// Equality of documents.
//
// Objects are compared by sorting their members by key: n log n whatever the input, where looking
// every key up would let a request of ten megabytes occupy a core for minutes. The sorted members
// of all open objects share one growing stack. Recursion is as deep as the document, at most
// LIMIT_JSON_DEPTH, with small frames.
#include "proto/base/check.h"
#include "proto/json/json_internal.h"

#include <stdlib.h>

struct member_stack {
    struct json_member *items;
    size_t count;
    size_t capacity;
};

static bool values_equal(struct member_stack *stack, bytes left, bytes right);

bool json_equal(bytes left, bytes right) {
    if (bytes_equal(left, right)) {
        return true;
    }
    struct member_stack stack = {NULL, 0, 0};
    bool equal = values_equal(&stack, left, right);
    free(stack.items);
    return equal;
}

// --- members -------------------------------------------------------------------------------------

size_t json_members_collect(bytes object, struct json_member *members, size_t count) {
    struct json_iter iter = json_iter(object);
    struct json_member member;
    while (json_next_member(&iter, &member.raw_key, &member.value)) {
        member.index = count;
        members[count] = member;
        count++;
    }
    return count;
}

static int member_order(const void *left, const void *right) {
    const struct json_member *left_member = left;
    const struct json_member *right_member = right;
    int order = json_string_compare(left_member->raw_key, right_member->raw_key);
    if (order != 0) {
        return order;
    }
    return left_member->index < right_member->index ? -1 : 1;
}

void json_members_sort(struct json_member *members, size_t count) {
    if (count > 1) {
        qsort(members, count, sizeof(*members), member_order);
    }
}

// Of members with one key only the last counts. Gives how many are left.
static size_t keep_last(struct json_member *members, size_t count) {
    size_t kept = 0;
    for (size_t index = 0; index < count; index++) {
        bool repeated =
            index + 1 < count &&
            json_string_compare(members[index].raw_key, members[index + 1].raw_key) == 0;
        if (!repeated) {
            members[kept++] = members[index];
        }
    }
    return kept;
}

// Pushes the members of `object` in order of their keys; gives how many.
static size_t push_members(struct member_stack *stack, bytes object) {
    size_t needed = stack->count + json_count(object);
    if (needed > stack->capacity) {
        stack->capacity = needed * 2;
        stack->items = realloc(stack->items, stack->capacity * sizeof(*stack->items));
        check(stack->items != NULL);
    }
    if (needed == stack->count) {
        return 0;
    }
    struct json_member *members = stack->items + stack->count;
    size_t count = json_members_collect(object, members, 0);
    json_members_sort(members, count);
    count = keep_last(members, count);
    stack->count += count;
    return count;
}

// --- values --------------------------------------------------------------------------------------

// Reaches into the stack by index: comparing a value may move it.
static bool objects_equal(struct member_stack *stack, bytes left, bytes right) {
    size_t left_from = stack->count;
    size_t left_count = push_members(stack, left);
    size_t right_from = stack->count;
    size_t right_count = push_members(stack, right);
    bool equal = left_count == right_count;
    for (size_t index = 0; equal && index < left_count; index++) {
        equal =
            json_string_compare(
                stack->items[left_from + index].raw_key, stack->items[right_from + index].raw_key
            ) == 0;
    }
    for (size_t index = 0; equal && index < left_count; index++) {
        bytes left_value = stack->items[left_from + index].value;
        bytes right_value = stack->items[right_from + index].value;
        equal = values_equal(stack, left_value, right_value);
    }
    stack->count = left_from;
    return equal;
}

static bool arrays_equal(struct member_stack *stack, bytes left, bytes right) {
    struct json_iter left_iter = json_iter(left);
    struct json_iter right_iter = json_iter(right);
    bytes left_value;
    bytes right_value;
    for (;;) {
        bool left_more = json_next_element(&left_iter, &left_value);
        bool right_more = json_next_element(&right_iter, &right_value);
        if (!left_more || !right_more) {
            return left_more == right_more;
        }
        if (!values_equal(stack, left_value, right_value)) {
            return false;
        }
    }
}

static bool values_equal(struct member_stack *stack, bytes left, bytes right) {
    enum json_kind kind = json_kind(left);
    if (kind != json_kind(right)) {
        return false;
    }
    switch (kind) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        return true;
    case JSON_NUMBER:
        return json_number_equal(left, right);
    case JSON_STRING:
        return json_string_compare(left, right) == 0;
    case JSON_ARRAY:
        return arrays_equal(stack, left, right);
    case JSON_OBJECT:
        return objects_equal(stack, left, right);
    }
    return false;
}
