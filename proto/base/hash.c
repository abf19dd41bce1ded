// SipHash as its paper gives it. CRC-32C by the processor's instruction where it has one, by a
// table of sixteen entries elsewhere: the slow path stays small because hardly anybody takes it.
#include "proto/base/hash.h"

#include "proto/base/attr.h"

#include <string.h>

static const uint64_t SIP_KEY[2] = {0x6f72706865757331u, 0x0102030405060708u};

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t value, int by) {
    return (value << by) | (value >> (64 - by));
}

static inline void sip_round(struct sip *s) {
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

// Spelled out, compilers make one load of it.
static inline uint64_t load_little(const uint8_t *at) {
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

// Works on a copy of the state, which then stays in registers.
static struct sip sip_absorb(struct sip s, bytes view) {
    size_t whole = view.size / 8 * 8;
    for (size_t at = 0; at < whole; at += 8) {
        uint64_t word = load_little(view.data + at);
        s.v3 ^= word;
        sip_round(&s);
        sip_round(&s);
        s.v0 ^= word;
    }
    uint64_t last = (uint64_t)(view.size & 0xff) << 56;
    for (size_t at = whole; at < view.size; at++) {
        last |= (uint64_t)view.data[at] << (8 * (at - whole));
    }
    s.v3 ^= last;
    sip_round(&s);
    sip_round(&s);
    s.v0 ^= last;
    return s;
}

static uint64_t sip_finish(struct sip *s) {
    for (int i = 0; i < 4; i++) {
        sip_round(s);
    }
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static struct sip sip_begin(void) {
    return (struct sip){
        .v0 = SIP_KEY[0] ^ 0x736f6d6570736575u,
        .v1 = SIP_KEY[1] ^ 0x646f72616e646f6du,
        .v2 = SIP_KEY[0] ^ 0x6c7967656e657261u,
        .v3 = SIP_KEY[1] ^ 0x7465646279746573u,
    };
}

uint64_t hash_sip64(bytes view) {
    struct sip s = sip_absorb(sip_begin(), view);
    s.v2 ^= 0xff;
    return sip_finish(&s);
}

hash128 hash_sip128(bytes view) {
    struct sip s = sip_begin();
    s.v1 ^= 0xee;
    s = sip_absorb(s, view);
    s.v2 ^= 0xee;
    hash128 hash = {.high = sip_finish(&s)};
    s.v1 ^= 0xdd;
    hash.low = sip_finish(&s);
    return hash;
}

// Entry n: the CRC of the four bits n.
static const uint32_t CRC_NIBBLES[16] = {
    0x00000000u,
    0x105ec76fu,
    0x20bd8edeu,
    0x30e349b1u,
    0x417b1dbcu,
    0x5125dad3u,
    0x61c69362u,
    0x7198540du,
    0x82f63b78u,
    0x92a8fc17u,
    0xa24bb5a6u,
    0xb21572c9u,
    0xc38d26c4u,
    0xd3d3e1abu,
    0xe330a81au,
    0xf36e6f75u,
};

static uint32_t crc_portable(uint32_t crc, bytes view) {
    for (size_t at = 0; at < view.size; at++) {
        crc ^= view.data[at];
        crc = (crc >> 4) ^ CRC_NIBBLES[crc & 15];
        crc = (crc >> 4) ^ CRC_NIBBLES[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

TARGET_SSE42 static uint32_t crc_hardware(uint32_t seed, bytes view) {
    uint64_t crc = seed;
    size_t at = 0;
    for (; at + 8 <= view.size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, view.data + at, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; at < view.size; at++) {
        crc = _mm_crc32_u8((uint32_t)crc, view.data[at]);
    }
    return (uint32_t)crc;
}

uint32_t hash_crc32c(uint32_t seed, bytes view) {
    if (__builtin_cpu_supports("sse4.2")) {
        return ~crc_hardware(~seed, view);
    }
    return ~crc_portable(~seed, view);
}

#else

uint32_t hash_crc32c(uint32_t seed, bytes view) {
    return ~crc_portable(~seed, view);
}

#endif

void hash128_store(hash128 hash, uint8_t out[16]) {
    bytes_put_u64(out, hash.high);
    bytes_put_u64(out + 8, hash.low);
}

hash128 hash128_load(const uint8_t in[16]) {
    return (hash128){.high = bytes_get_u64(in), .low = bytes_get_u64(in + 8)};
}

bool hash128_equal(hash128 left, hash128 right) {
    return left.high == right.high && left.low == right.low;
}
