// Everything that can be asked of the scheduler, one file each. The only way in for node/core.
//
// A command reads and writes through its decision and answers: ERR_OK with the reply filled, or an
// error, after which the caller aborts the transaction so that nothing was done. Follow-up work is
// rows in the same write-set: Q rows (ready tasks), T rows (timers), O rows (messages to other
// partitions). The caller learns of it by looking at the committed entry, so nothing can be
// forgotten between a decision and its consequences. Every command leaves its workflow quiescent:
// runnable server-side work was run to its end, or a CONTINUE timer is due now. Thread: core.
#pragma once

#include "proto/api/model.h"
#include "proto/api/validate.h"
#include "scheduler/call.h"
#include "scheduler/decision.h"

// --- executions: the transaction is of decision_group_of(workflow id)
// -------------------------------

// W-1, W-2. `id` was minted by the gateway, so that any retry is the same request: an execution
// that exists under it already is answered again. Reply: text, the id.
struct start_workflow {
    id128 id;
    const struct api_start_workflow_request *request;
    bool by_name; // W-2: the contract words its not-found error differently
};
MUST_USE err start_workflow(
    struct decision *decision, const struct start_workflow *command, struct reply *out_reply
);

// W-3, W-4.
MUST_USE err get_workflow(
    struct decision *decision, bytes workflow, bool include_tasks, struct reply *out_reply
);
MUST_USE err get_workflow_status(
    struct decision *decision,
    bytes workflow,
    bool include_output,
    bool include_variables,
    struct reply *out_reply
);

// W-9 … W-12.
MUST_USE err decide_workflow(struct decision *decision, bytes workflow, struct reply *out_reply);
MUST_USE err pause_workflow(struct decision *decision, bytes workflow, struct reply *out_reply);
MUST_USE err resume_workflow(struct decision *decision, bytes workflow, struct reply *out_reply);
MUST_USE err terminate_workflow(
    struct decision *decision, bytes workflow, bytes reason, struct reply *out_reply
);

// W-13; W-14 is terminate_workflow, then this.
MUST_USE err
remove_workflow(struct decision *decision, bytes workflow, bool archive, struct reply *out_reply);

// W-15 … W-18, W-20.
MUST_USE err restart_workflow(
    struct decision *decision, bytes workflow, bool latest_definition, struct reply *out_reply
);
MUST_USE err retry_workflow(struct decision *decision, bytes workflow, struct reply *out_reply);
MUST_USE err reset_callbacks(struct decision *decision, bytes workflow, struct reply *out_reply);
MUST_USE err rerun_workflow(
    struct decision *decision,
    bytes workflow,
    const struct api_rerun_workflow_request *request,
    struct reply *out_reply
);
MUST_USE err skip_task(
    struct decision *decision,
    bytes workflow,
    bytes reference,
    const struct api_skip_task_request *request,
    struct reply *out_reply
);

// W-5. `statuses` are texts, compared without case; none: all tasks.
struct tasks_page {
    bytes workflow;
    int64_t start;
    int64_t count;
    const bytes *statuses;
    size_t status_count;
};
MUST_USE err get_workflow_tasks(
    struct decision *decision, const struct tasks_page *page, struct reply *out_reply
);

// --- what spans executions: questions that the core asks one partition after another
// ------------

// W-16 with resumeSubworkflowTasks: where the first failure of an ended execution lies.
enum retry_wish {
    RETRY_NOTHING, // nothing failed
    RETRY_SELF,
    RETRY_CHILD, // in the child `*out_child`, which is asked next
};
MUST_USE err find_failed_child(
    struct decision *decision, bytes workflow, enum retry_wish *out_wish, bytes *out_child
);

// W-18 c. Whether an execution may be rerun at all; whose task this is (the transaction is of the
// task's group; ERR_INVALID `Task <id> not found`); whose child an execution is, empty: nobody's.
MUST_USE err check_rerun(struct decision *decision, bytes workflow);
MUST_USE err find_workflow_of_task(struct decision *decision, bytes task, bytes *out_workflow);
MUST_USE err find_parent(struct decision *decision, bytes workflow, bytes *out_parent);

// W-22: what a wait for an execution looks for, in order of tasks (rest-api.md §4). A
// step is the task itself, or an open child to be asked before going on.
struct wait_step {
    bool is_child;
    bytes id; // of the task, or the child
};
struct wait_look {
    bool terminal;
    bytes status; // of the execution
    struct wait_step *steps;
    size_t step_count;
};
enum wait_for {
    WAIT_FOR_SIGNAL_TARGET, // any open WAIT
    WAIT_FOR_BLOCKING_TASK, // an open WAIT without a deadline, or an ended task of `references`
};
MUST_USE err look_for_wait(
    struct decision *decision,
    bytes workflow,
    enum wait_for wanted,
    const bytes *references,
    size_t reference_count,
    struct wait_look *out_look
);

// Brings a result to an open task, merged over its output, as X-1 wants it.
MUST_USE err signal_task(
    struct decision *decision, bytes task, bytes status, bytes output, struct reply *out_reply
);

