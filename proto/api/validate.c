// Constraints on fields, and the walk over the tasks of a definition.
//
// The walk reaches tasks, decision cases, default cases and fork branches; not loop bodies, not
// embedded task definitions, not definitions inside sub-workflow parameters: the reference does not
// look there either (rest-api.md §2.3), and what registers there must register here.
#include "proto/api/validate.h"

#include "proto/api/validate_internal.h"
#include "proto/limits.h"

#include <inttypes.h>
#include <string.h>

void api_violations_init(struct api_violations *violations, struct arena *arena) {
    *violations = (struct api_violations){.arena = arena};
}

static bool is_full(const struct api_violations *violations) {
    return violations->count >= LIMIT_API_VIOLATIONS ||
           violations->text_bytes >= LIMIT_API_VIOLATION_BYTES;
}

void api_violations_add(
    struct api_violations *violations, bytes path, bytes message, bytes invalid_value
) {
    if (is_full(violations)) {
        return;
    }
    if (violations->count == violations->capacity) {
        size_t capacity = violations->capacity == 0 ? 8 : violations->capacity * 2;
        struct api_violation *items =
            ARENA_ARRAY(violations->arena, struct api_violation, capacity);
        if (violations->count > 0) {
            memcpy(items, violations->items, violations->count * sizeof(items[0]));
        }
        violations->items = items;
        violations->capacity = capacity;
    }
    violations->text_bytes += path.size + message.size + invalid_value.size;
    violations->items[violations->count++] = (struct api_violation){
        .path = arena_copy(violations->arena, path),
        .message = arena_copy(violations->arena, message),
        .invalid_value = invalid_value.data == NULL
                             ? BYTES_EMPTY
                             : bytes_from_text(arena_text(violations->arena, invalid_value)),
    };
}

err api_violations_status(const struct api_violations *violations) {
    return violations->count == 0 ? ERR_NONE : err_make(ERR_INVALID, API_VALIDATION_MESSAGE);
}

const char *api_path_index(struct arena *arena, const char *path, size_t index) {
    return arena_format(arena, "%s[%zu]", path, index);
}

bool validation_is_full(const struct validation *validation) {
    return is_full(validation->violations);
}

void validation_add(
    const struct validation *validation,
    const char *path,
    const char *field,
    const char *message,
    bytes invalid_value
) {
    const char *whole =
        field == NULL ? path : arena_format(validation->arena, "%s.%s", path, field);
    api_violations_add(
        validation->violations, bytes_from_text(whole), bytes_from_text(message), invalid_value
    );
}

bytes validation_shown(bytes text) {
    return text.data == NULL ? BYTES_LITERAL("null") : text;
}

// A text that must be there and not be empty.
static void require_text(
    const struct validation *validation,
    const char *path,
    const char *field,
    bytes text,
    const char *message
) {
    if (text.size == 0) {
        validation_add(validation, path, field, message, text);
    }
}

// An integer of at least `least`. `message` may have one %lld for the value.
struct least {
    const char *field;
    int64_t value;
    int64_t least;
    const char *message;
};

static void
require_least(const struct validation *validation, const char *path, const struct least *rule) {
    if (rule->value < rule->least) {
        bytes value = bytes_from_text(arena_format(validation->arena, "%" PRId64, rule->value));
        validation_add(validation, path, rule->field, rule->message, value);
    }
}

static void validate_tasks(const struct validation *validation, const char *path, bytes tasks);

static void
validate_branches(const struct validation *validation, const char *path, bytes branches) {
    struct json_iter elements = json_iter(branches);
    bytes branch;
    for (size_t index = 0; json_next_element(&elements, &branch); index++) {
        validate_tasks(validation, api_path_index(validation->arena, path, index), branch);
    }
}

static void validate_cases(const struct validation *validation, const char *path, bytes cases) {
    struct json_iter members = json_iter(cases);
    bytes raw_key;
    bytes tasks;
    while (json_next_member(&members, &raw_key, &tasks)) {
        bytes key = json_string(raw_key, validation->arena);
        const char *inside = arena_format(validation->arena, "%s[%.*s]", path, BYTES_ARG(key));
        validate_tasks(validation, inside, tasks);
    }
}

