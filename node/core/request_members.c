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
