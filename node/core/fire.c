// Timers that are due: each a decision of its own, bounded a turn.
#include "node/core/node_internal.h"
#include "node/core/timekeeping.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "proto/limits.h"

static const int64_t ALL_TIMERS = -1;

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
        TRY(node_decision_begin_large(node, alarm->group, decision));
        decision->evaluated.allowed = false;
        decision->evaluated.record_only = true;
        fired = fire_timer(decision, key_bytes(&key));
    }
    return stages_look(decision, fired);
}

bool alarm_fire(struct node *node, const struct alarm *alarm) {
    if (!node->groups[alarm->group].leading) {
        return true; // its new leader reads it from its row
    }
    node->random_begun = node->job == NULL ? node->random : node->random_begun;
    struct decision decision;
    if (err_is(node_decision_begin_large(node, alarm->group, &decision))) {
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

void alarm_set(struct node *node, const struct alarm *alarm) {
    struct alarm set = *alarm;
    set.at_ms = timekeeping_earliest_ms(node, set.group, set.timer.due_ms);
    alarms_add(node->alarms, &set);
}

static void load(struct node *node, group_id group, wall_time after) {
    int64_t ahead_ms = timekeeping_ahead_ms(node, group);
    alarms_load(node->alarms, node->store, group, after, ahead_ms);
}

void alarms_take_over(struct node *node, group_id group) {
    load(node, group, (wall_time){ALL_TIMERS});
}

static void horizon_extend(struct node *node) {
    wall_time horizon = alarms_horizon(node->alarms);
    if (node->time.ms + LIMIT_ALARM_HORIZON_MS / 2 <= horizon.ms) {
        return;
    }
    alarms_extend(node->alarms, (wall_time){node->time.ms + LIMIT_ALARM_HORIZON_MS});
    for (uint32_t group = 0; group < node->settings.group_count; group++) {
        if (node->groups[group].leading) {
            load(node, (group_id)group, horizon);
        }
    }
}

void alarms_reload(struct node *node) {
    alarms_clear(node->alarms);
    horizon_extend(node);
}

// The next alarm whose time has come. One of a group that was ahead by more when it was set than it
// is now is set again.
static bool take_due(struct node *node, struct alarm *out_alarm) {
    while (alarms_take_due(node->alarms, node->time, out_alarm)) {
        int64_t ahead_ms = timekeeping_ahead_ms(node, out_alarm->group);
        bool leads = node->groups[out_alarm->group].leading;
        if (!leads || out_alarm->timer.due_ms <= node->time.ms + ahead_ms ||
            mutant_is("timer_fires_early")) {
            return true;
        }
        alarm_set(node, out_alarm);
    }
    return false;
}

void alarms_pump(struct node *node) {
    deferred_return(node);
    horizon_extend(node);
    if (!cluster_time_may_fire(node->clock) && !mutant_is("sick_leader_fires")) {
        return;
    }
    // Taken first, fired then: what a firing sets due now – a decision that goes on, a loop of them
    // – is the next turn's, so that clients get theirs in between.
    struct alarm due[LIMIT_ALARMS_PER_TURN];
    size_t count = 0;
    while (count < LIMIT_ALARMS_PER_TURN && take_due(node, &due[count])) {
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
