// What the two twins share: the decision whether an operation is done.
#pragma once

#include "storage/memory/memory.h"

enum memory_outcome {
    MEMORY_DONE,
    MEMORY_STOPPED, // the power is gone: nothing happens any more
    MEMORY_STOPPING // the power goes during this operation: any part of it happens
};

// Counts an operation that changes something.
enum memory_outcome memory_faults_step(struct memory_faults *faults);

// True once in `n`; never when n is 0.
bool memory_faults_draw(struct memory_faults *faults, uint32_t n);
