// Requests whose answer lies in every partition: lists, queue sizes, bulk operations. The gateway
// asks each node for the partitions it leads and puts the parts together (distributed.md §10).
//
// Every partition is asked for exactly once: a part names its groups, and a node that does not lead
// all of them refuses it as a whole; its groups are dealt out anew. Thread: core.
#pragma once

#include "node/core/event.h"
#include "scheduler/decision.h"

struct node;
struct request;
struct gather;

// Whether the answer to this request has to be put together.
bool gather_is_for(const struct request *request);

// Begins; answers when all parts are there, or with 503 when its time is over.
void gather_begin(struct node *node, const struct request *request);

// A part came back; was refused and has to be dealt out anew; failed for good.
void gather_part(struct node *node, struct gather *gather, const struct reply *reply);
void gather_again(struct node *node, struct gather *gather, const struct node_request *part);
void gather_failed(struct node *node, struct gather *gather, err error);

// The client left. False: it waits for none.
bool gather_gone(struct node *node, uint64_t request_id);

// Deals out what waits for a leader.
void gather_pump(struct node *node);
bool gather_waits(const struct node *node);
void gather_all_destroy(struct node *node);

// Two parts as one: numbers add up, lists follow each other, objects are united member by member;
// of two other values the first stays. JSON texts; the result lives in `arena`. An empty text is
// no part. Errors: ERR_TOO_LARGE.
MUST_USE err gather_merge(bytes left, bytes right, struct arena *arena, bytes *out_merged);
