// The links of a node to the other nodes of its cluster: messages in three classes, who is there
// and who is not.
//
// One connection a pair of nodes: the lower node id dials, the higher listens at its address. Above
// each connection stand three bounded queues, urgent before bulk before stream, cut into frames of
// at most LIMIT_PEER_FRAME_BYTES, one at a time on its way. A link counts once both ends proved the
// cluster's key over both nonces; afterwards every frame is sealed, numbered as it leaves and bound
// to both incarnations.
//
// A link is lossy: what was accepted may be lost when the peer goes, and nothing is sent twice.
// Messages of one class that arrive, arrive in order; classes overtake each other.
//
// How the loop uses it: watch peers_fd() for reading and wake at peers_next_wakeup(). On either,
// and at the end of a turn that sent something, call peers_pump() and then peers_next() until it
// says false.
//
// Thread: all calls on one thread, the core's; NNG's own threads never run code of the caller.
#pragma once

#include "node/log.h"
#include "node/peer/link/peer.h"
#include "proto/base/arena.h"
#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/id.h"
#include "proto/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peers;

// A node of the cluster: `host:port`, where its links listen on TCP and its gossip on UDP.
struct peers_member {
    uint32_t node_id; // from 1
    const char *address;
};

// All of it is copied by peers_create.
struct peers_options {
    uint32_t self_id;
    const struct peers_member *members; // this node among them
    size_t member_count;
    const char *listen_host; // NULL: the host of this node's own address; "0.0.0.0" in containers
    id128 cluster_id;
    id128 store_uuid;
    // Rises with every start of this node, whatever its clock does: best counted in the store. A
    // process whose incarnation is below one seen before is refused.
    uint64_t incarnation;
    uint16_t release_low;  // the oldest version of messages this process speaks
    uint16_t release_high; // the newest
    const char *release;   // for people, at most LIMIT_PEER_RELEASE_BYTES
    bytes key;             // the secret of the cluster, at least LIMIT_CLUSTER_KEY_BYTES_MIN
    bool plain;            // no key, frames in the clear: addresses must be loopback …
    bool plain_anywhere;   // … unless this says otherwise
    uint32_t heartbeat_ms; // 0: LIMIT_PEER_HEARTBEAT_MS
    uint32_t silence_ms;   // 0: LIMIT_PEER_SILENCE_MS
    const struct log *log; // refusals, by name; must outlive the links
};

// Opens the sockets: listens, and dials in the background; nobody needs to be there yet. Owned by
// the caller: peers_destroy. Errors: ERR_INVALID (an option is wrong, named in the text), ERR_IO (a
// port cannot be had). Texts live in `arena`.
MUST_USE err
peers_create(const struct peers_options *options, struct arena *arena, struct peers **out_peers);

// Closes the links; what waits in queues is lost. Leaves NULL; accepts NULL.
void peers_destroy(struct peers **peers);

// From now on `member` is one: its link is made, it is dialled or may come. A node that is one
// already is found at the address given here from its next connection on; of the same address
// nothing changes. Errors: ERR_INVALID: this node itself, an address that cannot be, more than
// LIMIT_NODES; texts live in `arena`.
MUST_USE err peers_add(struct peers *peers, const struct peers_member *member, struct arena *arena);

// From now on the node is none: its connection is closed, a PEER_DOWN said if it was up, and
// whoever comes in its name is told that it is no member. Nothing for a node that is none. Not
// while a message of peers_next is borrowed.
void peers_remove(struct peers *peers, uint32_t node_id);

// The cluster writes and says what is new in `version` from now on (distributed.md §12): who does
// not speak it is refused at the next connection. Not above release_high, never lowered.
void peers_require_release(struct peers *peers, uint16_t version);

// For drills: from now on nothing passes to or from these nodes, as if the way were broken, and no
// others. Without a word: a connection that stands falls silent, a new one does not come about.
// At most LIMIT_NODES, copied.
void peers_cut(struct peers *peers, const uint32_t *nodes, size_t count);

// Queues a copy of `message` (1 byte … LIMIT_PEER_MESSAGE_BYTES) for node `to`. False: it was
// dropped and counted, because the link is down, its queue of that class is full, it is too large,
// or nobody has that id.
bool peers_send(struct peers *peers, uint32_t to, enum peer_class peer_class, bytes message);

// Hands what was queued since the last pump to the sockets that are free. Never blocks.
void peers_flush(struct peers *peers, mono_time now);

enum peer_event_kind {
    PEER_UP,      // proved who it is (again, or after silence)
    PEER_DOWN,    // its connection closed, or nothing was heard for the silence time
    PEER_MESSAGE, // one whole message
};

struct peer_event {
    enum peer_event_kind kind;
    uint32_t node;
    uint64_t incarnation; // of the peer's process
    id128 store_uuid;
    uint16_t release_low; // PEER_UP: the versions it speaks
    uint16_t release_high;
    enum peer_class peer_class; // of a PEER_MESSAGE
    bytes message;              // borrowed until the next call of peers_next or peers_pump
};

// The next thing that happened, oldest first per node. Every message lies between a PEER_UP and the
// next PEER_DOWN of its node; each of these two is said once. False: nothing more for now.
bool peers_next(struct peers *peers, struct peer_event *out_event);

// Readable when peers_pump has something to do. Owned by `peers`.
int peers_fd(const struct peers *peers);

// Takes in what arrived, notices silence, hands each free socket its next frame. Never blocks.
void peers_pump(struct peers *peers, mono_time now);

// When to call peers_pump should the descriptor stay silent; at once while peers_next has not said
// that there is nothing more.
mono_time peers_next_wakeup(const struct peers *peers);

// One link, for people and metrics.
struct peer_status {
    uint32_t node;
    const char *address; // borrowed from `peers`
    bool up;
    const char *state;       // of the link, a word
    const char *last_fault;  // why the peer was refused last, or ""
    uint64_t incarnation;    // of the newest process that proved itself; 0: none did yet
    id128 store_uuid;        // its store
    uint16_t release_agreed; // the newest version both speak; 0: not up yet
    bytes release;           // its name of it, borrowed from `peers`
    size_t queued_bytes[PEER_CLASS_COUNT];
    struct peer_counters counters;
};

// The other nodes, in the order they became members; `index` from 0. False: no such index.
bool peers_status(const struct peers *peers, size_t index, struct peer_status *out_status);

// The sum over all links.
struct peer_counters peers_stats(const struct peers *peers);
