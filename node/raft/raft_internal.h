// The inside of raft, shared by the files of this room.
//
// A *replica* is this node's copy of a group; a *follower* is what its leader knows of another's; a
// *pair* is this node and another one that shares groups with it.
#pragma once

#include "node/raft/config.h"
#include "node/raft/message.h"
#include "node/raft/raft.h"
#include "proto/base/heap.h"
#include "proto/base/random.h"
#include "proto/limits.h"

enum {
    RAFT_SAMPLES = 8,
    RAFT_ROUNDS_WANTED = 3 // in which a learner keeps up, before it gets a vote
};

// A message with entries on its way: acknowledged when the match is at `last`.
struct flight {
    log_index last;
    uint64_t bytes;
};

struct flights {
    struct flight ring[LIMIT_RAFT_WINDOW_MESSAGES];
    uint32_t first;
    uint32_t count;
    uint64_t bytes;
};

// Another member of a group, as its leader (or candidate) sees it: voter or learner.
struct follower {
    node_id node;
    uint64_t replica;
    uint64_t met;   // the replica of the node that was heard last; 0: none
    uint64_t store; // it lives in; 0: not known
    uint8_t votes;  // by the config in force
    struct pair *pair;
    bool granted; // the vote or pre-vote under way

    // of a leader's term
    enum raft_progress progress;
    bool append_queued;        // in the pair's ring of groups with entries to send
    bool commit_queued;        // in the pair's ring of groups with news of a commit
    bool probe_owed;           // an append is owed, with entries or without
    bool install_owed;         // what comes next of a snapshot
    bool counts;               // its acknowledgements: it is not being installed
    bool whole;                // it said so in this epoch of its log: no install of it is under way
    bool reseeds;              // its rows are wrong: entries will not do
    log_index install_through; // END may come once this is committed there; 0: rows are missing
    log_index rows_from;       // rows of before will not do: it may have acknowledged up to here
    bool epoch_known;
    uint64_t log_epoch;
    log_index match;
    uint64_t match_sequence; // of the frame that brought the newest match
    log_index next;
    log_index probed; // the entry before the probe on its way
    log_index commit_told;
    log_index commit_known;  // that it has heard
    uint64_t part_sent;      // bytes of the entry `next` that went as parts
    uint64_t part_acked;     // and arrived
    uint64_t listed_version; // of the pair's list that named the group first
    uint64_t excepted_by;    // the pair's snapshot that excepted the group
    mono_time heard;         // an answer in this term
    mono_time install_looked;
    log_index speaks_from; // of the config that made it a member: nothing is said before its commit
    uint32_t rounds;       // in a row in which it kept up
    log_index round_target;
    mono_time round_begun;
    uint64_t snapshot_bytes; // sent
    mono_time sent;          // the last append, or progress of it
    struct flights flights;
};

// A large entry that arrives in parts.
struct assembly {
    log_index index;
    struct store_entry entry; // but for the payload
    uint64_t total;
    struct buffer payload;
};

struct replica {
    group_id id;
    bool configured; // there is a replica
    enum raft_role role;
    uint64_t number;        // of this replica; 0: not known since a restart
    struct config *configs; // by index; the last is in force, the first the newest committed one
    uint32_t config_count;
    uint32_t config_capacity;
    uint8_t votes;                                // of this node by the config in force
    struct follower *followers[RAFT_MEMBERS_MAX]; // the other members, in the order of the config
    uint32_t follower_count;
    uint64_t elections;
    mono_time outside_told;

    // hard state
    uint64_t term;
    node_id vote;
    log_lsn hard_lsn; // durable: messages of the term may leave

    // log
    log_index last;
    uint64_t last_term;
    log_index durable;
    log_index commit;
    log_lsn cut_lsn; // what was appended before it is durable by the cut's record
    bool touched;    // by the durable lsn that is being carried out

    // time
    mono_time heard;       // from the leader, or when the vote was given, or when it stood
    int64_t timeout_ns;    // drawn
    mono_time hasty_until; // elections follow each other quickly
    mono_time wake;        // the live item of the heap
    bool waking;

