// Random workflow definitions, kept as a tree of our own beside their JSON, so that the judge of
// results (judge.h) reads what was meant and not what the server made of it.
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
    FLOW_FORK, // with the JOIN that follows it
    FLOW_SWITCH,
    FLOW_SUB_WORKFLOW,
    FLOW_TERMINATE,
    FLOW_WAIT,
    FLOW_HUMAN,
    FLOW_NOOP,
    FLOW_SET_VARIABLE,
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
    uint32_t type;           // SIMPLE: index of its task type
    enum flow_plan plan;     // SIMPLE
    int32_t retry_count;     // SIMPLE: overrides its type's; -1: does not
    int32_t start_delay_s;   // SIMPLE
    int32_t wait_s;          // WAIT
    const char *source;      // SIMPLE: an earlier SIMPLE task whose output it reads, or NULL
    const char *literal;     // SWITCH: the case, or NULL for the workflow's input `choice`
    uint32_t child;          // SUB_WORKFLOW: index of the flow
    const char *status;      // TERMINATE
    int64_t value;           // SET_VARIABLE: what `v_<reference>` becomes
    struct flow_list *lists; // FORK: branches; SWITCH: case a, case b, default
    uint32_t list_count;
};

struct flow {
    char name[FLOW_TEXT_BYTES];
    int32_t version;
    struct flow_list list;
    int32_t timeout_s;  // TIME_OUT_WF; 0: none
    bool has_output;    // outputParameters: {"seed": …, "marker": name}
    uint32_t weight;    // tasks, children's too
    int64_t longest_ms; // from start to end with honest workers, waits and all retries counted
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
};

struct flows {
    struct task_type *types;
    uint32_t type_count;
    struct flow *flows;
    uint32_t count;
    int64_t longest_ms; // of all
};

// Draws types and flows. Everything lives in `arena`.
struct flows flows_draw(struct world *world, const struct swarm *swarm, struct arena *arena);

// The JSON of all task types as one array, and of one flow.
void flows_write_types(const struct flows *flows, struct buffer *out);
void flow_write(const struct flows *flows, const struct flow *flow, struct buffer *out);

// The flow of that name and version, or NULL.
const struct flow *flows_find(const struct flows *flows, bytes name, int64_t version);

// What the delay before attempt `attempt` (1: the first retry) is, in seconds.
int64_t task_type_delay_s(const struct task_type *type, int64_t attempt);

// How often the task may be retried.
int64_t flow_task_retries(const struct flows *flows, const struct flow_task *task);

const char *flow_plan_text(enum flow_plan plan);
