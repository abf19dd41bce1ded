// A follower that needs entries which are no longer kept gets the group's rows instead: rules I1–I4
// of distributed.md §4.1. Here is its leader's side; its own is in installed.c.
//
//   leader                                              follower
//   needs-snapshot ── INSTALL (position, epoch) ──────► drops its log, epoch + 1; durable: answers
//   installing     ── CHUNK 1, 2, … last, in pieces ──► hands each to the store, answers
//   probing        ── entries after the position ─────► takes them, does not acknowledge for
//   commits
//                  ── INSTALL_END (through) ──────────► once through is committed: asks the store
//   replicating    ◄── acknowledgements ─────────────── the store cleared the mark: a voter again
//
// One piece is on its way at a time: nothing floods the link, and the slower disk sets the pace, or
// the rate at which a node takes rows from all leaders together: an answer that comes later brings
// the next piece later. A chunk stays in memory until it is acknowledged, because a second scan may
// end elsewhere. From the first message to the end the follower refuses votes and acknowledgements
// and takes the group out of its statement to the leader (pair.c); the leader does not count it
// (I1, I2).
//
// `through`, once the leader's first entry is committed, is its commit when it learns that all rows
// are there: that is at least its commit at the beginning (c0), and no row any scan gave, of this
// or an earlier leader, is newer. Before, it is the age of the newest row, of its own scan, and
// said when the follower's log holds the leader's first entry: R1–R3 of the README, in place of I2.
// A follower that restarts in the middle of the rows, or hears another leader, begins anew at a
// fresh epoch; with all rows it goes on.
//
// Votes are refused to who has less than the rows are of, only: R4 there, may_vote_for in
// election.c.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

static struct snapshot *
snapshot_of(struct raft *raft, const struct replica *replica, node_id node) {
    for (uint32_t i = 0; i < LIMIT_RAFT_SNAPSHOTS; i++) {
        struct snapshot *snapshot = &raft->snapshots[i];
        bool same = snapshot->group == replica->id && snapshot->node == node;
        if (snapshot->used && same) {
            return snapshot;
        }
    }
    return NULL;
}

// A free one, unless the group has one under way: the log is held from one place only.
static struct snapshot *snapshot_free(struct raft *raft, const struct replica *replica) {
    struct snapshot *free_one = NULL;
    for (uint32_t i = 0; i < LIMIT_RAFT_SNAPSHOTS; i++) {
        struct snapshot *snapshot = &raft->snapshots[i];
        if (snapshot->used && snapshot->group == replica->id) {
            return NULL;
        }
        if (!snapshot->used) {
            free_one = snapshot;
        }
    }
    return free_one;
}

static void owe(struct raft *raft, struct replica *replica, struct follower *follower) {
    follower->install_owed = true;
    lead_queue(raft, replica, follower);
}

// A number stands for one position: a follower that has begun it has begun there.
static void place(struct raft *raft, struct snapshot *snapshot, struct follower *follower) {
    follower->install_through = 0;
    snapshot->id = ++raft->snapshot_count;
    snapshot->begun = false;
    snapshot->placed = raft->now;
    snapshot->position = store_position(raft->store, snapshot->group);
    if (mutant_is("install_from_uncommitted")) {
        struct store_group known = store_group(raft->store, snapshot->group);
        snapshot->position = (struct store_position
        ){known.last_index, known.last_term, known.last_chain, known.time_ms};
    }
    store_hold(raft->store, snapshot->group, snapshot->position.index + 1);
}

// Before its own first entry is committed a leader gives rows only to who may be needed for that.
static bool may_begin(const struct raft *raft, struct replica *replica, struct follower *follower) {
    bool needed = follower->votes != 0 && follower->progress != RAFT_PEER_FAULTY;
    log_index position = store_position(raft->store, replica->id).index;
    return (replica->announced || needed) && position > 0 && position >= follower->rows_from;
}

