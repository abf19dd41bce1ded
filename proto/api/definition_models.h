// The models of definitions: workflow, task, and what is inside them (models.md §1–§3).
//
// Rows: kind, struct member, JSON name, default, flags, nested model or enumeration. See
// proto/api/field.h and proto/api/model.h.
#pragma once

#include "proto/api/field.h"

struct api_model;

// models.md §0.4
#define API_AUDIT_FIELDS(FIELD)                                   \
    FIELD(TEXT, owner_app, "ownerApp", NULL, API_PLAIN, none)     \
    FIELD(INT64, create_time, "createTime", "0", API_PLAIN, none) \
    FIELD(INT64, update_time, "updateTime", "0", API_PLAIN, none) \
    FIELD(TEXT, created_by, "createdBy", NULL, API_PLAIN, none)   \
    FIELD(TEXT, updated_by, "updatedBy", NULL, API_PLAIN, none)

// models.md §1: RateLimitConfig, CacheConfig, SchemaDef
#define API_RATE_LIMIT_CONFIG_FIELDS(FIELD)                                          \
    FIELD(TEXT, rate_limit_key, "rateLimitKey", NULL, API_PLAIN, none)               \
    FIELD(INT32, concurrent_exec_limit, "concurrentExecLimit", "0", API_PLAIN, none) \
    FIELD(ENUM, policy, "policy", "\"QUEUE\"", API_PLAIN, rate_limit_policy)

#define API_CACHE_CONFIG_FIELDS(FIELD)             \
    FIELD(TEXT, key, "key", NULL, API_PLAIN, none) \
    FIELD(INT32, ttl_in_second, "ttlInSecond", "0", API_PLAIN, none)

#define API_SCHEMA_DEFINITION_FIELDS(FIELD)                 \
    API_AUDIT_FIELDS(FIELD)                                 \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)        \
    FIELD(INT32, version, "version", "1", API_PLAIN, none)  \
    FIELD(ENUM, type, "type", NULL, API_PLAIN, schema_type) \
    FIELD(OBJECT, data, "data", NULL, API_PLAIN, none)      \
    FIELD(TEXT, external_ref, "externalRef", NULL, API_PLAIN, none)

// models.md §1: WorkflowDef
#define API_WORKFLOW_DEFINITION_FIELDS(FIELD)                                                     \
    API_AUDIT_FIELDS(FIELD)                                                                       \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                                              \
    FIELD(TEXT, description, "description", NULL, API_PLAIN, none)                                \
    FIELD(INT32, version, "version", "1", API_PLAIN, none)                                        \
    FIELD(MODEL_LIST, tasks, "tasks", "[]", API_PLAIN, workflow_task)                             \
    FIELD(TEXT_LIST, input_parameters, "inputParameters", "[]", API_PLAIN, none)                  \
    FIELD(OBJECT, output_parameters, "outputParameters", "{}", API_PLAIN, none)                   \
    FIELD(TEXT, failure_workflow, "failureWorkflow", NULL, API_PLAIN, none)                       \
    FIELD(                                                                                        \
        OPTIONAL_INT32, failure_workflow_version, "failureWorkflowVersion", NULL, API_PLAIN, none \
    )                                                                                             \
    FIELD(INT32, schema_version, "schemaVersion", "2", API_PLAIN, none)                           \
    FIELD(BOOL, restartable, "restartable", "true", API_PLAIN, none)                              \
    FIELD(                                                                                        \
        BOOL,                                                                                     \
        workflow_status_listener_enabled,                                                         \
        "workflowStatusListenerEnabled",                                                          \
        "false",                                                                                  \
        API_PLAIN,                                                                                \
        none                                                                                      \
    )                                                                                             \
    FIELD(                                                                                        \
        TEXT, workflow_status_listener_sink, "workflowStatusListenerSink", NULL, API_PLAIN, none  \
    )                                                                                             \
    FIELD(TEXT, owner_email, "ownerEmail", NULL, API_PLAIN, none)                                 \
    FIELD(                                                                                        \
        ENUM,                                                                                     \
        timeout_policy,                                                                           \
        "timeoutPolicy",                                                                          \
        "\"ALERT_ONLY\"",                                                                         \
        API_PLAIN,                                                                                \
        workflow_timeout_policy                                                                   \
    )                                                                                             \
    FIELD(INT64, timeout_seconds, "timeoutSeconds", "0", API_PLAIN, none)                         \
    FIELD(OBJECT, variables, "variables", "{}", API_PLAIN, none)                                  \
    FIELD(OBJECT, input_template, "inputTemplate", "{}", API_PLAIN, none)                         \
    FIELD(MODEL, rate_limit_config, "rateLimitConfig", NULL, API_PLAIN, rate_limit_config)        \
    FIELD(MODEL, input_schema, "inputSchema", NULL, API_PLAIN, schema_definition)                 \
    FIELD(MODEL, output_schema, "outputSchema", NULL, API_PLAIN, schema_definition)               \
    FIELD(BOOL, enforce_schema, "enforceSchema", "true", API_PLAIN, none)                         \
    FIELD(OBJECT, metadata, "metadata", "{}", API_PLAIN, none)                                    \
    FIELD(MODEL, cache_config, "cacheConfig", NULL, API_PLAIN, cache_config)                      \
    FIELD(TEXT_LIST, masked_fields, "maskedFields", "[]", API_PLAIN, none)

