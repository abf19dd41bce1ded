// Rows are read lazily and written once, at the end of the command: a decision that touches a task
// five times writes it once. Everything read is copied into the decision's arena first, because a
// view of the store dies with the next write.
//
// The frozen definition is a row of its own by content hash, written when the group first needs it:
// a header of every execution would otherwise carry a copy (engine.md §16, 5).
#include "scheduler/workflow.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/frozen.h"
#include "scheduler/index.h"
#include "scheduler/queue.h"
#include "scheduler/task.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

#include <string.h>

static hash128 definition_hash(const struct workflow *workflow);
static err read_any(struct decision *decision, id128 id, struct workflow_row *out_row);
static err unknown(struct decision *decision, id128 id);
static err with_template(struct decision *decision, bytes input_template, bytes *input);
static void own_list(struct decision *decision, struct wire_u32_list *list);

bytes workflow_id_text(struct decision *decision, id128 id) {
    char *text = arena_alloc(decision->arena, ID_TEXT_BYTES);
    id_format(id, text);
    return bytes_of(text, ID_TEXT_BYTES);
}

err workflow_open(struct decision *decision, bytes id_text, struct workflow **out_workflow) {
    id128 id;
    if (!id_parse(id_text, &id)) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(decision->arena, "No such workflow found by id: %.*s", BYTES_ARG(id_text))
        );
    }
    return workflow_open_id(decision, id, out_workflow);
}

err workflow_open_id(struct decision *decision, id128 id, struct workflow **out_workflow) {
    struct workflow *workflow = NULL;
    TRY(workflow_open_any(decision, id, &workflow));
    if ((workflow->row.flags & WORKFLOW_REMOVED) != 0) {
        return unknown(decision, id);
    }
    *out_workflow = workflow;
    return ERR_NONE;
}

err workflow_open_any(struct decision *decision, id128 id, struct workflow **out_workflow) {
    struct workflow *workflow = ARENA_NEW(decision->arena, struct workflow);
    workflow->decision = decision;
    workflow->id = id;
    workflow->id_text = workflow_id_text(decision, id);
    TRY(read_any(decision, id, &workflow->row));
    TRY(decision_follow(decision, workflow->row.update_ms));
    workflow->indexed = index_state_of(&workflow->row);
    own_list(decision, &workflow->row.pending);
    own_list(decision, &workflow->row.permissive);
    own_list(decision, &workflow->row.expanding);
    own_list(decision, &workflow->row.looks);
    TRY(frozen_open(decision, definition_hash(workflow), &workflow->definition));
    *out_workflow = workflow;
    return ERR_NONE;
}

static hash128 definition_hash(const struct workflow *workflow) {
    return hash128_load(workflow->row.definition.bytes);
}

err workflow_read_row(struct decision *decision, id128 id, struct workflow_row *out_row) {
    TRY(read_any(decision, id, out_row));
    return (out_row->flags & WORKFLOW_REMOVED) != 0 ? unknown(decision, id) : ERR_NONE;
}

static err read_any(struct decision *decision, id128 id, struct workflow_row *out_row) {
    struct key key = key_workflow(id);
    err error = row_get(decision->txn, &key, &workflow_row_record, decision->arena, out_row);
    return error.code == ERR_NOT_FOUND ? unknown(decision, id) : error;
}

static err unknown(struct decision *decision, id128 id) {
    bytes text = workflow_id_text(decision, id);
    return err_make(
        ERR_NOT_FOUND,
        arena_format(decision->arena, "No such workflow found by id: %.*s", BYTES_ARG(text))
    );
}