static void begin(struct raft *raft, struct replica *replica, struct follower *follower) {
    install_forget(raft, replica, follower);
    bool may = may_begin(raft, replica, follower);
    struct snapshot *snapshot = may ? snapshot_free(raft, replica) : NULL;
    if (snapshot == NULL) {
        return;
    }
    snapshot->used = true;
    snapshot->group = replica->id;
    snapshot->node = follower->node;
    place(raft, snapshot, follower);
    follower->progress = RAFT_INSTALLING;
    follower->rounds = 0;
    follower->snapshot_bytes = 0;
    raft->stats.installs_begun++;
    owe(raft, replica, follower);
}

void install_forget(struct raft *raft, struct replica *replica, const struct follower *follower) {
    struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (snapshot != NULL) {
        snapshot->used = false;
        buffer_clear(&snapshot->rows);
        store_hold(raft->store, replica->id, 0);
    }
}

// --- its end, as its leader sees it --------------------------------------------------------------

// Whether the rows that the follower has are those of the snapshot.
static bool has_its_rows(const struct snapshot *snapshot, const struct follower *follower) {
    return snapshot != NULL && snapshot->begun && snapshot->last &&
           snapshot->epoch == follower->log_epoch;
}

// What the follower's rows need to be of one age, given that it has all of them and that its log
// may be counted on from then on; 0: not known, or it lacks entries. Committed in this term or
// known to be: a leader whose first entry is not committed vouches for its own rows alone.
static log_index end_of(struct raft *raft, struct replica *replica, struct follower *follower) {
    const struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (replica->announced) {
        return replica->commit;
    }
    bool has_log = follower->match >= replica->noop || mutant_is("install_ends_before_noop");
    return has_log && has_its_rows(snapshot, follower) ? snapshot->applied : 0;
}

static void ask_for_end(struct raft *raft, struct replica *replica, struct follower *follower) {
    struct message end = {
        .kind = MESSAGE_INSTALL_END,
        .group = replica->id,
        .term = replica->term,
        .epoch = follower->log_epoch,
        .index = follower->install_through,
    };
    pair_say(raft, follower->pair, &end);
}

// Nobody else helps the leader to commit its first entry, and nobody knows how old the rows are
// that an earlier one gave: they are given anew.
static bool is_stuck(struct raft *raft, struct replica *replica, struct follower *follower) {
    return !replica->announced && mono_passed(raft, replica->elected, LIMIT_RAFT_ELECTION_MS) &&
           !has_its_rows(snapshot_of(raft, replica, follower->node), follower);
}

// The follower has all rows.
static void look_for_end(struct raft *raft, struct replica *replica, struct follower *follower) {
    if (follower->install_through == 0) {
        follower->install_through = end_of(raft, replica, follower);
    }
    if (follower->install_through != 0) {
        ask_for_end(raft, replica, follower);
    } else if (is_stuck(raft, replica, follower)) {
        begin(raft, replica, follower);
    }
}

void install_note_ack(struct raft *raft, struct replica *replica, struct follower *follower) {
    if (follower->install_through == 0 && end_of(raft, replica, follower) != 0) {
        look_for_end(raft, replica, follower);
    }
}

// Begins, sends again, asks for the end, or gives up on a node that is gone.
void install_look_after(struct raft *raft, struct replica *replica, struct follower *follower) {
    struct pair *pair = follower->pair;
    bool is_gone = mono_passed(raft, pair->heard, LIMIT_RAFT_ABANDON_MS);
    if (is_gone && follower->progress == RAFT_INSTALLING) {
        install_forget(raft, replica, follower);
        follower->progress = RAFT_NEEDS_SNAPSHOT;
    }
    if (pair_is_silent(raft, pair) || heed_is_lost(follower)) {
        return;
    }
    if (follower->progress == RAFT_NEEDS_SNAPSHOT || follower->progress == RAFT_PEER_FAULTY) {
        begin(raft, replica, follower);
    } else if (follower->progress == RAFT_INSTALLING) {
        struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
        check(snapshot != NULL);
        if (!snapshot->begun && mono_passed(raft, snapshot->placed, LIMIT_RAFT_ABANDON_MS)) {
            place(raft, snapshot, follower); // it takes none that is older than what it has
        }
        owe(raft, replica, follower);
    } else if (!follower->counts) {
        look_for_end(raft, replica, follower);
    }
}

