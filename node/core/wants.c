#include "node/core/wants.h"

#include "node/core/definitions.h"
#include "node/core/fitness.h"
#include "node/core/mover.h"
#include "node/core/node_internal.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"

static const int64_t NS_PER_MS = 1000000;

void wants_lead(struct node *node, group_id group) {
    node->groups[group].wants_since = node->mono;
    node->wants_at = node->mono;
}

void wants_planned(struct node *node, bytes key, bytes value) {
    uint16_t id = 0;
    struct partition_row row;
    if (value.data == NULL || !key_partition_parse(key, &id) || id >= node->settings.group_count ||
        err_is(wire_decode(&partition_row_record, value, node->arena, &row))) {
        return;
    }
    struct group *group = &node->groups[id];
    group->planned = mover_nodes(&row.voters);
    if (group->planned.count > 0) {
        group->home = (node_id)group->planned.items[0];
    }
    node->wants_at = node->mono;
}

void wants_load(struct node *node) {
    struct key prefix = key_kind_prefix(KEY_PARTITION);
    struct store_cursor *cursor =
        store_cursor_open(node->store, NULL, CATALOG_GROUP, key_bytes(&prefix));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (store_cursor_next(cursor, &key, &value) && key.data[0] == KEY_PARTITION) {
        wants_planned(node, key, value);
    }
    store_cursor_close(&cursor);
}

// --- handing over
// ----------------------------------------------------------------------------------------

static bool stays(const struct node *node, node_id id) {
    const struct node_peer *peer = node_peer_of(node, id);
    return peer != NULL && (peer->state == MEMBER_ACTIVE || peer->state == MEMBER_UNKNOWN);
}

static bool is_ready(const struct node *node, const struct raft_follower_status *follower) {
    return follower->voter && !follower->leaves && follower->answers && follower->counts &&
           follower->lag <= LIMIT_MEMBER_LAG_ENTRIES && node_peer_is_up(node, follower->node) &&
           stays(node, follower->node);
}

// Who shall lead instead of this node: its first choice, else one that could for long.
static node_id successor(
    const struct node *node, const struct group *group, const struct raft_group_status *status
) {
    node_id best = 0;
    for (uint32_t i = 0; i < status->follower_count; i++) {
        const struct raft_follower_status *follower = &status->followers[i];
        bool planned = group->planned.count == 0 || move_has(&group->planned, follower->node);
        bool better = best == 0 || follower->node == group->home ||
                      (best != group->home && !fitness_peer_is_well(node, best));
        if (planned && better && is_ready(node, follower)) {
            best = follower->node;
        }
    }
    return best;
}

// A member that was away while this node joined does not know it: it waits for rows that say so,
// which only the system group's leader brings, and the lower id makes a link. Unless another one
// leads, which it does know, it waits for ever.
static bool has_strangers(const struct node *node, const struct group *group) {
    int64_t led_ms = (node->mono.ns - group->wants_since.ns) / NS_PER_MS;
    bool found = false;
    for (size_t i = 0; i < node->peer_count; i++) {
        const struct node_peer *peer = &node->peers[i];
        bool is_member = peer->id != 0 && peer->id != node->self && peer->state != MEMBER_UNKNOWN &&
                         peer->state != MEMBER_LEFT && peer->state != MEMBER_JOINING;
        found = found || (is_member && !peer->met);
    }
    return group->id == CATALOG_GROUP && led_ms >= LIMIT_STRANGER_MS && found;
}

// Once is enough: who leads next may know no better, or the member may be gone.
static void strangers_done(struct node *node) {
    for (size_t i = 0; i < node->peer_count; i++) {
        node->peers[i].met = node->peers[i].met || node->peers[i].id != 0;
    }
}

// A node that leaves, or has no place in the plan, leads no longer than it must; groups whose first
// choice is another node go there in their time (fitness.h).
static void hand_over(struct node *node, const struct group *group) {
    bool may_lead = stays(node, node->self) &&
                    (group->planned.count == 0 || move_has(&group->planned, node->self));
    bool strange = has_strangers(node, group);
    if ((may_lead && !strange) || raft_is_transferring(node->raft, group->id)) {
        return;
    }
    struct raft_group_status status = raft_status(node->raft, group->id);
    node_id to = successor(node, group, &status);
    if (to != 0 && raft_transfer(node->raft, group->id, to) && strange) {
        strangers_done(node);
    }
}

// --- asking
// ----------------------------------------------------------------------------------------------

// The plan here may be older than the one that its predecessor carried out: then it would bring
// back a replica that was moved away, to a node that leaves. Once this node has led for as long as
// it takes to hear of all that was planned before, its own is the newest that was ever carried out.
static void want(struct node *node, const struct group *group) {
    if (!definitions_are_newer(node, group->wants_since) && !mutant_is("old_plan_wanted")) {
        return;
    }
    struct raft_target target = {.voter_count = group->planned.count};
    for (uint32_t i = 0; i < group->planned.count; i++) {
        target.voters[i] = (node_id)group->planned.items[i];
    }
    if (target.voter_count > 0) {
        (void)raft_want(node->raft, group->id, &target);
    }
}

void wants_pump(struct node *node) {
    if (node->alone || node->groups_led == 0 || node->mono.ns < node->wants_at.ns) {
        return;
    }
    node->wants_at.ns = node->mono.ns + LIMIT_MEMBERSHIP_MS * NS_PER_MS;
    for (uint32_t id = 0; id < node->settings.group_count; id++) {
        struct group *group = &node->groups[id];
        if (group->leading) {
            if (id != CATALOG_GROUP) {
                want(node, group);
            }
            hand_over(node, group);
        }
    }
}

bool wants_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->wants_at;
    return !node->alone && node->groups_led > 0;
}