err workflow_create(
    struct decision *decision, const struct workflow_seed *seed, struct workflow **out_workflow
) {
    const struct definition *definition = seed->definition;
    struct workflow *workflow = ARENA_NEW(decision->arena, struct workflow);
    workflow->decision = decision;
    workflow->is_fresh = true;
    workflow->id = seed->id;
    workflow->id_text = workflow_id_text(decision, seed->id);
    workflow->definition = definition;
    bytes input = seed->input;
    TRY(with_template(decision, definition->model.input_template, &input));
    if (input.size > LIMIT_WORKFLOW_PAYLOAD_BYTES) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(
                decision->arena,
                "The payload size: %zu of workflow: %.*s is greater than the permissible limit: %d "
                "bytes",
                input.size,
                BYTES_ARG(workflow->id_text),
                LIMIT_WORKFLOW_PAYLOAD_BYTES
            )
        );
    }
    TRY(frozen_take(decision, definition));
    workflow->row = (struct workflow_row){
        .run = 1,
        .status = API_WORKFLOW_RUNNING,
        .flags = (seed->correlation.data != NULL ? WORKFLOW_HAS_CORRELATION : 0u) |
                 (seed->event.data != NULL ? WORKFLOW_HAS_EVENT : 0u),
        .name = definition->model.name,
        .version = definition->model.version,
        .correlation = seed->correlation,
        .priority = seed->priority,
        .event = seed->event,
        .external_input = seed->external_input,
        .created_by = seed->created_by,
        .idempotency_key = seed->idempotency_key,
        .create_ms = decision->now.ms,
        .parent = seed->parent,
        .parent_task = seed->parent_task,
        .parent_run = seed->parent_run,
        .parent_task_no = seed->parent_task_no,
        .parent_attempt = seed->parent_attempt,
        .depth = seed->depth,
        .next_task_no = 1,
        .first_task_no = 1,
        .next_seq = 1,
    };
    hash128_store(definition->hash, workflow->row.definition.bytes);
    struct payload stored = payload_store(workflow, input);
    workflow->row.input_blob = stored.blob;
    workflow->row.input_bytes = stored.bytes;
    workflow_set_variables(workflow, payload_store(workflow, definition->model.variables));
    if (seed->task_to_domain.data != NULL) {
        stored = payload_store(workflow, seed->task_to_domain);
        workflow->row.domains_blob = stored.blob;
        workflow->row.domains_bytes = stored.bytes;
    }
    workflow->dirty = true;
    timer_arm_workflow(workflow);
    *out_workflow = workflow;
    return ERR_NONE;
}

err workflow_set_definition(struct workflow *workflow, const struct definition *definition) {
    hash128 before = definition_hash(workflow);
    if (!hash128_equal(before, definition->hash)) {
        TRY(frozen_take(workflow->decision, definition));
        TRY(frozen_release(workflow->decision, before));
    }
    workflow->definition = definition;
    workflow->row.name = definition->model.name;
    workflow->row.version = definition->model.version;
    hash128_store(definition->hash, workflow->row.definition.bytes);
    workflow->dirty = true;
    return ERR_NONE;
}

void workflow_save(struct workflow *workflow) {
    struct decision *decision = workflow->decision;
    workflow->saved_count = workflow->handled_count;
    for (uint32_t i = 0; i < workflow->slot_count; i++) {
        struct task *task = workflow->slots[i];
        if (task != NULL && task->dirty) {
            check(!task->is_closing); // what it shows is not what it is
            task->dirty = false;
            struct key key = key_task(workflow->id, workflow->row.run, task->number);
            row_put(decision->txn, &key, &task_row_record, &task->row);
        }
    }
    if (workflow->dirty) {
        workflow->dirty = false;
        index_update(workflow);
        workflow->row.update_ms = decision->now.ms;
        workflow->row.revision++;
        struct key key = key_workflow(workflow->id);
        row_put(decision->txn, &key, &workflow_row_record, &workflow->row);
    }
}

err workflow_delete(struct workflow *workflow) {
    workflow_save(workflow);
    index_forget(workflow);
    struct key key = key_workflow(workflow->id);
    store_txn_del(workflow->decision->txn, key_bytes(&key));
    timer_sweep(workflow->decision, workflow->id, workflow->row.run);
    return frozen_release(workflow->decision, definition_hash(workflow));
}

bool workflow_is_over_bounds(const struct workflow *workflow) {
    const struct decision *decision = workflow->decision;
    return decision->evaluated.record_only ||
           decision->evaluations_used >= LIMIT_DECISION_EVALUATIONS ||
           workflow->handled_count >= workflow_tasks_max(workflow) ||
           store_txn_bytes(decision->txn) + decision->staging.bytes >= LIMIT_DECISION_BYTES;
}

uint32_t workflow_tasks_max(const struct workflow *workflow) {
    uint32_t set = workflow->decision->settings->decision_tasks;
    return set > 0 ? set : LIMIT_DECISION_TASKS;
}

void workflow_save_now_and_then(struct workflow *workflow) {
    if (workflow->handled_count - workflow->saved_count >= LIMIT_DECISION_UNSAVED) {
        workflow_save(workflow);
    }
}

// Columns: from, to.
static const uint8_t workflow_moves[][2] = {
    {API_WORKFLOW_RUNNING, API_WORKFLOW_PAUSED},
    {API_WORKFLOW_RUNNING, API_WORKFLOW_COMPLETED},
    {API_WORKFLOW_RUNNING, API_WORKFLOW_FAILED},
    {API_WORKFLOW_RUNNING, API_WORKFLOW_TIMED_OUT},
    {API_WORKFLOW_RUNNING, API_WORKFLOW_TERMINATED},
    {API_WORKFLOW_PAUSED, API_WORKFLOW_RUNNING},
    {API_WORKFLOW_PAUSED, API_WORKFLOW_FAILED},
    {API_WORKFLOW_PAUSED, API_WORKFLOW_TIMED_OUT},
    {API_WORKFLOW_PAUSED, API_WORKFLOW_TERMINATED},
    {API_WORKFLOW_FAILED, API_WORKFLOW_TERMINATED},
    {API_WORKFLOW_TIMED_OUT, API_WORKFLOW_TERMINATED},
    {API_WORKFLOW_COMPLETED, API_WORKFLOW_RUNNING},
    {API_WORKFLOW_FAILED, API_WORKFLOW_RUNNING},
    {API_WORKFLOW_TIMED_OUT, API_WORKFLOW_RUNNING},
    {API_WORKFLOW_TERMINATED, API_WORKFLOW_RUNNING},
};

