// What the server has promised by answering, and what it has shown: kept outside of it, compared
// with everything it says later.
//
// Promises and sights carry the turn of the world at which they were made; a later answer must keep
// those that were made before its question was sent, no others (linearizability needs no more).
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/id.h"
#include "tests/simulation/execution.h"
#include "tests/simulation/world.h"

enum {
    LEDGER_STATUS_BYTES = 32,
    LEDGER_SENT_MAX = 8
};

// An update that some worker sent; it may or may not have arrived.
struct ledger_sent {
    char status[LEDGER_STATUS_BYTES];
    int64_t value; // outputData.value
};

struct ledger_task {
    id128 id;
    id128 workflow;
    uint32_t handed;     // answers that carried it to a worker
    int64_t poll_count;  // of the newest of them
    bool given_back;     // an IN_PROGRESS update took effect since: may be handed out again
    int64_t returned_ms; // no later than this partition time, the newest of them
    uint32_t returning;  // such updates on their way
    uint64_t ended_turn; // an update that ends it was answered; 0: none
    int64_t ended_ms;    // the newest partition time at that answer
    uint64_t read_turn;  // when it was last read
    uint64_t seen_turn;  // seen terminal; 0: not yet
    char seen_status[LEDGER_STATUS_BYTES];
    uint64_t seen_output;                     // hash
    struct ledger_sent sent[LEDGER_SENT_MAX]; // the newest ones
    uint32_t sent_count;                      // of all times
};

struct ledger_workflow {
    id128 id;
    uint64_t started_turn;    // the start was answered; 0: known otherwise
    uint64_t terminated_turn; // a terminate was answered 200
    bool terminate_sent;
    uint64_t paused_turn;     // a pause was answered and no resume sent since
    uint32_t resumes;         // sent
    uint32_t resumes_settled; // of these, done or not; others may be done at any time
    uint64_t read_turn;       // when it was last read
    uint64_t seen_turn;       // seen terminal
    char seen_status[LEDGER_STATUS_BYTES];
    struct kept_execution *shown; // what was read last; NULL: nothing yet
    bool operator_saw;            // … by the operator, too, when it had ended
    uint64_t operator_turn;       // when that was first; its tasks were read then
    bool kin_judged;              // … and its children, once they had been read too
    id128 parent;                 // zero: none, or not known yet
    const struct flow *flow;      // NULL: not read yet
    bool revived;                 // it, or a child of it, was sent a retry or the like
    bool callbacks_reset;         // … or will be: delays may be cut short
    bool remove_sent;
    uint64_t removed_turn; // a removal for good was answered 200
};

struct flow;
struct ledger;

// `some_forget`: executions of some flows drop tasks that ended.
struct ledger *ledger_create(struct world *world, bool some_forget);
void ledger_destroy(struct ledger **ledger);

// The entry of that id, made when it is new. Borrows: valid until another one is made.
struct ledger_task *ledger_task(struct ledger *ledger, id128 id);
struct ledger_workflow *ledger_workflow(struct ledger *ledger, id128 id);

// The entry, or NULL.
struct ledger_task *ledger_task_find(struct ledger *ledger, id128 id);
struct ledger_workflow *ledger_workflow_find(struct ledger *ledger, id128 id);

// All of them in the order they became known.
size_t ledger_task_count(const struct ledger *ledger);
struct ledger_task *ledger_task_at(struct ledger *ledger, size_t index);
size_t ledger_workflow_count(const struct ledger *ledger);
struct ledger_workflow *ledger_workflow_at(struct ledger *ledger, size_t index);

// A retry, restart or rerun is sent to the execution: from now on its kin – parents, children – may
// go on although they ended, begin again, and lose tasks.
void ledger_revive(struct ledger *ledger, id128 workflow);

// Whether that may have happened; of an execution that nobody has read, whether to any.
bool ledger_is_revived(struct ledger *ledger, id128 workflow);

// Whether tasks of the execution may be gone.
bool ledger_may_vanish(struct ledger *ledger, id128 workflow);

// Notes an update that is being sent.
void ledger_sent(struct ledger *ledger, id128 task, const char *status, int64_t value);

// An IN_PROGRESS update is being sent; then its outcome is known, or never will be: it took effect
// before the partition time `by_ms`, if it did.
void ledger_returning(struct ledger *ledger, id128 task);
void ledger_returned(struct ledger *ledger, id128 task, int64_t by_ms);

// Whether some update of that status and value was sent for the task (or could have been: only the
// newest are kept).
bool ledger_was_sent(const struct ledger_task *task, bytes status, int64_t value);

// Copies a status text.
void ledger_status(char out[LEDGER_STATUS_BYTES], bytes status);