// Whether all that is committed is on a majority that the follower is not part of.
static bool
others_suffice(const struct raft *raft, group_id group, const struct follower *follower) {
    struct raft_group_status status = raft_status(raft, group);
    uint32_t count = status.votes && status.durable >= status.commit ? 1 : 0;
    for (uint32_t i = 0; i < status.follower_count; i++) {
        const struct raft_follower_status *other = &status.followers[i];
        count += other->node != follower->node && other->voter && other->counts && other->answers &&
                 other->match >= status.commit;
    }
    return !status.joint && 2 * count > status.voter_count;
}

// Rows are taken only when they are newer than what is there: so there has to be something newer.
static void append_nothing(struct raft *raft, struct replica *replica) {
    int64_t time_ms = store_group(raft->store, replica->id).time_ms;
    log_index index = 0;
    log_lsn lsn = 0;
    store_append_noop(raft->store, replica->id, replica->term, time_ms, &index, &lsn);
    replica_appended(raft, replica, index, replica->term, lsn);
    lead_queue_all(raft, replica);
}

bool raft_reseed(struct raft *raft, group_id group, node_id node) {
    struct replica *replica = raft_replica(raft, group);
    bool leads = replica != NULL && replica->role == RAFT_LEADER && replica->announced;
    struct follower *follower = leads ? replica_follower(replica, node) : NULL;
    bool keeps_up = follower != NULL && follower->counts && !follower->reseeds &&
                    follower->progress <= RAFT_REPLICATING;
    if (!keeps_up || !others_suffice(raft, group, follower)) {
        return false;
    }
    follower->reseeds = true;
    follower->counts = false;
    lead_discard(replica, follower);
    append_nothing(raft, replica);
    install_look_after(raft, replica, follower);
    return true;
}

void raft_quarantine(struct raft *raft, group_id group) {
    struct replica *replica = raft_replica(raft, group);
    if (replica != NULL && replica->install_state == STORE_INSTALL_NONE &&
        replica->role != RAFT_LEADER) {
        replica->quarantined = true;
        store_distrust(raft->store, group);
    }
}

bool raft_is_quarantined(const struct raft *raft, group_id group) {
    const struct replica *replica = raft_replica(raft, group);
    return replica != NULL && replica->quarantined;
}

// The next chunk. False: the state cannot be read here.
static bool scan(struct raft *raft, struct snapshot *snapshot) {
    bool done = false;
    log_index applied = 0;
    err error = store_scan(
        raft->store,
        snapshot->group,
        buffer_bytes(&snapshot->next),
        LIMIT_RAFT_CHUNK_BYTES,
        &snapshot->rows,
        &snapshot->next,
        &done,
        &applied
    );
    snapshot->number++;
    snapshot->offset = 0;
    snapshot->last = done;
    snapshot->applied = applied;
    return !err_is(error) && !snapshot->rows.overflowed;
}

static void put_begin(
    const struct replica *replica,
    const struct follower *follower,
    const struct snapshot *snapshot,
    struct buffer *frame
) {
    struct message message = {
        .kind = MESSAGE_INSTALL,
        .group = replica->id,
        .term = replica->term,
        .from = replica->number,
        .to = follower->replica,
        .epoch = follower->log_epoch,
        .install = snapshot->id,
        .index = snapshot->position.index,
        .log_term = snapshot->position.term,
        .time = (uint64_t)snapshot->position.time_ms,
        .chain = snapshot->position.chain,
    };
    message_put(frame, &message);
}

static void put_piece(
    const struct replica *replica,
    struct follower *follower,
    const struct snapshot *snapshot,
    struct buffer *frame
) {
    size_t from = (size_t)snapshot->offset;
    size_t size = snapshot->rows.size - from;
    size = size > LIMIT_RAFT_PART_BYTES ? LIMIT_RAFT_PART_BYTES : size;
    struct message message = {
        .kind = MESSAGE_CHUNK,
        .group = replica->id,
        .term = replica->term,
        .from = replica->number,
        .to = follower->replica,
        .install = snapshot->id,
        .number = snapshot->number,
        .offset = from,
        .total = snapshot->rows.size,
        .final = snapshot->last ? 1 : 0,
        .body = bytes_slice(buffer_bytes(&snapshot->rows), from, from + size),
    };
    follower->snapshot_bytes += size;
    message_put(frame, &message);
}

