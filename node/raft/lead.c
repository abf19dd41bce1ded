// The leader's side of replication: rules 1, 2, 5, 9 of distributed.md §4 (Raft §5.3, §5.4.2).
//
// What a follower is sent is drawn from the store when a frame to its node is being filled
// (fill.c). `next` runs ahead of `match` within the window; when an answer says that something in
// between is missing, or none comes, it falls back to probing: one message at a time until the logs
// are known to meet.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

// --- leading -------------------------------------------------------------------------------------

void lead_queue(struct raft *raft, struct replica *replica, struct follower *follower) {
    (void)raft;
    if (!follower->append_queued) {
        follower->append_queued = true;
        ring_push(&follower->pair->appends, replica->id);
    }
}

void lead_queue_all(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        lead_queue(raft, replica, replica->followers[i]);
    }
}

void lead_begin_follower(
    struct raft *raft, struct replica *replica, struct follower *follower, log_index next
) {
    (void)replica;
    flights_clear(follower);
    pair_relist(follower->pair);
    follower->progress = RAFT_PROBING;
    follower->counts = true;
    follower->whole = false;
    follower->reseeds = false;
    follower->install_owed = false;
    follower->install_through = 0;
    follower->rows_from = 0;
    follower->probe_owed = false;
    follower->epoch_known = false;
    follower->log_epoch = 0;
    follower->match = 0;
    follower->match_sequence = 0;
    follower->next = next;
    follower->commit_told = 0;
    follower->commit_known = 0;
    follower->part_sent = 0;
    follower->part_acked = 0;
    follower->listed_version = follower->pair->lead_version;
    follower->excepted_by = 0;
    follower->rounds = 0;
    follower->round_target = 0;
    follower->snapshot_bytes = 0;
    follower->heard = raft->now;
    follower->sent = raft->now;
}

void lead_end_follower(struct raft *raft, struct replica *replica, struct follower *follower) {
    flights_clear(follower);
    install_forget(raft, replica, follower);
    ring_remove(&follower->pair->appends, replica->id);
    ring_remove(&follower->pair->commits, replica->id);
    if (replica->role == RAFT_LEADER) {
        pair_relist(follower->pair);
    }
}

// The no-op opens the term: only with it do entries of earlier terms commit (rule 2).
void lead_begin(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        lead_begin_follower(raft, replica, replica->followers[i], replica->last + 1);
    }
    replica->announced = false;
    replica->read_first = 0;
    replica->read_wanted = 0;
    replica->transfer_to = 0;
    int64_t time_ms = store_group(raft->store, replica->id).time_ms;
    log_lsn lsn = 0;
    store_append_noop(raft->store, replica->id, replica->term, time_ms, &replica->noop, &lsn);
    check(replica->noop == replica->last + 1);
    replica_appended(raft, replica, replica->noop, replica->term, lsn);
    lead_queue_all(raft, replica);
}

void lead_end(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        flights_clear(replica->followers[i]);
        install_forget(raft, replica, replica->followers[i]);
        pair_relist(replica->followers[i]->pair);
    }
    change_end(replica);
    replica->announced = false;
    replica->read_first = 0;
    replica->transfer_to = 0;
    if (!mutant_is("speculation_kept")) {
        store_forget_speculation(raft->store, replica->id);
    }
}

// News of a commit waits for a frame that goes anyway.
static void tell_commit(struct raft *raft, struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        struct follower *follower = replica->followers[i];
        struct pair *pair = follower->pair;
        if (!follower->commit_queued && follower->speaks_from == 0) {
            follower->commit_queued = true;
            if (pair->commits.count == 0) {
                pair->flush = mono_after(raft->now, LIMIT_RAFT_COMMIT_RIDE_MS);
            }
            ring_push(&pair->commits, replica->id);
        }
    }
}

static int64_t counted_match(const struct replica *replica, const struct follower *follower) {
    (void)replica;
    bool counts = follower->counts || mutant_is("installing_counts");
    return counts ? (int64_t)follower->match : 0;
}

// The highest index that a majority has.
static log_index majority_match(const struct raft *raft, const struct replica *replica) {
    int64_t index = member_quorum(raft, replica, (int64_t)replica->durable, counted_match);
    return index < 0 ? 0 : (log_index)index;
}

