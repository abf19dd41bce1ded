// HTTP: a request that the server makes itself (engine.md §10.21).
//
// The task waits in a queue like a worker's, and the node that leads its group claims it there: the
// claim – which process, until when – is committed before the request leaves, so that after a crash
// somebody knows that it may have left. A claim whose lease ends goes back into the queue: the same
// attempt, the same `Idempotency-Key`. Outside effects are therefore at least once; inside the task
// ends once, for a result is taken from the present claim only (distributed.md §9).
//
// Nothing of an answer is lost: a status that fails the task keeps the text the reference gives in
// `output.response`, and stands as a map in `output.errorResponse` beside it.
#include "scheduler/tasks/http.h"

#include "proto/base/mutant.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/context.h"
#include "scheduler/queue.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

static bytes idempotency_key(const struct task *task);
static err fail(struct task *task, const struct http_fault *fault, const char *more);
static err succeed(struct task *task, bytes response);
static err fail_by_status(struct task *task, const struct call_result *result, bytes response);
static err fail_by_io(struct task *task, const struct call_result *result);
static err end_too_large(struct task *task, size_t size);
static err request_line(struct task *task, struct call *out_call);
static bool is_async(const struct task *task, bytes input);
static bool has_header(bytes headers, const char *name);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    bytes added = definition->model.async_complete ? BYTES_LITERAL("{\"asyncComplete\":true}")
                                                   : BYTES_LITERAL("{\"asyncComplete\":false}");
    struct task *task = NULL;
    TRY(schedule_task_with(schedule, definition, added, &task));
    int64_t delay_s = definition->model.start_delay > 0 ? definition->model.start_delay : 0;
    task->row.callback_s = delay_s;
    task->row.ready_ms = schedule->workflow->decision->now.ms + delay_s * 1000;
    return ERR_NONE;
}

static err begin(struct task *task) {
    return queue_enter(task, task->row.ready_ms);
}

// Its delay is over, or nobody told the result of a claim in time.
static err wake(struct task *task) {
    if (task->row.place == TASK_PLACE_CLAIMED) {
        TRY(task_move(task, API_TASK_SCHEDULED));
        task->row.ready_ms = task->workflow->decision->now.ms;
    }
    return queue_enter(task, task->row.ready_ms);
}

static err call(struct task *task, struct call *out_call, bool *out_wanted) {
    struct decision *decision = task->workflow->decision;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(task->workflow, task_input(task), &input));
    TRY(context_reveal(decision, input, &input));
    struct http_fault fault;
    http_request_read(input, decision->arena, out_call, &fault);
    *out_wanted = fault.reason == NULL;
    if (!*out_wanted) {
        return fail(task, &fault, NULL);
    }
    if (!has_header(out_call->headers, "idempotency-key")) {
        bytes key = idempotency_key(task);
        const char *headers = arena_format(
            decision->arena,
            "%.*sIdempotency-Key: %.*s\n",
            BYTES_ARG(out_call->headers),
            BYTES_ARG(key)
        );
        out_call->headers = bytes_from_text(headers);
    }
    int64_t lease_ms = mutant_is("call_given_up_early") ? LIMIT_CALL_GRACE_MS / 10
                                                        : out_call->total_ms + LIMIT_CALL_GRACE_MS;
    task->row.lease_ms = decision->now.ms + lease_ms;
    return ERR_NONE;
}

// What is sent again because nobody told of it is the same to the peer; what somebody wants done
// again, by a rerun, is not, though it keeps its task's id: it may have another input, and an
// answer from the peer's memory would make it a rerun of nothing.
static bytes idempotency_key(const struct task *task) {
    bytes id = task_id_text(task);
    if (task->row.again == 0) {
        return id;
    }
    struct arena *arena = task->workflow->decision->arena;
    return bytes_from_text(arena_format(arena, "%.*s-%u", BYTES_ARG(id), task->row.again));
}

static err answer(struct task *task, const struct call_result *result) {
    struct arena *arena = task->workflow->decision->arena;
    if (result->outcome == CALL_FAILED) {
        return fail_by_io(task, result);
    }
    bytes response = BYTES_EMPTY;
    err written = http_response_write(result, arena, &response);
    if (result->outcome == CALL_TOO_LARGE || written.code == ERR_TOO_LARGE) {
        return end_too_large(task, result->body.size);
    }
    TRY(written);
    return result->status / 100 == 2 ? succeed(task, response)
                                     : fail_by_status(task, result, response);
}

