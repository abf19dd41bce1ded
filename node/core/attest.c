// Only a leader judges, and only with a majority that has its hash: so a copy is never taken away
// on the word of one, and never more copies than the rest can spare (raft_reseed asks for that,
// too). Where two copies of two differ, or three of three, nobody can tell who is right: it is
// counted, and a person has to.
//
// The design has the leader write its hash into an entry, and every copy judge itself by that. Then
// a wrong leader would make all others give up what they have at the same time, and every group
// would write where it only has to be read. Words that are lost are said again: a new leader, and a
// new index, ask anew.
//
// A copy that finds rot in itself (store_rotten) needs no majority to be wrong: as a follower it
// says so and is given the rows anew, as a leader it hands the group over first.
#include "node/core/attest.h"

#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

// What a member told.
struct attest_report {
    uint16_t node; // 0: free
    log_index index;
    hash128 hash;
    bool rotten;
    bool judged;
};

static struct attest_report *report_of(struct group *group, uint16_t node) {
    if (group->reports == NULL) {
        group->reports = calloc(RAFT_MEMBERS_MAX, sizeof(*group->reports));
        check(group->reports != NULL);
    }
    struct attest_report *oldest = &group->reports[0];
    for (uint32_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        struct attest_report *report = &group->reports[i];
        if (report->node == node) {
            return report;
        }
        oldest = report->index < oldest->index ? report : oldest;
    }
    *oldest = (struct attest_report){.node = node};
    return oldest;
}

// --- judging
// ----------------------------------------------------------------------------------------------

static void note_difference(struct node *node, const struct group *group, uint16_t odd) {
    hash128 hash;
    node->stats.states_differed++;
    node->difference = (struct attest_difference){
        .group = group->id,
        .node = odd,
        .index = store_attested(node->store, group->id, &hash),
    };
}

// How many voters among the followers told that hash of that index.
static uint32_t voters_with(
    struct group *group, const struct raft_group_status *status, log_index index, hash128 hash
) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < status->follower_count; i++) {
        const struct attest_report *report = report_of(group, status->followers[i].node);
        count += status->followers[i].voter && report->index == index &&
                 hash128_equal(report->hash, hash);
    }
    return count;
}

// A majority has what the leader has; `report` has not.
static void condemn(struct node *node, struct group *group, struct attest_report *report) {
    if (!report->judged) {
        report->judged = true;
        note_difference(node, group, report->node);
    }
    if (mutant_is("odd_copy_kept") || !raft_reseed(node->raft, group->id, report->node)) {
        return; // not now, for the others lack something
    }
    struct peer_attest verdict = {
        .group = group->id,
        .index = report->index,
        .term = raft_term(node->raft, group->id),
        .verdict = true,
    };
    node_send(node, report->node, LINK_URGENT, PEER_ATTEST, &peer_attest_record, &verdict);
}

// A majority has what `report` has: this node's own copy is wrong. Its next leader will say so.
static void give_up(struct node *node, struct group *group, struct attest_report *report) {
    if (!report->judged) {
        report->judged = true;
        note_difference(node, group, node->self);
    }
    (void)raft_transfer(node->raft, group->id, report->node);
}

// This node leads with rows that rotted: any voter that has everything does better.
static void
give_up_rot(struct node *node, struct group *group, const struct raft_group_status *status) {
    for (uint32_t i = 0; i < status->follower_count; i++) {
        struct attest_report *report = report_of(group, status->followers[i].node);
        bool may_lead =
            status->followers[i].voter && status->followers[i].counts && !report->rotten;
        if (may_lead && raft_transfer(node->raft, group->id, report->node)) {
            note_difference(node, group, node->self);
            return;
        }
    }
}

static void
condemn_rot(struct node *node, struct group *group, const struct raft_group_status *status) {
    for (uint32_t i = 0; i < status->follower_count && group->reports != NULL; i++) {
        struct attest_report *report = report_of(group, status->followers[i].node);
        report->rotten = report->rotten && status->followers[i].counts; // else of rows that go
        if (report->rotten) {
            condemn(node, group, report);
        }
    }
}

