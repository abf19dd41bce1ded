// What a node wants done outside, each with the gate that must open before it may leave.
#pragma once

#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "scheduler/call.h"
#include "scheduler/decision.h"
#include "storage/store.h"

// The gates of distributed.md §1. An effect of a group of one voter is committed once its entry is
// durable here; with more voters, once a majority has it.
enum node_gate {
    GATE_NOW,
    GATE_DURABLE,
    GATE_COMMITTED,
};

#define NODE_EFFECTS(EFFECT)                                                                    \
    EFFECT(REPLY, GATE_COMMITTED, "the answer to a client's request")                           \
    EFFECT(PART, GATE_NOW, "more of an answer that a REPLY began, or its end")                  \
    EFFECT(EVALUATE, GATE_NOW, "a script to be run; NODE_EVALUATED tells the result")           \
    EFFECT(CALL, GATE_COMMITTED, "a request to be made outside; NODE_CALLED tells the answer")  \
    EFFECT(FINDING, GATE_NOW, "what the auditor found wrong, in words")                         \
    EFFECT(SEND, GATE_NOW, "a message to another node; what must be durable before it, is")     \
    EFFECT(MEMBER, GATE_COMMITTED, "a member of the cluster and its address, or one that left") \
    EFFECT(VERSION, GATE_COMMITTED, "the version that all members speak: who does not is refused")

enum node_effect_kind {
#define NODE_EFFECT_ENUM(name, gate, meaning) EFFECT_##name,
    NODE_EFFECTS(NODE_EFFECT_ENUM)
#undef NODE_EFFECT_ENUM
    EFFECT_KIND_COUNT
};

// Which queue of a link a message waits in (distributed.md §14).
enum link_class {
    LINK_URGENT, // votes, heartbeats, acknowledgements, hints
    LINK_BULK,   // appends, forwarded requests, answers
    LINK_STREAM, // snapshots
};

struct node_effect {
    enum node_effect_kind kind;
    uint64_t request_id;
    uint16_t status;
    enum reply_kind reply_kind;
    bool more;            // REPLY, PART: not the end; NODE_TAKEN asks for what follows
    bool broken;          // PART: the end, and what was sent is not the whole
    uint64_t total;       // REPLY with more: the bytes of the whole body; 0: not known
    bool retry_after;     // 503: the header goes with it
    bool with_tasks;      // tell NODE_DELIVERED when it was sent, NODE_GONE when it could not be
    bool stale;           // REPLY: read from this node's own copy; a header says how old it is
    int64_t age_ms;       // of it; -1: not known
    bool old_definitions; // REPLY: decided by definitions that may be old; a header says so
    log_index catalog;    // REPLY: other nodes shall have definitions up to here; 0: no matter
    uint64_t job_id;      // EVALUATE: to be told back with the index
    uint32_t evaluation_index;    // EVALUATE
    struct evaluation evaluation; // EVALUATE: views into `body`
    uint64_t call_id;             // CALL: to be told back
    struct call call;             // CALL: views into `body`
    uint16_t to;                  // SEND, MEMBER: a node
    uint32_t version;             // VERSION
    enum link_class link;         // SEND
    bytes body;     // owned by the effect: node_effect_release. MEMBER: host:port; empty: it left
    unsigned allow; // OPTIONS and 405: bit set of methods, route.h
    bytes content_type; // a literal that overrides reply_kind's, or empty
};

// Effects in the order they were wanted; their gates are open (node/core/gates.h). Thread: core.
struct node_effects;
struct node_effects *node_effects_create(void);
void node_effects_destroy(struct node_effects **effects);

// Adds an effect; takes over its body.
void node_effects_add(struct node_effects *effects, const struct node_effect *effect);

// Takes the next effect. The caller carries it out and releases it. False: none.
bool node_effects_take(struct node_effects *effects, struct node_effect *out_effect);

// A copy of `body` for an effect to own; empty for an empty one.
bytes node_effect_keep(bytes body);

// Frees what an effect owns.
void node_effect_release(struct node_effect *effect);
