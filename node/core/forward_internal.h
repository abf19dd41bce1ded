// A call and a run, for the files that keep them. Internal to this folder.
#pragma once

#include "node/core/forward.h"
#include "proto/base/arena.h"

struct forward {
    uint64_t id;
    enum forward_purpose purpose;
    uint64_t request_id;
    struct node_request request; // texts in `kept`
    struct arena *kept;
    group_id group;
    node_id fixed; // the only node that may be asked; 0: any leader
    bool idempotent;
    bool uncertain; // a node that was asked may have done it
    node_id asked;  // 0: waits for somebody to ask
    mono_time deadline;
    mono_time again_at;
    struct gather *gather;
    struct forward *previous;
    struct forward *next;
};

struct run {
    uint64_t id;
    node_id origin;
    uint64_t call;
    bool answered; // with tasks whose delivery is not known yet
    struct run *previous;
    struct run *next;
};

// A run of a call of `origin`. Returns its number as a request.
uint64_t run_begin(struct node *node, node_id origin, uint64_t call);

// Whose runs have nobody to answer any more.
void runs_peer_down(struct node *node, node_id peer);
void runs_destroy(struct node *node);
