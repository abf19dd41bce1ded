// Hashes for placing, chaining and checking. None of them is for secrets.
#pragma once

#include "proto/base/bytes.h"

typedef struct hash128 {
    uint64_t high;
    uint64_t low;
} hash128;

// SipHash-2-4 (Aumasson, Bernstein) with a fixed, published key: the same on every node for ever.
uint64_t hash_sip64(bytes view);

// SipHash-2-4 with 128 bits of output, same key.
hash128 hash_sip128(bytes view);

// CRC-32C (Castagnoli) over `view`, continuing from `seed` (0 to begin).
uint32_t hash_crc32c(uint32_t seed, bytes view);

// The hash as 16 big-endian bytes.
void hash128_store(hash128 hash, uint8_t out[16]);
hash128 hash128_load(const uint8_t in[16]);
bool hash128_equal(hash128 left, hash128 right);
