// Messages between groups: O rows, numbered without gaps for each destination, written in the same
// write-set as their cause (distributed.md §9). A group's messages to itself go the same way.
#pragma once

#include "scheduler/decision.h"
#include "scheduler/rows.h"

// Appends a message to the outbox towards `destination`. Errors: ERR_CORRUPT.
MUST_USE err
message_send(struct decision *decision, group_id destination, const struct message_row *message);

// The group of an id.
group_id message_group_of(const struct decision *decision, id128 id);
