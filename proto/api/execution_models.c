// The tables of the execution models, and the list of all models.
#include "proto/api/execution_models.h"

#include "proto/api/model_internal.h"

#define MODEL start_workflow_request
API_MODEL_TABLE("StartWorkflowRequest", API_START_WORKFLOW_REQUEST_FIELDS, NULL);
#undef MODEL

#define MODEL rerun_workflow_request
API_MODEL_TABLE("RerunWorkflowRequest", API_RERUN_WORKFLOW_REQUEST_FIELDS, NULL);
#undef MODEL

#define MODEL skip_task_request
API_MODEL_TABLE("SkipTaskRequest", API_SKIP_TASK_REQUEST_FIELDS, NULL);
#undef MODEL

#define MODEL workflow
API_MODEL_TABLE("Workflow", API_WORKFLOW_FIELDS, NULL);
#undef MODEL

#define MODEL task
API_MODEL_TABLE("Task", API_TASK_FIELDS, NULL);
#undef MODEL

#define MODEL task_log
API_MODEL_TABLE("TaskExecLog", API_TASK_LOG_FIELDS, NULL);
#undef MODEL

#define MODEL task_result
API_MODEL_TABLE("TaskResult", API_TASK_RESULT_FIELDS, NULL);
#undef MODEL

#define MODEL poll_data
API_MODEL_TABLE("PollData", API_POLL_DATA_FIELDS, NULL);
#undef MODEL

#define MODEL workflow_status_response
API_MODEL_TABLE("WorkflowStatus", API_WORKFLOW_STATUS_RESPONSE_FIELDS, NULL);
#undef MODEL

#define MODEL bulk_response
API_MODEL_TABLE("BulkResponse", API_BULK_RESPONSE_FIELDS, NULL);
#undef MODEL

const struct api_model *const api_models[] = {
    &api_workflow_definition_model,
    &api_workflow_definition_summary_model,
    &api_workflow_task_model,
    &api_sub_workflow_parameters_model,
    &api_state_change_event_model,
    &api_task_definition_model,
    &api_rate_limit_config_model,
    &api_cache_config_model,
    &api_schema_definition_model,
    &api_start_workflow_request_model,
    &api_rerun_workflow_request_model,
    &api_skip_task_request_model,
    &api_workflow_model,
    &api_workflow_status_response_model,
    &api_task_model,
    &api_task_result_model,
    &api_task_log_model,
    &api_poll_data_model,
    &api_bulk_response_model,
};
const size_t api_model_count = sizeof(api_models) / sizeof(api_models[0]);
