// POST /api/cluster/…: who is a member, as people and joining nodes ask for it. All are commands of
// the system group.
#include "node/core/membership.h"
#include "node/core/node_internal.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"

static const char ALONE[] = "this server was started without --cluster and stays alone: give it "
                            "a cluster of one (--cluster 1=HOST:PORT --node-id 1) to let it grow";

static err
text_read(struct node *node, bytes object, const char *name, bool needed, bytes *out_text) {
    bytes value = BYTES_EMPTY;
    *out_text = BYTES_EMPTY;
    bool found = json_get_text(object, name, &value) && !json_is_null(value);
    if (found && json_is_string(value)) {
        *out_text = json_string(value, node->arena);
    }
    if ((found && !json_is_string(value)) || (needed && out_text->size == 0) ||
        out_text->size > LIMIT_MEMBER_TEXT_BYTES) {
        const char *text = arena_format(
            node->arena, "%s: a text of at most %d bytes is wanted", name, LIMIT_MEMBER_TEXT_BYTES
        );
        return err_make(ERR_INVALID, text);
    }
    return ERR_NONE;
}

static err number_read(
    struct node *node,
    bytes object,
    const char *name,
    int64_t smallest,
    int64_t largest,
    int64_t *in_out
) {
    bytes value = BYTES_EMPTY;
    bool found = json_get_text(object, name, &value) && !json_is_null(value);
    if (!found) {
        return ERR_NONE;
    }
    if (!json_i64(value, in_out) || *in_out < smallest || *in_out > largest) {
        const char *text = arena_format(
            node->arena,
            "%s: a number from %lld to %lld is wanted",
            name,
            (long long)smallest,
            (long long)largest
        );
        return err_make(ERR_INVALID, text);
    }
    return ERR_NONE;
}

// --- joining
// ---------------------------------------------------------------------------------------------

static err wish_read(struct node *node, bytes body, struct membership_wish *out_wish) {
    int64_t weight = 1;
    int64_t release_low = 0;
    int64_t release_high = 0;
    bytes store = BYTES_EMPTY;
    *out_wish = (struct membership_wish){0};
    TRY(text_read(node, body, "address", true, &out_wish->address));
    TRY(text_read(node, body, "apiAddress", false, &out_wish->api_address));
    TRY(text_read(node, body, "zone", false, &out_wish->zone));
    TRY(text_read(node, body, "storeId", true, &store));
    TRY(number_read(node, body, "weight", 1, LIMIT_MEMBER_WEIGHT, &weight));
    TRY(number_read(node, body, "releaseLow", 0, UINT16_MAX, &release_low));
    TRY(number_read(node, body, "releaseHigh", 0, UINT16_MAX, &release_high));
    if (!id_parse(store, &out_wish->store_id) || id_is_zero(out_wish->store_id)) {
        return err_make(ERR_INVALID, "storeId: the store's id is wanted, as a UUID");
    }
    out_wish->weight = (uint32_t)weight;
    out_wish->release_low = (uint16_t)release_low;
    out_wish->release_high = (uint16_t)release_high;
    return ERR_NONE;
}

static void
joined_write(struct node *node, struct decision *decision, node_id id, struct buffer *out) {
    struct system_table table;
    system_table_read(decision, &table);
    struct json_writer writer = json_writer(out);
    char cluster_id[ID_TEXT_BYTES];
    id_format(node->cluster_id, cluster_id);
    json_object_begin(&writer);
    json_member_text(&writer, "clusterId", bytes_of(cluster_id, sizeof(cluster_id)));
    json_member_int(&writer, "nodeId", id);
    json_member_int(&writer, "partitions", table.cluster.partitions);
    json_member_int(&writer, "replicas", table.cluster.copies);
    json_key(&writer, "members");
    json_array_begin(&writer);
    for (uint32_t i = 0; i < table.member_count; i++) {
        if (table.members[i].row.state != MEMBER_LEFT) {
            json_object_begin(&writer);
            json_member_int(&writer, "nodeId", table.members[i].id);
            json_member_text(&writer, "address", table.members[i].row.address);
            json_object_end(&writer);
        }
    }
    json_array_end(&writer);
    json_object_end(&writer);
}

