#include "node/core/outside.h"

#include "node/core/node_internal.h"
#include "node/core/system_rows.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/definition/catalog.h"

static const int64_t NS_PER_MS = 1000000;

// --- the replica's side
// ------------------------------------------------------------------------------------

void outside_said(struct node *node, group_id id, uint64_t replica) {
    struct group *group = &node->groups[id];
    if (mutant_is("forgotten_without_asking")) {
        raft_forget(node->raft, id, replica);
        return;
    }
    if (!group->is_outside || group->outside != replica) {
        group->is_outside = true;
        group->outside = replica;
        group->outside_by_group = false;
        group->outside_by_system = false;
        node->outside_at = node->mono;
    }
    node->outside_asks = true;
}

void outside_over(struct node *node, group_id id) {
    node->groups[id].is_outside = false;
    node->groups[id].outside = 0;
    node->groups[id].outside_by_group = false;
    node->groups[id].outside_by_system = false;
}

static void ask(struct node *node, const struct group *group, bool system) {
    node_id leader = node_leader(node, system ? CATALOG_GROUP : group->id);
    struct peer_outside asked = {
        .group = group->id,
        .replica = group->outside,
        .system = system,
    };
    if (leader == node->self) {
        outside_asked(node, node->self, &asked);
    } else if (node_peer_is_up(node, leader)) {
        node_send(node, leader, LINK_URGENT, PEER_OUTSIDE, &peer_outside_record, &asked);
    }
}

void outside_pump(struct node *node) {
    if (!node->outside_asks || node->mono.ns < node->outside_at.ns) {
        return;
    }
    node->outside_at.ns = node->mono.ns + LIMIT_OUTSIDE_ASK_MS * NS_PER_MS;
    node->outside_asks = false;
    for (uint32_t id = 0; id < node->settings.group_count; id++) {
        const struct group *group = &node->groups[id];
        if (group->is_outside) {
            node->outside_asks = true;
            if (!group->outside_by_group) {
                ask(node, group, false);
            }
            if (!group->outside_by_system) {
                ask(node, group, true);
            }
        }
    }
}

bool outside_next_wakeup(const struct node *node, mono_time *out_at) {
    *out_at = node->outside_at;
    return node->outside_asks;
}

void outside_confirmed(struct node *node, node_id from, const struct peer_outside *said) {
    (void)from;
    if (said->group >= node->settings.group_count) {
        return;
    }
    struct group *group = &node->groups[said->group];
    if (!group->is_outside || group->outside != said->replica) {
        return;
    }
    if (said->system) {
        group->outside_by_system = true;
    } else {
        group->outside_by_group = true;
    }
    if (group->outside_by_system && group->outside_by_group) {
        outside_over(node, group->id);
        raft_forget(node->raft, group->id, said->replica);
    }
}

// --- the leaders' side
// -------------------------------------------------------------------------------------

// This node leads the group: is that replica none of its members? One that does not know its number
// may be any of its node's, so it is none only where the node has none.
static bool is_no_member(const struct node *node, node_id from, const struct peer_outside *asked) {
    struct raft_group_status status = raft_status(node->raft, asked->group);
    if (from == node->self) {
        return false; // it leads
    }
    for (uint32_t i = 0; i < status.follower_count; i++) {
        bool same = asked->replica == 0 || status.followers[i].replica == asked->replica;
        if (status.followers[i].node == from && same) {
            return false;
        }
    }
    return true;
}

// This node leads the system group: does the table want nothing of it? A replica that is planned
// anew is another one; the old one has to go first.
static bool is_unwanted(struct node *node, node_id from, group_id group) {
    const struct truth *truth = &node->truths[group];
    if (group == CATALOG_GROUP) {
        const struct node_peer *peer = node_peer_of(node, from);
        return peer == NULL || peer->state == MEMBER_LEFT;
    }
    return !move_has(&node->groups[group].planned, from) ||
           (truth->known && !truth->changing && !move_has(&truth->voters, from)) ||
           (truth->known && truth->changing && move_has(&truth->learners, from));
}

void outside_asked(struct node *node, node_id from, const struct peer_outside *asked) {
    group_id led = asked->system ? CATALOG_GROUP : asked->group;
    if (asked->group >= node->settings.group_count || !node->groups[led].leading) {
        return; // asked again soon, of who leads then
    }
    bool gone =
        asked->system ? is_unwanted(node, from, asked->group) : is_no_member(node, from, asked);
    if (!gone) {
        return;
    }
    struct buffer message;
    buffer_init(&message, LIMIT_SYSTEM_ROW_BYTES);
    peer_message_write(PEER_CONFIRMED, &peer_outside_record, asked, &message);
    struct node_effect effect = {
        .kind = EFFECT_SEND,
        .to = from,
        .link = LINK_URGENT,
        .body = node_effect_keep(buffer_bytes(&message)),
    };
    buffer_deinit(&message);
    struct gate gate = node_gate_of(node, led);
    gate.read = true;
    node_hold(node, &effect, gate);
}
