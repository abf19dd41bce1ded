// Membership as gossip sees it: who lives, where, which release, how loaded, who leads what. SWIM
// (Das, Gupta, Motivala) with Lifeguard's local health, without a socket: datagrams in, datagrams
// out.
//
// Every second one member is probed; if it does not answer, three others probe it; if that fails as
// well, it is suspected, and after 4·log10(N+1) s dead, unless it hears of it and refutes. News
// rides on probes and their answers; every 30 s two members tell each other all they know. A node
// that has trouble itself becomes patient before it accuses others.
//
// It informs; it decides nothing (distributed.md §0). Everything is a function of what is passed
// in. A swim belongs to one thread.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/time.h"

#include <stddef.h>

struct swim;

#define SWIM_STATES(X)                                                  \
    X(UNKNOWN, "unknown") /* configured, and never heard of */          \
    X(ALIVE, "alive")                                                   \
    X(SUSPECT, "suspect") /* did not answer; it may refute */           \
    X(DEAD, "dead")       /* did not refute; a later word revives it */ \
    X(LEFT, "left")       /* said so itself */

enum swim_state {
#define SWIM_STATE_ENUM(name, word) SWIM_##name,
    SWIM_STATES(SWIM_STATE_ENUM)
#undef SWIM_STATE_ENUM
    SWIM_STATE_COUNT
};

const char *swim_state_name(enum swim_state state);

struct swim_seed {
    uint32_t node_id;
    const char *address; // host:port, at most LIMIT_GOSSIP_ADDRESS_BYTES
};

struct swim_options {
    uint32_t self_id;
    uint64_t incarnation;            // rises with every start of this node; not 0
    const struct swim_seed *members; // this node among them
    size_t member_count;
    uint16_t release_low; // versions of messages this process speaks
    uint16_t release_high;
    bytes release; // for people, at most LIMIT_PEER_RELEASE_BYTES
    uint64_t random_seed;
};

// The options are copied. Owned by the caller: swim_destroy.
struct swim *swim_create(const struct swim_options *options, mono_time now);
void swim_destroy(struct swim **swim);

// From now on the node is a member, to be found at `address` until it says otherwise itself; of one
// that is, only that is taken. False: LIMIT_NODES are members already.
MUST_USE bool swim_add(struct swim *swim, uint32_t node_id, bytes address);

// From now on it is none: it is not probed, not heard and not spoken of. Nothing for this node
// itself.
void swim_remove(struct swim *swim, uint32_t node_id);

// What a member is known by. Texts are borrowed until the next call that may change it.
struct swim_member {
    uint32_t node;
    enum swim_state state;
    uint64_t incarnation; // of its process; 0: unknown
    uint32_t refutation;  // how often that process had to say that it lives
    uint64_t revision;    // of what follows; 0: not heard yet
    bytes address;
    uint16_t release_low;
    uint16_t release_high;
    bytes release;
    uint32_t load; // as its node says, 0 … 1000
    bytes hints;   // who leads what, as its node says; opaque here
};

// The members, this node among them, in the order they became that. False: no such index.
MUST_USE bool swim_member_at(const struct swim *swim, size_t index, struct swim_member *out_member);

// What this node says of itself from now on. `hints` has at most LIMIT_GOSSIP_HINTS_BYTES.
void swim_say(struct swim *swim, uint32_t load, bytes hints);

// This node goes; go on pumping for a second so that others hear it.
void swim_leave(struct swim *swim);

// That another way shows a member to live just now, as a frame on its link does: it counts as its
// answer to a probe.
void swim_note_heard(struct swim *swim, uint32_t node);

// Takes in a datagram, already opened. Errors: ERR_CORRUPT: not one of ours; nothing changed.
// `*out_from` says whom it is from.
MUST_USE err swim_receive(struct swim *swim, mono_time now, bytes datagram, uint32_t *out_from);

// Lets time pass: probes, suspicion, exchange.
void swim_tick(struct swim *swim, mono_time now);
mono_time swim_next_wakeup(const struct swim *swim);

// The next datagram to send, at most LIMIT_GOSSIP_PAYLOAD_BYTES appended to `out`, with the news
// that fits. False: none.
MUST_USE bool swim_next_datagram(struct swim *swim, uint32_t *out_to, struct buffer *out);

// A member that changed since it was last told: its state, or what it says. Once for each change
// that is still so. False: none.
MUST_USE bool swim_next_change(struct swim *swim, struct swim_member *out_member);

// Somebody who is no member asked whether this node is there: who once was one does not know it
// yet. False: nobody did.
MUST_USE bool swim_next_stranger(const struct swim *swim, uint32_t *out_node);

// Tells that one, if it has left, that it did; it is asked about no more until it asks again.
void swim_answer_stranger(struct swim *swim, bool has_left);

// The member that answered so to this node: it was removed while it was away. 0: none did.
uint32_t swim_gone_by(const struct swim *swim);

#define SWIM_COUNTERS(X)                                       \
    X(probes, "probes sent")                                   \
    X(probes_failed, "probes without any answer")              \
    X(suspicions, "members suspected, by this node or others") \
    X(deaths, "members declared dead")                         \
    X(refutations, "times this node had to say that it lives") \
    X(datagrams_sent, "datagrams sent")                        \
    X(datagrams_received, "datagrams understood")              \
    X(datagrams_refused, "datagrams not understood")           \
    X(datagrams_old, "datagrams of an earlier process")        \
    X(datagrams_strange, "datagrams of who is no member")      \
    X(outdated, "times a later process of this very node was heard of")

struct swim_counters {
#define SWIM_COUNTER_FIELD(name, meaning) uint64_t name;
    SWIM_COUNTERS(SWIM_COUNTER_FIELD)
#undef SWIM_COUNTER_FIELD
};

const struct swim_counters *swim_counters(const struct swim *swim);

// 1 (well) to LIMIT_GOSSIP_HEALTH: what the times of probes are multiplied by.
uint32_t swim_patience(const struct swim *swim);