    // as follower
    node_id leader;
    log_index matched; // the log is the leader's up to here
    log_index leader_commit;
    log_index acked;
    bool ack_owed;
    bool reject_owed;
    log_index reject_index; // the entry before, which is not here …
    log_index reject_hint;  // … and where the logs may meet
    uint64_t reject_term;
    node_id grant_to; // a vote to be told once durable
    struct assembly *assembly;
    node_id listed_by; // who claims the group in the newest list
    uint64_t listed_term;
    uint64_t list_seen; // version of that list
    bool excepted;      // and we do not follow that

    // being installed (install.c)
    enum store_install install_state;
    bool quarantined;        // its rows are wrong: it waits to be installed
    uint64_t install_id;     // the leader's number of it; 0: not known since a restart
    uint64_t install_number; // of the next chunk
    log_lsn install_lsn;
    log_index install_through;
    bool install_owed;  // to say that it began
    bool install_waits; // to say that a piece was taken: this node takes no more for now
    struct buffer install_piece;

    // as candidate
    bool votes_asked;
    bool transferred; // the leader told us to stand

    // as leader
    log_index noop;             // the first entry of the term
    bool announced;             // RAFT_LEADING
    struct raft_target *target; // raft_want; NULL: none
    bool drive_queued;
    bool resigning; // has no vote: hands over
    mono_time resigned;
    mono_time elected;
    uint64_t read_first;  // oldest round that a read waits for
    uint64_t read_wanted; // newest
    bool reading;         // in raft->readers
    node_id transfer_to;
    mono_time transfer_until;

    uint64_t commit_event; // place of the RAFT_COMMITTED that waits + 1; 0: none
};

// A ring of groups, each at most once.
struct group_ring {
    group_id *items;
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
};

// When a round was first sent.
struct sample {
    uint64_t round;
    mono_time at;
};

struct pair {
    node_id node;
    bool gone;            // raft_peer_remove
    uint64_t store;       // its store's number, as its frames say; 0: not known
    bool told;            // of its connections, once
    bool closed;          // they are gone
    uint64_t incarnation; // of its process; 0: not known

    // what we tell it
    uint64_t lead_version; // of the list of groups we lead there; 0: none ever
    bool list_owed;
    mono_time list_sent;
    mono_time sent; // the last frame
    uint64_t sequence_sent;
    bool answer_owed;
    uint64_t read_round;  // newest round a read waits for
    uint64_t asked_round; // newest sent with a question
    mono_time asked;
    mono_time wondered; // the last question

    // what it told us: the newest snapshot of its header
    uint64_t snapshot; // number
    uint64_t echo;
    uint64_t held_version;
    mono_time confirmed; // it had seen what we sent then
    struct sample samples[RAFT_SAMPLES];
    uint32_t sample_next;

    // its list
    uint64_t sequence;      // of the frame that is being carried out
    uint64_t sequence_seen; // the newest
    uint64_t round_seen;
    uint64_t list_version;  // that we hold; 0: none
    log_lsn list_lsn;       // terms it brought are durable
    uint32_t exceptions;    // groups of it we do not follow now
    uint32_t refused_count; // and such that are another's, or never can be followed
    group_id refused[FRAME_EXCEPTIONS_MAX];
    mono_time heard;      // any frame
    mono_time heard_held; // a frame that named the list we hold

    // what waits to leave
    struct buffer urgent;
    uint64_t urgent_count;
    struct group_ring appends;
    struct group_ring commits;
    mono_time flush; // of `commits`
    uint64_t flight_bytes;
};

// Rows on their way to a follower.
struct snapshot {
    bool used;
    group_id group;
    node_id node;
    uint64_t id;
    struct store_position position;
    mono_time placed;
    bool begun;      // the follower dropped its log for it
    uint64_t epoch;  // of its log since then
    uint64_t number; // of the chunk
    uint64_t offset; // of it that arrived
    bool last;
    log_index applied;  // the newest entry that a row may show
    struct buffer rows; // the chunk
    struct buffer next; // where the scan goes on
};

struct durability {
    log_lsn lsn;
    group_id group;
    log_index index; // 0: hard state
};

