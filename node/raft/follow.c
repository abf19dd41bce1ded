// The follower's side: rules 1, 4, 5 of distributed.md §4 (Raft §5.3).
//
// `matched` is how far the log is known to be the leader's, in this term; `durable` how far it is
// on disk. Only the lesser of both is acknowledged, once per batch of the log however many messages
// brought it. Committed is what the leader says, as far as `matched`: below it the log may be
// another's.
//
// Nothing here trusts the sender: what no correct leader sends is ERR_INVALID, what the store
// cannot take is left out and comes again.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

#include <stdlib.h>

void follow_reset(struct replica *replica) {
    replica->matched = 0;
    replica->leader_commit = 0;
    replica->acked = 0;
    replica->ack_owed = false;
    replica->reject_owed = false;
    replica->install_id = 0; // numbers are one leader's
    if (replica->assembly != NULL) {
        buffer_deinit(&replica->assembly->payload);
        free(replica->assembly);
        replica->assembly = NULL;
    }
}

static log_index lesser(log_index left, log_index right) {
    return left < right ? left : right;
}

void follow_forget(struct replica *replica) {
    follow_reset(replica);
    replica->leader_commit = 0;
}

// --- answers -------------------------------------------------------------------------------------

static void say_ack(struct raft *raft, struct replica *replica, struct pair *pair) {
    bool early = mutant_is("ack_before_sync");
    log_index index = early ? replica->matched : lesser(replica->matched, replica->durable);
    bool is_whole = index == replica->matched;
    if (index > replica->acked || (replica->ack_owed && is_whole)) {
        replica->acked = index > replica->acked ? index : replica->acked;
        replica->ack_owed = replica->ack_owed && !is_whole;
        struct message ack = {
            .kind = MESSAGE_ACK,
            .group = replica->id,
            .term = replica->term,
            .index = index,
            .commit = replica->commit,
            .epoch = store_log_epoch(raft->store, replica->id),
            .state = replica->install_state,
        };
        pair_say(raft, pair, &ack);
    }
}

static void say_reject(struct raft *raft, struct replica *replica, struct pair *pair) {
    if (replica->reject_owed) {
        replica->reject_owed = false;
        struct message reject = {
            .kind = MESSAGE_REJECT,
            .group = replica->id,
            .term = replica->term,
            .index = replica->reject_index,
            .hint = replica->reject_hint,
            .hint_term = replica->reject_term,
            .last = replica->last,
            .epoch = store_log_epoch(raft->store, replica->id),
        };
        pair_say(raft, pair, &reject);
    }
}

void follow_durable(struct raft *raft, struct replica *replica) {
    struct pair *leader = raft_pair(raft, replica->leader);
    if (replica->role != RAFT_FOLLOWER || leader == NULL) {
        return;
    }
    log_index bound = mutant_is("commit_beyond_match") ? replica->last : replica->matched;
    log_index commit = lesser(replica->leader_commit, bound);
    if (commit > replica->commit) {
        replica_committed(raft, replica, commit);
        install_look(raft, replica);
    }
    if (replica_hard_durable(raft, replica)) {
        say_ack(raft, replica, leader);
        say_reject(raft, replica, leader);
    }
}

// --- where the logs meet -------------------------------------------------------------------------

// The highest index at or below `from` whose term is not above `term`; nothing committed is in
// doubt.
static void note_reject(
    struct raft *raft, struct replica *replica, log_index prev, log_index from, uint64_t term
) {
    log_index index = from;
    uint64_t own = 0;
    hash128 chain;
    while (index > replica->commit &&
           store_entry_term(raft->store, replica->id, index, &own, &chain) && own > term) {
        index--;
    }
    if (!store_entry_term(raft->store, replica->id, index, &own, &chain)) {
        own = term;
    }
    replica->reject_owed = true;
    replica->reject_index = prev;
    replica->reject_hint = index;
    replica->reject_term = own;
}

