// A new leader reads from its rows what the old one had in memory: timers, streams, supply. What it
// had itself as a leader before is gone by then: when leadership ends, everything of the group is
// forgotten, and answers that wait for its entries are lost (gates.h).
#include "node/core/lead.h"

#include "node/core/auditor.h"
#include "node/core/calls.h"
#include "node/core/carry.h"
#include "node/core/definitions.h"
#include "node/core/forward.h"
#include "node/core/founding.h"
#include "node/core/interest.h"
#include "node/core/marks.h"
#include "node/core/members.h"
#include "node/core/membership.h"
#include "node/core/node_internal.h"
#include "node/core/outside.h"
#include "node/core/renewals.h"
#include "node/core/timekeeping.h"
#include "node/core/wait.h"
#include "node/core/wants.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

// --- beginning
// ---------------------------------------------------------------------------------------------

void lead_create(struct node *node, const struct node_options *options) {
    uint32_t group_count = node->settings.group_count;
    struct raft_options raft = {
        .store = node->store,
        .self = node->self,
        .group_count = group_count,
        .random_seed = options->random_seed,
        .incarnation = options->incarnation == 0 ? 1 : options->incarnation,
        .now = node->mono,
    };
    node->raft = raft_create(&raft);
    definitions_create(node);
    members_reach(node);
    wants_load(node);
    founding_configure(node, options);
    raft_tick(node->raft, node->mono);
}

bool lead_may_decide(const struct node *node, group_id group) {
    return node->groups[group].leading && !node->groups[group].restoring &&
           cluster_time_is_known(node->clock) &&
           (node->alone || !raft_is_transferring(node->raft, group)) &&
           (group == CATALOG_GROUP || definitions_are_usable(node));
}

// --- what is committed
// -------------------------------------------------------------------------------------

static void row_committed(void *argument, bytes key, bytes value) {
    struct node *node = argument;
    struct key_outbox_parts parts;
    if (key.data[0] == KEY_MARK || key.data[0] == KEY_RENEWAL) {
        node->inert_row_seen = true;
    }
    if (value.data != NULL && key.data[0] == KEY_OUTBOX && key_outbox_parse(key, &parts) &&
        node->groups[node->visited_group].leading) {
        streams_sent(node->streams, node->visited_group, parts.destination, parts.sequence);
    }
}

static void row_of_system(void *argument, bytes key, bytes value) {
    members_entry(argument, key, value);
    wants_planned(argument, key, value);
}

static void committed(struct node *node, group_id id, log_index index) {
    struct group *group = &node->groups[id];
    node->visited_group = id;
    bool led = group_is_led(group);
    node->inert_row_seen = false;
    for (log_index at = group->visited + 1; at <= index; at++) {
        if (led) {
            store_entry_visit(node->store, id, at, row_committed, node);
        }
        if (id == CATALOG_GROUP && !node->alone) {
            store_entry_visit(node->store, id, at, row_of_system, node);
        }
    }
    if (index > group->visited) {
        group->visited = index;
    }
    if (node->inert_row_seen && led) {
        bool entering = renewals_look(node, id);
        lead_restoring(node, id, marks_restoring(node, id) || entering);
    }
    struct group_ack ack;
    while (group_ack_take(group, index, &ack)) {
        carry_committed(node, id, &ack);
    }
    stages_committed(node, id, index);
    gates_committed(node->gates, id, index);
    if (id == CATALOG_GROUP && !node->alone) {
        definitions_ask(node);
    }
}

// --- leadership
// ----------------------------------------------------------------------------------------------

// Who has a replica hears it from that.
static bool has_replica(const struct raft_group_status *status, node_id id) {
    for (uint32_t i = 0; i < status->follower_count; i++) {
        if (status->followers[i].node == id) {
            return true;
        }
    }
    return false;
}

static void tell_one(struct node *node, const struct node_peer *to, const struct group *group) {
    struct peer_leads leads = {.group = group->id, .term = group->term};
    if (mutant_is("leads_not_told")) {
        return;
    }
    node_send(node, to->id, LINK_URGENT, PEER_LEADS, &peer_leads_record, &leads);
}

