// Where a request has to be run: here, on the leader of one partition, or on all of them.
#pragma once

#include "proto/api/route.h"
#include "proto/base/id.h"
#include "storage/store.h"

struct node;
struct request;

enum location_kind {
    LOCATION_HERE, // by whoever was asked: nothing stored, or polls, which wait where the client is
    LOCATION_GROUP, // by the leader of `group`
    LOCATION_ALL,   // by every leader: gather.h
};

struct location {
    enum location_kind kind;
    group_id group;
    bool idempotent; // may be asked again when it is not known whether it was done
    int64_t wait_ms; // how long its answer may take by its own wish
};

// Decides, and chooses the id of a new execution (out_id; zero for other requests), so that any
// repetition is the same request (distributed.md §5 step 1).
struct location locate(struct node *node, const struct request *request, id128 *out_id);
