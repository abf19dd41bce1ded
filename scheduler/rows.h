// The rows of a partition that hold executions, as records (distributed.md §3.3); keys are in
// storage/keys.h.
//
// Numbers of tasks, blobs and timer generations are never used twice within a workflow, not even
// by another run of it: a late lease, timer or message can be told by its number alone.
#pragma once

#include "proto/base/arena.h"
#include "proto/wire/wire.h"
#include "storage/keys.h"
#include "storage/store.h"

// Reads a row; its texts live in `arena`. Errors: ERR_NOT_FOUND, ERR_CORRUPT.
MUST_USE err row_get(
    struct store_txn *txn,
    const struct key *key,
    const struct wire_record *record,
    struct arena *arena,
    void *out_row
);

// As above, of a row that only this command can have written.
MUST_USE err row_get_own(
    struct store_txn *txn,
    const struct key *key,
    const struct wire_record *record,
    struct arena *arena,
    void *out_row
);

// Writes a row.
void row_put(
    struct store_txn *txn, const struct key *key, const struct wire_record *record, const void *row
);

// `blob` names a payload of the same workflow and run, `bytes` is its size; blob 0 is `{}`.
#define ROW_PAYLOAD_NONE 0

// --- W: the header of a workflow
// -------------------------------------------------------------------

// What a text of the header is when it is empty: absent texts and empty ones are two things.
enum workflow_flag {
    WORKFLOW_HAS_CORRELATION = 1u << 0,
    WORKFLOW_HAS_REASON = 1u << 1,
    WORKFLOW_HAS_EVENT = 1u << 2,
    WORKFLOW_ENDED_BY_PARENT = 1u << 3, // its end is no news to the parent
    WORKFLOW_REVIVED = 1u << 4,         // went on after an end: its parent may wait for it again
    WORKFLOW_ARCHIVED = 1u << 5,        // removed from lists, readable by its id
    WORKFLOW_WANTS_RETRY = 1u << 6,     // the next decision retries what failed
    WORKFLOW_WANTS_REVIVAL = 1u << 7,   // the next decision brings back what hung on a child
    WORKFLOW_HAS_FORKED = 1u << 8,      // a dynamic fork made tasks (engine.md §10.5, style A)
    WORKFLOW_WANTS_RERUN = 1u << 10,    // the next decision goes on with a rerun from a task
    WORKFLOW_REMOVED = 1u << 9, // nobody finds it any more; its header goes when it is closed
};