// The answers of W-22 and X-2: a WorkflowRun, a TaskRun (models.md §9).
struct run_view {
    bytes response_type;
    bytes target_id;
    bytes target_status;
    bytes request_id;
    bool timed_out;
};
MUST_USE err get_workflow_run(
    struct decision *decision, bytes workflow, const struct run_view *run, struct reply *out_reply
);
MUST_USE err get_task_run(
    struct decision *decision, bytes task, const struct run_view *run, struct reply *out_reply
);

// W-6 … W-8: the part of one group. Elements of a JSON array, without brackets, are appended to
// `out`, comma separated.
struct list_workflows {
    bytes name;
    bytes correlation;   // W-6, W-7; data NULL: by name
    bool include_closed; // W-6
    bool include_tasks;  // W-6
    bool by_time;        // W-8 with both times
    int64_t start_ms;
    int64_t end_ms;
    int64_t version; // W-8
};
MUST_USE err
list_workflows(struct decision *decision, const struct list_workflows *list, struct buffer *out);

// --- tasks: the transaction is of decision_group_of(workflow id or task id)
// ---------------------------

// T-3, T-4: `*out_next` says which queue T-4 polls afterwards; its `poll` is false when the update
// left the task open (204). Reply: text, the task id.
struct next_poll {
    bool poll;
    bytes queue; // type or `domain:type`; in the arena
    bytes type;
    bytes domain;
    bytes worker;
};
MUST_USE err update_task(
    struct decision *decision,
    const struct api_task_result *result,
    struct reply *out_reply,
    struct next_poll *out_next
);

// T-5, T-6 (`sync`: answers the workflow, 404 when nothing matches).
struct update_task_by_reference {
    bytes workflow;
    bytes reference;
    bytes status; // text of a TaskResult status
    bytes worker; // data NULL: none given
    bytes output; // JSON object, merged over the current output
    bool sync;
};
MUST_USE err update_task_by_reference(
    struct decision *decision,
    const struct update_task_by_reference *command,
    struct reply *out_reply
);

MUST_USE err get_task(struct decision *decision, bytes task, struct reply *out_reply); // T-9
MUST_USE err
add_task_log(struct decision *decision, bytes task, bytes text, struct reply *out_reply);   // T-7
MUST_USE err get_task_logs(struct decision *decision, bytes task, struct reply *out_reply); // T-8
// T-16 for one group. Reply: text, the number of tasks put back.
MUST_USE err requeue_tasks(struct decision *decision, bytes type, struct reply *out_reply);

// --- queues
// -------------------------------------------------------------------------------------------

// The queue's name as in its rows: `type` or `domain:type`, and its hash in keys.
bytes queue_name(bytes type, bytes domain, struct arena *arena);
uint64_t queue_hash(bytes name);

// The value of a Q row.
#define QUEUE_ROW_FIELDS(FIELD) \
    FIELD(1, TEXT, queue)       \
    FIELD(2, ID, workflow)      \
    FIELD(3, U32, run)          \
    FIELD(4, U32, task_no)
WIRE_STRUCT(queue_row, QUEUE_ROW_FIELDS);

// Hands the task of one Q row (its key, without group) to a worker: IN_PROGRESS, lease timer, row
// removed. Reply: JSON, the Task as polled. ERR_NOT_FOUND: the row or its task is gone or not
// pollable any more – not an error for the poller, the row was dropped (commit the transaction),
// try the next. ERR_UNAVAILABLE: a limit of §7.7 refuses it for now (commit, too: the group may
// have asked for permits).
struct claim_task {
    bytes queue_key;
    bytes worker; // data NULL: none given
    bytes domain;
    uint32_t wanted; // tasks the worker asks for, this one among them
};

// One hand-out of one task: what fences its return.
struct task_claim {
    id128 workflow;
    uint32_t run;
    uint32_t task_no;
    uint32_t poll_count;
    int64_t update_ms;
    uint64_t limit_hash; // of a refusal, ERR_UNAVAILABLE: the limit's L rows …
    int64_t until_ms;    // … and when to ask again, 0: when one of them says `freed`
};
MUST_USE err claim_task(
    struct decision *decision,
    const struct claim_task *command,
    struct reply *out_reply,
    struct task_claim *out_claim
);

// Takes a task back that its worker is attested never to have got (distributed.md §8, UNDELIVERED):
// SCHEDULED at its old place, as if it had not been polled. Nothing happens when that very hand-out
// is not current any more or the worker was heard of.
MUST_USE err return_task(struct decision *decision, const struct task_claim *claim);

// Counters of one queue in this group (N row). Zeros when unknown. `sequence` is the newest one
// given to a Q row of the queue; the row stays when all else is zero.
#define QUEUE_COUNTER_FIELDS(FIELD) \
    FIELD(1, TEXT, queue)           \
    FIELD(2, U32, ready)            \
    FIELD(3, U32, delayed)          \
    FIELD(4, U32, in_progress)      \
    FIELD(5, U64, sequence)
