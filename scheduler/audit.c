// Every workflow is opened like a command would, its tasks are recounted, and each row outside it
// (queue, timer, place) must be the one its task remembers. The other direction – a row whose task
// does not remember it – is found by counting: as many rows as tasks that have one.
#include "scheduler/audit.h"

#include "proto/base/hash.h"
#include "proto/base/table.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/limit.h"
#include "scheduler/message.h"
#include "scheduler/permit.h"
#include "scheduler/queue.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

#include <stdarg.h>

#include <stdio.h>
#include <string.h>

struct audit {
    struct decision decision;
    group_id group;
    const struct audit_report *report;
    struct table limits; // limit hash → limit_row as recounted
    struct table queues; // queue hash → queue_counter_row as recounted
    uint64_t queue_rows; // tasks that must have one
    uint64_t timer_rows; // timers somebody must have
};

static err audit_workflows(struct audit *audit);
static err audit_workflow(struct audit *audit, id128 id);
static err audit_tasks(
    struct audit *audit, struct workflow *workflow, const uint32_t *numbers, uint32_t count
);
static err audit_task(struct audit *audit, struct task *task);
static err audit_timer(
    struct audit *audit,
    struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation
);
static void audit_place(struct audit *audit, struct task *task);
static err audit_counts(struct audit *audit);
static err audit_limits(struct audit *audit);
static void audit_limit(struct audit *audit, uint64_t hash, const struct limit_row *row);
static err audit_streams(struct audit *audit, uint32_t group_count);
static uint64_t count_rows(struct audit *audit, enum key_kind kind);
static uint64_t count_timers(struct audit *audit);
static bool has_row(struct audit *audit, const struct key *key);
static struct queue_counter_row *recount(struct audit *audit, bytes queue);
PRINTF_LIKE(2, 3) static void fault(struct audit *audit, const char *format, ...);

err scheduler_check_invariants(
    struct store *store,
    group_id group,
    uint32_t group_count,
    struct definition_cache *definitions,
    const struct audit_report *report
) {
    struct arena *arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    struct random random;
    random_init(&random, 1);
    struct scheduler_settings settings = {.group_count = group_count};
    struct audit audit = {.group = group, .report = report};
    audit.decision = (struct decision){
        .store = store,
        .arena = arena,
        .now = {store_group(store, group).time_ms},
        .random = &random,
        .definitions = definitions,
        .settings = &settings,
    };
    table_init(&audit.queues);
    table_init(&audit.limits);
    err error = store_txn_begin(store, group, &audit.decision.txn);
    if (!err_is(error)) {
        error = audit_workflows(&audit);
    }
    if (!err_is(error)) {
        error = audit_limits(&audit);
    }
    if (!err_is(error)) {
        error = audit_counts(&audit);
    }
    if (!err_is(error)) {
        error = audit_streams(&audit, group_count);
    }
    store_txn_abort(&audit.decision.txn);
    table_deinit(&audit.queues);
    table_deinit(&audit.limits);
    arena_destroy(&arena);
    return error.code == ERR_OK ? ERR_NONE : err_make(error.code, "the audit could not read a row");
}

static err audit_workflows(struct audit *audit) {
    struct key prefix = key_kind_prefix(KEY_WORKFLOW);
    struct decision *decision = &audit->decision;
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    id128 *ids = NULL;
    size_t count = 0;
    size_t capacity = 0;
    id128 id;
    while (store_cursor_next(cursor, &key, &value) && key_workflow_parse(key, &id)) {
        if (count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            id128 *grown = ARENA_ARRAY(decision->arena, id128, capacity);
            if (count > 0) {
                memcpy(grown, ids, count * sizeof(id128));
            }
            ids = grown;
        }
        ids[count++] = id;
    }
    store_cursor_close(&cursor);
    for (size_t i = 0; i < count; i++) {
        TRY(audit_workflow(audit, ids[i]));
    }
    return ERR_NONE;
}

