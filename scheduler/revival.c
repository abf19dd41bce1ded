// Exactly once comes from the streams; order, too: a child's REVIVE and its later CHILD_DONE go the
// same way. What may cross is a parent's TERMINATE_CHILD with its child's REVIVE: a child that went
// on since it was told to end says how it ends all the same (WORKFLOW_REVIVED), so the parent that
// waits for it again hears of it.
#include "scheduler/revival.h"

#include "proto/base/mutant.h"
#include "scheduler/closing.h"
#include "scheduler/ending.h"
#include "scheduler/lifecycle.h"
#include "scheduler/message.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/timer.h"
#include "scheduler/update.h"

static err
parent_task(struct workflow *parent, const struct message_row *message, struct task **out_task);
static err send_resume(struct task *task);
static err revive_task(struct task *task);

err revival_of_parent(struct decision *decision, const struct message_row *message) {
    struct workflow *parent = NULL;
    err opened = workflow_open_id(decision, message->parent, &parent);
    if (opened.code == ERR_NOT_FOUND) {
        return ERR_NONE;
    }
    TRY(opened);
    TRY(closing_finish(parent));
    struct task *task = NULL;
    TRY(parent_task(parent, message, &task));
    if (task == NULL || !task_is_terminal(task)) {
        return ERR_NONE;
    }
    if (workflow_is_terminal(parent)) {
        lifecycle_reopen(parent, true);
        parent->row.flags |= WORKFLOW_WANTS_REVIVAL;
        TRY(lifecycle_tell_parent(parent, message->name));
    }
    task_reopen(task, API_TASK_IN_PROGRESS);
    task_set_reason(task, BYTES_EMPTY);
    timer_arm(task);
    const char *text = arena_format(
        decision->arena,
        "Sub workflow %.*s %.*s.",
        BYTES_ARG(message->reason),
        BYTES_ARG(message->name)
    );
    update_add_log(task, bytes_from_text(text), decision->now.ms);
    timer_continue(parent);
    workflow_save(parent);
    return ERR_NONE;
}

// The task whose child it is; NULL: the child is nobody's any more.
static err
parent_task(struct workflow *parent, const struct message_row *message, struct task **out_task) {
    *out_task = NULL;
    if (parent->row.run != message->parent_run ||
        message->parent_task_no >= parent->row.next_task_no) {
        return ERR_NONE;
    }
    struct task *task = NULL;
    TRY(task_find(parent, message->parent_task_no, &task));
    bytes child = workflow_id_text(parent->decision, message->workflow);
    if (task != NULL && (task->row.flags & TASK_RETRIED) == 0 &&
        task->row.retry_count == message->parent_attempt && bytes_equal(task->row.child, child) &&
        !task->definition->model.optional) {
        *out_task = task;
    }
    return ERR_NONE;
}

err revival_of_some(struct task **tasks, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct task *task = tasks[i];
        bool newest = (task->row.flags & TASK_RETRIED) == 0;
        bool let_go = (task->row.flags & TASK_EXECUTED) != 0 && task->definition->model.permissive;
        if (task_is_terminal(task) && !task_is_successful(task) && newest && !let_go) {
            TRY(revive_task(task));
        }
        lifecycle_take_note(task);
    }
    return ERR_NONE;
}

static err revive_task(struct task *task) {
    const struct task_kind *kind = task_kind_of(task->definition->type);
    if (kind->look != NULL && mutant_is("revival_leaves_joins")) {
        return ERR_NONE;
    }
    if (kind->look != NULL) {
        task_reopen(task, API_TASK_IN_PROGRESS);
        task_set_reason(task, BYTES_EMPTY);
        timer_arm(task);
        return ERR_NONE;
    }
    if (task->definition->type == TASK_TYPE_SUB_WORKFLOW &&
        (task->row.flags & TASK_CHILD_STARTED) != 0) {
        task_reopen(task, API_TASK_IN_PROGRESS);
        task_set_reason(task, BYTES_EMPTY);
        timer_arm(task);
        return send_resume(task);
    }
    task->row.retry_count++;
    return lifecycle_begin_again(task);
}

static err send_resume(struct task *task) {
    struct workflow *workflow = task->workflow;
    id128 child;
    check(id_parse(task->row.child, &child));
    struct message_row message = {
        .kind = MESSAGE_RESUME_CHILD,
        .workflow = child,
        .parent = workflow->id,
        .parent_task = task->row.id,
        .parent_run = workflow->row.run,
        .parent_task_no = task->number,
        .parent_attempt = task->row.retry_count,
    };
    return message_send(workflow->decision, message_group_of(workflow->decision, child), &message);
}

// The child is gone: nothing will ever answer but this.
static err say_missing(struct decision *decision, const struct message_row *message) {
    bytes id = workflow_id_text(decision, message->workflow);
    const char *text =
        arena_format(decision->arena, "No such workflow found by id: %.*s", BYTES_ARG(id));
    struct message_row answer = *message;
    answer.kind = MESSAGE_CHILD_DONE;
    answer.flags = MESSAGE_HAS_REASON | MESSAGE_NOT_STARTED;
    answer.status = API_WORKFLOW_FAILED;
    answer.reason = bytes_from_text(text);
    return message_send(decision, message_group_of(decision, message->parent), &answer);
}

err revival_of_child(struct decision *decision, const struct message_row *message) {
    struct workflow *child = NULL;
    err opened = workflow_open_id(decision, message->workflow, &child);
    if (opened.code == ERR_NOT_FOUND) {
        return say_missing(decision, message);
    }
    TRY(opened);
    if (!workflow_is_terminal(child)) {
        child->row.flags |= WORKFLOW_REVIVED;
        child->dirty = true;
        workflow_save(child);
        return ERR_NONE;
    }
    TRY(closing_finish(child));
    bool retryable = false;
    TRY(lifecycle_has_retryable(child, &retryable));
    if (workflow_status(child) == API_WORKFLOW_COMPLETED ||
        (!retryable && workflow_status(child) != API_WORKFLOW_TIMED_OUT)) {
        child->row.flags &= ~(uint32_t)WORKFLOW_ENDED_BY_PARENT;
        child->dirty = true;
        workflow_save(child);
        return ending_tell_parent(child);
    }
    lifecycle_reopen(child, false);
    child->row.flags |= WORKFLOW_WANTS_RETRY;
    timer_continue(child);
    workflow_save(child);
    return ERR_NONE;
}
