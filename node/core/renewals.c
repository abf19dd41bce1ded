#include "node/core/renewals.h"

#include "node/core/lead.h"
#include "node/core/membership.h"
#include "node/core/node_internal.h"
#include "node/core/report.h"
#include "proto/base/check.h"
#include "scheduler/renewal.h"

bool renewals_look(struct node *node, group_id id) {
    struct group *group = &node->groups[id];
    struct renewal_row row;
    if (id == CATALOG_GROUP) {
        return false; // it has no streams
    }
    err read = renewal_read(node->store, id, node->arena, &row);
    check(!err_is(read));
    group->entering = renewal_is_due(&row);
    group->walking = row.walking;
    group->epoch = row.wanted;
    renewals_told(node, row.wanted);
    return group->entering;
}

void renewals_epoch(struct node *node, uint32_t epoch) {
    node->epoch = epoch > node->epoch ? epoch : node->epoch;
}

void renewals_told(struct node *node, uint32_t epoch) {
    if (epoch > node->epoch_wanted) {
        node->epoch_wanted = epoch;
        report_touched(node);
        membership_touched(node);
    }
}

// --- steps ---------------------------------------------------------------------------------------

// The group is inert from the moment the wish is proposed; its streams end when that is committed.
static bool want(struct node *node, group_id group) {
    struct decision decision;
    if (err_is(node_decision_begin(node, group, &decision))) {
        return false;
    }
    err wanted = renewal_want(&decision, node->epoch);
    check(!err_is(wanted));
    (void)node_decision_commit(node, &decision);
    node->groups[group].epoch = node->epoch;
    node->groups[group].restoring = true;
    node->groups[group].entering = true;
    return true;
}

static bool enter(struct node *node, group_id group) {
    struct decision decision;
    if (err_is(node_decision_begin_restore(node, group, &decision))) {
        return false;
    }
    bool entered = false;
    err done = renewal_enter(&decision, &entered);
    check(!err_is(done));
    (void)node_decision_commit(node, &decision);
    node->groups[group].entering = !entered;
    node->more_to_do = node->more_to_do || !entered;
    return true;
}

static bool walk(struct node *node, group_id group) {
    struct decision decision;
    if (err_is(node_decision_begin(node, group, &decision))) {
        return false;
    }
    bool done = false;
    err walked = renewal_walk(&decision, &done);
    check(!err_is(walked));
    (void)node_decision_commit(node, &decision);
    node->groups[group].walking = !done;
    node->more_to_do = node->more_to_do || !done;
    return true;
}

// False: it cannot now.
static bool step(struct node *node, group_id id) {
    const struct group *group = &node->groups[id];
    if (group->restoring) {
        // Its beginning is not committed yet, or a backup is being restored: others see to that.
        return group->leading || !group->entering || enter(node, id);
    }
    if (group->leading && group->epoch < node->epoch) {
        return want(node, id);
    }
    return !group->leading || !group->walking || walk(node, id);
}

void renewals_pump(struct node *node) {
    if (node->epoch == 0 && node->epoch_wanted == 0) {
        return; // nothing was ever recovered
    }
    for (uint32_t group = 1; group < node->settings.group_count; group++) {
        if (!step(node, (group_id)group)) {
            bool soon = lead_may_decide(node, (group_id)group) || node->groups[group].entering;
            node->more_to_do = node->more_to_do || soon;
        }
        arena_reset(node->arena);
    }
}
