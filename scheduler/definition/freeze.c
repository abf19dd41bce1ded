// The snapshot of an execution: the registered text rewritten once, front to back.
//
// Every task of the tree gets a `taskDefinition` unless it brought its own, every SUB_WORKFLOW
// without version gets the one that is the latest now. Everything else is copied as it stands, so
// that a definition that needs nothing hashes alike every time.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/definition/definition_internal.h"

struct freezer {
    struct store *store;
    struct arena *arena;
    struct json_writer writer;
};

static err freeze_list(struct freezer *freezer, bytes list);

err catalog_freeze(
    struct store *store,
    bytes workflow_json,
    struct arena *arena,
    bytes *out_json,
    hash128 *out_hash
) {
    SCOPED(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_BYTES);
    struct freezer freezer = {store, arena, json_writer(&buffer)};
    struct json_iter iter = json_iter(workflow_json);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    json_object_begin(&freezer.writer);
    while (json_next_member(&iter, &key, &value)) {
        json_raw_key(&freezer.writer, key);
        if (bytes_equal_text(key, "\"tasks\"") && json_is_array(value)) {
            TRY(freeze_list(&freezer, value));
        } else {
            json_raw(&freezer.writer, value);
        }
    }
    json_object_end(&freezer.writer);
    if (buffer.overflowed) {
        return err_make(ERR_TOO_LARGE, "the workflow definition is too large");
    }
    *out_json = arena_copy(arena, buffer_bytes(&buffer));
    *out_hash = hash_sip128(*out_json);
    return ERR_NONE;
}

// --- task definitions
// --------------------------------------------------------------------------------

// The TaskDef a task runs by that nobody registered (engine.md §1.5).
static bytes ad_hoc_definition(struct freezer *freezer, bytes name, bool simple) {
    struct api_task_definition definition;
    api_init(&api_task_definition_model, &definition);
    definition.name = name;
    if (!simple) {
        definition.retry_count = 0;
        definition.response_timeout_seconds = 0;
    }
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_DEFINITION_BYTES);
    struct json_writer writer = json_writer(&buffer);
    api_write(&api_task_definition_model, &definition, &writer);
    bytes json = arena_copy(freezer->arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    return json;
}

static err write_task_definition(struct freezer *freezer, bytes name, bool simple) {
    bytes json = BYTES_EMPTY;
    err error = catalog_get(freezer->store, NULL, CATALOG_TASK, name, 0, &json);
    if (error.code == ERR_NOT_FOUND) {
        json = ad_hoc_definition(freezer, name, simple);
    } else if (err_is(error)) {
        return error;
    }
    json_member_raw(&freezer->writer, "taskDefinition", json);
    return ERR_NONE;
}

// --- sub-workflows
// -----------------------------------------------------------------------------------

static bool member_is_present(bytes object, const char *key, bytes *out_value) {
    return json_get_text(object, key, out_value) && !json_is_null(*out_value);
}

static err no_definition(struct freezer *freezer, bytes task) {
    return err_make(
        ERR_ILLEGAL_STATE,
        arena_format(
            freezer->arena,
            "The Task %.*s defined as a sub-workflow has no workflow definition available ",
            BYTES_ARG(task)
        )
    );
}

// `data` NULL: the task has no subWorkflowParam. An explicit version and an inline definition, be
// it an object or an expression, stand as they are.
static err write_sub_workflow(struct freezer *freezer, bytes task, bytes parameters) {
    bytes value = BYTES_EMPTY;
    if (parameters.data == NULL || !json_is_object(parameters)) {
        return no_definition(freezer, task);
    }
    if (member_is_present(parameters, "workflowDefinition", &value) ||
        member_is_present(parameters, "version", &value)) {
        json_raw(&freezer->writer, parameters);
        return ERR_NONE;
    }
    int32_t version = 0;
    if (!member_is_present(parameters, "name", &value) || !json_is_string(value) ||
        !catalog_latest(freezer->store, NULL, json_string(value, freezer->arena), &version)) {
        return no_definition(freezer, task);
    }
    struct json_iter iter = json_iter(parameters);
    bytes key = BYTES_EMPTY;
    json_object_begin(&freezer->writer);
    while (json_next_member(&iter, &key, &value)) {
        if (!bytes_equal_text(key, "\"version\"")) {
            json_raw_key(&freezer->writer, key);
            json_raw(&freezer->writer, value);
        }
    }
    json_member_int(&freezer->writer, "version", version);
    json_object_end(&freezer->writer);
    return ERR_NONE;
}

