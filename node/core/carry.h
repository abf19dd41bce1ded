// Messages between partitions on their way: applied here, or carried to the node that leads their
// destination (distributed.md §9). Positions are in streams.h.
//
// At most LIMIT_STREAM_WINDOW messages of a pair of groups are under way to another node; what is
// not acknowledged for LIMIT_STREAM_RETRY_MS is sent again. The receiver takes only the one behind
// its watermark, so a repetition costs a message and nothing else. Thread: core.
#pragma once

#include "node/core/group.h"
#include "node/core/peer_message.h"
#include "node/core/streams.h"
#include "node/raft/raft.h"

struct node;

// Applies and sends what is ready. Bounded; sets more_to_do.
void streams_pump(struct node *node);

// Acknowledgements ride on other entries of their group; one that waited long enough gets its own.
void acks_pump(struct node *node);

// The entry that applied a message is committed: its source may forget it.
void carry_committed(struct node *node, group_id destination, const struct group_ack *ack);

// A message for a group that this node leads; news of messages it sent.
void carry_received(struct node *node, node_id from, const struct peer_stream *message);
void carry_acknowledged(struct node *node, const struct peer_stream *ack);

// The bodies of a message are staged, as far as they will be: it is applied, if it is still the
// next one (job.c).
void carry_again(struct node *node, const struct stream_position *position, bytes message);

// When unacknowledged messages are looked at next. False: there are none under way.
bool carry_next_wakeup(const struct node *node, mono_time *out_at);
