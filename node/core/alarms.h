// The timers of the near future, in memory. The truth is T rows; a reference here that has no row
// any more fires into nothing. Rows beyond the horizon are loaded when it moves. Thread: core.
#pragma once

#include "proto/base/time.h"
#include "storage/keys.h"
#include "storage/store.h"

struct alarms;

struct alarm {
    group_id group;
    struct key_timer_parts timer;
    int64_t at_ms; // cluster time before which it cannot be due
};

struct alarms *alarms_create(void);
void alarms_destroy(struct alarms **alarms);

// Moves the horizon to `until`. The caller loads, for each group it leads, the rows between the old
// one and it.
void alarms_extend(struct alarms *alarms, wall_time until);

// Loads a group's rows due behind `after`, up to the horizon; both in cluster time, which the
// group's partition time, by which rows are due, is ahead of by `ahead_ms`.
void alarms_load(
    struct alarms *alarms, struct store *store, group_id group, wall_time after, int64_t ahead_ms
);

// Forgets all of them, and the horizon.
void alarms_clear(struct alarms *alarms);

// Up to where rows are in memory.
wall_time alarms_horizon(const struct alarms *alarms);

// Adds a timer that was just written; one beyond the horizon is left to the loading.
void alarms_add(struct alarms *alarms, const struct alarm *alarm);

// Takes the oldest alarm that may be due at or before `now`, in cluster time. False: none.
bool alarms_take_due(struct alarms *alarms, wall_time now, struct alarm *out_alarm);

// When the next one may be due; false: none in memory.
bool alarms_next_due(const struct alarms *alarms, wall_time *out_due);

size_t alarms_count(const struct alarms *alarms);
