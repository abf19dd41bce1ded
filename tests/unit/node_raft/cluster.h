// Many nodes in one thread: the real node/raft over the real storage/view and storage/wal, over the
// memory twins, with a network that loses, repeats, reorders and parts, and processes that crash
// with what they had not synced. Time is virtual; a seed gives the same run again.
//
// After every input of every node the invariants of distributed.md §15.2 that concern agreement are
// checked (oracle.h); the first one broken is kept as text and ends the run.
#pragma once

#include "node/raft/message.h"
#include "node/raft/raft.h"
#include "proto/base/arena.h"
#include "proto/base/random.h"
#include "storage/memory/memory.h"
#include "tests/unit/node_raft/oracle.h"

#include <stdio.h>

struct cluster_options {
    uint64_t seed;
    uint32_t node_count; // at most CLUSTER_NODES_MAX
    uint32_t group_count;
    uint32_t voter_count;      // founders of each group: nodes g, g+1, … in a circle; 0: all
    uint32_t learner_count;    // of them, after the voters
    size_t value_bytes_max;    // of what clients write; some larger than a frame make parts
    size_t history_bytes;      // entries kept behind a checkpoint; 0: as the server
    bool tells_of_connections; // raft_peer_changed when a node crashes, starts, is cut off
};

// What the network and the disks do; may change at any time.
struct weather {
    uint32_t lose_percent;
    uint32_t repeat_percent;
    uint32_t replay_percent; // of old frames, seconds later
    int64_t delay_us_max;
    int64_t sync_us_max;
};

// A node, seen from outside.
struct machine {
    node_id id;
    bool up;
    mono_time paused_until;
    mono_time slept_since; // by its clock
    mono_time disk_stalls_until;
    int64_t lag_ns; // its clock is behind by this
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    struct raft *raft;
    uint64_t starts;
    bool was_wiped;
    struct store_batch *batch; // out, synced at batch_done
    mono_time batch_done;
};

struct cluster;

// All nodes run.
struct cluster *cluster_create(const struct cluster_options *options);
void cluster_destroy(struct cluster **cluster);

struct weather *cluster_weather(struct cluster *cluster);
struct random *cluster_random(struct cluster *cluster);
mono_time cluster_now(const struct cluster *cluster);
struct machine *cluster_machine(struct cluster *cluster, node_id node);
const struct oracle *cluster_oracle(const struct cluster *cluster);

// The first broken invariant, or NULL.
const char *cluster_failure(const struct cluster *cluster);

// Lets time pass, or stops earlier when an invariant breaks.
void cluster_run(struct cluster *cluster, int64_t ms);

// Lets time pass until `holds`, at most `ms`. False: it did not come to that.
bool cluster_run_until(
    struct cluster *cluster,
    bool (*holds)(struct cluster *cluster, void *argument),
    void *argument,
    int64_t ms
);

// The power goes: what was not synced is lost in any part.
void cluster_crash(struct cluster *cluster, node_id node);
void cluster_start(struct cluster *cluster, node_id node);
// The process stands still, its messages wait.
void cluster_pause(struct cluster *cluster, node_id node, int64_t ms);
// Wakes it now; its clock went on, or stood still meanwhile.
void cluster_wake(struct cluster *cluster, node_id node, bool clock_stood);

// Its disk finishes nothing meanwhile.
void cluster_stall_disk(struct cluster *cluster, node_id node, int64_t ms);

// Its disk is lost: it starts again with an empty one, as if nothing had been.
void cluster_wipe(struct cluster *cluster, node_id node);
// Whether that is survived: every group it has a vote in keeps two others, nothing is left of an
// earlier loss, and who is wiped is known by its store.
bool cluster_is_replaced(struct cluster *cluster); // who was wiped, in every group
bool cluster_may_wipe(struct cluster *cluster, node_id node);

// From now on the leaders of the group are told to drive it there; a target without voters:
// nowhere.
void cluster_want(struct cluster *cluster, group_id group, const struct raft_target *target);

// Frames from one node to another vanish, or no longer.
void cluster_cut(struct cluster *cluster, node_id from, node_id to, bool is_cut);
// Both ways between a node and all others.
void cluster_isolate(struct cluster *cluster, node_id node, bool is_cut);
// No cuts, no loss, everybody up.
void cluster_heal(struct cluster *cluster);

// A client writes through the node, a value of some size or of exactly `size`. False: it does not
// lead, or has no room.
bool cluster_propose(struct cluster *cluster, node_id node, group_id group);
bool cluster_write(struct cluster *cluster, node_id node, group_id group, size_t size);
// Frames for which `drops` says so vanish; NULL: none.
void cluster_filter(
    struct cluster *cluster,
    bool (*drops)(struct cluster *cluster, node_id from, const struct message *message)
);
// A frame with that header and, unless its kind is none, message arrives at `to` now. Returns what
// raft_receive did.
MUST_USE err cluster_forge(
    struct cluster *cluster,
    node_id from,
    node_id to,
    const struct frame_header *header,
    const struct message *message
);

// A client reads through the node; the oracle judges the answer. False: it does not lead.
bool cluster_read(struct cluster *cluster, node_id node, group_id group);
bool cluster_transfer(struct cluster *cluster, node_id node, group_id group, node_id to);
void cluster_checkpoint(struct cluster *cluster, node_id node);
// The oracle looks at the state that the node shows.
void cluster_judge(struct cluster *cluster, node_id node);

// The node that leads the group and may decide, in the highest term; 0: none.
node_id cluster_leader(const struct cluster *cluster, group_id group);
// Every group led, everything committed everywhere, all states alike.
bool cluster_is_settled(struct cluster *cluster, void *argument);

// Where every replica of the groups stands that are not settled, for a failure's text.
void cluster_describe(struct cluster *cluster, char *text, size_t size);

// From now on a line for each change of role or term, and for each note: `node 1 group 0: leader,
// term 1`, with the time in front when that is wanted.
void cluster_tell_story(struct cluster *cluster, bool with_time);
const char *cluster_story(const struct cluster *cluster);
// A line of one's own in it.
PRINTF_LIKE(2, 3) void cluster_note(struct cluster *cluster, const char *format, ...);
