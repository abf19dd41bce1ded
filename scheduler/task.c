// The life of one attempt. Every change of status goes through task_move, which keeps what hangs on
// it: open_count, the pending list, the queue's counters, the timer. Nothing else writes `status`.
#include "scheduler/task.h"

#include "proto/limits.h"
#include "scheduler/blueprint.h"
#include "scheduler/closing.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void remember(struct workflow *workflow, struct task *task);
static struct task *recall(struct workflow *workflow, uint32_t number);
static err put_references(struct task *task);
static err
reference_read(struct workflow *workflow, bytes reference, struct reference_row *out_row);
static err place_read(struct decision *decision, id128 id, struct task_place_row *out_place);

struct task *task_new(
    struct workflow *workflow, const struct definition_task *definition, enum api_task_status status
) {
    struct decision *decision = workflow->decision;
    struct task *task = ARENA_NEW(decision->arena, struct task);
    task->workflow = workflow;
    task->definition = definition;
    task->row.id = id_mint(id_slot(workflow->id), decision->now.ms, decision->random);
    task->row.reference = definition->model.task_reference_name;
    task->row.definition = definition->index;
    task->row.status = (uint8_t)status;
    return task;
}

struct task *task_new_attempt(const struct task *old, enum api_task_status status) {
    struct task *task = task_new(old->workflow, old->definition, status);
    task->row.reference = old->row.reference;
    task->row.iteration = old->row.iteration;
    task->row.own_blob = old->row.own_blob;
    task->row.own_bytes = old->row.own_bytes;
    task->row.parameters_blob = old->row.parameters_blob;
    task->row.parameters_bytes = old->row.parameters_bytes;
    task->row.own_name = old->row.own_name;
    return task;
}

err task_admit(struct task *task) {
    struct workflow *workflow = task->workflow;
    int64_t now = workflow->decision->now.ms;
    task->number = workflow->row.next_task_no++;
    if (task->row.status != API_TASK_SKIPPED) {
        task->row.seq = workflow->row.next_seq++;
    }
    task->row.scheduled_ms = now;
    if (task->row.first_scheduled_ms == 0) {
        task->row.first_scheduled_ms = now;
    }
    workflow->dirty = true;
    workflow->handled_count++;
    task->dirty = true;
    remember(workflow, task);
    TRY(put_references(task));
    struct task_place_row place = {
        .workflow = workflow->id, .run = workflow->row.run, .task_no = task->number};
    struct key key = key_task_id(task->row.id);
    row_put(workflow->decision->txn, &key, &task_place_row_record, &place);
    if (task_is_terminal(task)) {
        task->row.end_ms = now;
        if (task->row.status != API_TASK_SKIPPED) {
            workflow_list_add(workflow, &workflow->row.pending, task->number);
        }
    } else {
        workflow->row.open_count++;
    }
    return ERR_NONE;
}

// The rows that find it: by its reference, and in a loop by the base of it.
static err put_references(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct reference_row row = {.reference = task->row.reference, .task_no = task->number};
    if (!id_is_zero(task->row.retried_task)) {
        struct reference_row before = {0};
        TRY(reference_read(workflow, task->row.reference, &before));
        row.failed = before.failed;
    }
    task_put_reference(workflow, &row);
    if (task_suffix(task).size > 0) {
        struct reference_row base = {.reference = task_base(task), .task_no = task->number};
        task_put_reference(workflow, &base);
    }
    return ERR_NONE;
}

static int64_t last_change_ms(const struct task_row *row) {
    int64_t last_ms = row->scheduled_ms;
    last_ms = row->start_ms > last_ms ? row->start_ms : last_ms;
    last_ms = row->update_ms > last_ms ? row->update_ms : last_ms;
    return row->end_ms > last_ms ? row->end_ms : last_ms;
}

err task_load(struct workflow *workflow, uint32_t number, struct task **out_task) {
    struct task *found = NULL;
    TRY(task_find(workflow, number, &found));
    if (found == NULL) {
        return err_make(ERR_CORRUPT, "a task row is missing");
    }
    *out_task = found;
    return ERR_NONE;
}

