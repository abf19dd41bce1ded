// Requests about executions: W-1 … W-4, W-9 … W-12.
#include "node/core/node_internal.h"

// --- starting
// ------------------------------------------------------------------------------------------

// For want of room none is begun; one that was is answered for again.
static err start_takes(struct node *node, struct decision *decision, group_id group, id128 id) {
    err room = fitness_takes_start(node, group);
    struct key key = key_workflow(id);
    bytes ignored = BYTES_EMPTY;
    bool begun = err_is(room) && !err_is(store_txn_get(decision->txn, key_bytes(&key), &ignored));
    return begun ? ERR_NONE : room;
}

bool request_start(
    struct node *node,
    const struct request *request,
    const struct api_start_workflow_request *wish,
    bool by_name,
    bytes *out_id,
    struct gate *out_gate
) {
    id128 id = request->http->chosen_id;
    char text[ID_TEXT_BYTES];
    id_format(id, text);
    group_id group = decision_group_of(&node->settings, bytes_of(text, sizeof(text)));
    struct decision decision;
    err done = node_decision_begin_large(node, group, &decision);
    if (err_is(done)) {
        node_answer_error(node, request->id, done, GATE_OPEN);
        return false;
    }
    struct start_workflow command = {.id = id, .request = wish, .by_name = by_name};
    struct reply reply = {0};
    done = start_takes(node, &decision, group, id);
    if (!err_is(done)) {
        done = stages_look(&decision, start_workflow(&decision, &command, &reply));
    }
    if (done.code == ERR_SUSPENDED) {
        job_suspend_request(node, request, &decision);
        return false;
    }
    if (err_is(done)) {
        node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
        return false;
    }
    node->stats.workflows_started++;
    *out_id = reply.body;
    *out_gate = node_decision_commit(node, &decision);
    return true;
}

static void start(
    struct node *node,
    const struct request *request,
    const struct api_start_workflow_request *wish,
    bool by_name
) {
    struct reply reply = {.status = 200, .kind = REPLY_TEXT};
    struct gate gate = GATE_OPEN;
    if (request_start(node, request, wish, by_name, &reply.body, &gate)) {
        node_answer(node, request->id, &reply, gate);
    }
}

static bool input_template(void *argument, bytes task_name, struct arena *arena, bytes *out_json) {
    struct node *node = argument;
    bytes task = BYTES_EMPTY;
    return !err_is(catalog_task(node->store, task_name, arena, &task)) &&
           json_get_text(task, "inputTemplate", out_json);
}

bool request_start_is_valid(
    struct node *node, const struct request *request, const struct api_start_workflow_request *wish
) {
    struct api_validate_options options = {
        .path = API_PATH_START_WORKFLOW,
        .owner_email_mandatory = node->settings.owner_email_mandatory,
        .name_validation = node->settings.name_validation,
        .input_template = input_template,
        .argument = node,
    };
    struct api_violations violations;
    api_violations_init(&violations, node->arena);
    api_validate_start_request(wish, &options, &violations);
    if (violations.count > 0) {
        node_answer_violations(node, request->id, &violations, node_gate_of(node, CATALOG_GROUP));
        return false;
    }
    return true;
}

void request_start_workflow(struct node *node, const struct request *request) {
    struct api_start_workflow_request wish;
    err read = api_read(&api_start_workflow_request_model, request->json, node->arena, &wish);
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
    } else if (request_start_is_valid(node, request, &wish)) {
        start(node, request, &wish, false);
    }
}

static err start_by_name_read(
    struct node *node,
    const struct request *request,
    struct api_violations *violations,
    struct api_start_workflow_request *out_wish
) {
    if (!json_is_object(request->json)) {
        return err_make(ERR_INVALID, "the body is not a JSON object");
    }
    struct api_start_workflow_request wish;
    api_init(&api_start_workflow_request_model, &wish);
    struct api_optional_int version = {0};
    struct api_optional_int priority = {0};
    TRY(request_int(node, request, "version", &version));
    TRY(request_int(node, request, "priority", &priority));
    api_validate_start_priority(priority.value, violations);
    TRY(api_violations_status(violations));
    wish.name = request->match.variables[0];
    wish.version.present = version.present;
    wish.version.value = version.value;
    wish.priority = (int32_t)priority.value;
    wish.correlation_id = request_text(node, request, "correlationId");
    wish.input = request->json;
    *out_wish = wish;
    return ERR_NONE;
}

void request_start_workflow_by_name(struct node *node, const struct request *request) {
    struct api_start_workflow_request wish;
    struct api_violations violations;
    api_violations_init(&violations, node->arena);
    err read = start_by_name_read(node, request, &violations, &wish);
    if (violations.count > 0) {
        node_answer_violations(node, request->id, &violations, GATE_OPEN);
    } else if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
    } else {
        start(node, request, &wish, true);
    }
}

// --- one execution
// -------------------------------------------------------------------------------------

static group_id group_of_first(const struct node *node, const struct request *request) {
    return decision_group_of(&node->settings, request->match.variables[0]);
}

static err run_get_workflow(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bool include_tasks = true;
    TRY(request_bool(node, request, "includeTasks", &include_tasks));
    return get_workflow(decision, request->match.variables[0], include_tasks, out_reply);
}

void request_get_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_get_workflow);
}

static err run_get_workflow_status(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bool output = false;
    bool variables = false;
    TRY(request_bool(node, request, "includeOutput", &output));
    TRY(request_bool(node, request, "includeVariables", &variables));
    return get_workflow_status(decision, request->match.variables[0], output, variables, out_reply);
}

void request_get_workflow_status(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_get_workflow_status);
}

static err run_decide(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return decide_workflow(decision, request->match.variables[0], out_reply);
}

void request_decide_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_decide);
}

static err run_pause(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return pause_workflow(decision, request->match.variables[0], out_reply);
}

void request_pause_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_pause);
}

static err run_resume(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return resume_workflow(decision, request->match.variables[0], out_reply);
}

void request_resume_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_resume);
}

static err run_terminate(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bytes reason = request_text(node, request, "reason");
    return terminate_workflow(decision, request->match.variables[0], reason, out_reply);
}

void request_terminate_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_terminate);
}
