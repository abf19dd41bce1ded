// Answers and rows of definitions.
#include "proto/limits.h"
#include "scheduler/commands/definitions/definition_reply_internal.h"

void reply_void(struct reply *out_reply) {
    *out_reply = (struct reply){.status = 200, .kind = REPLY_VOID};
}

err reply_json(struct decision *decision, const struct buffer *buffer, struct reply *out_reply) {
    TRY(buffer_status(buffer));
    *out_reply = (struct reply){
        .status = 200,
        .kind = REPLY_JSON,
        .body = arena_copy(decision->arena, buffer_bytes(buffer)),
    };
    return ERR_NONE;
}

static bool
registered_template(void *argument, bytes task_name, struct arena *arena, bytes *out_json) {
    const struct decision *decision = argument;
    bytes json = BYTES_EMPTY;
    (void)arena;
    if (err_is(catalog_get(decision->store, decision->txn, CATALOG_TASK, task_name, 0, &json))) {
        return false;
    }
    *out_json = definition_member(json, "inputTemplate");
    return json_is_object(*out_json);
}

// Asks the evaluator. Only what its engine refused is wrong with the text; as long as it has not
// said, the text passes (definition_scripts_known).
static bool is_javascript(void *argument, bytes text, struct arena *arena, bytes *out_error) {
    struct evaluation evaluation = {
        .language = EVALUATION_JAVASCRIPT,
        .kind = EVALUATION_PARSE,
        .text = arena_copy(arena, text),
        .input = JSON_EMPTY_OBJECT,
    };
    struct evaluation_result result = {0};
    err error = decision_evaluate(argument, &evaluation, &result);
    if (err_is(error) || result.outcome != EVALUATION_FAILED) {
        return true;
    }
    *out_error = result.error;
    return false;
}

err definition_scripts_known(const struct decision *decision) {
    if (decision->wanted_count > 0) {
        return err_make(ERR_SUSPENDED, "the decision waits for scripts to be parsed");
    }
    for (size_t i = 0; i < decision->evaluated.count; i++) {
        enum evaluation_outcome outcome = decision->evaluated.results[i].outcome;
        if (outcome == EVALUATION_TIMED_OUT || outcome == EVALUATION_UNAVAILABLE) {
            return err_make(
                ERR_UNAVAILABLE,
                "the evaluator was too busy to parse the scripts of the definition; try again"
            );
        }
    }
    return ERR_NONE;
}

struct api_validate_options definition_validation(struct decision *decision, const char *path) {
    return (struct api_validate_options){
        .path = path,
        .owner_email_mandatory = decision->settings->owner_email_mandatory,
        .name_validation = decision->settings->name_validation,
        .input_template = registered_template,
        .is_javascript = is_javascript,
        .argument = decision,
    };
}

static err store_model(
    struct decision *decision,
    enum catalog_kind kind,
    const struct api_model *model,
    const void *definition,
    bytes name,
    int32_t version
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_BYTES);
    struct json_writer writer = json_writer(&buffer);
    api_write(model, definition, &writer);
    TRY(buffer_status(&buffer));
    catalog_put(decision->txn, kind, name, version, buffer_bytes(&buffer));
    return ERR_NONE;
}

err store_workflow(struct decision *decision, const struct api_workflow_definition *definition) {
    return store_model(
        decision,
        CATALOG_WORKFLOW,
        &api_workflow_definition_model,
        definition,
        definition->name,
        definition->version
    );
}

err store_task(struct decision *decision, const struct api_task_definition *definition) {
    return store_model(
        decision, CATALOG_TASK, &api_task_definition_model, definition, definition->name, 0
    );
}

err replace_workflow(
    struct decision *decision, struct api_workflow_definition *definition, bool *out_replaced
) {
    bytes stored = BYTES_EMPTY;
    err found = catalog_get(
        decision->store,
        decision->txn,
        CATALOG_WORKFLOW,
        definition->name,
        definition->version,
        &stored
    );
    if (err_is(found) && found.code != ERR_NOT_FOUND) {
        return found;
    }
    *out_replaced = !err_is(found);
    if (*out_replaced && definition->create_time == 0) {
        (void)json_i64(definition_member(stored, "createTime"), &definition->create_time);
    }
    definition->update_time = decision->now.ms;
    return store_workflow(decision, definition);
}

bytes definition_member(bytes json, const char *key) {
    bytes value = JSON_NULL_TEXT;
    return json_get_text(json, key, &value) ? value : JSON_NULL_TEXT;
}
