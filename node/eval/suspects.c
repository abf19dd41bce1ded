#include "node/eval/suspects.h"

#include <stddef.h>

static struct suspect *find(struct suspects *suspects, uint64_t program) {
    for (size_t i = 0; i < SUSPECTS_MAX; i++) {
        if (suspects->items[i].until_ms > 0 && suspects->items[i].program == program) {
            return &suspects->items[i];
        }
    }
    return NULL;
}

void suspects_add(struct suspects *suspects, uint64_t program, int64_t until_ms) {
    struct suspect *known = find(suspects, program);
    if (known == NULL) {
        known = &suspects->items[suspects->next++ % SUSPECTS_MAX];
    }
    *known = (struct suspect){program, until_ms};
}

void suspects_remove(struct suspects *suspects, uint64_t program) {
    struct suspect *known = find(suspects, program);
    if (known != NULL) {
        *known = (struct suspect){0, 0};
    }
}

bool suspects_has(const struct suspects *suspects, uint64_t program, int64_t now_ms) {
    for (size_t i = 0; i < SUSPECTS_MAX; i++) {
        if (suspects->items[i].program == program && suspects->items[i].until_ms > now_ms) {
            return true;
        }
    }
    return false;
}
