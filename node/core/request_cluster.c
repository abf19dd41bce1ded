// GET /api/cluster: the cluster as this node sees it. Truth, plan and guess side by side
// (distributed.md §1, §14): what the groups' own logs say of those this node has a copy of, and who
// it believes to lead and to be there.
#include "node/core/node_internal.h"
#include "node/core/timekeeping.h"
#include "proto/limits.h"

// What cluster time rests on.
static const char *time_word(const struct node *node) {
    struct cluster_time_status status = node_clock(node);
    if (!status.known) {
        return "unknown";
    }
    return status.agreed ? "agreed" : status.quarrel ? "disagreed" : "held";
}

// `ok`, or what is wrong with a node's clock, and how far it is ahead of cluster time.
static void
clock_write(const struct node *node, const struct node_peer *peer, struct json_writer *writer) {
    struct cluster_time_status own = node_clock(node);
    struct cluster_time_peer other = timekeeping_peer(node, peer);
    bool is_self = peer->id == node->self;
    const char *word = "unheard";
    if (is_self ? own.sick : peer->fitness.clock_sick) {
        word = "sick";
    } else if (is_self && !own.known) {
        word = "unknown";
    } else if (is_self && !own.trusted) {
        word = "unconfirmed";
    } else if (is_self || other.heard) {
        word = "ok";
    }
    json_member_text(writer, "clock", bytes_from_text(word));
    json_member_int(writer, "clockOffMs", is_self ? own.off_ms : other.off_ms);
}

static void
node_write(const struct node *node, const struct node_peer *peer, struct json_writer *writer) {
    uint32_t leads = 0;
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        leads += node_leader(node, (group_id)group) == peer->id;
    }
    json_object_begin(writer);
    json_member_int(writer, "id", peer->id);
    json_member_bool(writer, "self", peer->id == node->self);
    json_member_bool(writer, "up", peer->up || peer->id == node->self);
    json_member_int(writer, "leads", leads);
    json_member_text(writer, "gossip", bytes_from_text(peer->hearsay));
    const struct fitness *fitness = peer->id == node->self ? &node->fitness : &peer->fitness;
    json_member_text(writer, "room", bytes_from_text(room_level_name(fitness->room)));
    json_member_int(writer, "diskUsedPermille", fitness->used_permille);
    json_member_bool(writer, "slow", fitness->slow);
    clock_write(node, peer, writer);
    json_object_end(writer);
}

static void followers_write(const struct raft_group_status *status, struct json_writer *writer) {
    json_key(writer, "followers");
    json_array_begin(writer);
    for (uint32_t i = 0; i < status->follower_count; i++) {
        const struct raft_follower_status *follower = &status->followers[i];
        json_object_begin(writer);
        json_member_int(writer, "node", follower->node);
        json_member_text(
            writer, "progress", bytes_from_text(raft_progress_name(follower->progress))
        );
        json_member_int(writer, "match", (int64_t)follower->match);
        json_member_int(writer, "lag", (int64_t)(status->last - follower->match));
        json_member_bool(writer, "answers", follower->answers);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void group_write(const struct node *node, group_id group, struct json_writer *writer) {
    struct raft_group_status status = raft_status(node->raft, group);
    json_object_begin(writer);
    json_member_int(writer, "id", group);
    json_member_int(writer, "leader", node_leader(node, group));
    if (status.configured) {
        json_member_text(writer, "role", bytes_from_text(raft_role_name(status.role)));
        json_member_int(writer, "term", (int64_t)status.term);
        json_member_int(writer, "commit", (int64_t)status.commit);
        json_member_int(writer, "last", (int64_t)status.last);
        json_member_int(writer, "elections", (int64_t)status.elections);
        if (status.role == RAFT_LEADER) {
            followers_write(&status, writer);
        }
    }
    json_object_end(writer);
}

void request_get_cluster(struct node *node, const struct request *request) {
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&body);
    json_object_begin(&writer);
    json_member_int(&writer, "self", node->self);
    json_member_text(&writer, "time", bytes_from_text(time_word(node)));
    json_key(&writer, "nodes");
    json_array_begin(&writer);
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].id != 0) {
            node_write(node, &node->peers[i], &writer);
        }
    }
    json_array_end(&writer);
    json_key(&writer, "partitions");
    json_array_begin(&writer);
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        group_write(node, (group_id)group, &writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(&body)};
    node_answer(node, request->id, &reply, GATE_OPEN);
    buffer_deinit(&body);
}
