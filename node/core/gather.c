// A gather keeps the set of groups that nobody was asked for yet, and the parts so far as one JSON
// value. Dealing out sorts those groups by who leads them; a group without a leader stays.
#include "node/core/gather.h"

#include "node/core/forward.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

struct gather {
    uint64_t request_id; // 0: the client left
    struct node_request request;
    struct arena *kept;
    bool *waiting; // by group
    bool any_waiting;
    bool bulk;
    bool idempotent;
    struct buffer merged;
    enum reply_kind kind;
    uint16_t status;
    size_t parts; // on their way
    bool dealing; // one of them is none: it keeps the gather open
    bool failed;
    mono_time deadline;
    mono_time again_at;
    struct gather *previous;
    struct gather *next;
};

static void deal(struct node *node, struct gather *gather);

bool gather_is_for(const struct request *request) {
    switch ((int)request->match.route->name) {
    case API_GET_CORRELATED_WORKFLOWS:
    case API_GET_CORRELATED_WORKFLOWS_OF_MANY:
    case API_GET_RUNNING_WORKFLOWS:
    case API_GET_QUEUE_SIZES:
    case API_GET_QUEUE_SIZE:
    case API_GET_ALL_QUEUES:
    case API_GET_ALL_QUEUES_VERBOSE:
    case API_GET_ALL_POLL_DATA:
    case API_REQUEUE_TASKS:
        return true;
    default:
        return request_is_bulk(request);
    }
}

// --- life
// --------------------------------------------------------------------------------------------------

static void gather_destroy(struct node *node, struct gather *gather) {
    if (gather->previous != NULL) {
        gather->previous->next = gather->next;
    } else {
        node->gathers = gather->next;
    }
    if (gather->next != NULL) {
        gather->next->previous = gather->previous;
    }
    arena_destroy(&gather->kept);
    buffer_deinit(&gather->merged);
    free(gather->waiting);
    free(gather);
}

void gather_all_destroy(struct node *node) {
    struct gather *next = NULL;
    for (struct gather *gather = node->gathers; gather != NULL; gather = next) {
        next = gather->next;
        gather_destroy(node, gather);
    }
}

// Answers when nothing is on its way any more.
static void settle(struct node *node, struct gather *gather) {
    if (gather->parts > 0 || (gather->any_waiting && !gather->failed)) {
        return;
    }
    if (gather->request_id != 0) {
        struct reply reply = {
            .status = gather->status,
            .kind = gather->kind,
            .body = buffer_bytes(&gather->merged),
        };
        node_answer(node, gather->request_id, &reply, GATE_OPEN);
    }
    gather_destroy(node, gather);
}

static const char PARTLY[] =
    "a partition that it needs has no leader now or refused it; for executions of others it was "
    "done, or may have been: look at them before asking again";

// What one part is refused with says nothing of the others.
static bool is_partly_done(const struct gather *gather) {
    size_t others = gather->parts - (gather->dealing ? 1 : 0);
    return !gather->idempotent && (gather->merged.size > 0 || others > 0) &&
           !mutant_is("bulk_called_undone");
}

static void fail(struct node *node, struct gather *gather, err error) {
    if (error.code == ERR_UNAVAILABLE && is_partly_done(gather)) {
        error.text = PARTLY;
    }
    if (gather->request_id != 0) {
        node_answer_error(node, gather->request_id, error, GATE_OPEN);
        gather->request_id = 0;
    }
    gather->failed = true;
}

static void note_ids(struct node *node, struct gather *gather) {
    if (!json_is_array(gather->request.body)) {
        return; // the handler says what is wrong with it
    }
    struct json_iter iter = json_iter(gather->request.body);
    bytes item = BYTES_EMPTY;
    while (json_next_element(&iter, &item)) {
        bytes id = json_is_string(item) ? json_string(item, node->arena) : item;
        gather->waiting[decision_group_of(&node->settings, id)] = true;
        gather->any_waiting = true;
    }
}

