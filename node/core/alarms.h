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
};

struct alarms *alarms_create(void);
void alarms_destroy(struct alarms **alarms);

// Moves the horizon to `until`. The caller loads, for each group it leads, the rows between the old
// one and it.
void alarms_extend(struct alarms *alarms, wall_time until);

// Loads a group's rows due behind `after`, up to the horizon.
void alarms_load(struct alarms *alarms, struct store *store, group_id group, wall_time after);

// Up to where rows are in memory.
wall_time alarms_horizon(const struct alarms *alarms);

// Adds a timer that was just written; one beyond the horizon is left to the loading.
void alarms_add(struct alarms *alarms, const struct alarm *alarm);

// Takes the oldest alarm that is due at or before `now`. False: none.
bool alarms_take_due(struct alarms *alarms, wall_time now, struct alarm *out_alarm);

// When the next one is due; false: none in memory.
bool alarms_next_due(const struct alarms *alarms, wall_time *out_due);

size_t alarms_count(const struct alarms *alarms);
