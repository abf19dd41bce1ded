// The node's fields, for the files of this folder.
#pragma once

#include "node/core/alarms.h"
#include "node/core/attest.h"
#include "node/core/calls.h"
#include "node/core/fitness.h"
#include "node/core/founding.h"
#include "node/core/gates.h"
#include "node/core/group.h"
#include "node/core/marks.h"
#include "node/core/node.h"
#include "node/core/peer_message.h"
#include "node/core/report.h"
#include "node/core/riders.h"
#include "node/core/stage.h"
#include "node/core/streams.h"
#include "node/match/match.h"
#include "node/raft/raft.h"
#include "proto/api/error.h"
#include "proto/api/route.h"
#include "proto/base/heap.h"
#include "proto/base/table.h"
#include "proto/limits.h"
#include "scheduler/commands/commands.h"
#include "scheduler/definition/catalog.h"

// A poll that waits: what is needed to answer it. Owned by node->polls by request id.
struct poll {
    uint64_t request_id;
    bool batch;     // T-2: a list, never 204
    bool finishing; // has tasks; answers at the end of the turn
    uint32_t wanted;
    uint32_t given;
    struct gate gate; // of what its answer depends on, beside the tasks
    bytes worker;     // on the C heap, as are the next
    bytes domain;
    struct buffer tasks; // Task documents, comma separated
    struct poll *next_finishing;
    struct hand_out *hand_outs; // what was claimed for it
    uint64_t queue;
    mono_time deadline;
    bool claims;        // is not parked: another node was asked for tasks
    bool granted;       // its tasks come from another node
    node_id claimed_by; // for a poll of another node; 0: for one of our own
    uint32_t still_wanted;
};

// A task handed out by an answer that has not left yet. When the client is gone by then, the task
// goes back at once instead of waiting for its lease (promise G4: this node attests that nobody got
// it). Owned by the poll, then by the delivery.
struct hand_out {
    struct gate gate; // the claim's entry
    struct task_claim claim;
    struct hand_out *next;
};

// An answer with tasks that has not left yet. Owned by node->deliveries by request id.
struct delivery {
    struct hand_out *hand_outs;
    struct delivery *previous;
    struct delivery *next;
};

// The newest poll of a (type, domain), newer than its P row.
struct poll_mark {
    int64_t written_ms;  // when the row was last written
    struct poll_row row; // texts on the C heap
    struct poll_mark *next;
};

// An alarm that is tried again later.
struct deferred {
    mono_time at;
    struct alarm alarm;
};

// A queue whose next task a limit refused (engine.md §7.7): nothing of it – where permits travel,
// nothing of the task's group – is handed out until a permit of the limit comes, or until then.
struct block {
    uint64_t queue;
    group_id group; // 0: all
    uint64_t limit;
    int64_t until_ms; // cluster time; 0: a permit must come back
    struct block *next;
};

// A node of the cluster, this one among them. Its place in node->peers stays the same until it
// leaves.
struct node_peer {
    node_id id;         // 0: a free place
    bool up;            // linked; never of this node itself
    bool linked;        // the link says so
    bool met;           // it was linked once in this node's life, or that was given up: wants.c
    id128 linked_store; // and proved that
    mono_time down_since;
    uint8_t state; // enum member_state, of its row
    bool told;     // the shell knows it so
    char address[LIMIT_MEMBER_TEXT_BYTES + 1];
    mono_time left_at; // state LEFT: since when it is one of the past
    bool facts_told;   // what follows was told by it, to the system group's leader
    bool busy;
    uint64_t moved_bytes;
    uint32_t weight;
    char api_address[LIMIT_MEMBER_TEXT_BYTES + 1];
    char zone[LIMIT_MEMBER_TEXT_BYTES + 1];
    log_index catalog_applied; // as it told
    mono_time lease_end;       // from when on no lease of its definitions can be left
    uint16_t release_low;      // what the link proved
    uint16_t release_high;
    struct riders riders;   // small messages to it that wait for a frame
    char hearsay[16];       // what gossip says of it, a word; empty: nothing yet
    struct fitness fitness; // as it told
    mono_time well_since;   // it is up and could lead
};

// What this node says of itself.
struct self_facts {
    id128 store_id;
    bytes api_address;
    bytes zone;
    uint32_t weight;
    uint16_t release_low;
    uint16_t release_high;
};

