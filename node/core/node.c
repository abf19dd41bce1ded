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

#include "node/core/node_internal.h"
#include "node/core/wait.h"
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

struct node *node_create(const struct node_options *options) {
    struct node *node = calloc(1, sizeof(*node));
    check(node != NULL);
    node->store = options->store;
    node->settings = options->settings;
    node->host = options->host;
    node->version = options->version;
    node->wall = options->wall;
    node->mono = options->mono;
    random_init(&node->random, options->random_seed);
    node->definitions = definition_cache_create(LIMIT_DEFINITION_CACHE);
    node->arena = arena_create(LIMIT_ARENA_BLOCK_BYTES);
    node->durable_lsn = store_stats(node->store).durable_lsn; // all that recovery found
    node->proposals = proposals_create();
    node->calls = calls_create(options->calls_max, random_u64(&node->random));
    node->match = match_create();
    uint32_t group_count = node->settings.group_count;
    node->groups = calloc(group_count, sizeof(*node->groups));
    check(node->groups != NULL);
    node->gates = gates_create(group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        node->groups[i] = group_open(node->store, (group_id)i);
        gates_committed(node->gates, (group_id)i, node->groups[i].last_index);
    }
    node->alarms = alarms_create(group_count);
    heap_init(&node->deferred, sizeof(struct deferred), deferred_order);
    alarms_extend(node->alarms, node->store, (wall_time){node->wall.ms + LIMIT_ALARM_HORIZON_MS});
    node->streams = streams_create(group_count);
    streams_load(node->streams, node->store);
    return node;
}

void node_destroy(struct node **node) {
    if (*node == NULL) {
        return;
    }
    poll_all_destroy(*node);
    job_all_destroy(*node);
    wait_all_destroy(*node);
    calls_destroy(&(*node)->calls);
    table_deinit(&(*node)->wait_table);
    table_deinit(&(*node)->watches);
    table_deinit(&(*node)->job_table);
    table_deinit(&(*node)->polls);
    table_deinit(&(*node)->deliveries);
    table_deinit(&(*node)->poll_marks);
    streams_destroy(&(*node)->streams);
    alarms_destroy(&(*node)->alarms);
    heap_deinit(&(*node)->deferred);
    match_destroy(&(*node)->match);
    gates_destroy(&(*node)->gates);
    proposals_destroy(&(*node)->proposals);
    definition_cache_destroy(&(*node)->definitions);
    arena_destroy(&(*node)->arena);
    free((*node)->groups);
    free(*node);
    *node = NULL;
}

struct node_stats node_stats(const struct node *node) {
    struct node_stats stats = node->stats;
    stats.polls_parked = match_parked_count(node->match);
    stats.supply_held = match_supply_count(node->match);
    stats.answers_held = gates_held(node->gates);
    stats.alarms_held = alarms_count(node->alarms);
    stats.calls_open = calls_open(node->calls);
    return stats;
}

// --- decisions
// -------------------------------------------------------------------------------------------

err node_decision_begin(struct node *node, group_id group, struct decision *out_decision) {
    check(group < node->settings.group_count);
    struct store_txn *txn = NULL;
    TRY(store_txn_begin(node->store, group, &txn));
    wall_time now = group_time(&node->groups[group], node->wall);
    (void)job_now(node, &now);
    *out_decision = (struct decision){
        .store = node->store,
        .txn = txn,
        .arena = node->arena,
        .now = now,
        .random = &node->random,
        .evaluated = job_results(node),
        .definitions = node->definitions,
        .settings = &node->settings,
    };
    return ERR_NONE;
}

struct gate node_gate_of(const struct node *node, group_id group) {
    return (struct gate){.group = group, .index = node->groups[group].last_index};
}

