// The enumerations of the public API (models.md), one row a constant, in the order of their wire
// ordinals.
//
// Each has a constant <PREFIX>_NONE = 0 for "not given", so that a zeroed struct holds none.
#pragma once

#include "proto/base/bytes.h"

#include <stdbool.h>

// One row an enumeration: tag, constant prefix, rows.
#define API_ENUMS(ENUM)                                                                \
    ENUM(workflow_status, API_WORKFLOW, API_WORKFLOW_STATUSES)                         \
    ENUM(task_status, API_TASK, API_TASK_STATUSES)                                     \
    ENUM(task_result_status, API_RESULT, API_TASK_RESULT_STATUSES)                     \
    ENUM(workflow_timeout_policy, API_WORKFLOW_TIMEOUT, API_WORKFLOW_TIMEOUT_POLICIES) \
    ENUM(task_timeout_policy, API_TASK_TIMEOUT, API_TASK_TIMEOUT_POLICIES)             \
    ENUM(retry_logic, API_RETRY, API_RETRY_LOGICS)                                     \
    ENUM(rate_limit_policy, API_RATE_LIMIT, API_RATE_LIMIT_POLICIES)                   \
    ENUM(schema_type, API_SCHEMA, API_SCHEMA_TYPES)                                    \
    ENUM(join_mode, API_JOIN, API_JOIN_MODES)                                          \
    ENUM(idempotency_strategy, API_IDEMPOTENCY, API_IDEMPOTENCY_STRATEGIES)

// models.md §5. Columns: name, terminal, successful
#define API_WORKFLOW_STATUSES(X, P) \
    X(P, RUNNING, 0, 0)             \
    X(P, COMPLETED, 1, 1)           \
    X(P, FAILED, 1, 0)              \
    X(P, TIMED_OUT, 1, 0)           \
    X(P, TERMINATED, 1, 0)          \
    X(P, PAUSED, 0, 1)

// models.md §6. Columns: name, terminal, successful, retriable
#define API_TASK_STATUSES(X, P)               \
    X(P, IN_PROGRESS, 0, 1, 1)                \
    X(P, CANCELED, 1, 0, 0)                   \
    X(P, FAILED, 1, 0, 1)                     \
    X(P, FAILED_WITH_TERMINAL_ERROR, 1, 0, 0) \
    X(P, COMPLETED, 1, 1, 1)                  \
    X(P, COMPLETED_WITH_ERRORS, 1, 1, 1)      \
    X(P, SCHEDULED, 0, 1, 1)                  \
    X(P, TIMED_OUT, 1, 0, 1)                  \
    X(P, SKIPPED, 1, 1, 0)

#define API_TASK_RESULT_STATUSES(X, P) \
    X(P, IN_PROGRESS)                  \
    X(P, FAILED)                       \
    X(P, FAILED_WITH_TERMINAL_ERROR)   \
    X(P, COMPLETED)                    \
    X(P, CANCELED)

#define API_WORKFLOW_TIMEOUT_POLICIES(X, P) \
    X(P, TIME_OUT_WF)                       \
    X(P, ALERT_ONLY)

#define API_TASK_TIMEOUT_POLICIES(X, P) \
    X(P, RETRY)                         \
    X(P, TIME_OUT_WF)                   \
    X(P, ALERT_ONLY)

#define API_RETRY_LOGICS(X, P) \
    X(P, FIXED)                \
    X(P, EXPONENTIAL_BACKOFF)  \
    X(P, LINEAR_BACKOFF)

#define API_RATE_LIMIT_POLICIES(X, P) \
    X(P, QUEUE)                       \
    X(P, REJECT)

#define API_SCHEMA_TYPES(X, P) \
    X(P, JSON)                 \
    X(P, AVRO)                 \
    X(P, PROTOBUF)

#define API_JOIN_MODES(X, P) \
    X(P, SYNC)               \
    X(P, ASYNC)

#define API_IDEMPOTENCY_STRATEGIES(X, P) \
    X(P, FAIL)                           \
    X(P, RETURN_EXISTING)                \
    X(P, FAIL_ON_RUNNING)

// enum api_workflow_status { API_WORKFLOW_NONE, API_WORKFLOW_RUNNING, … API_WORKFLOW_COUNT }; and
// so on for each row of API_ENUMS.
#define API_ENUM_CONSTANT(prefix, ...) API_ENUM_NAME(prefix, __VA_ARGS__, 0)
#define API_ENUM_NAME(prefix, name, ...) prefix##_##name,
#define API_ENUM_DECLARE(tag, prefix, rows) \
    enum api_##tag{prefix##_NONE, rows(API_ENUM_CONSTANT, prefix) prefix##_COUNT};
API_ENUMS(API_ENUM_DECLARE)
#undef API_ENUM_DECLARE

// An enumeration as values of a table: the text of constant i + 1 is texts[i].
struct api_enum {
    const char *name;
    const char *const *texts;
    int count;
};

// For each enumeration: its table; `const char *api_<tag>_text(value)`, "" for NONE; and
// `bool api_<tag>_from_text(text, &value)`, exact and case-sensitive, false when unknown.
#define API_ENUM_FUNCTIONS(tag, prefix, rows)           \
    extern const struct api_enum api_##tag##_enum;      \
    const char *api_##tag##_text(enum api_##tag value); \
    bool api_##tag##_from_text(bytes text, enum api_##tag *out_value);
API_ENUMS(API_ENUM_FUNCTIONS)
#undef API_ENUM_FUNCTIONS

bool api_workflow_status_is_terminal(enum api_workflow_status status);
bool api_workflow_status_is_successful(enum api_workflow_status status);
bool api_task_status_is_terminal(enum api_task_status status);
bool api_task_status_is_successful(enum api_task_status status);
bool api_task_status_is_retriable(enum api_task_status status);

// The task status a worker's result asks for.
enum api_task_status api_task_status_of_result(enum api_task_result_status status);
