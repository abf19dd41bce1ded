// Flows are drawn from the bottom: a flow may call only flows drawn before it, so nothing recurses,
// and each knows its weight and its longest time. References are numbered through a flow.
//
// Which kinds beyond the plain ones exist is drawn for each world (swarm.h): a loop in every flow
// would hide what needs its absence. Times are a few seconds at most: a run lasts a minute of
// virtual time and each rule should come up in it.

#include "proto/base/check.h"
#include "tests/simulation/flow.h"
#include "tests/simulation/script.h"

#include <stdio.h>
#include <string.h>

enum {
    DEPTH_MAX = 3,
    SOURCE_BYTES = 64
};

struct draw {
    struct world *world;
    const struct swarm *swarm;
    struct arena *arena;
    struct flows *flows;
    uint32_t flow;       // index of the one being drawn
    uint32_t references; // numbered so far
    const char *source;  // the newest value that is surely there
    uint32_t weight;
    uint32_t loops; // around it
    bool forgets;   // one of the loops of this flow does
    bool in_merge;  // in a branch that an EXCLUSIVE_JOIN ends
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
    if (draw->swarm->limits) {
        type->concurrent = world_maybe(world, 400) ? (int32_t)world_draw(world, 1, 3) : 0;
        type->rate = world_maybe(world, 300) ? (int32_t)world_draw(world, 1, 5) : 0;
        type->rate_s = (int32_t)world_draw(world, 1, 3);
    }
}

static bool exists(const struct draw *draw, enum flow_kind kind) {
    return (draw->swarm->kinds & (1u << kind)) != 0;
}

static struct flow_list draw_list(struct draw *draw, uint32_t depth, uint32_t count_max);

// The value of this task is there from now on.
static void set_source(struct draw *draw, const struct flow_task *task, const char *member) {
    char *text = arena_alloc(draw->arena, SOURCE_BYTES);
    (void)snprintf(text, SOURCE_BYTES, "%s.output.%s", task->reference, member);
    draw->source = text;
}

// --- leaves --------------------------------------------------------------------------------------

static void draw_simple(struct draw *draw, struct flow_task *task) {
    struct world *world = draw->world;
    task->kind = FLOW_SIMPLE;
    task->type = (uint32_t)world_draw(world, 0, (int64_t)draw->flows->type_count - 1);
    task->queue = task->type;
    // A queue in which limits of several types hold is more than the checkers of queues know.
    if (!task_type_is_limited(&draw->flows->types[task->type]) &&
        world_maybe(world, draw->swarm->typed_per_mille)) {
        task->queue = (uint32_t)world_draw(world, 0, (int64_t)draw->flows->type_count - 1);
    }
    if (world_maybe(world, 120)) {
        task->plan = (enum flow_plan)world_draw(world, PLAN_FLAKY, PLAN_COUNT - 1);
    }
    task->optional = world_maybe(world, 100);
    task->permissive = !draw->in_merge && world_maybe(world, draw->swarm->permissive_per_mille);
    task->retry_count = world_maybe(world, 150) ? (int32_t)world_draw(world, 0, 2) : -1;
    task->start_delay_s = world_maybe(world, 100) ? (int32_t)world_draw(world, 1, 2) : 0;
    task->source = world_maybe(world, 500) ? draw->source : NULL;
    set_source(draw, task, "value");
}

static void draw_script(struct draw *draw, struct flow_task *task, enum flow_kind kind) {
    struct world *world = draw->world;
    bool fails = world_maybe(world, 60);
    task->kind = kind;
    if (kind == FLOW_JQ) {
        task->script =
            fails ? SCRIPT_JQ_FAILS : (world_maybe(world, 500) ? SCRIPT_JQ_NEXT : SCRIPT_JQ_PAIR);
    } else if (kind == FLOW_LAMBDA) {
        task->script = fails ? SCRIPT_THROWS : SCRIPT_BODY;
    } else {
        task->script =
            fails ? SCRIPT_THROWS : (world_maybe(world, 500) ? SCRIPT_MODULO : SCRIPT_GREATER);
    }
    task->optional = world_maybe(world, fails ? 400 : 100);
    task->retry_count = world_maybe(world, 300) ? (int32_t)world_draw(world, 0, 2) : -1;
    task->source = world_maybe(world, 500) ? draw->source : NULL;
    set_source(draw, task, "result");
}

// A worker task whose type its input names.
static void draw_dynamic(struct draw *draw, struct flow_task *task) {
    draw_simple(draw, task);
    task->kind = FLOW_DYNAMIC;
    task->permissive = false;
    task->nameless = world_maybe(draw->world, 40);
}

// Its name is a task type's, for the retries, timeouts and limits that hold for calls, too.
static void draw_http(struct draw *draw, struct flow_task *task) {
    struct world *world = draw->world;
    task->kind = FLOW_HTTP;
    task->type = (uint32_t)world_draw(world, 0, (int64_t)draw->flows->type_count - 1);
    task->optional = world_maybe(world, 150);
    task->retry_count = world_maybe(world, 150) ? (int32_t)world_draw(world, 0, 2) : -1;
    task->start_delay_s = world_maybe(world, 100) ? (int32_t)world_draw(world, 1, 2) : 0;
    task->source = world_maybe(world, 500) ? draw->source : NULL;
    set_source(draw, task, "response.body.value");
}