struct forward;
struct run;
struct long_answer;
struct gather;
struct interest;
struct auditor;
struct catalog_wait;
struct looks;

struct node {
    struct store *store;
    struct scheduler_settings settings;
    struct random random;
    struct random random_begun; // as it was before the event that is being handled
    bytes host;
    bytes version;
    struct definition_cache *definitions;
    struct arena *arena; // of the step
    struct group *groups;
    struct raft *raft;
    node_id self;
    bool alone;             // the cluster is this node and will be
    bool leaving;           // hands leadership over
    struct fitness fitness; // of this node: fitness.c
    struct fitness fitness_told;
    mono_time fitness_looked;
    mono_time slow_until;
    uint64_t offers_seen; // of Raft's, for slowness
    id128 cluster_id;
    uint32_t cluster_version; // members_version
    uint32_t version_told;    // to the shell
    struct founders founders; // founding.c
    struct self_facts facts;  // membership.c
    int64_t dead_after_ms;
    mono_time membership_at; // when the system group's leader looks at the members again
    struct truth *truths;    // report.c: by group; of the system group's leader
    mono_time report_at;
    mono_time report_sent_at;
    uint64_t report_hash; // of what was sent
    bool report_forced;
    uint64_t refused_reported;
    uint64_t moved_bytes;
    uint64_t moved_under_way;
    struct peer_progress progress; // of moves, as this node leads or was told
    mono_time progress_at;
    bool progress_changed;
    mono_time moves_since; // mover.c
    uint32_t moves_total;
    uint64_t moved_before;
    mono_time wants_at;   // wants.c
    mono_time outside_at; // outside.c
    bool outside_asks;
    uint32_t groups_led;      // now
    struct node_peer *peers;  // LIMIT_CLUSTER_NODES
    size_t peer_count;        // places, free ones among them
    struct forward *forwards; // forward.c
    struct table forward_table;
    struct table forward_of_request;
    uint64_t forward_count;
    bool forwards_waiting;
    mono_time forwards_looked;
    struct run *runs;
    struct table run_table;
    struct table run_of_forward;
    uint64_t run_count;
    size_t outgoing_count; // runs whose answer goes in parts
    mono_time outgoing_looked;
    struct table grants;
    struct long_answer *long_answers; // long_answer.c: the next one first
    struct long_answer *long_answer_last;
    struct table long_answer_table;  // by request id
    struct gather *gathers;          // gather.c
    struct interest *interest_first; // interest.c
    struct table interests;
    mono_time hints_at;                 // when hints are looked at again; 0: none is outstanding
    bool supply_changed;                // some queue may have more tasks than polls
    bool supply_stale;                  // leadership changed: queues load anew
    struct catalog_wait *catalog_waits; // definitions.c
    mono_time lease_until;              // of this node's definitions
    mono_time lease_ask_at;
    log_index lease_index;      // what a lease demands to be applied
    mono_time streams_retry_at; // carry.c
    uint64_t mark;              // the newest heard of: marks.c
    mono_time backup_until;     // the last hold of a log ends: marks.c; 0: there is none
    struct backup_turn backup;  // the newest told of here: request_backup.c
    bool inert_row_seen;        // M or X, among the rows being looked at
    uint32_t epoch;             // of streams, as the cluster's row says: renewals.c
    uint32_t epoch_wanted;      // the highest that a recovered group here, or a report, told of
    struct alarms *alarms;
    struct heap deferred; // struct deferred: alarms whose scripts could not be run just now
    struct streams *streams;
    struct match *match;
    struct table polls;
    struct table deliveries;
    struct delivery *delivery_first;
    struct table poll_marks;
    struct poll_mark *poll_mark_first;
    struct block *blocks;
    struct calls *calls;
    struct stages *stages;
    struct auditor *auditor;
    struct poll *finishing; // polls to answer at the end of the turn
    bool more_to_do;        // a bound cut the turn short
    group_id visited_group; // whose rows are being looked at
    mono_time acks_since;   // when the oldest waiting acknowledgement came; 0: none waits
    struct job *job;        // being run again, or NULL
    bool job_done;          // and it came to its end
    struct job *jobs;
    struct table job_table;
    struct table job_messages; // by pair of groups: jobs of messages
    uint64_t job_id;
    size_t job_count;
    bool jobs_looked;        // some may go on: job_pump
    struct table look_table; // look.c
    uint64_t look_count;
    struct wait *waits; // requests that wait for an execution: wait.c
    struct wait *waits_touched;
    struct table wait_table; // by request id
    struct table watches;    // by execution
    size_t wait_count;
    mono_time mono;
    struct attest_difference difference;
    struct cluster_time *clock;
    wall_time time; // cluster time; a group's may be ahead of it (group.h)
    struct gates *gates;
    struct node_effects *effects; // of the step
    struct node_stats stats;
};

