// Every route of rest-api.md §3–§14, one row each.
//
// ROUTE(name, contract id, method, path, success status, response, body, queries)
//   body: NONE, MODEL(model), MODEL_LIST(model), OBJECT, TEXT_LIST, RAW
//   queries: NO_QUERY or QUERIES(TEXT|INT|BOOL|LIST(name, default as text or NULL), …)
//
// Rows "not built" answer 501 until they are; they stand here so that unknown paths (404) and wrong
// methods (405) are told apart as the contract wants. Features that are off by default (files,
// message queue, agents) have no row: off means 404.
#pragma once

#define API_ROUTES(ROUTE) API_ROUTES_BUILT(ROUTE) API_ROUTES_NOT_BUILT(ROUTE)

#define API_ROUTES_BUILT(ROUTE) \
    API_WORKFLOW_ROUTES(ROUTE)  \
    API_BULK_ROUTES(ROUTE)      \
    API_TASK_ROUTES(ROUTE)      \
    API_METADATA_ROUTES(ROUTE)  \
    API_SYSTEM_ROUTES(ROUTE)    \
    API_BACKUP_ROUTES(ROUTE)

// clang-format off
// §3, §4
#define API_WORKFLOW_ROUTES(ROUTE) \
    ROUTE(START_WORKFLOW, "W-1", POST, "/api/workflow", 200, TEXT, MODEL(start_workflow_request), NO_QUERY) \
    ROUTE(START_WORKFLOW_BY_NAME, "W-2", POST, "/api/workflow/{name}", 200, TEXT, OBJECT, \
        QUERIES(INT("version", NULL), TEXT("correlationId", NULL), INT("priority", "0"))) \
    ROUTE(GET_WORKFLOW, "W-3", GET, "/api/workflow/{workflowId}", 200, JSON, NONE, \
        QUERIES(BOOL("includeTasks", "true"))) \
    ROUTE(GET_WORKFLOW_STATUS, "W-4", GET, "/api/workflow/{workflowId}/status", 200, JSON, NONE, \
        QUERIES(BOOL("includeOutput", "false"), BOOL("includeVariables", "false"))) \
    ROUTE(DECIDE_WORKFLOW, "W-9", PUT, "/api/workflow/decide/{workflowId}", 200, VOID, NONE, NO_QUERY) \
    ROUTE(PAUSE_WORKFLOW, "W-10", PUT, "/api/workflow/{workflowId}/pause", 200, VOID, NONE, NO_QUERY) \
    ROUTE(RESUME_WORKFLOW, "W-11", PUT, "/api/workflow/{workflowId}/resume", 200, VOID, NONE, NO_QUERY) \
    ROUTE(TERMINATE_WORKFLOW, "W-12", DELETE, "/api/workflow/{workflowId}", 200, VOID, NONE, \
        QUERIES(TEXT("reason", NULL))) \
    ROUTE(GET_WORKFLOW_TASKS, "W-5", GET, "/api/workflow/{workflowId}/tasks", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("count", "15"), LIST("status", NULL))) \
    ROUTE(GET_CORRELATED_WORKFLOWS, "W-6", GET, "/api/workflow/{name}/correlated/{correlationId}", 200, JSON, NONE, \
        QUERIES(BOOL("includeClosed", "false"), BOOL("includeTasks", "false"))) \
    ROUTE(GET_CORRELATED_WORKFLOWS_OF_MANY, "W-7", POST, "/api/workflow/{name}/correlated", 200, JSON, TEXT_LIST, \
        QUERIES(BOOL("includeClosed", "false"), BOOL("includeTasks", "false"))) \
    ROUTE(GET_RUNNING_WORKFLOWS, "W-8", GET, "/api/workflow/running/{name}", 200, JSON, NONE, \
        QUERIES(INT("version", "1"), INT("startTime", NULL), INT("endTime", NULL))) \
    ROUTE(REMOVE_WORKFLOW, "W-13", DELETE, "/api/workflow/{workflowId}/remove", 200, VOID, NONE, \
        QUERIES(BOOL("archiveWorkflow", "true"))) \
    ROUTE(TERMINATE_AND_REMOVE_WORKFLOW, "W-14", DELETE, "/api/workflow/{workflowId}/terminate-remove", 200, VOID, NONE, \
        QUERIES(TEXT("reason", NULL), BOOL("archiveWorkflow", "true"))) \
    ROUTE(RESTART_WORKFLOW, "W-15", POST, "/api/workflow/{workflowId}/restart", 204, VOID, NONE, \
        QUERIES(BOOL("useLatestDefinitions", "false"))) \
    ROUTE(RETRY_WORKFLOW, "W-16", POST, "/api/workflow/{workflowId}/retry", 204, VOID, NONE, \
        QUERIES(BOOL("resumeSubworkflowTasks", "false"))) \
    ROUTE(RESET_WORKFLOW_CALLBACKS, "W-17", POST, "/api/workflow/{workflowId}/resetcallbacks", 204, VOID, NONE, NO_QUERY) \
    ROUTE(RERUN_WORKFLOW, "W-18", POST, "/api/workflow/{workflowId}/rerun", 200, TEXT, MODEL(rerun_workflow_request), NO_QUERY) \
    ROUTE(SKIP_TASK, "W-20", PUT, "/api/workflow/{workflowId}/skiptask/{taskReferenceName}", 200, VOID, \
        MODEL(skip_task_request), NO_QUERY) \
    ROUTE(EXECUTE_WORKFLOW, "W-22", POST, "/api/workflow/execute/{name}/{version}", 200, JSON, MODEL(start_workflow_request), \
        QUERIES(TEXT("requestId", NULL), TEXT("waitUntilTaskRef", NULL), INT("waitForSeconds", "10"), \
            TEXT("consistency", "DURABLE"), TEXT("returnStrategy", "TARGET_WORKFLOW"))) \
    ROUTE(SIGNAL_TASK, "X-1", POST, "/api/tasks/{workflowId}/{status}/signal", 200, VOID, OBJECT, NO_QUERY) \
    ROUTE(SIGNAL_TASK_SYNC, "X-2", POST, "/api/tasks/{workflowId}/{status}/signal/sync", 200, JSON, OBJECT, \
        QUERIES(TEXT("returnStrategy", "TARGET_WORKFLOW"), INT("timeoutMillis", "5000")))