struct wake {
    mono_time at;
    group_id group;
};

struct raft {
    struct store *store;
    uint64_t store_number;
    node_id self;
    uint32_t group_count;
    struct random random;
    uint64_t incarnation;
    mono_time now;
    bool ticked;
    struct replica *replicas;
    struct pair **pairs;
    uint32_t pair_count;
    uint32_t pair_capacity;
    uint32_t pair_turn;
    struct heap wakes;
    log_lsn durable;
    struct durability *pending; // ring, by lsn
    size_t pending_capacity, pending_first, pending_count;
    mono_time pending_since; // the log came no further
    mono_time offered;
    mono_time due; // when it wanted to be looked at, all frames taken; 0: not known
    bool unfit;    // stands in no election
    group_id *touched;
    struct raft_event *events; // ring
    size_t events_capacity, events_count;
    uint64_t events_taken; // since the beginning
    uint64_t round;
    bool round_sent;
    mono_time round_begun;
    struct group_ring readers;
    struct group_ring drives; // groups whose leader may take a step towards its target
    struct snapshot snapshots[LIMIT_RAFT_SNAPSHOTS];
    mono_time install_paid; // the rows taken here so far were no faster than the rate until then
    uint64_t snapshot_count;
    struct raft_stats stats;
};

// --- times ---------------------------------------------------------------------------------------

static inline mono_time mono_after(mono_time time, int64_t ms) {
    return (mono_time){time.ns + ms * 1000000};
}

// Whether `ms` have passed since `since`.
static inline bool mono_passed(const struct raft *raft, mono_time since, int64_t ms) {
    return raft->now.ns - since.ns >= ms * 1000000;
}

// --- raft.c: bookkeeping -------------------------------------------------------------------------

// The replica of a configured group, or NULL.
struct replica *raft_replica(const struct raft *raft, group_id group);
struct pair *raft_pair(const struct raft *raft, node_id node);

// The member `node` of the group, or NULL; itself is none.
struct follower *replica_follower(const struct replica *replica, node_id node);

// Sets term and vote in the log. What is said in the term waits until it is durable.
void replica_hard_state(struct raft *raft, struct replica *replica, uint64_t term, node_id vote);
bool replica_hard_durable(const struct raft *raft, const struct replica *replica);

// Notes an entry appended at the end of the log.
void replica_appended(
    struct raft *raft, struct replica *replica, log_index index, uint64_t term, log_lsn lsn
);
void replica_cut(struct raft *raft, struct replica *replica, log_index from);
void raft_pending(struct raft *raft, log_lsn lsn, group_id group, log_index index);

// Looks at the group at `at`, or earlier.
void replica_wake(struct raft *raft, struct replica *replica, mono_time at);
// Everything in it that is not in place.
void replica_free(struct replica *replica);
void replica_committed(struct raft *raft, struct replica *replica, log_index index);
struct raft_event *
raft_event(struct raft *raft, struct replica *replica, enum raft_event_kind kind);

void ring_init(struct group_ring *ring, uint32_t capacity);
void ring_push(struct group_ring *ring, group_id group);
group_id ring_pop(struct group_ring *ring);
void ring_remove(struct group_ring *ring, group_id group); // which is in it or not

// --- member.c: who the replicas are --------------------------------------------------------------

// The config in force: the newest of the log, committed or not (rule 6).
const struct config *member_config(const struct replica *replica);
// The newest committed one.
const struct config *member_settled(const struct replica *replica);

// Takes up what the store has of a group: its rows, or its log, say who the members are, else
// `founders` do (NULL: nobody).
void member_open(struct raft *raft, struct replica *replica, const struct config *founders);
// At the start: the groups whose members are known without raft_configure; at the first tick: those
// that have a log without.
void member_open_known(struct raft *raft);
void member_open_nameless(struct raft *raft);

