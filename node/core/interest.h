// Queues across nodes (distributed.md §8): polls wait at the gateway that has their connection,
// tasks in the partition of their workflow, and small messages bring them together.
//
// A gateway tells every node which queues are polled at it (*interest*). A node whose supply of
// such a queue finds no poll of its own says so to one gateway at a time (*hint*). A gateway
// without a waiting poll withdraws its interest, remembers who has tasks, and says it again with
// its next poll. The gateway asks for tasks on behalf of concrete waiting polls (*claim*, a
// forwarded poll that does not wait); the answer is the *grant*, and whether it reached the worker
// is told back (call.h). All of this is soft: a lost hint is repeated, a lost claim is a poll that
// waits on, and a task that nobody got goes back at once or, when that is not known, after its
// lease.
//
// Cost of an idle poll: none; of an idle queue: one message a node each LIMIT_INTEREST_TELL_MS
// while somebody polls it. Thread: core.
#pragma once

#include "node/core/peer_message.h"
#include "node/raft/raft.h"

struct node;

// A client polls a queue here: the others shall know. Claims at once where supply is known.
void interest_polled(struct node *node, uint64_t queue, bytes type, bytes domain);

// A poll waits on after a claim that came to nothing: the others shall know, if they were told that
// none does.
void interest_waits(struct node *node, uint64_t queue);

// A claim of another node for this queue has come.
void interest_claimed(struct node *node, uint64_t queue, node_id from);

// It came to nothing.
void interest_unserved(struct node *node, uint64_t queue, node_id from);

// What other nodes say.
void interest_told(struct node *node, node_id from, const struct peer_interest *told);
void interest_hinted(struct node *node, node_id from, const struct peer_hint *hint);
void interest_peer_changed(struct node *node, node_id peer, bool up);

// A claim for a poll, parked again, came back with nothing: the node's supply is over. Another one
// that said it has some is asked at once.
void interest_exhausted(struct node *node, uint64_t queue, node_id from);

// Loads the supply of the queues that other nodes poll.
void interest_load(struct node *node);

// Sends hints.
void interest_pump(struct node *node);
bool interest_next_wakeup(const struct node *node, mono_time *out_at);
void interest_all_destroy(struct node *node);
