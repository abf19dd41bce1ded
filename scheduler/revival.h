// Parents and children that go on after their end (engine.md §5.10). Both ends are messages: the
// handlers open what must be open at once – the SUB_WORKFLOW task that its child will answer to –
// and leave the rest to the next decision.
#pragma once

#include "scheduler/workflow.h"

// A child goes on (MESSAGE_REVIVE_PARENT): its parent does, too, unless the child's task is gone,
// optional or superseded. Errors: ERR_CORRUPT.
MUST_USE err revival_of_parent(struct decision *decision, const struct message_row *message);

// A parent wants a child to go on (MESSAGE_RESUME_CHILD): a failed one is retried, a running one
// left alone; one that cannot go on tells again how it ended. Errors: ERR_CORRUPT.
MUST_USE err revival_of_child(struct decision *decision, const struct message_row *message);

// What hung on the revived child within its parent – siblings, JOINs, canceled tasks – of those
// that a step of the decider is at (lifecycle_go_on).
MUST_USE err revival_of_some(struct task **tasks, uint32_t count);
