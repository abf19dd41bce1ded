// A turn of the node: the event, then whatever became possible by it, bounded.
//
// Decisions are made on the newest state, committed or not, and everything that leaves waits for
// the entries it depends on (gates.h). What a decision leads to is read from the rows of its own
// entry: Q rows are supply for waiting polls and T rows are alarms as soon as the entry is
// proposed, because both only lead to further decisions here; O rows are messages to other groups
// and wait for the commit. So nothing is remembered between a decision and its consequences but
// what the rows say, and a restart finds the same by reading them.
//
// Rejected: matching at commit instead of at proposal. It costs a second sync between a task's
// making and its hand-out and buys nothing, since the hand-out's answer waits for both entries
// anyway.
#include "node/core/node.h"

#include "node/core/carry.h"
#include "node/core/definitions.h"
#include "node/core/forward.h"
#include "node/core/gather.h"
#include "node/core/interest.h"
#include "node/core/lead.h"
#include "node/core/long_answer.h"
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
#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"
#include "scheduler/limit.h"

#include <stdlib.h>

static const int64_t NS_PER_MS = 1000000;

static int deferred_order(const void *left_item, const void *right_item) {
    const struct deferred *left = left_item;
    const struct deferred *right = right_item;
    return left->at.ns < right->at.ns ? -1 : left->at.ns > right->at.ns;
}

// --- life
// ------------------------------------------------------------------------------------------------

static void groups_create(struct node *node) {
    uint32_t group_count = node->settings.group_count;
    node->groups = calloc(group_count, sizeof(*node->groups));
    check(node->groups != NULL);
    for (uint32_t group = 0; group < group_count; group++) {
        group_init(&node->groups[group], (group_id)group, node->store, node->mono);
    }
}

struct node *node_create(const struct node_options *options) {
    struct node *node = calloc(1, sizeof(*node));
    check(node != NULL);
    node->store = options->store;
    node->settings = options->settings;
    node->host = options->host;
    node->version = options->version;
    node->mono = options->mono;
    random_init(&node->random, options->random_seed);
    node->definitions = definition_cache_create(LIMIT_DEFINITION_CACHE);
    node->arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    node->calls = calls_create(options->calls_max, random_u64(&node->random));
    node->stages = stages_create();
    node->match = match_create();
    node->auditor = auditor_create(options->audit_rest_ms);
    uint32_t group_count = node->settings.group_count;
    node->gates = gates_create(group_count);
    node->alarms = alarms_create();
    heap_init(&node->deferred, sizeof(struct deferred), deferred_order);
    node->streams = streams_create(group_count);
    members_create(node, options);
    membership_create(node, options);
    groups_create(node);
    timekeeping_create(node, options);
    report_create(node);
    lead_create(node, options);
    lead_drain(node);
    return node;
}

void node_destroy(struct node **node) {
    if (*node == NULL) {
        return;
    }
    poll_all_destroy(*node);
    forward_all_destroy(*node);
    long_answers_destroy(*node);
    gather_all_destroy(*node);
    interest_all_destroy(*node);
    lead_destroy(*node);
    job_all_destroy(*node);
    wait_all_destroy(*node);
    calls_destroy(&(*node)->calls);
    stages_destroy(&(*node)->stages);
    table_deinit(&(*node)->wait_table);
    table_deinit(&(*node)->look_table);
    table_deinit(&(*node)->watches);
    table_deinit(&(*node)->job_table);
    table_deinit(&(*node)->job_messages);
    table_deinit(&(*node)->polls);
    table_deinit(&(*node)->deliveries);
    table_deinit(&(*node)->poll_marks);
    streams_destroy(&(*node)->streams);
    alarms_destroy(&(*node)->alarms);
    cluster_time_destroy(&(*node)->clock);
    heap_deinit(&(*node)->deferred);
    match_destroy(&(*node)->match);
    auditor_destroy(&(*node)->auditor);
    gates_destroy(&(*node)->gates);
    table_deinit(&(*node)->forward_table);
    table_deinit(&(*node)->forward_of_request);
    table_deinit(&(*node)->run_table);
    table_deinit(&(*node)->run_of_forward);
    table_deinit(&(*node)->grants);
    table_deinit(&(*node)->long_answer_table);
    table_deinit(&(*node)->interests);
    report_destroy(*node);
    free((*node)->peers);
    definition_cache_destroy(&(*node)->definitions);
    arena_destroy(&(*node)->arena);
    free((*node)->groups);
    free(*node);
    *node = NULL;
}

struct fitness node_fitness(const struct node *node) {
    return node->fitness;
}

