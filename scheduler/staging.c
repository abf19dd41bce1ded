// A stage is one row beside its chunks: how much of it is there, and when it goes. Each piece moves
// that on, so what is being written on a slow disk does not go under the writer's hands.
//
// Rejected: naming a stage in the request that brings the body. Most large bodies are no request's
// – a task's input is made from a workflow's, an output by a script or a call –, and all of them
// come by payload_store. Rejected: a hash in the row to find it by. Comparing reads less than 400
// rows that were just written, and cannot be wrong.
#include "scheduler/staging.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/rows.h"
#include "scheduler/timer.h"
#include "scheduler/workflow.h"

#include <string.h>

static const uint32_t STAGED_FIRST = 0x80000000u; // numbers of blobs that were staged …
static const uint32_t WANTED_FIRST = 0xff000000u; // … and, in one decision, of those it wants

_Static_assert(LIMIT_STAGE_ENTRY_BYTES % LIMIT_BLOB_CHUNK_BYTES == 0, "pieces are whole chunks");

struct staging_bounds staging_bounds_of(const struct decision *decision) {
    struct staging_bounds set = decision->settings->staging;
    return (struct staging_bounds){
        .chunk_bytes = set.chunk_bytes != 0 ? set.chunk_bytes : LIMIT_BLOB_CHUNK_BYTES,
        .bytes = set.bytes != 0 ? set.bytes : LIMIT_STAGE_BYTES,
        .entry_bytes = set.entry_bytes != 0 ? set.entry_bytes : LIMIT_STAGE_ENTRY_BYTES,
        .expiry_ms = set.expiry_ms != 0 ? set.expiry_ms : LIMIT_STAGE_EXPIRY_MS,
    };
}

bool staging_is_for(const struct decision *decision, size_t size) {
    return decision->staging.allowed && size > staging_bounds_of(decision).bytes;
}

struct key staging_timer_key(const struct key_stage_parts *stage, int64_t due_ms) {
    return key_timer(due_ms, TIMER_STAGE, stage->workflow, stage->blob, stage->run);
}

// --- finding
// --------------------------------------------------------------------------------------------------

static bool has_bytes(const struct workflow *workflow, uint32_t blob, bytes text) {
    for (size_t at = 0, chunk = 0; at < text.size; chunk++) {
        struct key key = key_blob(workflow->id, workflow->row.run, blob, (uint16_t)chunk);
        bytes part = BYTES_EMPTY;
        err error = store_txn_get(workflow->decision->txn, key_bytes(&key), &part);
        if (err_is(error) || part.size == 0 || part.size > text.size - at ||
            memcmp(part.data, text.data + at, part.size) != 0) {
            return false;
        }
        at += part.size;
    }
    return true;
}

// Stages of the run that are whole and as long as that; there are few at any time.
static size_t
candidates(struct workflow *workflow, size_t size, uint32_t *blobs, int64_t *dues, size_t room) {
    struct decision *decision = workflow->decision;
    struct key prefix = key_stage_prefix(workflow->id, workflow->row.run);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    size_t count = 0;
    while (count < room && store_cursor_next(cursor, &key, &value) &&
           bytes_starts_with(key, key_bytes(&prefix))) {
        struct key_stage_parts parts;
        struct stage_row row;
        bool is_read = key_stage_parse(key, &parts) &&
                       !err_is(wire_decode(&stage_row_record, value, decision->arena, &row));
        bool is_whole = is_read && (row.written == row.bytes || mutant_is("stage_named_early"));
        if (is_whole && row.bytes == size) {
            blobs[count] = parts.blob;
            dues[count++] = row.due_ms;
        }
    }
    store_cursor_close(&cursor);
    return count;
}

bool staging_take(struct workflow *workflow, bytes text, uint32_t *out_blob) {
    enum {
        LOOKED_AT = 64
    };
    uint32_t blobs[LOOKED_AT];
    int64_t dues[LOOKED_AT];
    size_t count = candidates(workflow, text.size, blobs, dues, LOOKED_AT);
    struct store_txn *txn = workflow->decision->txn;
    for (size_t i = 0; i < count; i++) {
        if (!has_bytes(workflow, blobs[i], text) && !mutant_is("stage_named_early")) {
            continue;
        }
        struct key_stage_parts parts = {workflow->id, workflow->row.run, blobs[i]};
        struct key stage = key_stage(parts.workflow, parts.run, parts.blob);
        struct key timer = staging_timer_key(&parts, dues[i]);
        store_txn_del(txn, key_bytes(&stage));
        if (!mutant_is("expiry_takes_named")) {
            store_txn_del(txn, key_bytes(&timer));
        }
        workflow->decision->staging.bytes += text.size;
        *out_blob = blobs[i];
        return true;
    }
    return false;
}

// --- wanting
// --------------------------------------------------------------------------------------------------

uint32_t staging_want(struct workflow *workflow, bytes text) {
    struct decision_staging *staging = &workflow->decision->staging;
    struct staging_wish *wish = ARENA_NEW(workflow->decision->arena, struct staging_wish);
    *wish = (struct staging_wish){
        .workflow = workflow->id,
        .run = workflow->row.run,
        .blob = WANTED_FIRST + (uint32_t)staging->wanted_count,
        .text = text,
        .next = staging->wanted,
    };
    staging->wanted = wish;
    staging->wanted_count++;
    staging->bytes += text.size;
    return wish->blob;
}

