// Running an ended workflow again from one of its tasks (engine.md §5.7 b).
#pragma once

#include "scheduler/task.h"

// The workflow is RUNNING again. Everything that came after `target` in the flow goes, other
// branches of the forks around it stay; the target runs again in place, and so does whatever else
// ended without success. `input` (an object) replaces the target's; data NULL: kept as stored. It
// is done by steps, which the decider makes (WORKFLOW_WANTS_RERUN); nothing is followed up before
// the last. Errors: ERR_TOO_LARGE.
MUST_USE err rerun_begin(struct task *target, bytes input);

// The next step: goes through LIMIT_WALK_SLICE tasks. Errors: ERR_CORRUPT, those of mapping.
MUST_USE err rerun_go_on(struct workflow *workflow);
