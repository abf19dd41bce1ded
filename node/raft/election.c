// Who leads: rules 1, 3, 10, 12 of distributed.md §4 (Raft §5.2, §5.4.1, §6; Ongaro's thesis §9.6).
//
//              time is up            a majority would        a majority did
//   follower ------------> pre-candidate ----------> candidate ----------> leader
//      ^                        |                        |                    |
//      +------------------------+------------------------+--------------------+
//          a higher term, the term's leader, or – a leader – no majority for an election timeout
//
// A pre-candidate has changed nothing: a node that hears nobody stays one for ever and its term
// does not rise. A voter that heard its leader within the least timeout says no to both questions
// and does not even take up the term (stickiness), unless the leader itself handed over.
//
// Term and vote go to the log in one record; what is said in the term, a vote asked for or given,
// an own vote counted, waits in a field of the replica until that record is durable.
#include "node/raft/raft_internal.h"
#include "proto/base/check.h"
#include "proto/base/mutant.h"

static int64_t draw_ms(struct raft *raft, int64_t least, int64_t most) {
    uint64_t span = (uint64_t)(most - least) + 1;
    return least + (int64_t)random_below(&raft->random, span);
}

static bool leader_is_gone(const struct raft *raft, const struct replica *replica) {
    const struct pair *leader = raft_pair(raft, replica->leader);
    return leader != NULL && leader->closed;
}

// When the replica last heard of a leader: from it in this group, or – when it holds to the
// leader's list – anything at all from that node.
static mono_time last_heard(const struct raft *raft, const struct replica *replica) {
    mono_time heard = replica->heard;
    if (replica->leader != 0 && replica->listed_by == replica->leader && !replica->excepted) {
        const struct pair *leader = raft_pair(raft, replica->leader);
        if (leader->heard_held.ns > heard.ns) {
            heard = leader->heard_held;
        }
    }
    return heard;
}

void election_rearm(struct raft *raft, struct replica *replica) {
    replica->heard = raft->now;
    replica->timeout_ns =
        draw_ms(raft, LIMIT_RAFT_ELECTION_MS_MIN, LIMIT_RAFT_ELECTION_MS) * 1000000;
    replica_wake(raft, replica, (mono_time){raft->now.ns + replica->timeout_ns});
}

void election_hasten(struct raft *raft, struct replica *replica) {
    replica->hasty_until = mono_after(raft->now, LIMIT_RAFT_HASTE_FOR_MS);
    replica->heard = raft->now;
    replica->timeout_ns = draw_ms(raft, 0, LIMIT_RAFT_HASTE_MS) * 1000000;
    replica_wake(raft, replica, (mono_time){raft->now.ns + replica->timeout_ns});
}

// I1: from the beginning of an install to its end.
static bool may_not_stand(const struct replica *replica) {
    bool installs = replica->install_state != STORE_INSTALL_NONE || replica->quarantined;
    return installs && !mutant_is("stands_while_installing");
}

// --- becoming ------------------------------------------------------------------------------------

static void stop_leading(struct raft *raft, struct replica *replica) {
    if (replica->role == RAFT_LEADER) {
        raft->stats.leaderships_lost++;
        lead_end(raft, replica);
    }
}

// The one way into a term as a follower, from whatever role. Term and vote go to the log when they
// are news; nothing is said in the term before that is durable.
static void
take_up(struct raft *raft, struct replica *replica, uint64_t term, node_id vote, node_id leader) {
    check(term >= replica->term);
    bool was_leading = replica->role == RAFT_LEADER;
    bool is_news = leader != replica->leader || term > replica->term;
    bool is_vote = vote != replica->vote;
    stop_leading(raft, replica);
    if (is_vote && vote != 0 && mutant_is("vote_not_persisted")) {
        replica->term = term;
        replica->vote = vote;
    } else if (term > replica->term || is_vote) {
        replica_hard_state(raft, replica, term, vote);
    }
    replica->role = RAFT_FOLLOWER;
    replica->leader = leader;
    replica->grant_to = 0;
    if (is_news) {
        follow_reset(replica);
    }
    if (leader != 0) {
        replica->hasty_until = raft->now;
    }
    if (was_leading || (is_news && leader != 0)) {
        (void)raft_event(raft, replica, RAFT_FOLLOWING);
    }
    if (was_leading || is_news) {
        election_rearm(raft, replica);
    }
    pair_refresh(raft, replica);
}

