// The definitions people registered, as rows of the system group, and the snapshot that an
// execution takes of them at its start (engine.md §1.5).
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"
#include "storage/store.h"

enum {
    CATALOG_GROUP = 0
};

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
// `.
MUST_USE err catalog_freeze(
    struct store *store,
    bytes workflow_json,
    struct arena *arena,
    bytes *out_json,
    hash128 *out_hash
);
