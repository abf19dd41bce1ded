// What the files of a link share.
#pragma once

#include "node/peer/link/assembly.h"
#include "node/peer/link/link.h"
#include "node/peer/link/queue.h"

enum {
    LINK_ANSWER_BYTES = 8, // of the nonce that a proof answers
    LINK_PROOF_FRAME_BYTES = LINK_FRAME_PREFIX_BYTES + LINK_ANSWER_BYTES + LINK_PROOF_BYTES,
};

struct link {
    struct link_options options;
    enum link_state state;
    mono_time since; // in this state
    mono_time heard; // the last good frame
    mono_time spoke; // the last frame sent
    struct peer_counters counters;

    // Of this connection: both hello frames, and what to say next.
    struct arena *arena;
    uint8_t nonce[LINK_NONCE_BYTES]; // ours
    struct buffer hello_own;
    struct buffer hello_theirs;
    struct link_hello peer; // borrows from hello_theirs
    bool owes_hello;
    bool owes_proof;
    bool owes_refusal;
    bool owes_close; // asks the caller to close the connection
    enum link_fault fault;
    bool fault_taken;
    const char *fault_detail; // in the arena

    // The newest process that proved itself.
    uint64_t incarnation;
    id128 store_uuid;

    // Sending.
    struct link_session session_out;
    uint64_t number_out;
    struct link_queue queues[PEER_CLASS_COUNT];
    uint32_t part_offset[PEER_CLASS_COUNT]; // how much of the first message left in parts
    uint32_t part_stream[PEER_CLASS_COUNT];
    struct buffer pieces; // of the frame begun
    enum link_frame_kind begun;

    // Receiving.
    struct link_session session_in;
    uint64_t number_in;
    bytes rest; // pieces of the frame received last
    struct link_assembly assemblies[PEER_CLASS_COUNT];
};

// Moves to another state, which the table allows. Leaving UP empties the queues.
void link_move(struct link *link, enum link_state state, mono_time now);

// Ends the connection's hopes: the fault is kept for the log and told to the other end.
void link_refuse(struct link *link, enum link_fault fault, const char *detail, mono_time now);

static inline int64_t link_ms(uint32_t ms) {
    return (int64_t)ms * 1000 * 1000;
}
