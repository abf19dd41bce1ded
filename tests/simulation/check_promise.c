// Nothing lost: what was answered, or shown, before a question was asked is still so in its answer.

#include "proto/base/hash.h"
#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "promise";

static bool applies(uint64_t promised, uint64_t asked) {
    return promised != 0 && promised <= asked;
}

// A completed worker task shows an output that was sent for it.
static void
check_output(struct scene *scene, const struct ledger_task *known, const struct task_view *task) {
    if (known->sent_count == 0 || !bytes_equal_text(task->status, "COMPLETED")) {
        return;
    }
    if (raw_is(task->type, "WAIT") && read_value(task->output, "value").data == NULL) {
        return; // its own end came before the update
    }
    int64_t value = read_int(task->output, "value");
    if (!ledger_was_sent(known, task->status, value)) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s is COMPLETED with value %lld, which nobody sent",
            id_text(known->id).text,
            (long long)value
        );
    }
}

static void
check_ended(struct scene *scene, const struct ledger_task *known, const struct task_view *task) {
    if (!status_is_terminal(task->status)) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s is %.*s after an answered update that ended it",
            id_text(known->id).text,
            BYTES_ARG(task->status)
        );
        return;
    }
    if (task->end_ms > known->ended_ms) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s ended as %.*s %lld ms after an update that ended it was answered",
            id_text(known->id).text,
            BYTES_ARG(task->status),
            (long long)(task->end_ms - known->ended_ms)
        );
    }
}

// An optional task's failure is recorded first and passed over when the workflow decides next,
// which may be much later when it is paused (engine.md §3.1).
static bool is_passed_over(const struct ledger_task *known, const struct task_view *task) {
    return bytes_equal_text(task->status, "COMPLETED_WITH_ERRORS") &&
           !status_is_successful(bytes_from_text(known->seen_status));
}

static void see_task(
    struct scene *scene, struct ledger_task *known, const struct task_view *task, uint64_t asked
) {
    uint64_t output = hash_sip64(task->output);
    if (applies(known->seen_turn, asked) && !ledger_is_revived(scene->ledger, task->workflow)) {
        if (is_passed_over(known, task) && output == known->seen_output) {
            ledger_status(known->seen_status, task->status);
        }
        if (!bytes_equal_text(task->status, known->seen_status) || output != known->seen_output) {
            world_fail(
                scene->world,
                CHECKER,
                "task %s was seen %s and is now %.*s%s",
                id_text(known->id).text,
                known->seen_status,
                BYTES_ARG(task->status),
                output != known->seen_output ? " with another output" : ""
            );
        }
        return;
    }
    if (known->seen_turn == 0 && status_is_terminal(task->status)) {
        known->seen_turn = world_turns(scene->world);
        known->seen_output = output;
        ledger_status(known->seen_status, task->status);
    }
}

static void check_task(struct scene *scene, const struct task_view *task, uint64_t asked) {
    if (id_is_zero(task->id)) {
        world_fail(scene->world, CHECKER, "a task without an id: %.*s", BYTES_ARG(task->json));
        return;
    }
    struct ledger_task *known = ledger_task(scene->ledger, task->id);
    known->read_turn = world_turns(scene->world);
    if (id_is_zero(known->workflow)) {
        known->workflow = task->workflow;
    } else if (!id_equal(known->workflow, task->workflow)) {
        world_fail(scene->world, CHECKER, "task id %s is in two workflows", id_text(task->id).text);
    }
    if (applies(known->ended_turn, asked) && !ledger_is_revived(scene->ledger, task->workflow)) {
        check_ended(scene, known, task);
    }
    check_output(scene, known, task);
    see_task(scene, known, task, asked);
}

void check_task_promises(struct scene *scene, bytes json, uint64_t asked) {
    const struct task_view task = task_view(json);
    check_task(scene, &task, asked);
}

static void check_control(
    struct scene *scene, const struct ledger_workflow *known, bytes status, uint64_t asked
) {
    if (ledger_is_revived(scene->ledger, known->id)) {
        return;
    }
    if (applies(known->terminated_turn, asked) && !status_is_terminal(status)) {
        world_fail(
            scene->world,
            CHECKER,
            "workflow %s is %.*s after an answered terminate",
            id_text(known->id).text,
            BYTES_ARG(status)
        );
    }
    if (applies(known->paused_turn, asked) && bytes_equal_text(status, "RUNNING")) {
        world_fail(
            scene->world,
            CHECKER,
            "workflow %s is RUNNING after an answered pause, without a resume",
            id_text(known->id).text
        );
    }
}

// Terminal is final, but for a revival, and for terminate, which turns a failed one into TERMINATED
// (engine.md §5.5).
static void
see_workflow(struct scene *scene, struct ledger_workflow *known, bytes status, uint64_t asked) {
    if (!ledger_is_revived(scene->ledger, known->id) && applies(known->seen_turn, asked) &&
        !bytes_equal_text(status, known->seen_status)) {
        bool terminated = known->terminate_sent && bytes_equal_text(status, "TERMINATED") &&
                          !bytes_equal_text(bytes_from_text(known->seen_status), "COMPLETED");
        if (!terminated) {
            world_fail(
                scene->world,
                CHECKER,
                "workflow %s was seen %s and is now %.*s",
                id_text(known->id).text,
                known->seen_status,
                BYTES_ARG(status)
            );
        }
    }
    if (status_is_terminal(status) && (known->seen_turn == 0 || known->seen_turn <= asked)) {
        known->seen_turn = known->seen_turn == 0 ? world_turns(scene->world) : known->seen_turn;
        ledger_status(known->seen_status, status);
    }
}

void check_workflow_promises(
    struct scene *scene, const struct execution *execution, uint64_t asked
) {
    struct ledger_workflow *known = ledger_workflow(scene->ledger, execution->id);
    if (applies(known->removed_turn, asked)) {
        world_fail(scene->world, CHECKER, "workflow %s was removed", id_text(execution->id).text);
    }
    known->read_turn = world_turns(scene->world);
    check_control(scene, known, execution->status, asked);
    see_workflow(scene, known, execution->status, asked);
    for (uint32_t i = 0; i < execution->task_count; i++) {
        check_task(scene, &execution->tasks[i], asked);
    }
}
