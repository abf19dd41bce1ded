// Bulk operations: B-1 … B-7. Each id is a decision of its own in its partition; the answer waits
// for all of them.
//
// A decision here cannot wait for a script, for the request as a whole cannot be run again: it
// records what was asked and goes on in an entry of its own.
#include "node/core/node_internal.h"
#include "proto/limits.h"

struct bulk {
    struct node *node;
    const struct request *request;
    bool latest;
    bool archive;
    bytes reason;
    bytes *done; // ids, as they were given
    size_t done_count;
    bytes *failed; // pairs of id and message
    size_t failed_count;
};

typedef err (*bulk_command
)(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out_reply);

static err
do_pause(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    (void)bulk;
    return pause_workflow(decision, id, out);
}

static err
do_resume(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    (void)bulk;
    return resume_workflow(decision, id, out);
}

static err
do_restart(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    return restart_workflow(decision, id, bulk->latest, out);
}

static err
do_retry(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    (void)bulk;
    return retry_workflow(decision, id, out);
}

static err
do_terminate(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    return terminate_workflow(decision, id, bulk->reason, out);
}

static err
do_remove(const struct bulk *bulk, struct decision *decision, bytes id, struct reply *out) {
    return remove_workflow(decision, id, bulk->archive, out);
}

static err decide(const struct bulk *bulk, bytes id, bulk_command command, bool record_only) {
    struct node *node = bulk->node;
    struct decision decision;
    TRY(node_decision_begin(node, decision_group_of(&node->settings, id), &decision));
    decision.evaluated.allowed = false;
    decision.evaluated.record_only = record_only;
    struct reply reply = {0};
    err done = command(bulk, &decision, id, &reply);
    if (err_is(done)) {
        (void)node_decision_abort(node, &decision);
    } else {
        (void)node_decision_commit(node, &decision);
    }
    return done;
}

static void decide_one(struct bulk *bulk, bytes id, bulk_command command) {
    err done = decide(bulk, id, command, false);
    if (done.code == ERR_LATER) {
        done = decide(bulk, id, command, true);
    }
    if (err_is(done)) {
        bulk->failed[bulk->failed_count++] = id;
        bulk->failed[bulk->failed_count++] = bytes_from_text(done.text);
    } else {
        bulk->done[bulk->done_count++] = id;
    }
}

static bool is_repeated(const struct bulk *bulk, size_t index) {
    for (size_t i = 0; i < index; i += 2) {
        if (bytes_equal(bulk->failed[i], bulk->failed[index])) {
            return true;
        }
    }
    return false;
}

static void answer(const struct bulk *bulk) {
    struct node *node = bulk->node;
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_key(&writer, "bulkErrorResults");
    json_object_begin(&writer);
    for (size_t i = 0; i < bulk->failed_count; i += 2) {
        if (!is_repeated(bulk, i)) {
            json_key_bytes(&writer, bulk->failed[i]);
            json_text(&writer, bulk->failed[i + 1]);
        }
    }
    json_object_end(&writer);
    json_key(&writer, "bulkSuccessfulResults");
    json_array_begin(&writer);
    for (size_t i = 0; i < bulk->done_count; i++) {
        json_text(&writer, bulk->done[i]);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(&body)};
    node_answer(node, bulk->request->id, &reply, GATE_ALL);
    buffer_deinit(&body);
}

static err read_ids(struct node *node, bytes json, bytes **out_ids, size_t *out_count) {
    size_t count = json_is_array(json) ? json_count(json) : 0;
    if (count == 0) {
        return err_make(ERR_INVALID, "WorkflowIds list cannot be null.");
    }
    if (count > LIMIT_BULK_IDS) {
        return err_make(
            ERR_INVALID, "Cannot process more than 1000 workflows. Please use multiple requests."
        );
    }
    bytes *ids = ARENA_ARRAY(node->arena, bytes, count);
    struct json_iter iter = json_iter(json);
    bytes item = BYTES_EMPTY;
    for (size_t i = 0; json_next_element(&iter, &item); i++) {
        ids[i] = json_is_string(item) ? json_string(item, node->arena) : item;
    }
    *out_ids = ids;
    *out_count = count;
    return ERR_NONE;
}

static err read_options(struct bulk *bulk) {
    struct node *node = bulk->node;
    const struct request *request = bulk->request;
    switch ((int)request->match.route->name) {
    case API_BULK_RESTART:
        return request_bool(node, request, "useLatestDefinitions", &bulk->latest);
    case API_BULK_TERMINATE:
        bulk->reason = request_text(node, request, "reason");
        return ERR_NONE;
    case API_BULK_TERMINATE_AND_REMOVE:
        bulk->reason = request_text(node, request, "reason");
        return request_bool(node, request, "archiveWorkflow", &bulk->archive);
    case API_BULK_REMOVE:
        return request_bool(node, request, "archiveWorkflow", &bulk->archive);
    default:
        return ERR_NONE;
    }
}

static bulk_command command_of(enum api_route_name name) {
    static const bulk_command commands[API_ROUTE_COUNT] = {
        [API_BULK_PAUSE] = do_pause,
        [API_BULK_RESUME] = do_resume,
        [API_BULK_RESTART] = do_restart,
        [API_BULK_RETRY] = do_retry,
        [API_BULK_TERMINATE] = do_terminate,
        [API_BULK_REMOVE] = do_remove,
        [API_BULK_TERMINATE_AND_REMOVE] = do_terminate,
    };
    return commands[name];
}

void request_bulk(struct node *node, const struct request *request) {
    struct bulk bulk = {.node = node, .request = request, .archive = true};
    bytes *ids = NULL;
    size_t count = 0;
    err read = read_ids(node, request->json, &ids, &count);
    if (!err_is(read)) {
        read = read_options(&bulk);
    }
    if (err_is(read)) {
        node_answer_error(node, request->id, read, GATE_OPEN);
        return;
    }
    bulk.done = ARENA_ARRAY(node->arena, bytes, count * 2);
    bulk.failed = ARENA_ARRAY(node->arena, bytes, count * 4);
    enum api_route_name name = request->match.route->name;
    for (size_t i = 0; i < count; i++) {
        decide_one(&bulk, ids[i], command_of(name));
        if (name == API_BULK_TERMINATE_AND_REMOVE) {
            decide_one(&bulk, ids[i], do_remove); // whatever became of the first (rest-api.md §6)
        }
    }
    answer(&bulk);
}
