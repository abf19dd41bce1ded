// Nodes on loopback for the tests of links: in this process, or in one of their own that can be
// killed and stopped.
#pragma once

#include "node/peer/peers.h"

#include <sys/types.h>

enum {
    WORLD_PATIENCE_MS = 20 * 1000, // for what must happen; a busy machine is slow
};

// Two nodes at ports that were free. Node 1 dials.
struct world {
    char addresses[2][32];
    struct peers_member members[2];
};

void world_init(struct world *world);

// The options of a node of it, with a key.
struct peers_options world_options(const struct world *world, uint32_t self, uint64_t incarnation);

mono_time world_now(void);

// A running node and what it was told.
struct world_node {
    struct peers *peers;
    int ups;
    int downs;
    uint64_t incarnation;       // of the last PEER_UP
    uint64_t messages;          // heard
    uint64_t bytes;             // in them
    enum peer_class peer_class; // of the last
    uint8_t first[16];          // bytes of the last
    size_t size;                // of the last
    bool echoes;                // sends each back
};

// Opens the links or fails the test.
void world_open(struct world_node *node, const struct peers_options *options);

// One turn: waits at most `wait_ms` for something, takes it in, sends.
void world_turn(struct world_node *node, int wait_ms);

// Takes turns until `condition` holds; `other` (or NULL) takes turns too. Fails the test when
// patience ends.
void world_until(
    struct world_node *node, struct world_node *other, bool (*condition)(const struct world_node *)
);

// Node 1 in a process of its own, which echoes. `program` is this test's.
pid_t world_spawn(const char *program, const struct world *world, uint64_t incarnation);

// What such a process runs: never returns.
void world_child(char **arguments);