// The config in the entry that would be `index`, if there is one. ERR_INVALID: it is none.
MUST_USE err
member_parse(bytes payload, log_index index, bool *out_there, struct config *out_config);
// A config is the newest entry of the log; entries from `from` on are not any more; what is
// committed rose; the rows came anew.
void member_appended(struct raft *raft, struct replica *replica, const struct config *config);
void member_cut(struct raft *raft, struct replica *replica, log_index from);
void member_committed(struct raft *raft, struct replica *replica);
void member_dropped(struct raft *raft, struct replica *replica);
void member_reload(struct raft *raft, struct replica *replica);

// Who has reached what: `own` of this node, `of` of the others.
int64_t member_quorum(
    const struct raft *raft,
    const struct replica *replica,
    int64_t own,
    int64_t (*of)(const struct replica *replica, const struct follower *follower)
);
// Nobody else is a member, or has a vote.
bool member_is_alone(const struct raft *raft, const struct replica *replica);
bool member_decides_alone(const struct raft *raft, const struct replica *replica);

// Whether it has a vote by the config in force, or by one that may come to be in force again.
bool member_may_stand(const struct raft *raft, const struct replica *replica);

// --- heed.c: whose messages count ----------------------------------------------------------------

// Whether the follower's node has another store than the replica lives in: then it is not the
// replica.
bool heed_is_lost(const struct follower *follower);

// Whether the message may be acted on, as one of a replica to a replica (rule 8). Makes a replica
// for a group that has none when its leader says so.
struct replica *heed_message(struct raft *raft, struct pair *pair, const struct message *message);
// An equal says that this replica is no member any more.
void heed_removed(struct raft *raft, struct replica *replica, const struct message *message);
// Hears no leader and has no vote to stand with: asks everybody whether it is one of them.
void heed_ask(struct raft *raft, struct replica *replica);
// Fills in who speaks to whom.
void heed_address(const struct raft *raft, node_id to, struct message *message);

// --- change.c: from one config to the next -------------------------------------------------------

// The leader looks, at the end of this input, whether a step may be taken.
void change_look(struct raft *raft, struct replica *replica);
void change_take_steps(struct raft *raft);
void change_end(struct replica *replica);
// A learner acknowledged.
void change_note_ack(struct raft *raft, struct replica *replica, struct follower *follower);
bool change_is_ready(
    const struct raft *raft, const struct replica *replica, const struct follower *follower
);

// --- election.c ----------------------------------------------------------------------------------

// Draws a new timeout that begins now.
void election_rearm(struct raft *raft, struct replica *replica);
// The group's time has come: stand, step down, send again.
void election_wake(struct raft *raft, struct replica *replica);
// Takes up the term, as a follower of `leader` (0: not known).
void election_follow(struct raft *raft, struct replica *replica, uint64_t term, node_id leader);
// A leader that has no vote: hands over, or steps down.
void election_resign(struct raft *raft, struct replica *replica);
// The leader is gone for sure: stand within LIMIT_RAFT_HASTE_MS.
void election_hasten(struct raft *raft, struct replica *replica);
// Term and vote are durable: what waited for it is said.
void election_durable(struct raft *raft, struct replica *replica);
// A group of one member.
void election_alone(struct raft *raft, struct replica *replica);
bool election_start_transfer(struct raft *raft, struct replica *replica, node_id to);
void election_transfer_ready(struct raft *raft, struct replica *replica);
MUST_USE err election_receive(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
);

// --- lead.c: the leader's side of replication ----------------------------------------------------

void lead_begin(struct raft *raft, struct replica *replica);
void lead_end(struct raft *raft, struct replica *replica);
// What it acknowledged counts for nothing: it is to be given rows.
void lead_discard(const struct replica *replica, struct follower *follower);
// Counts who has what, commits what a majority has.
void lead_count(struct raft *raft, struct replica *replica);
void lead_queue(struct raft *raft, struct replica *replica, struct follower *follower);
void lead_queue_all(struct raft *raft, struct replica *replica);
// The pair's connection was lost, or its process began anew: what was on its way is lost.
void lead_lost(struct raft *raft, struct replica *replica, struct follower *follower);
// Sends again what nobody acknowledged. Returns when to look again.
mono_time lead_resend(struct raft *raft, struct replica *replica);
// What was on its way is acknowledged up to `match`, or is not waited for any more.
void flights_release(struct follower *follower, log_index match);
void flights_clear(struct follower *follower);
// Appends of one group for one follower into the frame, as far as room and window go. True: there
// is more that only the frame's room keeps back.
bool lead_fill(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct buffer *frame,
    size_t frame_bytes_max
);
// A member is new, or its leader.
void lead_begin_follower(
    struct raft *raft, struct replica *replica, struct follower *follower, log_index next
);
// It is a member no more.
void lead_end_follower(struct raft *raft, struct replica *replica, struct follower *follower);
// When the follower was last known to follow.
mono_time lead_heard(const struct replica *replica, const struct follower *follower);
MUST_USE err lead_receive(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
);

