// Timers that are due: each a decision of its own, bounded a turn.
#include "node/core/node_internal.h"
#include "proto/base/check.h"
#include "proto/limits.h"

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
    if (!node->groups[alarm->group].leading) {
        return true; // its new leader reads it from its row
    }
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

void alarms_pump(struct node *node) {
    deferred_return(node);
    wall_time horizon = alarms_horizon(node->alarms);
    if (node->wall.ms + LIMIT_ALARM_HORIZON_MS / 2 > horizon.ms) {
        alarms_extend(node->alarms, (wall_time){node->wall.ms + LIMIT_ALARM_HORIZON_MS});
        for (uint32_t group = 0; group < node->settings.group_count; group++) {
            if (node->groups[group].leading) {
                alarms_load(node->alarms, node->store, (group_id)group, horizon);
            }
        }
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
