// A generator with its state in the caller's hands: the shell seeds it from the system, the
// simulator from its seed. xoshiro256** (Blackman, Vigna). Not for secrets.
#pragma once

#include <stdint.h>

struct random {
    uint64_t state[4];
};

// Seeds from one number by splitmix64.
void random_init(struct random *random, uint64_t seed);

uint64_t random_u64(struct random *random);

// Uniform in 0 … bound-1; bound > 0.
uint64_t random_below(struct random *random, uint64_t bound);

// True once in `n` on average; n > 0.
int random_one_in(struct random *random, uint64_t n);
