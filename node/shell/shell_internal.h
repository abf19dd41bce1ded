// The shell's fields, for the files of this folder.
#pragma once

#include "node/call/caller.h"
#include "node/core/node.h"
#include "node/eval/pool.h"
#include "node/http/server.h"
#include "node/log.h"
#include "node/peer/peers.h"
#include "node/shell/clock_watch.h"
#include "node/shell/identity.h"
#include "node/shell/recorder.h"
#include "node/shell/room.h"
#include "node/shell/shell.h"
#include "node/shell/worker.h"
#include "storage/store.h"

#include <event2/event.h>

struct shell {
    const struct config *config;
    const struct log *log;
    struct event_base *base;
    struct http_server *http;
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    struct evaluator_pool *evaluators;
    struct caller *caller;
    struct identity identity; // of state NONE: this node is alone
    uint64_t incarnation;
    struct peers *peers; // NULL: this node is alone
    struct event *links_ready;
    struct event *links_tick;
    struct gossip *gossip; // NULL: this node is alone
    struct event *gossip_ready;
    struct event *gossip_tick;
    struct worker *log_worker;
    struct worker *checkpoint_worker;
    struct store_batch *batch;           // out to the log thread
    struct store_checkpoint *checkpoint; // out to the checkpoint thread
    struct event *log_done;
    struct event *checkpoint_done;
    struct event *tick;
    struct event *terminate[2];
    struct event *drill;
    bool cut; // a drill goes on
    struct event *stop_deadline;
    struct room *room; // of the disk: room.h
    struct recorder *recorder;
    struct event *dump;
    struct clock_watch clock;
    uint64_t states_differed; // told
    uint64_t states_condemned;
    uint64_t rotten;
    uint64_t requests_stepped;
    bool outgrown;      // the cluster has a version that this program does not speak
    bool stopping;      // no new requests, in neither direction
    bool http_stopped;  // all clients have their answers
    bool stopped;       // the loop ends
    mono_time leave_by; // leadership is handed over until then; 0: not, or no more
};

// Carries out every effect whose gate is open. effects.c
void effects_carry_out(struct shell *shell);

// Answers GET /metrics and /actuator/prometheus. metrics.c
void metrics_respond(struct shell *shell, uint64_t request_id);

// Begins a stop, as a signal does; once.
void shell_stop(struct shell *shell);

// Steps the core with an event of now.
void shell_step(struct shell *shell, struct node_event *event);
