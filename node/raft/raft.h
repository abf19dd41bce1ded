// Agreement: all groups of a node, each one log on several nodes (Raft, Ongaro; distributed.md §4).
//
// One object holds the groups a node has a replica of. It is pure – no clock, file, socket, thread
// – and belongs to the core thread, like the store it writes to. The caller's duties, in this
// order, after every input (raft_tick, raft_receive, raft_log_durable, raft_proposed,
// raft_peer_changed, raft_read_begin, raft_transfer):
//
//   1. drain raft_take_event: what was committed, who leads;
//   2. drain raft_take_frame: each frame may leave at once. What had to be durable before it
//      (terms, votes, acknowledgements) was waited for in here;
//   3. hand the store's open batch to the log thread, and tell raft_log_durable when it is synced;
//   4. call raft_tick no later than raft_next_wakeup.
//
// A frame may be lost, repeated, reordered or arrive years later: nothing but time is lost by it.
// No transaction of the store is open while an input is given: leadership may end in it.
// A group whose only voter is this node leads at once, sends nothing and needs no wake-up.
#pragma once

#include "proto/base/buffer.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/time.h"
#include "storage/store.h"

typedef uint16_t node_id; // 1 and up; 0: none

enum {
    RAFT_VOTERS_MAX = 7,
    RAFT_LEARNERS_MAX = 16,
    RAFT_MEMBERS_MAX = RAFT_VOTERS_MAX + RAFT_LEARNERS_MAX
};

// Who is to found a group: the voters agree, the learners get everything and count for nothing.
struct raft_config {
    uint32_t voter_count;
    node_id voters[RAFT_VOTERS_MAX]; // [0] is the preferred leader: it stands at once after a start
    uint32_t learner_count;
    node_id learners[RAFT_LEARNERS_MAX];
};

// Who is to be a group's members from now on, by node; see raft_want.
struct raft_target {
    uint32_t voter_count;
    node_id voters[RAFT_VOTERS_MAX]; // [0] is the preferred leader
    uint32_t learner_count;
    node_id learners[RAFT_LEARNERS_MAX];
};

struct raft_options {
    struct store *store; // outlives the raft
    node_id self;
    uint32_t group_count;
    uint64_t random_seed;
    uint64_t incarnation; // of this node's process: above that of every earlier one
    mono_time now;
};

struct raft;

struct raft *raft_create(const struct raft_options *options);

// Frees it; the store keeps what it has. Leaves NULL. Accepts NULL.
void raft_destroy(struct raft **raft);

// Gives a group the members it is founded with; `self` is one of them. Once a group, before the
// first tick. Counts only for a group that is at its beginning: not when its rows or log say who
// its members are, nor when a replica of it was forgotten here (raft_forget). A group that is never
// configured has no replica here, until its leader makes this node a member: RAFT_CREATED.
void raft_configure(struct raft *raft, group_id group, const struct raft_config *config);

// Another node of the cluster: frames go there and are taken from there. May come and go at run
// time; the members of a group are known without. After raft_peer_remove nothing is sent there.
void raft_peer_add(struct raft *raft, node_id node);
void raft_peer_remove(struct raft *raft, node_id node);

// The number by which a store is told from another of the same node; what raft_options.store has.
uint64_t raft_store_number(const struct store *store);

// --- membership ----------------------------------------------------------------------------------

// Drives the group towards the target, until it is there, another one is given or leadership ends:
// newcomers become learners and are given everything; once all who are to vote keep up, the voters
// change by joint consensus; then those who are in the way leave. A member whose node has another
// store than it had (raft_store_number) becomes a new replica. One step at a time, each when the
// one before is committed. May be called at any time, with the same target too. `target` NULL:
// nothing more. False: this node does not lead, or the target has no voter.
bool raft_want(struct raft *raft, group_id group, const struct raft_target *target);

// The replica here is no longer a member (RAFT_OUTSIDE, and the caller made sure): its log and rows
// go, RAFT_FORGOTTEN follows. `number` is the event's replica: nothing happens when another one is
// here by now, or none. Events of the group that were not taken yet are void.
void raft_forget(struct raft *raft, group_id group, uint64_t number);

// --- inputs --------------------------------------------------------------------------------------

// Time has come to `now`.
void raft_tick(struct raft *raft, mono_time now);

// A frame of node `from`, whose identity the link has proved. Errors: ERR_INVALID (malformed, of
// another version, or not from a peer; what stands before the fault was carried out).
MUST_USE err raft_receive(struct raft *raft, node_id from, bytes frame);

