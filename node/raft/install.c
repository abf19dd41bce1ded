// A follower that needs entries which are no longer kept gets the group's rows instead: rules I1–I4
// of distributed.md §4.1.
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

static const int64_t NS_PER_SECOND = 1000000000;

enum {
    INSTALL_LOOK_MS = 20, // between looks at what a checkpoint may have done
    INSTALL_AHEAD_MS = 20 // of the rate, until an answer waits: a chunk or two
};

// --- the leader's side ---------------------------------------------------------------------------

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

// --- the follower's side -------------------------------------------------------------------------

void install_open(struct raft *raft, struct replica *replica) {
    replica->install_state = store_installing(raft->store, replica->id);
    if (replica->install_state != STORE_INSTALL_NONE) {
        if (replica->install_state != STORE_INSTALL_FORGETTING) {
            (void)raft_event(raft, replica, RAFT_INSTALLING_ROWS); // cut short by a process's end
        }
        replica_wake(raft, replica, mono_after(raft->now, INSTALL_LOOK_MS));
    }
}

static void say_state(struct raft *raft, struct replica *replica) {
    struct pair *leader = raft_pair(raft, replica->leader);
    bool durable = replica->install_lsn <= raft->durable && replica_hard_durable(raft, replica);
    if (leader == NULL || !durable || replica->install_state == STORE_INSTALL_NONE) {
        return;
    }
    struct message state = {
        .kind = MESSAGE_INSTALL_ACK,
        .group = replica->id,
        .term = replica->term,
        .epoch = store_log_epoch(raft->store, replica->id),
        .install = replica->install_id,
        .number = replica->install_number,
        .offset = replica->install_piece.size,
        .state = replica->install_state,
    };
    pair_say(raft, leader, &state);
}

// Rows come to a replica that takes none: its leader began with one that is gone with its store.
static void say_nothing_begun(struct raft *raft, struct replica *replica) {
    struct message state = {
        .kind = MESSAGE_INSTALL_ACK,
        .group = replica->id,
        .term = replica->term,
        .epoch = store_log_epoch(raft->store, replica->id),
        .state = STORE_INSTALL_NONE,
    };
    if (replica_hard_durable(raft, replica)) {
        pair_say(raft, raft_pair(raft, replica->leader), &state);
    }
}

// Whether entries may be taken; else says why not.
bool install_takes_entries(struct raft *raft, struct replica *replica) {
    if (replica->install_state == STORE_INSTALL_NONE) {
        return true;
    }
    install_look(raft, replica);
    if (replica->install_state == STORE_INSTALL_NONE ||
        replica->install_state == STORE_INSTALL_FOLLOWING) {
        return true;
    }
    say_state(raft, replica);
    return false;
}

static void finish(struct raft *raft, struct replica *replica) {
    replica->install_through = 0;
    replica->install_id = 0;
    buffer_deinit(&replica->install_piece);
    member_reload(raft, replica);
    raft_event(raft, replica, RAFT_INSTALLED)->index = replica->commit;
    replica->ack_owed = true;
    raft->stats.installs_ended++;
    election_rearm(raft, replica);
    pair_refresh(raft, replica);
}

// The rate allows for more.
static void say_what_waited(struct raft *raft, struct replica *replica) {
    if (replica->install_waits && raft->now.ns >= raft->install_paid.ns) {
        replica->install_waits = false;
        say_state(raft, replica);
    } else if (replica->install_waits) {
        replica_wake(raft, replica, raft->install_paid);
    }
}

// A checkpoint may have brought the install further.
void install_look(struct raft *raft, struct replica *replica) {
    if (replica->install_state == STORE_INSTALL_NONE) {
        return;
    }
    enum store_install before = replica->install_state;
    replica->install_state = store_installing(raft->store, replica->id);
    bool may_end = replica->install_state == STORE_INSTALL_FOLLOWING &&
                   replica->install_through != 0 && replica->commit >= replica->install_through;
    if (may_end) {
        store_install_end(raft->store, replica->id, replica->install_through);
    }
    if (replica->install_state == STORE_INSTALL_NONE && before == STORE_INSTALL_FORGETTING) {
        pair_refresh(raft, replica); // the rows of an earlier replica are gone: nothing came
        return;
    }
    if (replica->install_state == STORE_INSTALL_NONE) {
        finish(raft, replica);
        follow_durable(raft, replica);
        return;
    }
    if (replica->install_state != before) {
        say_state(raft, replica);
    }
    say_what_waited(raft, replica);
    replica_wake(raft, replica, mono_after(raft->now, INSTALL_LOOK_MS));
}

void install_durable(struct raft *raft, struct replica *replica) {
    if (replica->install_owed && replica->install_lsn <= raft->durable) {
        replica->install_owed = false;
        say_state(raft, replica);
    }
}