void lead_tell(struct node *node, const struct node_peer *to) {
    for (uint32_t id = 0; id < node->settings.group_count; id++) {
        const struct group *group = &node->groups[id];
        if (group->leading) {
            struct raft_group_status status = raft_status(node->raft, (group_id)id);
            if (!has_replica(&status, to->id)) {
                tell_one(node, to, group);
            }
        }
    }
}

static void tell_all(struct node *node, const struct group *group) {
    struct raft_group_status status = raft_status(node->raft, group->id);
    for (size_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].up && !has_replica(&status, node->peers[i].id)) {
            tell_one(node, &node->peers[i], group);
        }
    }
}

void lead_told(struct node *node, node_id from, const struct peer_leads *leads) {
    if (leads->group >= node->settings.group_count) {
        return;
    }
    struct group *group = &node->groups[leads->group];
    if (leads->term >= group->told_term) {
        group->told_leader = from;
        group->told_term = leads->term;
        node->forwards_looked = (mono_time){0};
    }
}

// What a leader has in memory of a group's rows.
static void rows_take_up(struct node *node, group_id group) {
    if (!mutant_is("timers_not_taken_over")) {
        alarms_take_over(node, group);
    }
    if (!mutant_is("streams_not_taken_over")) {
        streams_lead(node->streams, node->store, group);
    }
    wants_lead(node, group);
    report_touched(node);
    node->supply_stale = !mutant_is("supply_not_taken_over");
    node->forwards_looked = (mono_time){0};
    if (group == CATALOG_GROUP) {
        definitions_lead(node);
    }
}

void lead_restoring(struct node *node, group_id id, bool restoring) {
    struct group *group = &node->groups[id];
    if (restoring && group->leading) {
        group->leading = false;
        node->groups_led--;
        streams_follow(node->streams, id);
        calls_forget(node, id);
        stages_lost(node, id);
        node->supply_stale = true;
    } else if (!restoring && group->restoring && !group->leading) {
        group->leading = true;
        group->restoring = false;
        node->groups_led++;
        rows_take_up(node, id);
    }
}

static void begin_leading(struct node *node, const struct raft_event *event) {
    struct group *group = &node->groups[event->group];
    node->groups_led += !group->leading;
    group_lead(group, event->term, node->store, node->mono);
    marks_lead(node, event->group);
    group->restoring = renewals_look(node, event->group) || group->restoring;
    gates_committed(node->gates, event->group, raft_commit_index(node->raft, event->group));
    if (group->restoring) {
        group->leading = false;
        node->groups_led--;
        node->forwards_looked = (mono_time){0};
    } else {
        rows_take_up(node, event->group);
    }
    if (event->group == CATALOG_GROUP) {
        membership_lead(node);
    }
    tell_all(node, group);
}

static void end_leading(struct node *node, const struct raft_event *event) {
    struct group *group = &node->groups[event->group];
    node->forwards_looked = (mono_time){0};
    if (!group_is_led(group)) {
        return;
    }
    node->groups_led -= group->leading;
    group_follow(group);
    auditor_lost(node->auditor, event->group);
    streams_follow(node->streams, event->group);
    if (mutant_is("call_lost_with_leadership")) {
        calls_forget(node, event->group);
    }
    stages_lost(node, event->group);
    gates_lost(node->gates, event->group);
    waits_ask_elsewhere(node);
    node->supply_stale = true;
}

// The members of a group changed; its leader made an entry of that.
static void configured(struct node *node, const struct raft_event *event) {
    struct group *group = &node->groups[event->group];
    if (group->leading) {
        group->last_index = event->index > group->last_index ? event->index : group->last_index;
        tell_all(node, group);
        report_touched(node);
    }
}

