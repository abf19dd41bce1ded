// One link to one peer, without a socket: connections come and go, frames go in and out, and what
// is said about the peer follows from them.
//
//                         connection             hello is good
//             CLOSED ────────────────► GREETING ───────────────► PROVING
//               ▲                         │                         │ its proof holds
//               │ connection gone          ▼ anything else          ▼
//               ├────────────────────── REFUSED ◄──────────────── UP ◄──────► SILENT
//               └── closed by us after a while              nothing heard    heard again
//
// A link that is UP hands up messages and takes them; in every other state messages to send are
// dropped. Everything is a function of what is passed in: the caller gives time and random bytes.
// A link belongs to one thread.
#pragma once

#include "node/peer/link/hello.h"
#include "node/peer/link/peer.h"
#include "proto/base/time.h"

struct link;

#define LINK_STATES(X)      \
    X(CLOSED, "closed")     \
    X(GREETING, "greeting") \
    X(PROVING, "proving")   \
    X(UP, "up")             \
    X(SILENT, "silent")     \
    X(REFUSED, "refused")

enum link_state {
#define LINK_STATE_ENUM(name, word) LINK_##name,
    LINK_STATES(LINK_STATE_ENUM)
#undef LINK_STATE_ENUM
    LINK_STATE_COUNT
};

const char *link_state_name(enum link_state state);

struct link_options {
    struct link_identity self; // its text must outlive the link
    uint32_t peer;
    struct link_key key; // of link_key_from_secret
    uint32_t heartbeat_ms;
    uint32_t silence_ms;
};

// Owned by the caller: link_destroy.
struct link *link_create(const struct link_options *options);
void link_destroy(struct link **link);

// --- the connection. One at a time: a new one ends the one before.

// `nonce` is LINK_NONCE_BYTES random bytes, never given twice.
void link_connected(struct link *link, mono_time now, bytes nonce);
void link_disconnected(struct link *link, mono_time now);

// Whether the caller should close the connection, and then say link_disconnected.
bool link_wants_close(const struct link *link);

// Takes a frame that arrived on the connection; it is opened where it lies and must live as long as
// its messages are asked for. Frames that are not fresh, whole and ours are counted and change
// nothing.
void link_receive(struct link *link, mono_time now, uint8_t *frame, size_t size);

// The next message of the frame received last. Borrows from it, or from the link until the next
// call. False: there are no more.
MUST_USE bool link_next_message(struct link *link, enum peer_class *out_class, bytes *out_message);

// Lets time pass: silence, patience.
void link_tick(struct link *link, mono_time now);

// When link_tick, or link_frame_begin if the socket is free, has something to do by time alone.
mono_time link_next_wakeup(const struct link *link, bool socket_is_free);

// --- sending

// Queues a copy. False: dropped and counted; the link is not up, the queue is full, or the message
// larger than any may be.
bool link_send(struct link *link, enum peer_class peer_class, bytes message);

// The size of the frame to send now, at most LIMIT_PEER_FRAME_BYTES; 0: nothing is to be sent.
// Asked once the socket is free; what a frame takes from the queues is gone.
MUST_USE size_t link_frame_begin(struct link *link, mono_time now);

// Writes the frame whose size was asked for: numbered and sealed now.
void link_frame_finish(struct link *link, uint8_t *out);

// Whether a frame waits for a free socket, heartbeats aside.
bool link_has_frame(const struct link *link);

// --- what is known

enum link_state link_state_of(const struct link *link);
bool link_is_up(const struct link *link);

// Of the newest process that proved itself; 0: none did.
uint64_t link_peer_incarnation(const struct link *link);
id128 link_peer_store(const struct link *link);
bytes link_peer_release(const struct link *link); // borrowed until the next connection
uint16_t link_release_agreed(const struct link *link);
void link_peer_release_range(const struct link *link, uint16_t *out_low, uint16_t *out_high);

// From the next connection on, peers that do not speak `version` are refused.
void link_require_release(struct link *link, uint16_t version);

size_t link_queued_bytes(const struct link *link, enum peer_class peer_class);
const struct peer_counters *link_counters(const struct link *link);

// A refusal that nobody took yet: which, and what was compared, as fields of a log line. Borrowed
// until the next connection. False: none.
MUST_USE bool
link_take_refusal(struct link *link, enum link_fault *out_fault, const char **out_detail);
