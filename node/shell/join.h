// How a node enters a cluster that stands: it asks any of its nodes, over the API, until one
// answers (`POST /api/cluster/nodes`). The same store asking again is given the same number, so
// neither a lost answer nor a restart makes two nodes of one.
#pragma once

#include "node/config.h"
#include "node/log.h"
#include "node/shell/identity.h"

// Appends the question. Pure.
void join_question(const struct config *config, id128 store_id, struct buffer *out);

// Reads the answer into an identity that asks: it is then ADMITTED. Pure. Errors: ERR_INVALID: not
// an answer; texts in `arena`.
MUST_USE err join_answer(bytes answer, struct arena *arena, struct identity *identity);

// Asks the nodes of --join in turn, later and later, with a log line a time, until one admits this
// node. Blocks; signals end the process as ever. Errors: ERR_INVALID: it was refused, with the
// cluster's words; texts in `arena`. Thread: main, before the loop runs.
MUST_USE err join_cluster(
    const struct config *config,
    const struct log *log,
    struct arena *arena,
    struct identity *identity
);
