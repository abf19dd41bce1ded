// A node's brain: events in, effects out; partitions, queues, timers and the streams between
// partitions. Pure: the server and the simulator run the same object files.
//
// The caller owns the store's jobs: after a step it takes the open log batch to the log thread, and
// tells NODE_LOG_DONE when the batch came back. Nothing in here waits. Thread: core.
#pragma once

#include "node/core/attest.h"
#include "node/core/auditor.h"
#include "node/core/effect.h"
#include "node/core/event.h"
#include "node/core/fitness.h"
#include "node/time/cluster_time.h"
#include "proto/json/json.h"
#include "scheduler/decision.h"

struct node;
struct raft;

struct node_options {
    struct store *store;
    struct scheduler_settings settings;
    uint32_t calls_max;    // calls outside at a time; 0: LIMIT_CALLS
    int64_t audit_rest_ms; // between two walks of the auditor; 0: LIMIT_AUDIT_REST_MS
    uint64_t random_seed;  // the shell's comes from the system, the simulator's from its seed
    // The nodes that form the cluster, this one among them, the same list on all. None: this node
    // is alone and stays so. One that is formed of one node may grow.
    const uint16_t *members;
    size_t member_count;
    const bytes *addresses; // of them: host:port of links and gossip; NULL: not known
    // This node was added to a cluster that stood: it forms nothing, and `members` only say whom
    // to find.
    bool joined;
    uint16_t self;
    id128 cluster_id;
    uint32_t replicas;    // copies of each group; 0: three
    bool clock_trusted;   // somebody vouches for this machine's clock (node/time)
    uint64_t incarnation; // above that of every earlier process of this node
    id128 store_id;       // store_identity; zero: is not told
    bytes api_address;    // host:port where this node answers clients
    bytes zone;           // nodes of one zone fail together
    uint32_t weight;      // of its share of replicas; 0: 1
    uint16_t release_low; // versions of messages that it speaks
    uint16_t release_high;
    int64_t dead_after_ms; // a node that was silent so long is replaced; 0: LIMIT_DEAD_AFTER_MS
    bytes host;            // `instance` in error bodies
    bytes version;         // GET /api/version
    wall_time wall;
    mono_time mono;
};

// Takes the groups over: opens their terms, loads timers and streams. Outlives neither store nor
// texts.
struct node *node_create(const struct node_options *options);
void node_destroy(struct node **node);

// One turn: the only way a node's state changes.
void node_step(struct node *node, const struct node_event *event, struct node_effects *effects);

// When to call again with NODE_TICK should nothing happen before.
mono_time node_next_wakeup(const struct node *node);

struct node_stats {
    uint64_t requests;
    uint64_t entries; // log entries made
    uint64_t workflows_started;
    uint64_t tasks_claimed;
    uint64_t tasks_returned; // handed out by answers that nobody got
    uint64_t tasks_updated;
    uint64_t timers_fired;
    uint64_t evaluations;   // scripts asked for
    uint64_t calls;         // claimed to be made outside
    uint64_t calls_told;    // of these answered, or come to nothing
    uint64_t calls_open;    // now
    uint64_t bodies_staged; // large ones that got entries of their own
    uint64_t messages_applied;
    uint64_t polls_parked; // now
    uint64_t supply_held;  // now
    uint64_t alarms_held;  // now
    uint64_t refused_overload;
    uint64_t refused_room;  // for want of room on a disk
    uint64_t messages_sent; // to other nodes
    uint64_t messages_received;
    uint64_t messages_refused;   // not understood
    uint64_t messages_too_large; // for a link
    uint64_t answers_lost;       // leadership ended before their gates opened
    uint64_t groups_led;         // now
    uint64_t long_answers;       // now: told piece by piece
    uint64_t long_answers_begun;
    uint64_t long_answers_broken; // could not be told to their end
    uint64_t answers_held;        // now: behind their gates
    uint64_t states_compared;     // hashes of copies that were told to this node
    uint64_t states_differed;     // of these wrong, by what a majority has
    uint64_t states_condemned;    // copies here that a leader found wrong
};

struct node_stats node_stats(const struct node *node);

// Whether a node was a member once and is none any more, for certain: by a row that is committed.
bool node_has_left(struct node *node, uint16_t id);

// What this node says of its own disk and log.
struct fitness node_fitness(const struct node *node);
// The newest copy that was found to differ.
struct attest_difference node_difference(const struct node *node);

// What the node makes of its clock and the others'.
struct cluster_time_status node_clock(const struct node *node);

struct auditor_stats node_auditor(const struct node *node);

// Agreement, for looking: who leads, how far copies are. Borrows; lives as long as the node.
const struct raft *node_raft(const struct node *node);