err task_find(struct workflow *workflow, uint32_t number, struct task **out_task) {
    struct task *known = recall(workflow, number);
    if (known != NULL) {
        closing_show(known);
        *out_task = known->removed ? NULL : known;
        return ERR_NONE;
    }
    struct decision *decision = workflow->decision;
    struct key key = key_task(workflow->id, workflow->row.run, number);
    struct task *task = ARENA_NEW(decision->arena, struct task);
    task->workflow = workflow;
    task->number = number;
    err error = row_get(decision->txn, &key, &task_row_record, decision->arena, &task->row);
    if (error.code == ERR_NOT_FOUND) {
        *out_task = NULL;
        return ERR_NONE;
    }
    TRY(error);
    TRY(decision_follow(decision, last_change_ms(&task->row)));
    TRY(blueprint_find(task));
    remember(workflow, task);
    closing_show(task);
    *out_task = task;
    return ERR_NONE;
}

err task_newest(
    struct workflow *workflow,
    bytes reference,
    struct task **out_task,
    struct reference_row *out_row
) {
    struct reference_row row = {0};
    err error = reference_read(workflow, reference, &row);
    if (error.code == ERR_NOT_FOUND) {
        *out_task = NULL;
        return ERR_NONE;
    }
    TRY(error);
    if (!bytes_equal(row.reference, reference)) {
        *out_task = NULL;
        return ERR_NONE;
    }
    TRY(task_load(workflow, row.task_no, out_task));
    if (!bytes_equal((*out_task)->row.reference, reference)) {
        *out_task = NULL; // the row of a base name
        return ERR_NONE;
    }
    if (out_row != NULL) {
        *out_row = row;
    }
    return ERR_NONE;
}

err task_latest(struct workflow *workflow, bytes base, struct task **out_task) {
    struct reference_row row = {0};
    err error = reference_read(workflow, base, &row);
    if (error.code == ERR_NOT_FOUND || (!err_is(error) && !bytes_equal(row.reference, base))) {
        *out_task = NULL;
        return ERR_NONE;
    }
    TRY(error);
    return task_find(workflow, row.task_no, out_task);
}

bytes task_base(const struct task *task) {
    return bytes_slice(task->row.reference, 0, task->row.reference.size - task_suffix(task).size);
}

bytes task_suffix(const struct task *task) {
    bytes reference = task->row.reference;
    const struct definition *tree = task->workflow->definition;
    size_t at = reference.size;
    uint32_t loop = tree->tasks[task->row.definition].loop;
    for (; loop != DEFINITION_NONE; loop = tree->tasks[loop].loop) {
        size_t digit = at;
        while (digit > 2 && reference.data[digit - 1] >= '0' && reference.data[digit - 1] <= '9') {
            digit--;
        }
        if (digit < 2 || digit == at || reference.data[digit - 1] != '_' ||
            reference.data[digit - 2] != '_') {
            break;
        }
        at = digit - 2;
    }
    return bytes_slice(reference, at, reference.size);
}

err task_exists(struct workflow *workflow, bytes reference, bool *out_exists) {
    struct task *task = NULL;
    TRY(task_newest(workflow, reference, &task, NULL));
    *out_exists = task != NULL;
    return ERR_NONE;
}

void task_put_reference(struct workflow *workflow, const struct reference_row *row) {
    struct key key = key_reference(workflow->id, workflow->row.run, row->reference);
    row_put(workflow->decision->txn, &key, &reference_row_record, row);
}

err task_open(
    struct decision *decision, bytes id_text, struct workflow **out_workflow, struct task **out_task
) {
    id128 id;
    if (!id_parse(id_text, &id)) {
        return err_make(ERR_NOT_FOUND, "no such task");
    }
    struct task_place_row place = {0};
    TRY(place_read(decision, id, &place));
    struct workflow *workflow = NULL;
    TRY(workflow_open_id(decision, place.workflow, &workflow));
    if (place.run != workflow->row.run) {
        return err_make(ERR_NOT_FOUND, "no such task");
    }
    TRY(task_load(workflow, place.task_no, out_task));
    *out_workflow = workflow;
    return ERR_NONE;
}