static err succeed(struct task *task, bytes response) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    const char *output =
        arena_format(workflow->decision->arena, "{\"response\":%.*s}", BYTES_ARG(response));
    if (!task_set_output(task, bytes_from_text(output))) {
        return end_too_large(task, response.size);
    }
    if (!is_async(task, input)) {
        return task_move(task, API_TASK_COMPLETED);
    }
    task->row.flags |= TASK_AWAITS_UPDATE;
    task->row.update_ms = workflow->decision->now.ms;
    return queue_leave(task);
}

static err fail_by_status(struct task *task, const struct call_result *result, bytes response) {
    struct arena *arena = task->workflow->decision->arena;
    if (result->status < 400) {
        const char *output = arena_format(arena, "{\"response\":%.*s}", BYTES_ARG(response));
        if (!task_set_output(task, bytes_from_text(output))) {
            return end_too_large(task, response.size);
        }
        task_set_reason(task, BYTES_LITERAL("No response from the remote service"));
        return task_move(task, API_TASK_FAILED);
    }
    struct call made;
    TRY(request_line(task, &made));
    size_t shown =
        result->body.size < LIMIT_CALL_ERROR_BYTES ? result->body.size : LIMIT_CALL_ERROR_BYTES;
    bytes body = http_text(bytes_slice(result->body, 0, shown), arena);
    const char *quote = body.size > 0 ? "\"" : "";
    const char *text = arena_format(
        arena,
        "java.lang.Exception: %d %s on %.*s request for \"%.*s\": %s%.*s%s",
        result->status,
        http_phrase(result->status),
        BYTES_ARG(made.method),
        BYTES_ARG(made.uri),
        quote,
        BYTES_ARG(body.size > 0 ? body : BYTES_LITERAL("[no body]")),
        quote
    );
    const char *more = arena_format(arena, ",\"errorResponse\":%.*s", BYTES_ARG(response));
    struct http_fault fault = http_fault_of(arena, text);
    return fail(task, &fault, more);
}

static err fail_by_io(struct task *task, const struct call_result *result) {
    struct arena *arena = task->workflow->decision->arena;
    struct call made;
    TRY(request_line(task, &made));
    bytes error = http_text(result->error, arena);
    const char *text = arena_format(
        arena,
        "java.lang.Exception: I/O error on %.*s request for \"%.*s\": %.*s",
        BYTES_ARG(made.method),
        BYTES_ARG(made.uri),
        BYTES_ARG(error)
    );
    struct http_fault fault = http_fault_of(arena, text);
    return fail(task, &fault, NULL);
}

static err fail(struct task *task, const struct http_fault *fault, const char *more) {
    struct arena *arena = task->workflow->decision->arena;
    if (fault->response != NULL) {
        bytes text = json_string_value(bytes_from_text(fault->response), arena);
        const char *output =
            arena_format(arena, "{\"response\":%.*s%s}", BYTES_ARG(text), more != NULL ? more : "");
        if (!task_set_output(task, bytes_from_text(output))) {
            return end_too_large(task, strlen(output));
        }
    }
    task_set_reason(task, bytes_from_text(fault->reason));
    return task_move(task, API_TASK_FAILED);
}

static err end_too_large(struct task *task, size_t size) {
    check(task_set_output(task, JSON_EMPTY_OBJECT));
    task_set_too_large(task, size);
    return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
}

// Method and URI of the request that was made, the URI without its query, as texts show them.
static err request_line(struct task *task, struct call *out_call) {
    bytes input = BYTES_EMPTY;
    TRY(payload_load(task->workflow, task_input(task), &input));
    struct http_fault fault;
    http_request_read(input, task->workflow->decision->arena, out_call, &fault);
    out_call->uri = bytes_slice(out_call->uri, 0, bytes_find(out_call->uri, 0, '?'));
    return ERR_NONE;
}

static bool is_async(const struct task *task, bytes input) {
    bytes value = BYTES_EMPTY;
    if (json_get_text(input, "asyncComplete", &value)) {
        return json_kind(value) == JSON_TRUE;
    }
    return task->definition->model.async_complete;
}

// Whether one of the lines has this name, given in lower case.
static bool has_header(bytes headers, const char *name) {
    size_t size = strlen(name);
    for (size_t at = 0; at < headers.size; at = bytes_find(headers, at, '\n') + 1) {
        size_t same = 0;
        while (same < size && at + same < headers.size &&
               (headers.data[at + same] | 0x20) == (uint8_t)name[same]) {
            same++;
        }
        if (same == size && at + same < headers.size && headers.data[at + same] == ':') {
            return true;
        }
    }
    return false;
}

const struct task_kind task_kind_http = {
    .called = true,
    .with_template = true,
    .knows_task_id = true,
    .first_status = API_TASK_SCHEDULED,
    .map = map,
    .begin = begin,
    .wake = wake,
    .call = call,
    .answer = answer,
};
