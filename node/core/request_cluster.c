// GET /api/cluster: the cluster as this node sees it. Truth, plan and guess side by side
// (distributed.md §1, §14): what the groups' own logs say of those this node has a copy of, and who
// it believes to lead and to be there.
#include "node/core/node_internal.h"
#include "node/core/system_table.h"
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
        json_member_bool(writer, "voter", follower->voter);
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

static void
nodes_write(struct json_writer *writer, const char *name, const node_id *ids, uint32_t count) {
    json_key(writer, name);
    json_array_begin(writer);
    for (uint32_t i = 0; i < count; i++) {
        json_int(writer, ids[i]);
    }
    json_array_end(writer);
}

static void
list_write(struct json_writer *writer, const char *name, const struct wire_u32_list *list) {
    json_key(writer, name);
    json_array_begin(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        json_int(writer, list->items[i]);
    }
    json_array_end(writer);
}

static void
told_write(struct json_writer *writer, const char *name, const struct move_nodes *nodes) {
    json_key(writer, name);
    json_array_begin(writer);
    for (uint32_t i = 0; i < nodes->count; i++) {
        json_int(writer, nodes->items[i]);
    }
    json_array_end(writer);
}

static void own_write(const struct raft_group_status *status, struct json_writer *writer) {
    json_member_text(writer, "role", bytes_from_text(raft_role_name(status->role)));
    json_member_int(writer, "term", (int64_t)status->term);
    json_member_int(writer, "commit", (int64_t)status->commit);
    json_member_int(writer, "last", (int64_t)status->last);
    json_member_int(writer, "elections", (int64_t)status->elections);
    nodes_write(writer, "voters", status->voters, status->voter_count);
    nodes_write(writer, "incoming", status->incoming, status->incoming_count);
    nodes_write(writer, "learners", status->learners, status->learner_count);
    if (status->role == RAFT_LEADER) {
        followers_write(status, writer);
    }
}

// The truth of this node's own log; else what the group's leader told.
static void group_write(
    const struct node *node,
    const struct system_table *table,
    group_id group,
    struct json_writer *writer
) {
    struct raft_group_status status = raft_status(node->raft, group);
    const struct truth *truth = &node->truths[group];
    json_object_begin(writer);
    json_member_int(writer, "id", group);
    json_member_int(writer, "leader", node_leader(node, group));
    if (status.configured) {
        own_write(&status, writer);
    } else if (truth->known) {
        told_write(writer, "voters", &truth->voters);
        told_write(writer, "learners", &truth->learners);
    }
    if (table->founded && group != CATALOG_GROUP) {
        list_write(writer, "planned", &table->partitions[group].voters);
        list_write(writer, "target", &table->partitions[group].target);
    }
    json_object_end(writer);
}

static void member_write(
    const struct node *node, const struct system_member *member, struct json_writer *writer
) {
    char store_id[ID_TEXT_BYTES];
    id_format(member->row.store_id, store_id);
    json_object_begin(writer);
    json_member_int(writer, "nodeId", member->id);
    json_member_text(writer, "address", member->row.address);
    json_member_text(writer, "apiAddress", member->row.api_address);
    json_member_text(writer, "zone", member->row.zone);
    json_member_int(writer, "weight", member->row.weight);
    json_member_text(writer, "state", bytes_from_text(member_state_name(member->row.state)));
    json_member_bool(writer, "up", member->id == node->self || node_peer_is_up(node, member->id));
    if (!id_is_zero(member->row.store_id)) {
        json_member_text(writer, "storeId", bytes_of(store_id, sizeof(store_id)));
    }
    json_member_int(writer, "releaseLow", member->row.release_low);
    json_member_int(writer, "releaseHigh", member->row.release_high);
    json_member_int(writer, "sinceMs", member->row.since_ms);
    json_object_end(writer);
}

static void members_write(
    const struct node *node, const struct system_table *table, struct json_writer *writer
) {
    json_key(writer, "members");
    json_array_begin(writer);
    for (uint32_t i = 0; i < table->member_count; i++) {
        member_write(node, &table->members[i], writer);
    }
    json_array_end(writer);
}

static void progress_write(const struct node *node, struct json_writer *writer) {
    struct peer_progress progress = report_progress(node);
    json_key(writer, "progress");
    json_object_begin(writer);
    json_member_int(writer, "movesDone", progress.done);
    json_member_int(writer, "movesLeft", progress.left);
    json_member_int(writer, "moving", progress.moving);
    json_member_bool(writer, "paused", progress.paused);
    json_member_int(writer, "runningMs", (int64_t)progress.running_ms);
    json_member_int(writer, "bytesPerSecond", (int64_t)progress.bytes_per_second);
    if (progress.left > 0 && progress.done > 0) {
        uint64_t left_ms = progress.running_ms * progress.left / progress.done;
        json_member_int(writer, "secondsLeft", (int64_t)(left_ms / 1000));
    }
    json_object_end(writer);
}

// What is in this node's copy of the system group; nothing where there is none. It needs no room
// for a decision: this has to be answered when a node is in trouble, too.
static struct system_table table_read(struct node *node) {
    const struct decision look = {
        .store = node->store,
        .arena = node->arena,
        .settings = &node->settings,
    };
    struct system_table table;
    system_table_read(&look, &table);
    return table;
}

static void
cluster_write(const struct node *node, const struct system_table *table, struct buffer *body) {
    struct json_writer writer = json_writer(body);
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
    if (!node->alone) {
        char cluster_id[ID_TEXT_BYTES];
        id_format(node->cluster_id, cluster_id);
        json_member_text(&writer, "clusterId", bytes_of(cluster_id, sizeof(cluster_id)));
        json_member_int(&writer, "version", table->cluster.version);
        json_member_int(&writer, "copies", table->cluster.copies);
        members_write(node, table, &writer);
        progress_write(node, &writer);
    }
    json_key(&writer, "partitions");
    json_array_begin(&writer);
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        group_write(node, table, (group_id)group, &writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
}

void request_get_cluster(struct node *node, const struct request *request) {
    struct system_table table = table_read(node);
    struct buffer body;
    buffer_init(&body, LIMIT_REPLY_BYTES);
    cluster_write(node, &table, &body);
    struct reply reply = {.status = 200, .kind = REPLY_JSON, .body = buffer_bytes(&body)};
    node_answer(node, request->id, &reply, GATE_OPEN);
    buffer_deinit(&body);
}