static err audit_workflow(struct audit *audit, id128 id) {
    struct decision *decision = &audit->decision;
    struct workflow *workflow = NULL;
    TRY(workflow_open_id(decision, id, &workflow));
    uint32_t *numbers = ARENA_ARRAY(decision->arena, uint32_t, workflow->row.next_task_no);
    uint32_t count = 0;
    struct key prefix = key_task_prefix(id, workflow->row.run);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_task_parts parts;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix)) &&
           key_task_parse(key, &parts) && count < workflow->row.next_task_no) {
        numbers[count++] = parts.task_no;
    }
    store_cursor_close(&cursor);
    TRY(audit_tasks(audit, workflow, numbers, count));
    const struct workflow_row *row = &workflow->row;
    TRY(audit_timer(audit, workflow, row->timer_due_ms, TIMER_WORKFLOW, 0, row->timer_generation));
    TRY(audit_timer(
        audit, workflow, row->continue_due_ms, TIMER_CONTINUE, 0, row->continue_generation
    ));
    bool waits = row->open_count > 0 && row->pending.count == 0;
    if (row->status == API_WORKFLOW_RUNNING && !waits && row->continue_due_ms == 0) {
        fault(
            audit,
            "workflow %.*s is RUNNING with %u open and %u pending tasks and nothing to wait for",
            BYTES_ARG(workflow->id_text),
            row->open_count,
            row->pending.count
        );
    }
    if (workflow_is_terminal(workflow) && (row->open_count > 0 || row->pending.count > 0)) {
        fault(audit, "workflow %.*s ended with open tasks", BYTES_ARG(workflow->id_text));
    }
    return ERR_NONE;
}

static err audit_tasks(
    struct audit *audit, struct workflow *workflow, const uint32_t *numbers, uint32_t count
) {
    uint32_t open = 0;
    struct table open_references;
    table_init(&open_references);
    err error = ERR_NONE;
    for (uint32_t i = 0; i < count && !err_is(error); i++) {
        struct task *task = NULL;
        error = task_load(workflow, numbers[i], &task);
        if (err_is(error)) {
            break;
        }
        error = audit_task(audit, task);
        if (task_is_terminal(task)) {
            continue;
        }
        open++;
        uint64_t reference = hash_sip64(task->row.reference);
        if (table_get(&open_references, reference) != NULL) {
            fault(
                audit,
                "workflow %.*s has two open attempts of %.*s",
                BYTES_ARG(workflow->id_text),
                BYTES_ARG(task->row.reference)
            );
        }
        table_put(&open_references, reference, task);
    }
    table_deinit(&open_references);
    if (!err_is(error) && open != workflow->row.open_count) {
        fault(
            audit,
            "workflow %.*s counts %u open tasks and has %u",
            BYTES_ARG(workflow->id_text),
            workflow->row.open_count,
            open
        );
    }
    return error;
}

static err audit_task(struct audit *audit, struct task *task) {
    struct workflow *workflow = task->workflow;
    bytes id = task_id_text(task);
    struct workflow *found_workflow = NULL;
    struct task *found = NULL;
    err error = task_open(&audit->decision, id, &found_workflow, &found);
    if (error.code == ERR_NOT_FOUND ||
        (!err_is(error) &&
         (found->number != task->number || !id_equal(found_workflow->id, workflow->id)))) {
        fault(audit, "task %.*s cannot be found by its id", BYTES_ARG(id));
    } else {
        TRY(error);
    }
    audit_place(audit, task);
    TRY(audit_timer(
        audit,
        workflow,
        task->row.timer_due_ms,
        TIMER_TASK,
        task->number,
        task->row.timer_generation
    ));
    if (task_is_terminal(task)) {
        return ERR_NONE;
    }
    for (int deadline = 0; deadline < DEADLINE_COUNT; deadline++) {
        int64_t due_ms = timer_deadline(task, (enum task_deadline)deadline);
        if (due_ms != TIMER_NEVER &&
            (task->row.timer_due_ms == 0 || task->row.timer_due_ms > due_ms)) {
            fault(audit, "task %.*s has no timer for what is due about it", BYTES_ARG(id));
            break;
        }
    }
    return ERR_NONE;
}

static err audit_timer(
    struct audit *audit,
    struct workflow *workflow,
    int64_t due_ms,
    enum timer_kind kind,
    uint32_t task_no,
    uint32_t generation
) {
    if (due_ms == 0) {
        return ERR_NONE;
    }
    audit->timer_rows++;
    struct key key = key_timer(due_ms, (uint8_t)kind, workflow->id, task_no, generation);
    if (!has_row(audit, &key)) {
        fault(
            audit,
            "a timer of workflow %.*s task %u has no row",
            BYTES_ARG(workflow->id_text),
            task_no
        );
    }
    return ERR_NONE;
}

