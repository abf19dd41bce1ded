// Reference names: each used once, each named expression leading to one (engine.md §11.1).
//
// The names of the whole tree go into a hash set in the arena; then the inputs of the top-level
// tasks are searched for `${…}` the way the reference server does it: a string is cut before each
// `${` that is not escaped by a `$` and after each `}`, and every piece of the form `${…}` is a
// path. What is nested deeper than LIMIT_API_REFERENCE_DEPTH is not searched.
#include "proto/api/validate_internal.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

#include <string.h>

struct reference_set {
    struct arena *arena;
    bytes *slots; // data NULL: free
    size_t capacity;
    size_t count;
};

// The slot that holds `name`, or the free one where it belongs.
static bytes *reference_slot(const struct reference_set *set, bytes name) {
    size_t at = (size_t)hash_sip64(name) & (set->capacity - 1);
    while (set->slots[at].data != NULL && !bytes_equal(set->slots[at], name)) {
        at = (at + 1) & (set->capacity - 1);
    }
    return &set->slots[at];
}

static void reference_grow(struct reference_set *set) {
    struct reference_set grown = {
        .arena = set->arena,
        .capacity = set->capacity == 0 ? 64 : set->capacity * 2,
        .count = set->count,
    };
    grown.slots = ARENA_ARRAY(set->arena, bytes, grown.capacity);
    for (size_t at = 0; at < set->capacity; at++) {
        if (set->slots[at].data != NULL) {
            *reference_slot(&grown, set->slots[at]) = set->slots[at];
        }
    }
    *set = grown;
}

// False: it was there already.
static bool reference_add(struct reference_set *set, bytes name) {
    if (set->count * 2 >= set->capacity) {
        reference_grow(set);
    }
    bytes *slot = reference_slot(set, name);
    if (slot->data != NULL) {
        return false;
    }
    *slot = name;
    set->count++;
    return true;
}

struct reference_check {
    const struct validation *validation;
    bytes workflow_name;
    bytes task_name; // of the task whose inputs are searched
    struct reference_set names;
};

static void collect_tasks(struct reference_check *check, bytes tasks);

// Adds a task's name, reporting one that is there already.
static void collect_name(struct reference_check *check, bytes reference) {
    const struct validation *validation = check->validation;
    if (!reference_add(&check->names, reference) && !validation_is_full(validation)) {
        const char *message = arena_format(
            validation->arena,
            "taskReferenceName: %.*s should be unique across tasks for a given "
            "workflowDefinition: %.*s",
            BYTES_ARG(reference),
            BYTES_ARG(check->workflow_name)
        );
        validation_add(validation, validation->options->path, NULL, message, BYTES_EMPTY);
    }
}

// Lists of tasks: the elements of an array or the members of an object.
static void collect_lists(struct reference_check *check, bytes lists) {
    struct json_iter iter = json_iter(lists);
    bytes raw_key;
    bytes list;
    bool members = json_is_object(lists);
    while (members ? json_next_member(&iter, &raw_key, &list) : json_next_element(&iter, &list)) {
        collect_tasks(check, list);
    }
}

// One walk over the task: its size counts once a level.
static void collect_task(struct reference_check *check, bytes task) {
    bytes reference = BYTES_LITERAL("null");
    struct json_iter members = json_iter(task);
    bytes raw_key;
    bytes value;
    while (json_next_member(&members, &raw_key, &value)) {
        if (json_string_equal(raw_key, BYTES_LITERAL("taskReferenceName"))) {
            reference = json_string(value, check->validation->arena);
        } else if (validation_is_empty(value)) {
            continue;
        } else if (json_string_equal(raw_key, BYTES_LITERAL("decisionCases")) || json_string_equal(raw_key, BYTES_LITERAL("forkTasks"))) {
            collect_lists(check, value);
        } else if (json_string_equal(raw_key, BYTES_LITERAL("defaultCase")) || json_string_equal(raw_key, BYTES_LITERAL("loopOver"))) {
            collect_tasks(check, value);
        }
    }
    collect_name(check, reference);
}

static void collect_tasks(struct reference_check *check, bytes tasks) {
    struct json_iter elements = json_iter(tasks);
    bytes task;
    while (json_next_element(&elements, &task)) {
        collect_task(check, task);
    }
}

