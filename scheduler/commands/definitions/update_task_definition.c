// M-12: one task definition replaced, its birth kept.
#include "scheduler/commands/definitions/definition_reply_internal.h"

// Takes createTime and createdBy from the row that is replaced.
static err keep_birth(struct decision *decision, struct api_task_definition *definition) {
    bytes stored = BYTES_EMPTY;
    err found =
        catalog_get(decision->store, decision->txn, CATALOG_TASK, definition->name, 0, &stored);
    if (found.code == ERR_NOT_FOUND) {
        found.text =
            arena_format(decision->arena, "No such task by name %.*s", BYTES_ARG(definition->name));
    }
    TRY(found);
    bytes created_by = definition_member(stored, "createdBy");
    definition->created_by = BYTES_EMPTY;
    if (json_is_string(created_by)) {
        definition->created_by =
            arena_copy(decision->arena, json_string(created_by, decision->arena));
    }
    (void)json_i64(definition_member(stored, "createTime"), &definition->create_time);
    return ERR_NONE;
}

err update_task_definition(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
) {
    struct api_validate_options options = definition_validation(decision, API_PATH_UPDATE_TASK);
    struct api_task_definition definition;
    bytes canonical = BYTES_EMPTY;
    TRY(api_bind(&api_task_definition_model, json, decision->arena, &canonical));
    api_validate_task_definition(canonical, &options, out_violations);
    TRY(api_violations_status(out_violations));
    TRY(api_read_canonical(&api_task_definition_model, canonical, decision->arena, &definition));
    TRY(keep_birth(decision, &definition));
    definition.update_time = decision->now.ms;
    TRY(store_task(decision, &definition));
    reply_void(out_reply);
    return ERR_NONE;
}
