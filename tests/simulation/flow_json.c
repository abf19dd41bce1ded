// Flows as the JSON a client would register.

#include "proto/json/json.h"
#include "tests/simulation/flow.h"
#include "tests/simulation/outside.h"
#include "tests/simulation/script.h"

#include <stdio.h>

static void member_chars(struct json_writer *writer, const char *key, const char *text) {
    json_member_text(writer, key, bytes_from_text(text));
}

static void write_type(struct json_writer *writer, const struct task_type *type) {
    static const char *const logics[] = {"FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"};
    json_object_begin(writer);
    member_chars(writer, "name", type->name);
    json_member_int(writer, "retryCount", type->retry_count);
    member_chars(writer, "retryLogic", logics[type->retry_logic]);
    json_member_int(writer, "retryDelaySeconds", type->retry_delay_s);
    json_member_int(writer, "backoffScaleFactor", type->backoff_scale);
    json_member_int(writer, "responseTimeoutSeconds", type->response_s);
    json_member_int(writer, "timeoutSeconds", type->timeout_s);
    member_chars(writer, "timeoutPolicy", type->timeout_policy);
    json_member_int(writer, "totalTimeoutSeconds", type->total_s);
    if (type->poll_timeout_s > 0) {
        json_member_int(writer, "pollTimeoutSeconds", type->poll_timeout_s);
    }
    if (type->concurrent > 0) {
        json_member_int(writer, "concurrentExecLimit", type->concurrent);
    }
    if (type->rate > 0) {
        json_member_int(writer, "rateLimitPerFrequency", type->rate);
        json_member_int(writer, "rateLimitFrequencyInSeconds", type->rate_s);
    }
    member_chars(writer, "ownerEmail", "owner@example.com");
    json_object_end(writer);
}

void flows_write_types(const struct flows *flows, struct buffer *out) {
    struct json_writer writer = json_writer(out);
    json_array_begin(&writer);
    for (uint32_t i = 0; i < flows->type_count; i++) {
        write_type(&writer, &flows->types[i]);
    }
    json_array_end(&writer);
}

// --- tasks ---------------------------------------------------------------------------------------

static void
write_list(struct json_writer *writer, const struct flows *flows, const struct flow_list *list);

static void
begin_task(struct json_writer *writer, const char *type, const char *name, const char *reference) {
    json_object_begin(writer);
    member_chars(writer, "name", name);
    member_chars(writer, "taskReferenceName", reference);
    member_chars(writer, "type", type);
}

static void member_source(struct json_writer *writer, const char *key, const char *source) {
    char expression[96];
    (void)snprintf(expression, sizeof(expression), "${%s}", source);
    member_chars(writer, key, expression);
}

// What every task may say at its end.
static void end_task(struct json_writer *writer, const struct flow_task *task) {
    if (task->retry_count >= 0) {
        json_member_int(writer, "retryCount", task->retry_count);
    }
    if (task->permissive) {
        json_member_bool(writer, "permissive", true);
    }
    json_member_bool(writer, "optional", task->optional);
    json_object_end(writer);
}