static void audit_place(struct audit *audit, struct task *task) {
    bytes id = task_id_text(task);
    enum task_place place = (enum task_place)task->row.place;
    const struct task_kind *kind = task_kind_of(task->definition->type);
    bool queued = kind->worker || kind->called;
    bool scheduled = task->row.status == API_TASK_SCHEDULED;
    bool claimed = task->row.status == API_TASK_IN_PROGRESS;
    bool right = place == TASK_PLACE_NONE;
    if (queued && scheduled) {
        right = place == TASK_PLACE_READY || place == TASK_PLACE_DELAYED;
    } else if (queued && claimed) {
        right = place == TASK_PLACE_CLAIMED || (kind->called && place == TASK_PLACE_NONE);
    }
    if (!right) {
        fault(audit, "task %.*s is in the wrong place %d", BYTES_ARG(id), (int)place);
    }
    if (place == TASK_PLACE_NONE) {
        return;
    }
    bytes name = queue_name_of(task);
    struct queue_counter_row *counters = recount(audit, name);
    counters->ready += place == TASK_PLACE_READY ? 1u : 0u;
    counters->delayed += place == TASK_PLACE_DELAYED ? 1u : 0u;
    counters->in_progress += place == TASK_PLACE_CLAIMED ? 1u : 0u;
    if (place == TASK_PLACE_CLAIMED && limit_is_concurrent(task)) {
        uint64_t hash = limit_hash(task);
        struct limit_row *limit = table_get(&audit->limits, hash);
        if (limit == NULL) {
            limit = ARENA_NEW(audit->decision.arena, struct limit_row);
            table_put(&audit->limits, hash, limit);
        }
        limit->held++;
    }
    if (place != TASK_PLACE_READY) {
        return;
    }
    audit->queue_rows++;
    struct key key = key_queue(
        queue_hash(name), task->row.queue_priority, task->row.ready_ms, task->row.queue_sequence
    );
    if (!has_row(audit, &key)) {
        fault(audit, "ready task %.*s has no queue row", BYTES_ARG(id));
    }
}

static err audit_counts(struct audit *audit) {
    struct decision *decision = &audit->decision;
    uint64_t queue_rows = count_rows(audit, KEY_QUEUE);
    if (queue_rows != audit->queue_rows) {
        fault(
            audit,
            "%llu queue rows for %llu ready tasks",
            (unsigned long long)queue_rows,
            (unsigned long long)audit->queue_rows
        );
    }
    uint64_t timer_rows = count_timers(audit);
    if (timer_rows != audit->timer_rows) {
        fault(
            audit,
            "%llu timer rows for %llu timers",
            (unsigned long long)timer_rows,
            (unsigned long long)audit->timer_rows
        );
    }
    struct key prefix = key_kind_prefix(KEY_QUEUE_COUNTERS);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint64_t hash = 0;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           key_queue_counters_parse(key, &hash)) {
        struct queue_counter_row row = {0};
        error = wire_decode(&queue_counter_row_record, value, decision->arena, &row);
        if (err_is(error)) {
            break;
        }
        struct queue_counter_row *counted = recount(audit, row.queue);
        if (row.ready != counted->ready || row.delayed != counted->delayed ||
            row.in_progress != counted->in_progress) {
            fault(
                audit,
                "queue %.*s counts %u ready, %u delayed, %u in progress; there are %u, %u, %u",
                BYTES_ARG(row.queue),
                row.ready,
                row.delayed,
                row.in_progress,
                counted->ready,
                counted->delayed,
                counted->in_progress
            );
        }
    }
    store_cursor_close(&cursor);
    return error;
}

// Permits in use equal the tasks that use one (distributed.md §15.2, 27).
static err audit_limits(struct audit *audit) {
    struct decision *decision = &audit->decision;
    struct key prefix = key_kind_prefix(KEY_LIMIT);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    uint64_t hash = 0;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct limit_row row = {0};
        if (!key_limit_parse(key, &hash)) {
            continue; // home's
        }
        error = wire_decode(&limit_row_record, value, decision->arena, &row);
        if (!err_is(error)) {
            audit_limit(audit, hash, &row);
        }
    }
    store_cursor_close(&cursor);
    return error;
}

