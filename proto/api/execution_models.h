// The models of executions: requests, workflow, task, result, logs, poll data (models.md §4–§9).
//
// Rows: kind, struct member, JSON name, default, flags, nested model or enumeration. See
// proto/api/field.h and proto/api/model.h.
#pragma once

#include "proto/api/definition_models.h"
#include "proto/api/field.h"

struct api_model;

// models.md §4
#define API_START_WORKFLOW_REQUEST_FIELDS(FIELD)                                    \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                                \
    FIELD(OPTIONAL_INT32, version, "version", NULL, API_PLAIN, none)                \
    FIELD(TEXT, correlation_id, "correlationId", NULL, API_PLAIN, none)             \
    FIELD(OBJECT, input, "input", "{}", API_PLAIN, none)                            \
    FIELD(TEXT_MAP, task_to_domain, "taskToDomain", "{}", API_PLAIN, none)          \
    FIELD(MODEL, workflow_def, "workflowDef", NULL, API_PLAIN, workflow_definition) \
    FIELD(                                                                          \
        TEXT,                                                                       \
        external_input_payload_storage_path,                                        \
        "externalInputPayloadStoragePath",                                          \
        NULL,                                                                       \
        API_PLAIN,                                                                  \
        none                                                                        \
    )                                                                               \
    FIELD(INT32, priority, "priority", "0", API_PLAIN, none)                        \
    FIELD(TEXT, created_by, "createdBy", NULL, API_PLAIN, none)                     \
    FIELD(TEXT, idempotency_key, "idempotencyKey", NULL, API_PLAIN, none)           \
    FIELD(ENUM, idempotency_strategy, "idempotencyStrategy", NULL, API_PLAIN, idempotency_strategy)

#define API_RERUN_WORKFLOW_REQUEST_FIELDS(FIELD)                                      \
    FIELD(TEXT, rerun_from_workflow_id, "reRunFromWorkflowId", NULL, API_PLAIN, none) \
    FIELD(OBJECT, workflow_input, "workflowInput", NULL, API_PLAIN, none)             \
    FIELD(TEXT, rerun_from_task_id, "reRunFromTaskId", NULL, API_PLAIN, none)         \
    FIELD(OBJECT, task_input, "taskInput", NULL, API_PLAIN, none)                     \
    FIELD(TEXT, correlation_id, "correlationId", NULL, API_PLAIN, none)

#define API_SKIP_TASK_REQUEST_FIELDS(FIELD)                                   \
    FIELD(OBJECT, task_input, "taskInput", NULL, API_PLAIN, none)             \
    FIELD(OBJECT, task_output, "taskOutput", NULL, API_PLAIN, none)           \
    FIELD(ANY, task_input_message, "taskInputMessage", NULL, API_PLAIN, none) \
    FIELD(ANY, task_output_message, "taskOutputMessage", NULL, API_PLAIN, none)

