// Tasks that a client completes by hand.
#pragma once

#include "tests/simulation/execution.h"
#include "tests/simulation/scene.h"

// An update that is on its way.
struct human_update {
    id128 task;
    int64_t value;
    bool returns; // IN_PROGRESS: a worker task goes back to its queue
};

// Completes one open HUMAN task of an execution, or, now and then, ends a WAIT or puts a worker's
// task back: by id or by reference. False: there is none, nothing was asked.
bool human_ask(
    struct scene *scene,
    const struct execution *execution,
    machine_answered answered,
    void *argument,
    struct human_update *out_update
);

// Notes the promise in its answer.
void human_note(
    struct scene *scene, const struct human_update *update, const struct answer *answer
);
