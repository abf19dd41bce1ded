// Executions by name and correlation: W-6 … W-8. Every partition is asked; the answer waits for the
// newest entry of the log.
#include "node/core/node_internal.h"
#include "proto/limits.h"

static err list_all(
    struct node *node,
    const struct request *request,
    const struct list_workflows *list,
    struct json_writer *writer
) {
    struct buffer part;
    buffer_init(&part, LIMIT_REPLY_BYTES);
    err done = ERR_NONE;
    for (uint32_t group = 1; group < node->settings.group_count && !err_is(done); group++) {
        if (!request_covers(request, (group_id)group)) {
            continue;
        }
        struct decision decision;
        done = node_decision_begin(node, (group_id)group, &decision);
        if (!err_is(done)) {
            done = list_workflows(&decision, list, &part);
            (void)node_decision_abort(node, &decision);
        }
    }
    if (!err_is(done)) {
        json_array_begin(writer);
        if (part.size > 0) {
            json_raw(writer, buffer_bytes(&part));
        }
        json_array_end(writer);
    }
    buffer_deinit(&part);
    return done;
}

static void
answer(struct node *node, const struct request *request, err done, struct buffer *body) {
    struct gate gate = GATE_ALL;
    if (!err_is(done)) {
        done = buffer_status(body);
    }
    if (err_is(done)) {
        node_answer_error(node, request->id, done, gate);
    } else {
        struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(body)};
        node_answer(node, request->id, &reply, gate);
    }
    buffer_deinit(body);
}

static err
read_list(struct node *node, const struct request *request, struct list_workflows *out_list) {
    out_list->name = request->match.variables[0];
    TRY(request_bool(node, request, "includeClosed", &out_list->include_closed));
    return request_bool(node, request, "includeTasks", &out_list->include_tasks);
}

static bytes given(bytes text) {
    return text.data != NULL ? text : BYTES_LITERAL("");
}

void request_get_correlated(struct node *node, const struct request *request) {
    struct list_workflows list = {.correlation = given(request->match.variables[1])};
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    err done = read_list(node, request, &list);
    if (!err_is(done)) {
        done = list_all(node, request, &list, &writer);
    }
    answer(node, request, done, &body);
}

void request_get_correlated_of_many(struct node *node, const struct request *request) {
    struct list_workflows list = {0};
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    err done = read_list(node, request, &list);
    if (!err_is(done) && !json_is_array(request->json)) {
        done = err_make(ERR_INVALID, "the body is not a list of correlation ids");
    }
    if (!err_is(done)) {
        json_object_begin(&writer);
        struct json_iter iter = json_iter(request->json);
        bytes item = BYTES_EMPTY;
        while (!err_is(done) && json_next_element(&iter, &item)) {
            list.correlation = given(json_is_string(item) ? json_string(item, node->arena) : item);
            json_key_bytes(&writer, list.correlation);
            done = list_all(node, request, &list, &writer);
        }
        json_object_end(&writer);
    }
    answer(node, request, done, &body);
}

void request_get_running(struct node *node, const struct request *request) {
    struct list_workflows list = {.name = request->match.variables[0]};
    struct api_optional_int version = {0};
    struct api_optional_int start = {0};
    struct api_optional_int end = {0};
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    err done = request_int(node, request, "version", &version);
    if (!err_is(done)) {
        done = request_int(node, request, "startTime", &start);
    }
    if (!err_is(done)) {
        done = request_int(node, request, "endTime", &end);
    }
    if (!err_is(done)) {
        list.version = version.value;
        list.by_time = start.value != 0 && end.value != 0;
        list.start_ms = start.value;
        list.end_ms = end.value;
        done = list_all(node, request, &list, &writer);
    }
    answer(node, request, done, &body);
}
