// Automatic retries (engine.md §3).
#pragma once

#include "scheduler/schedule.h"

// Follows up a task that is terminal and unsuccessful: adds a new attempt to the schedule
// (`*out_retried`), or lets the workflow go on without it (optional, permissive), or asks for the
// workflow's end.
MUST_USE err retry_settle(struct schedule *schedule, struct task *task, bool *out_retried);

// Adds a new attempt of a terminal task to the schedule because a client wants it: at once, in the
// domain of the old one (engine.md §5.4). A task whose kind decides while it is mapped (SWITCH,
// forks) is mapped again.
MUST_USE err retry_again(struct schedule *schedule, struct task *task);
