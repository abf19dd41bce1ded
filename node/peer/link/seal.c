#include "node/peer/link/seal.h"

#include "proto/base/check.h"

#include <sodium.h>

#include <string.h>

_Static_assert(LINK_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "a key");
_Static_assert(LINK_KEY_BYTES >= crypto_generichash_KEYBYTES_MIN, "a key of a hash");
_Static_assert(LINK_SEAL_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "a seal");

enum {
    SESSION_BYTES = 64
};

// One labelled hash of two texts, each behind its size, so that no two pairs look alike.
static void hash_pair(
    const struct link_key *key,
    const char *label,
    bytes first,
    bytes second,
    uint8_t *out,
    size_t size
) {
    crypto_generichash_state state;
    uint8_t sizes[16];
    bytes_put_u64(sizes, first.size);
    bytes_put_u64(sizes + 8, second.size);
    check(crypto_generichash_init(&state, key->bytes, LINK_KEY_BYTES, size) == 0);
    (void)crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
    (void)crypto_generichash_update(&state, sizes, sizeof(sizes));
    (void)crypto_generichash_update(&state, first.data, first.size);
    (void)crypto_generichash_update(&state, second.data, second.size);
    check(crypto_generichash_final(&state, out, size) == 0);
    sodium_memzero(&state, sizeof(state));
}

struct link_key link_key_from_secret(bytes secret) {
    static const uint8_t LABEL[] = "orpheus cluster link key";
    struct link_key key;
    check(
        crypto_generichash(
            key.bytes, LINK_KEY_BYTES, secret.data, secret.size, LABEL, sizeof(LABEL) - 1
        ) == 0
    );
    return key;
}

struct link_session
link_session_derive(const struct link_key *cluster, bytes sender, bytes receiver) {
    uint8_t wide[SESSION_BYTES];
    struct link_session session;
    hash_pair(cluster, "session", sender, receiver, wide, sizeof(wide));
    memcpy(session.key.bytes, wide, LINK_KEY_BYTES);
    session.tag = bytes_get_u32(wide + LINK_KEY_BYTES);
    sodium_memzero(wide, sizeof(wide));
    return session;
}

void link_proof_make(
    const struct link_key *cluster, bytes sender, bytes receiver, uint8_t out[LINK_PROOF_BYTES]
) {
    hash_pair(cluster, "proof", sender, receiver, out, LINK_PROOF_BYTES);
}

bool link_proof_holds(const struct link_key *cluster, bytes sender, bytes receiver, bytes proof) {
    uint8_t expected[LINK_PROOF_BYTES];
    link_proof_make(cluster, sender, receiver, expected);
    return proof.size == LINK_PROOF_BYTES &&
           sodium_memcmp(proof.data, expected, LINK_PROOF_BYTES) == 0;
}

// A number as a nonce: the key is of one connection and direction, and numbers only rise.
static void nonce_of(uint64_t number, uint8_t out[crypto_aead_chacha20poly1305_ietf_NPUBBYTES]) {
    memset(out, 0, crypto_aead_chacha20poly1305_ietf_NPUBBYTES);
    bytes_put_u64(out + crypto_aead_chacha20poly1305_ietf_NPUBBYTES - 8, number);
}

void link_seal(
    const struct link_key *key, uint64_t number, bytes head, bytes content, uint8_t *out
) {
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    nonce_of(number, nonce);
    int result = crypto_aead_chacha20poly1305_ietf_encrypt(
        out, NULL, content.data, content.size, head.data, head.size, NULL, nonce, key->bytes
    );
    check(result == 0);
}

bool link_open(
    const struct link_key *key, uint64_t number, bytes head, uint8_t *sealed, size_t size
) {
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    nonce_of(number, nonce);
    return size >= LINK_SEAL_BYTES &&
           crypto_aead_chacha20poly1305_ietf_decrypt(
               sealed, NULL, NULL, sealed, size, head.data, head.size, nonce, key->bytes
           ) == 0;
}

void link_session_forget(struct link_session *session) {
    sodium_memzero(session, sizeof(*session));
}