void workflow_move(struct workflow *workflow, enum api_workflow_status status) {
    bool allowed = false;
    for (size_t i = 0; i < sizeof workflow_moves / sizeof workflow_moves[0]; i++) {
        allowed = allowed || (workflow_moves[i][0] == workflow->row.status &&
                              workflow_moves[i][1] == (uint8_t)status);
    }
    check(allowed);
    workflow->row.status = (uint8_t)status;
    workflow->dirty = true;
}

enum api_workflow_status workflow_status(const struct workflow *workflow) {
    return (enum api_workflow_status)workflow->row.status;
}

bool workflow_is_terminal(const struct workflow *workflow) {
    return api_workflow_status_is_terminal(workflow_status(workflow));
}

void workflow_want_end(
    struct workflow *workflow, enum api_workflow_status status, bytes reason, struct task *task
) {
    if (workflow->ending.wanted) {
        return;
    }
    workflow->ending = (struct workflow_ending){
        .wanted = true,
        .status = status,
        .reason = reason,
        .task = task,
    };
}

const char *workflow_short_text(const struct workflow *workflow) {
    return arena_format(
        workflow->decision->arena,
        "%.*s.%lld/%.*s",
        BYTES_ARG(workflow->row.name),
        (long long)workflow->row.version,
        BYTES_ARG(workflow->id_text)
    );
}

struct payload workflow_input(const struct workflow *workflow) {
    return (struct payload){workflow->row.input_blob, workflow->row.input_bytes};
}

struct payload workflow_output(const struct workflow *workflow) {
    return (struct payload){workflow->row.output_blob, workflow->row.output_bytes};
}

struct payload workflow_variables(const struct workflow *workflow) {
    return (struct payload){workflow->row.variables_blob, workflow->row.variables_bytes};
}

void workflow_set_output(struct workflow *workflow, struct payload payload) {
    workflow->row.output_blob = payload.blob;
    workflow->row.output_bytes = payload.bytes;
    workflow->dirty = true;
}

void workflow_set_variables(struct workflow *workflow, struct payload payload) {
    payload_delete(workflow, workflow_variables(workflow));
    workflow->row.variables_blob = payload.blob;
    workflow->row.variables_bytes = payload.bytes;
    workflow->dirty = true;
}

void workflow_list_add(struct workflow *workflow, struct wire_u32_list *list, uint32_t number) {
    // Capacity is the next power of two: a list of n is copied log n times.
    if ((list->count & (list->count - 1)) == 0) {
        uint32_t capacity = list->count == 0 ? 1 : list->count * 2;
        uint32_t *items = ARENA_ARRAY(workflow->decision->arena, uint32_t, capacity);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof items[0]);
        }
        list->items = items;
    }
    list->items[list->count++] = number;
    workflow->dirty = true;
}

void workflow_list_remove(struct workflow *workflow, struct wire_u32_list *list, uint32_t number) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] != number) {
            list->items[kept++] = list->items[i];
        }
    }
    workflow->dirty = workflow->dirty || kept != list->count;
    list->count = kept;
}

bool workflow_list_has(const struct wire_u32_list *list, uint32_t number) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == number) {
            return true;
        }
    }
    return false;
}

// Gives a list that was read the capacity workflow_list_add counts on.
static void own_list(struct decision *decision, struct wire_u32_list *list) {
    uint32_t capacity = 1;
    while (capacity < list->count) {
        capacity *= 2;
    }
    uint32_t *items = ARENA_ARRAY(decision->arena, uint32_t, capacity);
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof items[0]);
    }
    list->items = items;
}

// engine.md §5.1: keys of the template that are absent or null; an empty input stays empty (Q3).
static err with_template(struct decision *decision, bytes input_template, bytes *input) {
    if (json_count(*input) == 0 || json_count(input_template) == 0) {
        return ERR_NONE;
    }
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    struct json_iter iter = json_iter(input_template);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        bytes given = BYTES_EMPTY;
        if (!json_get(*input, json_string(key, decision->arena), &given) || json_is_null(given)) {
            json_raw_key(&writer, key);
            json_raw(&writer, value);
        }
    }
    json_object_end(&writer);
    bytes added = BYTES_EMPTY;
    TRY(payload_take(&buffer, decision->arena, &added));
    *input = json_merge(*input, added, decision->arena);
    return ERR_NONE;
}