void election_follow(struct raft *raft, struct replica *replica, uint64_t term, node_id leader) {
    take_up(raft, replica, term, term > replica->term ? 0 : replica->vote, leader);
}

// In the term of before: nobody else has entries of it. Unless somebody else was a member once.
void election_alone(struct raft *raft, struct replica *replica) {
    bool was_alone = member_config(replica)->index == 0;
    if (replica->term == 0 || replica->vote != raft->self || !was_alone) {
        replica_hard_state(raft, replica, replica->term + 1, raft->self);
    }
    replica->role = RAFT_LEADER;
    replica->leader = raft->self;
    replica->announced = true;
    (void)raft_event(raft, replica, RAFT_LEADING);
    if (replica->last > replica->commit) {
        replica_committed(raft, replica, replica->last);
    }
}

static void forget_grants(struct replica *replica) {
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        replica->followers[i]->granted = false;
    }
}

static int64_t has_granted(const struct replica *replica, const struct follower *follower) {
    (void)replica;
    return follower->granted ? 1 : 0;
}

// Of those who granted, this node with them.
static bool has_majority(const struct raft *raft, const struct replica *replica) {
    return member_quorum(raft, replica, 1, has_granted) == 1;
}

static void ask_all(struct raft *raft, struct replica *replica, enum message_kind kind) {
    struct message message = {
        .kind = kind,
        .group = replica->id,
        .term = kind == MESSAGE_PRE_VOTE ? replica->term + 1 : replica->term,
        .index = replica->last,
        .log_term = replica->last_term,
        .transfer = replica->transferred ? 1 : 0,
    };
    for (uint32_t i = 0; i < replica->follower_count; i++) {
        if (replica->followers[i]->votes != 0) {
            pair_say(raft, replica->followers[i]->pair, &message);
        }
    }
}

// The next try, should this one come to nothing: soon when the leader is known to be gone.
static void arm_candidate(struct raft *raft, struct replica *replica) {
    election_rearm(raft, replica);
    if (raft->now.ns < replica->hasty_until.ns) {
        int64_t ms = draw_ms(raft, LIMIT_RAFT_HASTE_RETRY_MS_MIN, LIMIT_RAFT_HASTE_RETRY_MS);
        replica->timeout_ns = ms * 1000000;
        replica_wake(raft, replica, (mono_time){raft->now.ns + replica->timeout_ns});
    }
}

// Stands in the next term. Its own vote counts, and others are asked, once it is durable.
static void stand(struct raft *raft, struct replica *replica, bool transferred) {
    replica->role = RAFT_CANDIDATE;
    replica->leader = 0;
    replica->transferred = transferred;
    replica->votes_asked = false;
    replica->grant_to = 0;
    replica->elections++;
    raft->stats.elections++;
    forget_grants(replica);
    follow_reset(replica);
    replica_hard_state(raft, replica, replica->term + 1, raft->self);
    arm_candidate(raft, replica);
    pair_refresh(raft, replica);
    election_durable(raft, replica);
}

static void stand_perhaps(struct raft *raft, struct replica *replica) {
    if (mutant_is("no_prevote")) {
        stand(raft, replica, false);
        return;
    }
    replica->role = RAFT_PRE_CANDIDATE;
    replica->leader = 0;
    replica->transferred = false;
    forget_grants(replica);
    arm_candidate(raft, replica);
    pair_refresh(raft, replica);
    ask_all(raft, replica, MESSAGE_PRE_VOTE);
    if (has_majority(raft, replica)) {
        stand(raft, replica, false); // the only voter
    } else {
        heed_ask(raft, replica);
    }
}

