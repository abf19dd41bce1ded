// A failure has a number, counted in the header; the R row of its reference holds it. Those up to
// `failed_floor` are forgotten, so that forgetting writes no rows. They are looked for when
// somebody asks, which few do of a workflow with thousands of references.
#include "scheduler/failed.h"

#include "proto/json/json.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

struct failure {
    uint32_t number;
    bytes reference;
};

static void add_name(struct workflow *workflow, bytes name);
static err collect(struct workflow *workflow, struct failure *failures, uint32_t *out_count);

err failed_note(struct task *task) {
    struct workflow *workflow = task->workflow;
    if (task->row.status != API_TASK_FAILED &&
        task->row.status != API_TASK_FAILED_WITH_TERMINAL_ERROR) {
        return ERR_NONE;
    }
    add_name(workflow, task_definition_name(task));
    struct task *newest = NULL;
    struct reference_row row = {0};
    TRY(task_newest(workflow, task->row.reference, &newest, &row));
    if (newest == NULL || row.failed > workflow->row.failed_floor) {
        return ERR_NONE;
    }
    row.failed = ++workflow->row.failed_count;
    workflow->dirty = true;
    task_put_reference(workflow, &row);
    return ERR_NONE;
}

void failed_forget(struct workflow *workflow) {
    workflow->row.failed_floor = workflow->row.failed_count;
    workflow->row.failed_names.count = 0;
    workflow->dirty = true;
}

static int by_number(const void *left, const void *right) {
    const struct failure *a = left;
    const struct failure *b = right;
    return a->number < b->number ? -1 : a->number > b->number;
}

err failed_references(struct workflow *workflow, bytes *out_json) {
    uint32_t count = workflow->row.failed_count - workflow->row.failed_floor;
    if (count == 0) {
        *out_json = JSON_EMPTY_ARRAY;
        return ERR_NONE;
    }
    struct failure *failures = ARENA_ARRAY(workflow->decision->arena, struct failure, count);
    TRY(collect(workflow, failures, &count));
    qsort(failures, count, sizeof failures[0], by_number);
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) {
        json_text(&writer, failures[i].reference);
    }
    json_array_end(&writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

// `*out_count` is the room in `failures` before, what was found after: rows may have gone with
// tasks that a loop dropped.
static err collect(struct workflow *workflow, struct failure *failures, uint32_t *out_count) {
    struct decision *decision = workflow->decision;
    uint32_t most = *out_count;
    struct key prefix = key_reference_prefix(workflow->id, workflow->row.run);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    err error = ERR_NONE;
    *out_count = 0;
    while (!err_is(error) && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct reference_row row = {0};
        value = arena_copy(decision->arena, value);
        error = wire_decode(&reference_row_record, value, decision->arena, &row);
        if (!err_is(error) && row.failed > workflow->row.failed_floor) {
            check(*out_count < most);
            failures[(*out_count)++] = (struct failure){row.failed, row.reference};
        }
    }
    store_cursor_close(&cursor);
    return error;
}

static void add_name(struct workflow *workflow, bytes name) {
    struct wire_text_list *list = &workflow->row.failed_names;
    for (uint32_t i = 0; i < list->count; i++) {
        if (bytes_equal(list->items[i], name)) {
            return;
        }
    }
    bytes *items = ARENA_ARRAY(workflow->decision->arena, bytes, list->count + 1);
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof items[0]);
    }
    items[list->count++] = name;
    list->items = items;
    workflow->dirty = true;
}
