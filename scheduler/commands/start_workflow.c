// W-1, W-2: a new execution (engine.md §5.1), decided once before the answer.
//
// The id was chosen before the request came here, so a request that arrives twice finds its own
// execution and gives the same answer.
#include "proto/json/json.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/tasks/kind.h"
#include "storage/keys.h"

static err definition_for(
    struct decision *decision,
    const struct start_workflow *command,
    const struct definition **out_definition
);
static err begin(struct decision *decision, const struct start_workflow *command);
static err check_idempotency(
    struct decision *decision,
    const struct start_workflow *command,
    bool *out_existing,
    id128 *out_id
);
static struct key
idempotency_key_of(struct decision *decision, const struct api_start_workflow_request *request);

err start_workflow(
    struct decision *decision, const struct start_workflow *command, struct reply *out_reply
) {
    const struct api_start_workflow_request *request = command->request;
    id128 id = command->id;
    struct key key = key_workflow(id);
    bytes present = BYTES_EMPTY;
    err found = store_txn_get(decision->txn, key_bytes(&key), &present);
    if (found.code == ERR_NOT_FOUND) {
        bool existing = false;
        if (request->idempotency_key.size > 0) {
            TRY(check_idempotency(decision, command, &existing, &id));
        }
        if (!existing) {
            TRY(begin(decision, command));
        }
    } else {
        TRY(found);
    }
    *out_reply =
        (struct reply){.status = 200, .kind = REPLY_TEXT, .body = workflow_id_text(decision, id)};
    return ERR_NONE;
}

static err begin(struct decision *decision, const struct start_workflow *command) {
    const struct api_start_workflow_request *request = command->request;
    if (request->priority < 0 || request->priority > 99) {
        return err_make(ERR_INVALID, "priority is not within 0 and 99");
    }
    const struct definition *definition = NULL;
    TRY(definition_for(decision, command, &definition));
    TRY(task_kinds_check(definition, decision->arena));
    if (request->input.data == NULL && request->external_input_payload_storage_path.data == NULL) {
        return err_make(ERR_INVALID, "NULL input passed when starting workflow");
    }
    struct workflow_seed seed = {
        .id = command->id,
        .definition = definition,
        .input = request->input.data != NULL ? request->input : JSON_EMPTY_OBJECT,
        .task_to_domain = request->task_to_domain,
        .correlation = request->correlation_id,
        .external_input = request->external_input_payload_storage_path,
        .idempotency_key = request->idempotency_key,
        .priority = (uint8_t)request->priority,
    };
    struct workflow *workflow = NULL;
    TRY(workflow_create(decision, &seed, &workflow));
    if (request->idempotency_key.size > 0) {
        struct idempotency_row row = {
            .workflow = command->id, .name = request->name, .key = request->idempotency_key};
        struct key key = idempotency_key_of(decision, request);
        row_put(decision->txn, &key, &idempotency_row_record, &row);
    }
    TRY(decider_run(workflow));
    workflow_save(workflow);
    return ERR_NONE;
}

static err definition_for(
    struct decision *decision,
    const struct start_workflow *command,
    const struct definition **out_definition
) {
    const struct api_start_workflow_request *request = command->request;
    if (request->workflow_def.data != NULL && !command->by_name) {
        bytes frozen = BYTES_EMPTY;
        hash128 hash = {0, 0};
        TRY(catalog_freeze(decision->store, request->workflow_def, decision->arena, &frozen, &hash)
        );
        return definition_cache_compile(decision->definitions, hash, frozen, out_definition);
    }
    err error = catalog_start_definition(
        decision->definitions,
        decision->store,
        request->name,
        request->version.present ? request->version.value : 0,
        decision->arena,
        out_definition
    );
    if (error.code == ERR_NOT_FOUND && command->by_name) {
        const char *version =
            request->version.present
                ? arena_format(decision->arena, "%lld", (long long)request->version.value)
                : "null";
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                decision->arena,
                "No such workflow found by name: %.*s, version: %s",
                BYTES_ARG(request->name),
                version
            )
        );
    }
    return error;
}

// rest-api.md §3.4: what an execution that has the key already means.
static err check_idempotency(
    struct decision *decision,
    const struct start_workflow *command,
    bool *out_existing,
    id128 *out_id
) {
    const struct api_start_workflow_request *request = command->request;
    struct key key = idempotency_key_of(decision, request);
    struct idempotency_row row = {0};
    err error = row_get(decision->txn, &key, &idempotency_row_record, decision->arena, &row);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    if (!bytes_equal(row.name, request->name) || !bytes_equal(row.key, request->idempotency_key)) {
        return ERR_NONE;
    }
    if (request->idempotency_strategy == API_IDEMPOTENCY_RETURN_EXISTING) {
        *out_existing = true;
        *out_id = row.workflow;
        return ERR_NONE;
    }
    struct workflow_row header = {0};
    err read = workflow_read_row(decision, row.workflow, &header);
    if (read.code == ERR_NOT_FOUND) {
        return ERR_NONE; // removed since
    }
    TRY(read);
    if (request->idempotency_strategy == API_IDEMPOTENCY_FAIL_ON_RUNNING &&
        api_workflow_status_is_terminal((enum api_workflow_status)header.status)) {
        return ERR_NONE;
    }
    bytes id = workflow_id_text(decision, row.workflow);
    return err_make(
        ERR_CONFLICT,
        arena_format(
            decision->arena,
            "Workflow %.*s with idempotency key %.*s exists already",
            BYTES_ARG(id),
            BYTES_ARG(request->idempotency_key)
        )
    );
}

static struct key
idempotency_key_of(struct decision *decision, const struct api_start_workflow_request *request) {
    bytes scope = bytes_from_text(arena_format(
        decision->arena,
        "%zu:%.*s%.*s",
        request->name.size,
        BYTES_ARG(request->name),
        BYTES_ARG(request->idempotency_key)
    ));
    return key_idempotency(hash_sip128(scope));
}