static void win(struct raft *raft, struct replica *replica) {
    replica->role = RAFT_LEADER;
    replica->leader = raft->self;
    replica->elected = raft->now;
    raft->stats.leaderships++;
    lead_begin(raft, replica);
    replica_wake(raft, replica, mono_after(raft->now, LIMIT_RAFT_RESEND_MS));
}

void election_durable(struct raft *raft, struct replica *replica) {
    if (!replica_hard_durable(raft, replica)) {
        return;
    }
    if (replica->role == RAFT_CANDIDATE && !replica->votes_asked) {
        replica->votes_asked = true;
        ask_all(raft, replica, MESSAGE_VOTE);
        if (has_majority(raft, replica)) {
            win(raft, replica); // the only voter
        }
    }
    struct pair *candidate = raft_pair(raft, replica->grant_to);
    replica->grant_to = 0;
    if (candidate != NULL) {
        struct message reply = {
            .kind = MESSAGE_VOTE_REPLY, .group = replica->id, .term = replica->term, .granted = 1};
        pair_say(raft, candidate, &reply);
    }
}

// --- time ----------------------------------------------------------------------------------------

static int64_t heard_at(const struct replica *replica, const struct follower *follower) {
    int64_t heard = lead_heard(replica, follower).ns;
    return heard > replica->elected.ns ? heard : replica->elected.ns;
}

// The time at which a majority, this node with it, was last known to follow.
static mono_time majority_heard(const struct raft *raft, const struct replica *replica) {
    return (mono_time){member_quorum(raft, replica, raft->now.ns, heard_at)};
}

static void wake_leader(struct raft *raft, struct replica *replica) {
    if (replica->transfer_to != 0 && raft->now.ns >= replica->transfer_until.ns) {
        replica->transfer_to = 0;
    }
    mono_time until = mono_after(majority_heard(raft, replica), LIMIT_RAFT_ELECTION_MS);
    if (until.ns <= raft->now.ns && !mutant_is("no_check_quorum")) {
        election_follow(raft, replica, replica->term, 0);
        return;
    }
    change_look(raft, replica);
    mono_time resend = lead_resend(raft, replica);
    if (replica->transfer_to != 0 && replica->transfer_until.ns < resend.ns) {
        resend = replica->transfer_until;
    }
    if (until.ns <= raft->now.ns) {
        until = mono_after(raft->now, LIMIT_RAFT_ELECTION_MS);
    }
    replica_wake(raft, replica, resend.ns < until.ns ? resend : until);
}

// Without a vote there is nothing to stand with.
static void ask_anew(struct raft *raft, struct replica *replica) {
    if (replica->leader != 0) {
        election_follow(raft, replica, replica->term, 0);
    }
    election_rearm(raft, replica);
    heed_ask(raft, replica);
}

void election_wake(struct raft *raft, struct replica *replica) {
    if (replica->role == RAFT_LEADER) {
        wake_leader(raft, replica);
        return;
    }
    install_look(raft, replica);
    mono_time due = {last_heard(raft, replica).ns + replica->timeout_ns};
    if (due.ns > raft->now.ns) {
        replica_wake(raft, replica, due);
    } else if (may_not_stand(replica) || raft->unfit) {
        // Its leader, when it comes back, goes on where it was.
        election_rearm(raft, replica);
        heed_ask(raft, replica);
    } else if (!member_may_stand(raft, replica)) {
        ask_anew(raft, replica);
    } else {
        stand_perhaps(raft, replica);
    }
}

// --- handing over --------------------------------------------------------------------------------