// --- decisions: decide.c
// -------------------------------------------------------------------------------

// Starts a decision on a group at its partition time. Errors: ERR_UNAVAILABLE.
MUST_USE err node_decision_begin(struct node *node, group_id group, struct decision *out_decision);

// A decision that must not run scripts, begun and made: when it would have to, it is made once more
// only to record what happened, and a CONTINUE timer decides. Errors: ERR_UNAVAILABLE, and those of
// `decide`; nothing is left to be ended then.
MUST_USE err node_decide_to_record(
    struct node *node,
    group_id group,
    err (*decide)(struct decision *decision, void *argument),
    void *argument,
    struct decision *out_decision
);

// The same for one that can be run again, and so may wait for its large bodies to be staged: its
// outcome has to go through stages_look.
MUST_USE err
node_decision_begin_large(struct node *node, group_id group, struct decision *out_decision);
MUST_USE err node_decide_to_record_large(
    struct node *node,
    group_id group,
    err (*decide)(struct decision *decision, void *argument),
    void *argument,
    struct decision *out_decision
);

// As above for looking only, on any group this node has a copy of: of one that is led elsewhere it
// sees what is committed. Ended by node_decision_abort.
MUST_USE err node_decision_look(struct node *node, group_id group, struct decision *out_decision);

// As above, on a group that is led here for a restore.
MUST_USE err
node_decision_begin_restore(struct node *node, group_id group, struct decision *out_decision);

// Ends it as an entry; what follows from the rows is taken up. Returns the gate that everything
// this decision read or wrote depends on: an answer made from it waits for that.
struct gate node_decision_commit(struct node *node, struct decision *decision);

// Ends it without a trace. Returns the gate that what it read depends on.
struct gate node_decision_abort(struct node *node, struct decision *decision);

// --- answers: answer.c
// ---------------------------------------------------------------------------------

static const struct gate GATE_OPEN = {0};          // waits for nothing
static const struct gate GATE_ALL = {.all = true}; // waits for all that was proposed here

// The newest entry of a group.
struct gate node_gate_of(const struct node *node, group_id group);

// Lets an effect leave once its gate is open; takes over its body.
void node_hold(struct node *node, struct node_effect *effect, struct gate gate);

// Answers a request once its gate is open. Bodies are copied.
void node_answer(
    struct node *node, uint64_t request_id, const struct reply *reply, struct gate gate
);
// As above, for an answer that carries tasks: its delivery is told back.
void node_answer_with_tasks(
    struct node *node,
    uint64_t request_id,
    const struct reply *reply,
    const struct gate *gates,
    size_t gate_count
);
void node_answer_error(struct node *node, uint64_t request_id, err error, struct gate gate);
void node_answer_violations(
    struct node *node,
    uint64_t request_id,
    const struct api_violations *violations,
    struct gate gate
);

// As node_answer for the first piece of a longer one. `age_ms` NULL: not stale.
void node_answer_first(
    struct node *node,
    uint64_t request_id,
    const struct reply *reply,
    struct gate gate,
    const int64_t *age_ms
);

// An answer whose gates were passed elsewhere.
void node_answer_passed(struct node *node, uint64_t request_id, const struct peer_answer *answer);

// A read of this node's own copy, which is that old (raft_age_ms): said in a header.
void node_answer_stale(
    struct node *node, uint64_t request_id, const struct reply *reply, int64_t age_ms
);

// A refusal that depends on nothing stored.
void node_answer_status(struct node *node, uint64_t request_id, uint16_t status, const char *text);

// --- requests: request.c, request_*.c ------------------------------------------------------------

