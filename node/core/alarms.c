// A heap by due time. Ties go by group and then by task, never by the order of insertion, so that a
// reload after a restart fires alike.
#include "node/core/alarms.h"

#include "proto/base/check.h"
#include "proto/base/heap.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

struct alarms {
    struct heap heap;
    wall_time horizon;
};

static int alarm_order(const void *left_item, const void *right_item) {
    const struct alarm *left = left_item;
    const struct alarm *right = right_item;
    if (left->at_ms != right->at_ms) {
        return left->at_ms < right->at_ms ? -1 : 1;
    }
    if (left->group != right->group) {
        return left->group < right->group ? -1 : 1;
    }
    int order = id_compare(left->timer.workflow, right->timer.workflow);
    if (order != 0) {
        return order;
    }
    return left->timer.task_no < right->timer.task_no ? -1
                                                      : left->timer.task_no > right->timer.task_no;
}

struct alarms *alarms_create(void) {
    struct alarms *alarms = calloc(1, sizeof(*alarms));
    check(alarms != NULL);
    heap_init(&alarms->heap, sizeof(struct alarm), alarm_order);
    alarms->horizon = (wall_time){-1};
    return alarms;
}

void alarms_destroy(struct alarms **alarms) {
    if (*alarms != NULL) {
        heap_deinit(&(*alarms)->heap);
        free(*alarms);
        *alarms = NULL;
    }
}

void alarms_load(
    struct alarms *alarms, struct store *store, group_id group, wall_time after, int64_t ahead_ms
) {
    id128 least = {{0}};
    int64_t from_ms = after.ms < 0 ? 0 : after.ms + ahead_ms + 1;
    struct key from = key_timer(from_ms, 0, least, 0, 0);
    struct store_cursor *cursor = store_cursor_open(store, NULL, group, key_bytes(&from));
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    struct alarm alarm = {.group = group};
    while (store_cursor_next(cursor, &key, &value)) {
        if (!key_timer_parse(key, &alarm.timer)) {
            break;
        }
        alarm.at_ms = alarm.timer.due_ms - ahead_ms;
        if (alarm.at_ms > alarms->horizon.ms) {
            break;
        }
        heap_push(&alarms->heap, &alarm);
    }
    store_cursor_close(&cursor);
}

void alarms_clear(struct alarms *alarms) {
    heap_clear(&alarms->heap);
    alarms->horizon = (wall_time){-1};
}

void alarms_extend(struct alarms *alarms, wall_time until) {
    if (until.ms > alarms->horizon.ms) {
        alarms->horizon = until;
    }
}

wall_time alarms_horizon(const struct alarms *alarms) {
    return alarms->horizon;
}

void alarms_add(struct alarms *alarms, const struct alarm *alarm) {
    if (alarm->at_ms <= alarms->horizon.ms && !mutant_is("alarm_lost")) {
        heap_push(&alarms->heap, alarm);
    }
}

bool alarms_take_due(struct alarms *alarms, wall_time now, struct alarm *out_alarm) {
    const struct alarm *first = heap_top(&alarms->heap);
    int64_t slack_ms = mutant_is("timer_fires_early") ? 1500 : 0;
    if (first == NULL || first->at_ms > now.ms + slack_ms) {
        return false;
    }
    return heap_pop(&alarms->heap, out_alarm);
}

bool alarms_next_due(const struct alarms *alarms, wall_time *out_due) {
    const struct alarm *first = heap_top(&alarms->heap);
    if (first == NULL) {
        return false;
    }
    out_due->ms = first->at_ms;
    return true;
}

size_t alarms_count(const struct alarms *alarms) {
    return alarms->heap.count;
}