// models.md §5: `tasks` is an array of Task texts, `workflow_definition` the frozen snapshot.
// `start_time`, `workflow_name` and `workflow_version` are derived: the writer's caller sets them.
#define API_WORKFLOW_FIELDS(FIELD)                                                                \
    API_AUDIT_FIELDS(FIELD)                                                                       \
    FIELD(ENUM, status, "status", "\"RUNNING\"", API_PLAIN, workflow_status)                      \
    FIELD(INT64, end_time, "endTime", "0", API_PLAIN, none)                                       \
    FIELD(INT64, start_time, "startTime", "0", API_PLAIN, none)                                   \
    FIELD(TEXT, workflow_id, "workflowId", NULL, API_PLAIN, none)                                 \
    FIELD(TEXT, parent_workflow_id, "parentWorkflowId", NULL, API_PLAIN, none)                    \
    FIELD(TEXT, parent_workflow_task_id, "parentWorkflowTaskId", NULL, API_PLAIN, none)           \
    FIELD(MODEL_LIST, tasks, "tasks", "[]", API_NULL_IS_DEFAULT, task)                            \
    FIELD(OBJECT, input, "input", "{}", API_NULL_IS_DEFAULT, none)                                \
    FIELD(OBJECT, output, "output", "{}", API_NULL_IS_DEFAULT, none)                              \
    FIELD(TEXT, correlation_id, "correlationId", NULL, API_PLAIN, none)                           \
    FIELD(TEXT, rerun_from_workflow_id, "reRunFromWorkflowId", NULL, API_PLAIN, none)             \
    FIELD(TEXT, reason_for_incompletion, "reasonForIncompletion", NULL, API_PLAIN, none)          \
    FIELD(TEXT, event, "event", NULL, API_PLAIN, none)                                            \
    FIELD(TEXT_MAP, task_to_domain, "taskToDomain", "{}", API_NULL_IS_DEFAULT, none)              \
    FIELD(                                                                                        \
        TEXT_LIST,                                                                                \
        failed_reference_task_names,                                                              \
        "failedReferenceTaskNames",                                                               \
        "[]",                                                                                     \
        API_NULL_IS_DEFAULT,                                                                      \
        none                                                                                      \
    )                                                                                             \
    FIELD(TEXT_LIST, failed_task_names, "failedTaskNames", "[]", API_NULL_IS_DEFAULT, none)       \
    FIELD(MODEL, workflow_definition, "workflowDefinition", NULL, API_PLAIN, workflow_definition) \
    FIELD(                                                                                        \
        TEXT,                                                                                     \
        external_input_payload_storage_path,                                                      \
        "externalInputPayloadStoragePath",                                                        \
        NULL,                                                                                     \
        API_PLAIN,                                                                                \
        none                                                                                      \
    )                                                                                             \
    FIELD(                                                                                        \
        TEXT,                                                                                     \
        external_output_payload_storage_path,                                                     \
        "externalOutputPayloadStoragePath",                                                       \
        NULL,                                                                                     \
        API_PLAIN,                                                                                \
        none                                                                                      \
    )                                                                                             \
    FIELD(INT32, priority, "priority", "0", API_PLAIN, none)                                      \
    FIELD(OBJECT, variables, "variables", "{}", API_NULL_IS_DEFAULT, none)                        \
    FIELD(INT64, last_retried_time, "lastRetriedTime", "0", API_PLAIN, none)                      \
    FIELD(MODEL_LIST, history, "history", "[]", API_NULL_IS_DEFAULT, workflow)                    \
    FIELD(TEXT, idempotency_key, "idempotencyKey", NULL, API_PLAIN, none)                         \
    FIELD(TEXT, rate_limit_key, "rateLimitKey", NULL, API_PLAIN, none)                            \
    FIELD(BOOL, rate_limited, "rateLimited", "false", API_PLAIN, none)                            \
    FIELD(TEXT, workflow_name, "workflowName", NULL, API_PLAIN, none)                             \
    FIELD(INT32, workflow_version, "workflowVersion", "1", API_PLAIN, none)