bytes staging_wanted(const struct workflow *workflow, uint32_t blob) {
    for (const struct staging_wish *wish = workflow->decision->staging.wanted;
         blob >= WANTED_FIRST && wish != NULL;
         wish = wish->next) {
        if (wish->blob == blob) {
            return wish->text;
        }
    }
    return (bytes){0};
}

// --- writing
// --------------------------------------------------------------------------------------------------

static bool is_used(struct decision *decision, const struct staged_body *body, uint32_t blob) {
    struct key prefix = key_blob_prefix(body->workflow, body->run, blob);
    struct key stage = key_stage(body->workflow, body->run, blob);
    bytes ignored = BYTES_EMPTY;
    bytes key = BYTES_EMPTY;
    if (!err_is(store_txn_get(decision->txn, key_bytes(&stage), &ignored))) {
        return true;
    }
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bool used =
        store_cursor_next(cursor, &key, &ignored) && bytes_starts_with(key, key_bytes(&prefix));
    store_cursor_close(&cursor);
    return used;
}

static uint32_t fresh_blob(struct decision *decision, const struct staged_body *body) {
    uint32_t blob = 0;
    do {
        blob = STAGED_FIRST + (uint32_t)random_below(decision->random, WANTED_FIRST - STAGED_FIRST);
    } while (is_used(decision, body, blob));
    return blob;
}

// Takes the stage's row as it stands: a timer that fired, or a removal, may have taken it away.
static err stage_open(struct decision *decision, const struct staged_body *body) {
    struct key_stage_parts parts = {body->workflow, body->run, body->blob};
    struct key key = key_stage(parts.workflow, parts.run, parts.blob);
    struct key timer = staging_timer_key(&parts, body->due_ms);
    struct stage_row row;
    TRY(row_get(decision->txn, &key, &stage_row_record, decision->arena, &row));
    if (row.written != body->written || row.due_ms != body->due_ms) {
        return err_make(ERR_NOT_FOUND, "the stage is another one");
    }
    store_txn_del(decision->txn, key_bytes(&timer));
    return ERR_NONE;
}

static void piece_put(struct decision *decision, struct staged_body *body, bytes text) {
    struct staging_bounds bounds = staging_bounds_of(decision);
    for (uint32_t put = 0; put < bounds.entry_bytes && body->written < text.size;
         put += bounds.chunk_bytes) {
        size_t size = text.size - body->written;
        size = size < bounds.chunk_bytes ? size : bounds.chunk_bytes;
        uint16_t chunk = (uint16_t)(body->written / bounds.chunk_bytes);
        struct key key = key_blob(body->workflow, body->run, body->blob, chunk);
        store_txn_put(
            decision->txn, key_bytes(&key), bytes_slice(text, body->written, body->written + size)
        );
        body->written += (uint32_t)size;
    }
}

err staging_write(struct decision *decision, struct staged_body *body, bytes text) {
    check(body->written < text.size);
    if (body->blob == 0) {
        body->blob = fresh_blob(decision, body);
    } else {
        TRY(stage_open(decision, body));
    }
    piece_put(decision, body, text);
    body->due_ms = decision->now.ms + staging_bounds_of(decision).expiry_ms;
    struct stage_row row = {
        .bytes = (uint32_t)text.size, .written = body->written, .due_ms = body->due_ms};
    struct key_stage_parts parts = {body->workflow, body->run, body->blob};
    struct key key = key_stage(parts.workflow, parts.run, parts.blob);
    struct key timer = staging_timer_key(&parts, body->due_ms);
    row_put(decision->txn, &key, &stage_row_record, &row);
    if (!mutant_is("stage_without_timer")) {
        store_txn_put(decision->txn, key_bytes(&timer), BYTES_LITERAL(""));
    }
    return ERR_NONE;
}

// --- going
// --------------------------------------------------------------------------------------------------

err staging_remembers(
    struct decision *decision, const struct key_timer_parts *timer, bool *out_remembers
) {
    struct key key = key_stage(timer->workflow, timer->generation, timer->task_no);
    struct stage_row row;
    err found = row_get(decision->txn, &key, &stage_row_record, decision->arena, &row);
    *out_remembers = !err_is(found) && row.due_ms == timer->due_ms;
    return found.code == ERR_NOT_FOUND ? ERR_NONE : found;
}

err staging_expire(struct decision *decision, const struct key_timer_parts *timer) {
    bool remembered = false;
    TRY(staging_remembers(decision, timer, &remembered));
    if (!remembered && !mutant_is("expiry_takes_named")) {
        return ERR_NONE;
    }
    struct key stage = key_stage(timer->workflow, timer->generation, timer->task_no);
    struct key prefix = key_blob_prefix(timer->workflow, timer->generation, timer->task_no);
    struct store_cursor *cursor = store_cursor_open(
        decision->store, decision->txn, store_txn_group(decision->txn), key_bytes(&prefix)
    );
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct key_blob_parts parts = {0};
    uint32_t chunks = 0;
    while (store_cursor_next(cursor, &key, &value) && bytes_starts_with(key, key_bytes(&prefix)) &&
           key_blob_parse(key, &parts)) {
        chunks = parts.chunk + 1u;
    }
    store_cursor_close(&cursor);
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        struct key row =
            key_blob(timer->workflow, timer->generation, timer->task_no, (uint16_t)chunk);
        store_txn_del(decision->txn, key_bytes(&row));
    }
    store_txn_del(decision->txn, key_bytes(&stage));
    return ERR_NONE;
}