// §6
#define API_BULK_ROUTES(ROUTE) \
    ROUTE(BULK_PAUSE, "B-1", PUT, "/api/workflow/bulk/pause", 200, JSON, TEXT_LIST, NO_QUERY) \
    ROUTE(BULK_RESUME, "B-2", PUT, "/api/workflow/bulk/resume", 200, JSON, TEXT_LIST, NO_QUERY) \
    ROUTE(BULK_RESTART, "B-3", POST, "/api/workflow/bulk/restart", 200, JSON, TEXT_LIST, \
        QUERIES(BOOL("useLatestDefinitions", "false"))) \
    ROUTE(BULK_RETRY, "B-4", POST, "/api/workflow/bulk/retry", 200, JSON, TEXT_LIST, NO_QUERY) \
    ROUTE(BULK_TERMINATE, "B-5", POST, "/api/workflow/bulk/terminate", 200, JSON, TEXT_LIST, \
        QUERIES(TEXT("reason", NULL))) \
    ROUTE(BULK_REMOVE, "B-6", DELETE, "/api/workflow/bulk/remove", 200, JSON, TEXT_LIST, \
        QUERIES(BOOL("archiveWorkflow", "true"))) \
    ROUTE(BULK_TERMINATE_AND_REMOVE, "B-7", DELETE, "/api/workflow/bulk/terminate-remove", 200, JSON, TEXT_LIST, \
        QUERIES(BOOL("archiveWorkflow", "true"), TEXT("reason", NULL)))