void lead_count(struct raft *raft, struct replica *replica) {
    log_index index = majority_match(raft, replica);
    bool own_term = index >= replica->noop || mutant_is("commit_old_term");
    if (index <= replica->commit || !own_term) {
        return;
    }
    replica_committed(raft, replica, index);
    tell_commit(raft, replica);
    if (!replica->announced && index >= replica->noop) {
        replica->announced = true;
        (void)raft_event(raft, replica, RAFT_LEADING);
    }
}

mono_time lead_heard(const struct replica *replica, const struct follower *follower) {
    (void)replica;
    mono_time heard = follower->heard;
    if (pair_covers(follower->pair, follower) && follower->pair->confirmed.ns > heard.ns) {
        heard = follower->pair->confirmed;
    }
    return heard;
}

// --- loss ----------------------------------------------------------------------------------------

void lead_lost(struct raft *raft, struct replica *replica, struct follower *follower) {
    if (follower->progress > RAFT_REPLICATING) {
        return;
    }
    if (follower->progress == RAFT_REPLICATING) {
        follower->progress = RAFT_PROBING;
        follower->next = follower->match + 1;
    } else if (follower->flights.count > 0) {
        follower->next = follower->probed + 1;
    }
    flights_clear(follower);
    follower->part_sent = follower->part_acked;
    follower->probe_owed = true;
    follower->sent = raft->now;
    raft->stats.appends_resent++;
    lead_queue(raft, replica, follower);
}

mono_time lead_resend(struct raft *raft, struct replica *replica) {
    mono_time next = {INT64_MAX};
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        struct follower *follower = replica->followers[i];
        bool waits = follower->flights.count > 0 || follower->part_sent > 0;
        bool unsure =
            follower->progress == RAFT_REPLICATING && follower->commit_known < replica->commit;
        bool served = follower->progress <= RAFT_REPLICATING;
        if (!served || !follower->counts) {
            bool due = mono_passed(raft, follower->install_looked, LIMIT_RAFT_RESEND_MS);
            if (due) {
                follower->install_looked = raft->now;
                install_look_after(raft, replica, follower);
            }
            mono_time look = mono_after(follower->install_looked, LIMIT_RAFT_RESEND_MS);
            next = look.ns < next.ns ? look : next;
        }
        if (!served || !(waits || unsure) || pair_is_silent(raft, follower->pair)) {
            continue; // a pair that is heard again is probed at once
        }
        if (mono_passed(raft, follower->sent, LIMIT_RAFT_RESEND_MS)) {
            if (waits) {
                lead_lost(raft, replica, follower);
            } else {
                follower->probe_owed = true; // the news of the commit was lost, or its answer
                follower->sent = raft->now;
                lead_queue(raft, replica, follower);
            }
        }
        mono_time due = mono_after(follower->sent, LIMIT_RAFT_RESEND_MS);
        next = due.ns < next.ns ? due : next;
    }
    return next;
}

// --- answers -------------------------------------------------------------------------------------

// Whether the answer is of the log the follower has now (rule 5).
static bool epoch_fits(struct follower *follower, uint64_t epoch) {
    if (follower->epoch_known && epoch < follower->log_epoch) {
        return mutant_is("ack_of_old_epoch");
    }
    if (follower->epoch_known && epoch > follower->log_epoch) {
        follower->match = 0;
        follower->match_sequence = 0;
        follower->whole = false;
        if (follower->progress <= RAFT_REPLICATING) {
            follower->progress = RAFT_PROBING;
        }
        follower->part_sent = 0;
        follower->part_acked = 0;
        flights_clear(follower);
    }
    follower->epoch_known = true;
    follower->log_epoch = epoch;
    return true;
}