// Whether the entry before the message's is the leader's. ERR_INVALID: no leader could say that.
MUST_USE static err
meets(struct raft *raft, struct replica *replica, const struct message *message, bool *out_meets) {
    log_index prev = message->index;
    *out_meets = false;
    if (prev > replica->last) {
        note_reject(raft, replica, prev, replica->last, message->log_term);
        return ERR_NONE;
    }
    uint64_t term = 0;
    hash128 chain;
    bool known = store_entry_term(raft->store, replica->id, prev, &term, &chain);
    if (known && term == message->log_term && !hash128_equal(chain, message->chain)) {
        raft->stats.appends_refused++;
        return err_make(ERR_INVALID, "an append whose chain is not that of the log");
    }
    bool same = known ? term == message->log_term : prev <= replica->commit;
    if (!same && prev <= replica->commit) {
        return err_make(ERR_INVALID, "an append against what is committed");
    }
    if (!same) {
        note_reject(raft, replica, prev, prev - 1, message->log_term);
        return ERR_NONE;
    }
    *out_meets = true;
    return ERR_NONE;
}

// --- entries -------------------------------------------------------------------------------------

enum take {
    TAKE_HAVE,   // it is here
    TAKE_APPEND, // it is the next one
    TAKE_INVALID
};

// Truncates on a real conflict only, and never below what is committed (rule 4).
static enum take prepare(
    struct raft *raft,
    struct replica *replica,
    log_index index,
    const struct store_entry *entry,
    uint64_t leader_term
) {
    if (entry->term > leader_term) {
        return TAKE_INVALID;
    }
    if (index <= replica->commit) {
        return TAKE_HAVE;
    }
    if (index <= replica->last) {
        uint64_t term = 0;
        hash128 chain;
        bool known = store_entry_term(raft->store, replica->id, index, &term, &chain);
        check(known); // everything above what is applied is
        if (term == entry->term) {
            return hash128_equal(chain, entry->chain) ? TAKE_HAVE : TAKE_INVALID;
        }
        if (index <= replica->matched) {
            return TAKE_INVALID; // a leader does not contradict itself
        }
        replica_cut(raft, replica, index);
    }
    return TAKE_APPEND;
}

// False: the store refuses it now. What comes after it in the message is left out too.
static bool append(
    struct raft *raft, struct replica *replica, log_index index, const struct store_entry *entry
) {
    log_lsn lsn = 0;
    bool has_config = false;
    struct config config;
    if (err_is(member_parse(entry->payload, index, &has_config, &config)) ||
        err_is(store_append(raft->store, replica->id, entry, &lsn))) {
        raft->stats.appends_refused++;
        return false;
    }
    replica_appended(raft, replica, index, entry->term, lsn);
    raft->stats.entries_appended++;
    if (has_config) {
        member_appended(raft, replica, &config);
    }
    return true;
}

static void note_matched(struct replica *replica, log_index index) {
    replica->matched = index > replica->matched ? index : replica->matched;
    replica->ack_owed = true;
}

// The planted bug of rule 4: an append that ends below our last entry is no reason to cut.
static void cut_stale(struct raft *raft, struct replica *replica, log_index end) {
    if (mutant_is("truncate_on_stale_append") && end < replica->last && end >= replica->commit) {
        replica_cut(raft, replica, end + 1);
        replica->matched = lesser(replica->matched, end);
    }
}

MUST_USE static err
take_entries(struct raft *raft, struct replica *replica, const struct message *message) {
    bytes rest = message->body;
    log_index index = message->index;
    note_matched(replica, index);
    while (rest.size > 0) {
        struct store_entry entry;
        TRY(message_take_entry(&rest, &entry));
        enum take take = prepare(raft, replica, index + 1, &entry, message->term);
        if (take == TAKE_INVALID) {
            return err_make(ERR_INVALID, "an append that contradicts its leader's log");
        }
        if (take == TAKE_APPEND && !append(raft, replica, index + 1, &entry)) {
            return ERR_NONE;
        }
        index++;
        note_matched(replica, index);
    }
    cut_stale(raft, replica, index);
    return ERR_NONE;
}

// --- parts of a large entry ----------------------------------------------------------------------

static void
say_part_ack(struct raft *raft, struct replica *replica, log_index index, uint64_t offset) {
    struct pair *leader = raft_pair(raft, replica->leader);
    if (leader != NULL && replica_hard_durable(raft, replica)) {
        struct message ack = {
            .kind = MESSAGE_PART_ACK,
            .group = replica->id,
            .term = replica->term,
            .epoch = store_log_epoch(raft->store, replica->id),
            .index = index,
            .offset = offset,
        };
        pair_say(raft, leader, &ack);
    }
}