// --- follow.c: the follower's side ---------------------------------------------------------------

// Forgets what was known of the leader's log.
void follow_reset(struct replica *replica);
// And what its commit was: the log is another.
void follow_forget(struct replica *replica);
// The log is durable further: acknowledges, commits.
void follow_durable(struct raft *raft, struct replica *replica);
MUST_USE err follow_receive(
    struct raft *raft, struct replica *replica, struct pair *from, const struct message *message
);

// --- install.c -----------------------------------------------------------------------------------

// The leader's side.
void install_look_after(struct raft *raft, struct replica *replica, struct follower *follower);
// The follower, which has all rows, acknowledged entries: perhaps its install may end.
void install_note_ack(struct raft *raft, struct replica *replica, struct follower *follower);
void install_forget(struct raft *raft, struct replica *replica, const struct follower *follower);
bool install_fill(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    struct buffer *frame,
    size_t frame_bytes_max
);
void install_receive_ack(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
);
void install_receive_reject(
    struct raft *raft,
    struct replica *replica,
    struct follower *follower,
    const struct message *message
);
// The follower's.
void install_open(struct raft *raft, struct replica *replica);
bool install_takes_entries(struct raft *raft, struct replica *replica);
void install_look(struct raft *raft, struct replica *replica);
void install_durable(struct raft *raft, struct replica *replica);
MUST_USE err
install_receive(struct raft *raft, struct replica *replica, const struct message *message);

// --- pair.c: frames, heartbeats, lists, rounds ---------------------------------------------------

struct pair *pair_add(struct raft *raft, node_id node);
void pair_destroy(struct pair *pair);
// Frees those that were removed and that no group names any more.
void pair_drop_unused(struct raft *raft);
// Puts a message of `replica` into the pair's next frame.
void pair_say(struct raft *raft, struct pair *pair, const struct message *message);
// Whether the pair holds, by its newest header, to our leading of the group.
bool pair_covers(const struct pair *pair, const struct follower *follower);
// Term, leader or role of the group changed: does it still agree with the list of its leader?
void pair_refresh(struct raft *raft, struct replica *replica);
// The group stands in nobody's list any more.
void pair_unlist(struct raft *raft, struct replica *replica);
// We lead the group there since now, or no longer.
void pair_relist(struct pair *pair);
// The list of what we lead there, into a frame.
void list_put(const struct raft *raft, const struct pair *pair, struct buffer *frame);
// Takes up the pair's list. ERR_INVALID: no correct node says that.
MUST_USE err list_take(
    struct raft *raft,
    struct pair *pair,
    const struct frame_header *header,
    const struct message *message
);
// When a frame is due should nothing else want one.
mono_time pair_due(const struct raft *raft, const struct pair *pair);
// Nothing heard for so long that sending entries is a waste.
bool pair_is_silent(const struct raft *raft, const struct pair *pair);

// --- offer.c -------------------------------------------------------------------------------------

// Rule 11; `due` is when the core was to look at the clock.
void offer_look(struct raft *raft);
// Hands the group over to the voter that has most. False: none is fit.
bool offer_one(struct raft *raft, struct replica *replica);

// --- read.c --------------------------------------------------------------------------------------

// The pair's snapshot is new: which rounds does it confirm?
void read_count_all(struct raft *raft, const struct pair *pair);
// Begins a round when the newest has been sent.
void read_round(struct raft *raft);