MUST_USE static err receive_ack(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
) {
    if (message->index > replica->last) {
        return err_make(ERR_INVALID, "an acknowledgement of an entry that was never made");
    }
    if (follower->progress > RAFT_NEEDS_SNAPSHOT || follower->reseeds) {
        return ERR_NONE; // it gets rows, or counts for nothing
    }
    follower->whole = follower->whole || message->state == STORE_INSTALL_NONE;
    if (follower->whole && !follower->counts) {
        follower->counts = true; // its install has ended
        follower->install_through = 0;
        install_forget(raft, replica, follower);
    } else if (!follower->whole) {
        follower->counts = false;
    }
    if (message->index > follower->match) {
        follower->match = message->index;
        follower->match_sequence = follower->pair->sequence;
        follower->sent = raft->now;
    }
    if (follower->next <= follower->match) {
        follower->next = follower->match + 1;
        follower->part_sent = 0;
        follower->part_acked = 0;
    }
    if (message->commit > follower->commit_known) {
        follower->commit_known = message->commit;
    }
    follower->progress = RAFT_REPLICATING;
    flights_release(follower, follower->match);
    if (!follower->counts) {
        install_note_ack(raft, replica, follower);
    }
    change_note_ack(raft, replica, follower);
    lead_count(raft, replica);
    if (replica->transfer_to == follower->node) {
        election_transfer_ready(raft, replica);
    }
    if (follower->next <= replica->last) {
        lead_queue(raft, replica, follower);
    }
    return ERR_NONE;
}

void lead_discard(const struct replica *replica, struct follower *follower) {
    follower->progress = RAFT_PEER_FAULTY;
    follower->rows_from = replica->commit;
    follower->part_sent = 0;
    follower->part_acked = 0;
    follower->match = 0;
    flights_clear(follower);
}

// Where the logs may meet: at or below the hint, and not where our term is above the follower's.
static log_index meeting_point(
    const struct raft *raft,
    const struct replica *replica,
    const struct follower *follower,
    const struct message *message
) {
    log_index index = message->hint < message->index ? message->hint : message->index - 1;
    uint64_t term = 0;
    hash128 chain;
    while (index > follower->match &&
           store_entry_term(raft->store, replica->id, index, &term, &chain) &&
           term > message->hint_term) {
        index--;
    }
    return index > follower->match ? index : follower->match;
}

static void receive_reject(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
) {
    if (message->last < follower->match && follower->pair->sequence > follower->match_sequence) {
        // It acknowledged more, in this very epoch: its disk lied. It counts for nothing.
        lead_discard(replica, follower);
        return;
    }
    if (follower->progress == RAFT_INSTALLING) {
        install_receive_reject(raft, replica, follower, message);
        return;
    }
    bool is_stale = follower->progress == RAFT_REPLICATING ? message->index <= follower->match
                                                           : message->index != follower->probed;
    if (is_stale || message->index == 0 || follower->progress > RAFT_REPLICATING) {
        return;
    }
    follower->progress = RAFT_PROBING;
    follower->next = meeting_point(raft, replica, follower, message) + 1;
    follower->part_sent = 0;
    follower->part_acked = 0;
    follower->probe_owed = true;
    flights_clear(follower);
    raft->stats.appends_resent++;
    lead_queue(raft, replica, follower);
}

static void receive_part_ack(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
) {
    bool probing = follower->progress == RAFT_PROBING && follower->part_sent > 0;
    bool fits = message->index == follower->next && follower->progress <= RAFT_REPLICATING;
    if (fits && (probing || message->offset > follower->part_acked)) {
        follower->part_acked = message->offset;
        if (probing || follower->part_sent < message->offset) {
            follower->part_sent = message->offset; // it says where to go on
        }
        follower->sent = raft->now;
        follower->progress = RAFT_REPLICATING;
        flights_clear(follower);
        lead_queue(raft, replica, follower);
    }
}

err lead_receive(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
) {
    struct follower *follower = replica_follower(replica, from->node);
    check(follower != NULL);
    if (message->term > replica->term) {
        election_follow(raft, replica, message->term, 0);
    }
    bool is_current = message->term == replica->term || mutant_is("ack_of_old_term");
    if (replica->role != RAFT_LEADER || !is_current || !epoch_fits(follower, message->epoch)) {
        return ERR_NONE;
    }
    follower->heard = raft->now;
    if (message->kind == MESSAGE_ACK) {
        return receive_ack(raft, replica, follower, message);
    }
    if (message->kind == MESSAGE_REJECT) {
        receive_reject(raft, replica, follower, message);
    } else if (message->kind == MESSAGE_INSTALL_ACK) {
        install_receive_ack(raft, replica, follower, message);
    } else {
        check(message->kind == MESSAGE_PART_ACK);
        receive_part_ack(raft, replica, follower, message);
    }
    return ERR_NONE;
}
