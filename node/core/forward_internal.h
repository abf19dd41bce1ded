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
    struct incoming *incoming; // its answer comes in parts; NULL: it does not, or not yet
    struct forward *previous;
    struct forward *next;
};

struct run {
    uint64_t id;
    node_id origin;
    uint64_t call;
    bool answered;             // with tasks whose delivery is not known yet
    bool takes_parts;          // the node that asked can put an answer together
    struct outgoing *outgoing; // its answer goes in parts; NULL: it does not, or not yet
    struct run *previous;
    struct run *next;
};

// A run of a call of `origin`. Returns its number as a request.
uint64_t run_begin(struct node *node, node_id origin, uint64_t call, bool takes_parts);

// --- answers in parts: forward_parts.c -----------------------------------------------------------

// At the node that answers. Its first part is sent, or, of what is collected for a node that knows
// no parts, kept.
void outgoing_begin(struct node *node, struct run *run, const struct peer_answer *answer);
// More of it was told. True: all was collected.
bool outgoing_add(struct node *node, struct run *run, const struct node_effect *effect);
struct peer_answer outgoing_whole(const struct run *run);
void outgoing_wanted(struct node *node, struct run *run, const struct peer_want *want);
// Who asked for it has said nothing for long.
bool outgoing_is_silent(const struct node *node, const struct run *run);
void outgoing_destroy(struct node *node, struct run *run); // when it has one
// What there was of a run's answer is where it belongs.
void run_source_taken(struct node *node, const struct run *run);

// At the node that asked. The first part of the answer to a call came.
void incoming_begin(struct node *node, struct forward *forward, const struct peer_answer *answer);
// The answer has to come anew, or will not come. True: some of it was passed on to the client, who
// is told now that it broke off: nobody else is to answer.
bool incoming_end(struct node *node, struct forward *forward);
void incoming_free(struct forward *forward); // when it has one
// Asks for a part again, or says that it is wanted later; may end the call.
void incoming_look(struct node *node, struct forward *forward);

// --- calls: forward.c ----------------------------------------------------------------------------

void forward_destroy(struct node *node, struct forward *forward);
// What the other node said is passed to whom the call is for; ends it.
void forward_pass_on(
    struct node *node, struct forward *forward, node_id from, const struct peer_answer *answer
);
// Its answer will not come; ends the call.
void forward_fail(struct node *node, struct forward *forward, const char *text);

// --- runs: forward_run.c -------------------------------------------------------------------------

// Ends those of nodes that say nothing any more of the parts they were sent.
void runs_look(struct node *node);

// Whose runs have nobody to answer any more.
void runs_peer_down(struct node *node, node_id peer);
void runs_destroy(struct node *node);
