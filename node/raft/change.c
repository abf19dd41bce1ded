// From one config to the next (rule 7 of distributed.md §4; Ongaro's thesis §4.2–4.3).
//
//   target ──► learners ──► keep up? ──► joint ──► settled ──► who is not wanted goes
//
// Its leader takes one step at a time, each when the config before is committed and the entry that
// opened its term is. A joint config is left by whoever leads, wanted or not; everything else needs
// raft_want, which a new leader is told again. What the next config is, is a pure function
// (config_next); here is only when.
//
// A newcomer is not spoken to before the config that names it is committed: so a number that was
// taken back with its entry was never heard, and cannot be met again. Who leaves becomes a learner
// first, and gets the config that drops it like any other; a leader among them hands over.
//
// A learner keeps up when three rounds in a row took less than a second each: a round ends with the
// acknowledgement of what was the last entry when it began. An empty append ends one, too, so a
// quiet group takes three round trips.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"
#include "storage/keys.h"

#include <stdlib.h>

void change_look(struct raft *raft, struct replica *replica) {
    if (replica->role == RAFT_LEADER && !replica->drive_queued) {
        replica->drive_queued = true;
        ring_push(&raft->drives, replica->id);
    }
}

void change_end(struct replica *replica) {
    free(replica->target);
    replica->target = NULL;
    replica->resigning = false;
}

// --- keeping up ----------------------------------------------------------------------------------

static void
begin_round(const struct raft *raft, struct replica *replica, struct follower *learner) {
    learner->round_target = replica->last;
    learner->round_begun = raft->now;
}

void change_note_ack(struct raft *raft, struct replica *replica, struct follower *follower) {
    if (follower->votes != 0) {
        return;
    }
    if (follower->round_target == 0) {
        begin_round(raft, replica, follower);
    } else if (follower->match >= follower->round_target) {
        bool late = mono_passed(raft, follower->round_begun, LIMIT_RAFT_LEARNER_LAG_MS);
        follower->rounds = late ? 0 : follower->rounds + 1;
        begin_round(raft, replica, follower);
    }
    if (replica->target != NULL) {
        change_look(raft, replica);
    }
}

bool change_is_ready(
    const struct raft *raft, const struct replica *replica, const struct follower *follower
) {
    bool late = follower->match < follower->round_target &&
                mono_passed(raft, follower->round_begun, LIMIT_RAFT_LEARNER_LAG_MS);
    return follower->rounds >= RAFT_ROUNDS_WANTED && follower->counts && !late &&
           follower->progress == RAFT_REPLICATING && !heed_is_lost(follower) &&
           !mono_passed(raft, lead_heard(replica, follower), LIMIT_RAFT_ELECTION_MS);
}

// Learners that somebody waits for are asked where they are; not those that are given rows: every
// answer would be the next question, and none of them a round.
static void ask_learners(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        struct follower *follower = replica->followers[i];
        bool idle = follower->counts && follower->flights.count == 0 &&
                    follower->progress <= RAFT_REPLICATING;
        if (follower->votes == 0 && idle && !change_is_ready(raft, replica, follower)) {
            follower->probe_owed = true;
            lead_queue(raft, replica, follower);
        }
    }
}

// --- steps ---------------------------------------------------------------------------------------

// False: the store has no room now.
static bool propose(struct raft *raft, struct replica *replica, struct config *next) {
    struct store_txn *txn = NULL;
    if (err_is(store_txn_begin(raft->store, replica->id, &txn))) {
        return false;
    }
    next->index = replica->last + 1;
    struct buffer value;
    buffer_init(&value, CONFIG_BYTES_MAX);
    config_put(next, &value);
    struct key key = key_config();
    store_txn_put(txn, key_bytes(&key), buffer_bytes(&value));
    buffer_deinit(&value);
    int64_t time_ms = store_group(raft->store, replica->id).time_ms;
    log_index index = 0;
    log_lsn lsn = 0;
    store_txn_commit(&txn, replica->term, time_ms, &index, &lsn);
    check(index == next->index);
    replica_appended(raft, replica, index, replica->term, lsn);
    raft->stats.configs++;
    member_appended(raft, replica, next);
    lead_queue_all(raft, replica);
    return true;
}

static struct config_facts
facts_of(const struct raft *raft, const struct replica *replica, const struct config *config) {
    struct config_facts facts = {
        .store_count = 1, .stores = {{.node = raft->self, .store = raft->store_number}}};
    for (uint32_t i = 0; i < raft->pair_count && facts.store_count < LIMIT_NODES; i++) {
        const struct pair *pair = raft->pairs[i];
        facts.stores[facts.store_count++] = (struct config_store){pair->node, pair->store};
    }
    uint32_t next = 0;
    for (uint32_t i = 0; i < config->count; i++) {
        if (config->members[i].node == raft->self) {
            facts.ready[i] = true;
            facts.has_all[i] = replica->durable >= replica->commit;
            continue;
        }
        const struct follower *follower = replica->followers[next++];
        facts.ready[i] = change_is_ready(raft, replica, follower);
        facts.lost[i] = heed_is_lost(follower);
        facts.has_all[i] = follower->counts && !facts.lost[i] && follower->match >= replica->commit;
    }
    return facts;
}

// Whether there is, or may soon be, something to do.
static bool step(struct raft *raft, struct replica *replica) {
    const struct config *config = member_config(replica);
    bool under_way = replica->configs[replica->config_count - 1].index > replica->commit;
    if (under_way || replica->transfer_to != 0) {
        return true;
    }
    struct config next;
    if (config_is_joint(config)) {
        next = config_leave(config);
        return propose(raft, replica, &next) || true;
    }
    if (replica->votes == 0) {
        election_resign(raft, replica);
        return true;
    }
    if (replica->target == NULL) {
        return false;
    }
    struct config_facts facts = facts_of(raft, replica, config);
    if (config_next(config, replica->target, &facts, &next)) {
        (void)propose(raft, replica, &next);
        return true;
    }
    if (!config_is_reached(config, replica->target)) {
        ask_learners(raft, replica);
        return true;
    }
    return false;
}

void change_take_steps(struct raft *raft) {
    for (uint32_t left = raft->drives.count; left > 0; left--) {
        struct replica *replica = &raft->replicas[ring_pop(&raft->drives)];
        replica->drive_queued = false;
        bool may = replica->role == RAFT_LEADER && replica->announced && replica->config_count > 0;
        if (may && step(raft, replica)) {
            replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
        }
    }
}

bool raft_want(struct raft *raft, group_id group, const struct raft_target *target) {
    struct replica *replica = raft_replica(raft, group);
    if (replica == NULL || replica->role != RAFT_LEADER) {
        return false;
    }
    if (target == NULL) {
        free(replica->target);
        replica->target = NULL;
        return true;
    }
    check(target->voter_count <= RAFT_VOTERS_MAX && target->learner_count <= RAFT_LEARNERS_MAX);
    if (target->voter_count == 0) {
        return false;
    }
    if (replica->target == NULL) {
        replica->target = calloc(1, sizeof(*replica->target));
        check(replica->target != NULL);
    }
    *replica->target = *target;
    change_look(raft, replica);
    change_take_steps(raft);
    return true;
}
