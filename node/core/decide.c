// Decisions: begun on the newest state of one group, ended as an entry or without a trace.
//
// What a decision leads to is read from the rows of its own entry: Q rows are supply for waiting
// polls and T rows are alarms as soon as the entry is proposed, because both only lead to further
// decisions here; O rows are messages to other groups and wait for the commit (lead.c). So nothing
// is remembered between a decision and its consequences but what the rows say, and a restart or
// another leader finds the same by reading them.
#include "node/core/auditor.h"
#include "node/core/calls.h"
#include "node/core/lead.h"
#include "node/core/members.h"
#include "node/core/node_internal.h"
#include "node/core/wait.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "scheduler/limit.h"

// The version whose programs go on with a rerun that another leader began.
enum {
    RELEASE_CUTS_RERUNS = 3
};

static err begin(struct node *node, group_id group, struct decision *out_decision) {
    check(group < node->settings.group_count);
    struct store_txn *txn = NULL;
    TRY(store_txn_begin(node->store, group, &txn));
    wall_time now = group_time(&node->groups[group], node->time, node->mono);
    (void)job_now(node, &now);
    *out_decision = (struct decision){
        .store = node->store,
        .txn = txn,
        .arena = node->arena,
        .now = now,
        .random = &node->random,
        .evaluated = job_results(node),
        .staging = {.again = job_has_staged(node)},
        .definitions = node->definitions,
        .settings = &node->settings,
        .reruns_whole = !node->alone && members_version(node) < RELEASE_CUTS_RERUNS,
    };
    return ERR_NONE;
}

static err refuse_restoring(struct node *node, group_id group) {
    return err_make(
        ERR_UNAVAILABLE,
        arena_format(
            node->arena,
            node->groups[group].entering ? "partition %u was recovered and is being put right"
                                         : "partition %u is being restored from a backup",
            group
        )
    );
}

err node_decision_begin(struct node *node, group_id group, struct decision *out_decision) {
    if (node->groups[group].restoring) {
        return refuse_restoring(node, group);
    }
    if (!lead_may_decide(node, group)) {
        return err_make(
            ERR_UNAVAILABLE,
            arena_format(node->arena, "partition %u has no leader here now; try again", group)
        );
    }
    return begin(node, group, out_decision);
}

err node_decision_begin_large(struct node *node, group_id group, struct decision *out_decision) {
    TRY(node_decision_begin(node, group, out_decision));
    out_decision->staging.allowed = stages_are_known(node);
    return ERR_NONE;
}

err node_decision_begin_restore(struct node *node, group_id group, struct decision *out_decision) {
    const struct group *known = &node->groups[group];
    if (!known->restoring || known->leading ||
        (!node->alone && raft_is_transferring(node->raft, group))) {
        return err_make(
            ERR_UNAVAILABLE,
            arena_format(node->arena, "partition %u is not ready to be restored here", group)
        );
    }
    return begin(node, group, out_decision);
}

typedef err (*begin_function)(struct node *node, group_id group, struct decision *out_decision);

static err decide_to_record(
    struct node *node,
    group_id group,
    begin_function begins,
    err (*decide)(struct decision *decision, void *argument),
    void *argument,
    struct decision *out_decision
) {
    bool record_only = false;
    int64_t since_ms = 0;
    err done;
    do {
        TRY(begins(node, group, out_decision));
        out_decision->evaluated.allowed = false;
        out_decision->evaluated.record_only = record_only;
        if (out_decision->now.ms < since_ms) {
            out_decision->now.ms = since_ms;
        }
        done = decide(out_decision, argument);
        // It would have to run scripts; or it ran before, and its rows are of a later moment than
        // it began with then (decision_follow), which each time is later.
        record_only = record_only || done.code == ERR_LATER;
        since_ms = out_decision->now.ms;
        if (done.code == ERR_LATER || done.code == ERR_SUSPENDED) {
            (void)node_decision_abort(node, out_decision);
        }
    } while (done.code == ERR_LATER || done.code == ERR_SUSPENDED);
    if (err_is(done)) {
        (void)node_decision_abort(node, out_decision);
    }
    return done;
}

err node_decide_to_record(
    struct node *node,
    group_id group,
    err (*decide)(struct decision *decision, void *argument),
    void *argument,
    struct decision *out_decision
) {
    return decide_to_record(node, group, node_decision_begin, decide, argument, out_decision);
}

