// One node with its disk: the real core, scheduler, log and view over twin disk and twin map, run
// by the world's clock. It dies and comes back; its disk stays. Several of them, with a network
// between, are a cluster (cluster.h).
#pragma once

#include "node/core/node.h"
#include "storage/store.h"
#include "tests/simulation/chronicle.h"
#include "tests/simulation/clock.h"
#include "tests/simulation/network.h"
#include "tests/simulation/outside.h"
#include "tests/simulation/shadow.h"
#include "tests/simulation/swarm.h"
#include "tests/simulation/world.h"

struct machine;

enum outcome {
    OUTCOME_ANSWERED,
    OUTCOME_REFUSED, // never reached the node: not done
    OUTCOME_LOST,    // the node died first: may have been done
};

struct answer {
    enum outcome outcome;
    uint16_t status;
    bytes body;           // borrowed for the call; of a LOST one: what never came, if there was any
    bool old_definitions; // it says that it may rest on such
    int64_t time_ms;      // the newest partition time of the cluster when the answer left
};

// Called once for each question, unless the asker left. It may ask on, but not at the same moment:
// a question always takes time to arrive.
typedef void (*machine_answered)(void *argument, const struct answer *answer);

// Whether a refusal leaves open what became of the request: then nothing follows from it.
bool answer_is_unknown(const struct answer *answer);

// `path` is `/api/workflow/…` with plain segments; `query` is `a=b&c=d` or empty, plain too.
struct question {
    const char *method;
    const char *path;
    const char *query;
    bytes body;
};

struct machine_stats {
    uint64_t crashes;
    uint64_t questions;
    uint64_t answers;
    uint64_t batches;
    uint64_t checkpoints;
    uint64_t entries;
    uint64_t rows_compared; // after crashes
    uint64_t messages;      // to other nodes
};

// What the machine tells the run's checkers, with its number.
struct machine_watch {
    void *argument;
    // An event was stepped through; `wrote`: its log is another.
    void (*stepped)(void *argument, uint16_t number, bool wrote);
    void (*recovered)(void *argument, uint16_t number); // it came back from a crash
    void (*died)(void *argument, uint16_t number);
    const struct machine *(*machine)(void *argument, uint16_t number); // at a link's other end
};

enum {
    MACHINE_RELEASE =
        3 // SHELL_RELEASE_HIGH, the highest that the newest release speaks; each speaks two
};

// Its place in the cluster. What it points to outlives the machine.
struct machine_plan {
    uint16_t number;   // from 1; 0: machine_enroll tells it
    uint16_t founders; // the nodes 1 … found the cluster; 0: the node is alone and stays so
    uint32_t replicas;
    int64_t dead_after_ms;
    const char *zone; // static
    uint32_t weight;
    uint16_t release;
    struct network *network;
    struct chronicle *chronicle;
    struct outside *outside;
};

struct machine *machine_create(
    struct world *world,
    const struct swarm *swarm,
    const struct machine_plan *plan,
    const struct machine_watch *watch
);
void machine_destroy(struct machine **machine);

const struct machine_plan *machine_plan_of(const struct machine *machine);

// The id of its store. Only of one that has no number yet: it has a fresh store and does not run.
id128 machine_store_id(const struct machine *machine);

// A cluster let it in under this number and told who else is there: it starts.
void machine_enroll(
    struct machine *machine, uint16_t number, const uint16_t *members, uint32_t member_count
);

// Before it ever ran: its disk is a copy of what the other's holds durably, as if the power had
// gone.
void machine_adopt(struct machine *machine, struct machine *from);

// Of one that does not run: its store, opened for who does something to it before its next start;
// given back.
struct store *machine_open(struct machine *machine);
void machine_close(struct machine *machine);

// The machine is lost with its disk, for ever.
void machine_lose(struct machine *machine);

// Whether it will never run again: it is lost, or has left its cluster.
bool machine_is_gone(const struct machine *machine);

// Its disk is lost with all that is on it; it comes back with an empty one under the same number.
// Only while up.
void machine_lose_disk(struct machine *machine);

// Replicas with lower numbers lived on the disk that was lost, if one was.
uint64_t machine_old_replicas(const struct machine *machine, group_id group);

// Whether it is up and runs the release before; it is started with the newest one.
bool machine_may_upgrade(const struct machine *machine);
void machine_upgrade(struct machine *machine);

// Sends a question; gives its number, never 0.
uint64_t machine_ask(
    struct machine *machine,
    const struct question *question,
    machine_answered answered,
    void *argument
);

// The asker hangs up: no answer will come.
void machine_leave(struct machine *machine, uint64_t number);

// The process is asked to end: it does when it leads nothing and makes no calls any more, or after
// LIMIT_STOP_MS; then it starts again.
void machine_stop(struct machine *machine);

// The power goes now; the machine comes back by itself.
void machine_crash(struct machine *machine, const char *why);

// The process stands still for so long, and knows nothing of it; or goes on within a second.
void machine_pause(struct machine *machine, int64_t ns);
void machine_wake(struct machine *machine);

// Somebody else's files take what is missing to so much of its disk.
void machine_fill(struct machine *machine, uint32_t permille);

bool machine_is_up(const struct machine *machine);
struct store *machine_store(struct machine *machine);     // NULL while down
const struct node *machine_node(struct machine *machine); // NULL while down
const struct shadow *machine_shadow(const struct machine *machine);
struct clock *machine_clock(struct machine *machine);
const struct scheduler_settings *machine_settings(const struct machine *machine);
struct machine_stats machine_stats(const struct machine *machine);

// When it was last told that a client is gone, or tasks went back to their old places: the newest
// partition time of then, of entries that were not committed yet too.
wall_time machine_last_gone(const struct machine *machine);

// When its store last had no room for another entry: it refused every decision until a checkpoint
// was done. 0: never.
mono_time machine_last_full(const struct machine *machine);

// Writes everything out: the log to the disk, the state to the map. Only while up, at the end.
void machine_settle(struct machine *machine);