void gather_begin(struct node *node, const struct request *request) {
    struct gather *gather = calloc(1, sizeof(*gather));
    check(gather != NULL);
    gather->request_id = request->id;
    gather->kept = arena_create(LIMIT_FORWARD_ARENA_BYTES);
    gather->request = request_copy(gather->kept, request->http);
    gather->bulk = request_is_bulk(request);
    gather->idempotent = request->match.route->method == API_METHOD_GET ||
                         request->match.route->name == API_GET_CORRELATED_WORKFLOWS_OF_MANY ||
                         request->match.route->name == API_REQUEUE_TASKS;
    buffer_init(&gather->merged, LIMIT_REPLY_BYTES);
    gather->waiting = calloc(node->settings.group_count, sizeof(bool));
    check(gather->waiting != NULL);
    gather->deadline.ns = node->mono.ns + LIMIT_FORWARD_MS * NS_PER_MS;
    gather->next = node->gathers;
    if (gather->next != NULL) {
        gather->next->previous = gather;
    }
    node->gathers = gather;
    if (gather->bulk) {
        note_ids(node, gather);
    }
    if (!gather->any_waiting) {
        bool everywhere = !gather->bulk;
        for (uint32_t group = 1; group < node->settings.group_count; group++) {
            gather->waiting[group] = everywhere || group == 1; // an empty list is refused by one
        }
        gather->any_waiting = true;
    }
    deal(node, gather);
}

bool gather_gone(struct node *node, uint64_t request_id) {
    for (struct gather *gather = node->gathers; gather != NULL; gather = gather->next) {
        if (gather->request_id == request_id) {
            gather->request_id = 0;
            gather->failed = true;
            settle(node, gather);
            return true;
        }
    }
    return false;
}

// --- dealing out
// -------------------------------------------------------------------------------------------

// The ids of a bulk request that lie in the groups of this part.
static bytes ids_of(struct node *node, const struct gather *gather, const bool *in_part) {
    struct buffer body;
    buffer_init(&body, gather->request.body.size + 2);
    struct json_writer writer = json_writer(&body);
    json_array_begin(&writer);
    struct json_iter iter = json_iter(gather->request.body);
    bytes item = BYTES_EMPTY;
    while (json_next_element(&iter, &item)) {
        bytes id = json_is_string(item) ? json_string(item, node->arena) : item;
        if (in_part[decision_group_of(&node->settings, id)]) {
            json_raw(&writer, item);
        }
    }
    json_array_end(&writer);
    bytes kept = arena_copy(node->arena, buffer_bytes(&body));
    buffer_deinit(&body);
    return kept;
}

static void part_begin(struct node *node, struct gather *gather, node_id leader) {
    uint32_t group_count = node->settings.group_count;
    bool *in_part = ARENA_ARRAY(node->arena, bool, group_count);
    uint32_t *groups = ARENA_ARRAY(node->arena, uint32_t, group_count);
    size_t count = 0;
    for (uint32_t group = 0; group < group_count; group++) {
        in_part[group] = gather->waiting[group] && node_leader(node, (group_id)group) == leader;
        if (in_part[group]) {
            gather->waiting[group] = false;
            groups[count++] = group;
        }
    }
    struct node_request part = gather->request;
    part.scoped = true;
    part.groups = groups;
    part.group_count = count;
    if (gather->bulk && json_is_array(part.body) && json_count(part.body) > 0) {
        part.body = ids_of(node, gather, in_part);
    }
    struct forward_wish wish = {
        .purpose = FORWARD_PART,
        .request = &part,
        .node = leader,
        .idempotent = gather->idempotent,
        .timeout_ms = LIMIT_FORWARD_MS,
        .gather = gather,
    };
    gather->parts++;
    forward_begin(node, &wish);
}

static void deal(struct node *node, struct gather *gather) {
    // Held open while parts go out: the first may come back at once.
    gather->parts++;
    gather->dealing = true;
    for (uint32_t group = 0; group < node->settings.group_count && !gather->failed; group++) {
        node_id leader = gather->waiting[group] ? node_leader(node, (group_id)group) : 0;
        if (leader == node->self || node_peer_is_up(node, leader)) {
            part_begin(node, gather, leader);
        }
    }
    gather->any_waiting = false;
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        gather->any_waiting = gather->any_waiting || gather->waiting[group];
    }
    gather->again_at.ns = node->mono.ns + LIMIT_FORWARD_RETRY_MS * NS_PER_MS;
    gather->parts--;
    gather->dealing = false;
    settle(node, gather);
}

// --- parts
// ------------------------------------------------------------------------------------------------

