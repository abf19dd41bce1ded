// The definitions people registered, as rows of the system group, and the snapshot that an
// execution takes of them at its start (engine.md §1.5).
//
// A row's value is the canonical text (api_bind) of one WorkflowDef or TaskDef; task definitions
// have version 0. Thread: core.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"
#include "scheduler/definition/definition.h"
#include "storage/store.h"

enum {
    CATALOG_GROUP = 0
};

// The kind byte of a catalog key (storage/keys.h).
enum catalog_kind {
    CATALOG_WORKFLOW = 1,
    CATALOG_TASK = 2,
};

// --- what an execution needs
// ----------------------------------------------------------------------

// The canonical WorkflowDef text of name and version; version 0 or less: the highest. Borrows until
// the store changes. Errors: ERR_NOT_FOUND `No such workflow defined. name=<n>, version=<v>` (in
// `arena`), ERR_INVALID for a blank name (engine.md §5.1).
MUST_USE err catalog_workflow(
    struct store *store, bytes name, int64_t version, struct arena *arena, bytes *out_json
);

// The canonical TaskDef text. Errors: ERR_NOT_FOUND `No such taskType found by name: <n>`.
MUST_USE err catalog_task(struct store *store, bytes name, struct arena *arena, bytes *out_json);

// The snapshot to freeze: `workflow_json` with a task definition embedded in every task
// (registered, or the ad-hoc one) and SUB_WORKFLOW versions pinned. Lives in `arena`. Errors:
// ERR_ILLEGAL_STATE `The Task <name> defined as a sub-workflow has no workflow definition available
// `, ERR_TOO_LARGE.
MUST_USE err catalog_freeze(
    struct store *store,
    bytes workflow_json,
    struct arena *arena,
    bytes *out_json,
    hash128 *out_hash
);

// catalog_workflow, catalog_freeze and definition_cache_compile in one: what a start of a
// registered workflow runs on. Its hash and text are in the definition. Costs a table look-up when
// the same name and version were started since the catalog last changed. Borrows: valid until the
// next call on the cache. Errors: those of the three.
MUST_USE err catalog_start_definition(
    struct definition_cache *cache,
    struct store *store,
    bytes name,
    int64_t version,
    struct arena *arena,
    const struct definition **out_definition
);

// --- what the definition commands need
// ------------------------------------------------------------
//
// Read through `txn`, a transaction of CATALOG_GROUP, when it is not NULL.

// The row of exactly this kind, name and version. Borrows until the store or `txn` changes. Errors:
// ERR_NOT_FOUND.
MUST_USE err catalog_get(
    struct store *store,
    struct store_txn *txn,
    enum catalog_kind kind,
    bytes name,
    int32_t version,
    bytes *out_json
);

// The highest registered version of a workflow. False: there is none.
bool catalog_latest(struct store *store, struct store_txn *txn, bytes name, int32_t *out_version);

void catalog_put(
    struct store_txn *txn, enum catalog_kind kind, bytes name, int32_t version, bytes json
);
void catalog_delete(struct store_txn *txn, enum catalog_kind kind, bytes name, int32_t version);

// Calls `visit` with each row of a kind, by name, then version; only those of `name` when its data
// is not NULL. The text is valid during the call.
void catalog_each(
    struct store *store,
    struct store_txn *txn,
    enum catalog_kind kind,
    bytes name,
    void (*visit)(void *argument, bytes json),
    void *argument
);