static void row_proposed(void *argument, bytes key, bytes value) {
    struct node *node = argument;
    id128 workflow;
    if (key.data[0] == KEY_WORKFLOW && key_workflow_parse(key, &workflow)) {
        wait_touched(node, workflow);
    }
    if (value.data == NULL) {
        return;
    }
    if (key.data[0] == KEY_QUEUE) {
        struct match_supply supply = {.group = (group_id)node->visited.group};
        if (key_queue_parse(key, &supply.key)) {
            match_add(node->match, &supply);
        }
    } else if (key.data[0] == KEY_LIMIT && (node->blocks != NULL || calls_wait(node->calls))) {
        struct limit_row row;
        if (!err_is(wire_decode(&limit_row_record, value, node->arena, &row)) && row.freed != 0) {
            poll_unblock(node, hash_sip64(row.name));
            calls_unblock(node, hash_sip64(row.name));
        }
    } else if (key.data[0] == KEY_TIMER) {
        struct alarm alarm = {.group = (group_id)node->visited.group};
        if (key_timer_parse(key, &alarm.timer)) {
            alarms_add(node->alarms, &alarm);
        }
    }
}

static void row_committed(void *argument, bytes key, bytes value) {
    struct node *node = argument;
    struct key_outbox_parts parts;
    if (value.data != NULL && key.data[0] == KEY_OUTBOX && key_outbox_parse(key, &parts)) {
        streams_sent(node->streams, node->visited.group, parts.destination, parts.sequence);
    }
}

static void acks_ride(struct node *node, struct decision *decision, group_id group) {
    struct stream_position ack;
    while (streams_take_ack(node->streams, group, &ack)) {
        acknowledge_messages(decision, ack.destination, ack.sequence);
    }
}

// Ends the decision, noting in the proposal that a message was applied (sequence 0: none was).
static struct gate decision_propose(
    struct node *node, struct decision *decision, group_id ack_source, uint64_t ack_sequence
) {
    group_id group = store_txn_group(decision->txn);
    acks_ride(node, decision, group);
    struct proposal proposal;
    // A decision that waited for scripts keeps the time it began with; its entry has the later one.
    wall_time time = group_time(&node->groups[group], decision->now);
    if (group_propose(&node->groups[group], &decision->txn, time, &proposal)) {
        proposal.ack_source = ack_source;
        proposal.ack_sequence = ack_sequence;
        proposals_add(node->proposals, &proposal);
        node->stats.entries++;
        node->visited = proposal;
        store_entry_visit(node->store, group, proposal.index, row_proposed, node);
    }
    return node_gate_of(node, group);
}

struct gate node_decision_commit(struct node *node, struct decision *decision) {
    return decision_propose(node, decision, 0, 0);
}

struct gate node_decision_abort(struct node *node, struct decision *decision) {
    group_id group = store_txn_group(decision->txn);
    store_txn_abort(&decision->txn);
    return node_gate_of(node, group);
}

// --- what a turn does after its event
// ----------------------------------------------------------------------

static void commits_take(struct node *node) {
    struct proposal proposal;
    while (proposals_take_committed(node->proposals, node->durable_lsn, &proposal)) {
        store_commit(node->store, proposal.group, proposal.index);
        gates_committed(node->gates, proposal.group, proposal.index);
        node->visited = proposal;
        store_entry_visit(node->store, proposal.group, proposal.index, row_committed, node);
        if (proposal.ack_sequence != 0) {
            streams_acknowledged(
                node->streams, proposal.ack_source, proposal.group, proposal.ack_sequence
            );
        }
    }
}

static err alarm_decide(struct node *node, const struct alarm *alarm, struct decision *decision) {
    struct key key = key_timer(
        alarm->timer.due_ms,
        alarm->timer.kind,
        alarm->timer.workflow,
        alarm->timer.task_no,
        alarm->timer.generation
    );
    err fired = fire_timer(decision, key_bytes(&key));
    if (fired.code == ERR_LATER) {
        // It may not run scripts: once more, only to record what happened.
        (void)node_decision_abort(node, decision);
        TRY(node_decision_begin(node, alarm->group, decision));
        decision->evaluated.allowed = false;
        decision->evaluated.record_only = true;
        fired = fire_timer(decision, key_bytes(&key));
    }
    return fired;
}

