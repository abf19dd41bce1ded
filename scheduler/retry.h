// Automatic retries (engine.md §3).
#pragma once

#include "scheduler/schedule.h"

// Follows up a task that is terminal and unsuccessful: adds a new attempt to the schedule
// (`*out_retried`), or lets the workflow go on without it (optional, permissive), or asks for the
// workflow's end.
MUST_USE err retry_settle(struct schedule *schedule, struct task *task, bool *out_retried);
