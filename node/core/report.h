// What nodes tell each other of themselves, soft state: how the groups are that they lead (their
// truth, distributed.md §2) and what their configuration says of them. The system group's leader
// plans by that, people see it at any node; and back goes how far moves are. Thread: core.
#pragma once

#include "node/core/peer_message.h"
#include "node/move/move.h"
#include "node/raft/raft.h"

struct node;

// A group as its leader told it last.
struct truth {
    bool known;
    bool changing;
    node_id leader;
    uint64_t term;
    log_index config;
    struct move_nodes voters;
    struct move_nodes learners;
};

void report_create(struct node *node);
void report_destroy(struct node *node);

// Something changed that others want to know: told in this turn.
void report_touched(struct node *node);

// A node came up: it knows nothing yet.
void report_peer_up(struct node *node);

void report_pump(struct node *node);
bool report_next_wakeup(const struct node *node, mono_time *out_at);

// What another node says. Errors: ERR_CORRUPT.
MUST_USE err report_told(struct node *node, node_id from, const struct peer_report *report);
void report_progress_told(struct node *node, const struct peer_progress *progress);

// How far moves are, as far as this node knows.
struct peer_progress report_progress(const struct node *node);
