// Flows are drawn from the bottom: a flow may call only flows drawn before it, so nothing recurses,
// and each knows its weight and its longest time. References are numbered through a flow.
//
// Times are a few seconds at most: a run lasts a minute of virtual time and each rule should come
// up in it.

#include "tests/simulation/flow.h"

#include "proto/base/check.h"
#include "proto/json/json.h"

#include <stdio.h>
#include <string.h>

enum {
    DEPTH_MAX = 3
};

struct draw {
    struct world *world;
    const struct swarm *swarm;
    struct arena *arena;
    struct flows *flows;
    uint32_t flow;       // index of the one being drawn
    uint32_t references; // numbered so far
    const char *source;  // the newest SIMPLE reference that surely ran before
    uint32_t weight;
};

static void draw_type(struct draw *draw, struct task_type *type, uint32_t number) {
    struct world *world = draw->world;
    static const char *const policies[] = {"RETRY", "TIME_OUT_WF", "ALERT_ONLY"};
    (void)snprintf(type->name, sizeof(type->name), "work_%u", number);
    type->retry_count = (int32_t)world_draw(world, 0, 3);
    type->retry_logic = (enum flow_retry)world_draw(world, 0, RETRY_LOGIC_COUNT - 1);
    type->retry_delay_s = (int32_t)world_draw(world, 0, 2);
    type->backoff_scale = (int32_t)world_draw(world, 1, 2);
    type->response_s = (int32_t)world_draw(world, 1, 5);
    type->timeout_s =
        world_maybe(world, 250) ? type->response_s + (int32_t)world_draw(world, 0, 10) : 0;
    type->timeout_policy = policies[world_draw(world, 0, 2)];
    type->poll_timeout_s = world_maybe(world, 150) ? (int32_t)world_draw(world, 3, 20) : 0;
    type->total_s =
        world_maybe(world, 150) ? type->timeout_s + (int32_t)world_draw(world, 10, 40) : 0;
}

static struct flow_list draw_list(struct draw *draw, uint32_t depth, uint32_t count_max);

static void draw_simple(struct draw *draw, struct flow_task *task) {
    struct world *world = draw->world;
    task->kind = FLOW_SIMPLE;
    task->type = (uint32_t)world_draw(world, 0, (int64_t)draw->flows->type_count - 1);
    if (world_maybe(world, 120)) {
        task->plan = (enum flow_plan)world_draw(world, PLAN_FLAKY, PLAN_COUNT - 1);
    }
    task->optional = world_maybe(world, 100);
    task->retry_count = world_maybe(world, 150) ? (int32_t)world_draw(world, 0, 2) : -1;
    task->start_delay_s = world_maybe(world, 100) ? (int32_t)world_draw(world, 1, 2) : 0;
    task->source = world_maybe(world, 500) ? draw->source : NULL;
    draw->source = task->reference;
}

// Lists beside each other: none knows what the others did.
static void draw_lists(struct draw *draw, struct flow_task *task, uint32_t depth, uint32_t empty) {
    const char *source = draw->source;
    task->lists = ARENA_ARRAY(draw->arena, struct flow_list, task->list_count);
    for (uint32_t i = 0; i < task->list_count; i++) {
        draw->source = source;
        if (i >= empty && world_maybe(draw->world, 300)) {
            continue;
        }
        task->lists[i] = draw_list(draw, depth + 1, 2);
    }
    draw->source = source;
}

static bool draw_child(struct draw *draw, struct flow_task *task) {
    if (draw->flow == 0) {
        return false;
    }
    uint32_t child = (uint32_t)world_draw(draw->world, 0, (int64_t)draw->flow - 1);
    if (draw->weight + draw->flows->flows[child].weight > FLOW_TASKS_MAX) {
        return false;
    }
    task->kind = FLOW_SUB_WORKFLOW;
    task->child = child;
    task->optional = world_maybe(draw->world, 150);
    draw->weight += draw->flows->flows[child].weight;
    return true;
}

static void draw_small(struct draw *draw, struct flow_task *task) {
    static const char *const statuses[] = {"COMPLETED", "FAILED", "TERMINATED"};
    int64_t chance = world_draw(draw->world, 0, 99);
    if (chance < 40) {
        task->kind = FLOW_SET_VARIABLE;
        task->value = world_draw(draw->world, 1, 1000000);
    } else if (chance < 80) {
        task->kind = FLOW_NOOP;
    } else {
        task->kind = FLOW_TERMINATE;
        task->status = statuses[world_draw(draw->world, 0, 2)];
    }
}

