#include "node/core/report.h"

#include "node/core/membership.h"
#include "node/core/node_internal.h"
#include "node/core/renewals.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

static const int64_t NS_PER_MS = 1000000;

void report_create(struct node *node) {
    node->truths = calloc(node->settings.group_count, sizeof(*node->truths));
    check(node->truths != NULL);
}

void report_destroy(struct node *node) {
    free(node->truths);
    node->truths = NULL;
}

void report_touched(struct node *node) {
    node->report_at = node->mono;
}

void report_peer_up(struct node *node) {
    node->report_forced = true;
    report_touched(node);
}

// --- what this node has to tell
// ---------------------------------------------------------------------------

static struct move_nodes nodes_of(const node_id *ids, uint32_t count) {
    struct move_nodes nodes = {.count = count < MOVE_NODES_MAX ? count : MOVE_NODES_MAX};
    for (uint32_t i = 0; i < nodes.count; i++) {
        nodes.items[i] = ids[i];
    }
    return nodes;
}

static struct truth truth_of(const struct node *node, const struct raft_group_status *status) {
    return (struct truth){
        .known = true,
        .changing = status->joint || status->wants || !status->config_committed,
        .leader = node->self,
        .term = status->term,
        .config = status->config_index,
        .voters = nodes_of(status->voters, status->voter_count),
        .learners = nodes_of(status->learners, status->learner_count),
    };
}

static bool is_newer(const struct truth *told, const struct truth *known) {
    return !known->known || told->term > known->term ||
           (told->term == known->term && told->config >= known->config);
}

static void take(struct node *node, group_id group, const struct truth *told) {
    struct truth *known = &node->truths[group];
    if (!is_newer(told, known)) {
        return;
    }
    bool changed = !known->known || known->changing != told->changing ||
                   !move_same(&known->voters, &told->voters);
    *known = *told;
    if (changed) {
        membership_touched(node);
    }
}

static uint64_t snapshot_bytes(const struct raft_group_status *status) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < status->follower_count; i++) {
        sum += status->followers[i].snapshot_bytes;
    }
    return sum;
}

static bool is_busy(struct node *node) {
    bool refused = node->stats.refused_overload != node->refused_reported;
    node->refused_reported = node->stats.refused_overload;
    return refused || gates_held(node->gates) > LIMIT_MOVE_PAUSE_ANSWERS;
}

static bytes truth_write(struct node *node, group_id group, const struct truth *truth) {
    struct buffer out;
    buffer_init(&out, LIMIT_SYSTEM_ROW_BYTES);
    struct move_nodes voters = truth->voters;
    struct move_nodes learners = truth->learners;
    struct peer_truth said = {
        .group = group,
        .term = truth->term,
        .config = truth->config,
        .changing = truth->changing,
        .voters = {voters.items, voters.count},
        .learners = {learners.items, learners.count},
    };
    wire_encode(&peer_truth_record, &said, &out);
    bytes kept = arena_copy(node->arena, buffer_bytes(&out));
    buffer_deinit(&out);
    return kept;
}

// Takes up the groups led here. True: some is changing.
static bool look(struct node *node, struct peer_report *report) {
    bool changing = false;
    uint64_t under_way = 0;
    report->truths.items = ARENA_ARRAY(node->arena, bytes, node->settings.group_count);
    for (uint32_t id = 0; id < node->settings.group_count; id++) {
        if (!node->groups[id].leading) {
            continue;
        }
        struct raft_group_status status = raft_status(node->raft, (group_id)id);
        struct truth truth = truth_of(node, &status);
        changing = changing || truth.changing;
        under_way += snapshot_bytes(&status);
        report->truths.items[report->truths.count++] = truth_write(node, (group_id)id, &truth);
        take(node, (group_id)id, &truth);
    }
    node->moved_bytes += under_way > node->moved_under_way ? under_way - node->moved_under_way : 0;
    node->moved_under_way = under_way;
    report->moved_bytes = node->moved_bytes;
    return changing;
}

static void report_send(struct node *node, bytes message) {
    node->report_sent_at = node->mono;
    node->report_forced = false;
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].up) {
            node_send_bytes(node, node->peers[i].id, LINK_URGENT, message);
        }
    }
}

