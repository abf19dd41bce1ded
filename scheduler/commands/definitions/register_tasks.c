// M-11: each task definition created or overwritten, as new.
#include "scheduler/commands/definitions/definition_reply_internal.h"

static void
validate_all(struct decision *decision, bytes list, struct api_violations *out_violations) {
    struct json_iter iter = json_iter(list);
    bytes canonical = BYTES_EMPTY;
    api_validate_list_not_empty(list, API_PATH_REGISTER_TASKS, API_TASK_LIST_EMPTY, out_violations);
    for (size_t i = 0; json_next_element(&iter, &canonical); i++) {
        const char *path = api_path_index(decision->arena, API_PATH_REGISTER_TASKS, i);
        struct api_validate_options options = definition_validation(decision, path);
        api_validate_task_definition(canonical, &options, out_violations);
    }
}

err register_tasks(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
) {
    bytes list = BYTES_EMPTY;
    TRY(api_bind_list(&api_task_definition_model, json, decision->arena, &list));
    validate_all(decision, list, out_violations);
    TRY(api_violations_status(out_violations));
    struct json_iter iter = json_iter(list);
    bytes canonical = BYTES_EMPTY;
    while (json_next_element(&iter, &canonical)) {
        struct api_task_definition definition;
        TRY(api_read_canonical(&api_task_definition_model, canonical, decision->arena, &definition)
        );
        definition.create_time = decision->now.ms;
        definition.update_time = 0;
        definition.updated_by = BYTES_EMPTY;
        TRY(store_task(decision, &definition));
    }
    reply_void(out_reply);
    return ERR_NONE;
}
