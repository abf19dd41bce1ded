// Which references have failed: `failedReferenceTaskNames` and `failedTaskNames` (engine.md §2.5,
// §5.5). Both are sets in the order of the failures.
//
// The header is rewritten at each step, so it holds the names of definitions, which are few, and
// for references only how many there are: which ones, their R rows know. Thread: core.
#pragma once

#include "scheduler/task.h"

// Adds a task that is FAILED or FAILED_WITH_TERMINAL_ERROR; any other changes nothing. Errors:
// ERR_CORRUPT.
MUST_USE err failed_note(struct task *task);

// Forgets them all.
void failed_forget(struct workflow *workflow);

// The references as a JSON array. Errors: ERR_CORRUPT, ERR_TOO_LARGE.
MUST_USE err failed_references(struct workflow *workflow, bytes *out_json);
