// The tables of the definition models.
#include "proto/api/definition_models.h"

#include "proto/api/model_internal.h"

// An embedded definition names the sub-workflow, whatever the fields beside it say (models.md §2).
enum sub_workflow_position {
#define SUB_WORKFLOW_POSITION(kind, member, ...) SUB_WORKFLOW_##member,
    API_SUB_WORKFLOW_PARAMETERS_FIELDS(SUB_WORKFLOW_POSITION)
};

static void derive_sub_workflow(bytes *values) {
    bytes definition = values[SUB_WORKFLOW_workflow_definition];
    if (definition.data == NULL || !json_is_object(definition)) {
        return;
    }
    bytes name = BYTES_EMPTY;
    bytes version = BYTES_LITERAL("1");
    if (!json_get_text(definition, "name", &name) || json_is_null(name)) {
        name = BYTES_EMPTY;
    }
    if (json_get_text(definition, "version", &version) && json_is_null(version)) {
        version = BYTES_LITERAL("0");
    }
    values[SUB_WORKFLOW_name] = name;
    values[SUB_WORKFLOW_version] = version;
}

#define MODEL rate_limit_config
API_MODEL_TABLE("RateLimitConfig", API_RATE_LIMIT_CONFIG_FIELDS, NULL);
#undef MODEL

#define MODEL cache_config
API_MODEL_TABLE("CacheConfig", API_CACHE_CONFIG_FIELDS, NULL);
#undef MODEL

#define MODEL schema_definition
API_MODEL_TABLE("SchemaDef", API_SCHEMA_DEFINITION_FIELDS, NULL);
#undef MODEL

#define MODEL workflow_definition
API_MODEL_TABLE("WorkflowDef", API_WORKFLOW_DEFINITION_FIELDS, NULL);
#undef MODEL

#define MODEL workflow_definition_summary
API_MODEL_TABLE("WorkflowDefSummary", API_WORKFLOW_DEFINITION_SUMMARY_FIELDS, NULL);
#undef MODEL

#define MODEL state_change_event
API_MODEL_TABLE("StateChangeEvent", API_STATE_CHANGE_EVENT_FIELDS, NULL);
#undef MODEL

#define MODEL sub_workflow_parameters
API_MODEL_TABLE("SubWorkflowParams", API_SUB_WORKFLOW_PARAMETERS_FIELDS, derive_sub_workflow);
#undef MODEL

#define MODEL workflow_task
API_MODEL_TABLE("WorkflowTask", API_WORKFLOW_TASK_FIELDS, NULL);
#undef MODEL

#define MODEL task_definition
API_MODEL_TABLE("TaskDef", API_TASK_DEFINITION_FIELDS, NULL);
#undef MODEL
