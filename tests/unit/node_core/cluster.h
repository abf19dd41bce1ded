// Several nodes over the twins, with a network that loses nothing while a link is up: requests in
// as text at any node, answers out; time goes on in milliseconds.
#pragma once

#include "node/core/node.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "tests/unit/test.h"

enum {
    CLUSTER_NODES = 3,     // that form it, unless a setup says otherwise
    CLUSTER_NODES_MAX = 8, // with those that join
    CLUSTER_IDS_MAX = 16,
    CLUSTER_GROUPS = 9,
    CLUSTER_HANDED_MAX = 256,
    CLUSTER_ATTEST_ENTRIES = 16 // between two indexes at which copies compare
};

struct cluster_message {
    int from;
    int to;
    bytes body; // owned
    struct cluster_message *next;
};

struct cluster_node {
    uint16_t id; // 0: there is no such node yet
    bool joined;
    const char *zone;            // of its configuration; NULL: none
    uint32_t weight;             // 0: 1
    bool knows[CLUSTER_IDS_MAX]; // whom it was told to be a member, by id
    bool linked[CLUSTER_NODES_MAX];
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct store *store;
    struct node *node; // NULL: down
    struct node_effects *effects;
    uint64_t incarnation;
    uint64_t wipes;
    bool cut_off;     // its links are down, it runs on
    int64_t wall_ms;  // its wall clock is off by
    uint16_t release; // the newest version its program speaks; 0: 1
    uint32_t version; // of the cluster, as it told
};

struct cluster {
    uint32_t replicas; // of each group; 0: three
    int founders;      // nodes[0] … form it
    int64_t dead_after_ms;
    bool scrubs;           // from the next start of a node on
    uint32_t answer_tasks; // scheduler_settings
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    struct arena *arena;
    mono_time mono;
    wall_time wall;
    struct cluster_message *first;
    struct cluster_message *last;
    uint64_t next_request;
    // the answer that was waited for
    uint64_t wanted;
    bool answered;
    uint16_t status;
    bool stale;
    bool old_definitions;
    bool more;           // the answer has not come to its end: body holds all of it so far
    bool broken;         // and never will
    bool slow;           // its client takes no more of it
    uint64_t total;      // bytes it said it would have
    bool knows_no_parts; // what nodes forward is of a release that knows no answers in parts
    uint8_t loses;       // the next message of this kind is lost; 0: none
    char body[4 * 1024 * 1024];
    size_t body_size;
    // the newest call that was to be made, and where
    int call_at;
    uint64_t call_id;
    char call_headers[512];
    int calls; // so far
    // the executions whose tasks left with answers to polls, in their order
    char handed[CLUSTER_HANDED_MAX][ID_TEXT_BYTES + 1];
    uint32_t handed_count;
    // all calls that were to be made: at which node, and their ids there
    int call_nodes[CLUSTER_HANDED_MAX];
    uint64_t call_ids[CLUSTER_HANDED_MAX];
    // the newest script that was to be run, and where
    int script_at;
    uint64_t script_job;
    int scripts;      // so far
    int confirmed;    // answers to nodes that were told that their replica is none
    bool undelivered; // clients are gone when answers with tasks come
};

int cluster_setup(void **state);
int cluster_setup_single_copies(void **state); // each group on one node only
int cluster_setup_one(void **state);           // one node, which others may join
int cluster_setup_impatient(void **state);     // a node that is silent for 5 s is given up
int cluster_setup_told(void **state);          // executions of more than two tasks are told
int cluster_teardown(void **state);

// Time goes on, messages are delivered, logs are synced.
void cluster_run(struct cluster *cluster, int64_t ms);

// Hands a request to node `at` (from 0). Returns its id.
uint64_t cluster_send(
    struct cluster *cluster, int at, const char *method, const char *target, const char *body
);

// The same with a body of any bytes.
uint64_t cluster_send_bytes(
    struct cluster *cluster, int at, const char *method, const char *target, bytes body
);

// Runs until that answer is there, or fails after `within_ms`. Returns its status.
uint16_t cluster_wait(struct cluster *cluster, uint64_t request, int64_t within_ms);

// Tells node `at` that a call of it was answered with status 200.
void cluster_called(struct cluster *cluster, int at, uint64_t call_id);

// Tells node `at` what the only script of a decision gave: JSON, or NULL for no evaluator at all.
void cluster_evaluated(struct cluster *cluster, int at, uint64_t job, const char *json);

// The client of the answer waited for has taken what there was of it.
void cluster_taken(struct cluster *cluster, int at);
void cluster_gone(struct cluster *cluster, int at, uint64_t request); // or left

// The disk of node `at` was measured: so full, without a ballast.
void cluster_disk(struct cluster *cluster, int at, uint32_t used_permille);

// Both, within ten seconds.
uint16_t cluster_ask(
    struct cluster *cluster, int at, const char *method, const char *target, const char *body
);

// A new node with an empty store becomes `nodes[at]`: asks node `via` to let it in, and starts.
void cluster_join(struct cluster *cluster, int at, int via);

// The process dies with what it had not synced; starts again; its links are cut, or healed.
void cluster_kill(struct cluster *cluster, int at);
void cluster_start(struct cluster *cluster, int at);
void cluster_open_store(
    struct cluster *cluster, int at
);                                                  // of one that is down; the caller closes it
void cluster_wipe(struct cluster *cluster, int at); // of one that is down: its disk is a new one
void cluster_cut(struct cluster *cluster, int at, bool cut);

// The process is told to end: it hands over what it leads, and runs on.
void cluster_leave(struct cluster *cluster, int at);
