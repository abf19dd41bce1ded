#include "node/core/group.h"

#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

enum {
    ACKS_CAPACITY_FIRST = 16
};

void group_init(struct group *group, group_id id, const struct store *store, mono_time now) {
    struct store_group known = store_group(store, id);
    *group = (struct group){
        .id = id,
        .term = known.term,
        .time_ms = known.time_ms,
        .time_at = now,
        .last_index = known.last_index,
        .visited = known.commit_index,
    };
}

void group_deinit(struct group *group) {
    free(group->acks);
    free(group->reports);
    group->reports = NULL;
    group->acks = NULL;
}

void group_lead(struct group *group, uint64_t term, const struct store *store, mono_time now) {
    struct store_group known = store_group(store, group->id);
    group->leading = true;
    group->term = term;
    group->time_ms = mutant_is("partition_time_goes_back") ? 0 : known.time_ms;
    group->time_at = now;
    group->last_index = known.last_index;
}

void group_follow(struct group *group) {
    group->leading = false;
    group->restoring = false;
    group->entering = false;
    group->walking = false;
    group->ack_count = 0;
}

bool group_is_led(const struct group *group) {
    return group->leading || group->restoring;
}

wall_time group_time(const struct group *group, wall_time cluster, mono_time now) {
    int64_t passed_ms = (now.ns - group->time_at.ns) / 1000000;
    int64_t ahead_ms = group->time_ms + passed_ms / 20 * 19; // 95 %
    return (wall_time){ahead_ms > cluster.ms ? ahead_ms : cluster.ms};
}

bool group_propose(
    struct group *group,
    struct store_txn **txn,
    wall_time time,
    mono_time now,
    log_index *out_index,
    log_lsn *out_lsn
) {
    store_txn_commit(txn, group->term, time.ms, out_index, out_lsn);
    if (*out_index == 0) {
        return false;
    }
    check(group_is_led(group));
    check(time.ms >= group->time_ms);
    group->time_at = time.ms > group->time_ms ? now : group->time_at;
    group->time_ms = time.ms;
    group->last_index = *out_index;
    return true;
}

static void acks_grow(struct group *group) {
    uint32_t capacity = group->ack_capacity == 0 ? ACKS_CAPACITY_FIRST : group->ack_capacity * 2;
    struct group_ack *grown = calloc(capacity, sizeof(*grown));
    check(grown != NULL);
    for (uint32_t i = 0; i < group->ack_count; i++) {
        grown[i] = group->acks[(group->ack_first + i) & (group->ack_capacity - 1)];
    }
    free(group->acks);
    group->acks = grown;
    group->ack_capacity = capacity;
    group->ack_first = 0;
}

void group_ack_add(struct group *group, log_index index, group_id source, uint64_t sequence) {
    if (group->ack_count == group->ack_capacity) {
        acks_grow(group);
    }
    uint32_t at = (group->ack_first + group->ack_count) & (group->ack_capacity - 1);
    group->acks[at] = (struct group_ack){index, source, sequence};
    group->ack_count++;
}

bool group_ack_take(struct group *group, log_index committed, struct group_ack *out_ack) {
    if (group->ack_count == 0 || group->acks[group->ack_first].index > committed) {
        return false;
    }
    *out_ack = group->acks[group->ack_first];
    group->ack_first = (group->ack_first + 1) & (group->ack_capacity - 1);
    group->ack_count--;
    return true;
}
