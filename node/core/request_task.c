// Requests about tasks: T-1 … T-9.
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

// --- polling
// ---------------------------------------------------------------------------------------------

enum {
    POLL_SINGLE_TIMEOUT_MS = 100
}; // rest-api.md §7.1, T-1

// An empty value of worker or domain means none was given.
static bytes given(bytes text) {
    return text.size == 0 ? BYTES_EMPTY : text;
}

void request_poll_task(struct node *node, const struct request *request) {
    struct poll_wish wish = {
        .request_id = request->id,
        .type = request->match.variables[0],
        .domain = given(request_text(node, request, "domain")),
        .worker = given(request_text(node, request, "workerid")),
        .count = 1,
        .timeout_ms = POLL_SINGLE_TIMEOUT_MS,
    };
    poll_begin(node, &wish);
}

static err
poll_tasks_read(struct node *node, const struct request *request, struct poll_wish *out_wish) {
    struct api_optional_int count = {0};
    struct api_optional_int timeout = {0};
    TRY(request_int(node, request, "count", &count));
    TRY(request_int(node, request, "timeout", &timeout));
    if (timeout.value > LIMIT_POLL_TIMEOUT_MS) {
        return err_make(ERR_INVALID, "Long Poll Timeout value cannot be more than 5 seconds");
    }
    int64_t wanted = count.value < 1 ? 1 : count.value;
    *out_wish = (struct poll_wish){
        .request_id = request->id,
        .type = request->match.variables[0],
        .domain = given(request_text(node, request, "domain")),
        .worker = given(request_text(node, request, "workerid")),
        .count = wanted > LIMIT_POLL_COUNT ? LIMIT_POLL_COUNT : (uint32_t)wanted,
        .timeout_ms = timeout.value < 1 ? 0 : timeout.value,
        .batch = true,
        .claimed_by = request->http->from,
    };
    return ERR_NONE;
}

void request_poll_tasks(struct node *node, const struct request *request) {
    struct poll_wish wish;
    err read = poll_tasks_read(node, request, &wish);
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
        return;
    }
    poll_begin(node, &wish);
}

// --- updating
// ----------------------------------------------------------------------------------------------

// Decides an update. On success `*out_gate` is what its answer depends on; else it was answered.
static bool update_decide(
    struct node *node,
    const struct request *request,
    struct reply *out_reply,
    struct next_poll *out_next,
    struct gate *out_gate
) {
    struct api_task_result result;
    err done = api_read(&api_task_result_model, request->json, node->arena, &result);
    if (err_is(done)) {
        node_answer_error(node, request->id, done, GATE_OPEN);
        return false;
    }
    struct api_violations violations;
    api_violations_init(&violations, node->arena);
    api_validate_task_result(&result, &violations);
    if (violations.count > 0) {
        node_answer_violations(node, request->id, &violations, GATE_OPEN);
        return false;
    }
    struct decision decision;
    group_id group = decision_group_of(&node->settings, result.workflow_instance_id);
    done = node_decision_begin_large(node, group, &decision);
    if (err_is(done)) {
        node_answer_error(node, request->id, done, GATE_OPEN);
        return false;
    }
    done = stages_look(&decision, update_task(&decision, &result, out_reply, out_next));
    if (done.code == ERR_SUSPENDED) {
        job_suspend_request(node, request, &decision);
        return false;
    }
    if (err_is(done)) {
        node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
        return false;
    }
    *out_gate = node_decision_commit(node, &decision);
    node->stats.tasks_updated++;
    return true;
}

void request_update_task(struct node *node, const struct request *request) {
    struct reply reply = {0};
    struct next_poll next = {0};
    struct gate gate = GATE_OPEN;
    if (update_decide(node, request, &reply, &next, &gate)) {
        node_answer(node, request->id, &reply, gate);
    }
}

void request_update_task_and_poll(struct node *node, const struct request *request) {
    struct reply reply = {0};
    struct next_poll next = {0};
    struct gate gate = GATE_OPEN;
    if (!update_decide(node, request, &reply, &next, &gate)) {
        return;
    }
    if (!next.poll) {
        struct reply none = {.status = 204, .kind = REPLY_VOID};
        node_answer(node, request->id, &none, gate);
        return;
    }
    struct poll_wish wish = {
        .request_id = request->id,
        .type = next.type,
        .domain = given(next.domain),
        .worker = given(next.worker),
        .count = 1,
        .timeout_ms = POLL_SINGLE_TIMEOUT_MS,
        .gate = gate,
    };
    poll_begin(node, &wish);
}

static err run_update_by_reference(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    if (!json_is_object(request->json)) {
        return err_make(ERR_INVALID, "the body is not a JSON object");
    }
    struct update_task_by_reference command = {
        .workflow = request->match.variables[0],
        .reference = request->match.variables[1],
        .status = request->match.variables[2],
        .worker = request_text(node, request, "workerid"),
        .output = request->json,
        .sync = request->match.route->name == API_UPDATE_TASK_BY_REFERENCE_SYNC,
    };
    node->stats.tasks_updated++;
    return update_task_by_reference(decision, &command, out_reply);
}

void request_update_by_reference(struct node *node, const struct request *request) {
    group_id group = decision_group_of(&node->settings, request->match.variables[0]);
    request_run(node, request, group, run_update_by_reference);
}

// --- one task
// -------------------------------------------------------------------------------------------------

static group_id group_of_first(const struct node *node, const struct request *request) {
    return decision_group_of(&node->settings, request->match.variables[0]);
}

static err run_add_log(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    if (request->http->body.size == 0) {
        return err_make(ERR_INVALID, "Required request body is missing");
    }
    return add_task_log(decision, request->match.variables[0], request->http->body, out_reply);
}

void request_add_task_log(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_add_log);
}

static err run_get_logs(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return get_task_logs(decision, request->match.variables[0], out_reply);
}

void request_get_task_logs(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_get_logs);
}

static err run_get_task(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return get_task(decision, request->match.variables[0], out_reply);
}

void request_get_task(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_get_task);
}