static bool is_predefined(const struct api_validate_options *options, bytes path) {
    static const char *const names[] = {"CPEWF_TASK_ID", "NETFLIX_ENV", "NETFLIX_STACK"};
    for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
        if (bytes_equal_text(path, names[index])) {
            return true;
        }
    }
    return options->is_environment_variable != NULL &&
           options->is_environment_variable(options->argument, path);
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

// No blanks outside brackets, and a first piece that is not empty.
static bool is_well_formed(bytes path) {
    size_t brackets = 0;
    for (size_t at = 0; at < path.size; at++) {
        uint8_t byte = path.data[at];
        if (byte == '[') {
            brackets++;
        } else if (byte == ']' && brackets > 0) {
            brackets--;
        } else if (is_blank(byte) && brackets == 0) {
            return false;
        }
    }
    return path.size > 0 && path.data[0] != '.' && path.data[path.size - 1] != '.';
}

static void check_path(struct reference_check *check, bytes key, bytes path) {
    const struct validation *validation = check->validation;
    const char *message = NULL;
    bytes head = bytes_slice(path, 0, bytes_find(path, 0, '.'));
    if (validation_is_full(validation) || is_predefined(validation->options, path)) {
        return;
    }
    if (!is_well_formed(path)) {
        message = arena_format(
            validation->arena,
            "key: %.*s input parameter value: %.*s is not valid",
            BYTES_ARG(key),
            BYTES_ARG(path)
        );
    } else if (!bytes_equal_text(head, "workflow") && reference_slot(&check->names, head)->data == NULL) {
        message = arena_format(
            validation->arena,
            "taskReferenceName: %.*s for given task: %.*s input value: %.*s of input parameter: "
            "%.*s is not defined in workflow definition.",
            BYTES_ARG(head),
            BYTES_ARG(check->task_name),
            BYTES_ARG(key),
            BYTES_ARG(path)
        );
    }
    if (message != NULL) {
        validation_add(validation, validation->options->path, NULL, message, BYTES_EMPTY);
    }
}

static void check_text(struct reference_check *check, bytes key, bytes text) {
    size_t start = 0;
    for (size_t at = 1; at <= text.size; at++) {
        bool opens = at + 1 < text.size && text.data[at] == '$' && text.data[at + 1] == '{' &&
                     text.data[at - 1] != '$';
        if (at < text.size && !opens && text.data[at - 1] != '}') {
            continue;
        }
        bytes piece = bytes_slice(text, start, at);
        if (piece.size >= 3 && bytes_starts_with(piece, BYTES_LITERAL("${")) &&
            bytes_ends_with(piece, BYTES_LITERAL("}"))) {
            check_path(check, key, bytes_slice(piece, 2, piece.size - 1));
        }
        start = at;
    }
}

// Searches a value for expressions; `key` is the nearest member's.
static void check_value(struct reference_check *check, bytes key, bytes value, unsigned depth) {
    if (json_is_string(value)) {
        check_text(check, key, json_string(value, check->validation->arena));
    } else if (json_is_object(value) && depth < LIMIT_API_REFERENCE_DEPTH) {
        struct json_iter members = json_iter(value);
        bytes raw_key;
        bytes inner;
        while (json_next_member(&members, &raw_key, &inner)) {
            bytes inner_key = json_string(raw_key, check->validation->arena);
            check_value(check, inner_key, inner, depth + 1);
        }
    } else if (json_is_array(value) && depth < LIMIT_API_REFERENCE_DEPTH) {
        struct json_iter elements = json_iter(value);
        bytes inner;
        while (json_next_element(&elements, &inner)) {
            check_value(check, key, inner, depth + 1);
        }
    }
}

void validate_references(
    const struct validation *validation, const struct api_workflow_definition *definition
) {
    struct reference_check check = {
        .validation = validation,
        .workflow_name = validation_shown(definition->name),
        .names = {.arena = validation->arena},
    };
    reference_grow(&check.names);
    collect_tasks(&check, definition->tasks);
    struct json_iter elements = json_iter(definition->tasks);
    bytes task;
    while (json_next_element(&elements, &task)) {
        bytes value;
        check.task_name = BYTES_LITERAL("null");
        if (json_get_text(task, "name", &value) && json_is_string(value)) {
            check.task_name = json_string(value, validation->arena);
        }
        if (json_get_text(task, "inputParameters", &value)) {
            check_value(&check, BYTES_LITERAL(""), value, 0);
        }
    }
}