// The log is durable up to `lsn` (store_batch_end): releases votes and acknowledgements, counts
// this node's own copy.
void raft_log_durable(struct raft *raft, log_lsn lsn);

// This node, which leads the group, made the entry `index` in raft_term (store_txn_commit).
void raft_proposed(struct raft *raft, group_id group, log_index index, log_lsn lsn);

// A hint that the connections to a node are up, or all gone: groups it led elect anew at once (rule
// 12). Safety never depends on it.
void raft_peer_changed(struct raft *raft, node_id node, bool connected);

// Begins a round that proves that this node, which leads the group (raft_is_leader), still does
// (ReadIndex). Returns the round's number: RAFT_READ_CONFIRMED tells when it and all before it
// are proved; 0: nothing to wait for, this node is the only voter. A read that was evaluated at
// index s may be answered when its round is confirmed and s is committed. When leadership ends no
// confirmation comes. One exchange between two nodes confirms all groups of the pair.
uint64_t raft_read_begin(struct raft *raft, group_id group);

// Hands the group over to `to`, a voter. Until RAFT_FOLLOWING, or for one election timeout,
// raft_is_transferring holds and the caller proposes nothing. False: not the leader, no such voter,
// the voter too far behind or silent, or a transfer goes on already.
bool raft_transfer(struct raft *raft, group_id group, node_id to);

// Whether this node should lead. One that is not fit votes and follows, but stands in no election
// and takes over nothing; it keeps what it leads until that is handed over. Fit at first.
void raft_set_fit(struct raft *raft, bool fit);

// This node leads the group and knows that the rows of `node`, which keeps up, are wrong: it counts
// for nothing from now on and is given rows anew, once there are newer ones than it has. False: not
// the leader, under way already, or the others alone do not have everything on a majority: later.
bool raft_reseed(struct raft *raft, group_id group, node_id node);

// The rows of this node's replica are wrong: it neither votes nor stands, and raft_is_installing
// holds, until it is given rows anew; a restart soon after may forget it, later ones do not.
void raft_quarantine(struct raft *raft, group_id group);
bool raft_is_quarantined(const struct raft *raft, group_id group);

// Hands over every group this node leads, each to the voter that has most of it: before a stop.
// Rule 11 does the same by itself when the log is slow or the core thread stalled. Returns how many
// groups it leads still; call again until that is 0, or time is up.
uint32_t raft_offer_away(struct raft *raft);

// --- outputs -------------------------------------------------------------------------------------

enum raft_event_kind {
    RAFT_LEADING,   // this node leads `term` and its first entry is committed: decide from now on
    RAFT_FOLLOWING, // not leading (any more); `leader` is who does, 0 when unknown
    RAFT_COMMITTED, // entries up to `index` are committed; store_commit was called
    RAFT_READ_CONFIRMED,  // all rounds up to `read` are proved
    RAFT_INSTALLING_ROWS, // the group's state goes and comes anew: nothing of it is to be read here
    RAFT_INSTALLED,       // it is here, as of `index`: RAFT_COMMITTED goes on after that
    RAFT_CONFIGURED,      // the members are those of entry `index` (in the log, perhaps not
                          // committed); of a leader: raft made that entry
    RAFT_CREATED,         // there is a replica here that nobody configured: of a group whose
                          // leader made this node a member, now or before a restart
    RAFT_OUTSIDE,         // `replica`, which is here, is said to be no member any more
    RAFT_FORGOTTEN        // raft_forget: there is no replica here
};

struct raft_event {
    group_id group;
    enum raft_event_kind kind;
    uint64_t term;
    log_index index;
    uint64_t read;
    node_id leader;
    uint64_t replica;
};

// The next event, in order. RAFT_FOLLOWING comes when leadership ends (store_forget_speculation was
// called) and when another leader becomes known. Of RAFT_COMMITTED the caller visits the entries
// after the previous one up to `index`, each exactly once; entries of one group that are committed
// together come as one event. False: none.
bool raft_take_event(struct raft *raft, struct raft_event *out_event);

// The next frame to `*out_to`, at most LIMIT_RAFT_FRAME_BYTES, written into `frame` (which is
// cleared). `*out_urgent`: it holds no more than votes, acknowledgements and the like and may
// overtake others. False: none now.
bool raft_take_frame(struct raft *raft, node_id *out_to, bool *out_urgent, struct buffer *frame);

// --- questions -----------------------------------------------------------------------------------

// Leads, and the entry that opened the term is committed: may decide and answer.
bool raft_is_leader(const struct raft *raft, group_id group);

// Is handing the group over: proposes nothing more.
bool raft_is_transferring(const struct raft *raft, group_id group);

