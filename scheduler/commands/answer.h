// An execution with its tasks as an answer, shared by the commands that give one. Internal to this
// room.
#pragma once

#include "scheduler/workflow.h"

// At once, or as a telling when it is large. Saves the workflow's changes. Errors: ERR_CORRUPT.
MUST_USE err answer_workflow(struct workflow *workflow, struct reply *out_reply);

// Whether it has so many tasks that they are told.
bool answer_is_large(const struct workflow *workflow);
