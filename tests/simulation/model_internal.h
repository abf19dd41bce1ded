// What the model's files share.
#pragma once

#include "scheduler/evaluation.h"
#include "tests/simulation/model.h"
#include "tests/simulation/read.h"

// --- definitions (model_definition.c) ------------------------------------------------------------

enum model_kind {
    MODEL_WORKER, // SIMPLE, DYNAMIC, and types that the server does not know
    MODEL_FORK,
    MODEL_DYNAMIC_FORK,
    MODEL_JOIN,
    MODEL_EXCLUSIVE_JOIN,
    MODEL_SWITCH, // DECISION, too
    MODEL_LOOP,
    MODEL_SCRIPT, // INLINE, LAMBDA, JSON_JQ_TRANSFORM
    MODEL_TERMINATE,
    MODEL_OTHER, // its end is what the task says
};

struct model_type {
    bytes name;
    bytes timeout_policy;
    int64_t retry_count;
    bool has_total;
};

struct model_list {
    struct model_task *tasks;
    uint32_t count;
};

struct model_task {
    bytes json;
    bytes reference;
    bytes type;
    enum model_kind kind;
    bool optional;
    bool permissive;
    int64_t retries;
    const struct model_type *task_type; // NULL: not registered
    const struct model_task *previous;  // in its list
    struct model_list *lists; // FORK: branches; SWITCH: cases, then the default; LOOP: body
    bytes *cases;             // SWITCH
    uint32_t list_count;
};

struct model_definition {
    bytes json;
    bytes name;
    int64_t version;
    bool has_scripts;
    bool forgets; // a loop of it drops old iterations
    struct model_list list;
};

struct model {
    struct arena *arena;
    struct model_type *types;
    uint32_t type_count;
    struct model_definition **definitions;
    uint32_t definition_count;
};

// A task of a dynamic fork, which no definition holds.
struct model_task *model_task_read(const struct model *model, bytes json, struct arena *arena);
const struct model_task *model_task_find(const struct model_list *list, bytes reference);
const struct model_definition *
model_definition_find(const struct model *model, bytes name, int64_t version);

// --- judging (model.c) ---------------------------------------------------------------------------

// Where the flow stands behind a task.
enum model_way {
    WAY_ON,    // what comes next must be there
    WAY_WAITS, // something has yet to happen
    WAY_ENDS,  // nothing comes any more
};

struct judge {
    const struct model *model;
    const struct model_definition *definition;
    const struct execution *execution;
    struct model_facts facts;
    struct arena *arena;
    bool settled; // everything that is due has happened: what is not there is missing
    const struct model_task **of; // what each task is in the definition
    bool permissive_failure;
    const struct task_view *terminate; // a TERMINATE that is done
    const char *objection;             // the first
};

// A task that the flow came to.
struct place {
    struct judge *judge;
    const struct model_task *task;
    const struct task_view *row; // its newest attempt
    bytes scope;                 // what loops around it put behind its reference: `__2`
};

// An objection to a task, and one to the execution as a whole; only the first counts.
PRINTF_LIKE(3, 4)
void model_expect(const struct place *place, bool holds, const char *format, ...);
PRINTF_LIKE(3, 4)
void model_object(struct judge *judge, const char *what, const char *format, ...);

bool model_is(const struct task_view *row, const char *status);

// Equal, but for `subWorkflowId`: a child's own is seen in its parent's task, and in what copies
// the task's output that of its child's last child.
bool model_same_output(bytes left, bytes right);

// The newest attempt of a task under its name in that scope, NULL: none.
const struct task_view *model_newest(const struct judge *judge, bytes reference, bytes scope);

// Whether its failure is to be followed by another attempt.
bool model_retry_is_due(const struct model_task *task, const struct task_view *row);

// Follows a list whose first task is to be there if `reached`.
enum model_way
model_follow(struct judge *judge, const struct model_list *list, bytes scope, bool reached);

// What follows from the task's own status, by the rules of failures (engine.md §3.1).
enum model_way model_settle(const struct place *place);

// --- kinds (model_kinds.c, model_fork.c, model_loop.c) -------------------------------------------

void model_check_type(const struct place *place);
enum model_way model_script(const struct place *place);
enum model_way model_switch(const struct place *place);
enum model_way model_fork(const struct place *place);
enum model_way model_dynamic_fork(const struct place *place);
enum model_way model_join(const struct place *place);
enum model_way model_exclusive_join(const struct place *place);
enum model_way model_loop(const struct place *place);

// What a script gives, in the words of scheduler/evaluation.h.
struct evaluation_result model_script_answer(
    struct judge *judge, enum evaluation_language language, bytes text, bytes input
);

// --- values (model_end.c) ------------------------------------------------------------------------

// The parameters as they must come out for a task of that seq: what came later is not seen. Those
// that are not judged are left out.
bytes model_values(struct judge *judge, bytes parameters, int64_t seq);

// Whether the task's input is what its inputParameters say.
void model_check_input(const struct place *place);

// Status, reason and output of an execution whose flow was followed to `way`.
void model_check_end(struct judge *judge, enum model_way way);