// What is not new is said seldom: a quiet cluster is quiet.
static bool is_news(struct node *node, bytes message) {
    uint64_t hash = hash_sip64(message);
    bool news = hash != node->report_hash || node->report_forced ||
                node->mono.ns - node->report_sent_at.ns > LIMIT_REPORT_AGAIN_MS * NS_PER_MS;
    node->report_hash = hash;
    return news;
}

static void report(struct node *node) {
    struct peer_report report = {
        .api_address = node->facts.api_address,
        .zone = node->facts.zone,
        .weight = node->facts.weight,
        .busy = is_busy(node),
        .stream_epoch = node->epoch_wanted,
    };
    bool changing = look(node, &report);
    int64_t again_ms = changing ? LIMIT_MEMBERSHIP_MS : LIMIT_REPORT_MS;
    node->report_at.ns = node->mono.ns + again_ms * NS_PER_MS;
    err own = report_told(node, node->self, &report);
    check(!err_is(own));
    struct buffer message;
    buffer_init(&message, LIMIT_PEER_MESSAGE_BYTES);
    peer_message_write(PEER_REPORT, &peer_report_record, &report, &message);
    check(!err_is(buffer_status(&message)));
    if (is_news(node, buffer_bytes(&message))) {
        report_send(node, buffer_bytes(&message));
    }
    buffer_deinit(&message);
    arena_reset(node->arena);
}

static void progress_send(struct node *node) {
    struct peer_progress progress = report_progress(node);
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].up) {
            node_send(
                node,
                node->peers[i].id,
                LINK_URGENT,
                PEER_PROGRESS,
                &peer_progress_record,
                &progress
            );
        }
    }
}

void report_pump(struct node *node) {
    if (node->alone) {
        return;
    }
    if (node->mono.ns >= node->report_at.ns) {
        report(node);
    }
    if (node->progress_changed && node->groups[CATALOG_GROUP].leading) {
        node->progress_changed = false;
        progress_send(node);
    }
}

bool report_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->report_at;
    return !node->alone;
}

// --- what others tell
// -------------------------------------------------------------------------------------

static struct move_nodes nodes_read(const struct wire_u32_list *list) {
    struct move_nodes nodes = {
        .count = list->count < MOVE_NODES_MAX ? list->count : MOVE_NODES_MAX};
    for (uint32_t i = 0; i < nodes.count; i++) {
        nodes.items[i] = list->items[i];
    }
    return nodes;
}

err report_told(struct node *node, node_id from, const struct peer_report *report) {
    struct node_peer *peer = node_peer_of(node, from);
    if (peer == NULL) {
        return ERR_NONE;
    }
    for (uint32_t i = 0; i < report->truths.count; i++) {
        struct peer_truth said;
        TRY(wire_decode(&peer_truth_record, report->truths.items[i], node->arena, &said));
        if (said.group >= node->settings.group_count) {
            return err_make(ERR_CORRUPT, "a report of a group that does not exist");
        }
        struct truth told = {
            .known = true,
            .changing = said.changing,
            .leader = from,
            .term = said.term,
            .config = said.config,
            .voters = nodes_read(&said.voters),
            .learners = nodes_read(&said.learners),
        };
        take(node, said.group, &told);
    }
    renewals_told(node, report->stream_epoch);
    peer->busy = report->busy;
    peer->moved_bytes = report->moved_bytes;
    membership_facts_told(node, peer, report);
    return ERR_NONE;
}

// Only a leader of the system group says it; who that is need not be known here yet.
void report_progress_told(struct node *node, const struct peer_progress *progress) {
    if (!node->groups[CATALOG_GROUP].leading) {
        node->progress = *progress;
        node->progress_at = node->mono;
    }
}

struct peer_progress report_progress(const struct node *node) {
    struct peer_progress progress = node->progress;
    if (progress.left > 0 && !node->groups[CATALOG_GROUP].leading) {
        progress.running_ms += (uint64_t)((node->mono.ns - node->progress_at.ns) / NS_PER_MS);
    }
    return progress;
}