bool alarm_fire(struct node *node, const struct alarm *alarm) {
    node->random_begun = node->job == NULL ? node->random : node->random_begun;
    struct decision decision;
    if (err_is(node_decision_begin(node, alarm->group, &decision))) {
        alarms_add(node->alarms, alarm);
        return false;
    }
    decision.evaluated.allowed = timer_may_evaluate(alarm->timer.kind);
    err fired = alarm_decide(node, alarm, &decision);
    if (fired.code == ERR_UNAVAILABLE) {
        alarms_add(node->alarms, alarm);
        return false;
    }
    if (fired.code == ERR_SUSPENDED) {
        job_suspend_alarm(node, alarm, &decision);
        return true;
    }
    check(!err_is(fired) || fired.code == ERR_NOT_FOUND);
    if (err_is(fired)) {
        (void)node_decision_abort(node, &decision);
    } else {
        (void)node_decision_commit(node, &decision);
        node->stats.timers_fired++;
    }
    return true;
}

static void deferred_return(struct node *node) {
    const struct deferred *first = heap_top(&node->deferred);
    while (first != NULL && first->at.ns <= node->mono.ns) {
        struct deferred due;
        (void)heap_pop(&node->deferred, &due);
        alarms_add(node->alarms, &due.alarm);
        first = heap_top(&node->deferred);
    }
}

static void alarms_pump(struct node *node) {
    deferred_return(node);
    if (node->wall.ms + LIMIT_ALARM_HORIZON_MS / 2 > alarms_horizon(node->alarms).ms) {
        wall_time until = {node->wall.ms + LIMIT_ALARM_HORIZON_MS};
        alarms_extend(node->alarms, node->store, until);
    }
    // Taken first, fired then: what a firing sets due now – a decision that goes on, a loop of them
    // – is the next turn's, so that clients get theirs in between.
    struct alarm due[LIMIT_ALARMS_PER_TURN];
    size_t count = 0;
    while (count < LIMIT_ALARMS_PER_TURN && alarms_take_due(node->alarms, node->wall, &due[count])
    ) {
        count++;
    }
    size_t fired = 0;
    while (fired < count && alarm_fire(node, &due[fired])) {
        arena_reset(node->arena);
        fired++;
    }
    if (fired < count) {
        node->more_to_do = true; // the one that could not be fired put itself back
    }
    for (size_t i = fired + 1; i < count; i++) {
        alarms_add(node->alarms, &due[i]);
    }
}

// Applies one message. False: the store has no room now.
static bool message_apply(struct node *node, const struct stream_position *position) {
    struct key key = key_outbox(position->destination, position->sequence);
    bytes stored = BYTES_EMPTY;
    err read = store_get(node->store, position->source, key_bytes(&key), &stored);
    check(!err_is(read));
    bytes message = arena_copy(node->arena, stored);
    struct decision decision;
    if (err_is(node_decision_begin(node, position->destination, &decision))) {
        return false;
    }
    decision.evaluated.allowed = false;
    err applied = apply_message(&decision, position->source, position->sequence, message);
    if (applied.code == ERR_LATER) {
        // It may not run scripts: once more, only to record what happened.
        (void)node_decision_abort(node, &decision);
        if (err_is(node_decision_begin(node, position->destination, &decision))) {
            return false;
        }
        decision.evaluated.allowed = false;
        decision.evaluated.record_only = true;
        applied = apply_message(&decision, position->source, position->sequence, message);
    }
    check(!err_is(applied));
    (void)decision_propose(node, &decision, position->source, position->sequence);
    streams_applied(node->streams, position->source, position->destination, position->sequence);
    node->stats.messages_applied++;
    return true;
}

static void streams_pump(struct node *node) {
    struct stream_position position;
    for (int applied = 0; streams_next(node->streams, &position); applied++) {
        if (applied == LIMIT_MESSAGES_PER_TURN || !message_apply(node, &position)) {
            node->more_to_do = true;
            return;
        }
        arena_reset(node->arena);
    }
}

// Acknowledgements ride on other entries of their group; one that waited long enough gets its own.
static void acks_pump(struct node *node) {
    group_id source = 0;
    if (!streams_ack_group(node->streams, &source)) {
        node->acks_since = (mono_time){0};
        return;
    }
    if (node->acks_since.ns == 0) {
        node->acks_since = node->mono;
    }
    if (node->mono.ns - node->acks_since.ns < LIMIT_ACK_RIDE_MS * NS_PER_MS) {
        return;
    }
    do {
        struct decision decision;
        if (err_is(node_decision_begin(node, source, &decision))) {
            node->more_to_do = true;
            return;
        }
        (void)node_decision_commit(node, &decision);
    } while (streams_ack_group(node->streams, &source));
    node->acks_since = (mono_time){0};
}