// `depth` is the number of executions around it. `failed_count` numbers the failures of references;
// those up to `failed_floor` are forgotten (failed.h). `expanding` are the wide forks whose
// branches are mapped slice by slice (distributed.md §5.1).
//
// `closing_next` is the first task an end has yet to look at, to cancel it as of `closing_ms`; 0:
// it is done (closing.h). A retry or revival is at task `walk_next` and goes to `walk_until`;
// `looks` are the JOINs and loops that it opened and that look when it is done (lifecycle.h). A
// rerun from task `rerun_task` is at its `rerun_stage` (rerun.h).
#define WORKFLOW_ROW_FIELDS(FIELD)      \
    FIELD(1, U32, run)                  \
    FIELD(2, U8, status)                \
    FIELD(3, U32, flags)                \
    FIELD(4, ID, definition)            \
    FIELD(5, TEXT, name)                \
    FIELD(6, I64, version)              \
    FIELD(7, TEXT, correlation)         \
    FIELD(8, U8, priority)              \
    FIELD(9, TEXT, event)               \
    FIELD(10, TEXT, external_input)     \
    FIELD(11, TEXT, created_by)         \
    FIELD(12, TEXT, idempotency_key)    \
    FIELD(13, I64, create_ms)           \
    FIELD(14, I64, update_ms)           \
    FIELD(15, I64, end_ms)              \
    FIELD(16, I64, last_retried_ms)     \
    FIELD(17, U32, input_blob)          \
    FIELD(18, U32, input_bytes)         \
    FIELD(19, U32, output_blob)         \
    FIELD(20, U32, output_bytes)        \
    FIELD(21, U32, variables_blob)      \
    FIELD(22, U32, variables_bytes)     \
    FIELD(23, U32, domains_blob)        \
    FIELD(24, U32, domains_bytes)       \
    FIELD(25, ID, parent)               \
    FIELD(26, ID, parent_task)          \
    FIELD(27, U32, parent_run)          \
    FIELD(28, U32, parent_task_no)      \
    FIELD(29, U32, parent_attempt)      \
    FIELD(30, U32, next_task_no)        \
    FIELD(31, U32, next_seq)            \
    FIELD(32, U32, next_blob)           \
    FIELD(33, U32, open_count)          \
    FIELD(34, U32_LIST, pending)        \
    FIELD(35, U32_LIST, permissive)     \
    FIELD(37, TEXT_LIST, failed_names)  \
    FIELD(38, TEXT, reason)             \
    FIELD(39, ID, failed_task)          \
    FIELD(40, ID, failure_workflow)     \
    FIELD(41, U64, revision)            \
    FIELD(42, I64, timer_due_ms)        \
    FIELD(43, U32, timer_generation)    \
    FIELD(44, I64, continue_due_ms)     \
    FIELD(45, U32, continue_generation) \
    FIELD(46, U32, first_task_no)       \
    FIELD(60, U32_LIST, expanding)      \
    FIELD(61, U32, failed_count)        \
    FIELD(62, U32, failed_floor)        \
    FIELD(63, U32, depth)               \
    FIELD(64, U32, closing_next)        \
    FIELD(65, I64, closing_ms)          \
    FIELD(66, U32, walk_next)           \
    FIELD(67, U32, walk_until)          \
    FIELD(68, U32_LIST, looks)          \
    FIELD(69, U32, rerun_task)          \
    FIELD(70, U8, rerun_stage)
WIRE_STRUCT(workflow_row, WORKFLOW_ROW_FIELDS);

// --- S: one attempt of a task
// ----------------------------------------------------------------------

enum task_flag {
    TASK_EXECUTED = 1u << 0, // successors were expanded
    TASK_RETRIED = 1u << 1,  // superseded by a newer attempt
    TASK_HAS_REASON = 1u << 2,
    TASK_HAS_WORKER = 1u << 3,
    TASK_HAS_DOMAIN = 1u << 4,
    TASK_HAS_CHILDREN = 1u << 5,  // SWITCH: the first task of its branch came with it
    TASK_CHILD_STARTED = 1u << 6, // SUB_WORKFLOW: START_CHILD was sent
    TASK_AWAITS_UPDATE = 1u << 7, // asyncComplete: its work is done, somebody else ends it
    TASK_LONG_NAMES = 1u << 16,   // FORK_JOIN_DYNAMIC: its branches are named with its own name
};

// Where a worker task is between us and the workers. Counted in the queue's N row.
enum task_place {
    TASK_PLACE_NONE,
    TASK_PLACE_READY,   // has a Q row
    TASK_PLACE_DELAYED, // its timer makes it ready
    TASK_PLACE_CLAIMED, // in a worker's hands, or being called
};