// models.md §6. `queue_wait_time` and `loop_over_task` are derived, `task_def_name` falls back to
// the type, `task_definition` is workflow_task's: the writer's caller sets them.
#define API_TASK_FIELDS(FIELD)                                                               \
    FIELD(TEXT, task_type, "taskType", NULL, API_PLAIN, none)                                \
    FIELD(ENUM, status, "status", NULL, API_PLAIN, task_status)                              \
    FIELD(OBJECT, input_data, "inputData", "{}", API_NULL_IS_DEFAULT, none)                  \
    FIELD(TEXT, reference_task_name, "referenceTaskName", NULL, API_PLAIN, none)             \
    FIELD(INT32, retry_count, "retryCount", "0", API_PLAIN, none)                            \
    FIELD(INT32, seq, "seq", "0", API_PLAIN, none)                                           \
    FIELD(TEXT, correlation_id, "correlationId", NULL, API_PLAIN, none)                      \
    FIELD(INT32, poll_count, "pollCount", "0", API_PLAIN, none)                              \
    FIELD(TEXT, task_def_name, "taskDefName", NULL, API_PLAIN, none)                         \
    FIELD(INT64, scheduled_time, "scheduledTime", "0", API_PLAIN, none)                      \
    FIELD(INT64, start_time, "startTime", "0", API_PLAIN, none)                              \
    FIELD(INT64, end_time, "endTime", "0", API_PLAIN, none)                                  \
    FIELD(INT64, update_time, "updateTime", "0", API_PLAIN, none)                            \
    FIELD(INT32, start_delay_in_seconds, "startDelayInSeconds", "0", API_PLAIN, none)        \
    FIELD(TEXT, retried_task_id, "retriedTaskId", NULL, API_PLAIN, none)                     \
    FIELD(BOOL, retried, "retried", "false", API_PLAIN, none)                                \
    FIELD(BOOL, executed, "executed", "false", API_PLAIN, none)                              \
    FIELD(BOOL, callback_from_worker, "callbackFromWorker", "true", API_PLAIN, none)         \
    FIELD(INT64, response_timeout_seconds, "responseTimeoutSeconds", "0", API_PLAIN, none)   \
    FIELD(TEXT, workflow_instance_id, "workflowInstanceId", NULL, API_PLAIN, none)           \
    FIELD(TEXT, workflow_type, "workflowType", NULL, API_PLAIN, none)                        \
    FIELD(TEXT, task_id, "taskId", NULL, API_PLAIN, none)                                    \
    FIELD(TEXT, reason_for_incompletion, "reasonForIncompletion", NULL, API_PLAIN, none)     \
    FIELD(INT64, callback_after_seconds, "callbackAfterSeconds", "0", API_PLAIN, none)       \
    FIELD(TEXT, worker_id, "workerId", NULL, API_PLAIN, none)                                \
    FIELD(OBJECT, output_data, "outputData", "{}", API_NULL_IS_DEFAULT, none)                \
    FIELD(MODEL, workflow_task, "workflowTask", NULL, API_PLAIN, workflow_task)              \
    FIELD(TEXT, domain, "domain", NULL, API_PLAIN, none)                                     \
    FIELD(ANY, input_message, "inputMessage", NULL, API_PLAIN, none)                         \
    FIELD(ANY, output_message, "outputMessage", NULL, API_PLAIN, none)                       \
    FIELD(INT32, rate_limit_per_frequency, "rateLimitPerFrequency", "0", API_PLAIN, none)    \
    FIELD(                                                                                   \
        INT32,                                                                               \
        rate_limit_frequency_in_seconds,                                                     \
        "rateLimitFrequencyInSeconds",                                                       \
        "0",                                                                                 \
        API_PLAIN,                                                                           \
        none                                                                                 \
    )                                                                                        \
    FIELD(                                                                                   \
        TEXT,                                                                                \
        external_input_payload_storage_path,                                                 \
        "externalInputPayloadStoragePath",                                                   \
        NULL,                                                                                \
        API_PLAIN,                                                                           \
        none                                                                                 \
    )                                                                                        \
    FIELD(                                                                                   \
        TEXT,                                                                                \
        external_output_payload_storage_path,                                                \
        "externalOutputPayloadStoragePath",                                                  \
        NULL,                                                                                \
        API_PLAIN,                                                                           \
        none                                                                                 \
    )                                                                                        \
    FIELD(INT32, workflow_priority, "workflowPriority", "0", API_PLAIN, none)                \
    FIELD(TEXT, execution_name_space, "executionNameSpace", NULL, API_PLAIN, none)           \
    FIELD(TEXT, isolation_group_id, "isolationGroupId", NULL, API_PLAIN, none)               \
    FIELD(INT32, iteration, "iteration", "0", API_PLAIN, none)                               \
    FIELD(TEXT, sub_workflow_id, "subWorkflowId", NULL, API_PLAIN, none)                     \
    FIELD(BOOL, subworkflow_changed, "subworkflowChanged", "false", API_PLAIN, none)         \
    FIELD(INT64, first_start_time, "firstStartTime", "0", API_PLAIN, none)                   \
    FIELD(                                                                                   \
        OBJECT,                                                                              \
        execution_metadata,                                                                  \
        "executionMetadata",                                                                 \
        "{\"additionalContext\":{},\"additionalContextMap\":{},\"empty\":true}",             \
        API_NULL_IS_DEFAULT,                                                                 \
        none                                                                                 \
    )                                                                                        \
    FIELD(TEXT, parent_task_id, "parentTaskId", NULL, API_PLAIN, none)                       \
    FIELD(TEXT_MAP, runtime_metadata, "runtimeMetadata", NULL, API_DROP_EMPTY, none)         \
    FIELD(MODEL, task_definition, "taskDefinition", NULL, API_NULL_LITERAL, task_definition) \
    FIELD(INT64, queue_wait_time, "queueWaitTime", "0", API_PLAIN, none)                     \
    FIELD(BOOL, loop_over_task, "loopOverTask", "false", API_PLAIN, none)

// models.md §7
#define API_TASK_LOG_FIELDS(FIELD)                        \
    FIELD(TEXT, log, "log", NULL, API_PLAIN, none)        \
    FIELD(TEXT, task_id, "taskId", NULL, API_PLAIN, none) \
    FIELD(INT64, created_time, "createdTime", "0", API_PLAIN, none)

