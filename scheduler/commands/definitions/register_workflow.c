// M-1, M-2: one definition, new unless it may overwrite; or only a look whether it is valid.
#include "scheduler/commands/definitions/definition_reply_internal.h"

static err register_new(struct decision *decision, struct api_workflow_definition *definition) {
    bytes stored = BYTES_EMPTY;
    err found = catalog_get(
        decision->store,
        decision->txn,
        CATALOG_WORKFLOW,
        definition->name,
        definition->version,
        &stored
    );
    if (!err_is(found)) {
        return err_make(
            ERR_CONFLICT,
            arena_format(
                decision->arena,
                "Workflow with %.*s.%d already exists!",
                BYTES_ARG(definition->name),
                (int)definition->version
            )
        );
    }
    if (found.code != ERR_NOT_FOUND) {
        return found;
    }
    definition->create_time = decision->now.ms;
    return store_workflow(decision, definition);
}

// In place; what was not there is created now.
static err register_over(struct decision *decision, struct api_workflow_definition *definition) {
    bool replaced = false;
    TRY(replace_workflow(decision, definition, &replaced));
    if (replaced) {
        return ERR_NONE;
    }
    definition->create_time = decision->now.ms;
    return store_workflow(decision, definition);
}

err register_workflow(
    struct decision *decision,
    bytes json,
    bool overwrite,
    bool validate_only,
    struct api_violations *out_violations,
    struct reply *out_reply
) {
    const char *path = validate_only ? API_PATH_VALIDATE_WORKFLOW
                       : overwrite   ? API_PATH_OVERWRITE_WORKFLOW
                                     : API_PATH_REGISTER_WORKFLOW;
    struct api_validate_options options = definition_validation(decision, path);
    bytes canonical = BYTES_EMPTY;
    TRY(api_bind(&api_workflow_definition_model, json, decision->arena, &canonical));
    api_validate_workflow_definition(canonical, &options, out_violations);
    TRY(definition_scripts_known(decision));
    TRY(api_violations_status(out_violations));
    if (!validate_only) {
        struct api_workflow_definition definition;
        TRY(api_read_canonical(
            &api_workflow_definition_model, canonical, decision->arena, &definition
        ));
        TRY(overwrite ? register_over(decision, &definition) : register_new(decision, &definition));
    }
    reply_void(out_reply);
    return ERR_NONE;
}
