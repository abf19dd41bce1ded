// Requests about definitions: M-1 … M-15. All of them are commands of the catalog's group.
#include "node/core/node_internal.h"

static err run_register(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct api_violations *violations,
    struct reply *out_reply
) {
    bool validate_only = request->match.route->name == API_VALIDATE_WORKFLOW;
    bool overwrite = false;
    if (!validate_only) {
        TRY(request_bool(node, request, "overwrite", &overwrite));
    }
    return register_workflow(
        decision, request->json, overwrite, validate_only, violations, out_reply
    );
}

void request_register_workflow(struct node *node, const struct request *request) {
    request_run_checked(node, request, CATALOG_GROUP, run_register);
}

static err run_update_workflows(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct api_violations *violations,
    struct reply *out_reply
) {
    (void)node;
    return update_workflows(decision, request->json, violations, out_reply);
}

void request_update_workflows(struct node *node, const struct request *request) {
    request_run_checked(node, request, CATALOG_GROUP, run_update_workflows);
}

static err run_get_definition(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct api_optional_int version = {0};
    TRY(request_int(node, request, "version", &version));
    return get_workflow_definition(
        decision, request->match.variables[0], version.present, version.value, out_reply
    );
}

void request_get_workflow_definition(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_get_definition);
}

static err run_list_definitions(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bool latest_only = request->match.route->name == API_LIST_LATEST_WORKFLOW_DEFINITIONS;
    bytes classifier = latest_only ? BYTES_EMPTY : request_text(node, request, "classifier");
    return list_workflow_definitions(decision, classifier, latest_only, out_reply);
}

void request_list_workflow_definitions(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_list_definitions);
}

static err run_list_names_and_versions(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    (void)request;
    return list_workflow_names_and_versions(decision, out_reply);
}

void request_list_names_and_versions(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_list_names_and_versions);
}

static err run_list_names(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    (void)request;
    return list_workflow_names(decision, out_reply);
}

void request_list_names(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_list_names);
}

static err run_list_versions(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return list_workflow_versions(decision, request->match.variables[0], out_reply);
}

void request_list_versions(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_list_versions);
}

static err run_delete_definition(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    int64_t version = 0;
    if (!bytes_parse_i64(request->match.variables[1], &version)) {
        const char *text = arena_format(
            node->arena, "version '%.*s' is not an integer", BYTES_ARG(request->match.variables[1])
        );
        return err_make(ERR_INVALID, text);
    }
    return delete_workflow_definition(decision, request->match.variables[0], version, out_reply);
}

void request_delete_workflow_definition(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_delete_definition);
}

// --- task definitions
// ----------------------------------------------------------------------------------

static err run_register_tasks(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct api_violations *violations,
    struct reply *out_reply
) {
    (void)node;
    return register_tasks(decision, request->json, violations, out_reply);
}

void request_register_tasks(struct node *node, const struct request *request) {
    request_run_checked(node, request, CATALOG_GROUP, run_register_tasks);
}

static err run_update_task_definition(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct api_violations *violations,
    struct reply *out_reply
) {
    (void)node;
    return update_task_definition(decision, request->json, violations, out_reply);
}

void request_update_task_definition(struct node *node, const struct request *request) {
    request_run_checked(node, request, CATALOG_GROUP, run_update_task_definition);
}

static err run_list_task_definitions(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    (void)request;
    return list_task_definitions(decision, out_reply);
}

void request_list_task_definitions(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_list_task_definitions);
}

static err run_get_task_definition(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return get_task_definition(decision, request->match.variables[0], out_reply);
}

void request_get_task_definition(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_get_task_definition);
}

static err run_delete_task_definition(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return delete_task_definition(decision, request->match.variables[0], out_reply);
}

void request_delete_task_definition(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_delete_task_definition);
}
