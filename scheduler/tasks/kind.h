// What the decider needs to know of a kind of task: one row of functions a kind, one file each in
// this folder. A kind that has no row is not built, and a definition that uses it does not start.
#pragma once

#include "scheduler/call.h"
#include "scheduler/schedule.h"
#include "scheduler/task.h"

struct task_kind {
    bool worker;        // waits in a queue for a client
    bool called;        // waits in a queue for its node, which makes a call outside
    bool never_retried; // whatever a retryCount says (engine.md §1.4)
    bool named_by_type; // `taskDefName` is the type (engine.md §10)
    bool with_template; // the definition's inputTemplate applies (engine.md §9.7)
    bool knows_task_id; // `${CPEWF_TASK_ID}` has a value (engine.md §9.4)
    bool at_once;       // ends as it begins: the decision goes on behind it
    enum api_task_status first_status;

    // Adds the task, and what is scheduled together with it, to the schedule. NULL: just the task
    // with its evaluated input.
    err (*map)(struct schedule *schedule, const struct definition_task *definition);

    // The task was admitted: runs it as far as it goes without waiting. NULL: nothing to do.
    err (*begin)(struct task *task);

    // Words the script that a task with this input runs as it begins; `out_evaluation->text` has
    // data NULL when it runs none. All in the decision's arena. NULL: it never runs one.
    err (*script
    )(struct decision *decision,
      const struct definition_task *definition,
      bytes input,
      struct evaluation *out_evaluation);

    // The output it has when its script gave `json`. NULL: not known from that alone.
    bytes (*scripted)(bytes json, struct arena *arena);

    // Something it waits for within the workflow may have come: ends the task when it did. Called
    // after begin, whenever a joined task or one of the loop settled, and for one that is open
    // again after it had ended. NULL: it does not wait for tasks.
    err (*look)(struct task *task);

    // Its READY or WAIT deadline came. NULL: it has none.
    err (*wake)(struct task *task);

    // Maps the next branches of a wide fork, which is on the workflow's list `expanding`; with the
    // last the fork completes (distributed.md §5.1). NULL: it is no fork.
    err (*expand)(struct schedule *schedule, struct task *fork);

    // The task was claimed: words its request. `*out_wanted` false: it has none and ended instead.
    // NULL: it is not called.
    err (*call)(struct task *task, struct call *out_call, bool *out_wanted);

    // The answer to the request of the present claim.
    err (*answer)(struct task *task, const struct call_result *result);

    // The output that it has once it is CANCELED with its workflow. Tasks are to be looked at as
    // they are then: those with lower numbers were canceled before. NULL: the one it has.
    err (*leaves)(struct task *task, bytes *out_json);

    // The task is about to be CANCELED; `reason` is why its workflow ends. NULL: nothing to do.
    err (*cancel)(struct task *task, bytes reason);
};

// NULL: not built.
const struct task_kind *task_kind_of(enum definition_task_type type);

extern const struct task_kind task_kind_worker;
extern const struct task_kind task_kind_dynamic;
extern const struct task_kind task_kind_fork_dynamic;
extern const struct task_kind task_kind_exclusive_join;
extern const struct task_kind task_kind_decision;
extern const struct task_kind task_kind_do_while;
extern const struct task_kind task_kind_start_workflow;
extern const struct task_kind task_kind_http;
extern const struct task_kind task_kind_inline;
extern const struct task_kind task_kind_lambda;
extern const struct task_kind task_kind_jq;
extern const struct task_kind task_kind_fork_join;
extern const struct task_kind task_kind_join;
extern const struct task_kind task_kind_switch;
extern const struct task_kind task_kind_sub_workflow;
extern const struct task_kind task_kind_terminate;
extern const struct task_kind task_kind_wait;
extern const struct task_kind task_kind_human;
extern const struct task_kind task_kind_noop;
extern const struct task_kind task_kind_set_variable;