// Columns: from, to. New tasks begin in any status.
static const uint8_t task_moves[][2] = {
    {API_TASK_SCHEDULED, API_TASK_IN_PROGRESS},
    {API_TASK_SCHEDULED, API_TASK_COMPLETED},
    {API_TASK_SCHEDULED, API_TASK_COMPLETED_WITH_ERRORS},
    {API_TASK_SCHEDULED, API_TASK_FAILED},
    {API_TASK_SCHEDULED, API_TASK_FAILED_WITH_TERMINAL_ERROR},
    {API_TASK_SCHEDULED, API_TASK_TIMED_OUT},
    {API_TASK_SCHEDULED, API_TASK_CANCELED},
    {API_TASK_IN_PROGRESS, API_TASK_SCHEDULED},
    {API_TASK_IN_PROGRESS, API_TASK_COMPLETED},
    {API_TASK_IN_PROGRESS, API_TASK_COMPLETED_WITH_ERRORS},
    {API_TASK_IN_PROGRESS, API_TASK_FAILED},
    {API_TASK_IN_PROGRESS, API_TASK_FAILED_WITH_TERMINAL_ERROR},
    {API_TASK_IN_PROGRESS, API_TASK_TIMED_OUT},
    {API_TASK_IN_PROGRESS, API_TASK_CANCELED},
    {API_TASK_FAILED, API_TASK_COMPLETED_WITH_ERRORS},
    {API_TASK_FAILED_WITH_TERMINAL_ERROR, API_TASK_COMPLETED_WITH_ERRORS},
    {API_TASK_TIMED_OUT, API_TASK_COMPLETED_WITH_ERRORS},
    {API_TASK_CANCELED, API_TASK_COMPLETED_WITH_ERRORS},
};

err task_move(struct task *task, enum api_task_status status) {
    struct workflow *workflow = task->workflow;
    bool allowed = false;
    for (size_t i = 0; i < sizeof task_moves / sizeof task_moves[0]; i++) {
        allowed = allowed ||
                  (task_moves[i][0] == task->row.status && task_moves[i][1] == (uint8_t)status);
    }
    check(allowed);
    bool was_open = !task_is_terminal(task);
    task->row.status = (uint8_t)status;
    task->dirty = true;
    if (!was_open || !task_is_terminal(task)) {
        return ERR_NONE;
    }
    check(workflow->row.open_count > 0);
    workflow->row.open_count--;
    workflow_list_add(workflow, &workflow->row.pending, task->number);
    if (task->row.end_ms == 0) {
        task->row.end_ms = workflow->decision->now.ms;
    }
    timer_disarm(task);
    return queue_leave(task);
}

static int by_sequence(const void *left, const void *right) {
    const struct task *const *a = left;
    const struct task *const *b = right;
    if ((*a)->row.seq != (*b)->row.seq) {
        return (*a)->row.seq < (*b)->row.seq ? -1 : 1;
    }
    return (*a)->number < (*b)->number ? -1 : (*a)->number > (*b)->number;
}

err task_list(struct workflow *workflow, struct task ***out_tasks, uint32_t *out_count) {
    struct decision *decision = workflow->decision;
    workflow_save(workflow);
    uint32_t first = workflow->row.first_task_no > 0 ? workflow->row.first_task_no : 1;
    uint32_t most = workflow->row.next_task_no - first;
    uint32_t *numbers = ARENA_ARRAY(decision->arena, uint32_t, most + 1);
    uint32_t count = 0;
    struct key prefix = key_task_prefix(workflow->id, workflow->row.run);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix))) {
        struct key_task_parts parts;
        check(key_task_parse(key, &parts) && count < most);
        numbers[count++] = parts.task_no;
    }
    store_cursor_close(&cursor);
    struct task **tasks = ARENA_ARRAY(decision->arena, struct task *, most + 1);
    for (uint32_t i = 0; i < count; i++) {
        TRY(task_load(workflow, numbers[i], &tasks[i]));
    }
    if (count > 1) {
        qsort(tasks, count, sizeof tasks[0], by_sequence);
    }
    *out_tasks = tasks;
    *out_count = count;
    return ERR_NONE;
}

