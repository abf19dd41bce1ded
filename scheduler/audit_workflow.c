// One workflow: its tasks are recounted, and each row outside it must be the one it remembers.
#include "proto/base/hash.h"
#include "proto/limits.h"
#include "scheduler/audit_internal.h"
#include "scheduler/commands/commands.h"
#include "scheduler/index.h"
#include "scheduler/limit.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"

static err look(struct audit *audit, id128 id);
static err tasks_of(struct audit *audit, struct workflow *workflow);
static err task_look(struct audit *audit, struct task *task);
static void place_look(struct audit *audit, struct task *task);
static void timer_look(
    struct audit *audit,
    struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation
);
static void header_look(struct audit *audit, struct workflow *workflow);

err audit_workflow(struct audit *audit, id128 id) {
    audit->items_count = 0;
    TRY(look(audit, id));
    tally_keep(audit, id);
    return ERR_NONE;
}

err audit_workflow_again(struct audit *audit, id128 id) {
    err error = audit_workflow(audit, id);
    if (error.code == ERR_NOT_FOUND) { // it was removed
        audit->items_count = 0;
        tally_keep(audit, id);
        return ERR_NONE;
    }
    return error;
}

static void spend(struct audit *audit, uint32_t rows) {
    audit->rows -= rows < audit->rows ? rows : audit->rows;
}

// A whole audit walks all blobs by itself.
static void payload_look(struct audit *audit, struct workflow *workflow, struct payload payload) {
    if (!audit->whole && payload.blob != 0) {
        spend(audit, 1);
        audit_payload(audit, workflow, payload);
    }
}

static err look(struct audit *audit, id128 id) {
    struct workflow *workflow = NULL;
    spend(audit, 1);
    TRY(workflow_open_any(&audit->decision, id, &workflow));
    header_look(audit, workflow);
    if (audit->whole) {
        tally_item_add(audit, bytes_get_u64(workflow->row.definition.bytes), TALLY_DEFINITION);
    }
    workflow->row.closing_next = 0; // tasks are looked at as they are
    if (!audit->whole && workflow->row.next_task_no > LIMIT_AUDIT_TASKS) {
        audit->counted = audit->counted && workflow_is_terminal(workflow);
        return ERR_NONE;
    }
    return tasks_of(audit, workflow);
}

// --- the header
// -------------------------------------------------------------------------------------------

static void header_look(struct audit *audit, struct workflow *workflow) {
    const struct workflow_row *row = &workflow->row;
    timer_look(audit, workflow, row->timer_due_ms, TIMER_WORKFLOW, 0, row->timer_generation);
    timer_look(audit, workflow, row->continue_due_ms, TIMER_CONTINUE, 0, row->continue_generation);
    if (!index_is_whole(workflow)) {
        audit_fault(
            audit, 32, "workflow %.*s lacks a row that finds it", BYTES_ARG(workflow->id_text)
        );
    }
    struct payload domains = {row->domains_blob, row->domains_bytes};
    payload_look(audit, workflow, workflow_input(workflow));
    payload_look(audit, workflow, workflow_output(workflow));
    payload_look(audit, workflow, workflow_variables(workflow));
    payload_look(audit, workflow, domains);
    bool waits = row->open_count > 0 && row->pending.count == 0;
    if (row->status == API_WORKFLOW_RUNNING && !waits && row->continue_due_ms == 0) {
        audit_fault(
            audit,
            36,
            "workflow %.*s is RUNNING with %u open and %u pending tasks and nothing to wait for",
            BYTES_ARG(workflow->id_text),
            row->open_count,
            row->pending.count
        );
    }
    bool closes = row->closing_next != 0 && row->continue_due_ms != 0;
    if (workflow_is_terminal(workflow) && !closes &&
        (row->open_count > 0 || row->pending.count > 0)) {
        audit_fault(audit, 26, "workflow %.*s ended with open tasks", BYTES_ARG(workflow->id_text));
    }
}

static void timer_look(
    struct audit *audit,
    struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation
) {
    struct key key = key_timer(due_ms, (uint8_t)kind, workflow->id, task_no, generation);
    if (due_ms != 0 && !audit_has_row(audit, &key)) {
        audit_fault(
            audit,
            23,
            "a timer of workflow %.*s task %u has no row",
            BYTES_ARG(workflow->id_text),
            task_no
        );
    }
}

// --- its tasks
// --------------------------------------------------------------------------------------------

static uint32_t
numbers_of(struct audit *audit, const struct workflow *workflow, uint32_t *out_numbers) {
    struct decision *decision = &audit->decision;
    struct key prefix = key_task_prefix(workflow->id, workflow->row.run);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_task_parts parts;
    uint32_t count = 0;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix)) &&
           key_task_parse(key, &parts) && count < workflow->row.next_task_no) {
        out_numbers[count++] = parts.task_no;
    }
    store_cursor_close(&cursor);
    return count;
}