bool election_start_transfer(struct raft *raft, struct replica *replica, node_id to) {
    struct follower *heir = replica_follower(replica, to);
    bool fit = heir != NULL && (heir->votes & CONFIG_NEXT) != 0 && replica->announced &&
               replica->transfer_to == 0 && heir->counts && heir->progress <= RAFT_REPLICATING &&
               !heir->pair->closed && !heed_is_lost(heir) &&
               !mono_passed(raft, lead_heard(replica, heir), LIMIT_RAFT_ELECTION_MS);
    if (!fit) {
        return false;
    }
    replica->transfer_to = to;
    replica->transfer_until = mono_after(raft->now, LIMIT_RAFT_ELECTION_MS);
    replica_wake(raft, replica, replica->transfer_until);
    lead_queue(raft, replica, heir);
    election_transfer_ready(raft, replica);
    return true;
}

// The heir has everything, durably: it may stand. Said again with every acknowledgement.
void election_transfer_ready(struct raft *raft, struct replica *replica) {
    struct follower *heir = replica_follower(replica, replica->transfer_to);
    if (heir != NULL && heir->counts && heir->match == replica->last) {
        struct message now = {
            .kind = MESSAGE_TIMEOUT_NOW, .group = replica->id, .term = replica->term};
        pair_say(raft, heir->pair, &now);
    }
}

void election_resign(struct raft *raft, struct replica *replica) {
    if (mutant_is("outsider_keeps_leading")) {
        return;
    }
    if (!replica->resigning) {
        replica->resigning = true;
        replica->resigned = raft->now;
    }
    if (offer_one(raft, replica)) {
        return;
    }
    if (mono_passed(raft, replica->resigned, LIMIT_RAFT_ELECTION_MS)) {
        election_follow(raft, replica, replica->term, 0);
    }
}

// --- messages ------------------------------------------------------------------------------------

static bool reaches(const struct message *message, uint64_t term, log_index index) {
    return message->log_term > term || (message->log_term == term && message->index >= index);
}

// Whether no majority's word is broken by a vote for the candidate: its log has all that this
// replica answers for. In the middle of its rows that is what they are of: it was part of no
// majority that has more (R4 of the README).
static bool may_vote_for(
    const struct raft *raft, const struct replica *replica, const struct message *message
) {
    if (replica->quarantined || replica->install_state == STORE_INSTALL_FORGETTING) {
        return false;
    }
    if (mutant_is("vote_ignores_log")) {
        return true;
    }
    if (replica->install_state == STORE_INSTALL_NONE) {
        return reaches(message, replica->last_term, replica->last);
    }
    struct store_position rows = store_position(raft->store, replica->id);
    return reaches(message, rows.term, rows.index) || mutant_is("installing_votes_blindly");
}

// Whether the replica knows a leader that works (rule 3), other than the one who asks.
static bool is_loyal(const struct raft *raft, const struct replica *replica, node_id from) {
    if (replica->role == RAFT_LEADER) {
        return true;
    }
    bool heard = !mono_passed(raft, last_heard(raft, replica), LIMIT_RAFT_ELECTION_MS_MIN);
    return replica->leader != 0 && replica->leader != from && heard &&
           !leader_is_gone(raft, replica) && !mutant_is("not_sticky");
}

static void say_stale(struct raft *raft, const struct replica *replica, struct pair *to) {
    if (replica_hard_durable(raft, replica)) {
        struct message reply = {.kind = MESSAGE_STALE, .group = replica->id, .term = replica->term};
        pair_say(raft, to, &reply);
    }
}

// Two who ask each other: the one with the longer log, else the lower id goes on, so that they do
// not split the vote.
static bool yields(
    const struct raft *raft,
    const struct replica *replica,
    const struct message *message,
    node_id from
) {
    bool longer = message->log_term > replica->last_term || message->index > replica->last;
    return longer || from < raft->self;
}