// §7. T-1, T-4, T-8 answer 204 when there is nothing.
#define API_TASK_ROUTES(ROUTE) \
    ROUTE(POLL_TASK, "T-1", GET, "/api/tasks/poll/{taskType}", 200, JSON, NONE, \
        QUERIES(TEXT("workerid", NULL), TEXT("domain", NULL))) \
    ROUTE(POLL_TASKS, "T-2", GET, "/api/tasks/poll/batch/{taskType}", 200, JSON, NONE, \
        QUERIES(TEXT("workerid", NULL), TEXT("domain", NULL), INT("count", "1"), INT("timeout", "100"))) \
    ROUTE(UPDATE_TASK, "T-3", POST, "/api/tasks", 200, TEXT, MODEL(task_result), NO_QUERY) \
    ROUTE(UPDATE_TASK_AND_POLL, "T-4", POST, "/api/tasks/update-v2", 200, JSON, MODEL(task_result), NO_QUERY) \
    ROUTE(UPDATE_TASK_BY_REFERENCE, "T-5", POST, "/api/tasks/{workflowId}/{taskRefName}/{status}", 200, TEXT, OBJECT, \
        QUERIES(TEXT("workerid", NULL))) \
    ROUTE(UPDATE_TASK_BY_REFERENCE_SYNC, "T-6", POST, "/api/tasks/{workflowId}/{taskRefName}/{status}/sync", 200, JSON, OBJECT, \
        QUERIES(TEXT("workerid", NULL))) \
    ROUTE(ADD_TASK_LOG, "T-7", POST, "/api/tasks/{taskId}/log", 200, VOID, RAW, NO_QUERY) \
    ROUTE(GET_TASK_LOGS, "T-8", GET, "/api/tasks/{taskId}/log", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_TASK, "T-9", GET, "/api/tasks/{taskId}", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_QUEUE_SIZES, "T-10", GET, "/api/tasks/queue/sizes", 200, JSON, NONE, \
        QUERIES(LIST("taskType", NULL))) \
    ROUTE(GET_QUEUE_SIZE, "T-11", GET, "/api/tasks/queue/size", 200, JSON, NONE, \
        QUERIES(TEXT("taskType", NULL), TEXT("domain", NULL), TEXT("isolationGroupId", NULL), \
            TEXT("executionNamespace", NULL))) \
    ROUTE(GET_ALL_QUEUES, "T-12", GET, "/api/tasks/queue/all", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_ALL_QUEUES_VERBOSE, "T-13", GET, "/api/tasks/queue/all/verbose", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_POLL_DATA, "T-14", GET, "/api/tasks/queue/polldata", 200, JSON, NONE, \
        QUERIES(TEXT("taskType", NULL))) \
    ROUTE(GET_ALL_POLL_DATA, "T-15", GET, "/api/tasks/queue/polldata/all", 200, JSON, NONE, NO_QUERY) \
    ROUTE(REQUEUE_TASKS, "T-16", POST, "/api/tasks/queue/requeue/{taskType}", 200, TEXT, NONE, NO_QUERY)