// A type that the server does not know is the queue of its workers (engine.md §10.2).
static void
write_simple(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    const char *queue = flows->types[task->queue].name;
    bool dynamic = task->kind == FLOW_DYNAMIC;
    const char *type = dynamic ? "DYNAMIC" : task->queue != task->type ? queue : "SIMPLE";
    begin_task(writer, type, flows->types[task->type].name, task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    if (dynamic && task->nameless) {
        member_source(writer, "become", "workflow.input.nothing");
    } else if (dynamic) {
        member_chars(writer, "become", queue);
    }
    if (dynamic) {
        member_chars(writer, "definition", flows->types[task->type].name);
    }
    member_chars(writer, "plan", flow_plan_text(task->plan));
    if (task->source != NULL) {
        member_source(writer, "from", task->source);
    }
    member_source(writer, "seed", "workflow.input.seed");
    json_object_end(writer);
    if (dynamic) {
        member_chars(writer, "dynamicTaskNameParam", "become");
    }
    if (task->start_delay_s > 0) {
        json_member_int(writer, "startDelay", task->start_delay_s);
    }
    end_task(writer, task);
}

static void
write_http(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "HTTP", flows->types[task->type].name, task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    member_chars(writer, "uri", "http://outside/value");
    member_chars(writer, "method", "POST");
    member_source(writer, "body", task->source != NULL ? task->source : "workflow.input.seed");
    json_member_int(writer, "connectionTimeOut", OUTSIDE_CONNECT_MS);
    json_member_int(writer, "readTimeOut", OUTSIDE_READ_MS);
    json_object_end(writer);
    if (task->start_delay_s > 0) {
        json_member_int(writer, "startDelay", task->start_delay_s);
    }
    end_task(writer, task);
}

static void write_script(struct json_writer *writer, const struct flow_task *task) {
    static const struct {
        enum flow_kind kind;
        const char *type;
        const char *key;
    } kinds[] = {
        {FLOW_INLINE, "INLINE", "expression"},
        {FLOW_LAMBDA, "LAMBDA", "scriptExpression"},
        {FLOW_JQ, "JSON_JQ_TRANSFORM", "queryExpression"},
    };
    size_t at = task->kind == FLOW_INLINE ? 0 : task->kind == FLOW_LAMBDA ? 1 : 2;
    begin_task(writer, kinds[at].type, "script", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    member_source(writer, "n", task->source != NULL ? task->source : "workflow.input.seed");
    if (task->kind == FLOW_INLINE) {
        member_chars(writer, "evaluatorType", "javascript");
    }
    member_chars(writer, kinds[at].key, task->script);
    json_object_end(writer);
    end_task(writer, task);
}

// --- forks ---------------------------------------------------------------------------------------

static void write_end(struct json_writer *writer, const struct flow_task *task) {
    char text[FLOW_TEXT_BYTES + 8];
    flow_task_end(task, text, sizeof(text));
    json_text(writer, bytes_from_text(text));
}

// The reference that a branch's JOIN waits for: its last task.
static void write_joined(struct json_writer *writer, const struct flow_list *branch) {
    if (branch->count > 0) {
        write_end(writer, &branch->tasks[branch->count - 1]);
    }
}

// The task behind a fork or SWITCH that brings its branches together; `joinOn` is left open.
static void begin_join(struct json_writer *writer, const char *type, const struct flow_task *task) {
    char text[FLOW_TEXT_BYTES + 8];
    flow_task_end(task, text, sizeof(text));
    begin_task(writer, type, "join", text);
    json_key(writer, "joinOn");
    json_array_begin(writer);
}

static void
write_fork(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "FORK_JOIN", "fork", task->reference);
    json_key(writer, "forkTasks");
    json_array_begin(writer);
    for (uint32_t i = 0; i < task->list_count; i++) {
        write_list(writer, flows, &task->lists[i]);
    }
    json_array_end(writer);
    json_object_end(writer);

    begin_join(writer, "JOIN", task);
    for (uint32_t i = 0; i < task->list_count; i++) {
        write_joined(writer, &task->lists[i]);
    }
    json_array_end(writer);
    json_object_end(writer);
}

// Style A: what one element of the list says.
static void write_branch_input(struct json_writer *writer, const struct flow_task *branch) {
    json_object_begin(writer);
    if (branch->kind == FLOW_SIMPLE) {
        member_chars(writer, "plan", flow_plan_text(branch->plan));
    } else {
        member_source(writer, "choice", "workflow.input.choice");
    }
    member_source(writer, "seed", "workflow.input.seed");
    json_object_end(writer);
}

static void write_inputs_style(
    struct json_writer *writer, const struct flows *flows, const struct flow_task *task
) {
    const struct flow_list *list = &task->lists[0];
    if (task->style == STYLE_WORKFLOWS && list->count > 0) {
        const struct flow *child = &flows->flows[list->tasks[0].child];
        char version[16];
        (void)snprintf(version, sizeof(version), "%d", child->version);
        member_chars(writer, "forkTaskWorkflow", child->name);
        member_chars(writer, "forkTaskWorkflowVersion", version);
    } else if (list->count > 0) {
        member_chars(writer, "forkTaskName", flows->types[list->tasks[0].type].name);
    }
    json_key(writer, "forkTaskInputs");
    json_array_begin(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        write_branch_input(writer, &list->tasks[i]);
    }
    json_array_end(writer);
}

static void write_tasks_style(
    struct json_writer *writer, const struct flows *flows, const struct flow_task *task
) {
    json_key(writer, "branches");
    write_list(writer, flows, &task->lists[0]);
    json_key(writer, "inputs");
    json_object_begin(writer);
    for (uint32_t i = 0; i < task->lists[0].count; i++) {
        json_key(writer, task->lists[0].tasks[i].reference);
        json_object_begin(writer);
        json_member_int(writer, "place", i);
        json_object_end(writer);
    }
    json_object_end(writer);
}

static void write_join_tasks_style(
    struct json_writer *writer, const struct flows *flows, const struct flow_task *task
) {
    json_key(writer, "branches");
    json_object_begin(writer);
    json_key(writer, "dynamicTasks");
    json_array_begin(writer);
    for (uint32_t i = 0; i < task->lists[0].count; i++) {
        const struct flow_task *branch = &task->lists[0].tasks[i];
        json_object_begin(writer);
        member_chars(writer, "taskName", flows->types[branch->type].name);
        member_chars(writer, "referenceName", branch->reference);
        json_key(writer, "input");
        write_branch_input(writer, branch);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
}

static void write_dynamic_fork(
    struct json_writer *writer, const struct flows *flows, const struct flow_task *task
) {
    begin_task(writer, "FORK_JOIN_DYNAMIC", "dynamic", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    if (task->style == STYLE_TASKS) {
        write_tasks_style(writer, flows, task);
    } else if (task->style == STYLE_JOIN_TASKS) {
        write_join_tasks_style(writer, flows, task);
    } else {
        write_inputs_style(writer, flows, task);
    }
    json_object_end(writer);
    if (task->style == STYLE_TASKS) {
        member_chars(writer, "dynamicForkTasksParam", "branches");
        member_chars(writer, "dynamicForkTasksInputParamName", "inputs");
    } else if (task->style == STYLE_JOIN_TASKS) {
        member_chars(writer, "dynamicForkJoinTasksParam", "branches");
    }
    end_task(writer, task);
    begin_join(writer, "JOIN", task);
    json_array_end(writer);
    json_object_end(writer);
}

// --- branches and loops --------------------------------------------------------------------------

static void
write_switch(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    bool scripted = task->script != NULL;
    bool truth = scripted && bytes_equal_text(bytes_from_text(task->script), SCRIPT_GREATER);
    if (task->kind == FLOW_DECISION) {
        begin_task(writer, "DECISION", "decision", task->reference);
        member_chars(
            writer, scripted ? "caseExpression" : "caseValueParam", scripted ? task->script : "key"
        );
    } else {
        begin_task(writer, "SWITCH", "switch", task->reference);
        member_chars(writer, "evaluatorType", scripted ? "javascript" : "value-param");
        member_chars(writer, "expression", scripted ? task->script : "key");
    }
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    if (scripted) {
        member_source(writer, "n", task->source != NULL ? task->source : "workflow.input.seed");
    } else if (task->literal != NULL) {
        member_chars(writer, "key", task->literal);
    } else {
        member_source(writer, "key", "workflow.input.choice");
    }
    json_object_end(writer);
    json_key(writer, "decisionCases");
    json_object_begin(writer);
    json_key(writer, truth ? "true" : "a");
    write_list(writer, flows, &task->lists[0]);
    json_key(writer, truth ? "false" : "b");
    write_list(writer, flows, &task->lists[1]);
    json_object_end(writer);
    json_key(writer, "defaultCase");
    write_list(writer, flows, &task->lists[2]);
    end_task(writer, task);
    if (!task->merges) {
        return;
    }
    begin_join(writer, "EXCLUSIVE_JOIN", task);
    for (uint32_t i = 0; i < task->list_count; i++) {
        write_joined(writer, &task->lists[i]);
    }
    json_array_end(writer);
    json_key(writer, "defaultExclusiveJoinTask"); // no branch taken, or an empty one
    json_array_begin(writer);
    json_text(writer, bytes_from_text(task->reference));
    json_array_end(writer);
    json_object_end(writer);
}

static void
write_loop(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "DO_WHILE", "loop", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    if (task->items >= 0) {
        json_key(writer, "_items");
        json_array_begin(writer);
        for (int32_t i = 0; i < task->items; i++) {
            json_int(writer, i * 10);
        }
        json_array_end(writer);
    }
    if (task->keep > 0) {
        json_member_int(writer, "keepLastN", task->keep);
    }
    json_object_end(writer);
    member_chars(writer, "loopCondition", task->script);
    json_key(writer, "loopOver");
    write_list(writer, flows, &task->lists[0]);
    end_task(writer, task);
}

// --- other executions ----------------------------------------------------------------------------

static void write_child_input(struct json_writer *writer) {
    json_object_begin(writer);
    member_source(writer, "seed", "workflow.input.seed");
    member_source(writer, "choice", "workflow.input.choice");
    json_object_end(writer);
}

static void
write_child(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "SUB_WORKFLOW", "child", task->reference);
    json_key(writer, "inputParameters");
    write_child_input(writer);
    json_key(writer, "subWorkflowParam");
    json_object_begin(writer);
    member_chars(writer, "name", flows->flows[task->child].name);
    if (flows->flows[task->child].version % 2 == 0) {
        json_member_int(writer, "version", flows->flows[task->child].version);
    }
    json_object_end(writer);
    end_task(writer, task);
}

static void
write_start(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    begin_task(writer, "START_WORKFLOW", "start", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    json_key(writer, "startWorkflow");
    json_object_begin(writer);
    member_chars(writer, "name", flows->flows[task->child].name);
    json_member_int(writer, "version", flows->flows[task->child].version);
    json_key(writer, "input");
    write_child_input(writer);
    json_object_end(writer);
    json_object_end(writer);
    end_task(writer, task);
}

// --- the rest ------------------------------------------------------------------------------------

static void write_set_variable(struct json_writer *writer, const struct flow_task *task) {
    char text[FLOW_TEXT_BYTES + 8];
    begin_task(writer, "SET_VARIABLE", "set", task->reference);
    json_key(writer, "inputParameters");
    json_object_begin(writer);
    (void)snprintf(text, sizeof(text), "v_%s", task->reference);
    json_member_int(writer, text, task->value);
    json_object_end(writer);
    json_object_end(writer);
}

static void write_with_input(
    struct json_writer *writer,
    const char *type,
    const struct flow_task *task,
    const char *key,
    const char *value
) {
    begin_task(writer, type, "system", task->reference);
    if (key != NULL) {
        json_key(writer, "inputParameters");
        json_object_begin(writer);
        member_chars(writer, key, value);
        json_object_end(writer);
    }
    json_object_end(writer);
}

static void
write_task(struct json_writer *writer, const struct flows *flows, const struct flow_task *task) {
    char text[32];
    switch (task->kind) {
    case FLOW_SIMPLE:
    case FLOW_DYNAMIC:
        write_simple(writer, flows, task);
        break;
    case FLOW_FORK:
        write_fork(writer, flows, task);
        break;
    case FLOW_DYNAMIC_FORK:
        write_dynamic_fork(writer, flows, task);
        break;
    case FLOW_SWITCH:
    case FLOW_DECISION:
        write_switch(writer, flows, task);
        break;
    case FLOW_LOOP:
        write_loop(writer, flows, task);
        break;
    case FLOW_START:
        write_start(writer, flows, task);
        break;
    case FLOW_INLINE:
    case FLOW_LAMBDA:
    case FLOW_JQ:
        write_script(writer, task);
        break;
    case FLOW_HTTP:
        write_http(writer, flows, task);
        break;
    case FLOW_SUB_WORKFLOW:
        write_child(writer, flows, task);
        break;
    case FLOW_TERMINATE:
        write_with_input(writer, "TERMINATE", task, "terminationStatus", task->status);
        break;
    case FLOW_WAIT:
        (void)snprintf(text, sizeof(text), "%d seconds", task->wait_s);
        write_with_input(writer, "WAIT", task, "duration", text);
        break;
    case FLOW_HUMAN:
        write_with_input(writer, "HUMAN", task, NULL, NULL);
        break;
    case FLOW_NOOP:
        write_with_input(writer, "NOOP", task, NULL, NULL);
        break;
    case FLOW_SET_VARIABLE:
        write_set_variable(writer, task);
        break;
    }
}

static void
write_list(struct json_writer *writer, const struct flows *flows, const struct flow_list *list) {
    json_array_begin(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        write_task(writer, flows, &list->tasks[i]);
    }
    json_array_end(writer);
}

void flow_write(const struct flows *flows, const struct flow *flow, struct buffer *out) {
    struct json_writer writer = json_writer(out);
    json_object_begin(&writer);
    member_chars(&writer, "name", flow->name);
    json_member_int(&writer, "version", flow->version);
    json_member_int(&writer, "schemaVersion", 2);
    member_chars(&writer, "ownerEmail", "owner@example.com");
    if (flow->timeout_s > 0) {
        json_member_int(&writer, "timeoutSeconds", flow->timeout_s);
        member_chars(&writer, "timeoutPolicy", "TIME_OUT_WF");
    }
    if (flow->failure >= 0) {
        member_chars(&writer, "failureWorkflow", flows->flows[flow->failure].name);
        json_member_int(&writer, "failureWorkflowVersion", flows->flows[flow->failure].version);
    }
    if (flow->has_output) {
        json_key(&writer, "outputParameters");
        json_object_begin(&writer);
        member_chars(&writer, "seed", "${workflow.input.seed}");
        member_chars(&writer, "marker", flow->name);
        json_object_end(&writer);
    }
    json_key(&writer, "tasks");
    write_list(&writer, flows, &flow->list);
    json_object_end(&writer);
}
