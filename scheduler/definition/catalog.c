// Rows of definitions.
//
// The version in a key has its sign bit turned, so that any 32-bit version keeps its order and the
// last row of a name is the latest. A name too long for a key is there by its hash: the name inside
// the text decides.
#include "scheduler/definition/catalog.h"

#include "proto/json/json.h"
#include "storage/keys.h"

#include <inttypes.h>

static uint32_t version_in_key(int32_t version) {
    return (uint32_t)version ^ 0x80000000u;
}

// Whether the row under `key` is of `name`: the text is asked only where the key cannot tell.
static bool row_is_of(bytes key, bytes json, bytes name) {
    struct key_catalog_parts parts;
    if (!key_catalog_parse(key, &parts)) {
        return false;
    }
    bytes value = BYTES_EMPTY;
    return !parts.name_hashed || (json_get_text(json, "name", &value) && json_is_string(value) &&
                                  json_string_equal(value, name));
}

err catalog_get(
    struct store *store,
    struct store_txn *txn,
    enum catalog_kind kind,
    bytes name,
    int32_t version,
    bytes *out_json
) {
    struct key key = key_catalog((uint8_t)kind, name, version_in_key(version));
    bytes json = BYTES_EMPTY;
    if (txn != NULL) {
        TRY(store_txn_get(txn, key_bytes(&key), &json));
    } else {
        TRY(store_get(store, CATALOG_GROUP, key_bytes(&key), &json));
    }
    if (!row_is_of(key_bytes(&key), json, name)) {
        return err_make(ERR_NOT_FOUND, "no such definition");
    }
    *out_json = json;
    return ERR_NONE;
}

bool catalog_latest(struct store *store, struct store_txn *txn, bytes name, int32_t *out_version) {
    struct key prefix = key_catalog_name_prefix(CATALOG_WORKFLOW, name);
    struct store_cursor *cursor = store_cursor_open(store, txn, CATALOG_GROUP, key_bytes(&prefix));
    bool found = false;
    bytes key = BYTES_EMPTY;
    bytes json = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &json) && bytes_starts_with(key, key_bytes(&prefix))) {
        struct key_catalog_parts parts;
        if (key_catalog_parse(key, &parts) && row_is_of(key, json, name)) {
            *out_version = (int32_t)(parts.version ^ 0x80000000u);
            found = true;
        }
    }
    store_cursor_close(&cursor);
    return found;
}

void catalog_put(
    struct store_txn *txn, enum catalog_kind kind, bytes name, int32_t version, bytes json
) {
    struct key key = key_catalog((uint8_t)kind, name, version_in_key(version));
    store_txn_put(txn, key_bytes(&key), json);
}

void catalog_delete(struct store_txn *txn, enum catalog_kind kind, bytes name, int32_t version) {
    struct key key = key_catalog((uint8_t)kind, name, version_in_key(version));
    store_txn_del(txn, key_bytes(&key));
}

void catalog_each(
    struct store *store,
    struct store_txn *txn,
    enum catalog_kind kind,
    bytes name,
    void (*visit)(void *argument, bytes json),
    void *argument
) {
    struct key prefix = name.data == NULL ? key_catalog_kind_prefix((uint8_t)kind)
                                          : key_catalog_name_prefix((uint8_t)kind, name);
    struct store_cursor *cursor = store_cursor_open(store, txn, CATALOG_GROUP, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes json = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &json) && bytes_starts_with(key, key_bytes(&prefix))) {
        if (name.data == NULL || row_is_of(key, json, name)) {
            visit(argument, json);
        }
    }
    store_cursor_close(&cursor);
}

// --- by name and version
// -----------------------------------------------------------------------------

static err workflow_not_found(bytes name, int64_t version, struct arena *arena) {
    const char *wanted = version > 0 ? arena_format(arena, "%" PRId64, version) : "null";
    return err_make(
        ERR_NOT_FOUND,
        arena_format(
            arena, "No such workflow defined. name=%.*s, version=%s", BYTES_ARG(name), wanted
        )
    );
}

err catalog_workflow(
    struct store *store, bytes name, int64_t version, struct arena *arena, bytes *out_json
) {
    if (bytes_trim(name).size == 0) {
        return err_make(
            ERR_INVALID, "Workflow name must be specified when searching for a definition"
        );
    }
    int32_t latest = 0;
    if (version <= 0) {
        if (!catalog_latest(store, NULL, name, &latest)) {
            return workflow_not_found(name, version, arena);
        }
    } else if (version > INT32_MAX) {
        return workflow_not_found(name, version, arena);
    }
    int32_t exact = version <= 0 ? latest : (int32_t)version;
    err error = catalog_get(store, NULL, CATALOG_WORKFLOW, name, exact, out_json);
    return error.code == ERR_NOT_FOUND ? workflow_not_found(name, version, arena) : error;
}

err catalog_task(struct store *store, bytes name, struct arena *arena, bytes *out_json) {
    err error = catalog_get(store, NULL, CATALOG_TASK, name, 0, out_json);
    if (error.code == ERR_NOT_FOUND) {
        error.text = arena_format(arena, "No such taskType found by name: %.*s", BYTES_ARG(name));
    }
    return error;
}