// §8
#define API_METADATA_ROUTES(ROUTE) \
    ROUTE(REGISTER_WORKFLOW, "M-1", POST, "/api/metadata/workflow", 200, VOID, MODEL(workflow_definition), \
        QUERIES(BOOL("overwrite", "false"))) \
    ROUTE(VALIDATE_WORKFLOW, "M-2", POST, "/api/metadata/workflow/validate", 200, VOID, MODEL(workflow_definition), NO_QUERY) \
    ROUTE(UPDATE_WORKFLOWS, "M-3", PUT, "/api/metadata/workflow", 200, JSON, MODEL_LIST(workflow_definition), NO_QUERY) \
    ROUTE(GET_WORKFLOW_DEFINITION, "M-4", GET, "/api/metadata/workflow/{name}", 200, JSON, NONE, \
        QUERIES(INT("version", NULL))) \
    ROUTE(LIST_WORKFLOW_DEFINITIONS, "M-5", GET, "/api/metadata/workflow", 200, JSON, NONE, \
        QUERIES(TEXT("classifier", NULL))) \
    ROUTE(LIST_WORKFLOW_NAMES_AND_VERSIONS, "M-6", GET, "/api/metadata/workflow/names-and-versions", 200, JSON, NONE, NO_QUERY) \
    ROUTE(LIST_WORKFLOW_NAMES, "M-7", GET, "/api/metadata/workflow/names", 200, JSON, NONE, NO_QUERY) \
    ROUTE(LIST_WORKFLOW_VERSIONS, "M-8", GET, "/api/metadata/workflow/{name}/versions", 200, JSON, NONE, NO_QUERY) \
    ROUTE(LIST_LATEST_WORKFLOW_DEFINITIONS, "M-9", GET, "/api/metadata/workflow/latest-versions", 200, JSON, NONE, NO_QUERY) \
    ROUTE(DELETE_WORKFLOW_DEFINITION, "M-10", DELETE, "/api/metadata/workflow/{name}/{version}", 200, VOID, NONE, NO_QUERY) \
    ROUTE(REGISTER_TASKS, "M-11", POST, "/api/metadata/taskdefs", 200, VOID, MODEL_LIST(task_definition), NO_QUERY) \
    ROUTE(UPDATE_TASK_DEFINITION, "M-12", PUT, "/api/metadata/taskdefs", 200, VOID, MODEL(task_definition), NO_QUERY) \
    ROUTE(LIST_TASK_DEFINITIONS, "M-13", GET, "/api/metadata/taskdefs", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_TASK_DEFINITION, "M-14", GET, "/api/metadata/taskdefs/{taskType}", 200, JSON, NONE, NO_QUERY) \
    ROUTE(DELETE_TASK_DEFINITION, "M-15", DELETE, "/api/metadata/taskdefs/{taskType}", 200, VOID, NONE, NO_QUERY)

// §12
#define API_SYSTEM_ROUTES(ROUTE) \
    ROUTE(GET_HEALTH, "A-6", GET, "/health", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_API_HEALTH, "A-6", GET, "/api/health", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_VERSION, "A-7", GET, "/api/version", 200, TEXT, NONE, NO_QUERY) \
    ROUTE(GET_ACTUATOR_HEALTH, "A-8", GET, "/actuator/health", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_ACTUATOR_INFO, "A-9", GET, "/actuator/info", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_ACTUATOR_PROMETHEUS, "A-9", GET, "/actuator/prometheus", 200, METRICS, NONE, NO_QUERY) \
    ROUTE(GET_METRICS, "A-9", GET, "/metrics", 200, METRICS, NONE, NO_QUERY) \
    ROUTE(GET_OPENAPI, "A-10", GET, "/api-docs", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_CLUSTER, "ours", GET, "/api/cluster", 200, JSON, NONE, NO_QUERY) \
    ROUTE(EXPLAIN_WORKFLOW, "ours", GET, "/api/cluster/explain/{workflowId}", 200, JSON, NONE, NO_QUERY) \
    ROUTE(ADD_NODE, "ours", POST, "/api/cluster/nodes", 200, JSON, OBJECT, NO_QUERY) \
    ROUTE(DRAIN_NODE, "ours", POST, "/api/cluster/nodes/{node}/drain", 200, JSON, NONE, \
        QUERIES(BOOL("force", "false"))) \
    ROUTE(CANCEL_DRAIN_NODE, "ours", POST, "/api/cluster/nodes/{node}/cancel-drain", 200, JSON, NONE, NO_QUERY) \
    ROUTE(REMOVE_NODE, "ours", POST, "/api/cluster/nodes/{node}/remove", 200, JSON, NONE, \
        QUERIES(BOOL("force", "false"))) \
    ROUTE(REPLACE_NODE, "ours", POST, "/api/cluster/nodes/{node}/replace", 200, JSON, OBJECT, NO_QUERY) \
    ROUTE(MOVE_REPLICA, "ours", POST, "/api/cluster/move", 200, JSON, OBJECT, NO_QUERY)

