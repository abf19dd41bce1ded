// What the runner and the checkers ask about flows.

#include "tests/simulation/flow.h"

#include "proto/base/check.h"
#include "tests/simulation/outside.h"
#include "tests/simulation/read.h"

#include <stdio.h>

// --- how long ------------------------------------------------------------------------------------

static int64_t list_longest_ms(const struct flows *flows, const struct flow_list *list);

static int64_t simple_longest_ms(const struct flows *flows, const struct flow_task *task) {
    const struct task_type *type = &flows->types[task->type];
    int64_t sum = (int64_t)task->start_delay_s * 1000;
    int64_t retries = flow_task_retries(flows, task);
    for (int64_t attempt = 0; attempt <= retries; attempt++) {
        sum += (type->response_s + 2) * 1000;
        sum += attempt > 0 ? task_type_delay_s(type, attempt) * 1000 : 0;
    }
    return sum;
}

// The sum of its lists, not the maximum: workers may be few.
static int64_t lists_longest_ms(const struct flows *flows, const struct flow_task *task) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < task->list_count; i++) {
        sum += list_longest_ms(flows, &task->lists[i]);
    }
    return sum;
}

static int64_t task_longest_ms(const struct flows *flows, const struct flow_task *task) {
    switch (task->kind) {
    case FLOW_SIMPLE:
    case FLOW_DYNAMIC:
        return simple_longest_ms(flows, task);
    case FLOW_HTTP: // a claim may be lost once
        return simple_longest_ms(flows, task) + OUTSIDE_LEASE_MS;
    case FLOW_FORK:
    case FLOW_DYNAMIC_FORK:
    case FLOW_SWITCH:
    case FLOW_DECISION:
        return lists_longest_ms(flows, task);
    case FLOW_LOOP:
        return lists_longest_ms(flows, task) * task->rounds;
    case FLOW_SUB_WORKFLOW:
    case FLOW_START: {
        int64_t times = task->retry_count > 0 ? task->retry_count + 1 : 1;
        return flows->flows[task->child].longest_ms * times;
    }
    case FLOW_INLINE:
    case FLOW_LAMBDA:
    case FLOW_JQ:
        return 5000 * (task->retry_count > 0 ? task->retry_count + 1 : 1);
    case FLOW_WAIT:
        return (int64_t)task->wait_s * 1000;
    case FLOW_HUMAN:
        return 2000;
    case FLOW_TERMINATE:
    case FLOW_NOOP:
    case FLOW_SET_VARIABLE:
        break;
    }
    return 0;
}

static int64_t list_longest_ms(const struct flows *flows, const struct flow_list *list) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        sum += task_longest_ms(flows, &list->tasks[i]);
    }
    return sum;
}

int64_t flow_longest_ms(const struct flows *flows, const struct flow *flow) {
    int64_t sum = list_longest_ms(flows, &flow->list);
    return sum + (flow->failure >= 0 ? flows->flows[flow->failure].longest_ms : 0);
}

bool task_type_is_limited(const struct task_type *type) {
    return type->concurrent > 0 || type->rate > 0;
}

// --- looking things up ---------------------------------------------------------------------------

const struct flow *flows_find(const struct flows *flows, bytes name, int64_t version) {
    for (uint32_t i = 0; i < flows->count; i++) {
        const struct flow *flow = &flows->flows[i];
        if (bytes_equal_text(name, flow->name) && flow->version == version) {
            return flow;
        }
    }
    return NULL;
}

const struct task_type *flows_type_of(const struct flows *flows, bytes input, bytes name) {
    for (uint32_t i = 0; i < flows->type_count; i++) {
        const char *type = flows->types[i].name;
        bool dynamic = read_value(input, "definition").data != NULL;
        if (dynamic ? read_is(input, "definition", type) : bytes_equal_text(name, type)) {
            return &flows->types[i];
        }
    }
    return NULL;
}

void flow_task_end(const struct flow_task *task, char *out_text, size_t size) {
    bool forks = task->kind == FLOW_FORK || task->kind == FLOW_DYNAMIC_FORK;
    const char *ending = forks ? "_join" : task->merges ? "_merge" : "";
    (void)snprintf(out_text, size, "%s%s", task->reference, ending);
}

int64_t task_type_delay_s(const struct task_type *type, int64_t attempt) {
    switch (type->retry_logic) {
    case RETRY_FIXED:
        break;
    case RETRY_LINEAR:
        return (int64_t)type->retry_delay_s * type->backoff_scale * attempt;
    case RETRY_EXPONENTIAL:
        return (int64_t)type->retry_delay_s << (attempt - 1);
    case RETRY_LOGIC_COUNT:
        break;
    }
    return type->retry_delay_s;
}

int64_t flow_task_retries(const struct flows *flows, const struct flow_task *task) {
    return task->retry_count >= 0 ? task->retry_count : flows->types[task->type].retry_count;
}

const char *flow_plan_text(enum flow_plan plan) {
    static const char *const texts[] = {"ok", "flaky", "fail", "terminal"};
    check(plan < PLAN_COUNT);
    return texts[plan];
}