#define API_WORKFLOW_DEFINITION_SUMMARY_FIELDS(FIELD)                       \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                        \
    FIELD(INT32, version, "version", "1", API_PLAIN, none)                  \
    FIELD(OPTIONAL_INT64, create_time, "createTime", NULL, API_PLAIN, none) \
    FIELD(OPTIONAL_INT64, update_time, "updateTime", NULL, API_PLAIN, none)

// models.md §2: StateChangeEvent, SubWorkflowParams, WorkflowTask
#define API_STATE_CHANGE_EVENT_FIELDS(FIELD)         \
    FIELD(TEXT, type, "type", NULL, API_PLAIN, none) \
    FIELD(OBJECT, payload, "payload", NULL, API_PLAIN, none)

// `name` and `version` follow an embedded definition.
#define API_SUB_WORKFLOW_PARAMETERS_FIELDS(FIELD)                                                \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                                             \
    FIELD(OPTIONAL_INT32, version, "version", NULL, API_PLAIN, none)                             \
    FIELD(TEXT_MAP, task_to_domain, "taskToDomain", NULL, API_PLAIN, none)                       \
    FIELD(                                                                                       \
        MODEL_OR_EXPRESSION,                                                                     \
        workflow_definition,                                                                     \
        "workflowDefinition",                                                                    \
        NULL,                                                                                    \
        API_PLAIN,                                                                               \
        workflow_definition                                                                      \
    )                                                                                            \
    FIELD(TEXT, idempotency_key, "idempotencyKey", NULL, API_PLAIN, none)                        \
    FIELD(                                                                                       \
        ENUM, idempotency_strategy, "idempotencyStrategy", NULL, API_PLAIN, idempotency_strategy \
    )                                                                                            \
    FIELD(ANY, priority, "priority", NULL, API_PLAIN, none)