// There is another replica of the group here than before, or none.
static void copy_began(struct node *node, group_id id, bool there) {
    struct group *group = &node->groups[id];
    group->has_copy = there;
    group->visited = store_group(node->store, id).commit_index;
    outside_over(node, id);
    node->forwards_looked = (mono_time){0};
}

static void take_up(struct node *node, const struct raft_event *event) {
    switch (event->kind) {
    case RAFT_LEADING:
        begin_leading(node, event);
        break;
    case RAFT_FOLLOWING:
        end_leading(node, event);
        if (event->group == CATALOG_GROUP) {
            definitions_ask(node);
        }
        break;
    case RAFT_COMMITTED:
        committed(node, event->group, event->index);
        break;
    case RAFT_READ_CONFIRMED:
        gates_read_confirmed(node->gates, event->group, event->read);
        break;
    case RAFT_INSTALLING_ROWS: // nothing of the group is here meanwhile, definitions neither
        node->groups[event->group].visited = 0;
        break;
    case RAFT_INSTALLED: // what lies before was replaced as a whole
        node->groups[event->group].visited = event->index;
        if (event->group == CATALOG_GROUP) {
            members_load(node);
            wants_load(node);
            definitions_ask(node);
        }
        break;
    case RAFT_CONFIGURED:
        configured(node, event);
        break;
    case RAFT_CREATED:
        copy_began(node, event->group, true);
        break;
    case RAFT_OUTSIDE:
        outside_said(node, event->group, event->replica);
        break;
    case RAFT_FORGOTTEN:
        copy_began(node, event->group, false);
        break;
    }
}

static void frames_send(struct node *node) {
    struct buffer frame;
    buffer_init(&frame, LIMIT_RAFT_FRAME_BYTES);
    node_id to = 0;
    bool urgent = false;
    while (raft_take_frame(node->raft, &to, &urgent, &frame)) {
        node_send_frame(node, to, urgent ? LINK_URGENT : LINK_BULK, buffer_bytes(&frame));
    }
    buffer_deinit(&frame);
}

void lead_drain(struct node *node) {
    struct raft_event event;
    while (raft_take_event(node->raft, &event)) {
        take_up(node, &event);
    }
    if (!node->alone && node->effects != NULL) { // none before the first step
        frames_send(node);
    }
}

static void load_wanted(void *argument, uint64_t queue) {
    supply_open(argument, queue);
}

void lead_pump(struct node *node) {
    if (!node->supply_stale) {
        return;
    }
    node->supply_stale = false;
    if (!mutant_is("supply_of_lost_group_kept")) {
        match_forget_supply(node->match);
    }
    poll_forget_blocks(node);
    calls_forget_refused(node->calls);
    match_each_wanted(node->match, load_wanted, node);
    interest_load(node);
}

// --- leaving
// -----------------------------------------------------------------------------------------------

static node_id
furthest(const struct node *node, group_id group, bool (*suits)(const struct node *, node_id)) {
    struct raft_group_status status = raft_status(node->raft, group);
    node_id best = 0;
    log_index match = 0;
    for (uint32_t i = 0; i < status.follower_count; i++) {
        const struct raft_follower_status *follower = &status.followers[i];
        if (follower->voter && follower->answers && follower->match >= match &&
            suits(node, follower->node)) {
            best = follower->node;
            match = follower->match;
        }
    }
    return best;
}

void lead_give_away(struct node *node, bool (*suits)(const struct node *node, node_id to)) {
    for (uint32_t group = 0; group < node->settings.group_count && node->groups_led > 0; group++) {
        if (node->groups[group].leading && !raft_is_transferring(node->raft, (group_id)group)) {
            node_id to = furthest(node, (group_id)group, suits);
            if (to != 0) {
                (void)raft_transfer(node->raft, (group_id)group, to);
            }
        }
    }
}

void lead_leave_pump(struct node *node) {
    if (node->leaving) {
        lead_give_away(node, node_peer_is_up);
    }
}

void lead_destroy(struct node *node) {
    definitions_destroy(node);
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        group_deinit(&node->groups[group]);
    }
    raft_destroy(&node->raft);
}