static void validate_task(const struct validation *validation, const char *path, bytes json) {
    struct api_workflow_task task = {0};
    err unreadable = api_read_canonical(&api_workflow_task_model, json, validation->arena, &task);
    if (err_is(unreadable)) {
        validation_add(validation, path, NULL, unreadable.text, BYTES_EMPTY);
        return;
    }
    require_text(validation, path, "name", task.name, "WorkflowTask name cannot be empty or null");
    require_text(
        validation,
        path,
        "taskReferenceName",
        task.task_reference_name,
        "WorkflowTask taskReferenceName name cannot be empty or null"
    );
    require_least(
        validation,
        path,
        &(struct least){"startDelay", task.start_delay, 0, "must be greater than or equal to 0"}
    );
    validate_task_type(validation, path, &task);
    struct arena *arena = validation->arena;
    if (!validation_is_empty(task.decision_cases)) {
        validate_cases(
            validation, arena_format(arena, "%s.decisionCases", path), task.decision_cases
        );
    }
    if (!validation_is_empty(task.default_case)) {
        validate_tasks(validation, arena_format(arena, "%s.defaultCase", path), task.default_case);
    }
    if (!validation_is_empty(task.fork_tasks)) {
        validate_branches(validation, arena_format(arena, "%s.forkTasks", path), task.fork_tasks);
    }
}

static void validate_tasks(const struct validation *validation, const char *path, bytes tasks) {
    struct json_iter elements = json_iter(tasks);
    bytes task;
    for (size_t index = 0; json_next_element(&elements, &task); index++) {
        if (validation_is_full(validation)) {
            return;
        }
        validate_task(validation, api_path_index(validation->arena, path, index), task);
    }
}

static bool is_name_character(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && memchr("_<>{}#- \t\n\r\f\v", byte, 14) != NULL);
}

static void validate_name(const struct validation *validation, bytes name) {
    const char *path = validation->options->path;
    require_text(validation, path, "name", name, "WorkflowDef name cannot be null or empty");
    if (!validation->options->name_validation) {
        return;
    }
    for (size_t at = 0; at < name.size; at++) {
        if (!is_name_character(name.data[at])) {
            const char *message = arena_format(
                validation->arena,
                "Invalid name '%.*s'. Allowed characters are alphanumeric, underscores, spaces, "
                "hyphens, and special characters like <, >, {, }, #",
                BYTES_ARG(name)
            );
            validation_add(validation, path, "name", message, name);
            return;
        }
    }
}

static void validate_owner(const struct validation *validation, bytes owner_email) {
    if (validation->options->owner_email_mandatory) {
        require_text(
            validation,
            validation->options->path,
            "ownerEmail",
            owner_email,
            "ownerEmail cannot be empty"
        );
    }
}

static void validate_schema_version(const struct validation *validation, int32_t version) {
    if (version != 2) {
        validation_add(
            validation,
            validation->options->path,
            "schemaVersion",
            "workflowDef schemaVersion: 2 is only supported",
            bytes_from_text(arena_format(validation->arena, "%" PRId32, version))
        );
    }
}

void api_validate_workflow_definition(
    bytes canonical, const struct api_validate_options *options, struct api_violations *violations
) {
    struct validation validation = {options, violations, violations->arena};
    struct api_workflow_definition definition = {0};
    err unreadable = api_read_canonical(
        &api_workflow_definition_model, canonical, violations->arena, &definition
    );
    if (err_is(unreadable)) {
        validation_add(&validation, options->path, NULL, unreadable.text, BYTES_EMPTY);
        return;
    }
    validate_name(&validation, definition.name);
    validate_schema_version(&validation, definition.schema_version);
    validate_owner(&validation, definition.owner_email);
    if (validation_is_empty(definition.tasks)) {
        validation_add(
            &validation, options->path, "tasks", "WorkflowTask list cannot be empty", BYTES_EMPTY
        );
        return;
    }
    const char *path = arena_format(violations->arena, "%s.tasks", options->path);
    validate_tasks(&validation, path, definition.tasks);
    validate_references(&validation, &definition);
}

static void
validate_timeouts(const struct validation *validation, const struct api_task_definition *task) {
    bytes name = validation_shown(task->name);
    if (task->timeout_seconds > 0 && task->response_timeout_seconds > task->timeout_seconds) {
        const char *message = arena_format(
            validation->arena,
            "TaskDef: %.*s responseTimeoutSeconds: %" PRId64
            " must be less than timeoutSeconds: %" PRId64,
            BYTES_ARG(name),
            task->response_timeout_seconds,
            task->timeout_seconds
        );
        validation_add(validation, validation->options->path, NULL, message, BYTES_EMPTY);
    }
    if (task->timeout_seconds > 0 && task->total_timeout_seconds > 0 &&
        task->timeout_seconds > task->total_timeout_seconds) {
        const char *message = arena_format(
            validation->arena,
            "TaskDef: %.*s timeoutSeconds: %" PRId64
            " must be less than or equal to totalTimeoutSeconds: %" PRId64,
            BYTES_ARG(name),
            task->timeout_seconds,
            task->total_timeout_seconds
        );
        validation_add(validation, validation->options->path, NULL, message, BYTES_EMPTY);
    }
}

