// A new execution without an idempotency key gets an id of a partition that is led here, if there
// is one: no hop, and clients that spread over the nodes spread the executions. Rejected: any
// partition; two of three starts would cross the network for nothing.
#include "node/core/locate.h"

#include "node/core/gather.h"
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

static bytes text_member(bytes object, const char *name, struct arena *arena) {
    bytes value = BYTES_EMPTY;
    bool found =
        json_is_object(object) && json_get_text(object, name, &value) && json_is_string(value);
    return found ? json_string(value, arena) : BYTES_EMPTY;
}

static group_id group_of_slot(const struct node *node, uint16_t slot) {
    return (group_id)(1 + slot % (node->settings.group_count - 1));
}

// Executions with an idempotency key: all of one (name, key) must meet in one partition to be told
// apart (distributed.md §10).
static uint16_t slot_of_key(struct node *node, bytes name, bytes key) {
    const char *scope =
        arena_format(node->arena, "%zu:%.*s:%.*s", name.size, BYTES_ARG(name), BYTES_ARG(key));
    return (uint16_t)(hash_sip64(bytes_from_text(scope)) % ID_SLOT_COUNT);
}

static uint16_t slot_of_any(struct node *node) {
    uint16_t slot = (uint16_t)random_below(&node->random, ID_SLOT_COUNT);
    for (uint32_t tries = 1; tries < node->settings.group_count; tries++) {
        if (fitness_suits_start(node, group_of_slot(node, slot))) {
            break;
        }
        slot = (uint16_t)((slot + 1) % ID_SLOT_COUNT);
    }
    return slot;
}

static struct location
location_of_start(struct node *node, const struct request *request, id128 *out_id) {
    struct location at = {.kind = LOCATION_GROUP, .idempotent = true};
    if (request->match.route->name == API_EXECUTE_WORKFLOW) {
        at.wait_ms = LIMIT_WAIT_MS;
    }
    bytes key = BYTES_EMPTY;
    bytes name = request->match.variables[0];
    if (request->match.route->name != API_START_WORKFLOW_BY_NAME) {
        key = text_member(request->json, "idempotencyKey", node->arena);
    }
    if (request->match.route->name == API_START_WORKFLOW) {
        name = text_member(request->json, "name", node->arena);
    }
    if (!id_is_zero(request->http->chosen_id)) {
        at.group = group_of_slot(node, id_slot(request->http->chosen_id));
        return at;
    }
    uint16_t slot = key.size > 0 ? slot_of_key(node, name, key) : slot_of_any(node);
    *out_id = id_mint(slot, node->time.ms, &node->random);
    at.group = group_of_slot(node, slot);
    return at;
}

static bool is_membership(enum api_route_name name) {
    return name >= API_ADD_NODE && name <= API_MOVE_REPLICA;
}

static bool is_metadata(enum api_route_name name) {
    return name >= API_REGISTER_WORKFLOW && name <= API_DELETE_TASK_DEFINITION;
}

static struct location location_of_id(const struct node *node, const struct request *request) {
    struct location at = {
        .kind = LOCATION_GROUP,
        .group = decision_group_of(&node->settings, request->match.variables[0]),
        .idempotent = request->match.route->method == API_METHOD_GET,
    };
    if (request->http->aim.size > 0) {
        at.group = decision_group_of(&node->settings, request->http->aim);
    }
    if (request->match.route->name == API_SIGNAL_TASK_SYNC) {
        at.wait_ms = LIMIT_WAIT_MS;
    }
    return at;
}

// An update that ends a task does nothing the second time. One that gives it back does: the task
// may have gone to another worker meanwhile. Its members are walked once, for it may be large.
static struct location location_of_update(const struct node *node, const struct request *request) {
    bytes workflow = BYTES_EMPTY;
    bytes status = BYTES_EMPTY;
    bytes extends = BYTES_EMPTY;
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct json_iter iter = json_iter(request->json);
    while (json_is_object(request->json) && json_next_member(&iter, &key, &value)) {
        if (json_string_equal(key, BYTES_LITERAL("workflowInstanceId"))) {
            workflow = json_is_string(value) ? json_string(value, node->arena) : BYTES_EMPTY;
        } else if (json_string_equal(key, BYTES_LITERAL("status"))) {
            status = json_is_string(value) ? json_string(value, node->arena) : BYTES_EMPTY;
        } else if (json_string_equal(key, BYTES_LITERAL("extendLease"))) {
            extends = value;
        }
    }
    return (struct location){
        .kind = LOCATION_GROUP,
        .group = decision_group_of(&node->settings, workflow),
        .idempotent = !bytes_equal_text(status, "IN_PROGRESS") || bytes_equal_text(extends, "true"),
    };
}

struct location locate(struct node *node, const struct request *request, id128 *out_id) {
    *out_id = (id128){{0}};
    enum api_route_name name = request->match.route->name;
    struct location here = {.kind = LOCATION_HERE};
    if (gather_is_for(request)) {
        return (struct location){.kind = LOCATION_ALL};
    }
    if (is_metadata(name)) {
        bool reads =
            request->match.route->method == API_METHOD_GET || name == API_VALIDATE_WORKFLOW;
        return (struct location
        ){.kind = LOCATION_GROUP, .group = CATALOG_GROUP, .idempotent = reads};
    }
    if (is_membership(name)) {
        return (struct location
        ){.kind = LOCATION_GROUP, .group = CATALOG_GROUP, .idempotent = name != API_MOVE_REPLICA};
    }
    if (request_is_backup(name)) {
        uint32_t group = request_partition(request);
        return group >= node->settings.group_count
                   ? here
                   : (struct location
                     ){.kind = LOCATION_GROUP, .group = (group_id)group, .idempotent = true};
    }
    switch ((int)name) {
    case API_START_WORKFLOW:
    case API_START_WORKFLOW_BY_NAME:
    case API_EXECUTE_WORKFLOW:
        return location_of_start(node, request, out_id);
    case API_UPDATE_TASK:
    case API_UPDATE_TASK_AND_POLL:
        return location_of_update(node, request);
    case API_GET_POLL_DATA:
        return (struct location){
            .kind = LOCATION_GROUP,
            .group = poll_row_group(&node->settings, request_text(node, request, "taskType")),
            .idempotent = true,
        };
    case API_POLL_TASK:
    case API_POLL_TASKS:
        return here;
    default:
        return request->match.variable_count == 0 ? here : location_of_id(node, request);
    }
}
