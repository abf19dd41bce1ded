// Rows that lie outside their workflow: each must be the one its owner remembers. A row without
// owner does no harm by itself – who comes by it looks at the owner –, but something forgot it.
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "scheduler/audit_internal.h"
#include "scheduler/index.h"
#include "scheduler/limit.h"
#include "scheduler/queue.h"
#include "scheduler/staging.h"
#include "scheduler/timer.h"

#include <string.h>

static err queue_row_look(struct audit *audit, bytes key);
static err timer_row_look(struct audit *audit, bytes key);
static err index_row_look(struct audit *audit, bytes key);

static err row_look(struct audit *audit, enum key_kind kind, bytes key) {
    switch ((int)kind) {
    case KEY_QUEUE:
        return queue_row_look(audit, key);
    case KEY_TIMER:
        return timer_row_look(audit, key);
    default:
        return index_row_look(audit, key);
    }
}

// One row a cursor: looking at the owner walks rows of its own.
static bool row_next(struct audit *audit, enum key_kind kind, bytes *out_key) {
    struct decision *decision = &audit->decision;
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&audit->next));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bool found = store_cursor_next(cursor, &key, &value) && key.data[0] == kind;
    if (found) {
        check(key.size < sizeof(audit->next.bytes));
        *out_key = arena_copy(decision->arena, key);
        memcpy(audit->next.bytes, key.data, key.size);
        audit->next.bytes[key.size] = 0;
        audit->next.size = (uint16_t)(key.size + 1);
    }
    store_cursor_close(&cursor);
    return found;
}

err audit_rows(struct audit *audit, enum key_kind kind, bool *out_end) {
    bytes key = BYTES_EMPTY;
    while (audit->rows > 0) {
        audit->rows--;
        if (!row_next(audit, kind, &key)) {
            *out_end = true;
            return ERR_NONE;
        }
        TRY(row_look(audit, kind, key));
    }
    return ERR_NONE;
}

// NULL: there is none.
static err owner(struct audit *audit, id128 id, struct workflow **out_workflow) {
    *out_workflow = NULL;
    err error = workflow_open_any(&audit->decision, id, out_workflow);
    return error.code == ERR_NOT_FOUND ? ERR_NONE : error;
}

static err queue_row_look(struct audit *audit, bytes key) {
    struct task *task = NULL;
    struct key_queue_parts parts = {0};
    TRY(queue_find(&audit->decision, key, &task));
    if (task == NULL && key_queue_parse(key, &parts)) {
        audit_fault(
            audit,
            22,
            "a row of queue %016llx, ready at %lld, has no ready task",
            (unsigned long long)parts.queue_hash,
            (long long)parts.ready_ms
        );
    }
    return ERR_NONE;
}

static err limit_remembers(struct audit *audit, const struct key_timer_parts *timer, bool *out) {
    struct key key = key_limit(bytes_get_u64(timer->workflow.bytes));
    bytes value = BYTES_EMPTY;
    struct limit_row row = {0};
    err error = store_txn_get(audit->decision.txn, key_bytes(&key), &value);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(error);
    TRY(wire_decode(&limit_row_record, value, audit->decision.arena, &row));
    *out = row.timer_ms == timer->due_ms;
    return ERR_NONE;
}

static err task_remembers(
    struct workflow *workflow, const struct key_timer_parts *timer, bool *out_remembers
) {
    struct task *task = NULL;
    if (timer->task_no >= workflow->row.next_task_no) {
        return ERR_NONE;
    }
    TRY(task_find(workflow, timer->task_no, &task));
    *out_remembers = task != NULL && task->row.timer_due_ms == timer->due_ms &&
                     task->row.timer_generation == timer->generation;
    return ERR_NONE;
}

static err remembers(struct audit *audit, const struct key_timer_parts *timer, bool *out) {
    struct workflow *workflow = NULL;
    if (timer->kind == TIMER_SWEEP) { // nobody remembers those
        if (audit->whole) {
            uint64_t hash =
                hash_sip64(bytes_of(timer->workflow.bytes, sizeof(timer->workflow.bytes)));
            table_put(&audit->swept, hash, audit);
        }
        *out = true;
        return ERR_NONE;
    }
    if (timer->kind == TIMER_LIMIT) {
        return limit_remembers(audit, timer, out);
    }
    if (timer->kind == TIMER_STAGE) {
        return staging_remembers(&audit->decision, timer, out);
    }
    TRY(owner(audit, timer->workflow, &workflow));
    if (workflow == NULL) {
        return ERR_NONE;
    }
    const struct workflow_row *row = &workflow->row;
    if (timer->kind == TIMER_TASK) {
        return task_remembers(workflow, timer, out);
    }
    bool is_timeout = timer->kind == TIMER_WORKFLOW;
    *out = is_timeout
               ? row->timer_due_ms == timer->due_ms && row->timer_generation == timer->generation
               : row->continue_due_ms == timer->due_ms &&
                     row->continue_generation == timer->generation;
    return ERR_NONE;
}

static err timer_row_look(struct audit *audit, bytes key) {
    struct key_timer_parts timer;
    bool known = false;
    if (!key_timer_parse(key, &timer)) {
        return err_make(ERR_CORRUPT, "a timer's key is malformed");
    }
    TRY(remembers(audit, &timer, &known));
    if (!known) {
        audit_fault(
            audit,
            23,
            "a timer of kind %u due at %lld, of workflow %.*s task %u, has no owner",
            timer.kind,
            (long long)timer.due_ms,
            BYTES_ARG(workflow_id_text(&audit->decision, timer.workflow)),
            timer.task_no
        );
    }
    return ERR_NONE;
}

static err index_row_look(struct audit *audit, bytes key) {
    struct key_index_parts parts;
    struct workflow *workflow = NULL;
    if (!key_index_parse(key, &parts)) {
        return err_make(ERR_CORRUPT, "an index row's key is malformed");
    }
    TRY(owner(audit, parts.workflow, &workflow));
    if (workflow == NULL || !index_wants(workflow, key)) {
        audit_fault(
            audit,
            32,
            "an index row of kind %u says of workflow %.*s what its header does not",
            parts.kind,
            BYTES_ARG(workflow_id_text(&audit->decision, parts.workflow))
        );
    }
    return ERR_NONE;
}