// `logs` is an array of TaskExecLog texts: api_read_list(&api_task_log_model, …).
#define API_TASK_RESULT_FIELDS(FIELD)                                                    \
    FIELD(TEXT, workflow_instance_id, "workflowInstanceId", NULL, API_PLAIN, none)       \
    FIELD(TEXT, task_id, "taskId", NULL, API_PLAIN, none)                                \
    FIELD(ENUM, status, "status", NULL, API_PLAIN, task_result_status)                   \
    FIELD(TEXT, reason_for_incompletion, "reasonForIncompletion", NULL, API_PLAIN, none) \
    FIELD(INT64, callback_after_seconds, "callbackAfterSeconds", "0", API_PLAIN, none)   \
    FIELD(TEXT, worker_id, "workerId", NULL, API_PLAIN, none)                            \
    FIELD(OBJECT, output_data, "outputData", "{}", API_NULL_IS_DEFAULT, none)            \
    FIELD(ANY, output_message, "outputMessage", NULL, API_PLAIN, none)                   \
    FIELD(OBJECT, execution_metadata, "executionMetadata", NULL, API_PLAIN, none)        \
    FIELD(MODEL_LIST, logs, "logs", "[]", API_NULL_IS_DEFAULT, task_log)                 \
    FIELD(                                                                               \
        TEXT,                                                                            \
        external_output_payload_storage_path,                                            \
        "externalOutputPayloadStoragePath",                                              \
        NULL,                                                                            \
        API_PLAIN,                                                                       \
        none                                                                             \
    )                                                                                    \
    FIELD(TEXT, sub_workflow_id, "subWorkflowId", NULL, API_PLAIN, none)                 \
    FIELD(BOOL, extend_lease, "extendLease", "false", API_PLAIN, none)                   \
    FIELD(BOOL, supports_cancellation, "supportsCancellation", "false", API_PLAIN, none)

#define API_POLL_DATA_FIELDS(FIELD)                             \
    FIELD(TEXT, queue_name, "queueName", NULL, API_PLAIN, none) \
    FIELD(TEXT, domain, "domain", NULL, API_PLAIN, none)        \
    FIELD(TEXT, worker_id, "workerId", NULL, API_PLAIN, none)   \
    FIELD(INT64, last_poll_time, "lastPollTime", "0", API_PLAIN, none)

// models.md §9: the answer of W-4; BulkResponse
#define API_WORKFLOW_STATUS_RESPONSE_FIELDS(FIELD)                      \
    FIELD(TEXT, workflow_id, "workflowId", NULL, API_PLAIN, none)       \
    FIELD(TEXT, correlation_id, "correlationId", NULL, API_PLAIN, none) \
    FIELD(ENUM, status, "status", NULL, API_PLAIN, workflow_status)     \
    FIELD(OBJECT, output, "output", NULL, API_PLAIN, none)              \
    FIELD(OBJECT, variables, "variables", NULL, API_PLAIN, none)

#define API_BULK_RESPONSE_FIELDS(FIELD)                                                 \
    FIELD(TEXT_MAP, error_results, "bulkErrorResults", "{}", API_NULL_IS_DEFAULT, none) \
    FIELD(TEXT_LIST, successful_results, "bulkSuccessfulResults", "[]", API_NULL_IS_DEFAULT, none)

API_DECLARE_MODEL(start_workflow_request, API_START_WORKFLOW_REQUEST_FIELDS);
API_DECLARE_MODEL(rerun_workflow_request, API_RERUN_WORKFLOW_REQUEST_FIELDS);
API_DECLARE_MODEL(skip_task_request, API_SKIP_TASK_REQUEST_FIELDS);
API_DECLARE_MODEL(workflow, API_WORKFLOW_FIELDS);
API_DECLARE_MODEL(task, API_TASK_FIELDS);
API_DECLARE_MODEL(task_log, API_TASK_LOG_FIELDS);
API_DECLARE_MODEL(task_result, API_TASK_RESULT_FIELDS);
API_DECLARE_MODEL(poll_data, API_POLL_DATA_FIELDS);
API_DECLARE_MODEL(workflow_status_response, API_WORKFLOW_STATUS_RESPONSE_FIELDS);
API_DECLARE_MODEL(bulk_response, API_BULK_RESPONSE_FIELDS);
