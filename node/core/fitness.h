// How fit the nodes are: how much room their disks have, whether their logs are slow and their
// clocks right (distributed.md §13; §4, rule 11; §7). Each node says it of itself, to all, when it
// changes; what is heard of others is soft. What follows: what is refused for want of room, where
// new executions go, who shall not lead, and who leads again.
#pragma once

#include "node/raft/raft.h"
#include "proto/base/err.h"
#include "proto/base/time.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

struct node;
struct node_peer;
struct peer_fitness;
struct request;

enum room_level {
    ROOM_ENOUGH,
    ROOM_SOFT, // no new executions, no copies that move in
    ROOM_HARD  // only what finishes or deletes; leaders move away
};

// The device of a store, as the shell measured it. The ballast is a file that is given up at the
// hard limit: whether it is there or not, it counts as used, so that giving it up changes nothing
// in what is judged.
struct disk_measure {
    uint64_t used_bytes; // the ballast included when it is there
    uint64_t free_bytes; // for us
    uint64_t ballast_bytes;
    bool ballast_held;
};

struct fitness {
    enum room_level room;
    uint32_t used_permille;
    bool slow;       // its log was, some seconds ago
    bool clock_sick; // its clock is wrong (timekeeping.h)
};

// `enough`, `soft`, `hard`.
const char *room_level_name(enum room_level level);

// How full, the ballast counted, and what that comes to after it was `before`: a level is left
// LIMIT_DISK_RELIEF_PERMILLE below where it is entered. Pure.
uint32_t disk_used_permille(const struct disk_measure *disk);
enum room_level room_judge(enum room_level before, uint32_t used_permille);

// A measure was taken.
void fitness_measured(struct node *node, const struct disk_measure *disk);

// What a node says of itself; what is said to one that came up.
void fitness_told(struct node *node, struct node_peer *peer, const struct peer_fitness *said);
void fitness_tell(struct node *node, struct node_peer *peer);

// Whether a node is up and could lead for long.
bool fitness_peer_is_well(const struct node *node, node_id id);

// Once a second: says what changed, gives leadership away, gives it back.
void fitness_pump(struct node *node);
bool fitness_next_wakeup(const struct node *node, mono_time *out_at);

// A peer came up or its fitness changed: it counts as well from now on, or not.
void fitness_peer_up(struct node *node, struct node_peer *peer);

// ERR_UNAVAILABLE when the group takes no new executions now: the leader's disk has no room, or no
// majority of its copies' have. The text is for the client.
MUST_USE err fitness_takes_start(struct node *node, group_id group);

// Whether a new execution had better go to a group, as far as is known here.
bool fitness_suits_start(const struct node *node, group_id group);

// Whether a request may not run now; it was answered then.
MUST_USE bool fitness_refuses(struct node *node, const struct request *request);