static void receive_pre_vote(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
) {
    if (message->term <= replica->term) {
        say_stale(raft, replica, from);
        return;
    }
    bool grants = !is_loyal(raft, replica, from->node) && may_vote_for(raft, replica, message);
    if (grants && replica->role == RAFT_PRE_CANDIDATE) {
        grants = yields(raft, replica, message, from->node);
        if (grants) {
            election_follow(raft, replica, replica->term, 0);
            election_rearm(raft, replica);
        }
    }
    struct message reply = {
        .kind = MESSAGE_PRE_VOTE_REPLY,
        .group = replica->id,
        .term = replica->term,
        .asked = message->term,
        .granted = grants ? 1 : 0,
    };
    if (grants && replica_hard_durable(raft, replica)) {
        pair_say(raft, from, &reply);
    }
}

static void receive_vote(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
) {
    if (message->term < replica->term) {
        say_stale(raft, replica, from);
        return;
    }
    bool is_higher = message->term > replica->term;
    if (is_higher && message->transfer == 0 && is_loyal(raft, replica, from->node)) {
        return;
    }
    node_id vote = is_higher ? 0 : replica->vote;
    bool is_free = vote == 0 || vote == from->node || mutant_is("vote_twice");
    bool is_led = !is_higher && replica->leader != 0;
    if (is_free && !is_led && may_vote_for(raft, replica, message)) {
        take_up(raft, replica, message->term, from->node, 0);
        election_rearm(raft, replica);
        replica->grant_to = from->node;
        election_durable(raft, replica);
    } else if (is_higher) {
        election_follow(raft, replica, message->term, 0);
    }
}

static void
receive_grant(struct raft *raft, struct replica *replica, struct follower *from, bool is_final) {
    from->granted = true;
    if (!has_majority(raft, replica)) {
        return;
    }
    if (is_final) {
        win(raft, replica);
    } else {
        stand(raft, replica, false);
    }
}

static void receive_pre_vote_reply(
    struct raft *raft, struct replica *replica, struct follower *from, const struct message *message
) {
    bool fits = replica->role == RAFT_PRE_CANDIDATE && message->asked == replica->term + 1;
    if (fits && message->granted == 1) {
        receive_grant(raft, replica, from, false);
    }
}

static void receive_vote_reply(
    struct raft *raft, struct replica *replica, struct follower *from, const struct message *message
) {
    bool fits =
        replica->role == RAFT_CANDIDATE && replica->votes_asked && message->term == replica->term;
    if (fits && message->granted == 1) {
        receive_grant(raft, replica, from, true);
    }
}

// PRE_VOTE's term is the one that would be; of all others a higher one is taken up at once, but for
// VOTE, which stickiness may refuse.
err election_receive(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
) {
    bool takes_up = message->kind != MESSAGE_PRE_VOTE && message->kind != MESSAGE_VOTE;
    if (takes_up && message->term > replica->term) {
        election_follow(raft, replica, message->term, 0);
    }
    if (message->kind == MESSAGE_PRE_VOTE) {
        receive_pre_vote(raft, replica, from, message);
    } else if (message->kind == MESSAGE_PRE_VOTE_REPLY) {
        receive_pre_vote_reply(raft, replica, replica_follower(replica, from->node), message);
    } else if (message->kind == MESSAGE_VOTE) {
        receive_vote(raft, replica, from, message);
    } else if (message->kind == MESSAGE_VOTE_REPLY) {
        receive_vote_reply(raft, replica, replica_follower(replica, from->node), message);
    } else if (message->kind == MESSAGE_TIMEOUT_NOW) {
        bool fits = message->term == replica->term && replica->role == RAFT_FOLLOWER &&
                    replica->leader == from->node && member_may_stand(raft, replica) &&
                    !may_not_stand(replica) && !raft->unfit;
        if (fits) {
            stand(raft, replica, true);
        }
    } else {
        check(message->kind == MESSAGE_STALE);
    }
    return ERR_NONE;
}
