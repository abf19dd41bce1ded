// What somebody does with executions that ended, or to help one along: retry, restart, rerun, skip,
// reset callbacks, remove (engine.md §5).
#pragma once

#include "tests/simulation/scene.h"

enum lifecycle_operation {
    LIFECYCLE_RETRY,
    LIFECYCLE_RESUME_CHILDREN, // retry, of the deepest failed child
    LIFECYCLE_RESTART,
    LIFECYCLE_RERUN,      // from the beginning
    LIFECYCLE_RERUN_TASK, // from some task
    LIFECYCLE_SKIP,
    LIFECYCLE_RESET_CALLBACKS,
    LIFECYCLE_ARCHIVE,
    LIFECYCLE_REMOVE,
    LIFECYCLE_OPERATION_COUNT
};

struct lifecycle_wish {
    enum lifecycle_operation operation;
    id128 workflow;
};

// Draws an operation and an execution and asks for it. False: there is none to ask about.
bool lifecycle_ask(
    struct scene *scene, machine_answered answered, void *argument, struct lifecycle_wish *out_wish
);

// What became of it.
void lifecycle_note(
    struct scene *scene, const struct lifecycle_wish *wish, const struct answer *answer
);
