// The time that the nodes of a cluster agree on (distributed.md §7), as one node keeps it.
//
// It runs on the node's own monotonic clock. Stamps (stamp.h) that ride on frames show what the
// wall clocks of the others read; where most of all nodes' clocks agree is what it is drawn to, by
// at most a twentieth of the time that passes. It steps forward when most have agreed on a later
// time for LIMIT_TIME_STEP_MS, and never back. A node alone is a majority: its own clock counts.
// Pure. Thread: core.
#pragma once

#include "node/time/stamp.h"
#include "proto/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct cluster_time;

struct cluster_time_options {
    uint32_t node_count; // members, this one among them
    uint32_t self;       // its place: members have places from 0, below LIMIT_CLUSTER_NODES
    bool trusted;        // somebody vouches for this machine's clock
    wall_time newest;    // the newest time that is stored here; 0: none
    mono_time mono;
    wall_time wall;
};

struct cluster_time *cluster_time_create(const struct cluster_time_options *options);
void cluster_time_destroy(struct cluster_time **time); // accepts NULL, leaves NULL

// This node's own clocks show that now. `mono` never goes back.
void cluster_time_tick(struct cluster_time *time, mono_time mono, wall_time wall);

// There are so many members now: what a majority is of.
void cluster_time_resize(struct cluster_time *time, uint32_t node_count);

// A frame leaves for a node. True: the stamp is to go with it.
bool cluster_time_stamp(struct cluster_time *time, uint32_t node, struct stamp *out_stamp);

// A stamp of a node came, at the moment of the last tick.
void cluster_time_heard(struct cluster_time *time, uint32_t node, const struct stamp *stamp);

// The link to a node is a new one, or its place another's: what came over the old one does not
// count any more.
void cluster_time_forget(struct cluster_time *time, uint32_t node);

// Cluster time. Goes back only while cluster_time_may_fire is false.
wall_time cluster_time_now(const struct cluster_time *time);

// Whether there is one: until most clocks were heard to agree nothing should be decided by it.
bool cluster_time_is_known(const struct cluster_time *time);

// Whether this node may fire timers by it: it is known, the own clock is not sick, and the start
// rule holds – a time more than LIMIT_TIME_LEAP_MS past the newest that is stored has to be vouched
// for by the configuration, by a node that fires already, or by LIMIT_TIME_STEADY_MS without a
// step.
bool cluster_time_may_fire(const struct cluster_time *time);

// When to tick again should nothing happen before; false: no need to.
bool cluster_time_next_wakeup(const struct cluster_time *time, mono_time *out_at);

struct cluster_time_status {
    bool known;
    bool agreed;         // most clocks agree now; else it runs on from what they agreed on last
    bool quarrel;        // enough clocks are heard for a majority, and none agrees
    bool trusted;        // the start rule holds
    bool sick;           // this node's clock is wrong by more than LIMIT_TIME_SICK_MS
    int64_t off_ms;      // this node's wall clock, ahead of cluster time
    int64_t wait_ms;     // not trusted: until it is, at the earliest
    int64_t leap_ms;     // not trusted: how far past the newest stored time it began
    uint64_t steps;      // forward
    uint64_t sick_count; // times it fell sick
};

struct cluster_time_status cluster_time_status(const struct cluster_time *time);

struct cluster_time_peer {
    bool heard;       // recently
    int64_t off_ms;   // its wall clock, ahead of cluster time
    int64_t error_ms; // at most
};

struct cluster_time_peer cluster_time_peer(const struct cluster_time *time, uint32_t node);
