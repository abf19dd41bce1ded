// Blobs are cut into chunks of LIMIT_BLOB_CHUNK_BYTES (staging_bounds). The size stands in the
// reference, not in the rows, so reading knows how many chunks to ask for. Small payloads were not
// put into the task row itself: that row is rewritten at each step of the task's life, the payload
// once.
#include "scheduler/payload.h"

#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/staging.h"
#include "scheduler/workflow.h"
#include "storage/keys.h"

#include <string.h>

struct payload payload_store(struct workflow *workflow, bytes json) {
    check(json_is_object(json));
    // Not by its first member: that may be all of it.
    if (bytes_trim(bytes_slice(json, 1, json.size - 1)).size == 0) {
        return (struct payload){0, 0};
    }
    workflow->dirty = true;
    if (staging_is_for(workflow->decision, json.size)) {
        uint32_t staged = 0;
        if (!staging_take(workflow, json, &staged)) {
            staged = staging_want(workflow, json);
        }
        return (struct payload){staged, (uint32_t)json.size};
    }
    uint32_t blob = ++workflow->row.next_blob;
    size_t chunk_bytes = staging_bounds_of(workflow->decision).chunk_bytes;
    for (size_t at = 0, chunk = 0; at < json.size; at += chunk_bytes, chunk++) {
        size_t end = at + chunk_bytes < json.size ? at + chunk_bytes : json.size;
        struct key row = key_blob(workflow->id, workflow->row.run, blob, (uint16_t)chunk);
        store_txn_put(workflow->decision->txn, key_bytes(&row), bytes_slice(json, at, end));
    }
    return (struct payload){blob, (uint32_t)json.size};
}

void payload_delete(struct workflow *workflow, struct payload payload) {
    bool is_output = payload.blob == workflow->row.output_blob;
    bool is_there = payload.blob != 0 && staging_wanted(workflow, payload.blob).data == NULL;
    uint32_t size = is_there && !is_output ? payload.bytes : 0;
    uint32_t chunk_bytes = staging_bounds_of(workflow->decision).chunk_bytes;
    for (uint32_t at = 0, chunk = 0; at < size; at += chunk_bytes, chunk++) {
        struct key row = key_blob(workflow->id, workflow->row.run, payload.blob, (uint16_t)chunk);
        store_txn_del(workflow->decision->txn, key_bytes(&row));
    }
}

err payload_load(const struct workflow *workflow, struct payload payload, bytes *out_json) {
    if (payload.blob == 0) {
        *out_json = JSON_EMPTY_OBJECT;
        return ERR_NONE;
    }
    *out_json = staging_wanted(workflow, payload.blob);
    if (out_json->data != NULL) {
        return ERR_NONE;
    }
    uint8_t *text = ARENA_ARRAY(workflow->decision->arena, uint8_t, payload.bytes);
    size_t size = 0;
    for (uint16_t chunk = 0; size < payload.bytes; chunk++) {
        struct key row = key_blob(workflow->id, workflow->row.run, payload.blob, chunk);
        bytes part = BYTES_EMPTY;
        err error = store_txn_get(workflow->decision->txn, key_bytes(&row), &part);
        if (error.code == ERR_NOT_FOUND || part.size > payload.bytes - size) {
            return err_make(ERR_CORRUPT, "a chunk of a payload is missing");
        }
        TRY(error);
        memcpy(text + size, part.data, part.size);
        size += part.size;
    }
    *out_json = bytes_of(text, size);
    return ERR_NONE;
}

err payload_take(struct buffer *buffer, struct arena *arena, bytes *out_text) {
    err error = buffer_status(buffer);
    if (!err_is(error)) {
        *out_text = arena_copy(arena, buffer_bytes(buffer));
    }
    buffer_deinit(buffer);
    return error;
}