// A request being handled, with the row of the API table it matched and its body checked.
struct request {
    uint64_t id;
    const struct node_request *http;
    struct api_match match;
    bytes json; // the body as a validated value; empty where the row takes none, or text
    bool stale; // this node's own copy answers, as old as it is
};

// A copy whose texts live in `arena`.
struct node_request request_copy(struct arena *arena, const struct node_request *request);

bool request_is_bulk(const struct request *request);

// Whether the request is for this group, too: a scoped one is for some groups only.
bool request_covers(const struct request *request, group_id group);

// Handles a client's request: at once an answer behind its gate, or a parked poll.
void node_request(struct node *node, uint64_t request_id, const struct node_request *http);

// Parts of a request, by the API row it matched.
bytes request_text(const struct node *node, const struct request *request, const char *name);
MUST_USE err request_int(
    const struct node *node,
    const struct request *request,
    const char *name,
    struct api_optional_int *out_value
);
MUST_USE err
request_bool(const struct node *node, const struct request *request, const char *name, bool *out);

// One command of the scheduler as a request asks for it.
typedef err (*request_command
)(struct node *node,
  const struct request *request,
  struct decision *decision,
  struct reply *out_reply);

// Runs it on one group and answers with what it says.
void request_run(
    struct node *node, const struct request *request, group_id group, request_command command
);

// As above for an execution or task that a search found: handed on to the node that leads it.
void request_run_at(
    struct node *node, const struct request *request, bytes aim, request_command command
);
// Hands the request on when its aim is led elsewhere. False: it is led here.
MUST_USE bool request_hand_on(struct node *node, const struct request *request, bytes aim);

// As above for a command that may find violations in what it was given.
typedef err (*request_checked_command
)(struct node *node,
  const struct request *request,
  struct decision *decision,
  struct api_violations *violations,
  struct reply *out_reply);
void request_run_checked(
    struct node *node,
    const struct request *request,
    group_id group,
    request_checked_command command
);

// Starts an execution. False: it was answered, or will be run again.
MUST_USE bool request_start(
    struct node *node,
    const struct request *request,
    const struct api_start_workflow_request *wish,
    bool by_name,
    bytes *out_id,
    struct gate *out_gate
);

// Whether a StartWorkflowRequest holds to the rules; if not, its violations were answered.
MUST_USE bool request_start_is_valid(
    struct node *node, const struct request *request, const struct api_start_workflow_request *wish
);

