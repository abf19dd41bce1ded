// W-6, W-7, W-8: executions by name and correlation, by name, or by name and time; one group's part
// (rest-api.md §3.2).
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/index.h"
#include "scheduler/view.h"
#include "storage/keys.h"

struct found {
    id128 *ids;
    size_t count;
    size_t capacity;
};

static void find(struct decision *decision, const struct list_workflows *list, struct found *found);
static void
add(struct decision *decision,
    const struct list_workflows *list,
    const struct key_index_parts *parts,
    struct found *found);
static bool is_wanted(const struct workflow *workflow, const struct list_workflows *list);

err list_workflows(
    struct decision *decision, const struct list_workflows *list, struct buffer *out
) {
    struct found found = {0};
    find(decision, list, &found);
    for (size_t i = 0; i < found.count; i++) {
        struct workflow *workflow = NULL;
        TRY(workflow_open_id(decision, found.ids[i], &workflow));
        if (!is_wanted(workflow, list)) {
            continue;
        }
        if (out->size > 0) {
            buffer_append_byte(out, ',');
        }
        if (list->correlation.data == NULL) {
            buffer_format(out, "\"%.*s\"", BYTES_ARG(workflow->id_text));
        } else {
            bytes json = BYTES_EMPTY;
            TRY(view_workflow(workflow, list->include_tasks, LIMIT_REPLY_BYTES, &json));
            buffer_append(out, json);
        }
        TRY(buffer_status(out));
    }
    return ERR_NONE;
}

static void
find(struct decision *decision, const struct list_workflows *list, struct found *found) {
    uint8_t kind = INDEX_OPEN;
    uint64_t hash = index_hash_name(list->name);
    if (list->correlation.data != NULL) {
        kind = INDEX_CORRELATION;
        hash = index_hash_correlation(decision->arena, list->name, list->correlation);
    } else if (list->by_time) {
        kind = INDEX_NAME;
    }
    struct key prefix = key_index_prefix(kind, hash);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_index_parts parts;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix)) &&
           key_index_parse(key, &parts)) {
        add(decision, list, &parts, found);
    }
    store_cursor_close(&cursor);
}

static void
add(struct decision *decision,
    const struct list_workflows *list,
    const struct key_index_parts *parts,
    struct found *found) {
    if (list->by_time && (parts->create_ms < list->start_ms || parts->create_ms > list->end_ms)) {
        return;
    }
    if (found->count == found->capacity) {
        size_t capacity = found->capacity == 0 ? 16 : found->capacity * 2;
        id128 *grown = ARENA_ARRAY(decision->arena, id128, capacity);
        for (size_t i = 0; i < found->count; i++) {
            grown[i] = found->ids[i];
        }
        found->ids = grown;
        found->capacity = capacity;
    }
    found->ids[found->count++] = parts->workflow;
}

// The key holds a hash, the header the truth.
static bool is_wanted(const struct workflow *workflow, const struct list_workflows *list) {
    const struct workflow_row *row = &workflow->row;
    if (!bytes_equal(row->name, list->name)) {
        return false;
    }
    if (list->correlation.data == NULL) {
        return row->version == list->version;
    }
    return bytes_equal(row->correlation, list->correlation) &&
           (list->include_closed || row->status == API_WORKFLOW_RUNNING);
}