bool install_fill(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct buffer *frame,
    size_t frame_bytes_max
) {
    struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (snapshot == NULL || !follower->install_owed || pair_is_silent(raft, follower->pair)) {
        return false;
    }
    if (frame->size + MESSAGE_HEAD_BYTES_MAX + LIMIT_RAFT_PART_BYTES > frame_bytes_max) {
        return true;
    }
    if (snapshot->begun) {
        put_piece(replica, follower, snapshot, frame);
    } else {
        put_begin(replica, follower, snapshot, frame);
    }
    follower->install_owed = false;
    follower->sent = raft->now;
    replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
    raft->stats.messages_sent++;
    return false;
}

// All rows are there: entries follow.
static void go_on(struct raft *raft, struct replica *replica, struct follower *follower) {
    const struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (follower->progress > RAFT_REPLICATING) {
        follower->progress = RAFT_PROBING;
        follower->next = snapshot != NULL ? snapshot->position.index + 1 : replica->last + 1;
        follower->match = 0;
    }
    follower->probe_owed = true;
    lead_queue(raft, replica, follower);
    install_look_after(raft, replica, follower);
}

static void next_piece(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct snapshot *snapshot,
    const struct message *message
) {
    bool is_next = message->number == snapshot->number + 1 && message->offset == 0;
    if (!snapshot->begun || (is_next && !snapshot->last)) {
        if (!snapshot->begun) {
            snapshot->begun = true;
            snapshot->epoch = message->epoch;
            follower->reseeds = false;
            snapshot->number = 0;
            buffer_clear(&snapshot->next);
        }
        if (!scan(raft, snapshot)) {
            install_forget(raft, replica, follower);
            follower->progress = RAFT_NEEDS_SNAPSHOT;
            return;
        }
        owe(raft, replica, follower);
    } else if (message->number == snapshot->number && message->offset > snapshot->offset &&
               message->offset <= snapshot->rows.size) {
        snapshot->offset = message->offset;
        owe(raft, replica, follower);
    } // else it came twice, or all is taken and a checkpoint writes it: asked again in a while
}

// It took no position yet, and says where it stands: perhaps entries will do.
void install_receive_reject(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
) {
    struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (follower->reseeds) { // it stays away until there are rows that are newer
        bool newer = store_position(raft->store, replica->id).index > message->hint;
        if (snapshot != NULL && snapshot->position.index <= message->hint && newer) {
            place(raft, snapshot, follower);
        }
        return;
    }
    if (snapshot != NULL && !snapshot->begun && message->hint >= snapshot->position.index) {
        install_forget(raft, replica, follower);
        follower->progress = RAFT_PROBING;
        follower->next = (message->hint < replica->last ? message->hint : replica->last) + 1;
        follower->probe_owed = true;
        lead_queue(raft, replica, follower);
    }
}

void install_receive_ack(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
) {
    bool is_over = message->state == STORE_INSTALL_NONE
                       ? follower->progress != RAFT_INSTALLING
                       : follower->whole && !mutant_is("old_install_begins_anew");
    if (is_over) {
        return;
    }
    follower->counts = false;
    if (message->state == STORE_INSTALL_FOLLOWING) {
        go_on(raft, replica, follower);
        return;
    }
    struct snapshot *snapshot = snapshot_of(raft, replica, follower->node);
    if (snapshot == NULL || follower->progress != RAFT_INSTALLING) {
        install_forget(raft, replica, follower);
        follower->progress = RAFT_NEEDS_SNAPSHOT; // begun by another leader, or before a restart
        follower->install_through = 0;
        begin(raft, replica, follower);
    } else if (message->install == snapshot->id) {
        next_piece(raft, replica, follower, snapshot, message);
    } else if (snapshot->begun) {
        place(raft, snapshot, follower); // it restarted: anew, at a fresh epoch
        owe(raft, replica, follower);
    }
}