MUST_USE static err
drop(struct raft *raft, struct replica *replica, const struct message *message) {
    if (message->index == 0 || message->log_term > message->term) {
        return err_make(ERR_INVALID, "a snapshot of no position");
    }
    struct store_position position = {
        .index = message->index,
        .term = message->log_term,
        .chain = message->chain,
        .time_ms = (int64_t)message->time,
    };
    if (replica->install_state == STORE_INSTALL_NONE ||
        replica->install_state == STORE_INSTALL_FORGETTING) {
        (void)raft_event(raft, replica, RAFT_INSTALLING_ROWS);
    }
    replica->quarantined = false;
    follow_forget(replica);
    replica->install_lsn = store_install_begin(raft->store, replica->id, &position);
    replica->install_state = STORE_INSTALL_DROPPING;
    replica->install_id = message->install;
    replica->install_number = 1;
    replica->install_through = 0;
    replica->install_owed = true;
    replica->install_waits = false;
    buffer_deinit(&replica->install_piece);
    buffer_init(&replica->install_piece, LIMIT_RAFT_ENTRY_BYTES);
    replica->last = position.index;
    replica->last_term = position.term;
    replica->commit = position.index;
    replica->durable = 0;
    member_dropped(raft, replica);
    replica->cut_lsn = replica->install_lsn; // what was appended before is of the old log
    raft_pending(raft, replica->install_lsn, replica->id, position.index);
    pair_refresh(raft, replica);
    replica_wake(raft, replica, mono_after(raft->now, INSTALL_LOOK_MS));
    return ERR_NONE;
}

MUST_USE static err
take_begin(struct raft *raft, struct replica *replica, const struct message *message) {
    bool is_known = replica->install_id != 0 && replica->install_id == message->install;
    bool is_current = message->epoch == store_log_epoch(raft->store, replica->id);
    bool is_wanted =
        replica->install_state != STORE_INSTALL_NONE || message->index > replica->commit;
    if (!is_known && is_current && is_wanted) {
        return drop(raft, replica, message);
    }
    if (replica->install_state == STORE_INSTALL_NONE) {
        replica->reject_owed = true; // tells the epoch, and that the position is nothing new
        replica->reject_index = message->index;
        replica->reject_hint = replica->commit;
        replica->reject_term = replica->term;
        follow_durable(raft, replica);
    }
    say_state(raft, replica);
    return ERR_NONE;
}

// So many bytes of rows were taken. Whether the answer waits until the rate allows more.
static bool goes_too_fast(struct raft *raft, struct replica *replica, size_t size) {
    int64_t ns = (int64_t)size * NS_PER_SECOND / LIMIT_RAFT_INSTALL_BYTES_PER_SECOND;
    int64_t from_ns = raft->install_paid.ns > raft->now.ns ? raft->install_paid.ns : raft->now.ns;
    raft->install_paid.ns = from_ns + ns;
    if (raft->install_paid.ns < mono_after(raft->now, INSTALL_AHEAD_MS).ns) {
        return false;
    }
    replica->install_waits = true;
    replica_wake(raft, replica, raft->install_paid);
    return true;
}

MUST_USE static err
take_chunk(struct raft *raft, struct replica *replica, const struct message *message) {
    bool fits = replica->install_id != 0 && message->install == replica->install_id &&
                message->number == replica->install_number &&
                message->offset == replica->install_piece.size &&
                replica->install_lsn <= raft->durable;
    if (!fits) {
        say_state(raft, replica);
        return ERR_NONE;
    }
    if (message->total > LIMIT_RAFT_ENTRY_BYTES || message->offset > message->total ||
        message->body.size > message->total - message->offset) {
        return err_make(ERR_INVALID, "a piece beyond its chunk");
    }
    buffer_append(&replica->install_piece, message->body);
    if (replica->install_piece.size == message->total) {
        err error = store_install_rows(
            raft->store, replica->id, buffer_bytes(&replica->install_piece), message->final == 1
        );
        bool later = error.code == ERR_UNAVAILABLE;
        if (later) {
            replica->install_piece.size -= message->body.size; // its last piece comes again
            return ERR_NONE;
        }
        buffer_clear(&replica->install_piece);
        if (err_is(error)) {
            return err_make(ERR_INVALID, "a chunk that holds what is no row");
        }
        replica->install_number++;
    }
    if (!goes_too_fast(raft, replica, message->body.size)) {
        say_state(raft, replica);
    }
    return ERR_NONE;
}

err install_receive(struct raft *raft, struct replica *replica, const struct message *message) {
    install_look(raft, replica);
    if (message->kind == MESSAGE_INSTALL) {
        return take_begin(raft, replica, message);
    }
    if (replica->install_state == STORE_INSTALL_NONE) {
        if (message->kind == MESSAGE_CHUNK) {
            say_nothing_begun(raft, replica);
        }
        return ERR_NONE; // over, or of another life
    }
    if (message->kind == MESSAGE_CHUNK) {
        return take_chunk(raft, replica, message);
    }
    check(message->kind == MESSAGE_INSTALL_END);
    if (message->epoch == store_log_epoch(raft->store, replica->id)) {
        replica->install_through = message->index;
        install_look(raft, replica);
    }
    return ERR_NONE;
}