struct auditor_stats node_auditor(const struct node *node) {
    return auditor_stats(node->auditor);
}

const struct raft *node_raft(const struct node *node) {
    return node->raft;
}

struct node_stats node_stats(const struct node *node) {
    struct node_stats stats = node->stats;
    stats.polls_parked = match_parked_count(node->match);
    stats.supply_held = match_supply_count(node->match);
    stats.groups_led = node->groups_led;
    stats.answers_held = gates_held(node->gates);
    stats.alarms_held = alarms_count(node->alarms);
    stats.calls_open = calls_open(node->calls);
    return stats;
}

// --- what a turn does after its event
// ----------------------------------------------------------------------

void node_effect_out(struct node *node, struct node_effect *effect) {
    if (definitions_hold(node, effect)) {
        return;
    }
    if (effect->kind == EFFECT_CALL &&
        !calls_may_leave(node, effect->call_id, effect->call.total_ms)) {
        node_effect_release(effect);
        return;
    }
    if (effect->kind == EFFECT_SEND && effect->to == node->self) {
        cluster_own(node, effect->body);
        node_effect_release(effect);
        return;
    }
    if (effect->kind == EFFECT_REPLY && forward_is_run(effect->request_id)) {
        forward_run_answered(node, effect);
        node_effect_release(effect);
    } else if (effect->kind == EFFECT_PART && forward_is_run(effect->request_id)) {
        forward_run_part(node, effect);
        node_effect_release(effect);
    } else {
        node_effects_add(node->effects, effect);
    }
}

// The gate of an answer was lost: who asked for it may ask again. Tasks that were in it are left to
// their leases, for perhaps they were assigned.
static void effect_lost(struct node *node, struct node_effect *effect) {
    node->stats.answers_lost++;
    if (effect->with_tasks) {
        poll_delivered(node, effect->request_id);
    }
    if (effect->kind == EFFECT_CALL) {
        calls_unmade(node, effect->call_id);
    }
    if (effect->kind != EFFECT_REPLY) {
        node_effect_release(effect);
        return;
    }
    if (effect->more) {
        (void)long_answer_gone(node, effect->request_id);
    }
    if (forward_is_run(effect->request_id)) {
        forward_run_lost(node, effect->request_id);
    } else {
        static const char text[] = "leadership of the partition moved before this was committed; "
                                   "it may or may not have been done";
        node_answer_error(node, effect->request_id, err_make(ERR_UNAVAILABLE, text), GATE_OPEN);
    }
    node_effect_release(effect);
}

static void effects_let_go(struct node *node) {
    struct node_effect effect;
    bool some = true;
    while (some) {
        some = false;
        while (gates_take_ready(node->gates, &effect)) {
            node_effect_out(node, &effect);
            some = true;
        }
        while (gates_take_lost(node->gates, &effect)) {
            effect_lost(node, &effect);
            some = true;
        }
    }
}

static void node_pump(struct node *node, bool tick) {
    node->more_to_do = false;
    lead_pump(node);
    lead_leave_pump(node);
    timekeeping_pump(node);
    fitness_pump(node);
    riders_pump(node);
    forward_pump(node);
    gather_pump(node);
    alarms_pump(node);
    marks_pump(node);
    renewals_pump(node);
    streams_pump(node);
    acks_pump(node);
    poll_pump(node);
    stages_pump(node);
    calls_pump(node);
    job_pump(node);
    wait_pump(node);
    interest_pump(node);
    definitions_pump(node);
    auditor_pump(node);
    report_pump(node);
    membership_pump(node);
    wants_pump(node);
    outside_pump(node);
    long_answers_pump(node, tick);
}

static void client_gone(struct node *node, uint64_t request_id) {
    (void)forward_delivered(node, request_id, true);
    if (!forward_gone(node, request_id) && !gather_gone(node, request_id) &&
        !wait_gone(node, request_id) && !long_answer_gone(node, request_id)) {
        poll_gone(node, request_id);
    }
}