// What can be read here is not the group's state: its rows are being replaced by a snapshot, or
// this replica has not got so far that it is a member.
bool raft_is_installing(const struct raft *raft, group_id group);

// The leader as far as known; 0: not known.
node_id raft_leader(const struct raft *raft, group_id group);

// How long ago this replica last heard from its leader, in ms: what it holds is at most that much
// behind, and what was on its way. 0 on the leader; -1: it knows of no leader, or has no replica.
int64_t raft_age_ms(const struct raft *raft, group_id group);

// Whether there is a replica here, and its number; 0: it does not know that yet.
bool raft_has_replica(const struct raft *raft, group_id group, uint64_t *out_number);

uint64_t raft_term(const struct raft *raft, group_id group);
log_index raft_commit_index(const struct raft *raft, group_id group);

// When raft_tick must be called should nothing happen before; INT64_MAX ns: never.
mono_time raft_next_wakeup(const struct raft *raft);

enum raft_role {
    RAFT_FOLLOWER,
    RAFT_PRE_CANDIDATE, // asks whether it would be elected; has changed nothing
    RAFT_CANDIDATE,
    RAFT_LEADER
};

enum raft_progress {
    RAFT_PROBING,        // one message at a time until the logs are known to meet
    RAFT_REPLICATING,    // messages follow each other within the window
    RAFT_NEEDS_SNAPSHOT, // the leader no longer keeps the entries it needs; waits for its turn
    RAFT_INSTALLING,     // gets rows
    RAFT_PEER_FAULTY     // its log ends below what it acknowledged: its disk lied (rule 5)
};

struct raft_follower_status {
    node_id node;
    uint64_t replica;
    bool voter;              // has a vote now
    bool enters;             // joint: will have one
    bool leaves;             // joint: will have none
    bool lost;               // its node has another store
    bool ready;              // a learner that keeps up
    uint64_t lag;            // entries it lacks
    uint64_t snapshot_bytes; // of rows sent to it, while they are
    enum raft_progress progress;
    log_index match; // known to be durable there
    uint64_t log_epoch;
    bool counts;  // is not being installed
    bool answers; // within the last election timeout
};

// A group for people: GET /api/cluster.
struct raft_group_status {
    bool configured;
    enum raft_role role;
    uint64_t term;
    node_id vote;
    node_id leader;
    log_index first; // the first entry that is kept
    log_index last;
    log_index durable;
    log_index commit;
    uint64_t elections; // this node stood in
    bool installing;
    uint64_t replica;       // the number of the one here; 0: not known
    log_index config_index; // of the entry that says who the members are; 0: founded so
    bool config_committed;
    bool joint;
    bool votes; // this replica
    node_id preferred;
    uint32_t voter_count; // now; [0] … by node
    node_id voters[RAFT_MEMBERS_MAX];
    uint32_t incoming_count; // joint: those who will be the voters
    node_id incoming[RAFT_MEMBERS_MAX];
    uint32_t learner_count;
    node_id learners[RAFT_MEMBERS_MAX];
    bool wants;              // of a leader: raft_want is not reached
    uint32_t follower_count; // of a leader: the other members
    struct raft_follower_status followers[RAFT_MEMBERS_MAX - 1];
};

struct raft_group_status raft_status(const struct raft *raft, group_id group);

struct raft_stats {
    uint64_t frames_sent;
    uint64_t frames_received;
    uint64_t frames_refused; // malformed, or of a life of the peer that is over
    uint64_t bytes_sent;
    uint64_t messages_sent; // inside frames
    uint64_t messages_received;
    uint64_t messages_refused; // of groups that are not shared with the sender
    uint64_t elections;        // stood in
    uint64_t leaderships;      // won
    uint64_t leaderships_lost; // to a higher term, or for want of a majority
    uint64_t entries_sent;     // as leader, repetitions counted
    uint64_t entries_appended; // as follower
    uint64_t entries_cut;      // on conflict
    uint64_t appends_resent;   // progress fell back to probing
    uint64_t appends_refused;  // by the store: no room, or a chain that does not fit
    uint64_t reads_confirmed;  // rounds
    uint64_t installs_begun;   // as leader
    uint64_t offers;           // of all groups, because the log or the core thread was slow
    uint64_t installs_ended;   // as follower
    uint64_t configs;          // entries that say who the members are, as leader
};

struct raft_stats raft_stats(const struct raft *raft);

// `follower`, `pre-candidate` …, for logs and transcripts.
const char *raft_role_name(enum raft_role role);
const char *raft_progress_name(enum raft_progress progress);