// Not of the contract: the steps of a backup and of a restore, which `orpheus` drives (node/backup).
#define API_BACKUP_ROUTES(ROUTE) \
    ROUTE(BEGIN_BACKUP, "ours", POST, "/api/backup", 200, JSON, NONE, \
        QUERIES(INT("after", NULL))) \
    ROUTE(KEEP_BACKUP, "ours", PUT, "/api/backup", 200, JSON, NONE, \
        QUERIES(INT("backup", NULL), INT("scanned", "0"), BOOL("done", "false"))) \
    ROUTE(GET_BACKUP_PARTITION, "ours", GET, "/api/backup/{partition}", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_BACKUP_ROWS, "ours", GET, "/api/backup/{partition}/rows", 200, BINARY, NONE, \
        QUERIES(TEXT("from", NULL))) \
    ROUTE(GET_BACKUP_ENTRIES, "ours", GET, "/api/backup/{partition}/entries", 200, BINARY, NONE, \
        QUERIES(INT("from", NULL))) \
    ROUTE(MARK_BACKUP, "ours", POST, "/api/backup/{partition}/mark", 200, JSON, NONE, \
        QUERIES(INT("backup", NULL))) \
    ROUTE(BEGIN_RESTORE, "ours", POST, "/api/backup/{partition}/restore", 200, JSON, NONE, \
        QUERIES(TEXT("source", NULL))) \
    ROUTE(LOAD_RESTORE, "ours", PUT, "/api/backup/{partition}/rows", 200, JSON, RAW, \
        QUERIES(TEXT("source", NULL))) \
    ROUTE(END_RESTORE, "ours", POST, "/api/backup/{partition}/open", 200, JSON, NONE, \
        QUERIES(TEXT("source", NULL)))

#define API_ROUTES_NOT_BUILT(ROUTE)  \
    API_LATER_WORKFLOW_ROUTES(ROUTE) \
    API_LATER_BULK_ROUTES(ROUTE)     \
    API_LATER_TASK_ROUTES(ROUTE)     \
    API_LATER_EVENT_ROUTES(ROUTE)    \
    API_LATER_SCHEDULE_ROUTES(ROUTE) \
    API_LATER_SYSTEM_ROUTES(ROUTE)

// §3, §4
#define API_LATER_WORKFLOW_ROUTES(ROUTE) \
    ROUTE(TEST_WORKFLOW, "W-19", POST, "/api/workflow/test", 200, JSON, OBJECT, NO_QUERY) \
    ROUTE(GET_WORKFLOW_PAYLOAD_LOCATION, "W-21", GET, "/api/workflow/externalstoragelocation", 200, JSON, NONE, \
        QUERIES(TEXT("path", NULL), TEXT("operation", NULL), TEXT("payloadType", NULL))) \
    ROUTE(GET_WORKFLOW_PAYLOAD_LOCATION_2, "W-21", GET, "/api/workflow/external-storage-location", 200, JSON, NONE, \
        QUERIES(TEXT("path", NULL), TEXT("operation", NULL), TEXT("payloadType", NULL))) \
    ROUTE(SEARCH_WORKFLOWS, "W-23", GET, "/api/workflow/search", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL), \
            TEXT("classifier", NULL), BOOL("topLevelOnly", "false"))) \
    ROUTE(SEARCH_WORKFLOWS_V2, "W-24", GET, "/api/workflow/search-v2", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL), \
            TEXT("classifier", NULL), BOOL("topLevelOnly", "false"))) \
    ROUTE(SEARCH_WORKFLOWS_BY_TASKS, "W-25", GET, "/api/workflow/search-by-tasks", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL))) \
    ROUTE(SEARCH_WORKFLOWS_BY_TASKS_V2, "W-26", GET, "/api/workflow/search-by-tasks-v2", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL)))

// §6
#define API_LATER_BULK_ROUTES(ROUTE) \
    ROUTE(BULK_SEARCH, "B-8", POST, "/api/workflow/bulk/search", 200, JSON, TEXT_LIST, \
        QUERIES(BOOL("includeTasks", "true")))

