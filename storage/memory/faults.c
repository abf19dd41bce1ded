// One counter over both twins, so that a crash point is one number.
#include "storage/memory/faults.h"

void memory_faults_init(struct memory_faults *faults, uint64_t seed) {
    *faults = (struct memory_faults){.operations = 0};
    random_init(&faults->random, seed);
}

enum memory_outcome memory_faults_step(struct memory_faults *faults) {
    faults->operations++;
    if (faults->stop_at == 0 || faults->operations < faults->stop_at) {
        return MEMORY_DONE;
    }
    return faults->operations == faults->stop_at ? MEMORY_STOPPING : MEMORY_STOPPED;
}

bool memory_faults_draw(struct memory_faults *faults, uint32_t n) {
    return n > 0 && random_one_in(&faults->random, n);
}
