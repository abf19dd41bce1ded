// Requests that this node asks of the node that leads their group, itself included, and requests
// that other nodes ask of this one (distributed.md §5 steps 1, 2, 7).
//
// A *call* is kept at the gateway, the node that has the client's connection: with a copy of the
// request, so that it can be asked again when leadership moves, as the same request: the id of a
// new execution was chosen before. A *run* is kept where it is executed. Both are memory only: a
// gateway that dies takes its connections along, an executor that dies is asked again elsewhere.
//
// What may be asked again: anything that was refused because the node does not lead (nothing was
// done); what is idempotent also when its outcome is unknown. Else the client hears 503 with
// `retryable`, and that it may have been done. So it does when a later try is refused: the refusal
// says nothing of the earlier one. Thread: core.
#pragma once

#include "node/core/event.h"
#include "node/core/peer_message.h"
#include "node/raft/raft.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct node_effect;
struct gather;
struct poll;

enum forward_purpose {
    FORWARD_REQUEST, // its answer is the client's
    FORWARD_PART,    // its answer is part of a gathered one
    FORWARD_CLAIM,   // its answer is tasks for a poll that waits here
    FORWARD_LOOK,    // its answer is look.h's
    FORWARD_CALLED,  // it says what a call came to; calls.h hears whether that was taken
};

struct forward_wish {
    enum forward_purpose purpose;
    uint64_t request_id; // REQUEST: the client's; CLAIM: the poll's; LOOK; CALLED: the call's
    const struct node_request *request; // copied
    group_id group;                     // whose leader is asked
    node_id node;                       // or this node and no other; 0: the group's leader
    bool idempotent;
    int64_t timeout_ms;
    struct gather *gather; // PART
};

// Asks, or waits until there is somebody to ask.
void forward_begin(struct node *node, const struct forward_wish *wish);

// The client left. False: it waits for no call.
bool forward_gone(struct node *node, uint64_t request_id);

// The answer to a client was handed to its connection, or could not be: told to the node that gave
// the tasks in it. False: no call gave any.
bool forward_delivered(struct node *node, uint64_t request_id, bool gone);

// The client took what there is of its answer. False: no call of it has more to come.
bool forward_taken(struct node *node, uint64_t request_id);

// --- what the other node says --------------------------------------------------------------------

void forward_answered(struct node *node, node_id from, const struct peer_answer *answer);

// Another node's request, to be run here.
void forward_run(struct node *node, node_id from, const struct peer_forward *forward);

// The next part of an answer; which one is wanted of an answer that this node gives.
void forward_part(struct node *node, node_id from, const struct peer_part *part);
void forward_run_wanted(struct node *node, node_id from, const struct peer_want *want);

// What became of the tasks of an answer.
void forward_told(struct node *node, node_id from, const struct peer_delivery *delivery);

// The link to a node is gone, and what was on its way.
void forward_peer_down(struct node *node, node_id peer);

// --- runs ----------------------------------------------------------------------------------------

// Whether a request number is a run's, not a client's.
bool forward_is_run(uint64_t request_id);

// A run's answer passed its gate (takes over the body), or its gate was lost.
void forward_run_answered(struct node *node, const struct node_effect *effect);
void forward_run_lost(struct node *node, uint64_t run_id);

// More of a run's answer, as it is told (long_answer.h).
void forward_run_part(struct node *node, const struct node_effect *effect);

// Refuses a run: this node does not lead what it needs.
void forward_run_refuse(struct node *node, uint64_t run_id, group_id group);

// --- time ----------------------------------------------------------------------------------------

void forward_pump(struct node *node);
bool forward_next_wakeup(const struct node *node, mono_time *out_at);
void forward_all_destroy(struct node *node);