static bool draw_child(struct draw *draw, struct flow_task *task, enum flow_kind kind) {
    if (draw->flow == 0) {
        return false;
    }
    uint32_t child = (uint32_t)world_draw(draw->world, 0, (int64_t)draw->flow - 1);
    if (draw->weight + draw->flows->flows[child].weight > FLOW_TASKS_MAX) {
        return false;
    }
    task->kind = kind;
    task->child = child;
    task->optional = world_maybe(draw->world, 150);
    bool retries = kind == FLOW_SUB_WORKFLOW && world_maybe(draw->world, 200);
    task->retry_count = retries ? (int32_t)world_draw(draw->world, 0, 1) : -1;
    draw->weight += draw->flows->flows[child].weight * (task->retry_count > 0 ? 2 : 1);
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

// --- lists ---------------------------------------------------------------------------------------

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

static void draw_switch(struct draw *draw, struct flow_task *task, uint32_t depth) {
    struct world *world = draw->world;
    bool old = exists(draw, FLOW_DECISION) && world_maybe(world, 300);
    task->kind = old ? FLOW_DECISION : FLOW_SWITCH;
    task->list_count = 3;
    task->literal = world_maybe(world, 200) ? "a" : NULL;
    if (exists(draw, FLOW_INLINE) && world_maybe(world, 500)) {
        bool throws = world_maybe(world, 50);
        task->optional = throws && !old && world_maybe(world, 500);
        task->script = throws                    ? SCRIPT_THROWS
                       : world_maybe(world, 500) ? SCRIPT_CHOOSE
                                                 : SCRIPT_GREATER;
        task->source = draw->source;
    }
    // Its list of defaults gets no suffix in a loop (engine.md §10.7, Q): it would wait for ever.
    task->merges = draw->loops == 0 && world_maybe(world, draw->swarm->merge_per_mille);
    bool in_merge = draw->in_merge;
    draw->in_merge = in_merge || task->merges;
    draw_lists(draw, task, depth, 1);
    draw->in_merge = in_merge;
}

// The condition asks for the number of rounds, sometimes for a value made in the last one.
static void draw_condition(struct draw *draw, struct flow_task *task) {
    char text[SCRIPT_TEXT_BYTES];
    const struct flow_task *first = &task->lists[0].tasks[0];
    if (first->kind == FLOW_SIMPLE && world_maybe(draw->world, 400)) {
        (void)snprintf(
            text,
            sizeof(text),
            "$.%s.iteration < %d && $.%s.value %% 3 > 0",
            task->reference,
            task->rounds,
            first->reference
        );
    } else {
        (void)snprintf(text, sizeof(text), "$.%s.iteration < %d", task->reference, task->rounds);
    }
    task->script = arena_text(draw->arena, bytes_from_text(text));
}

static void draw_loop(struct draw *draw, struct flow_task *task, uint32_t depth) {
    struct world *world = draw->world;
    uint32_t weight = draw->weight;
    task->kind = FLOW_LOOP;
    task->optional = world_maybe(world, 100);
    task->list_count = 1;
    draw->loops++;
    draw_lists(draw, task, depth, 1);
    draw->loops--;
    weight = draw->weight - weight;
    int64_t most = weight > 6 || draw->loops > 0 ? 2 : 4;
    task->rounds = (int32_t)world_draw(world, 1, most);
    task->items = world_maybe(world, 300) ? (int32_t)world_draw(world, 0, most) : -1;
    task->keep =
        world_maybe(world, draw->swarm->keep_per_mille) ? (int32_t)world_draw(world, 1, 2) : 0;
    draw->forgets = draw->forgets || task->keep > 0;
    draw_condition(draw, task);
    draw->weight += weight * (uint32_t)(task->rounds - 1);
}

static void draw_branch(struct draw *draw, struct flow_task *fork, uint32_t number) {
    struct flow_task *task = &fork->lists[0].tasks[number];
    const struct flow_task *first = &fork->lists[0].tasks[0];
    (void)snprintf(task->reference, sizeof(task->reference), "%s_%u", fork->reference, number);
    task->retry_count = -1;
    draw->weight++;
    if (fork->style == STYLE_WORKFLOWS) {
        *task = number > 0 ? *first : *task;
        if (number == 0 && !draw_child(draw, task, FLOW_SUB_WORKFLOW)) {
            fork->style = STYLE_INPUTS;
            draw_simple(draw, task);
        } else if (number > 0) {
            draw->weight += draw->flows->flows[task->child].weight;
        }
        task->retry_count = -1;
    } else if (fork->style == STYLE_TASKS && world_maybe(draw->world, 200)) {
        draw_script(draw, task, FLOW_INLINE);
    } else if (fork->style != STYLE_TASKS || !world_maybe(draw->world, 200) || !draw_child(draw, task, FLOW_SUB_WORKFLOW)) {
        draw_simple(draw, task);
    }
    if (fork->style != STYLE_TASKS) { // their branches are a name and an input
        task->type = first->type;
        task->queue = first->type;
        task->retry_count = -1;
        task->start_delay_s = 0;
        task->optional = fork->style != STYLE_JOIN_TASKS && fork->optional;
        task->permissive = false;
    }
}

static void draw_dynamic_fork(struct draw *draw, struct flow_task *task) {
    const char *source = draw->source;
    task->kind = FLOW_DYNAMIC_FORK;
    task->style = (enum flow_style)world_draw(draw->world, 0, STYLE_COUNT - 1);
    task->optional = world_maybe(draw->world, 100);
    task->list_count = 1;
    task->lists = ARENA_ARRAY(draw->arena, struct flow_list, 1);
    task->lists[0].count = (uint32_t)world_draw(draw->world, 0, 4);
    task->lists[0].tasks = ARENA_ARRAY(draw->arena, struct flow_task, task->lists[0].count + 1);
    for (uint32_t i = 0; i < task->lists[0].count; i++) {
        draw->source = source;
        draw_branch(draw, task, i);
    }
    draw->source = source;
}

// --- a task --------------------------------------------------------------------------------------

// One of the kinds that not every world has. False: none, now.
static bool draw_special(struct draw *draw, struct flow_task *task, uint32_t depth) {
    static const enum flow_kind kinds[] = {
        FLOW_LOOP,
        FLOW_LOOP,
        FLOW_LOOP,
        FLOW_DYNAMIC_FORK,
        FLOW_DYNAMIC_FORK,
        FLOW_INLINE,
        FLOW_LAMBDA,
        FLOW_JQ,
        FLOW_START,
        FLOW_HTTP,
        FLOW_DYNAMIC,
    };
    enum flow_kind kind = kinds[world_draw(draw->world, 0, 10)];
    // The contract allows loops in loops and promises nothing (engine.md §10.10); ours work.
    bool inner = draw->loops == 1 && world_maybe(draw->world, draw->swarm->nested_per_mille);
    kind = inner ? FLOW_LOOP : kind;
    bool room = depth < DEPTH_MAX && draw->weight < FLOW_TASKS_MAX / 2;
    if (!exists(draw, kind)) {
        return false;
    }
    if (kind == FLOW_INLINE || kind == FLOW_LAMBDA || kind == FLOW_JQ) {
        draw_script(draw, task, kind);
        return true;
    }
    if (kind == FLOW_HTTP) {
        draw_http(draw, task);
        return true;
    }
    if (kind == FLOW_DYNAMIC) {
        draw_dynamic(draw, task);
        return true;
    }
    if (kind == FLOW_START) {
        return draw_child(draw, task, kind);
    }
    if (!room || (kind == FLOW_LOOP && draw->loops > 0 && !inner)) {
        return false;
    }
    if (kind == FLOW_LOOP) {
        draw_loop(draw, task, depth);
    } else {
        draw_dynamic_fork(draw, task);
    }
    return true;
}

static void draw_task(struct draw *draw, struct flow_task *task, uint32_t depth) {
    struct world *world = draw->world;
    (void)snprintf(task->reference, sizeof(task->reference), "t%u", ++draw->references);
    task->retry_count = -1;
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
        draw_switch(draw, task, depth);
    } else if (chance < 33 && draw_child(draw, task, FLOW_SUB_WORKFLOW)) {
        return;
    } else if (chance < 63 && draw_special(draw, task, depth)) {
        return;
    } else if (chance < 72) {
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

// --- the set of them -----------------------------------------------------------------------------

static void draw_flow(struct draw *draw, struct flow *flow) {
    struct world *world = draw->world;
    (void)snprintf(flow->name, sizeof(flow->name), "flow_%u", draw->flow);
    flow->version = (int32_t)world_draw(world, 1, 3);
    draw->references = 0;
    draw->source = NULL;
    draw->weight = 0;
    draw->forgets = false;
    flow->list = draw_list(draw, 0, 5);
    flow->forgets = draw->forgets;
    flow->timeout_s = world_maybe(world, 200) ? (int32_t)world_draw(world, 5, 40) : 0;
    flow->has_output = world_maybe(world, 500);
    flow->failure = -1;
    if (draw->flow > 0 && world_maybe(world, draw->swarm->failure_per_mille)) {
        flow->failure = (int32_t)world_draw(world, 0, (int64_t)draw->flow - 1);
    }
    flow->weight = draw->weight;
    flow->longest_ms = flow_longest_ms(draw->flows, flow);
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
        flows.some_forget = flows.some_forget || flows.flows[i].forgets;
        if (flows.flows[i].longest_ms > flows.longest_ms) {
            flows.longest_ms = flows.flows[i].longest_ms;
        }
    }
    return flows;
}
