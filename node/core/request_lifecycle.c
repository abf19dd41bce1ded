// Requests about executions that ended, or whose flow is bent: W-5, W-13 … W-18, W-20.
//
// What spans executions – the deepest failed child, the owner of a task – is asked of one partition
// after another before the one decision that changes something, so a request that is run again for
// the sake of a script asks again and changes nothing twice.
#include "node/core/look.h"
#include "node/core/node_internal.h"
#include "proto/limits.h"

#include <string.h>

static group_id group_of_first(const struct node *node, const struct request *request) {
    return decision_group_of(&node->settings, request->match.variables[0]);
}

static err run_get_tasks(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct api_optional_int start = {0};
    struct api_optional_int count = {0};
    TRY(request_int(node, request, "start", &start));
    TRY(request_int(node, request, "count", &count));
    bytes *statuses = NULL;
    size_t status_count = 0;
    api_query_list(
        request->match.route,
        &request->http->parameters,
        "status",
        node->arena,
        &statuses,
        &status_count
    );
    struct tasks_page page = {
        .workflow = request->match.variables[0],
        .start = start.value > 0 ? start.value : 0,
        .count = count.value,
        .statuses = statuses,
        .status_count = status_count,
    };
    return get_workflow_tasks(decision, &page, out_reply);
}

void request_get_workflow_tasks(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_get_tasks);
}

static err run_remove(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bool archive = true;
    TRY(request_bool(node, request, "archiveWorkflow", &archive));
    bytes workflow = request->match.variables[0];
    if (request->match.route->name == API_TERMINATE_AND_REMOVE_WORKFLOW) {
        bytes reason = request_text(node, request, "reason");
        TRY(terminate_workflow(decision, workflow, reason, out_reply));
    }
    return remove_workflow(decision, workflow, archive, out_reply);
}

void request_remove_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_remove);
}

static err run_restart(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    bool latest = false;
    TRY(request_bool(node, request, "useLatestDefinitions", &latest));
    return restart_workflow(decision, request->match.variables[0], latest, out_reply);
}

void request_restart_workflow(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_restart);
}

static err run_reset_callbacks(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return reset_callbacks(decision, request->match.variables[0], out_reply);
}

void request_reset_callbacks(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_reset_callbacks);
}

// --- retry
// ----------------------------------------------------------------------------------------------

static err run_retry(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    return retry_workflow(decision, request->match.variables[0], out_reply);
}

// Walks down to the deepest failed execution. ERR_NOT_FOUND below the first means the child is
// gone: its parent is the deepest then.
static err find_deepest(
    struct node *node, const struct request *request, enum retry_wish *out_wish, bytes *out_deepest
) {
    bytes workflow = request->match.variables[0];
    *out_deepest = workflow;
    for (int depth = 0; depth < LIMIT_WORKFLOW_DEPTH; depth++) {
        struct look_question question = {.kind = LOOK_FAILED_CHILD, .id = workflow};
        struct look_answer answer;
        err found = look(node, &(struct look_asker){.request = request}, &question, &answer);
        if (found.code == ERR_NOT_FOUND && depth > 0) {
            return ERR_NONE;
        }
        TRY(found);
        enum retry_wish wish = (enum retry_wish)answer.wish;
        *out_deepest = workflow;
        *out_wish = wish == RETRY_CHILD ? RETRY_SELF : wish;
        if (wish != RETRY_CHILD) {
            return ERR_NONE;
        }
        workflow = answer.found;
    }
    return err_make(ERR_TOO_LARGE, "sub-workflows are nested too deep");
}

void request_retry_workflow(struct node *node, const struct request *request) {
    bool resume = false;
    err read = request_bool(node, request, "resumeSubworkflowTasks", &resume);
    bytes deepest = request->match.variables[0];
    enum retry_wish wish = RETRY_SELF;
    if (request->http->aim.size > 0) {
        deepest = request->http->aim; // found by the node that leads the execution
    } else if (!err_is(read) && resume) {
        read = find_deepest(node, request, &wish, &deepest);
    }
    struct gate gate = GATE_ALL;
    if (read.code == ERR_SUSPENDED) {
        return;
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, gate);
    } else if (wish == RETRY_NOTHING) {
        struct reply nothing = {.status = 204, .kind = REPLY_VOID};
        node_answer(node, request->id, &nothing, gate);
    } else {
        request_run_at(node, request, deepest, run_retry);
    }
}