#define API_WORKFLOW_TASK_FIELDS(FIELD)                                                            \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                                               \
    FIELD(TEXT, task_reference_name, "taskReferenceName", NULL, API_PLAIN, none)                   \
    FIELD(TEXT, description, "description", NULL, API_PLAIN, none)                                 \
    FIELD(OBJECT, input_parameters, "inputParameters", "{}", API_PLAIN, none)                      \
    FIELD(TEXT, type, "type", "\"SIMPLE\"", API_PLAIN, none)                                       \
    FIELD(ALIAS, type, "workflowTaskType", NULL, API_PLAIN, none)                                  \
    FIELD(TEXT, dynamic_task_name_param, "dynamicTaskNameParam", NULL, API_PLAIN, none)            \
    FIELD(TEXT, case_value_param, "caseValueParam", NULL, API_PLAIN, none)                         \
    FIELD(TEXT, case_expression, "caseExpression", NULL, API_PLAIN, none)                          \
    FIELD(TEXT, script_expression, "scriptExpression", NULL, API_PLAIN, none)                      \
    FIELD(MODEL_LIST_MAP, decision_cases, "decisionCases", "{}", API_PLAIN, workflow_task)         \
    FIELD(MODEL_LIST, default_case, "defaultCase", "[]", API_PLAIN, workflow_task)                 \
    FIELD(TEXT, dynamic_fork_join_tasks_param, "dynamicForkJoinTasksParam", NULL, API_PLAIN, none) \
    FIELD(TEXT, dynamic_fork_tasks_param, "dynamicForkTasksParam", NULL, API_PLAIN, none)          \
    FIELD(                                                                                         \
        TEXT,                                                                                      \
        dynamic_fork_tasks_input_param_name,                                                       \
        "dynamicForkTasksInputParamName",                                                          \
        NULL,                                                                                      \
        API_PLAIN,                                                                                 \
        none                                                                                       \
    )                                                                                              \
    FIELD(MODEL_LIST_LIST, fork_tasks, "forkTasks", "[]", API_PLAIN, workflow_task)                \
    FIELD(INT32, start_delay, "startDelay", "0", API_PLAIN, none)                                  \
    FIELD(MODEL, sub_workflow_param, "subWorkflowParam", NULL, API_PLAIN, sub_workflow_parameters) \
    FIELD(TEXT_LIST, join_on, "joinOn", "[]", API_PLAIN, none)                                     \
    FIELD(TEXT, sink, "sink", NULL, API_PLAIN, none)                                               \
    FIELD(BOOL, optional, "optional", "false", API_PLAIN, none)                                    \
    FIELD(MODEL, task_definition, "taskDefinition", NULL, API_PLAIN, task_definition)              \
    FIELD(OPTIONAL_BOOL, rate_limited, "rateLimited", NULL, API_PLAIN, none)                       \
    FIELD(                                                                                         \
        TEXT_LIST, default_exclusive_join_task, "defaultExclusiveJoinTask", "[]", API_PLAIN, none  \
    )                                                                                              \
    FIELD(BOOL, async_complete, "asyncComplete", "false", API_PLAIN, none)                         \
    FIELD(TEXT, loop_condition, "loopCondition", NULL, API_PLAIN, none)                            \
    FIELD(MODEL_LIST, loop_over, "loopOver", "[]", API_PLAIN, workflow_task)                       \
    FIELD(TEXT, items, "items", NULL, API_PLAIN, none)                                             \
    FIELD(OPTIONAL_INT32, retry_count, "retryCount", NULL, API_PLAIN, none)                        \
    FIELD(TEXT, evaluator_type, "evaluatorType", NULL, API_PLAIN, none)                            \
    FIELD(TEXT, expression, "expression", NULL, API_PLAIN, none)                                   \
    FIELD(MODEL_LIST_MAP, on_state_change, "onStateChange", "{}", API_PLAIN, state_change_event)   \
    FIELD(TEXT, join_status, "joinStatus", NULL, API_PLAIN, none)                                  \
    FIELD(MODEL, cache_config, "cacheConfig", NULL, API_PLAIN, cache_config)                       \
    FIELD(BOOL, permissive, "permissive", "false", API_PLAIN, none)                                \
    FIELD(ENUM, join_mode, "joinMode", NULL, API_PLAIN, join_mode)                                 \
    FIELD(OBJECT, metadata, "metadata", "{}", API_NULL_IS_DEFAULT, none)

