// One voter: its own sync is the majority. It counts itself only after that sync (distributed.md
// §4, rule 1), which is why commits come from NODE_LOG_DONE and not from proposing.
#include "node/core/group.h"

#include "proto/base/check.h"

#include <stdlib.h>

enum {
    GROUP_SELF = 1,
    PROPOSALS_CAPACITY_FIRST = 64
};

struct proposals {
    struct proposal *ring;
    size_t capacity; // a power of two
    size_t first;
    size_t count;
};

struct proposals *proposals_create(void) {
    struct proposals *proposals = calloc(1, sizeof(*proposals));
    check(proposals != NULL);
    proposals->capacity = PROPOSALS_CAPACITY_FIRST;
    proposals->ring = calloc(proposals->capacity, sizeof(*proposals->ring));
    check(proposals->ring != NULL);
    return proposals;
}

void proposals_destroy(struct proposals **proposals) {
    if (*proposals != NULL) {
        free((*proposals)->ring);
        free(*proposals);
        *proposals = NULL;
    }
}

struct group group_open(struct store *store, group_id id) {
    struct store_group known = store_group(store, id);
    struct group group = {
        .id = id, .term = known.term, .time_ms = known.time_ms, .last_index = known.last_index};
    if (group.term == 0) {
        group.term = 1;
        (void)store_hard_state(store, id, group.term, GROUP_SELF);
    }
    store_commit(store, id, known.last_index);
    return group;
}

wall_time group_time(const struct group *group, wall_time wall) {
    return (wall_time){group->time_ms > wall.ms ? group->time_ms : wall.ms};
}

bool group_propose(
    struct group *group, struct store_txn **txn, wall_time time, struct proposal *out_proposal
) {
    struct proposal proposal = {.group = group->id};
    store_txn_commit(txn, group->term, time.ms, &proposal.index, &proposal.lsn);
    if (proposal.index == 0) {
        return false;
    }
    check(time.ms >= group->time_ms);
    group->time_ms = time.ms;
    group->last_index = proposal.index;
    *out_proposal = proposal;
    return true;
}

static void proposals_grow(struct proposals *proposals) {
    struct proposal *grown = calloc(proposals->capacity * 2, sizeof(*grown));
    check(grown != NULL);
    for (size_t i = 0; i < proposals->count; i++) {
        grown[i] = proposals->ring[(proposals->first + i) & (proposals->capacity - 1)];
    }
    free(proposals->ring);
    proposals->ring = grown;
    proposals->capacity *= 2;
    proposals->first = 0;
}

void proposals_add(struct proposals *proposals, const struct proposal *proposal) {
    if (proposals->count == proposals->capacity) {
        proposals_grow(proposals);
    }
    size_t at = (proposals->first + proposals->count) & (proposals->capacity - 1);
    proposals->ring[at] = *proposal;
    proposals->count++;
}

bool proposals_take_committed(
    struct proposals *proposals, log_lsn lsn, struct proposal *out_proposal
) {
    if (proposals->count == 0 || proposals->ring[proposals->first].lsn > lsn) {
        return false;
    }
    *out_proposal = proposals->ring[proposals->first];
    proposals->first = (proposals->first + 1) & (proposals->capacity - 1);
    proposals->count--;
    return true;
}
