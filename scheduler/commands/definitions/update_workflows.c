// M-3: each definition created or replaced; one that is invalid and none is stored.
#include "proto/limits.h"
#include "scheduler/commands/definitions/definition_reply_internal.h"

static void
validate_all(struct decision *decision, bytes list, struct api_violations *out_violations) {
    struct json_iter iter = json_iter(list);
    bytes canonical = BYTES_EMPTY;
    api_validate_list_not_empty(
        list, API_PATH_UPDATE_WORKFLOWS, API_WORKFLOW_LIST_EMPTY, out_violations
    );
    for (size_t i = 0; json_next_element(&iter, &canonical); i++) {
        const char *path = api_path_index(decision->arena, API_PATH_UPDATE_WORKFLOWS, i);
        struct api_validate_options options = definition_validation(decision, path);
        api_validate_workflow_definition(canonical, &options, out_violations);
    }
}

err update_workflows(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
) {
    bytes list = BYTES_EMPTY;
    TRY(api_bind_list(&api_workflow_definition_model, json, decision->arena, &list));
    validate_all(decision, list, out_violations);
    TRY(definition_scripts_known(decision));
    TRY(api_violations_status(out_violations));

    SCOPED(buffer_deinit) struct buffer names;
    buffer_init(&names, LIMIT_DEFINITION_LIST_BYTES);
    struct json_writer writer = json_writer(&names);
    struct json_iter iter = json_iter(list);
    bytes canonical = BYTES_EMPTY;
    json_object_begin(&writer);
    json_member_raw(&writer, "bulkErrorResults", JSON_EMPTY_OBJECT);
    json_key(&writer, "bulkSuccessfulResults");
    json_array_begin(&writer);
    while (json_next_element(&iter, &canonical)) {
        struct api_workflow_definition definition;
        bool replaced = false;
        TRY(api_read_canonical(
            &api_workflow_definition_model, canonical, decision->arena, &definition
        ));
        TRY(replace_workflow(decision, &definition, &replaced));
        json_text(&writer, definition.name);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    return reply_json(decision, &names, out_reply);
}
