// Questions about executions, answered by the leaders of their partitions, wherever they are.
//
// What spans executions – the deepest failed child, the owner of a task, the task that blocks – is
// asked of one partition after another. A partition that is led here answers at once. Another one
// is asked of its leader; the asker gives up for now and comes again when the answer is there, with
// all it was told before: a request as a job (job.c), a wait as if an execution it watches had
// changed. A wait then asks to be told when an answer is no longer true: the leader holds such a
// question until an entry changes the answer, or LIMIT_LOOK_HOLD_MS. Thread: core.
#pragma once

#include "node/core/event.h"
#include "proto/wire/wire.h"
#include "scheduler/commands/commands.h"

#include <stdbool.h>

struct node;
struct request;

enum look_kind {
    LOOK_WAIT,          // look_for_wait
    LOOK_FAILED_CHILD,  // find_failed_child
    LOOK_RERUN,         // check_rerun
    LOOK_OWNER,         // find_workflow_of_task
    LOOK_PARENT,        // find_parent
    LOOK_SHOW_WORKFLOW, // get_workflow_run
    LOOK_SHOW_TASK      // get_task_run
};

// `id` is an execution, or a task (OWNER, SHOW_TASK). `seen` names an answer: none is wanted until
// there is another one.
#define LOOK_QUESTION_FIELDS(FIELD) \
    FIELD(1, U8, kind)              \
    FIELD(2, TEXT, id)              \
    FIELD(3, U8, wanted)            \
    FIELD(4, TEXT_LIST, references) \
    FIELD(5, TEXT, response_type)   \
    FIELD(6, TEXT, target_id)       \
    FIELD(7, TEXT, target_status)   \
    FIELD(8, TEXT, request_id)      \
    FIELD(9, BOOL, timed_out)       \
    FIELD(10, ID, seen)
WIRE_STRUCT(look_question, LOOK_QUESTION_FIELDS);

#define LOOK_ANSWER_FIELDS(FIELD)                            \
    FIELD(1, U8, error) /* enum err_code */                  \
    FIELD(2, TEXT, error_text)                               \
    FIELD(3, BOOL, terminal)                                 \
    FIELD(4, TEXT, status)                                   \
    FIELD(5, TEXT_LIST, steps)                               \
    FIELD(6, U32_LIST, step_is_child) /* as many as steps */ \
    FIELD(7, U8, wish)                                       \
    FIELD(8, TEXT, found) /* the child, the owner, the parent, the view */
WIRE_STRUCT(look_answer, LOOK_ANSWER_FIELDS);

// --- asking --------------------------------------------------------------------------------------

enum look_owner {
    LOOK_OF_JOB,
    LOOK_OF_WAIT
};

struct look_asked;

// What one asker asked of other nodes, and what it was told. Owned by the job or wait.
struct looks {
    enum look_owner owner;
    uint64_t owner_id;
    struct look_asked *first;
    uint32_t unanswered; // questions without any answer yet
    uint32_t round;
};

// Who asks: a wait with its looks, or a request, which becomes a job when it has to wait.
struct look_asker {
    struct looks *looks; // NULL: those of the request's job
    const struct request *request;
};

// Asks. Texts of the answer live in the step's arena. Errors: ERR_SUSPENDED (asked elsewhere: the
// asker leaves everything as it is, and is run again); ERR_UNAVAILABLE (nobody leads the partition
// now); those of the command itself.
MUST_USE err look(
    struct node *node,
    const struct look_asker *asker,
    const struct look_question *question,
    struct look_answer *out_answer
);

// A wait looks once more: what the last look did not ask for is forgotten.
void looks_round(struct node *node, struct looks *looks);

// Asks all of it again, to be told when an answer is no longer true.
void looks_watch(struct node *node, struct looks *looks);

// The asker is gone. Leaves nothing.
void looks_forget(struct node *node, struct looks *looks);

// The answer came (of forward.c); data NULL: nobody could be asked.
void look_answered(struct node *node, uint64_t look_id, bytes answer);

// Reads an answer that another node encoded. Texts borrow from `in`, lists live in `arena`. Errors:
// ERR_CORRUPT (not an answer: another form, kinds without steps, an error that has no business
// there); the error that is in it. Pure.
MUST_USE err look_answer_read(bytes in, struct arena *arena, struct look_answer *out_answer);

// --- being asked ---------------------------------------------------------------------------------

// The method of a forwarded request whose body is a question.
#define LOOK_METHOD "LOOK"

// Answers the run, or keeps it until the answer is another one (wait.c).
void look_run(struct node *node, uint64_t run_id, bytes question);

// As above for one that was kept; `late`: it is answered in any case. True: it was answered.
MUST_USE bool look_run_again(struct node *node, uint64_t run_id, bytes question, bool late);
