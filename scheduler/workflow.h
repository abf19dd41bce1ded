// A workflow opened for one command: its header, its definition and the tasks that were looked at,
// in memory while the command decides and written back once.
//
//            start
//              │
//              ▼        pause
//        ┌─ RUNNING ◀──────────▶ PAUSED ─┐
//        │     │        resume           │
//        ▼     ▼                         ▼
//   COMPLETED  FAILED, TIMED_OUT ──▶ TERMINATED
//
// and from each end back to RUNNING by restart, retry, rerun or a child that goes on (lifecycle.h).
//
// Invariants between commands: `open_count` is the number of tasks that are not terminal;
// `pending` holds the terminal tasks that were not followed up yet, empty in a RUNNING workflow
// unless a CONTINUE timer is set; nothing open and nothing pending is the end. Thread: core.
#pragma once

#include "proto/api/model.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "scheduler/decision.h"
#include "scheduler/definition/definition.h"
#include "scheduler/payload.h"
#include "scheduler/rows.h"

struct task;
struct schedule;

// What the decider or a kind of task asked for: that the workflow ends now.
struct workflow_ending {
    bool wanted;
    enum api_workflow_status status;
    bytes reason;           // data NULL: none
    struct task *task;      // the cause, or NULL
    bool by_terminate_task; // engine.md §10.12
};

// What the X rows of a workflow say (index.h).
struct index_state {
    bool listed; // false: it has none
    bool open;
    bool has_correlation;
    int64_t create_ms;
    bytes name;
    bytes correlation;
};

// A task definition that is not in the tree, as it was read.
struct blueprint {
    uint32_t blob;
    bytes json;
    const struct definition_task *definition;
};

enum {
    WORKFLOW_BLUEPRINTS = 8 // branches of a fork are mostly alike
};

// The list that a loop runs over, and how far it was read (tasks/do_while.c).
struct loop_list {
    uint32_t task_no; // of the loop when the list cannot change; 0: evaluate it anew
    bytes items;
    struct json_iter rest;
    uint32_t next; // elements read; the newest is `item`
    bytes item;
};

struct workflow {
    struct decision *decision;
    id128 id;
    bytes id_text;
    struct workflow_row row;
    const struct definition *definition;
    struct task **slots; // the tasks touched by this command, by number (task.c)
    uint32_t slot_count; // a power of two, or 0
    uint32_t task_count;
    struct blueprint blueprints[WORKFLOW_BLUEPRINTS]; // the last ones read (blueprint.c)
    uint32_t blueprint_count;
    struct loop_list loop_list;
    struct schedule *schedule; // of the generation that runs: where a task's begin adds tasks
    bool is_fresh;             // this command began its run: no row of the run can be older
    uint32_t handled_count;    // tasks this command made, ended or went through
    uint32_t saved_count;      // of them when it was saved last
    bool dirty;
    struct workflow_ending ending;
    struct index_state indexed;
};

// Reads header and definition. Lives in the decision's arena. Only one workflow may be open in a
// decision: the definition borrows from the cache.
// Errors: ERR_NOT_FOUND `No such workflow found by id: <id>`, ERR_CORRUPT.
MUST_USE err
workflow_open(struct decision *decision, bytes id_text, struct workflow **out_workflow);
MUST_USE err workflow_open_id(struct decision *decision, id128 id, struct workflow **out_workflow);

// As above, one that was removed and whose open tasks are still being canceled, too.
MUST_USE err workflow_open_any(struct decision *decision, id128 id, struct workflow **out_workflow);

// Reads the header alone, its texts in the arena. Errors: ERR_NOT_FOUND, ERR_CORRUPT.
MUST_USE err workflow_read_row(struct decision *decision, id128 id, struct workflow_row *out_row);

// What a new execution begins with. Texts and JSON are copied into rows; data NULL: none.
struct workflow_seed {
    id128 id;
    const struct definition *definition;
    bytes input;
    bytes task_to_domain; // object
    bytes correlation;
    bytes event;
    bytes external_input;
    bytes created_by;
    bytes idempotency_key;
    uint8_t priority;
    id128 parent; // zero: none
    id128 parent_task;
    uint32_t parent_run;
    uint32_t parent_task_no;
    uint32_t parent_attempt;
    uint32_t depth; // executions around it
};

// Makes a RUNNING workflow without tasks: header, frozen definition, payloads, timeout timer.
// Errors: ERR_ILLEGAL_STATE for an input over its limit (engine.md §8.4), ERR_CORRUPT.
MUST_USE err workflow_create(
    struct decision *decision, const struct workflow_seed *seed, struct workflow **out_workflow
);

// Runs on this definition from now on: frozen in the group, name and version in the header.
MUST_USE err
workflow_set_definition(struct workflow *workflow, const struct definition *definition);

// Writes back what changed.
void workflow_save(struct workflow *workflow);

// Writes back what changed; then header and index rows go, and the definition with its last
// execution; what is left is swept a bounded number of rows an entry. Errors: ERR_CORRUPT.
MUST_USE err workflow_delete(struct workflow *workflow);

// Whether the decision is as long as one may be: it then leaves a CONTINUE and goes on in a later
// entry (distributed.md §5.1).
bool workflow_is_over_bounds(const struct workflow *workflow);

// How many tasks a decision may make, end or go through.
uint32_t workflow_tasks_max(const struct workflow *workflow);

// Rows are written when the command is done: a task that takes several turns is written once, and a
// decision that is given up for a script writes none. A long one calls this on its way, so that its
// bounds see what it will write.
void workflow_save_now_and_then(struct workflow *workflow);

// Changes the status; checks that the picture above allows it.
void workflow_move(struct workflow *workflow, enum api_workflow_status status);
bool workflow_is_terminal(const struct workflow *workflow);
enum api_workflow_status workflow_status(const struct workflow *workflow);

// Asks for the end; the first wish of a step wins.
void workflow_want_end(
    struct workflow *workflow, enum api_workflow_status status, bytes reason, struct task *task
);

// `<name>.<version>/<id>`, in the arena.
const char *workflow_short_text(const struct workflow *workflow);

struct payload workflow_input(const struct workflow *workflow);
struct payload workflow_output(const struct workflow *workflow);
struct payload workflow_variables(const struct workflow *workflow);
void workflow_set_output(struct workflow *workflow, struct payload payload);
void workflow_set_variables(struct workflow *workflow, struct payload payload);

// Numbers in a list of the header.
void workflow_list_add(struct workflow *workflow, struct wire_u32_list *list, uint32_t number);
void workflow_list_remove(struct workflow *workflow, struct wire_u32_list *list, uint32_t number);
bool workflow_list_has(const struct wire_u32_list *list, uint32_t number);

// The text of an id, in the decision's arena.
bytes workflow_id_text(struct decision *decision, id128 id);