// §7
#define API_LATER_TASK_ROUTES(ROUTE) \
    ROUTE(SEARCH_TASKS, "T-17", GET, "/api/tasks/search", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL))) \
    ROUTE(SEARCH_TASKS_V2, "T-18", GET, "/api/tasks/search-v2", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("size", "100"), TEXT("sort", NULL), TEXT("freeText", "*"), TEXT("query", NULL))) \
    ROUTE(GET_TASK_PAYLOAD_LOCATION, "T-19", GET, "/api/tasks/externalstoragelocation", 200, JSON, NONE, \
        QUERIES(TEXT("path", NULL), TEXT("operation", NULL), TEXT("payloadType", NULL))) \
    ROUTE(GET_TASK_PAYLOAD_LOCATION_2, "T-19", GET, "/api/tasks/external-storage-location", 200, JSON, NONE, \
        QUERIES(TEXT("path", NULL), TEXT("operation", NULL), TEXT("payloadType", NULL)))

// §9, §10
#define API_LATER_EVENT_ROUTES(ROUTE) \
    ROUTE(ADD_EVENT_HANDLER, "E-1", POST, "/api/event", 200, VOID, OBJECT, NO_QUERY) \
    ROUTE(UPDATE_EVENT_HANDLER, "E-2", PUT, "/api/event", 200, VOID, OBJECT, NO_QUERY) \
    ROUTE(DELETE_EVENT_HANDLER, "E-3", DELETE, "/api/event/{name}", 200, VOID, NONE, NO_QUERY) \
    ROUTE(LIST_EVENT_HANDLERS, "E-4", GET, "/api/event", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_EVENT_HANDLERS, "E-5", GET, "/api/event/{event}", 200, JSON, NONE, \
        QUERIES(BOOL("activeOnly", "true"))) \
    ROUTE(GET_EVENT_QUEUE_SIZES, "Q-1", GET, "/api/queue/size", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_EVENT_QUEUES, "Q-2", GET, "/api/queue/", 200, JSON, NONE, NO_QUERY) \
    ROUTE(UPDATE_BY_EVENT, "Q-3", POST, "/api/queue/update/{workflowId}/{taskRefName}/{status}", 200, VOID, OBJECT, NO_QUERY) \
    ROUTE(UPDATE_TASK_BY_EVENT, "Q-4", POST, "/api/queue/update/{workflowId}/task/{taskId}/{status}", 200, VOID, OBJECT, NO_QUERY)

