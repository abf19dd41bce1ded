// The links between simulated nodes, as node/peer promises them: a session lies between two
// NODE_PEER_UP and ends with a NODE_PEER_DOWN at each end; within a session the messages of one
// class arrive in order, classes overtake each other; what was accepted and had not arrived when
// the session ended is lost. Faults: delay that differs by direction, silence one way or both,
// clogs, ends that are cut.
#pragma once

#include "node/core/effect.h"
#include "proto/limits.h"
#include "tests/simulation/world.h"

enum {
    NETWORK_NODES_MAX = LIMIT_CLUSTER_NODES // numbered from 1
};

struct network;

// A node as the network knows it. `awake_at` tells the virtual time at which the node can take
// something: now, or later when it is paused.
struct network_end {
    void *argument;
    int64_t (*awake_at)(const void *argument);
    void (*peer_changed)(void *argument, uint16_t peer, bool up);
    void (*message)(void *argument, uint16_t peer, bytes message);
};

// `delay_us_max`: of a message in the slower directions.
struct network *network_create(struct world *world, int64_t delay_us_max);
void network_destroy(struct network **network);

// There is such a node from now on.
void network_attach(struct network *network, uint16_t node, const struct network_end *end);

// Whether `node` holds `peer` for a member of its cluster. Two nodes are linked while both do.
void network_know(struct network *network, uint16_t node, uint16_t peer, bool known);
void network_know_nobody(struct network *network, uint16_t node);

// The node's process began, or ended. `silent`: the power went, nobody is told that it is gone.
void network_node_up(struct network *network, uint16_t node);
void network_node_down(struct network *network, uint16_t node, bool silent);

// Sends a copy. Dropped when the sender does not hold the link for up.
void network_send(
    struct network *network, uint16_t from, uint16_t to, enum link_class link, bytes message
);

// Nothing that `from` sends reaches `to`, until it is allowed again. Who hears nothing for long
// enough holds the link for down.
void network_block(struct network *network, uint16_t from, uint16_t to);
void network_allow(struct network *network, uint16_t from, uint16_t to);

// What `from` sends to `to` waits for so long, and nobody minds.
void network_clog(struct network *network, uint16_t from, uint16_t to, int64_t ns);

// The connection breaks, and may come back at once.
void network_cut(struct network *network, uint16_t one, uint16_t other);

// Allows everything, ends clogs; delays become short.
void network_heal(struct network *network);

struct network_stats {
    uint64_t sent;
    uint64_t arrived;
    uint64_t lost; // on their way when a session ended
    uint64_t sessions;
};

struct network_stats network_stats(const struct network *network);