// --- rerun
// ----------------------------------------------------------------------------------------------

static err run_rerun(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct api_rerun_workflow_request wish;
    TRY(api_read(&api_rerun_workflow_request_model, request->json, node->arena, &wish));
    TRY(rerun_workflow(decision, request->match.variables[0], &wish, out_reply));
    // The path's id is answered, whichever child the task was in.
    out_reply->body = request->http->segments[2];
    return ERR_NONE;
}

static err ask_one(
    struct node *node,
    const struct request *request,
    enum look_kind kind,
    bytes id,
    struct look_answer *out_answer
) {
    struct look_question question = {.kind = (uint8_t)kind, .id = id};
    return look(node, &(struct look_asker){.request = request}, &question, out_answer);
}

// The execution the task is in, when that is the request's or below it (engine.md §5.7 c).
static err
find_owner(struct node *node, const struct request *request, bytes task, bytes *out_owner) {
    bytes workflow = request->match.variables[0];
    struct look_answer answer;
    TRY(ask_one(node, request, LOOK_RERUN, workflow, &answer));
    TRY(ask_one(node, request, LOOK_OWNER, task, &answer));
    *out_owner = answer.found;
    bytes at = *out_owner;
    for (int depth = 0; depth < LIMIT_WORKFLOW_DEPTH && at.size > 0; depth++) {
        if (bytes_equal(at, workflow)) {
            return ERR_NONE;
        }
        err asked = ask_one(node, request, LOOK_PARENT, at, &answer);
        if (asked.code == ERR_SUSPENDED || asked.code == ERR_UNAVAILABLE) {
            return asked;
        }
        at = err_is(asked) ? BYTES_EMPTY : answer.found;
    }
    return err_make(ERR_INVALID, arena_format(node->arena, "Task %.*s not found", BYTES_ARG(task)));
}

void request_rerun_workflow(struct node *node, const struct request *request) {
    struct api_rerun_workflow_request wish;
    err read = api_read(&api_rerun_workflow_request_model, request->json, node->arena, &wish);
    bytes owner = request->match.variables[0];
    if (request->http->aim.size > 0) {
        owner = request->http->aim; // found by the node that leads the execution
    } else if (!err_is(read) && wish.rerun_from_task_id.size > 0) {
        read = find_owner(node, request, wish.rerun_from_task_id, &owner);
    }
    if (read.code == ERR_SUSPENDED) {
        return;
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_ALL);
        return;
    }
    request_run_at(node, request, owner, run_rerun);
}

// --- skip
// -----------------------------------------------------------------------------------------------

// `taskInput[key]=value` of the query as an object of texts (rest-api.md §3.2, W-20).
static bytes object_of_query(struct node *node, const struct request *request, const char *name) {
    const struct api_parameters *parameters = &request->http->parameters;
    bytes wanted = bytes_from_text(name);
    struct buffer buffer;
    buffer_init(&buffer, (size_t)LIMIT_HTTP_HEAD_BYTES * 8);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    bool any = false;
    for (size_t i = 0; i < parameters->count; i++) {
        bytes key = parameters->items[i].name;
        if (key.size > wanted.size + 2 && bytes_starts_with(key, wanted) &&
            key.data[wanted.size] == '[' && key.data[key.size - 1] == ']') {
            json_key_bytes(&writer, bytes_slice(key, wanted.size + 1, key.size - 1));
            json_text(&writer, parameters->items[i].value);
            any = true;
        }
    }
    json_object_end(&writer);
    bytes object =
        any && !buffer.overflowed ? arena_copy(node->arena, buffer_bytes(&buffer)) : BYTES_EMPTY;
    buffer_deinit(&buffer);
    return object;
}

static err run_skip(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct api_skip_task_request wish;
    api_init(&api_skip_task_request_model, &wish);
    if (request->json.size > 0) {
        TRY(api_read(&api_skip_task_request_model, request->json, node->arena, &wish));
    } else {
        wish.task_input = object_of_query(node, request, "taskInput");
        wish.task_output = object_of_query(node, request, "taskOutput");
    }
    return skip_task(
        decision, request->match.variables[0], request->match.variables[1], &wish, out_reply
    );
}

void request_skip_task(struct node *node, const struct request *request) {
    request_run(node, request, group_of_first(node, request), run_skip);
}
