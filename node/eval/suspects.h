// Scripts that ran longer than a slice not long ago, by their text. A loop that was started a
// hundred times would otherwise take a slice of an ordinary process, and its life, a hundred times.
// Thread: the loop's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SUSPECTS_MAX = 64
};

// All zeroes: nobody is suspected. The oldest gives way to the newest.
struct suspects {
    struct suspect {
        uint64_t program; // hash of the text
        int64_t until_ms;
    } items[SUSPECTS_MAX];
    uint32_t next;
};

// It ran too long: suspected until then.
void suspects_add(struct suspects *suspects, uint64_t program, int64_t until_ms);

// It did not, this time.
void suspects_remove(struct suspects *suspects, uint64_t program);

bool suspects_has(const struct suspects *suspects, uint64_t program, int64_t now_ms);
