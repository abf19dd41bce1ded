// Running an ended workflow again from one of its tasks (engine.md §5.7 b).
#pragma once

#include "scheduler/task.h"

// The workflow is RUNNING again. Everything that came after `target` in the flow goes, other
// branches of the forks around it stay; the target runs again in place, and so does whatever else
// ended without success. `input` (an object) replaces the target's; data NULL: kept as stored. The
// decider runs afterwards. Errors: ERR_CORRUPT, those of mapping.
MUST_USE err rerun_from(struct task *target, bytes input);
