// Messages between partitions, each applied exactly once (distributed.md §9).
//
// The truth is rows: O rows at the source until they are acknowledged, an I row with the watermark
// at the destination. Here are only the positions: what the source has committed, what the
// destination has applied, what may be forgotten. Thread: core.
#pragma once

#include "storage/keys.h"
#include "storage/store.h"

struct streams;

struct streams *streams_create(uint32_t group_count);
void streams_destroy(struct streams **streams);

// Reads the outbox rows of every group: what was sent and not yet acknowledged before a restart.
void streams_load(struct streams *streams, struct store *store);

// The source's entry with that message is committed.
void streams_sent(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

// The destination's watermark, as its rows say or as just written.
void streams_applied(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

// The destination's entry that applied up to `sequence` is committed: the source may forget it.
void streams_acknowledged(
    struct streams *streams, group_id source, group_id destination, uint64_t sequence
);

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