// models.md §3: TaskDef
#define API_TASK_DEFINITION_FIELDS(FIELD)                                                        \
    API_AUDIT_FIELDS(FIELD)                                                                      \
    FIELD(TEXT, name, "name", NULL, API_PLAIN, none)                                             \
    FIELD(TEXT, description, "description", NULL, API_PLAIN, none)                               \
    FIELD(INT32, retry_count, "retryCount", "3", API_PLAIN, none)                                \
    FIELD(INT64, timeout_seconds, "timeoutSeconds", "0", API_PLAIN, none)                        \
    FIELD(TEXT_LIST, input_keys, "inputKeys", "[]", API_PLAIN, none)                             \
    FIELD(TEXT_LIST, output_keys, "outputKeys", "[]", API_PLAIN, none)                           \
    FIELD(TEXT_LIST, runtime_metadata, "runtimeMetadata", "[]", API_PLAIN, none)                 \
    FIELD(                                                                                       \
        ENUM, timeout_policy, "timeoutPolicy", "\"TIME_OUT_WF\"", API_PLAIN, task_timeout_policy \
    )                                                                                            \
    FIELD(ENUM, retry_logic, "retryLogic", "\"FIXED\"", API_PLAIN, retry_logic)                  \
    FIELD(INT32, retry_delay_seconds, "retryDelaySeconds", "60", API_PLAIN, none)                \
    FIELD(INT64, response_timeout_seconds, "responseTimeoutSeconds", "3600", API_PLAIN, none)    \
    FIELD(OPTIONAL_INT32, concurrent_exec_limit, "concurrentExecLimit", NULL, API_PLAIN, none)   \
    FIELD(OBJECT, input_template, "inputTemplate", "{}", API_PLAIN, none)                        \
    FIELD(                                                                                       \
        INT32, rate_limit_per_frequency, "rateLimitPerFrequency", "0", API_NULL_IS_DEFAULT, none \
    )                                                                                            \
    FIELD(                                                                                       \
        INT32,                                                                                   \
        rate_limit_frequency_in_seconds,                                                         \
        "rateLimitFrequencyInSeconds",                                                           \
        "1",                                                                                     \
        API_NULL_IS_DEFAULT,                                                                     \
        none                                                                                     \
    )                                                                                            \
    FIELD(TEXT, isolation_group_id, "isolationGroupId", NULL, API_PLAIN, none)                   \
    FIELD(TEXT, execution_name_space, "executionNameSpace", NULL, API_PLAIN, none)               \
    FIELD(TEXT, owner_email, "ownerEmail", NULL, API_PLAIN, none)                                \
    FIELD(OPTIONAL_INT32, poll_timeout_seconds, "pollTimeoutSeconds", NULL, API_PLAIN, none)     \
    FIELD(INT32, backoff_scale_factor, "backoffScaleFactor", "1", API_PLAIN, none)               \
    FIELD(INT32, max_retry_delay_seconds, "maxRetryDelaySeconds", "0", API_PLAIN, none)          \
    FIELD(INT32, backoff_jitter_ms, "backoffJitterMs", "0", API_PLAIN, none)                     \
    FIELD(TEXT, base_type, "baseType", NULL, API_PLAIN, none)                                    \
    FIELD(INT64, total_timeout_seconds, "totalTimeoutSeconds", "0", API_PLAIN, none)             \
    FIELD(                                                                                       \
        BOOL, task_status_listener_enabled, "taskStatusListenerEnabled", "true", API_PLAIN, none \
    )                                                                                            \
    FIELD(MODEL, input_schema, "inputSchema", NULL, API_PLAIN, schema_definition)                \
    FIELD(MODEL, output_schema, "outputSchema", NULL, API_PLAIN, schema_definition)              \
    FIELD(BOOL, enforce_schema, "enforceSchema", "false", API_PLAIN, none)

API_DECLARE_MODEL(rate_limit_config, API_RATE_LIMIT_CONFIG_FIELDS);
API_DECLARE_MODEL(cache_config, API_CACHE_CONFIG_FIELDS);
API_DECLARE_MODEL(schema_definition, API_SCHEMA_DEFINITION_FIELDS);
API_DECLARE_MODEL(workflow_definition, API_WORKFLOW_DEFINITION_FIELDS);
API_DECLARE_MODEL(workflow_definition_summary, API_WORKFLOW_DEFINITION_SUMMARY_FIELDS);
API_DECLARE_MODEL(state_change_event, API_STATE_CHANGE_EVENT_FIELDS);
API_DECLARE_MODEL(sub_workflow_parameters, API_SUB_WORKFLOW_PARAMETERS_FIELDS);
API_DECLARE_MODEL(workflow_task, API_WORKFLOW_TASK_FIELDS);
API_DECLARE_MODEL(task_definition, API_TASK_DEFINITION_FIELDS);
