// Random workflow definitions: a tree of our own, and the JSON a client registers. The tree says
// how long a flow may take; what must come of it is the model's business, which reads the JSON
// (model.h).
#pragma once

#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "tests/simulation/swarm.h"
#include "tests/simulation/world.h"

enum {
    FLOW_TEXT_BYTES = 24,
    FLOW_TASKS_MAX = 40, // of one flow with all its sub-workflows
};

enum flow_kind {
    FLOW_SIMPLE,
    FLOW_FORK,         // with the JOIN that follows it
    FLOW_DYNAMIC_FORK, // with the JOIN that follows it
    FLOW_SWITCH,       // `merges`: with the EXCLUSIVE_JOIN that follows it
    FLOW_LOOP,
    FLOW_SUB_WORKFLOW,
    FLOW_START, // START_WORKFLOW
    FLOW_INLINE,
    FLOW_JQ,
    FLOW_TERMINATE,
    FLOW_WAIT,
    FLOW_HUMAN,
    FLOW_NOOP,
    FLOW_SET_VARIABLE,
    FLOW_HTTP,
    FLOW_DYNAMIC,
    FLOW_LAMBDA,
    FLOW_DECISION, // as a SWITCH
};

// How a dynamic fork learns its branches (engine.md §10.5).
enum flow_style {
    STYLE_INPUTS,     // A: one type of task, a list of inputs
    STYLE_WORKFLOWS,  // A: one workflow, a list of inputs
    STYLE_TASKS,      // B: a list of tasks, a map of inputs
    STYLE_JOIN_TASKS, // C
    STYLE_COUNT
};

enum flow_plan {
    PLAN_OK,
    PLAN_FLAKY,    // the first attempt fails
    PLAN_FAIL,     // every attempt fails
    PLAN_TERMINAL, // FAILED_WITH_TERMINAL_ERROR
    PLAN_COUNT
};

struct flow_list {
    struct flow_task *tasks;
    uint32_t count;
};

struct flow_task {
    enum flow_kind kind;
    char reference[FLOW_TEXT_BYTES];
    bool optional;
    bool permissive;       // SIMPLE
    uint32_t type;         // SIMPLE, DYNAMIC, HTTP: index of its task type
    uint32_t queue;        // SIMPLE, DYNAMIC: of the task type whose workers get it
    bool nameless;         // DYNAMIC: what it is to become is null
    enum flow_plan plan;   // SIMPLE
    int32_t retry_count;   // overrides its type's; -1: does not
    int32_t start_delay_s; // SIMPLE, HTTP
    int32_t wait_s;        // WAIT
    const char *source;    // what its input reads, as in `${…}`: `t1.output.value`; or NULL
    const char *literal;   // SWITCH, DECISION: the case, or NULL for the workflow's input `choice`
    const char *script;    // INLINE, LAMBDA, JQ, LOOP: its text; SWITCH, DECISION: or NULL, it
                           // goes by a value
    bool merges;           // SWITCH, DECISION
    enum flow_style style; // DYNAMIC_FORK
    int32_t rounds;        // LOOP: at most
    int32_t items;         // LOOP: goes over a list of so many; -1: by its condition alone
    int32_t keep;          // LOOP: keepLastN; 0: all
    uint32_t child;        // SUB_WORKFLOW, START: index of the flow
    const char *status;    // TERMINATE
    int64_t value;         // SET_VARIABLE: what `v_<reference>` becomes
    struct flow_list *lists; // FORK: branches; SWITCH, DECISION: two cases, default; LOOP: its
                             // body; DYNAMIC_FORK: one list, each of its tasks a branch
    uint32_t list_count;
};

struct flow {
    char name[FLOW_TEXT_BYTES];
    int32_t version;
    struct flow_list list;
    int32_t timeout_s;  // TIME_OUT_WF; 0: none
    int32_t failure;    // index of the flow that is its failure workflow; -1: none
    bool has_output;    // outputParameters: {"seed": …, "marker": name}
    bool forgets;       // a loop of it drops old iterations with their tasks
    uint32_t weight;    // tasks, children's too
    int64_t longest_ms; // from start to end with honest workers, waits and all retries counted,
                        // and of everything it starts
};

enum flow_retry {
    RETRY_FIXED,
    RETRY_LINEAR,
    RETRY_EXPONENTIAL,
    RETRY_LOGIC_COUNT
};

struct task_type {
    char name[FLOW_TEXT_BYTES];
    int32_t retry_count;
    enum flow_retry retry_logic;
    int32_t retry_delay_s;
    int32_t backoff_scale;
    int32_t response_s;
    int32_t timeout_s; // 0: none
    const char *timeout_policy;
    int32_t poll_timeout_s; // 0: none
    int32_t total_s;        // 0: none
    int32_t concurrent;     // tasks in workers' hands at a time; 0: no limit
    int32_t rate;           // hand-outs in `rate_s` seconds; 0: no limit
    int32_t rate_s;
};

struct flows {
    struct task_type *types;
    uint32_t type_count;
    struct flow *flows;
    uint32_t count;
    int64_t longest_ms; // of all
    bool some_forget;
};

// Draws types and flows. Everything lives in `arena`.
struct flows flows_draw(struct world *world, const struct swarm *swarm, struct arena *arena);

// How long a flow may take at most, drawn children included; for the drawing.
int64_t flow_longest_ms(const struct flows *flows, const struct flow *flow);

// The JSON of all task types as one array, and of one flow.
void flows_write_types(const struct flows *flows, struct buffer *out);
void flow_write(const struct flows *flows, const struct flow *flow, struct buffer *out);

// The flow of that name and version, or NULL.
const struct flow *flows_find(const struct flows *flows, bytes name, int64_t version);

// The task type whose limits and timeouts hold for a task of that input and taskDefName, or NULL. A
// DYNAMIC task shows what it became, so its input says what it is.
const struct task_type *flows_type_of(const struct flows *flows, bytes input, bytes name);

// Whether workers may be kept from tasks of the type by a limit.
bool task_type_is_limited(const struct task_type *type);

// What the reference of a task is called that stands for its end: of a fork its JOIN's.
void flow_task_end(const struct flow_task *task, char *out_text, size_t size);

// What the delay before attempt `attempt` (1: the first retry) is, in seconds.
int64_t task_type_delay_s(const struct task_type *type, int64_t attempt);

// How often the task may be retried.
int64_t flow_task_retries(const struct flows *flows, const struct flow_task *task);

const char *flow_plan_text(enum flow_plan plan);
