// Which copy a group goes on with, whether it has to, and what that may cost.
#include "node/recover/recover_internal.h"
#include "proto/base/mutant.h"

static bool is_better(const struct recover_copy *one, const struct recover_copy *other) {
    bool better = one->log.last_term != other->log.last_term
                      ? one->log.last_term > other->log.last_term
                      : one->log.last_index > other->log.last_index;
    return mutant_is("worst_survivor_chosen") ? !better : better;
}

// Whether the config's member is what this store has.
static bool has_member(
    const struct recover_store *store,
    const struct recover_copy *copy,
    const struct config_member *member
) {
    return copy->whole && store->node == member->node &&
           (member->replica == copy->replica || copy->replica == 0);
}

struct recover_group recover_choose(
    const struct recover_store *stores, const struct recover_copy *copies, uint32_t store_count
) {
    struct recover_group group = {.fate = RECOVER_NOTHING, .best = store_count};
    for (uint32_t at = 0; at < store_count; at++) {
        bool better = group.best == store_count || is_better(&copies[at], &copies[group.best]);
        if (copies[at].whole && better) {
            group.best = at;
        }
    }
    if (group.best == store_count) {
        return group;
    }
    const struct config *config = &copies[group.best].config;
    int64_t here[RAFT_MEMBERS_MAX] = {0};
    int64_t elsewhere[RAFT_MEMBERS_MAX] = {0};
    for (uint32_t i = 0; i < config->count; i++) {
        for (uint32_t at = 0; at < store_count; at++) {
            here[i] |= has_member(&stores[at], &copies[at], &config->members[i]);
        }
        elsewhere[i] = !here[i];
    }
    const struct store_group *log = &copies[group.best].log;
    group.fate = config_quorum(config, here) > 0 ? RECOVER_LIVES : RECOVER_LOST;
    group.may_lack = config_quorum(config, elsewhere) > 0;
    group.led = log->vote == stores[group.best].node && log->last_term == log->term;
    return group;
}