// `own_blob` is the definition of a task that a dynamic fork made: canonical WorkflowTask text
// without reference and parameters, shared by the branches that are alike; `parameters_blob` its
// inputParameters. `own_name` is what a DYNAMIC task turned out to be. Of a fork, `width` is the
// number of branches and `cursor` how many of them are mapped; of a JOIN, `width` counts its
// references; of a DO_WHILE, `cursor` counts the iterations that keepLastN dropped.
// `again` counts how often a rerun or revival began the task again under its id. While a call is
// made for a task, `executor` and `call_number` say who makes it, `lease_ms` when that is given up.
#define TASK_ROW_FIELDS(FIELD)         \
    FIELD(1, ID, id)                   \
    FIELD(2, TEXT, reference)          \
    FIELD(3, U32, definition)          \
    FIELD(4, U8, status)               \
    FIELD(5, U32, flags)               \
    FIELD(6, U32, retry_count)         \
    FIELD(7, ID, retried_task)         \
    FIELD(8, U32, seq)                 \
    FIELD(9, U32, poll_count)          \
    FIELD(10, U32, iteration)          \
    FIELD(11, I64, scheduled_ms)       \
    FIELD(12, I64, first_scheduled_ms) \
    FIELD(13, I64, start_ms)           \
    FIELD(14, I64, end_ms)             \
    FIELD(15, I64, update_ms)          \
    FIELD(16, I64, ready_ms)           \
    FIELD(17, I64, wait_ms)            \
    FIELD(18, I64, start_delay_s)      \
    FIELD(19, I64, callback_s)         \
    FIELD(20, U32, input_blob)         \
    FIELD(21, U32, input_bytes)        \
    FIELD(22, U32, output_blob)        \
    FIELD(23, U32, output_bytes)       \
    FIELD(24, TEXT, reason)            \
    FIELD(25, TEXT, worker)            \
    FIELD(26, TEXT, domain)            \
    FIELD(27, TEXT, external_output)   \
    FIELD(28, TEXT, child)             \
    FIELD(29, U8, place)               \
    FIELD(30, U8, queue_priority)      \
    FIELD(31, U64, queue_sequence)     \
    FIELD(32, I64, timer_due_ms)       \
    FIELD(33, U32, timer_generation)   \
    FIELD(34, U32, log_first)          \
    FIELD(35, U32, log_next)           \
    FIELD(36, U32, log_bytes)          \
    FIELD(60, U32, own_blob)           \
    FIELD(61, U32, own_bytes)          \
    FIELD(62, U32, parameters_blob)    \
    FIELD(63, U32, parameters_bytes)   \
    FIELD(64, TEXT, own_name)          \
    FIELD(65, U32, width)              \
    FIELD(66, U32, cursor)             \
    FIELD(70, U64, executor)           \
    FIELD(71, U64, call_number)        \
    FIELD(72, I64, lease_ms)           \
    FIELD(73, U32, again)
WIRE_STRUCT(task_row, TASK_ROW_FIELDS);

// --- R: the newest attempt of a reference name
// -----------------------------------------------------

// `joined` counts, for a JOIN, the joinOn references that are terminal and will not be retried.
#define REFERENCE_ROW_FIELDS(FIELD) \
    FIELD(1, TEXT, reference)       \
    FIELD(2, U32, task_no)          \
    FIELD(3, U32, joined)           \
    FIELD(4, U32, failed)
WIRE_STRUCT(reference_row, REFERENCE_ROW_FIELDS);

// --- A: where a task is
// ----------------------------------------------------------------------------

#define TASK_PLACE_ROW_FIELDS(FIELD) \
    FIELD(1, ID, workflow)           \
    FIELD(2, U32, run)               \
    FIELD(3, U32, task_no)
WIRE_STRUCT(task_place_row, TASK_PLACE_ROW_FIELDS);

// --- E: a line of a task's log
// ---------------------------------------------------------------------

#define LOG_ROW_FIELDS(FIELD) \
    FIELD(1, TEXT, text)      \
    FIELD(2, I64, time_ms)
WIRE_STRUCT(log_row, LOG_ROW_FIELDS);

// --- a body that no header names yet
// -----------------------------------------------------------------

// `written` of its `bytes` are there; unless it is named before, it goes with its timer.
#define STAGE_ROW_FIELDS(FIELD) \
    FIELD(1, U32, bytes)        \
    FIELD(2, U32, written)      \
    FIELD(3, I64, due_ms)
WIRE_STRUCT(stage_row, STAGE_ROW_FIELDS);

// --- K: an idempotency key
// -------------------------------------------------------------------------

#define IDEMPOTENCY_ROW_FIELDS(FIELD) \
    FIELD(1, ID, workflow)            \
    FIELD(2, TEXT, name)              \
    FIELD(3, TEXT, key)
WIRE_STRUCT(idempotency_row, IDEMPOTENCY_ROW_FIELDS);

// --- O, U, I: streams between groups
// ---------------------------------------------------------------

