// One attempt of a task of an open workflow.
//
//                 claim, start
//   SCHEDULED ──────────────────▶ IN_PROGRESS
//       │  ◀─────────────────────     │
//       │     worker: not yet         │
//       ▼                             ▼
//   COMPLETED   FAILED   FAILED_WITH_TERMINAL_ERROR   TIMED_OUT   CANCELED
//                  └──────────────┴───── optional ─────────┴──────────┴──▶ COMPLETED_WITH_ERRORS
//
// Whatever the task had outside itself goes with its end: its place in a queue, its timer. A task
// that became terminal is put on the workflow's pending list, for the decider to follow up.
#pragma once

#include "scheduler/workflow.h"

struct task {
    struct workflow *workflow;
    uint32_t number; // 0: not admitted yet
    struct task_row row;
    const struct definition_task *definition;
    bool dirty;
    bool keeps_domain; // a new attempt asked for by a client stays where the old one was
    bool removed;      // by task_remove
    bool is_closing; // its workflow ended and has yet to cancel it: shown as if it had (closing.h)
    uint8_t open_status; // its own then
};

// A new attempt of a task of the definition in `status`, not yet part of the workflow.
struct task *task_new(
    struct workflow *workflow, const struct definition_task *definition, enum api_task_status status
);

// A further attempt of the same task: same place in the definition, same reference. Counting and
// timing it is the caller's.
struct task *task_new_attempt(const struct task *old, enum api_task_status status);

// Makes it part of the workflow: numbers, times, rows that find it (R, A).
MUST_USE err task_admit(struct task *task);

// The task of a number. Errors: ERR_CORRUPT when there is none.
MUST_USE err task_load(struct workflow *workflow, uint32_t number, struct task **out_task);

// As above, NULL when there is none: numbers have gaps where a rerun removed tasks.
MUST_USE err task_find(struct workflow *workflow, uint32_t number, struct task **out_task);

// All tasks of the workflow's run, in order of seq; skipped ones first. Saves the workflow's
// changes first, so that the walk over task rows sees them. Errors: ERR_CORRUPT.
MUST_USE err task_list(struct workflow *workflow, struct task ***out_tasks, uint32_t *out_count);

// Opens a terminal task again, in place: same id and attempt. Not pending any more, not followed
// up, without end; what else is to be cleared is the caller's.
void task_reopen(struct task *task, enum api_task_status status);

// Removes a terminal task as if it had never been; the one before it becomes the newest attempt of
// its reference again. Its payloads stay until the run goes. Errors: ERR_CORRUPT.
MUST_USE err task_remove(struct task *task);

// A reference name in a loop is the definition's name, the base, and a suffix `__<iteration>` for
// each loop around it; the suffix is empty outside of loops. Both borrow from the row.
bytes task_base(const struct task *task);
bytes task_suffix(const struct task *task);

// The newest task of a base name, of whatever iteration, or NULL: what `${base}` means.
MUST_USE err task_latest(struct workflow *workflow, bytes base, struct task **out_task);

// Makes a task of a loop the one that task_latest gives, unless that is a newer one: tasks behind
// it are gone.
MUST_USE err task_note_latest(struct task *task);

// The newest attempt of a reference name, or NULL. `out_row` (may be NULL) is its R row.
MUST_USE err task_newest(
    struct workflow *workflow,
    bytes reference,
    struct task **out_task,
    struct reference_row *out_row
);

// The attempt that this one replaced, or NULL.
MUST_USE err task_before(const struct task *task, struct task **out_task);

// Whether the reference has any attempt.
MUST_USE err task_exists(struct workflow *workflow, bytes reference, bool *out_exists);

// Writes the R row of a reference.
void task_put_reference(struct workflow *workflow, const struct reference_row *row);

// Opens the workflow of a task and the task itself. Errors: ERR_NOT_FOUND without text for the
// caller to word.
MUST_USE err task_open(
    struct decision *decision, bytes id_text, struct workflow **out_workflow, struct task **out_task
);

// Changes the status; checks that the picture above allows it.
MUST_USE err task_move(struct task *task, enum api_task_status status);

enum api_task_status task_status(const struct task *task);
bool task_is_terminal(const struct task *task);
bool task_is_successful(const struct task *task);

// Sets the reason, cut to its limit on a character; data NULL: none.
void task_set_reason(struct task *task, bytes reason);
PRINTF_LIKE(2, 3) void task_format_reason(struct task *task, const char *format, ...);

// Stores input or output. Over the limit of engine.md §8.4 the payload is emptied and the answer is
// false: the caller fails the task with what task_set_too_large says.
MUST_USE bool task_set_input(struct task *task, bytes json);
MUST_USE bool task_set_output(struct task *task, bytes json);
void task_set_too_large(struct task *task, size_t size);

struct payload task_input(const struct task *task);
struct payload task_output(const struct task *task);

// The text of the task's id, in the decision's arena.
bytes task_id_text(const struct task *task);

// `taskType` and `taskDefName` as clients see them (models.md §6, engine.md §10).
bytes task_type_text(const struct definition_task *definition);
bytes task_definition_name(const struct task *task);
