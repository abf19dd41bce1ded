// What happens next: follows up the tasks that became terminal, until nothing is left that the
// server can do by itself (engine.md §2).
#pragma once

#include "scheduler/schedule.h"
#include "scheduler/workflow.h"

// Runs a RUNNING workflow to quiescence, to its end, or to the bounds of one decision, whereupon a
// CONTINUE timer is due now. A PAUSED one only ends, if its end is wanted; a terminal one is left
// alone. The caller saves. Errors: ERR_CORRUPT.
MUST_USE err decider_run(struct workflow *workflow);

// Makes a schedule's tasks part of their workflow and begins them. The decider runs afterwards.
MUST_USE err decider_admit(struct schedule *schedule);
