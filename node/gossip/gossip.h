// Gossip over UDP: membership of the cluster as this node hears it. See swim/swim.h for what it is
// worth: it informs and decides nothing.
//
// How the loop uses it: watch gossip_fd() for reading and wake at gossip_next_wakeup(). On either
// call gossip_pump() and then gossip_next() until it says false. Thread: all calls on one thread,
// the core's.
#pragma once

#include "node/gossip/swim/swim.h"
#include "node/log.h"
#include "proto/base/arena.h"
#include "proto/base/id.h"

struct gossip;

// All of it is copied by gossip_create.
struct gossip_options {
    struct swim_options swim; // random_seed is drawn here
    const char *listen_host;  // NULL: the host of this node's own address
    id128 cluster_id;
    const bytes *keys; // secrets of the cluster: the first seals, all of them open
    size_t key_count;
    bool plain;            // no keys: addresses must be loopback …
    bool plain_anywhere;   // … unless this says otherwise
    const struct log *log; // may be NULL; must outlive the gossip
};

// Opens the socket and looks up the members' hosts, which may wait for a name server. Owned by the
// caller: gossip_destroy. Errors: ERR_INVALID, ERR_IO; texts live in `arena`.
MUST_USE err gossip_create(
    const struct gossip_options *options,
    mono_time now,
    struct arena *arena,
    struct gossip **out_gossip
);
void gossip_destroy(struct gossip **gossip);

// From now on the node is a member, or found at another address. A host that is a name is not
// looked up, as that may wait: such a node is heard first and answered there. Errors: ERR_INVALID:
// an address that cannot be, too many members; texts live in `arena`.
MUST_USE err
gossip_add(struct gossip *gossip, uint32_t node_id, const char *address, struct arena *arena);

// As swim_remove.
void gossip_remove(struct gossip *gossip, uint32_t node_id);

// As peers_cut.
void gossip_cut(struct gossip *gossip, const uint32_t *nodes, size_t count);

// Takes in what arrived, lets time pass, sends what is to be sent. Never blocks.
void gossip_pump(struct gossip *gossip, mono_time now);

int gossip_fd(const struct gossip *gossip);
mono_time gossip_next_wakeup(const struct gossip *gossip);

// As swim_next_change, swim_member_at, swim_say, swim_leave, swim_note_heard.
MUST_USE bool gossip_next(struct gossip *gossip, struct swim_member *out_member);
MUST_USE bool
gossip_member_at(const struct gossip *gossip, size_t index, struct swim_member *out_member);
void gossip_say(struct gossip *gossip, uint32_t load, bytes hints);
void gossip_leave(struct gossip *gossip);
void gossip_note_heard(struct gossip *gossip, uint32_t node);

// As swim_next_stranger, swim_answer_stranger, swim_gone_by.
MUST_USE bool gossip_next_stranger(const struct gossip *gossip, uint32_t *out_node);
void gossip_answer_stranger(struct gossip *gossip, bool has_left);
uint32_t gossip_gone_by(const struct gossip *gossip);

struct gossip_stats {
    struct swim_counters swim;
    uint64_t refused_seal; // datagrams that no key opens
    uint64_t unsent;       // datagrams the system did not take, or for a host without address
    uint32_t patience;     // 1 (well) to LIMIT_GOSSIP_HEALTH
};

struct gossip_stats gossip_stats(const struct gossip *gossip);
