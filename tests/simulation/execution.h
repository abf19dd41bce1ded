// An execution as the checkers look at it: read once, and kept until it says something else.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/id.h"

struct task_view {
    bytes json;
    id128 id;
    id128 workflow;
    id128 retried_task;
    bytes reference;       // raw, with quotes: equal texts are equal bytes, references being plain
    bytes type;            // raw
    bytes definition_name; // raw: of its task definition
    bytes status;          // decoded
    bytes input;           // raw
    bytes output;          // raw
    bytes reason;          // raw, data NULL when absent
    bytes definition;      // workflowTask, raw
    bytes waited;          // queueWaitTime, raw: of a task that never began it grows with each look
    bool retried;
    int64_t seq;
    int64_t attempt;
    int64_t iteration;
    int64_t scheduled_ms;
    int64_t start_ms;
    int64_t update_ms;
    int64_t end_ms;
};
struct task_view task_view(bytes task);

enum {
    TASK_VIEWS_MAX = 512
};

struct execution {
    bytes text;
    bytes head; // the object without its tasks and its definition, which are most of its text
    id128 id;
    id128 parent; // zero: none
    bytes name;
    int64_t version;
    bytes status;
    const struct task_view *tasks; // in their order; those above the maximum are left out
    uint32_t task_count;
};

// Reads validated JSON, which it borrows; the rest lives in `arena`.
struct execution execution_read(bytes json, struct arena *arena);

// Whether both say the same, but for how long tasks have waited.
bool execution_equal(const struct execution *left, const struct execution *right);

// An execution with a copy of its text, all of it its own.
struct kept_execution;

// NULL: the text is not JSON. Owned by the caller: execution_release.
struct kept_execution *execution_keep(bytes text);
void execution_release(struct kept_execution **kept); // accepts NULL
const struct execution *execution_kept(const struct kept_execution *kept);
