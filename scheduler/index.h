// X rows: what finds executions by something else than their id (distributed.md §3.3, `index`). A
// function of one header, at most three rows a workflow, written when what they say changes. They
// hold hashes: a reader opens the header and compares.
#pragma once

#include "scheduler/workflow.h"

enum index_kind {
    INDEX_CORRELATION = 1, // (name, correlationId); ends with the workflow's archiving
    INDEX_OPEN,            // (name) of executions that are not terminal
    INDEX_NAME,            // (name), ordered by creation; ends with archiving
};

// Notes what the rows of a workflow that was just read say.
struct index_state index_state_of(const struct workflow_row *row);

// Writes and deletes rows so that they say what the header does now.
void index_update(struct workflow *workflow);

// Deletes all rows of a workflow that goes.
void index_forget(struct workflow *workflow);

// For the audit: whether all rows that the header wants are there; whether it wants a row of that
// key.
bool index_is_whole(struct workflow *workflow);
bool index_wants(const struct workflow *workflow, bytes key);

// The hash in a row's key.
uint64_t index_hash_name(bytes name);
uint64_t index_hash_correlation(struct arena *arena, bytes name, bytes correlation);