// The handlers; request.c has the table from API rows to them.
void request_start_workflow(struct node *node, const struct request *request);
void request_start_workflow_by_name(struct node *node, const struct request *request);
void request_get_workflow(struct node *node, const struct request *request);
void request_get_workflow_status(struct node *node, const struct request *request);
void request_decide_workflow(struct node *node, const struct request *request);
void request_pause_workflow(struct node *node, const struct request *request);
void request_resume_workflow(struct node *node, const struct request *request);
void request_terminate_workflow(struct node *node, const struct request *request);
void request_get_workflow_tasks(struct node *node, const struct request *request);
void request_remove_workflow(struct node *node, const struct request *request);
void request_restart_workflow(struct node *node, const struct request *request);
void request_retry_workflow(struct node *node, const struct request *request);
void request_reset_callbacks(struct node *node, const struct request *request);
void request_rerun_workflow(struct node *node, const struct request *request);
void request_skip_task(struct node *node, const struct request *request);
void request_bulk(struct node *node, const struct request *request);
void request_get_correlated(struct node *node, const struct request *request);
void request_get_correlated_of_many(struct node *node, const struct request *request);
void request_get_running(struct node *node, const struct request *request);
void request_signal_task(struct node *node, const struct request *request);
void request_signal_task_sync(struct node *node, const struct request *request);
void request_execute_workflow(struct node *node, const struct request *request);
void request_poll_task(struct node *node, const struct request *request);
void request_poll_tasks(struct node *node, const struct request *request);
void request_update_task(struct node *node, const struct request *request);
void request_update_task_and_poll(struct node *node, const struct request *request);
void request_update_by_reference(struct node *node, const struct request *request);
void request_add_task_log(struct node *node, const struct request *request);
void request_get_task_logs(struct node *node, const struct request *request);
void request_get_task(struct node *node, const struct request *request);
void request_get_queue_sizes(struct node *node, const struct request *request);
void request_get_queue_size(struct node *node, const struct request *request);
void request_get_all_queues(struct node *node, const struct request *request);
void request_get_poll_data(struct node *node, const struct request *request);
void request_requeue_tasks(struct node *node, const struct request *request);
void request_register_workflow(struct node *node, const struct request *request);
void request_update_workflows(struct node *node, const struct request *request);
void request_get_workflow_definition(struct node *node, const struct request *request);
void request_list_workflow_definitions(struct node *node, const struct request *request);
void request_list_names_and_versions(struct node *node, const struct request *request);
void request_list_names(struct node *node, const struct request *request);
void request_list_versions(struct node *node, const struct request *request);
void request_delete_workflow_definition(struct node *node, const struct request *request);
void request_register_tasks(struct node *node, const struct request *request);
void request_update_task_definition(struct node *node, const struct request *request);
void request_list_task_definitions(struct node *node, const struct request *request);
void request_get_task_definition(struct node *node, const struct request *request);
void request_delete_task_definition(struct node *node, const struct request *request);
void request_get_health(struct node *node, const struct request *request);
void request_get_version(struct node *node, const struct request *request);
void request_get_actuator_health(struct node *node, const struct request *request);
void request_get_actuator_info(struct node *node, const struct request *request);
void request_get_cluster(struct node *node, const struct request *request);
void request_explain_workflow(struct node *node, const struct request *request);
void request_add_node(struct node *node, const struct request *request);
void request_drain_node(struct node *node, const struct request *request);
void request_cancel_drain_node(struct node *node, const struct request *request);
void request_remove_node(struct node *node, const struct request *request);
void request_replace_node(struct node *node, const struct request *request);
void request_move_replica(struct node *node, const struct request *request);
void request_get_openapi(struct node *node, const struct request *request);
void request_begin_backup(struct node *node, const struct request *request);
void request_keep_backup(struct node *node, const struct request *request);
void request_get_backup_partition(struct node *node, const struct request *request);
void request_get_backup_rows(struct node *node, const struct request *request);
void request_get_backup_entries(struct node *node, const struct request *request);
void request_mark_backup(struct node *node, const struct request *request);
void request_begin_restore(struct node *node, const struct request *request);
void request_load_restore(struct node *node, const struct request *request);
void request_end_restore(struct node *node, const struct request *request);

// Whether the request is a step of a backup or a restore: those run on groups that are restored.
bool request_is_backup(enum api_route_name name);
// The partition that such a step is about; above all there are: none.
uint32_t request_partition(const struct request *request);

// --- decisions that wait for evaluations: job.c
// ---------------------------------------------------

// The decision gave itself up with ERR_SUSPENDED: what it wants is asked for, and the request or
// alarm is handled again when all of it is answered.
void job_suspend_request(
    struct node *node, const struct request *request, struct decision *decision
);
void job_suspend_alarm(struct node *node, const struct alarm *alarm, struct decision *decision);

// The same for a message, which waits only for its bodies (carry_again). False: there is no room to
// wait now; the decision is forgotten.
MUST_USE bool job_suspend_message(
    struct node *node,
    const struct stream_position *position,
    bytes message,
    struct decision *decision
);

// Whether a message of these two groups waits so.
bool job_has_message(const struct node *node, const struct stream_position *position);

// One evaluation was answered. An unknown job is ignored.
void job_evaluated(
    struct node *node, uint64_t job_id, uint32_t index, const struct evaluation_result *result
);

// One body that it wanted is staged, or will not be.
void job_staged(struct node *node, uint64_t job_id);

// Whether the job being run has waited for bodies: what it wants now should be there.
bool job_has_staged(const struct node *node);

// Whether a job is being run: what is handled now was handled before.
bool job_is_running(const struct node *node);

// What a request asked of other nodes: of its job, which it becomes with this. NULL: too many jobs.
struct looks *job_looks(struct node *node, const struct request *request);
void job_stays(struct node *node);                   // an answer of these is still to come
void job_looked(struct node *node, uint64_t job_id); // the last one came
void job_pump(struct node *node);                    // goes on with those

// What a decision that begins now finds: the results of the job being run, none otherwise.
struct decision_results job_results(const struct node *node);

// The time the job's decision began with. False: no job is being run.
bool job_now(const struct node *node, wall_time *out_now);

void job_all_destroy(struct node *node);

