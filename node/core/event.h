// What can happen to a node. An event carries what the core may not ask for: both clocks, requests,
// results of work done outside.
#pragma once

#include "proto/api/route.h"
#include "proto/base/bytes.h"
#include "proto/base/id.h"
#include "proto/base/time.h"
#include "scheduler/call.h"
#include "scheduler/evaluation.h"
#include "storage/store.h"

#include <stdint.h>

// A client's request as the front door read it: decoded, nothing looked up yet. Borrowed for the
// duration of node_step.
struct node_request {
    bytes method;          // as sent
    const bytes *segments; // of the path, percent-decoded, one a segment
    size_t segment_count;
    struct api_parameters parameters; // of the query, form-decoded
    bytes body;

    // What the cluster adds; all zero in what the front door gives.
    id128 chosen_id;        // of the new execution: a repetition is the same request
    bytes aim;              // what a search at another node found: the execution or task it is for
    bool scoped;            // covers these groups only
    const uint32_t *groups; // of a scoped one
    size_t group_count;
    uint16_t from; // the node that forwarded it; 0: a client
};

enum node_event_kind {
    NODE_TICK,            // time went on
    NODE_REQUEST,         // a client asks
    NODE_GONE,            // a client left before its answer, or the answer could not be sent
    NODE_DELIVERED,       // an answer with tasks was handed to its connection
    NODE_LOG_DONE,        // the log is durable up to `lsn`
    NODE_CHECKPOINT_DONE, // the overlay shrank
    NODE_EVALUATED,       // a script was run, or could not be
    NODE_CALLED,          // a request made outside was answered, or came to nothing
    NODE_PEER_UP,         // the link to a node proved who is there
    NODE_PEER_DOWN,       // the link is gone, and what was on its way
    NODE_PEER_MESSAGE,    // a node says something
    NODE_HEARSAY,         // gossip says `message` of a node: a word for people
    NODE_DISK,            // the store's device was measured
    NODE_TAKEN,           // a client has taken what there was of an answer with more to come
    NODE_LEAVE,           // the process shall end: hand leadership over; node_stats tells how far
};

struct disk_measure;

struct node_event {
    enum node_event_kind kind;
    mono_time mono;
    wall_time wall;
    uint64_t request_id; // REQUEST, GONE, DELIVERED, TAKEN: unique for the life of the process
    const struct node_request *request;
    log_lsn lsn;                               // LOG_DONE
    uint64_t job_id;                           // EVALUATED: as the effect said
    uint32_t evaluation_index;                 // EVALUATED
    const struct evaluation_result *evaluated; // EVALUATED: borrowed
    uint64_t call_id;                          // CALLED: as the effect said
    const struct call_result *called;          // CALLED: borrowed
    uint16_t peer;                             // PEER_*: which node
    id128 store_id;                            // PEER_UP: of its store; zero: the link knows none
    uint16_t release_low;                      // PEER_UP: the versions it speaks; 0: not known
    uint16_t release_high;
    bytes message;                   // PEER_MESSAGE: borrowed
    const struct disk_measure *disk; // DISK: borrowed
};
