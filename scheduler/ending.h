// How a workflow ends (engine.md §2.5, §2.6, §5.5, §8.1).
#pragma once

#include "scheduler/workflow.h"

// Carries out workflow->ending: status, output, reason, open tasks canceled, timers gone, the
// parent told, the failure workflow started. `engine_driven` is false for a client's or a parent's
// terminate: those start no failure workflow.
MUST_USE err ending_apply(struct workflow *workflow, bool engine_driven);

// Tells the parent, if there is one, how its child ended.
MUST_USE err ending_tell_parent(struct workflow *workflow);

// Nothing is open, nothing pending: COMPLETED, or FAILED for permissive tasks that failed.
MUST_USE err ending_complete(struct workflow *workflow);
