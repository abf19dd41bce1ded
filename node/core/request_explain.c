// GET /api/cluster/explain/{workflowId}: where an execution lives and what its rows say, asked of
// the partition's leader (distributed.md §14).
#include "node/core/node_internal.h"
#include "proto/limits.h"
#include "scheduler/explain.h"

static void
place_write(const struct node *node, const struct request *request, struct json_writer *writer) {
    bytes id = request->match.variables[0];
    group_id group = decision_group_of(&node->settings, id);
    struct raft_group_status status = raft_status(node->raft, group);
    json_member_text(writer, "workflowId", id);
    json_member_int(writer, "partition", group);
    json_member_int(writer, "leader", node_leader(node, group));
    json_member_int(writer, "term", (int64_t)status.term);
    json_member_int(writer, "lastIndex", (int64_t)status.last);
    json_member_int(writer, "commitIndex", (int64_t)status.commit);
    json_member_int(writer, "partitionTimeMs", node->groups[group].time_ms);
    json_key(writer, "copies");
    json_array_begin(writer);
    json_int(writer, node->self);
    for (uint32_t i = 0; i < status.follower_count; i++) {
        json_int(writer, status.followers[i].node);
    }
    json_array_end(writer);
}

static err explain(
    struct node *node,
    const struct request *request,
    struct decision *decision,
    struct reply *out_reply
) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    place_write(node, request, &writer);
    err done = explain_workflow(decision, request->match.variables[0], &writer);
    json_object_end(&writer);
    *out_reply = (struct reply){
        .status = 200,
        .kind = REPLY_JSON,
        .body = arena_copy(decision->arena, buffer_bytes(&body)),
    };
    buffer_deinit(&body);
    return done;
}

void request_explain_workflow(struct node *node, const struct request *request) {
    request_run(
        node, request, decision_group_of(&node->settings, request->match.variables[0]), explain
    );
}