static void effects_let_go(struct node *node) {
    struct node_effect effect;
    while (gates_take_ready(node->gates, &effect)) {
        node_effects_add(node->effects, &effect);
    }
}

static void node_pump(struct node *node) {
    node->more_to_do = false;
    alarms_pump(node);
    streams_pump(node);
    acks_pump(node);
    poll_pump(node);
    calls_pump(node);
    wait_pump(node);
}

void node_step(struct node *node, const struct node_event *event, struct node_effects *effects) {
    node->effects = effects;
    if (event->mono.ns > node->mono.ns) {
        node->mono = event->mono;
    }
    node->wall = event->wall;
    switch (event->kind) {
    case NODE_TICK:
    case NODE_CHECKPOINT_DONE:
        break;
    case NODE_REQUEST:
        node->stats.requests++;
        node_request(node, event->request_id, event->request);
        break;
    case NODE_GONE:
        if (!wait_gone(node, event->request_id)) {
            poll_gone(node, event->request_id);
        }
        break;
    case NODE_EVALUATED:
        job_evaluated(node, event->job_id, event->evaluation_index, event->evaluated);
        break;
    case NODE_CALLED:
        calls_told(node, event->call_id, event->called);
        break;
    case NODE_DELIVERED:
        poll_delivered(node, event->request_id);
        break;
    case NODE_LOG_DONE:
        check(event->lsn >= node->durable_lsn);
        node->durable_lsn = event->lsn;
        commits_take(node);
        break;
    }
    arena_reset(node->arena);
    node_pump(node);
    arena_reset(node->arena);
    effects_let_go(node);
}

// --- when to wake up
// ---------------------------------------------------------------------------------------

static mono_time sooner(mono_time left, mono_time right) {
    return left.ns < right.ns ? left : right;
}

// When the wall clock will show `due`, as far as can be told.
static mono_time at_wall(const struct node *node, wall_time due) {
    int64_t in_ms = due.ms > node->wall.ms ? due.ms - node->wall.ms : 0;
    in_ms = in_ms < LIMIT_ALARM_HORIZON_MS ? in_ms : LIMIT_ALARM_HORIZON_MS;
    return (mono_time){node->mono.ns + in_ms * NS_PER_MS};
}

mono_time node_next_wakeup(const struct node *node) {
    if (node->more_to_do) {
        return (mono_time){node->mono.ns + LIMIT_RETRY_TURN_MS * NS_PER_MS};
    }
    mono_time next = {node->mono.ns + LIMIT_ALARM_HORIZON_MS / 2 * NS_PER_MS};
    wall_time due = {0};
    if (alarms_next_due(node->alarms, &due)) {
        int64_t in_ms = due.ms > node->wall.ms ? due.ms - node->wall.ms : 0;
        if (in_ms < LIMIT_ALARM_HORIZON_MS) {
            next = sooner(next, (mono_time){node->mono.ns + in_ms * NS_PER_MS});
        }
    }
    const struct deferred *deferred = heap_top(&node->deferred);
    if (deferred != NULL) {
        next = sooner(next, deferred->at);
    }
    if (poll_next_unblock(node, &due)) {
        next = sooner(next, at_wall(node, due));
    }
    if (calls_next_unblock(node->calls, &due)) {
        next = sooner(next, at_wall(node, due));
    }
    mono_time deadline = {0};
    if (calls_next_look(node->calls, &deadline)) {
        next = sooner(next, deadline);
    }
    if (wait_next_deadline(node, &deadline)) {
        next = sooner(next, deadline);
    }
    if (match_next_deadline(node->match, &deadline)) {
        next = sooner(next, deadline);
    }
    if (node->acks_since.ns != 0) {
        next = sooner(next, (mono_time){node->acks_since.ns + LIMIT_ACK_RIDE_MS * NS_PER_MS});
    }
    return next;
}