void api_validate_task_definition(
    bytes canonical, const struct api_validate_options *options, struct api_violations *violations
) {
    struct validation validation = {options, violations, violations->arena};
    struct api_task_definition task = {0};
    err unreadable =
        api_read_canonical(&api_task_definition_model, canonical, violations->arena, &task);
    if (err_is(unreadable)) {
        validation_add(&validation, options->path, NULL, unreadable.text, BYTES_EMPTY);
        return;
    }
    require_text(
        &validation, options->path, "name", task.name, "TaskDef name cannot be null or empty"
    );
    validate_owner(&validation, task.owner_email);
    const char *at_least_0 = "must be greater than or equal to 0";
    const struct least rules[] = {
        {"retryCount", task.retry_count, 0, "TaskDef retryCount: 0 must be >= 0"},
        {"responseTimeoutSeconds",
         task.response_timeout_seconds,
         1,
         arena_format(
             violations->arena,
             "TaskDef responseTimeoutSeconds: %" PRId64 " should be minimum 1 second",
             task.response_timeout_seconds
         )},
        {"pollTimeoutSeconds",
         task.poll_timeout_seconds.value,
         0,
         "TaskDef pollTimeoutSeconds: 0 must be >= 0"},
        {"backoffScaleFactor",
         task.backoff_scale_factor,
         1,
         "Backoff scale factor. Applicable for LINEAR_BACKOFF"},
        {"maxRetryDelaySeconds", task.max_retry_delay_seconds, 0, at_least_0},
        {"backoffJitterMs", task.backoff_jitter_ms, 0, at_least_0},
        {"totalTimeoutSeconds", task.total_timeout_seconds, 0, at_least_0},
    };
    for (size_t index = 0; index < sizeof(rules) / sizeof(rules[0]); index++) {
        require_least(&validation, options->path, &rules[index]);
    }
    validate_timeouts(&validation, &task);
}

void api_validate_start_request(
    const struct api_start_workflow_request *request,
    const struct api_validate_options *options,
    struct api_violations *violations
) {
    struct validation validation = {options, violations, violations->arena};
    if (request->name.data == NULL) {
        validation_add(
            &validation, options->path, "name", "Workflow name cannot be null or empty", BYTES_EMPTY
        );
    }
    bool low = request->priority < 0;
    if (low || request->priority > 99) {
        const char *value = arena_format(violations->arena, "%" PRId32, request->priority);
        const char *message = arena_format(
            violations->arena, "priority: %s should be %s", value, low ? "minimum 0" : "maximum 99"
        );
        validation_add(&validation, options->path, "priority", message, bytes_from_text(value));
    }
    if (request->workflow_def.data != NULL) {
        struct api_validate_options inside = *options;
        inside.path = arena_format(violations->arena, "%s.workflowDef", options->path);
        api_validate_workflow_definition(request->workflow_def, &inside, violations);
    }
}

void api_validate_start_priority(int64_t priority, struct api_violations *violations) {
    if (priority < 0 || priority > 99) {
        api_violations_add(
            violations,
            BYTES_LITERAL(API_PATH_START_BY_NAME),
            priority < 0 ? BYTES_LITERAL("0 is the minimum priority value")
                         : BYTES_LITERAL("99 is the maximum priority value"),
            bytes_from_text(arena_format(violations->arena, "%" PRId64, priority))
        );
    }
}

void api_validate_task_result(
    const struct api_task_result *result, struct api_violations *violations
) {
    struct validation validation = {NULL, violations, violations->arena};
    const char *path = API_PATH_UPDATE_TASK_RESULT;
    require_text(
        &validation,
        path,
        "workflowInstanceId",
        result->workflow_instance_id,
        "Workflow Id cannot be null or empty"
    );
    require_text(&validation, path, "taskId", result->task_id, "Task ID cannot be null or empty");
}

void api_validate_list_not_empty(
    bytes array, const char *path, const char *message, struct api_violations *violations
) {
    if (array.data == NULL || json_is_null(array) || json_count(array) == 0) {
        api_violations_add(
            violations, bytes_from_text(path), bytes_from_text(message), BYTES_EMPTY
        );
    }
}
