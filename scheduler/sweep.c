// Tasks go first, with the row that finds each by its id; what is left hangs on nothing but the
// timers of stages, which go with them.
#include "scheduler/sweep.h"

#include "proto/limits.h"
#include "scheduler/rows.h"
#include "scheduler/staging.h"
#include "scheduler/timer.h"
#include "storage/keys.h"

struct sweep {
    struct decision *decision;
    id128 workflow;
    uint32_t run;
    bytes *keys;
    uint32_t count;
};

static err collect(struct sweep *sweep);
static err add(struct sweep *sweep, bytes key, bytes value);

err sweep_rows(struct decision *decision, id128 workflow, uint32_t run) {
    struct sweep sweep = {.decision = decision, .workflow = workflow, .run = run};
    // A task or a stage brings one more row.
    sweep.keys = ARENA_ARRAY(decision->arena, bytes, LIMIT_SWEEP_ROWS + 1);
    TRY(collect(&sweep));
    for (uint32_t i = 0; i < sweep.count; i++) {
        store_txn_del(decision->txn, sweep.keys[i]);
    }
    if (sweep.count >= LIMIT_SWEEP_ROWS) {
        timer_sweep(decision, workflow, run);
    }
    return ERR_NONE;
}

// Keys lie run by run, and in a run tasks first.
static err collect(struct sweep *sweep) {
    struct decision *decision = sweep->decision;
    struct key prefix = key_of_workflow_prefix(sweep->workflow);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    struct key_execution_parts parts;
    while (!err_is(error) && sweep->count < LIMIT_SWEEP_ROWS &&
           store_cursor_next(cursor, &key, &value) && key_execution_parse(key, &parts) &&
           id_equal(parts.workflow, sweep->workflow) && parts.run <= sweep->run) {
        error = add(sweep, key, value);
    }
    store_cursor_close(&cursor);
    return error;
}

static err add(struct sweep *sweep, bytes key, bytes value) {
    struct arena *arena = sweep->decision->arena;
    struct key_task_parts parts;
    struct key_stage_parts stage;
    if (key_stage_parse(key, &stage)) {
        struct stage_row row = {0};
        TRY(wire_decode(&stage_row_record, value, arena, &row));
        struct key timer = staging_timer_key(&stage, row.due_ms);
        sweep->keys[sweep->count++] = arena_copy(arena, key_bytes(&timer));
    }
    if (key_task_parse(key, &parts)) {
        struct task_row row = {0};
        TRY(wire_decode(&task_row_record, arena_copy(arena, value), arena, &row));
        struct key by_id = key_task_id(row.id);
        sweep->keys[sweep->count++] = arena_copy(arena, key_bytes(&by_id));
    }
    sweep->keys[sweep->count++] = arena_copy(arena, key);
    return ERR_NONE;
}
