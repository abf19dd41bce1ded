// One execution, read on its own: its attempts follow each other, nothing is twice, nothing fired
// early. (That something is always awaited is read from the rows: an execution may wait for its
// CONTINUE timer without an open task.)
//
// Times inside one execution are partition times of one group, so they compare whatever the wall
// clock did.

#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "history";

static void fail(struct scene *scene, const struct task_view *task, const char *what) {
    world_fail(
        scene->world,
        CHECKER,
        "%s: task %s of workflow %s, ref %.*s",
        what,
        id_text(task->id).text,
        id_text(task->workflow).text,
        BYTES_ARG(task->reference)
    );
}

// --- attempts ------------------------------------------------------------------------------------

// The attempt after `task`, NULL when there is none.
static const struct task_view *
next_attempt(const struct execution *execution, const struct task_view *task) {
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *other = &execution->tasks[i];
        if (other->attempt == task->attempt + 1 && bytes_equal(other->reference, task->reference)) {
            return other;
        }
    }
    return NULL;
}

static void check_pairs(struct scene *scene, const struct execution *execution) {
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *one = &execution->tasks[i];
        for (uint32_t j = i + 1; j < execution->task_count; j++) {
            const struct task_view *two = &execution->tasks[j];
            if (id_equal(one->id, two->id)) {
                fail(scene, one, "a task id twice");
            }
            if (!bytes_equal(one->reference, two->reference)) {
                continue;
            }
            if (one->attempt == two->attempt) {
                fail(scene, two, "an attempt twice");
            }
            if (!status_is_terminal(one->status) && !status_is_terminal(two->status)) {
                fail(scene, two, "two open attempts");
            }
        }
    }
}

// NULL: nobody registered one.
static const struct task_type *type_of(struct scene *scene, const struct task_view *task) {
    bytes name = bytes_slice(task->definition_name, 1, task->definition_name.size - 1);
    return flows_type_of(&scene->flows, task->input, name);
}

// When it began: what the server calls counts as begun from the moment it is queued (engine.md §2),
// and shows by its update when the call was claimed. 0: not yet.
static int64_t begun_ms(const struct task_view *task) {
    return raw_is(task->type, "HTTP") ? task->update_ms : task->start_ms;
}

// Whether somebody made the workflow's tasks ready at once.
static bool delays_are_off(struct scene *scene, const struct task_view *task) {
    const struct ledger_workflow *known = ledger_workflow_find(scene->ledger, task->workflow);
    return known != NULL && known->callbacks_reset;
}

// A retry follows a failure, after its delay.
static void check_retry(
    struct scene *scene,
    const struct task_type *type,
    const struct task_view *task,
    const struct task_view *next
) {
    if (ledger_is_revived(scene->ledger, task->workflow)) {
        return; // a client's retry has no delay, and tasks begin again in place
    }
    if (!status_is_terminal(task->status)) {
        fail(scene, task, "a superseded attempt is open");
        return;
    }
    if (!task->retried) {
        fail(scene, task, "a superseded attempt is not marked as retried");
    }
    if (!id_equal(next->retried_task, task->id)) {
        fail(scene, next, "a retry does not name the attempt it replaces");
    }
    if (type == NULL || begun_ms(next) == 0 || delays_are_off(scene, task)) {
        return;
    }
    int64_t delay_ms = task_type_delay_s(type, next->attempt) * 1000;
    if (begun_ms(next) < task->end_ms + delay_ms) {
        fail(scene, next, "a retry began before its delay");
    }
}

// --- timers --------------------------------------------------------------------------------------

static int64_t later_of(int64_t left, int64_t right) {
    return left > right ? left : right;
}

static bool reason_begins(const struct task_view *task, const char *text) {
    return task->reason.size > 1 &&
           bytes_starts_with(
               bytes_slice(task->reason, 1, task->reason.size), bytes_from_text(text)
           );
}