static void draw_task(struct draw *draw, struct flow_task *task, uint32_t depth) {
    struct world *world = draw->world;
    (void)snprintf(task->reference, sizeof(task->reference), "t%u", ++draw->references);
    draw->weight++;
    if (world_maybe(world, draw->swarm->human_per_mille)) {
        task->kind = world_maybe(world, 500) ? FLOW_HUMAN : FLOW_WAIT;
        task->wait_s = (int32_t)world_draw(world, 1, 5);
        return;
    }
    int64_t chance = world_draw(world, 0, 99);
    bool room = depth < DEPTH_MAX && draw->weight < FLOW_TASKS_MAX / 2;
    if (chance < 12 && room) {
        task->kind = FLOW_FORK;
        task->list_count = (uint32_t)world_draw(world, 1, 4);
        draw_lists(draw, task, depth, task->list_count);
    } else if (chance < 24 && room) {
        task->kind = FLOW_SWITCH;
        task->list_count = 3;
        task->literal = world_maybe(world, 200) ? "a" : NULL;
        draw_lists(draw, task, depth, 1);
    } else if (chance < 34 && draw_child(draw, task)) {
        return;
    } else if (chance < 50) {
        draw_small(draw, task);
    } else {
        draw_simple(draw, task);
    }
}

static struct flow_list draw_list(struct draw *draw, uint32_t depth, uint32_t count_max) {
    struct flow_list list = {0};
    list.count = (uint32_t)world_draw(draw->world, 1, count_max);
    list.tasks = ARENA_ARRAY(draw->arena, struct flow_task, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        draw_task(draw, &list.tasks[i], depth);
    }
    return list;
}

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

static int64_t task_longest_ms(const struct flows *flows, const struct flow_task *task) {
    switch (task->kind) {
    case FLOW_SIMPLE:
        return simple_longest_ms(flows, task);
    case FLOW_FORK:
    case FLOW_SWITCH: {
        int64_t sum = 0; // not the maximum: workers may be few
        for (uint32_t i = 0; i < task->list_count; i++) {
            sum += list_longest_ms(flows, &task->lists[i]);
        }
        return sum;
    }
    case FLOW_SUB_WORKFLOW:
        return flows->flows[task->child].longest_ms;
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

// --- the set of them -----------------------------------------------------------------------------

static void draw_flow(struct draw *draw, struct flow *flow) {
    struct world *world = draw->world;
    (void)snprintf(flow->name, sizeof(flow->name), "flow_%u", draw->flow);
    flow->version = (int32_t)world_draw(world, 1, 3);
    draw->references = 0;
    draw->source = NULL;
    draw->weight = 0;
    flow->list = draw_list(draw, 0, 5);
    flow->timeout_s = world_maybe(world, 200) ? (int32_t)world_draw(world, 5, 40) : 0;
    flow->has_output = world_maybe(world, 500);
    flow->weight = draw->weight;
    flow->longest_ms = list_longest_ms(draw->flows, &flow->list);
}

struct flows flows_draw(struct world *world, const struct swarm *swarm, struct arena *arena) {
    struct flows flows = {0};
    flows.type_count = swarm->task_type_count;
    flows.types = ARENA_ARRAY(arena, struct task_type, flows.type_count);
    flows.count = swarm->flow_count;
    flows.flows = ARENA_ARRAY(arena, struct flow, flows.count);
    struct draw draw = {.world = world, .swarm = swarm, .arena = arena, .flows = &flows};
    for (uint32_t i = 0; i < flows.type_count; i++) {
        draw_type(&draw, &flows.types[i], i);
    }
    for (uint32_t i = 0; i < flows.count; i++) {
        draw.flow = i;
        draw_flow(&draw, &flows.flows[i]);
        if (flows.flows[i].longest_ms > flows.longest_ms) {
            flows.longest_ms = flows.flows[i].longest_ms;
        }
    }
    return flows;
}

const struct flow *flows_find(const struct flows *flows, bytes name, int64_t version) {
    for (uint32_t i = 0; i < flows->count; i++) {
        const struct flow *flow = &flows->flows[i];
        if (bytes_equal_text(name, flow->name) && flow->version == version) {
            return flow;
        }
    }
    return NULL;
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
