// The side of a replica that is given rows (install.c draws the whole): it drops its log, hands
// chunks to the store, takes entries once it has them all, and asks the store for the end when its
// leader said which entry has to be here. Every step is said to the leader only when it is durable.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"

static const int64_t NS_PER_SECOND = 1000000000;

enum {
    INSTALL_LOOK_MS = 20, // between looks at what a checkpoint may have done
    INSTALL_AHEAD_MS = 20 // of the rate, until an answer waits: a chunk or two
};

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