void node_step(struct node *node, const struct node_event *event, struct node_effects *effects) {
    node->effects = effects;
    if (event->mono.ns > node->mono.ns) {
        node->mono = event->mono;
    }
    timekeeping_tick(node, event);
    switch (event->kind) {
    case NODE_TICK:
        break;
    case NODE_CHECKPOINT_DONE:
        attest_checkpointed(node);
        break;
    case NODE_REQUEST:
        node->stats.requests++;
        node_request(node, event->request_id, event->request);
        break;
    case NODE_GONE:
        client_gone(node, event->request_id);
        break;
    case NODE_EVALUATED:
        job_evaluated(node, event->job_id, event->evaluation_index, event->evaluated);
        break;
    case NODE_CALLED:
        calls_told(node, event->call_id, event->called);
        break;
    case NODE_DELIVERED:
        poll_delivered(node, event->request_id);
        (void)forward_delivered(node, event->request_id, false);
        break;
    case NODE_TAKEN:
        if (!forward_taken(node, event->request_id)) {
            long_answer_taken(node, event->request_id);
        }
        break;
    case NODE_LOG_DONE:
        raft_log_durable(node->raft, event->lsn);
        break;
    case NODE_HEARSAY:
        cluster_hearsay(node, event->peer, event->message);
        break;
    case NODE_DISK:
        fitness_measured(node, event->disk);
        break;
    case NODE_LEAVE:
        node->leaving = true;
        calls_leave(node);
        break;
    case NODE_PEER_UP:
    case NODE_PEER_DOWN:
    case NODE_PEER_MESSAGE:
        cluster_event(node, event);
        break;
    }
    arena_reset(node->arena);
    if (!node->alone) {
        raft_tick(node->raft, node->mono);
    }
    lead_drain(node);
    node_pump(node, event->kind == NODE_TICK);
    members_pump(node);
    arena_reset(node->arena);
    lead_drain(node);
    effects_let_go(node);
    arena_reset(node->arena);
}

// --- when to wake up
// ---------------------------------------------------------------------------------------

static mono_time sooner(mono_time left, mono_time right) {
    return left.ns < right.ns ? left : right;
}

// When cluster time will be `due`, as far as can be told.
static mono_time at_time(const struct node *node, wall_time due) {
    int64_t in_ms = due.ms > node->time.ms ? due.ms - node->time.ms : 0;
    in_ms = in_ms < LIMIT_ALARM_HORIZON_MS ? in_ms : LIMIT_ALARM_HORIZON_MS;
    return (mono_time){node->mono.ns + in_ms * NS_PER_MS};
}

static mono_time cluster_next_wakeup(const struct node *node) {
    mono_time next = raft_next_wakeup(node->raft);
    mono_time at = {0};
    if (gather_waits(node)) {
        next = sooner(next, (mono_time){node->mono.ns + LIMIT_FORWARD_RETRY_MS * NS_PER_MS});
    }
    if (interest_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (carry_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (definitions_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (membership_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (fitness_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (riders_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (report_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (wants_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    if (outside_next_wakeup(node, &at)) {
        next = sooner(next, at);
    }
    return next;
}

mono_time node_next_wakeup(const struct node *node) {
    if (node->more_to_do) {
        return (mono_time){node->mono.ns + LIMIT_RETRY_TURN_MS * NS_PER_MS};
    }
    mono_time next = {node->mono.ns + LIMIT_ALARM_HORIZON_MS / 2 * NS_PER_MS};
    wall_time due = {0};
    if (cluster_time_may_fire(node->clock) && alarms_next_due(node->alarms, &due)) {
        int64_t in_ms = due.ms > node->time.ms ? due.ms - node->time.ms : 0;
        if (in_ms < LIMIT_ALARM_HORIZON_MS) {
            next = sooner(next, (mono_time){node->mono.ns + in_ms * NS_PER_MS});
        }
    }
    const struct deferred *deferred = heap_top(&node->deferred);
    if (deferred != NULL) {
        next = sooner(next, deferred->at);
    }
    if (poll_next_unblock(node, &due)) {
        next = sooner(next, at_time(node, due));
    }
    if (calls_next_unblock(node->calls, &due)) {
        next = sooner(next, at_time(node, due));
    }
    mono_time deadline = {0};
    if (cluster_time_next_wakeup(node->clock, &deadline)) {
        next = sooner(next, deadline);
    }
    if (auditor_next_wakeup(node, &deadline)) {
        next = sooner(next, deadline);
    }
    if (calls_next_wakeup(node->calls, &deadline)) {
        next = sooner(next, deadline);
    }
    if (forward_next_wakeup(node, &deadline)) {
        next = sooner(next, deadline);
    }
    if (!node->alone) {
        next = sooner(next, cluster_next_wakeup(node));
    }
    if (wait_next_deadline(node, &deadline)) {
        next = sooner(next, deadline);
    }
    if (match_next_deadline(node->match, &deadline)) {
        next = sooner(next, deadline);
    }
    if (marks_next_wakeup(node, &deadline)) {
        next = sooner(next, deadline);
    }
    if (node->acks_since.ns != 0) {
        next = sooner(next, (mono_time){node->acks_since.ns + LIMIT_ACK_RIDE_MS * NS_PER_MS});
    }
    return next;
}