void gather_part(struct node *node, struct gather *gather, const struct reply *reply) {
    gather->parts--;
    if (reply->status == 503 && is_partly_done(gather)) {
        fail(node, gather, err_make(ERR_UNAVAILABLE, PARTLY));
    } else if (reply->status >= 300 && gather->request_id != 0) {
        node_answer(
            node, gather->request_id, reply, GATE_OPEN
        ); // refused: every part says the same
        gather->request_id = 0;
        gather->failed = true;
    } else if (!gather->failed) {
        bytes merged = BYTES_EMPTY;
        err joined = gather_merge(buffer_bytes(&gather->merged), reply->body, node->arena, &merged);
        if (err_is(joined)) {
            fail(node, gather, joined);
        } else {
            buffer_clear(&gather->merged);
            buffer_append(&gather->merged, merged);
            gather->status = reply->status;
            gather->kind = reply->kind;
        }
    }
    settle(node, gather);
}

void gather_again(struct node *node, struct gather *gather, const struct node_request *part) {
    gather->parts--;
    for (size_t i = 0; i < part->group_count; i++) {
        gather->waiting[part->groups[i]] = true;
    }
    gather->any_waiting = true;
    gather->again_at.ns = node->mono.ns + LIMIT_FORWARD_RETRY_MS * NS_PER_MS;
    settle(node, gather);
}

void gather_failed(struct node *node, struct gather *gather, err error) {
    gather->parts--;
    fail(node, gather, error);
    settle(node, gather);
}

bool gather_waits(const struct node *node) {
    return node->gathers != NULL;
}

void gather_pump(struct node *node) {
    struct gather *next = NULL;
    for (struct gather *gather = node->gathers; gather != NULL; gather = next) {
        next = gather->next;
        if (gather->deadline.ns <= node->mono.ns && !gather->failed) {
            err late = err_make(
                ERR_UNAVAILABLE,
                "not every partition has a leader now (election, or no majority of its copies is "
                "reachable); try again"
            );
            fail(node, gather, late);
            settle(node, gather);
        } else if (gather->any_waiting && !gather->failed && gather->again_at.ns <= node->mono.ns) {
            deal(node, gather);
            arena_reset(node->arena);
        }
    }
}

// --- merging
// ----------------------------------------------------------------------------------------------

static void merge_into(bytes left, bytes right, struct arena *arena, struct json_writer *writer);

static void
merge_objects(bytes left, bytes right, struct arena *arena, struct json_writer *writer) {
    json_object_begin(writer);
    struct json_iter iter = json_iter(left);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        bytes name = json_string(key, arena);
        bytes other = BYTES_EMPTY;
        json_key_bytes(writer, name);
        if (json_get(right, name, &other)) {
            merge_into(value, other, arena, writer);
        } else {
            json_raw(writer, value);
        }
    }
    iter = json_iter(right);
    while (json_next_member(&iter, &key, &value)) {
        bytes name = json_string(key, arena);
        bytes other = BYTES_EMPTY;
        if (!json_get(left, name, &other)) {
            json_key_bytes(writer, name);
            json_raw(writer, value);
        }
    }
    json_object_end(writer);
}

static void merge_lists(bytes left, bytes right, struct json_writer *writer) {
    json_array_begin(writer);
    const bytes lists[] = {left, right};
    for (size_t i = 0; i < 2; i++) {
        struct json_iter iter = json_iter(lists[i]);
        bytes item = BYTES_EMPTY;
        while (json_next_element(&iter, &item)) {
            json_raw(writer, item);
        }
    }
    json_array_end(writer);
}

static void merge_into(bytes left, bytes right, struct arena *arena, struct json_writer *writer) {
    int64_t one = 0;
    int64_t other = 0;
    if (json_is_object(left) && json_is_object(right)) {
        merge_objects(left, right, arena, writer);
    } else if (json_is_array(left) && json_is_array(right)) {
        merge_lists(left, right, writer);
    } else if (json_i64(left, &one) && json_i64(right, &other)) {
        json_int(writer, one + other);
    } else {
        json_raw(writer, left);
    }
}

err gather_merge(bytes left, bytes right, struct arena *arena, bytes *out_merged) {
    if (left.size == 0 || right.size == 0) {
        *out_merged = left.size == 0 ? right : left;
        return ERR_NONE;
    }
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    merge_into(left, right, arena, &writer);
    err fits = buffer_status(&body);
    *out_merged = err_is(fits) ? BYTES_EMPTY : arena_copy(arena, buffer_bytes(&body));
    buffer_deinit(&body);
    return fits;
}
