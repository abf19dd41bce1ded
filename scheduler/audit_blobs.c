// Payloads: what a header or a task names is there with all its bytes; and what is there is of an
// execution's run, with which it will go, or staged and waits for its timer, or its run is being
// removed. Within a run some are named no more: the input of a task that was mapped anew.
//
// Rows of a run lie together and its tasks come before its blobs, so one walk sees the names before
// what they name. It takes the whole group at once, and the timers of removals are known by then.
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "scheduler/audit_internal.h"
#include "scheduler/commands/commands.h"
#include "scheduler/staging.h"
#include "scheduler/timer.h"

// --- one payload ---------------------------------------------------------------------------------

// The size of a row; 0: it is not there.
static size_t chunk_size(struct workflow *workflow, uint32_t blob, size_t chunk) {
    struct key key = key_blob(workflow->id, workflow->row.run, blob, (uint16_t)chunk);
    bytes value = BYTES_EMPTY;
    err read = store_txn_get(workflow->decision->txn, key_bytes(&key), &value);
    return err_is(read) ? 0 : value.size;
}

// All rows of a payload but the last are of one size.
void audit_payload(struct audit *audit, struct workflow *workflow, struct payload payload) {
    if (payload.blob == 0) {
        return;
    }
    size_t first = chunk_size(workflow, payload.blob, 0);
    size_t count = first == 0 ? 0 : (payload.bytes + first - 1) / first;
    bool is_whole =
        count > 0 && chunk_size(workflow, payload.blob, count) == 0 &&
        (count - 1) * first + chunk_size(workflow, payload.blob, count - 1) == payload.bytes;
    if (!is_whole) {
        audit_fault(
            audit,
            35,
            "workflow %.*s names blob %u of %u bytes, which is not whole",
            BYTES_ARG(workflow->id_text),
            payload.blob,
            payload.bytes
        );
    }
}

// --- all of them ---------------------------------------------------------------------------------

// A blob of the run that the walk is in.
struct named {
    uint32_t blob;
    uint32_t bytes;
    uint64_t seen;
    struct named *next;
};

struct walk {
    struct audit *audit;
    id128 workflow;
    uint32_t run; // 0: in none yet
    bool is_current;
    struct table named; // by number, those of names and stages
    struct named *first;
};

static void name(struct walk *walk, uint32_t blob, uint32_t size) {
    struct named *known = table_get(&walk->named, blob);
    if (blob == 0 || known != NULL) {
        return;
    }
    known = ARENA_NEW(walk->audit->decision.arena, struct named);
    *known = (struct named){.blob = blob, .bytes = size, .next = walk->first};
    walk->first = known;
    table_put(&walk->named, blob, known);
}

static void names_of_header(struct walk *walk, const struct workflow_row *row) {
    name(walk, row->input_blob, row->input_bytes);
    name(walk, row->output_blob, row->output_bytes);
    name(walk, row->variables_blob, row->variables_bytes);
    name(walk, row->domains_blob, row->domains_bytes);
}

static err names_of_task(struct walk *walk, bytes value) {
    struct task_row row = {0};
    struct arena *arena = walk->audit->decision.arena;
    TRY(wire_decode(&task_row_record, arena_copy(arena, value), arena, &row));
    name(walk, row.input_blob, row.input_bytes);
    name(walk, row.output_blob, row.output_bytes);
    name(walk, row.own_blob, row.own_bytes);
    name(walk, row.parameters_blob, row.parameters_bytes);
    return ERR_NONE;
}

static void run_end(struct walk *walk) {
    for (const struct named *named = walk->first; named != NULL; named = named->next) {
        if (named->seen != named->bytes && walk->is_current) {
            audit_fault(
                walk->audit,
                35,
                "workflow %.*s names blob %u of %u bytes, %llu are there",
                BYTES_ARG(workflow_id_text(&walk->audit->decision, walk->workflow)),
                named->blob,
                named->bytes,
                (unsigned long long)named->seen
            );
        }
    }
    walk->first = NULL;
    table_deinit(&walk->named);
    table_init(&walk->named);
}

// Stages lie behind the blobs, so they are looked at ahead.
static err names_of_stages(struct walk *walk) {
    struct decision *decision = &walk->audit->decision;
    struct key prefix = key_stage_prefix(walk->workflow, walk->run);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, walk->audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct key_stage_parts parts;
        struct stage_row row = {0};
        check(key_stage_parse(key, &parts));
        error = wire_decode(&stage_row_record, value, decision->arena, &row);
        struct key timer = staging_timer_key(&parts, row.due_ms);
        if (!err_is(error) && !audit_has_row(walk->audit, &timer)) {
            audit_fault(walk->audit, 23, "staged blob %u has no timer", parts.blob);
        }
        name(walk, parts.blob, row.written);
    }
    store_cursor_close(&cursor);
    return error;
}

static err run_begin(struct walk *walk, const struct key_execution_parts *parts) {
    struct decision *decision = &walk->audit->decision;
    struct key key = key_workflow(parts->workflow);
    struct workflow_row row = {0};
    run_end(walk);
    walk->workflow = parts->workflow;
    walk->run = parts->run;
    err read = row_get(decision->txn, &key, &workflow_row_record, decision->arena, &row);
    walk->is_current = !err_is(read) && row.run == parts->run;
    if (walk->is_current) {
        names_of_header(walk, &row);
    }
    TRY(names_of_stages(walk));
    return read.code == ERR_NOT_FOUND ? ERR_NONE : read;
}

static bool is_owned(const struct walk *walk) {
    uint64_t hash = hash_sip64(bytes_of(walk->workflow.bytes, sizeof(walk->workflow.bytes)));
    return walk->is_current || table_get(&walk->audit->swept, hash) != NULL;
}

static void blob_look(struct walk *walk, bytes key, bytes value) {
    struct key_blob_parts parts;
    check(key_blob_parse(key, &parts));
    struct named *named = table_get(&walk->named, parts.blob);
    if (named != NULL) {
        named->seen += value.size;
    } else if (parts.chunk == 0 && !is_owned(walk)) {
        audit_fault(
            walk->audit,
            35,
            "blob %u of workflow %.*s, run %u, has no owner",
            parts.blob,
            BYTES_ARG(workflow_id_text(&walk->audit->decision, parts.workflow)),
            parts.run
        );
    }
}

static err row_look(struct walk *walk, bytes key, bytes value) {
    struct key_execution_parts parts;
    if (!key_execution_parse(key, &parts)) {
        return err_make(ERR_CORRUPT, "the key of a row of an execution is malformed");
    }
    if (!id_equal(parts.workflow, walk->workflow) || parts.run != walk->run) {
        TRY(run_begin(walk, &parts));
    }
    if (parts.part == KEY_PART_TASK && walk->is_current) {
        return names_of_task(walk, value);
    }
    if (parts.part == KEY_PART_BLOB) {
        blob_look(walk, key, value);
    }
    return ERR_NONE;
}

err audit_blobs(struct audit *audit) {
    struct decision *decision = &audit->decision;
    struct walk walk = {.audit = audit};
    table_init(&walk.named);
    struct key prefix = key_kind_prefix(KEY_EXECUTION);
    struct store_cursor *cursor =
        store_cursor_open(decision->store, decision->txn, audit->group, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        bytes own = arena_copy(decision->arena, key);
        error = row_look(&walk, own, value);
    }
    store_cursor_close(&cursor);
    if (!err_is(error)) {
        run_end(&walk);
    }
    table_deinit(&walk.named);
    return error;
}
