// Rows of runs that are over, removed a bounded number an entry (distributed.md §3.3).
#pragma once

#include "scheduler/decision.h"

// Removes rows of the workflow's runs up to `run`; when there are more than one entry may hold, a
// timer is due now for the rest. Errors: ERR_CORRUPT.
MUST_USE err sweep_rows(struct decision *decision, id128 workflow, uint32_t run);
