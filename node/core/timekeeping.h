// The core's side of cluster time (node/time): stamps on frames, partition times that are ahead of
// it, and a node whose clock is wrong: it hands its groups over, stands for none, and fires
// nothing. Thread: core.
#pragma once

#include "node/core/node.h"
#include "node/time/cluster_time.h"

struct node_peer;

// After the groups are known: the newest time in them is what the start rule measures by.
void timekeeping_create(struct node *node, const struct node_options *options);

// The event's clocks become the node's time.
void timekeeping_tick(struct node *node, const struct node_event *event);

// While the own clock is wrong this node is not fit to lead (fitness.h).
void timekeeping_pump(struct node *node);

// A stamp for the next frame to a node. False: none is due.
bool timekeeping_stamp(struct node *node, uint16_t to, struct stamp *out_stamp);

// A frame of a node came with a stamp, which is taken off its front. Errors: ERR_CORRUPT.
MUST_USE err timekeeping_heard(struct node *node, const struct node_peer *from, bytes *frame);

// A link to the node was made.
void timekeeping_peer_up(struct node *node, const struct node_peer *peer);

// How far the partition time of a group this node leads is ahead of cluster time; 0: it is not.
int64_t timekeeping_ahead_ms(const struct node *node, group_id group);

// When `time` of the group's partition time comes, in cluster time, at the earliest.
int64_t timekeeping_earliest_ms(const struct node *node, group_id group, int64_t time_ms);

// Of the node's clock as the others see it, for GET /api/cluster.
struct cluster_time_peer timekeeping_peer(const struct node *node, const struct node_peer *peer);
