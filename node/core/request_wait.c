// Requests that signal, and that wait for what comes of it: W-22, X-1, X-2 (rest-api.md §4).
#include "node/core/node_internal.h"
#include "node/core/wait.h"
#include "proto/limits.h"

// --- signals
// --------------------------------------------------------------------------------------------

static err run_signal(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    (void)node;
    const bytes *variables = request->match.variables;
    return signal_task(decision, variables[0], variables[1], request->json, out_reply);
}

static err find_target(struct node *node, const struct request *request, bytes *out_task) {
    if (request->http->aim.size > 0) {
        *out_task = request->http->aim; // found by the node that leads the execution
        return ERR_NONE;
    }
    if (!json_is_object(request->json)) {
        return err_make(ERR_INVALID, "the body is not a JSON object");
    }
    struct wait_found found;
    struct look_asker asker = {.request = request};
    struct wait_wish wish = {.workflow = request->match.variables[0]};
    TRY(wait_look(node, &asker, &wish, WAIT_FOR_SIGNAL_TARGET, &found));
    *out_task = found.task;
    return ERR_NONE;
}

void request_signal_task(struct node *node, const struct request *request) {
    bytes task = BYTES_EMPTY;
    err found = find_target(node, request, &task);
    struct gate gate = GATE_ALL;
    if (found.code == ERR_SUSPENDED) {
        return;
    }
    if (err_is(found)) {
        node_answer_error(node, request->id, found, gate);
    } else if (task.size == 0) {
        struct reply nothing = {.status = 200, .kind = REPLY_VOID};
        node_answer(node, request->id, &nothing, gate);
    } else {
        request_run_at(node, request, task, run_signal);
    }
}

static bytes random_name(struct node *node) {
    char *text = arena_alloc(node->arena, ID_TEXT_BYTES);
    uint16_t slot = (uint16_t)random_below(&node->random, ID_SLOT_COUNT);
    id_format(id_mint(slot, node->time.ms, &node->random), text);
    return bytes_of(text, ID_TEXT_BYTES);
}

static err
read_strategy(const struct node *node, const struct request *request, bytes *out_strategy) {
    *out_strategy = request_text(node, request, "returnStrategy");
    if (!wait_knows_strategy(*out_strategy)) {
        return err_make(
            ERR_ILLEGAL_STATE,
            arena_format(node->arena, "returnStrategy '%.*s' is unknown", BYTES_ARG(*out_strategy))
        );
    }
    return ERR_NONE;
}

static int64_t bounded_ms(int64_t ms) {
    return ms < 0 ? 0 : ms > LIMIT_WAIT_MS ? LIMIT_WAIT_MS : ms;
}

static err read_signal(
    struct node *node, const struct request *request, struct wait_wish *out_wish, bytes *out_task
) {
    struct api_optional_int timeout = {0};
    TRY(read_strategy(node, request, &out_wish->strategy));
    TRY(request_int(node, request, "timeoutMillis", &timeout));
    out_wish->timeout_ms = bounded_ms(timeout.value);
    TRY(find_target(node, request, out_task));
    if (out_task->size == 0) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                node->arena,
                "Found no blocked task in workflow %.*s to signal",
                BYTES_ARG(request->match.variables[0])
            )
        );
    }
    return ERR_NONE;
}

void request_signal_task_sync(struct node *node, const struct request *request) {
    struct wait_wish wish = {.request_id = request->id, .workflow = request->match.variables[0]};
    bytes task = BYTES_EMPTY;
    err done = read_signal(node, request, &wish, &task);
    struct decision decision;
    if (done.code == ERR_SUSPENDED || (!err_is(done) && request_hand_on(node, request, task))) {
        return;
    }
    if (!err_is(done)) {
        group_id group = decision_group_of(&node->settings, task);
        done = node_decision_begin_large(node, group, &decision);
    }
    if (err_is(done)) {
        node_answer_error(node, request->id, done, GATE_ALL);
        return;
    }
    struct reply reply = {0};
    done = signal_task(&decision, task, request->match.variables[1], request->json, &reply);
    done = stages_look(&decision, done);
    if (done.code == ERR_SUSPENDED) {
        job_suspend_request(node, request, &decision);
    } else if (err_is(done)) {
        node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
    } else {
        (void)node_decision_commit(node, &decision);
        wish.request_name = random_name(node);
        wait_begin(node, &wish);
    }
}

// --- execute
// --------------------------------------------------------------------------------------------

// `input._systemMetadata.dynamic` for a start that brings its definition.
static bytes mark_dynamic(struct node *node, const struct api_start_workflow_request *start) {
    bytes tasks = BYTES_EMPTY;
    bytes input = start->input.data != NULL ? start->input : JSON_EMPTY_OBJECT;
    if (start->workflow_def.data == NULL || !json_get_text(start->workflow_def, "tasks", &tasks) ||
        json_count(tasks) == 0) {
        return start->input;
    }
    return json_merge(
        input, BYTES_LITERAL("{\"_systemMetadata\":{\"dynamic\":true}}"), node->arena
    );
}

static err read_execute(
    struct node *node,
    const struct request *request,
    struct api_start_workflow_request *out_start,
    struct wait_wish *out_wish
) {
    struct api_optional_int seconds = {0};
    int64_t version = 0;
    TRY(read_strategy(node, request, &out_wish->strategy));
    TRY(request_int(node, request, "waitForSeconds", &seconds));
    if (!bytes_parse_i64(request->match.variables[1], &version)) {
        return err_make(ERR_INVALID, "the version in the path is not a number");
    }
    TRY(api_read(&api_start_workflow_request_model, request->json, node->arena, out_start));
    out_start->name = request->match.variables[0];
    out_start->version.present = version != 0;
    out_start->version.value = (int32_t)version;
    out_start->input = mark_dynamic(node, out_start);
    int64_t wait_s = seconds.value == 0 ? 10 : seconds.value;
    out_wish->timeout_ms =
        bounded_ms(wait_s > LIMIT_WAIT_MS / 1000 ? LIMIT_WAIT_MS : wait_s * 1000);
    bytes name = bytes_trim(request_text(node, request, "requestId"));
    out_wish->request_name = name.size > 0 ? name : random_name(node);
    return ERR_NONE;
}

static void
read_references(struct node *node, const struct request *request, struct wait_wish *out_wish) {
    bytes text = request_text(node, request, "waitUntilTaskRef");
    size_t most = 1;
    for (size_t i = 0; i < text.size; i++) {
        most += text.data[i] == ',';
    }
    bytes *references = ARENA_ARRAY(node->arena, bytes, most);
    for (size_t at = 0; at < text.size;) {
        size_t end = bytes_find(text, at, ',');
        bytes reference = bytes_trim(bytes_slice(text, at, end));
        if (reference.size > 0) {
            references[out_wish->reference_count++] = reference;
        }
        at = end + 1;
    }
    out_wish->references = references;
}

void request_execute_workflow(struct node *node, const struct request *request) {
    struct wait_wish wish = {.request_id = request->id};
    struct api_start_workflow_request start;
    err read = read_execute(node, request, &start, &wish);
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
        return;
    }
    read_references(node, request, &wish);
    if (!request_start_is_valid(node, request, &start)) {
        return;
    }
    struct gate gate; // the answer waits for the newest entry, which is at or behind it
    if (request_start(node, request, &start, false, &wish.workflow, &gate)) {
        wait_begin(node, &wish);
    }
}
