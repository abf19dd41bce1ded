// Events of the core as bytes, and what a node was created with: enough to step another node
// through the same life (distributed.md §14). Secrets and the environment are left out; whatever
// clients and workers sent is in it. A format for the same release, not for keeping. Pure. Thread:
// any.
#pragma once

#include "node/core/node.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"

// Appends an event.
void event_record_write(const struct node_event *event, struct buffer *out);

// Between events: what the log or the checkpoint took then. A record of this one byte.
enum {
    RECORD_BATCH_BEGUN = 254,
    RECORD_CHECKPOINT_BEGUN = 255
};

// Reads it. What it refers to lives in `arena`, its texts are views of `record`. Errors:
// ERR_CORRUPT.
MUST_USE err event_record_read(bytes record, struct arena *arena, struct node_event *out_event);

// The same for the options, but for the store, secrets and environment.
void options_record_write(const struct node_options *options, struct buffer *out);
MUST_USE err
options_record_read(bytes record, struct arena *arena, struct node_options *out_options);

// `tick`, `request`, …
const char *node_event_name(enum node_event_kind kind);

// A dump: magic, options, how many events came before its first, the events, the log of each group
// as it was when it was written. Each part has its size (u32) in front.
#define EVENT_DUMP_MAGIC "ORPHEVT1"

// Appends what a dump ends with: of each group last index and chain.
void groups_record_write(const struct store *store, uint32_t group_count, struct buffer *out);