WIRE_STRUCT(queue_counter_row, QUEUE_COUNTER_FIELDS);

// Poll data (P row): newest poll of a (type, domain); written by the core at most every 5 s. It
// lives in the group of the queue's hash; domains read it (engine.md §7.6) through the decision's
// store.
#define POLL_ROW_FIELDS(FIELD) \
    FIELD(1, TEXT, type)       \
    FIELD(2, TEXT, domain)     \
    FIELD(3, TEXT, worker)     \
    FIELD(4, I64, time_ms)
WIRE_STRUCT(poll_row, POLL_ROW_FIELDS);
MUST_USE err record_poll(struct decision *decision, const struct poll_row *poll);
group_id poll_row_group(const struct scheduler_settings *settings, bytes type);

// --- calls outside: distributed.md §9
// -----------------------------------------------------------------------------------

// One claim of one task: who calls, and the how many-th of its calls. That fences the answer, and
// is never used twice.
struct call_claim {
    id128 workflow;
    uint32_t run;
    uint32_t task_no;
    uint64_t executor; // of this life of the process
    uint64_t number;
    uint64_t limit_hash; // of a refusal, as in struct task_claim
    int64_t until_ms;
};

// Claims the task of one Q row of the calls' queue (its key, without group): IN_PROGRESS with a
// lease timer, row removed. Given are `executor` and `number` of the claim, the rest is filled.
// `*out_wanted`: the call is to be made once this is committed; false: the task ended instead.
// ERR_NOT_FOUND and ERR_UNAVAILABLE as of claim_task; ERR_LATER: it must not run scripts.
MUST_USE err claim_call(
    struct decision *decision,
    bytes queue_key,
    struct call_claim *claim,
    struct call *out_call,
    bool *out_wanted
);

// The queue whose tasks the server calls itself.
#define CALL_QUEUE BYTES_LITERAL("HTTP")

// Brings the answer of a call into its task; CALL_RELEASED puts it back into its queue, as if its
// lease had ended. A claim that is not the present one – the lease ended, the task did – changes
// nothing. Errors: ERR_LATER, ERR_CORRUPT.
MUST_USE err complete_call(
    struct decision *decision, const struct call_claim *claim, const struct call_result *result
);

// --- timers and messages
// --------------------------------------------------------------------------------

// Fires one T row (its key, without group): if the row still stands, act and delete it. The caller
// checked that it is due at the decision's now.
MUST_USE err fire_timer(struct decision *decision, bytes timer_key);

// Whether timers of a kind (key_timer_parts.kind) may run scripts: the one that goes on with a
// decision may, the others only record (distributed.md §5.1).
bool timer_may_evaluate(uint8_t kind);

// Applies one message of the stream from `source`: effect and watermark (I row) in this write-set.
// `sequence` is exactly the watermark + 1. Never fails for business reasons (distributed.md §9).
MUST_USE err
apply_message(struct decision *decision, group_id source, uint64_t sequence, bytes message);

// The watermark: the newest sequence applied from `source`; 0 at first.
MUST_USE err
message_watermark(struct store *store, group_id group, group_id source, uint64_t *out_sequence);

// Forgets outbox rows to `destination` up to `sequence`, acknowledged by it.
void acknowledge_messages(struct decision *decision, group_id destination, uint64_t sequence);

// --- definitions: the transaction is of group CATALOG_GROUP
// --------------------------------------------

// M-1, M-2 (validate_only), M-3. ERR_INVALID with `*out_violations` filled: a validation error.
MUST_USE err register_workflow(
    struct decision *decision,
    bytes json,
    bool overwrite,
    bool validate_only,
    struct api_violations *out_violations,
    struct reply *out_reply
);
MUST_USE err update_workflows(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
);
MUST_USE err get_workflow_definition(
    struct decision *decision,
    bytes name,
    bool has_version,
    int64_t version,
    struct reply *out_reply
); // M-4
MUST_USE err list_workflow_definitions(
    struct decision *decision, bytes classifier, bool latest_only, struct reply *out_reply
); // M-5, M-9
MUST_USE err
list_workflow_names_and_versions(struct decision *decision, struct reply *out_reply); // M-6
MUST_USE err list_workflow_names(struct decision *decision, struct reply *out_reply); // M-7
MUST_USE err
list_workflow_versions(struct decision *decision, bytes name, struct reply *out_reply); // M-8
MUST_USE err delete_workflow_definition(
    struct decision *decision, bytes name, int64_t version, struct reply *out_reply
); // M-10
MUST_USE err register_tasks(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
); // M-11
MUST_USE err update_task_definition(
    struct decision *decision,
    bytes json,
    struct api_violations *out_violations,
    struct reply *out_reply
);                                                                                      // M-12
MUST_USE err list_task_definitions(struct decision *decision, struct reply *out_reply); // M-13
MUST_USE err
get_task_definition(struct decision *decision, bytes name, struct reply *out_reply); // M-14
MUST_USE err
delete_task_definition(struct decision *decision, bytes name, struct reply *out_reply); // M-15
