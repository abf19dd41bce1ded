// Requests about queues: T-10 … T-16. Sizes are sums of the counter rows of every partition.
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

#include <stdlib.h>

struct queue_size {
    bytes name;
    int64_t waiting;     // ready and delayed
    int64_t in_progress; // handed out, `uacked` in the contract's words
};

static struct queue_size
queue_size_of(struct node *node, const struct request *request, bytes name) {
    struct queue_size size = {.name = name};
    struct key key = key_queue_counters(queue_hash(name));
    for (uint32_t group = 1; group < node->settings.group_count; group++) {
        bytes value = BYTES_EMPTY;
        struct queue_counter_row row;
        if (request_covers(request, (group_id)group) &&
            !err_is(store_get(node->store, (group_id)group, key_bytes(&key), &value)) &&
            !err_is(wire_decode(&queue_counter_row_record, value, node->arena, &row))) {
            size.waiting += (int64_t)row.ready + row.delayed;
            size.in_progress += row.in_progress;
        }
    }
    return size;
}

static void answer_json(struct node *node, const struct request *request, struct buffer *body) {
    err fits = buffer_status(body);
    if (err_is(fits)) {
        node_answer_error(node, request->id, fits, GATE_OPEN);
    } else {
        struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(body)};
        node_answer(node, request->id, &reply, GATE_ALL);
    }
    buffer_deinit(body);
}

void request_get_queue_sizes(struct node *node, const struct request *request) {
    bytes *types = NULL;
    size_t count = 0;
    api_query_list(
        request->match.route, &request->http->parameters, "taskType", node->arena, &types, &count
    );
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        json_key_bytes(&writer, types[i]);
        json_int(&writer, queue_size_of(node, request, types[i]).waiting);
    }
    json_object_end(&writer);
    answer_json(node, request, &body);
}

// `type`, `domain:type`, then `@namespace` and `-group` (rest-api.md §7.1).
static bytes full_queue_name(struct node *node, const struct request *request, bytes type) {
    bytes name = queue_name(type, request_text(node, request, "domain"), node->arena);
    bytes namespace = request_text(node, request, "executionNamespace");
    bytes isolation = request_text(node, request, "isolationGroupId");
    return bytes_from_text(arena_format(
        node->arena,
        "%.*s%s%.*s%s%.*s",
        BYTES_ARG(name),
        namespace.size > 0 ? "@" : "",
        BYTES_ARG(namespace),
        isolation.size > 0 ? "-" : "",
        BYTES_ARG(isolation)
    ));
}

void request_get_queue_size(struct node *node, const struct request *request) {
    bytes type = request_text(node, request, "taskType");
    if (type.size == 0) {
        node_answer_status(
            node, request->id, 400, "Required request parameter 'taskType' is not present"
        );
        return;
    }
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_int(&writer, queue_size_of(node, request, full_queue_name(node, request, type)).waiting);
    answer_json(node, request, &body);
}

// --- all queues
// -------------------------------------------------------------------------------------------

struct queue_sizes {
    struct queue_size *items;
    size_t count;
    size_t capacity;
};

static void
sizes_add(struct queue_sizes *sizes, const struct queue_counter_row *row, struct arena *arena) {
    if (sizes->count == sizes->capacity) {
        sizes->capacity = sizes->capacity == 0 ? 64 : sizes->capacity * 2;
        sizes->items = realloc(sizes->items, sizes->capacity * sizeof(*sizes->items));
        check(sizes->items != NULL);
    }
    sizes->items[sizes->count++] = (struct queue_size){
        .name = arena_copy(arena, row->queue),
        .waiting = (int64_t)row->ready + row->delayed,
        .in_progress = row->in_progress,
    };
}

static int size_order(const void *left, const void *right) {
    return bytes_compare(
        ((const struct queue_size *)left)->name, ((const struct queue_size *)right)->name
    );
}