static void
check_timeout(struct scene *scene, const struct task_type *type, const struct task_view *task) {
    if (!bytes_equal_text(task->status, "TIMED_OUT")) {
        return;
    }
    int64_t due_ms = 0;
    if (reason_begins(task, "responseTimeout:")) {
        due_ms = later_of(task->update_ms, task->start_ms) + (int64_t)type->response_s * 1000;
    } else if (reason_begins(task, "Task poll timed out")) {
        due_ms = task->scheduled_ms + (int64_t)type->poll_timeout_s * 1000;
    } else if (reason_begins(task, "Task timed out")) {
        due_ms = task->start_ms + (int64_t)type->timeout_s * 1000;
    }
    if (task->end_ms < due_ms) {
        fail(scene, task, "a timeout fired early");
    }
}

// `duration` of a WAIT as flows write it: `<n> seconds`.
static int64_t wait_ms(struct scene *scene, const struct task_view *task) {
    bytes text = read_text(task->input, "duration", scene->scratch);
    int64_t seconds = 0;
    size_t end = bytes_find(text, 0, ' ');
    return bytes_parse_i64(bytes_slice(text, 0, end), &seconds) ? seconds * 1000 : 0;
}

static void check_timers(struct scene *scene, const struct task_view *task) {
    const struct task_type *type = type_of(scene, task);
    if (type != NULL) {
        check_timeout(scene, type, task);
        int64_t delay_s = read_int(task->definition, "startDelay");
        if (begun_ms(task) != 0 && task->attempt == 0 && !delays_are_off(scene, task) &&
            begun_ms(task) < task->scheduled_ms + delay_s * 1000) {
            fail(scene, task, "a task began before its start delay");
        }
    }
    const struct ledger_task *known = ledger_task_find(scene->ledger, task->id);
    bool by_hand = known != NULL && known->sent_count > 0;
    if (raw_is(task->type, "WAIT") && bytes_equal_text(task->status, "COMPLETED") && !by_hand &&
        task->end_ms < task->start_ms + wait_ms(scene, task)) {
        fail(scene, task, "a wait ended early");
    }
    if (task->end_ms != 0 && task->end_ms < task->start_ms) {
        fail(scene, task, "a task ended before it began");
    }
}

// --- the workflow --------------------------------------------------------------------------------

static void check_workflow(struct scene *scene, const struct execution *execution) {
    uint32_t open = 0;
    for (uint32_t i = 0; i < execution->task_count; i++) {
        open += status_is_terminal(execution->tasks[i].status) ? 0 : 1;
    }
    struct id_text name = id_text(execution->id);
    const char *id = name.text;
    bool terminal = status_is_terminal(execution->status);
    bytes head = execution->head;
    if (terminal && open > 0) {
        world_fail(
            scene->world,
            CHECKER,
            "workflow %s is %.*s with open tasks",
            id,
            BYTES_ARG(execution->status)
        );
    }
    if (terminal && read_int(head, "endTime") == 0) {
        world_fail(scene->world, CHECKER, "workflow %s is terminal without an end", id);
    }
    const struct flow *flow = flows_find(&scene->flows, execution->name, execution->version);
    bytes reason = read_text(head, "reasonForIncompletion", scene->scratch);
    // A resume begins the time anew (engine.md §4).
    int64_t since_ms = later_of(read_int(head, "createTime"), read_int(head, "lastRetriedTime"));
    if (flow != NULL && !ledger_is_revived(scene->ledger, execution->id) &&
        bytes_starts_with(reason, BYTES_LITERAL("Workflow timed out")) &&
        read_int(head, "endTime") < since_ms + (int64_t)flow->timeout_s * 1000) {
        world_fail(scene->world, CHECKER, "workflow %s timed out early", id);
    }
}

void check_history(struct scene *scene, const struct execution *execution) {
    check_pairs(scene, execution);
    int64_t seq = 0;
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *task = &execution->tasks[i];
        // Tasks that were skipped have 0, also when a rerun from one began it again.
        if (task->seq < seq || (task->seq == seq && seq > 0)) {
            fail(scene, task, "tasks are not in the order of their seq");
        }
        seq = task->seq;
        const struct task_view *next = next_attempt(execution, task);
        if (next != NULL) {
            check_retry(scene, type_of(scene, task), task, next);
        } else if (task->retried && !ledger_is_revived(scene->ledger, task->workflow)) {
            fail(scene, task, "a task was retried, but there is no retry");
        }
        if (!ledger_is_revived(scene->ledger, task->workflow)) {
            check_timers(scene, task);
        }
    }
    check_workflow(scene, execution);
}