void task_reopen(struct task *task, enum api_task_status status) {
    struct workflow *workflow = task->workflow;
    check(task_is_terminal(task) && !api_task_status_is_terminal(status));
    task->row.status = (uint8_t)status;
    task->row.flags &= ~(uint32_t)(TASK_EXECUTED | TASK_RETRIED);
    task->row.end_ms = 0;
    task->dirty = true;
    workflow->row.open_count++;
    workflow_list_remove(workflow, &workflow->row.pending, task->number);
    workflow->dirty = true;
}

err task_note_latest(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct reference_row row = {0};
    if (task_suffix(task).size == 0) {
        return ERR_NONE;
    }
    err error = reference_read(workflow, task_base(task), &row);
    if (error.code != ERR_NOT_FOUND) {
        TRY(error);
        if (row.task_no >= task->number) {
            return ERR_NONE;
        }
    }
    row = (struct reference_row){.reference = task_base(task), .task_no = task->number};
    task_put_reference(workflow, &row);
    return ERR_NONE;
}

// The row of the base name goes with the task it points to: there is no newest one then, or
// task_note_latest tells which.
static err forget_base(const struct task *task) {
    struct decision *decision = task->workflow->decision;
    struct workflow *workflow = task->workflow;
    struct key key = key_reference(workflow->id, workflow->row.run, task_base(task));
    struct reference_row row = {0};
    if (task_suffix(task).size == 0) {
        return ERR_NONE;
    }
    err error = row_get(decision->txn, &key, &reference_row_record, decision->arena, &row);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    if (row.task_no == task->number) {
        store_txn_del(decision->txn, key_bytes(&key));
    }
    return ERR_NONE;
}

err task_before(const struct task *task, struct task **out_task) {
    struct task_place_row place = {0};
    *out_task = NULL;
    if (id_is_zero(task->row.retried_task)) {
        return ERR_NONE;
    }
    TRY(place_read(task->workflow->decision, task->row.retried_task, &place));
    return task_find(task->workflow, place.task_no, out_task);
}

err task_remove(struct task *task) {
    struct workflow *workflow = task->workflow;
    struct store_txn *txn = workflow->decision->txn;
    check(task_is_terminal(task));
    struct task *newest = NULL;
    struct reference_row reference = {0};
    TRY(task_newest(workflow, task->row.reference, &newest, &reference));
    if (newest == task && id_is_zero(task->row.retried_task)) {
        struct key key = key_reference(workflow->id, workflow->row.run, task->row.reference);
        store_txn_del(txn, key_bytes(&key));
    } else if (newest == task) {
        struct task *before = NULL;
        TRY(task_before(task, &before));
        if (before == NULL) {
            return err_make(ERR_CORRUPT, "the attempt before a task is missing");
        }
        before->row.flags &= ~(uint32_t)TASK_RETRIED;
        before->dirty = true;
        reference.task_no = before->number;
        task_put_reference(workflow, &reference);
    }
    TRY(forget_base(task));
    struct key by_id = key_task_id(task->row.id);
    store_txn_del(txn, key_bytes(&by_id));
    struct key row = key_task(workflow->id, workflow->row.run, task->number);
    store_txn_del(txn, key_bytes(&row));
    workflow_list_remove(workflow, &workflow->row.pending, task->number);
    workflow_list_remove(workflow, &workflow->row.permissive, task->number);
    task->dirty = false;
    task->removed = true;
    return ERR_NONE;
}

enum api_task_status task_status(const struct task *task) {
    return (enum api_task_status)task->row.status;
}

bool task_is_terminal(const struct task *task) {
    return api_task_status_is_terminal(task_status(task));
}

bool task_is_successful(const struct task *task) {
    return api_task_status_is_successful(task_status(task));
}

