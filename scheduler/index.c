// Rows are told apart by what they depend on – name, correlation, creation, open or not – and only
// those whose key changed are touched: a start writes two or three, an end deletes one.
#include "scheduler/index.h"

#include "proto/base/hash.h"
#include "storage/keys.h"

struct index_row {
    bool present;
    struct key key;
};

static struct index_row
row_of(const struct workflow *workflow, const struct index_state *state, enum index_kind kind);

struct index_state index_state_of(const struct workflow_row *row) {
    return (struct index_state){
        .listed = (row->flags & WORKFLOW_ARCHIVED) == 0,
        .open = !api_workflow_status_is_terminal((enum api_workflow_status)row->status),
        .has_correlation = (row->flags & WORKFLOW_HAS_CORRELATION) != 0,
        .create_ms = row->create_ms,
        .name = row->name,
        .correlation = row->correlation,
    };
}

void index_update(struct workflow *workflow) {
    struct store_txn *txn = workflow->decision->txn;
    struct index_state now = index_state_of(&workflow->row);
    for (int kind = INDEX_CORRELATION; kind <= INDEX_NAME; kind++) {
        struct index_row old = row_of(workflow, &workflow->indexed, (enum index_kind)kind);
        struct index_row new = row_of(workflow, &now, (enum index_kind)kind);
        if (old.present && new.present && bytes_equal(key_bytes(&old.key), key_bytes(&new.key))) {
            continue;
        }
        if (old.present) {
            store_txn_del(txn, key_bytes(&old.key));
        }
        if (new.present) {
            store_txn_put(txn, key_bytes(&new.key), BYTES_LITERAL(""));
        }
    }
    workflow->indexed = now;
}

void index_forget(struct workflow *workflow) {
    for (int kind = INDEX_CORRELATION; kind <= INDEX_NAME; kind++) {
        struct index_row old = row_of(workflow, &workflow->indexed, (enum index_kind)kind);
        if (old.present) {
            store_txn_del(workflow->decision->txn, key_bytes(&old.key));
        }
    }
    workflow->indexed = (struct index_state){0};
}

bool index_is_whole(struct workflow *workflow) {
    bool whole = true;
    for (int kind = INDEX_CORRELATION; kind <= INDEX_NAME; kind++) {
        struct index_row row = row_of(workflow, &workflow->indexed, (enum index_kind)kind);
        bytes ignored = BYTES_EMPTY;
        whole = whole &&
                (!row.present ||
                 !err_is(store_txn_get(workflow->decision->txn, key_bytes(&row.key), &ignored)));
    }
    return whole;
}

bool index_wants(const struct workflow *workflow, bytes key) {
    bool wants = false;
    for (int kind = INDEX_CORRELATION; kind <= INDEX_NAME; kind++) {
        struct index_row row = row_of(workflow, &workflow->indexed, (enum index_kind)kind);
        wants = wants || (row.present && bytes_equal(key_bytes(&row.key), key));
    }
    return wants;
}

uint64_t index_hash_name(bytes name) {
    return hash_sip64(name);
}

uint64_t index_hash_correlation(struct arena *arena, bytes name, bytes correlation) {
    return hash_sip64(bytes_from_text(
        arena_format(arena, "%zu:%.*s%.*s", name.size, BYTES_ARG(name), BYTES_ARG(correlation))
    ));
}

static struct index_row
row_of(const struct workflow *workflow, const struct index_state *state, enum index_kind kind) {
    struct index_row row = {0};
    uint64_t hash = 0;
    if (!state->listed) {
        return row;
    }
    if (kind == INDEX_CORRELATION) {
        row.present = state->has_correlation;
        hash = index_hash_correlation(workflow->decision->arena, state->name, state->correlation);
    } else {
        row.present = kind == INDEX_NAME || state->open;
        hash = index_hash_name(state->name);
    }
    row.key = key_index((uint8_t)kind, hash, state->create_ms, workflow->id);
    return row;
}
