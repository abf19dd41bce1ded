// Messages between partitions, each applied exactly once (distributed.md §9).
//
// The truth is rows: O rows at the source until they are acknowledged, an I row with the watermark
// at the destination. Here are only the positions of the groups this node leads: what a source has
// committed and handed on, what a destination has applied, what may be forgotten. A source and a
// destination on one node share a record, so what one learns the other knows. Thread: core.
#pragma once

#include "storage/keys.h"
#include "storage/store.h"

struct streams;

struct streams *streams_create(uint32_t group_count);
void streams_destroy(struct streams **streams);

// This node leads the group from now on: reads its outbox rows, what was sent and not yet
// acknowledged, and its watermarks.
void streams_lead(struct streams *streams, struct store *store, group_id group);

// It leads it no more: its positions are forgotten; what was handed to it is handed on again.
void streams_follow(struct streams *streams, group_id group);

// The source's entry with that message is committed.
void streams_sent(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

// The message is applied, or on its way to the node that leads the destination: the next one is
// next.
void streams_applied(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

// The destination's entry that applied up to `sequence` is committed: the source may forget it.
void streams_acknowledged(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

// The newest message that the destination, led here, has applied; and the newest whose entry is
// committed.
uint64_t
streams_newest_applied(const struct streams *streams, group_id source, group_id destination);
uint64_t streams_newest_acked(const struct streams *streams, group_id source, group_id destination);

// Passes over the pair until streams_retry: its destination cannot take more now.
void streams_stall(struct streams *streams, group_id source, group_id destination);

// Ends that for one pair.
void streams_resume(struct streams *streams, group_id source, group_id destination);

// Takes up what was passed over, and hands on again, from the newest acknowledged on, what is on
// its way to other nodes.
void streams_retry(struct streams *streams);

// Whether some message is not acknowledged yet: streams_retry has something to do, some time.
bool streams_are_open(const struct streams *streams);

// The next message to apply. False: none.
struct stream_position {
    group_id source;
    group_id destination;
    uint64_t sequence;
};
bool streams_next(struct streams *streams, struct stream_position *out_position);

// Takes one acknowledgement that the rows of `source` have not seen yet. False: none.
bool streams_take_ack(
    struct streams *streams, group_id source, struct stream_position *out_position
);

// A group with acknowledgements that wait for an entry to ride on. False: none.
bool streams_ack_group(const struct streams *streams, group_id *out_source);