static void open_look(struct audit *audit, struct table *references, struct task *task) {
    uint64_t reference = hash_sip64(task->row.reference);
    if (table_get(references, reference) != NULL) {
        audit_fault(
            audit,
            20,
            "workflow %.*s has two open attempts of %.*s",
            BYTES_ARG(task->workflow->id_text),
            BYTES_ARG(task->row.reference)
        );
    }
    table_put(references, reference, task);
}

static err tasks_of(struct audit *audit, struct workflow *workflow) {
    uint32_t *numbers =
        ARENA_ARRAY(audit->decision.arena, uint32_t, workflow->row.next_task_no + 1);
    uint32_t count = numbers_of(audit, workflow, numbers);
    spend(audit, count);
    uint32_t open = 0;
    struct table references;
    table_init(&references);
    err error = ERR_NONE;
    for (uint32_t i = 0; i < count && !err_is(error); i++) {
        struct task *task = NULL;
        error = task_load(workflow, numbers[i], &task);
        if (!err_is(error)) {
            error = task_look(audit, task);
        }
        if (!err_is(error) && !task_is_terminal(task)) {
            open++;
            open_look(audit, &references, task);
        }
    }
    table_deinit(&references);
    if (!err_is(error) && open != workflow->row.open_count) {
        audit_fault(
            audit,
            26,
            "workflow %.*s counts %u open tasks and has %u",
            BYTES_ARG(workflow->id_text),
            workflow->row.open_count,
            open
        );
    }
    return error;
}

static err id_look(struct audit *audit, struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes id = task_id_text(task);
    struct workflow *found_workflow = NULL;
    struct task *found = NULL;
    if ((workflow->row.flags & WORKFLOW_REMOVED) != 0) {
        return ERR_NONE; // nobody is to find it
    }
    err error = task_open(&audit->decision, id, &found_workflow, &found);
    if (error.code == ERR_NOT_FOUND ||
        (!err_is(error) &&
         (found->number != task->number || !id_equal(found_workflow->id, workflow->id)))) {
        audit_fault(audit, 20, "task %.*s cannot be found by its id", BYTES_ARG(id));
        return ERR_NONE;
    }
    return error;
}

static err task_look(struct audit *audit, struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes id = task_id_text(task);
    TRY(id_look(audit, task));
    place_look(audit, task);
    const struct task_row *row = &task->row;
    payload_look(audit, workflow, task_input(task));
    payload_look(audit, workflow, task_output(task));
    payload_look(audit, workflow, (struct payload){row->own_blob, row->own_bytes});
    payload_look(audit, workflow, (struct payload){row->parameters_blob, row->parameters_bytes});
    timer_look(audit, workflow, row->timer_due_ms, TIMER_TASK, task->number, row->timer_generation);
    for (int deadline = 0; deadline < DEADLINE_COUNT && !task_is_terminal(task); deadline++) {
        int64_t due_ms = timer_deadline(task, (enum task_deadline)deadline);
        if (due_ms != TIMER_NEVER && (row->timer_due_ms == 0 || row->timer_due_ms > due_ms)) {
            audit_fault(
                audit, 23, "task %.*s has no timer for what is due about it", BYTES_ARG(id)
            );
            break;
        }
    }
    return ERR_NONE;
}

// --- where it waits
// ---------------------------------------------------------------------------------------

static bool place_is_right(const struct task *task, enum task_place place) {
    const struct task_kind *kind = task_kind_of(task->definition->type);
    bool queued = kind->worker || kind->called;
    if (queued && task->row.status == API_TASK_SCHEDULED) {
        return place == TASK_PLACE_READY || place == TASK_PLACE_DELAYED;
    }
    if (queued && task->row.status == API_TASK_IN_PROGRESS) {
        return place == TASK_PLACE_CLAIMED || (kind->called && place == TASK_PLACE_NONE);
    }
    return place == TASK_PLACE_NONE;
}

static void place_look(struct audit *audit, struct task *task) {
    bytes id = task_id_text(task);
    enum task_place place = (enum task_place)task->row.place;
    if (!place_is_right(task, place)) {
        audit_fault(audit, 22, "task %.*s is in the wrong place %d", BYTES_ARG(id), (int)place);
    }
    if (place == TASK_PLACE_NONE) {
        return;
    }
    uint64_t queue = queue_hash(queue_name_of(task));
    if (place == TASK_PLACE_CLAIMED) {
        tally_item_add(audit, queue, TALLY_IN_PROGRESS);
        if (limit_is_concurrent(task)) {
            tally_item_add(audit, limit_hash(task), TALLY_PERMIT);
        }
        return;
    }
    tally_item_add(audit, queue, place == TASK_PLACE_READY ? TALLY_READY : TALLY_DELAYED);
    struct key key = queue_key_of(task);
    if (place == TASK_PLACE_READY && !audit_has_row(audit, &key)) {
        audit_fault(audit, 22, "ready task %.*s has no queue row", BYTES_ARG(id));
    }
}
