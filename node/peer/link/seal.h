// What the links take from libsodium: keys from a secret, proofs, sealed frames. ChaCha20-Poly1305
// and BLAKE2b; everything here is computation, the shell gives the random bytes. Thread: any.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"

enum {
    LINK_KEY_BYTES = 32,
    LINK_NONCE_BYTES = 32, // drawn anew for each connection, by each end
    LINK_PROOF_BYTES = 32,
    LINK_SEAL_BYTES = 16, // what a seal adds to its content
};

struct link_key {
    uint8_t bytes[LINK_KEY_BYTES];
};

// The key of a cluster from its secret, of any length. An empty secret gives a key that everybody
// knows: plain links use it, so that they shake hands all the same.
struct link_key link_key_from_secret(bytes secret);

// The keys of one connection and direction.
struct link_session {
    struct link_key key;
    uint32_t tag; // says in each frame which session it belongs to
};

// `sender` and `receiver` are the hello frames, each with its nonce, of the two ends.
struct link_session
link_session_derive(const struct link_key *cluster, bytes sender, bytes receiver);

// That the sender of one hello has the key and received the other's hello.
void link_proof_make(
    const struct link_key *cluster, bytes sender, bytes receiver, uint8_t out[LINK_PROOF_BYTES]
);
MUST_USE bool
link_proof_holds(const struct link_key *cluster, bytes sender, bytes receiver, bytes proof);

// Seals `content` into `out`, which has room for LINK_SEAL_BYTES more. `head` is bound to it. No
// number is used twice with a key.
void link_seal(
    const struct link_key *key, uint64_t number, bytes head, bytes content, uint8_t *out
);

// Opens the sealed bytes where they are; the content is LINK_SEAL_BYTES shorter. False: they were
// changed, or sealed otherwise.
MUST_USE bool
link_open(const struct link_key *key, uint64_t number, bytes head, uint8_t *sealed, size_t size);

// Overwrites a session's key.
void link_session_forget(struct link_session *session);
