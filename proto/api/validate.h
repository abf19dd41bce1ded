// What a definition or request must satisfy beyond its shape (rest-api.md §2.3, engine.md §11).
//
// Every violation of one request is collected; none found means valid. Scripts inside definitions
// are parsed by whoever calls: that needs a script engine, which lives outside the pure rooms.
// Pure. Thread: any.
#pragma once

#include "proto/api/model.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"

struct api_violation {
    bytes path;          // `registerWorkflowDef.arg0.tasks[0].name`
    bytes message;       // the contract's text
    bytes invalid_value; // text of the offending scalar; data NULL: not reported
};

// Grows in its arena up to LIMIT_API_VIOLATIONS and LIMIT_API_VIOLATION_BYTES; what comes after is
// not reported.
struct api_violations {
    struct arena *arena;
    struct api_violation *items;
    size_t count;
    size_t capacity;
    size_t text_bytes;
};

void api_violations_init(struct api_violations *violations, struct arena *arena);

// Adds one; all three are copied. `invalid_value` with data NULL: none.
void api_violations_add(
    struct api_violations *violations, bytes path, bytes message, bytes invalid_value
);

// ERR_NONE without violations, else ERR_INVALID with the text the contract fixes for `message`.
MUST_USE err api_violations_status(const struct api_violations *violations);

// The text of every validation error.
#define API_VALIDATION_MESSAGE "Validation failed, check below errors for detail."

// Where the paths of an operation begin (rest-api.md §2.3). The first is what the reference server
// was recorded to answer; an index `[i]` is appended to the ones for lists with api_path_index.
#define API_PATH_REGISTER_WORKFLOW "registerWorkflowDef.arg0"
#define API_PATH_OVERWRITE_WORKFLOW "updateWorkflowDef.def"
#define API_PATH_UPDATE_WORKFLOWS "updateWorkflowDef.workflowDefList"
#define API_PATH_VALIDATE_WORKFLOW "validateWorkflowDef.workflowDef"
#define API_PATH_REGISTER_TASKS "registerTaskDef.taskDefinitions"
#define API_PATH_UPDATE_TASK "updateTaskDef.taskDefinition"
#define API_PATH_START_WORKFLOW "startWorkflow.startWorkflowRequest"
#define API_PATH_START_BY_NAME "startWorkflow.priority"
#define API_PATH_UPDATE_TASK_RESULT "updateTask.taskResult"

// `path[index]`, in `arena`.
const char *api_path_index(struct arena *arena, const char *path, size_t index);

struct api_validate_options {
    const char *path;           // where the object stands: one of the paths above
    bool owner_email_mandatory; // rest-api.md §21
    bool name_validation;       // character set of workflow names
    // The inputTemplate of a registered task definition, as a JSON object. False: not registered.
    // NULL: none is.
    bool (*input_template)(void *argument, bytes task_name, struct arena *arena, bytes *out_json);
    // Whether an environment variable of that name exists. NULL: none does.
    bool (*is_environment_variable)(void *argument, bytes name);
    // Whether this server runs tasks of the type; false adds a violation. NULL: it runs all.
    bool (*is_type_supported)(void *argument, bytes type);
    // Whether the text is JavaScript; false with what is wrong, in `arena`, adds a violation. NULL:
    // nobody can tell.
    bool (*is_javascript)(void *argument, bytes text, struct arena *arena, bytes *out_error);
    void *argument; // of the four
};

// A WorkflowDef as api_bind gave it.
void api_validate_workflow_definition(
    bytes canonical, const struct api_validate_options *options, struct api_violations *violations
);

// A TaskDef as api_bind gave it.
void api_validate_task_definition(
    bytes canonical, const struct api_validate_options *options, struct api_violations *violations
);

// W-1: name, priority, and the embedded definition when there is one.
void api_validate_start_request(
    const struct api_start_workflow_request *request,
    const struct api_validate_options *options,
    struct api_violations *violations
);

// W-2: the priority in the query.
void api_validate_start_priority(int64_t priority, struct api_violations *violations);

// T-3.
void api_validate_task_result(
    const struct api_task_result *result, struct api_violations *violations
);

// M-3, M-11, bulk: an array that must not be empty; the violation carries `message` at `path`.
void api_validate_list_not_empty(
    bytes array, const char *path, const char *message, struct api_violations *violations
);
#define API_WORKFLOW_LIST_EMPTY "WorkflowDefList is empty"
#define API_TASK_LIST_EMPTY "TaskDefList is empty"