static void assembly_begin(
    struct replica *replica, log_index index, const struct store_entry *entry, uint64_t total
) {
    if (replica->assembly == NULL) {
        replica->assembly = calloc(1, sizeof(*replica->assembly));
        check(replica->assembly != NULL);
        buffer_init(&replica->assembly->payload, LIMIT_RAFT_ENTRY_BYTES);
    }
    struct assembly *assembly = replica->assembly;
    buffer_clear(&assembly->payload);
    assembly->index = index;
    assembly->entry = *entry;
    assembly->entry.payload = BYTES_EMPTY;
    assembly->total = total;
}

static bool assembly_fits(
    const struct assembly *assembly,
    log_index index,
    const struct store_entry *entry,
    uint64_t total
) {
    return assembly != NULL && assembly->index == index && assembly->total == total &&
           assembly->entry.term == entry->term &&
           hash128_equal(assembly->entry.chain, entry->chain);
}

MUST_USE static err
take_part(struct raft *raft, struct replica *replica, const struct message *message) {
    struct store_entry part;
    uint64_t total = 0;
    TRY(message_take_part(message->body, &part, &total));
    if (total > LIMIT_RAFT_ENTRY_BYTES || message->offset > total ||
        part.payload.size > total - message->offset) {
        return err_make(ERR_INVALID, "a part beyond its entry");
    }
    log_index index = message->index + 1;
    note_matched(replica, message->index);
    enum take take = prepare(raft, replica, index, &part, message->term);
    if (take == TAKE_INVALID) {
        return err_make(ERR_INVALID, "a part that contradicts its leader's log");
    }
    if (take == TAKE_HAVE) {
        note_matched(replica, index);
        return ERR_NONE;
    }
    if (message->offset == 0) {
        assembly_begin(replica, index, &part, total);
    }
    struct assembly *assembly = replica->assembly;
    if (!assembly_fits(assembly, index, &part, total)) {
        say_part_ack(raft, replica, index, 0);
        return ERR_NONE;
    }
    if (assembly->payload.size == message->offset) {
        buffer_append(&assembly->payload, part.payload);
    }
    say_part_ack(raft, replica, index, assembly->payload.size); // where to go on
    if (assembly->payload.size == total) {
        struct store_entry whole = assembly->entry;
        whole.payload = buffer_bytes(&assembly->payload);
        if (append(raft, replica, index, &whole)) {
            note_matched(replica, index);
        }
        buffer_deinit(&assembly->payload);
        free(assembly);
        replica->assembly = NULL;
    }
    return ERR_NONE;
}

// --- messages ------------------------------------------------------------------------------------

static void say_stale(struct raft *raft, struct replica *replica, struct pair *sender) {
    if (replica_hard_durable(raft, replica)) {
        struct message stale = {.kind = MESSAGE_STALE, .group = replica->id, .term = replica->term};
        pair_say(raft, sender, &stale);
    }
}

MUST_USE static err
take_append(struct raft *raft, struct replica *replica, const struct message *message) {
    bool meet = false;
    TRY(meets(raft, replica, message, &meet));
    if (!meet) {
        return ERR_NONE;
    }
    return message->kind == MESSAGE_APPEND ? take_entries(raft, replica, message)
                                           : take_part(raft, replica, message);
}

err follow_receive(
    struct raft *raft, struct replica *replica, struct pair *sender, const struct message *message
) {
    node_id from = sender->node;
    if (message->term < replica->term) {
        say_stale(raft, replica, sender);
        return ERR_NONE;
    }
    if (message->term == replica->term && replica->leader != 0 && replica->leader != from) {
        return err_make(ERR_INVALID, "a second leader of one term");
    }
    if (message->term > replica->term || replica->leader != from) {
        election_follow(raft, replica, message->term, from);
    }
    replica->heard = raft->now;
    if (message->commit > replica->leader_commit) {
        replica->leader_commit = message->commit;
    }
    bool is_install = message->kind == MESSAGE_INSTALL || message->kind == MESSAGE_CHUNK ||
                      message->kind == MESSAGE_INSTALL_END;
    if (is_install) {
        return install_receive(raft, replica, message);
    }
    if (!install_takes_entries(raft, replica)) {
        return ERR_NONE;
    }
    err error = message->kind == MESSAGE_COMMIT ? ERR_NONE : take_append(raft, replica, message);
    follow_durable(raft, replica);
    return error;
}
