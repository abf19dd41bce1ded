// How a process comes to be a node: what its settings, its store's folder and, if it joins, its
// cluster say. standing.h has the rules, identity.h the file, join.h the question.
// Thread: main, before the loop runs.
#pragma once

#include "node/config.h"
#include "node/log.h"
#include "node/shell/identity.h"
#include "storage/store.h"

// Finds out who this process is; of state NONE: a node that is alone. May ask a cluster, for as
// long as it takes. Errors: ERR_INVALID for a setting, others for the store; texts in `arena`.
MUST_USE err entry_find(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct identity *out_identity
);

// The store is open: it is the node's from now on, and the folder says so. Errors: ERR_CORRUPT: it
// is not the store that the folder speaks of; ERR_IO.
MUST_USE err entry_settle(
    const struct config *config,
    const struct store *store,
    struct arena *arena,
    struct identity *identity
);