void task_set_reason(struct task *task, bytes reason) {
    task->dirty = true;
    if (reason.data == NULL) {
        task->row.flags &= ~(uint32_t)TASK_HAS_REASON;
        task->row.reason = BYTES_EMPTY;
        return;
    }
    size_t size = reason.size;
    if (size > LIMIT_TASK_REASON_BYTES) {
        size = LIMIT_TASK_REASON_BYTES;
        while (size > 0 && (reason.data[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    task->row.flags |= TASK_HAS_REASON;
    task->row.reason = arena_copy(task->workflow->decision->arena, bytes_slice(reason, 0, size));
}

void task_format_reason(struct task *task, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check(size >= 0);
    task_set_reason(
        task, bytes_of(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1)
    );
}

bool task_set_input(struct task *task, bytes json) {
    task->dirty = true;
    bool fits = json.size <= LIMIT_TASK_PAYLOAD_BYTES;
    struct payload stored = payload_store(task->workflow, fits ? json : JSON_EMPTY_OBJECT);
    task->row.input_blob = stored.blob;
    task->row.input_bytes = stored.bytes;
    return fits;
}

bool task_set_output(struct task *task, bytes json) {
    task->dirty = true;
    bool fits = json.size <= LIMIT_TASK_PAYLOAD_BYTES;
    payload_delete(task->workflow, task_output(task));
    struct payload stored = payload_store(task->workflow, fits ? json : JSON_EMPTY_OBJECT);
    task->row.output_blob = stored.blob;
    task->row.output_bytes = stored.bytes;
    return fits;
}

void task_set_too_large(struct task *task, size_t size) {
    bytes id = task_id_text(task);
    task_format_reason(
        task,
        "The payload size: %zu of task: %.*s in workflow: %.*s  is greater than the permissible "
        "limit: %d bytes",
        size,
        BYTES_ARG(id),
        BYTES_ARG(task->workflow->id_text),
        LIMIT_TASK_PAYLOAD_BYTES
    );
}

struct payload task_input(const struct task *task) {
    return (struct payload){task->row.input_blob, task->row.input_bytes};
}

struct payload task_output(const struct task *task) {
    return (struct payload){task->row.output_blob, task->row.output_bytes};
}

bytes task_id_text(const struct task *task) {
    return workflow_id_text(task->workflow->decision, task->row.id);
}

bytes task_type_text(const struct definition_task *definition) {
    if (definition->type == TASK_TYPE_SIMPLE) {
        return definition->model.name;
    }
    if (definition->type == TASK_TYPE_FORK_JOIN ||
        definition->type == TASK_TYPE_FORK_JOIN_DYNAMIC) {
        return BYTES_LITERAL("FORK");
    }
    return definition->model.type;
}

bytes task_definition_name(const struct task *task) {
    return task_kind_of(task->definition->type)->named_by_type ? task_type_text(task->definition)
                                                               : task->definition->model.name;
}

// The tasks a command touched are a hash table by number, half empty at least.
static uint32_t slot_of(const struct workflow *workflow, uint32_t number) {
    uint32_t mask = workflow->slot_count - 1;
    uint32_t slot = (number * UINT32_C(2654435761)) & mask;
    while (workflow->slots[slot] != NULL && workflow->slots[slot]->number != number) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static struct task *recall(struct workflow *workflow, uint32_t number) {
    return workflow->slot_count == 0 ? NULL : workflow->slots[slot_of(workflow, number)];
}

static void remember(struct workflow *workflow, struct task *task) {
    if (workflow->task_count * 2 >= workflow->slot_count) {
        struct task **old = workflow->slots;
        uint32_t old_count = workflow->slot_count;
        workflow->slot_count = old_count == 0 ? 16 : old_count * 2;
        workflow->slots =
            ARENA_ARRAY(workflow->decision->arena, struct task *, workflow->slot_count);
        for (uint32_t i = 0; i < old_count; i++) {
            if (old[i] != NULL) {
                workflow->slots[slot_of(workflow, old[i]->number)] = old[i];
            }
        }
    }
    workflow->slots[slot_of(workflow, task->number)] = task;
    workflow->task_count++;
}

static err
reference_read(struct workflow *workflow, bytes reference, struct reference_row *out_row) {
    const struct decision *decision = workflow->decision;
    struct key key = key_reference(workflow->id, workflow->row.run, reference);
    return workflow->is_fresh
               ? row_get_own(decision->txn, &key, &reference_row_record, decision->arena, out_row)
               : row_get(decision->txn, &key, &reference_row_record, decision->arena, out_row);
}

static err place_read(struct decision *decision, id128 id, struct task_place_row *out_place) {
    struct key key = key_task_id(id);
    return row_get(decision->txn, &key, &task_place_row_record, decision->arena, out_place);
}
