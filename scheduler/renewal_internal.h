// Between renewal.c and renewal_permits.c.
#pragma once

#include "scheduler/renewal.h"

// The group's row, zero when there is none. Errors: ERR_CORRUPT.
MUST_USE err renewal_row_load(struct decision *decision, struct renewal_row *out_row);
void renewal_row_save(struct decision *decision, const struct renewal_row *row);

// Tells the homes of all limits what the group holds of them, and every group that this was all.
// Errors: ERR_CORRUPT.
MUST_USE err renewal_state_permits(struct decision *decision);
