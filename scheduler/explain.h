// What the rows say of one execution, for a person who asks why it stands where it stands
// (distributed.md §14): its open tasks with their queue and timer rows, its own timers, and the
// messages about it that no other partition has acknowledged. Reads only. Thread: core.
#pragma once

#include "proto/json/json.h"
#include "scheduler/decision.h"

// Members of an object that the caller began. Rows that should be there and are not are named as
// missing. At most LIMIT_EXPLAIN_ROWS tasks and messages each; more are counted.
// Errors: ERR_NOT_FOUND, ERR_CORRUPT.
MUST_USE err
explain_workflow(struct decision *decision, bytes workflow_id, struct json_writer *writer);
