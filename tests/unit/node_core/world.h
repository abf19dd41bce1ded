// A node over the twins of disk and map, driven by hand: requests in as text, answers out, the log
// synced when a test says so.
#pragma once

#include "node/core/node.h"
#include "storage/memory/memory.h"
#include "storage/store.h"
#include "tests/unit/test.h"

struct world {
    struct memory_faults faults;
    struct disk *disk;
    struct sorted_map *map;
    struct arena *arena;
    struct store *store;
    struct node *node;
    struct node_effects *effects;
    uint64_t next_request;
    mono_time mono;
    wall_time wall;
    // the newest answer that left
    uint64_t answered; // its request; 0: none yet
    uint16_t status;
    char body[64 * 1024];
    bool with_tasks;
    unsigned allow;
    bool more;             // the answer has not come to its end: body holds all of it so far
    bool broken;           // and never will
    uint32_t answer_tasks; // scheduler_settings
    // the newest script that was asked for, not told back yet
    uint64_t job_id; // 0: none
    uint32_t evaluation_index;
    char script[256];
    char input[1024];
    bool ahead;
    int scripts; // asked for so far
    // the newest call that was to be made
    uint64_t call_id;
    char call_uri[128];
    char call_headers[512];
    int calls;         // to be made so far
    char finding[256]; // the auditor's newest
};

enum {
    WORLD_CALLS = 2 // made at a time
};

int world_setup(void **state);
int world_setup_told(void **state); // executions of more than two tasks are told
int world_teardown(void **state);

// Hands a request to the node. `target` is path and query. Returns its id; nothing is synced.
uint64_t world_send(struct world *world, const char *method, const char *target, const char *body);

// Tells the result of the script that was asked for: its value, or what is wrong.
void world_evaluated(struct world *world, enum evaluation_outcome outcome, const char *json);

// Tells the answer of a call.
void world_called(struct world *world, uint64_t call_id, int32_t status, const char *body);

// Takes one answer that may leave; scripts and calls asked for on the way are noted. False: none
// may.
bool world_receive(struct world *world);

// Writes and syncs what the node logged, and tells it.
void world_sync(struct world *world);

// Sends, syncs until the answer to this request has left, and gives its status.
uint16_t world_ask(struct world *world, const char *method, const char *target, const char *body);

// Time goes on; the node is told.
void world_tick(struct world *world, int64_t ms);

void world_tell(struct world *world, enum node_event_kind kind, uint64_t request_id);

// The power goes and comes back: the node starts over what was synced.
void world_crash(struct world *world);

// A workflow `w` of one SIMPLE task `a`, which fails for good at once.
void world_define(struct world *world);