// §11
#define API_LATER_SCHEDULE_ROUTES(ROUTE) \
    ROUTE(SAVE_SCHEDULE, "S-1", POST, "/api/scheduler/schedules", 200, JSON, OBJECT, NO_QUERY) \
    ROUTE(LIST_SCHEDULES, "S-2", GET, "/api/scheduler/schedules", 200, JSON, NONE, \
        QUERIES(TEXT("workflowName", NULL))) \
    ROUTE(SEARCH_SCHEDULES, "S-3", GET, "/api/scheduler/schedules/search", 200, JSON, NONE, \
        QUERIES(TEXT("workflowName", NULL), TEXT("scheduleName", NULL), BOOL("paused", NULL), TEXT("freeText", "*"), \
            INT("start", "0"), INT("size", "100"), LIST("sort", NULL))) \
    ROUTE(GET_SCHEDULE, "S-4", GET, "/api/scheduler/schedules/{name}", 200, JSON, NONE, NO_QUERY) \
    ROUTE(DELETE_SCHEDULE, "S-5", DELETE, "/api/scheduler/schedules/{name}", 200, VOID, NONE, NO_QUERY) \
    ROUTE(PAUSE_SCHEDULE, "S-6", PUT, "/api/scheduler/schedules/{name}/pause", 200, VOID, NONE, \
        QUERIES(TEXT("reason", NULL))) \
    ROUTE(RESUME_SCHEDULE, "S-7", PUT, "/api/scheduler/schedules/{name}/resume", 200, VOID, NONE, NO_QUERY) \
    ROUTE(PAUSE_SCHEDULE_BY_GET, "O-11", GET, "/api/scheduler/schedules/{name}/pause", 200, VOID, NONE, NO_QUERY) \
    ROUTE(RESUME_SCHEDULE_BY_GET, "O-11", GET, "/api/scheduler/schedules/{name}/resume", 200, VOID, NONE, NO_QUERY) \
    ROUTE(GET_NEXT_SCHEDULES, "S-8", GET, "/api/scheduler/nextFewSchedules", 200, JSON, NONE, \
        QUERIES(TEXT("cronExpression", NULL), INT("scheduleStartTime", NULL), INT("scheduleEndTime", NULL), INT("limit", "5"))) \
    ROUTE(SEARCH_SCHEDULE_EXECUTIONS, "S-9", GET, "/api/scheduler/search/executions", 200, JSON, NONE, \
        QUERIES(TEXT("query", NULL), TEXT("freeText", "*"), INT("start", "0"), INT("size", "100"), LIST("sort", NULL))) \
    ROUTE(REQUEUE_SCHEDULES, "S-10", GET, "/api/scheduler/admin/requeue", 200, JSON, NONE, NO_QUERY) \
    ROUTE(PAUSE_SCHEDULER, "S-11", GET, "/api/scheduler/admin/pause", 200, JSON, NONE, NO_QUERY) \
    ROUTE(PAUSE_SCHEDULER_BY_POST, "O-12", POST, "/api/scheduler/admin/pause", 200, JSON, NONE, NO_QUERY) \
    ROUTE(RESUME_SCHEDULER, "S-12", GET, "/api/scheduler/admin/resume", 200, JSON, NONE, NO_QUERY) \
    ROUTE(BULK_PAUSE_SCHEDULES, "S-13", PUT, "/api/scheduler/bulk/pause", 200, JSON, TEXT_LIST, NO_QUERY) \
    ROUTE(BULK_RESUME_SCHEDULES, "S-14", PUT, "/api/scheduler/bulk/resume", 200, JSON, TEXT_LIST, NO_QUERY)

// §12, §13
#define API_LATER_SYSTEM_ROUTES(ROUTE) \
    ROUTE(GET_CONFIG, "A-1", GET, "/api/admin/config", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_OPEN_TASKS, "A-2", GET, "/api/admin/task/{taskType}", 200, JSON, NONE, \
        QUERIES(INT("start", "0"), INT("count", "100"))) \
    ROUTE(REQUEUE_SWEEP, "A-3", POST, "/api/admin/sweep/requeue/{workflowId}", 200, TEXT, NONE, NO_QUERY) \
    ROUTE(VERIFY_AND_REPAIR, "A-4", POST, "/api/admin/consistency/verifyAndRepair/{workflowId}", 200, TEXT, NONE, NO_QUERY) \
    ROUTE(GET_ADMIN_QUEUES, "A-5", GET, "/api/admin/queues", 200, JSON, NONE, \
        QUERIES(BOOL("verbose", "false"))) \
    ROUTE(LIST_ENVIRONMENT, "C-1", GET, "/api/environment", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_ENVIRONMENT, "C-2", GET, "/api/environment/{key}", 200, TEXT, NONE, NO_QUERY) \
    ROUTE(LIST_SECRETS, "C-3", GET, "/api/secrets", 200, JSON, NONE, NO_QUERY) \
    ROUTE(LIST_SECRETS_BY_POST, "C-4", POST, "/api/secrets", 200, JSON, NONE, NO_QUERY) \
    ROUTE(LIST_SECRETS_V2, "C-5", GET, "/api/secrets/v2", 200, JSON, NONE, NO_QUERY) \
    ROUTE(GET_SECRET, "C-6", GET, "/api/secrets/{key}", 200, TEXT, NONE, NO_QUERY) \
    ROUTE(PUT_SECRET, "C-7", PUT, "/api/secrets/{key}", 200, VOID, RAW, NO_QUERY) \
    ROUTE(DELETE_SECRET, "C-8", DELETE, "/api/secrets/{key}", 200, VOID, NONE, NO_QUERY) \
    ROUTE(SECRET_EXISTS, "C-9", GET, "/api/secrets/{key}/exists", 200, JSON, NONE, NO_QUERY)
// clang-format on