// --- the tree
// --------------------------------------------------------------------------------------

static err freeze_lists(struct freezer *freezer, bytes lists) {
    struct json_iter iter = json_iter(lists);
    bytes list = BYTES_EMPTY;
    json_array_begin(&freezer->writer);
    while (json_next_element(&iter, &list)) {
        TRY(freeze_list(freezer, list));
    }
    json_array_end(&freezer->writer);
    return ERR_NONE;
}

static err freeze_cases(struct freezer *freezer, bytes cases) {
    struct json_iter iter = json_iter(cases);
    bytes key = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    json_object_begin(&freezer->writer);
    while (json_next_member(&iter, &key, &list)) {
        json_raw_key(&freezer->writer, key);
        TRY(freeze_list(freezer, list));
    }
    json_object_end(&freezer->writer);
    return ERR_NONE;
}

// What a task says of itself, read once.
struct task_facts {
    enum definition_task_type type;
    bytes name; // decoded
    bool has_definition;
    bool has_sub_workflow;
};

static struct task_facts facts_of(struct freezer *freezer, bytes task) {
    struct task_facts facts = {.type = TASK_TYPE_USER_DEFINED, .name = BYTES_LITERAL("")};
    bytes value = BYTES_EMPTY;
    if (!member_is_present(task, "type", &value) || !json_is_string(value)) {
        facts.type = TASK_TYPE_SIMPLE;
    } else {
        (void)definition_task_type_of(json_string(value, freezer->arena), &facts.type);
    }
    if (member_is_present(task, "name", &value) && json_is_string(value)) {
        facts.name = json_string(value, freezer->arena);
    }
    facts.has_definition = member_is_present(task, "taskDefinition", &value);
    facts.has_sub_workflow = member_is_present(task, "subWorkflowParam", &value);
    return facts;
}

static err
freeze_member(struct freezer *freezer, const struct task_facts *facts, bytes key, bytes value) {
    if (!facts->has_definition && bytes_equal_text(key, "\"taskDefinition\"")) {
        return ERR_NONE; // a null, replaced behind the others
    }
    json_raw_key(&freezer->writer, key);
    if (facts->type == TASK_TYPE_SUB_WORKFLOW && bytes_equal_text(key, "\"subWorkflowParam\"")) {
        return write_sub_workflow(freezer, facts->name, value);
    }
    bool cases = task_type_has_cases(facts->type);
    if (cases && bytes_equal_text(key, "\"decisionCases\"") && json_is_object(value)) {
        return freeze_cases(freezer, value);
    }
    if (cases && bytes_equal_text(key, "\"defaultCase\"")) {
        return freeze_list(freezer, value);
    }
    if (task_type_has_branches(facts->type) && bytes_equal_text(key, "\"forkTasks\"") &&
        json_is_array(value)) {
        return freeze_lists(freezer, value);
    }
    if (task_type_has_body(facts->type) && bytes_equal_text(key, "\"loopOver\"")) {
        return freeze_list(freezer, value);
    }
    json_raw(&freezer->writer, value);
    return ERR_NONE;
}

static err freeze_task(struct freezer *freezer, bytes task) {
    struct task_facts facts = facts_of(freezer, task);
    if (facts.type == TASK_TYPE_SUB_WORKFLOW && !facts.has_sub_workflow) {
        return no_definition(freezer, facts.name);
    }
    struct json_iter iter = json_iter(task);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    json_object_begin(&freezer->writer);
    while (json_next_member(&iter, &key, &value)) {
        TRY(freeze_member(freezer, &facts, key, value));
    }
    if (!facts.has_definition) {
        TRY(write_task_definition(freezer, facts.name, facts.type == TASK_TYPE_SIMPLE));
    }
    json_object_end(&freezer->writer);
    return ERR_NONE;
}

static err freeze_list(struct freezer *freezer, bytes list) {
    if (!json_is_array(list)) {
        json_raw(&freezer->writer, list);
        return ERR_NONE;
    }
    struct json_iter iter = json_iter(list);
    bytes task = BYTES_EMPTY;
    json_array_begin(&freezer->writer);
    while (json_next_element(&iter, &task)) {
        if (json_is_object(task)) {
            TRY(freeze_task(freezer, task));
        } else {
            json_raw(&freezer->writer, task);
        }
    }
    json_array_end(&freezer->writer);
    return ERR_NONE;
}
