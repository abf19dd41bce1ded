// What the files of validation share. For this folder only.
#pragma once

#include "proto/api/validate.h"

struct validation {
    const struct api_validate_options *options;
    struct api_violations *violations;
    struct arena *arena;
};

// Whether nothing more will be reported: saves formatting it.
bool validation_is_full(const struct validation *validation);

// Reports `message` at `path`, or at `path.field` unless `field` is NULL.
void validation_add(
    const struct validation *validation,
    const char *path,
    const char *field,
    const char *message,
    bytes invalid_value
);

// Whether a container of canonical text (no blanks) has nothing in it; data NULL counts as empty.
static inline bool validation_is_empty(bytes container) {
    return container.size <= 2;
}

// The text for a message: the view, or `null`.
bytes validation_shown(bytes text);

// Names used twice anywhere in the tree, loop bodies included, and `${…}` of top-level inputs that
// lead nowhere. Violations stand at the definition itself.
void validate_references(
    const struct validation *validation, const struct api_workflow_definition *definition
);

// What the task's type requires; `path` is the task's.
void validate_task_type(
    const struct validation *validation, const char *path, const struct api_workflow_task *task
);
