#include "node/gossip/seal.h"

#include "proto/base/check.h"
#include "proto/limits.h"

#include <sodium.h>

#include <string.h>

_Static_assert(
    GOSSIP_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
        GOSSIP_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
        GOSSIP_SEAL_BYTES ==
            GOSSIP_HEAD_BYTES + GOSSIP_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    "as libsodium has it"
);
_Static_assert(
    (int)LIMIT_GOSSIP_PAYLOAD_BYTES + (int)GOSSIP_SEAL_BYTES == (int)LIMIT_GOSSIP_DATAGRAM_BYTES,
    "a payload fits a datagram"
);

enum {
    MAGIC = 'g',
    VERSION = 1,
    BOUND_BYTES = GOSSIP_HEAD_BYTES + sizeof(id128),
    HASH_BYTES = GOSSIP_KEY_BYTES + 1,
};

struct gossip_key gossip_key_from_secret(bytes secret) {
    static const uint8_t LABEL[] = "orpheus cluster gossip key";
    uint8_t hash[HASH_BYTES];
    struct gossip_key key;
    check(
        crypto_generichash(
            hash, sizeof(hash), secret.data, secret.size, LABEL, sizeof(LABEL) - 1
        ) == 0
    );
    memcpy(key.bytes, hash, GOSSIP_KEY_BYTES);
    key.tag = hash[GOSSIP_KEY_BYTES];
    sodium_memzero(hash, sizeof(hash));
    return key;
}

static void bind_to(
    const struct gossip_ring *ring, const uint8_t head[GOSSIP_HEAD_BYTES], uint8_t out[BOUND_BYTES]
) {
    memcpy(out, head, GOSSIP_HEAD_BYTES);
    memcpy(out + GOSSIP_HEAD_BYTES, ring->cluster_id.bytes, sizeof(id128));
}

void gossip_seal(
    const struct gossip_ring *ring, const uint8_t *nonce, bytes payload, struct buffer *out
) {
    uint8_t bound[BOUND_BYTES];
    uint8_t *at = buffer_extend(out, payload.size + GOSSIP_SEAL_BYTES);
    check(at != NULL && ring->count > 0);
    at[0] = MAGIC;
    at[1] = VERSION;
    at[2] = ring->keys[0].tag;
    at[3] = 0;
    memcpy(at + GOSSIP_HEAD_BYTES, nonce, GOSSIP_NONCE_BYTES);
    bind_to(ring, at, bound);
    int result = crypto_aead_xchacha20poly1305_ietf_encrypt(
        at + GOSSIP_HEAD_BYTES + GOSSIP_NONCE_BYTES,
        NULL,
        payload.data,
        payload.size,
        bound,
        sizeof(bound),
        NULL,
        nonce,
        ring->keys[0].bytes
    );
    check(result == 0);
}

bool gossip_open(
    const struct gossip_ring *ring, uint8_t *datagram, size_t size, bytes *out_payload
) {
    uint8_t bound[BOUND_BYTES];
    if (size < GOSSIP_SEAL_BYTES || size > LIMIT_GOSSIP_DATAGRAM_BYTES || datagram[0] != MAGIC ||
        datagram[1] != VERSION || datagram[3] != 0) {
        return false;
    }
    bind_to(ring, datagram, bound);
    // Aside, because what does not open is overwritten, and the next key may be the right one.
    uint8_t opened[LIMIT_GOSSIP_PAYLOAD_BYTES];
    size_t payload_size = size - GOSSIP_SEAL_BYTES;
    uint8_t *sealed = datagram + GOSSIP_HEAD_BYTES + GOSSIP_NONCE_BYTES;
    for (size_t at = 0; at < ring->count; at++) {
        if (ring->keys[at].tag == datagram[2] && crypto_aead_xchacha20poly1305_ietf_decrypt(
                                                     opened,
                                                     NULL,
                                                     NULL,
                                                     sealed,
                                                     size - GOSSIP_HEAD_BYTES - GOSSIP_NONCE_BYTES,
                                                     bound,
                                                     sizeof(bound),
                                                     datagram + GOSSIP_HEAD_BYTES,
                                                     ring->keys[at].bytes
                                                 ) == 0) {
            memcpy(sealed, opened, payload_size);
            *out_payload = bytes_of(sealed, payload_size);
            return true;
        }
    }
    return false;
}