static void judge(struct node *node, struct group *group) {
    hash128 own = {0, 0};
    log_index index = store_attested(node->store, group->id, &own);
    struct raft_group_status status = raft_status(node->raft, group->id);
    if (store_rotten(node->store, group->id) && !mutant_is("rot_leads_on")) {
        give_up_rot(node, group, &status);
        return;
    }
    condemn_rot(node, group, &status);
    if (index == 0 || group->reports == NULL || status.joint) {
        return;
    }
    uint32_t with_own = (status.votes ? 1 : 0) + voters_with(group, &status, index, own);
    for (uint32_t i = 0; i < status.follower_count; i++) {
        struct attest_report *report = report_of(group, status.followers[i].node);
        if (!status.followers[i].counts) {
            report->index = 0; // of rows that go
        }
        if (report->index != index || hash128_equal(report->hash, own)) {
            continue;
        }
        if (2 * with_own > status.voter_count) {
            condemn(node, group, report);
        } else if (2 * voters_with(group, &status, index, report->hash) > status.voter_count) {
            give_up(node, group, report);
            return;
        } else if (!report->judged && status.voter_count == 2) {
            report->judged = true;
            note_difference(node, group, report->node);
        }
    }
}

// --- telling
// ----------------------------------------------------------------------------------------------

static void tell(struct node *node, struct group *group) {
    struct peer_attest said = {.group = group->id};
    hash128 hash = {0, 0};
    said.index = store_attested(node->store, group->id, &hash);
    said.term = raft_term(node->raft, group->id);
    uint16_t leader = raft_leader(node->raft, group->id);
    said.rotten = store_rotten(node->store, group->id);
    // One that was condemned goes on saying so: its leader may be another one by now.
    said.verdict = raft_is_quarantined(node->raft, group->id);
    bool is_news = said.index != group->attested_told || said.term != group->attested_term ||
                   said.rotten != group->rot_told;
    bool has_word =
        (said.index != 0 || said.rotten) && is_news && !raft_is_installing(node->raft, group->id);
    if ((!has_word && !said.verdict) || leader == 0 || !node_peer_is_up(node, leader)) {
        return;
    }
    group->attested_told = said.index;
    group->attested_term = said.term;
    group->rot_told = said.rotten;
    said.high = hash.high;
    said.low = hash.low;
    node_send(node, leader, LINK_BULK, PEER_ATTEST, &peer_attest_record, &said);
}

void attest_checkpointed(struct node *node) {
    for (uint32_t i = 0; i < node->settings.group_count && !node->alone; i++) {
        struct group *group = &node->groups[i];
        if (group->leading) {
            judge(node, group);
        } else if (group->has_copy) {
            tell(node, group);
        }
    }
}

// Of the leader, about this copy; or of a follower that an earlier leader condemned.
static void take_verdict(
    struct node *node,
    struct group *group,
    const struct node_peer *from,
    const struct peer_attest *said
) {
    bool is_current = said->term == raft_term(node->raft, group->id);
    if (is_current && group->leading) {
        (void)raft_reseed(node->raft, group->id, from->id); // else later: it says so again
    } else if (is_current && raft_leader(node->raft, group->id) == from->id) {
        node->stats.states_condemned++;
        raft_quarantine(node->raft, group->id);
    }
}

void attest_told(struct node *node, const struct node_peer *from, const struct peer_attest *said) {
    if (said->group >= node->settings.group_count) {
        return;
    }
    struct group *group = &node->groups[said->group];
    if (said->verdict) {
        take_verdict(node, group, from, said);
        return;
    }
    struct attest_report *report = report_of(group, from->id);
    hash128 hash = {.high = said->high, .low = said->low};
    bool same = report->index == said->index && hash128_equal(report->hash, hash);
    report->index = said->index;
    report->hash = hash;
    report->rotten = said->rotten;
    report->judged = report->judged && same;
    node->stats.states_compared++;
    if (group->leading) {
        judge(node, group);
    }
}

struct attest_difference node_difference(const struct node *node) {
    return node->difference;
}