// Fires one alarm. False: the store has no room now, the alarm was put back. fire.c
bool alarm_fire(struct node *node, const struct alarm *alarm);

// Fires what is due. Bounded; sets more_to_do. fire.c
void alarms_pump(struct node *node);

// Keeps an alarm for when its group's partition time has come. fire.c
void alarm_set(struct node *node, const struct alarm *alarm);

// This node leads the group from now on: its timers of the near future. fire.c
void alarms_take_over(struct node *node, group_id group);

// Time went back: all timers are read again. fire.c
void alarms_reload(struct node *node);

// --- other nodes: cluster.c
// ------------------------------------------------------------------------------------

// PEER_UP, PEER_DOWN, PEER_MESSAGE.
void cluster_event(struct node *node, const struct node_event *event);

// What gossip says of a node.
void cluster_hearsay(struct node *node, node_id id, bytes word);

// A message of this node to itself, whose gates opened.
void cluster_own(struct node *node, bytes message);

// A member came within reach, or is out of it.
void cluster_peer_changed(struct node *node, struct node_peer *peer, bool up);

// members.c
struct node_peer *node_peer_of(const struct node *node, node_id id); // NULL: no member
bool node_peer_is_up(const struct node *node, node_id id);

// Who leads the group as far as known, this node included; 0: not known.
node_id node_leader(const struct node *node, group_id group);

// Sends a record, bytes, or a frame of Raft. Lossy: the link may be down or full.
void node_send(
    struct node *node,
    node_id to,
    enum link_class link,
    enum peer_message_kind kind,
    const struct wire_record *record,
    const void *value
);
void node_send_bytes(struct node *node, node_id to, enum link_class link, bytes message);
void node_send_frame(struct node *node, node_id to, enum link_class link, bytes frame);

// Lets an effect out whose gates are open: to the shell, or to the node that asked for it.
void node_effect_out(struct node *node, struct node_effect *effect);

// --- polls: poll.c
// ------------------------------------------------------------------------------------------

struct poll_wish {
    uint64_t request_id;
    bytes type;
    bytes domain; // data NULL: none
    bytes worker; // data NULL: none
    uint32_t count;
    int64_t timeout_ms;
    bool batch;
    struct gate gate;   // its answer waits for this, too
    node_id claimed_by; // another node, for a poll of its own; 0: a client polls
};

// Notes who polled, here and, now and then, in a row.
void poll_mark(struct node *node, const struct poll_wish *wish);

void poll_marks_destroy(struct node *node);

// A copy of a text on the C heap; NULL stays NULL. And its end.
bytes poll_text_keep(bytes text);
void poll_text_drop(bytes *text);

// Asks a node for tasks on behalf of a poll that was just unparked; what came of it.
void poll_claim_at(
    struct node *node, const struct match_poll *parked, node_id peer, bytes type, bytes domain
);
void poll_granted(struct node *node, uint64_t request_id, node_id from, bytes tasks);

// Parks a poll; node_pump gives it tasks or lets it expire.
void poll_begin(struct node *node, const struct poll_wish *wish);

// The client left: a parked poll is forgotten, tasks of an answer that has not left go back.
void poll_gone(struct node *node, uint64_t request_id);

// The answer left: the leases of its tasks stand.
void poll_delivered(struct node *node, uint64_t request_id);

// Pairs waiting polls with ready tasks, expires polls. Bounded; sets more_to_do.
void poll_pump(struct node *node);

// A permit of a limit came for a group (0: any): queues it blocks are looked at again.
void poll_unblock(struct node *node, uint64_t limit, group_id group);

// The queues load anew: whatever was blocked is refused again.
void poll_forget_blocks(struct node *node);

// When the first window moves for which a queue waits. False: none does.
bool poll_next_unblock(const struct node *node, wall_time *out_at);

// Newest polls, soft and stored: rows of a type, or of all when `type` is empty, as a JSON list.
MUST_USE err
poll_rows_write(struct node *node, const struct request *request, bytes type, struct buffer *out);

void poll_all_destroy(struct node *node);

// Takes the rows of a queue up, if that was not done; from then on its supply is kept.
void supply_open(struct node *node, uint64_t queue);

// Loads rows of any queue whose supply has run out. False: nothing more anywhere.
bool supply_refill(struct node *node);