err node_decide_to_record_large(
    struct node *node,
    group_id group,
    err (*decide)(struct decision *decision, void *argument),
    void *argument,
    struct decision *out_decision
) {
    return decide_to_record(node, group, node_decision_begin_large, decide, argument, out_decision);
}

err node_decision_look(struct node *node, group_id group, struct decision *out_decision) {
    TRY(begin(node, group, out_decision));
    // A look decides nothing: whatever a job knows is no matter to it.
    out_decision->evaluated = (struct decision_results){.allowed = true};
    return ERR_NONE;
}

struct gate node_gate_of(const struct node *node, group_id group) {
    const struct group *known = &node->groups[group];
    // What a follower shows is committed already.
    return (struct gate){.group = group, .index = group_is_led(known) ? known->last_index : 0};
}

static bool limits_wait(const struct node *node) {
    return node->blocks != NULL || calls_wait(node->calls);
}

// Where permits travel, what comes back to a group is for its tasks only.
static void limit_row_seen(struct node *node, uint64_t limit, bytes value) {
    struct limit_row row;
    if (!err_is(wire_decode(&limit_row_record, value, node->arena, &row)) && row.freed != 0) {
        group_id group = node->settings.permits_travel ? node->visited_group : 0;
        poll_unblock(node, limit, group);
        calls_unblock(node, limit, group);
    }
}

static void row_proposed(void *argument, bytes key, bytes value) {
    struct node *node = argument;
    id128 workflow;
    uint64_t limit = 0;
    struct key_execution_parts part;
    if (key.data[0] == KEY_WORKFLOW && key_workflow_parse(key, &workflow)) {
        wait_touched(node, workflow);
        auditor_touched(node->auditor, node->visited_group, workflow);
    } else if (key.data[0] == KEY_EXECUTION && key_execution_parse(key, &part)) {
        auditor_touched(node->auditor, node->visited_group, part.workflow);
    }
    if (value.data == NULL) {
        return;
    }
    if (key.data[0] == KEY_QUEUE) {
        struct match_supply supply = {.group = node->visited_group};
        if (key_queue_parse(key, &supply.key)) {
            match_add(node->match, &supply);
            node->supply_changed = true;
        }
    } else if (key.data[0] == KEY_LIMIT && limits_wait(node) && key_limit_parse(key, &limit)) {
        limit_row_seen(node, limit, value);
    } else if (key.data[0] == KEY_OUTBOX && mutant_is("message_before_commit")) {
        struct key_outbox_parts parts;
        if (key_outbox_parse(key, &parts)) {
            streams_sent(node->streams, node->visited_group, parts.destination, parts.sequence);
        }
    } else if (key.data[0] == KEY_TIMER) {
        struct alarm alarm = {.group = node->visited_group};
        if (key_timer_parse(key, &alarm.timer)) {
            alarm_set(node, &alarm);
        }
    }
}

static void acks_ride(struct node *node, struct decision *decision, group_id group) {
    struct stream_position ack;
    if (node->groups[group].mark < node->mark && !mutant_is("mark_not_carried")) {
        return; // what is acknowledged may have been applied behind that mark
    }
    while (streams_take_ack(node->streams, group, &ack)) {
        acknowledge_messages(decision, ack.destination, ack.sequence);
    }
}

struct gate node_decision_commit(struct node *node, struct decision *decision) {
    group_id group = store_txn_group(decision->txn);
    check(decision->staging.wanted == NULL);
    acks_ride(node, decision, group);
    log_index index = 0;
    log_lsn lsn = 0;
    // A decision that waited for scripts keeps the time it began with; its entry has the later one.
    wall_time time = group_time(&node->groups[group], decision->now, node->mono);
    struct store_txn **txn = &decision->txn;
    if (!group_propose(&node->groups[group], txn, time, node->mono, &index, &lsn)) {
        struct gate read = node_gate_of(node, group);
        read.read = true;
        return read;
    }
    raft_proposed(node->raft, group, index, lsn);
    node->stats.entries++;
    node->visited_group = group;
    if (node->groups[group].leading) {
        store_entry_visit(node->store, group, index, row_proposed, node);
    }
    struct gate gate = node_gate_of(node, group);
    gate.catalog = group == CATALOG_GROUP && node->groups[group].leading;
    return gate;
}

struct gate node_decision_abort(struct node *node, struct decision *decision) {
    group_id group = store_txn_group(decision->txn);
    store_txn_abort(&decision->txn);
    struct gate gate = node_gate_of(node, group);
    gate.read = node->groups[group].leading;
    return gate;
}