// Whether everything in a definition is built. Errors: ERR_UNSUPPORTED naming type and task,
// ERR_ILLEGAL_STATE for a fork with an empty branch.
MUST_USE err task_kinds_check(const struct definition *definition, struct arena *arena);

// --- what others ask of one kind
// -------------------------------------------------------------------

// A task that the JOIN or EXCLUSIVE_JOIN of this reference names settled: it will not be retried.
// `*out_join` is the task to look at now, NULL: nothing to do yet.
MUST_USE err join_note(
    struct workflow *workflow, bytes reference, const struct task *settled, struct task **out_join
);

// The references a JOIN or EXCLUSIVE_JOIN waits for, as they are in its iteration; in the arena.
MUST_USE err join_references(struct task *join, bytes **out_references, uint32_t *out_count);

// The output an open JOIN has at present.
MUST_USE err join_output(struct task *join, bytes *out_json);

// A part of a value that is put together of many tasks when somebody looks: so many elements from
// one on, appended without what stands around them.
struct composed_part {
    uint32_t from;
    uint32_t count;
    bool comma; // elements stand before; on return: before what follows
    bool end;   // on return: there are no more
};

// Members of the output of an open JOIN, one a reference.
MUST_USE err join_output_part(struct task *join, struct composed_part *part, struct buffer *out);

// A TERMINATE task is COMPLETED: asks for the end it stands for.
void terminate_want_end(struct task *task);

// The child of a SUB_WORKFLOW task ended, or could not begin (engine.md §5.10).
MUST_USE err sub_workflow_done(struct task *task, const struct message_row *message);

// A SUB_WORKFLOW task that waits begins its child once more, or asks it how it ended: whether the
// first word of either arrived is not known (renewal.h). Nothing for other tasks.
MUST_USE err sub_workflow_ask_again(struct task *task);

// A task is about to end without success by another word than its child's: a SUB_WORKFLOW's child
// is told to end, too, for nobody will (engine.md §16, 23). Nothing for other kinds.
MUST_USE err sub_workflow_abandon(struct task *task, bytes reason);

// Whether a fork was cut off before all its branches were mapped.
bool fork_has_more(const struct task *task);

// A wide fork begins, or goes on: it waits for the decider on the list `expanding`.
MUST_USE err fork_begin(struct task *fork);

// The input of a FORK_JOIN_DYNAMIC as people see it, with its branches.
MUST_USE err fork_dynamic_input(struct task *fork, bytes *out_json);

// That with these lists of branches; `*out_has`: false: it has none, it could not be made.
MUST_USE err fork_dynamic_input_with(
    struct task *fork, bytes names, bytes definitions, bool *out_has, bytes *out_json
);

// Elements of either list, one a branch.
MUST_USE err fork_dynamic_part(
    struct task *fork, bool definitions, struct composed_part *part, struct buffer *out
);

// The references, without suffix, of the branches of the fork before this JOIN as a JSON array.
// BYTES_EMPTY: there is no dynamic fork before it.
MUST_USE err fork_dynamic_references(
    struct schedule *schedule,
    const struct definition_task *join,
    bytes *out_json,
    uint32_t *out_count
);

// The loop whose iteration a task belongs to, or NULL.
MUST_USE err do_while_of(const struct task *task, struct task **out_loop);

// The loop is in this iteration again, whose tasks exist; later ones are gone. Errors: ERR_CORRUPT.
MUST_USE err do_while_rewind(struct task *loop, uint32_t iteration);

// The loop was opened again by a client: an iteration that ended its workflow before it had a task
// begins now. Errors: ERR_CORRUPT, ERR_SUSPENDED.
MUST_USE err do_while_resume(struct task *loop);

// The output an open DO_WHILE has at present. `member` names the only member that is wanted, data
// NULL: all.
MUST_USE err do_while_output(struct task *loop, bytes member, bytes *out_json);
