// Sealed datagrams: XChaCha20-Poly1305 under a ring of keys, one that seals and several that open,
// so that a key is changed without a stop: first all nodes open with the new one, then all seal
// with it.
//
//   'g' | u8 version | u8 which key | 0 | nonce:24 | sealed payload
//
// The head and the cluster's id are bound to it. A datagram sent again is opened again: gossip's
// news are ordered by themselves. Thread: any.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/id.h"

enum {
    GOSSIP_KEY_BYTES = 32,
    GOSSIP_NONCE_BYTES = 24,
    GOSSIP_HEAD_BYTES = 4,
    GOSSIP_SEAL_BYTES = GOSSIP_HEAD_BYTES + GOSSIP_NONCE_BYTES + 16, // around a payload
    GOSSIP_KEYS_MAX = 8,
};

struct gossip_key {
    uint8_t bytes[GOSSIP_KEY_BYTES];
    uint8_t tag; // says which key a datagram wants
};

struct gossip_ring {
    id128 cluster_id;
    size_t count; // the first seals
    struct gossip_key keys[GOSSIP_KEYS_MAX];
};

// The key of a secret, of any length. Of an empty one: known to everybody, for plain gossip.
struct gossip_key gossip_key_from_secret(bytes secret);

// Appends the sealed datagram. `nonce` is GOSSIP_NONCE_BYTES random bytes.
void gossip_seal(
    const struct gossip_ring *ring, const uint8_t *nonce, bytes payload, struct buffer *out
);

// Opens the datagram where it lies. False: not sealed by a key of the ring, or changed; it is then
// as it was.
MUST_USE bool
gossip_open(const struct gossip_ring *ring, uint8_t *datagram, size_t size, bytes *out_payload);