static void audit_limit(struct audit *audit, uint64_t hash, const struct limit_row *row) {
    const struct limit_row *counted = table_get(&audit->limits, hash);
    uint32_t held = counted != NULL ? counted->held : 0;
    if (row->held != held) {
        fault(
            audit,
            "limit %.*s has %u permits in use for %u tasks",
            BYTES_ARG(row->name),
            row->held,
            held
        );
    }
    if (row->timer_ms == 0) {
        return;
    }
    audit->timer_rows++;
    struct key timer = key_timer(row->timer_ms, TIMER_LIMIT, permit_timer_id(hash), 0, 0);
    if (!has_row(audit, &timer)) {
        fault(audit, "limit %.*s has no timer to return permits", BYTES_ARG(row->name));
    }
}

// distributed.md §15.2, 28: numbers without gaps up to the stream's newest, and the receiver not
// past it.
static err audit_streams(struct audit *audit, uint32_t group_count) {
    struct decision *decision = &audit->decision;
    for (uint32_t destination = 1; destination < group_count; destination++) {
        struct key stream_key = key_stream((uint16_t)destination);
        struct stream_row stream = {0};
        bytes value = BYTES_EMPTY;
        err error = store_txn_get(decision->txn, key_bytes(&stream_key), &value);
        if (error.code != ERR_NOT_FOUND) {
            TRY(error);
            TRY(wire_decode(&stream_row_record, value, decision->arena, &stream));
        }
        const struct audit_report *report = audit->report;
        struct store *other = report->store_of == NULL
                                  ? decision->store
                                  : report->store_of(report->argument, (group_id)destination);
        if (other == NULL) {
            continue;
        }
        uint64_t watermark = 0;
        TRY(message_watermark(other, (group_id)destination, audit->group, &watermark));
        uint64_t last = 0;
        bool contiguous = true;
        uint64_t first = 0;
        struct key prefix = key_outbox_prefix((uint16_t)destination);
        struct store_cursor *cursor =
            store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
        bytes key = BYTES_EMPTY;
        struct key_outbox_parts parts;
        while (store_cursor_next(cursor, &key, &value) && key_outbox_parse(key, &parts) &&
               parts.destination == destination) {
            contiguous = contiguous && (last == 0 || parts.sequence == last + 1);
            first = first == 0 ? parts.sequence : first;
            last = parts.sequence;
        }
        store_cursor_close(&cursor);
        if (!contiguous || (last != 0 && last != stream.sequence) || watermark > stream.sequence ||
            (first != 0 && watermark + 1 < first) || (first == 0 && watermark != stream.sequence)) {
            fault(
                audit,
                "stream to group %u: messages %llu to %llu, newest %llu, applied %llu",
                destination,
                (unsigned long long)first,
                (unsigned long long)last,
                (unsigned long long)stream.sequence,
                (unsigned long long)watermark
            );
        }
    }
    return ERR_NONE;
}

static uint64_t count_rows(struct audit *audit, enum key_kind kind) {
    struct key prefix = key_kind_prefix(kind);
    struct store_cursor *cursor = store_cursor_open(
        audit->decision.store, audit->decision.txn, audit->group, key_bytes(&prefix)
    );
    uint64_t count = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix))) {
        count++;
    }
    store_cursor_close(&cursor);
    return count;
}

// But for those that sweep: nobody remembers them.
static uint64_t count_timers(struct audit *audit) {
    struct key prefix = key_kind_prefix(KEY_TIMER);
    struct store_cursor *cursor = store_cursor_open(
        audit->decision.store, audit->decision.txn, audit->group, key_bytes(&prefix)
    );
    uint64_t count = 0;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_timer_parts parts;
    while (store_cursor_next(cursor, &key, &value) && key_timer_parse(key, &parts)) {
        count += parts.kind != TIMER_SWEEP ? 1u : 0u;
    }
    store_cursor_close(&cursor);
    return count;
}

static bool has_row(struct audit *audit, const struct key *key) {
    bytes value = BYTES_EMPTY;
    return !err_is(store_txn_get(audit->decision.txn, key_bytes(key), &value));
}

static struct queue_counter_row *recount(struct audit *audit, bytes queue) {
    uint64_t hash = queue_hash(queue);
    struct queue_counter_row *row = table_get(&audit->queues, hash);
    if (row == NULL) {
        row = ARENA_NEW(audit->decision.arena, struct queue_counter_row);
        table_put(&audit->queues, hash, row);
    }
    return row;
}

static void fault(struct audit *audit, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check(size >= 0);
    audit->report->fault(audit->report->argument, text);
}