enum message_kind {
    MESSAGE_START_CHILD = 1, // parent's group → child's: begin this execution
    MESSAGE_CHILD_DONE,      // child's group → parent's: it ended, or could not begin
    MESSAGE_TERMINATE_CHILD, // parent's group → child's
    MESSAGE_START_FAILURE,   // a failed workflow's group → its failure workflow's
    MESSAGE_REVIVE_PARENT,   // child's group → parent's: it goes on, `name` says what was done
    MESSAGE_RESUME_CHILD,    // parent's group → child's: go on with what failed, or say how it is
    MESSAGE_PERMITS_ASKED,   // a group → the home of the limit `name` (scheduler/permit.h)
    MESSAGE_PERMITS_GIVEN,   // home → a group
    MESSAGE_PERMITS_RETURNED, // a group → home
    MESSAGE_PERMITS_STATED,   // a group → home: what it holds; without a name: that is all
    MESSAGE_CHECK_CHILD,      // child's group → parent's: I run; is that still wanted?
};

enum message_flag {
    MESSAGE_HAS_CORRELATION = 1u << 0,
    MESSAGE_HAS_REASON = 1u << 1,
    MESSAGE_NOT_STARTED = 1u << 2, // CHILD_DONE: there is no such execution, `reason` says why
    MESSAGE_OTHERS_WAIT = 1u << 3, // PERMITS_GIVEN: return what is idle
    MESSAGE_ASKS_AGAIN = 1u << 4,  // START_CHILD: one that is there and ended says so again
};

// One record for all kinds; a field that a kind does not use is zero and costs nothing.
#define MESSAGE_ROW_FIELDS(FIELD)   \
    FIELD(1, U8, kind)              \
    FIELD(2, U32, flags)            \
    FIELD(3, ID, workflow)          \
    FIELD(4, ID, parent)            \
    FIELD(5, ID, parent_task)       \
    FIELD(6, U32, parent_run)       \
    FIELD(7, U32, parent_task_no)   \
    FIELD(8, U32, parent_attempt)   \
    FIELD(9, TEXT, name)            \
    FIELD(10, I64, version)         \
    FIELD(11, TEXT, definition)     \
    FIELD(12, TEXT, input)          \
    FIELD(13, TEXT, correlation)    \
    FIELD(14, U8, priority)         \
    FIELD(15, TEXT, task_to_domain) \
    FIELD(16, U8, status)           \
    FIELD(17, TEXT, output)         \
    FIELD(18, TEXT, reason)         \
    FIELD(19, TEXT, external_input) \
    FIELD(20, U32, depth)           \
    FIELD(21, U8, permit_kind)      \
    FIELD(22, U32, permits)         \
    FIELD(23, U32, permits_limit)
WIRE_STRUCT(message_row, MESSAGE_ROW_FIELDS);

// U: the sequence number of the newest message to a group. Messages themselves leave the outbox.
#define STREAM_ROW_FIELDS(FIELD) FIELD(1, U64, sequence)
WIRE_STRUCT(stream_row, STREAM_ROW_FIELDS);

// I: the newest sequence applied from a group.
#define WATERMARK_ROW_FIELDS(FIELD) FIELD(1, U64, sequence)
WIRE_STRUCT(watermark_row, WATERMARK_ROW_FIELDS);

// --- X: what a recovered partition has yet to put right (scheduler/renewal.h)
// -------------------------------------------------------------------

// `epoch` is that of its streams, `wanted` the one it is to enter. While `walking`, executions
// behind `reached` are looked at still, of that one tasks from `reached_task` on. `unstated` are
// groups that did not say yet what they hold of limits whose home this is.
#define RENEWAL_ROW_FIELDS(FIELD) \
    FIELD(1, U32, epoch)          \
    FIELD(2, U32, wanted)         \
    FIELD(3, BOOL, walking)       \
    FIELD(4, ID, reached)         \
    FIELD(5, U32, reached_task)   \
    FIELD(6, U32_LIST, unstated)
WIRE_STRUCT(renewal_row, RENEWAL_ROW_FIELDS);
