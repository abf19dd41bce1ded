// Nodes that gossip over a network of the test: datagrams take a while, get lost, and do not cross
// what is cut. One clock, one seed: a run is the same every time.
#pragma once

#include "node/gossip/swim/swim.h"
#include "proto/base/random.h"
#include "proto/limits.h"

#include <stdbool.h>

enum {
    CROWD_MAX = 16,
    CROWD_FLYING_MAX = 4096,
};

struct crowd_datagram {
    int64_t arrives_ns;
    int from;
    int to;
    size_t size;
    uint8_t data[LIMIT_GOSSIP_PAYLOAD_BYTES];
};

struct crowd {
    int count;
    mono_time now;
    struct random random;
    uint64_t incarnations[CROWD_MAX];
    struct swim *nodes[CROWD_MAX]; // NULL: killed
    bool stopped[CROWD_MAX];
    bool cut[CROWD_MAX][CROWD_MAX]; // [from][to]
    uint32_t loss_percent;
    uint64_t delivered;
    uint64_t changes_to[SWIM_STATE_COUNT]; // told by any node about any
    size_t flying_count;
    struct crowd_datagram *flying;
};

// Starts `count` nodes with ids 1 …, who know of each other from one list.
void crowd_init(struct crowd *crowd, int count, uint64_t seed);
void crowd_deinit(struct crowd *crowd);

void crowd_kill(struct crowd *crowd, int node);
// Starts it again, with the next incarnation.
void crowd_start(struct crowd *crowd, int node);

// Cuts or mends both ways between the first `size` nodes and the rest.
void crowd_part(struct crowd *crowd, int size, bool cut);

void crowd_run(struct crowd *crowd, int64_t ms);

// Runs until it is so, or `ms` have passed. Whether it is.
bool crowd_until(struct crowd *crowd, int64_t ms, bool (*is_so)(const struct crowd *));

// What `observer` believes of `node`.
struct swim_member crowd_view(const struct crowd *crowd, int observer, int node);

// Whether every running node believes this of the node.
bool crowd_all_believe(const struct crowd *crowd, int node, enum swim_state state);