static void sizes_sum(struct queue_sizes *sizes) {
    if (sizes->count == 0) {
        return;
    }
    qsort(sizes->items, sizes->count, sizeof(*sizes->items), size_order);
    size_t last = 0;
    for (size_t i = 1; i < sizes->count; i++) {
        if (bytes_equal(sizes->items[last].name, sizes->items[i].name)) {
            sizes->items[last].waiting += sizes->items[i].waiting;
            sizes->items[last].in_progress += sizes->items[i].in_progress;
        } else {
            sizes->items[++last] = sizes->items[i];
        }
    }
    sizes->count = last + 1;
}

static struct queue_sizes sizes_read(struct node *node, const struct request *request) {
    struct queue_sizes sizes = {0};
    for (uint32_t group = 1; group < node->settings.group_count; group++) {
        if (!request_covers(request, (group_id)group)) {
            continue;
        }
        struct key from = key_kind_prefix(KEY_QUEUE_COUNTERS);
        struct store_cursor *cursor =
            store_cursor_open(node->store, NULL, (group_id)group, key_bytes(&from));
        bytes key = BYTES_EMPTY;
        bytes value = BYTES_EMPTY;
        struct queue_counter_row row;
        while (store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_QUEUE_COUNTERS) {
            if (!err_is(wire_decode(&queue_counter_row_record, value, node->arena, &row))) {
                sizes_add(&sizes, &row, node->arena);
            }
        }
        store_cursor_close(&cursor);
    }
    sizes_sum(&sizes);
    return sizes;
}

static void size_write_verbose(struct json_writer *writer, const struct queue_size *size) {
    json_object_begin(writer);
    json_key(writer, "a");
    json_object_begin(writer);
    json_member_int(writer, "size", size->waiting);
    json_member_int(writer, "uacked", size->in_progress);
    json_object_end(writer);
    json_object_end(writer);
}

void request_get_all_queues(struct node *node, const struct request *request) {
    bool verbose = request->match.route->name == API_GET_ALL_QUEUES_VERBOSE;
    struct queue_sizes sizes = sizes_read(node, request);
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    for (size_t i = 0; i < sizes.count; i++) {
        json_key_bytes(&writer, sizes.items[i].name);
        if (verbose) {
            size_write_verbose(&writer, &sizes.items[i]);
        } else {
            json_int(&writer, sizes.items[i].waiting);
        }
    }
    json_object_end(&writer);
    free(sizes.items);
    answer_json(node, request, &body);
}

// --- poll data, requeue
// ---------------------------------------------------------------------------------------

void request_get_poll_data(struct node *node, const struct request *request) {
    bytes type = BYTES_EMPTY;
    if (request->match.route->name == API_GET_POLL_DATA) {
        type = request_text(node, request, "taskType");
        if (type.size == 0) {
            node_answer_status(
                node, request->id, 400, "Required request parameter 'taskType' is not present"
            );
            return;
        }
    }
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    err written = poll_rows_write(node, request, type, &body);
    if (err_is(written)) {
        node_answer_error(node, request->id, written, GATE_OPEN);
        buffer_deinit(&body);
        return;
    }
    answer_json(node, request, &body);
}

// A command a partition; the answer is the sum of what they say.
void request_requeue_tasks(struct node *node, const struct request *request) {
    int64_t total = 0;
    for (uint32_t group = 1; group < node->settings.group_count; group++) {
        if (!request_covers(request, (group_id)group)) {
            continue;
        }
        struct decision decision;
        err done = node_decision_begin(node, (group_id)group, &decision);
        if (err_is(done)) {
            node_answer_error(node, request->id, done, GATE_ALL);
            return;
        }
        struct reply reply = {0};
        done = requeue_tasks(&decision, request->match.variables[0], &reply);
        if (err_is(done)) {
            node_answer_error(node, request->id, done, node_decision_abort(node, &decision));
            return;
        }
        int64_t moved = 0;
        if (bytes_parse_i64(reply.body, &moved)) {
            total += moved;
        }
        (void)node_decision_commit(node, &decision);
    }
    const char *text = arena_format(node->arena, "%lld", (long long)total);
    struct reply sum = {.status = 200, .kind = REPLY_TEXT, .body = bytes_from_text(text)};
    node_answer(node, request->id, &sum, GATE_ALL);
}