static err run_add(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct membership_wish wish;
    if (node->alone) {
        return err_make(ERR_CONFLICT, ALONE);
    }
    TRY(wish_read(node, request->json, &wish));
    node_id id = 0;
    TRY(membership_add(node, decision, &wish, &id));
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    joined_write(node, decision, id, &body);
    *out_reply = (struct reply
    ){.status = 200, .kind = REPLY_JSON, .body = arena_copy(node->arena, buffer_bytes(&body))};
    buffer_deinit(&body);
    return ERR_NONE;
}

void request_add_node(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_add);
}

// --- leaving, replacing, moving
// --------------------------------------------------------------------------

static err node_read(struct node *node, const struct request *request, node_id *out_id) {
    int64_t id = 0;
    if (node->alone) {
        return err_make(ERR_CONFLICT, ALONE);
    }
    if (!bytes_parse_i64(request->match.variables[0], &id) || id < 1 || id > UINT16_MAX) {
        const char *text = arena_format(
            node->arena,
            "%.*s is no node: its number is wanted",
            BYTES_ARG(request->match.variables[0])
        );
        return err_make(ERR_INVALID, text);
    }
    *out_id = (node_id)id;
    return ERR_NONE;
}

static struct reply done(struct node *node, node_id id, const char *state) {
    const char *text = arena_format(node->arena, "{\"nodeId\":%u,\"state\":\"%s\"}", id, state);
    return (struct reply){.status = 200, .kind = REPLY_JSON, .body = bytes_from_text(text)};
}

static err run_leave(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    node_id id = 0;
    bool forced = false;
    enum member_state state = MEMBER_DRAINING;
    TRY(node_read(node, request, &id));
    TRY(request_bool(node, request, "force", &forced));
    if (request->match.route->name == API_DRAIN_NODE) {
        TRY(membership_drain(node, decision, id, forced));
    } else {
        TRY(membership_remove(node, decision, id, forced, &state));
    }
    *out_reply = done(node, id, member_state_name((uint8_t)state));
    return ERR_NONE;
}

void request_drain_node(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_leave);
}

void request_remove_node(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_leave);
}

static err run_cancel(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    node_id id = 0;
    TRY(node_read(node, request, &id));
    TRY(membership_cancel_drain(node, decision, id));
    *out_reply = done(node, id, member_state_name(MEMBER_ACTIVE));
    return ERR_NONE;
}

void request_cancel_drain_node(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_cancel);
}

static err run_replace(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    node_id id = 0;
    int64_t gone = 0;
    TRY(node_read(node, request, &id));
    TRY(number_read(node, request->json, "deadNodeId", 1, UINT16_MAX, &gone));
    if (gone == 0) {
        return err_make(ERR_INVALID, "deadNodeId: the node whose place it takes is wanted");
    }
    TRY(membership_replace(node, decision, id, (node_id)gone));
    *out_reply = done(node, id, member_state_name(MEMBER_ACTIVE));
    return ERR_NONE;
}

void request_replace_node(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_replace);
}

static err run_move(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    int64_t partition = 0;
    int64_t from = 0;
    int64_t to = 0;
    if (node->alone) {
        return err_make(ERR_CONFLICT, ALONE);
    }
    TRY(number_read(node, request->json, "partition", 1, UINT16_MAX, &partition));
    TRY(number_read(node, request->json, "from", 1, UINT16_MAX, &from));
    TRY(number_read(node, request->json, "to", 1, UINT16_MAX, &to));
    if (partition == 0 || from == 0 || to == 0) {
        return err_make(ERR_INVALID, "partition, from and to are wanted: whose replica goes where");
    }
    TRY(membership_move(node, decision, (uint32_t)partition, (node_id)from, (node_id)to));
    *out_reply = done(node, (node_id)to, member_state_name(MEMBER_ACTIVE));
    return ERR_NONE;
}

void request_move_replica(struct node *node, const struct request *request) {
    request_run(node, request, CATALOG_GROUP, run_move);
}
