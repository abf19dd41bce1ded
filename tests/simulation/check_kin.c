// Executions of one family: what one says of another is noted, and both must agree in the end
// (invariant 29). A child, a failure workflow and what START_WORKFLOW started must be there once
// messages are through, whoever asked for them.

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "kin";

// Somebody says that it exists: the operator must find it.
static struct ledger_workflow *announce(struct scene *scene, id128 id) {
    return id_is_zero(id) ? NULL : ledger_workflow(scene->ledger, id);
}

static void note_child(struct scene *scene, const struct task_view *task) {
    struct ledger_workflow *child = announce(scene, read_id(task->json, "subWorkflowId"));
    if (child == NULL) {
        return;
    }
    if (id_is_zero(child->parent)) {
        child->parent = task->workflow;
    } else if (!id_equal(child->parent, task->workflow)) {
        world_fail(scene->world, CHECKER, "%s has two parents", id_text(child->id).text);
    }
}

void check_kin(struct scene *scene, const struct execution *execution) {
    struct ledger_workflow *known = ledger_workflow(scene->ledger, execution->id);
    known->parent = execution->parent;
    known->flow = flows_find(&scene->flows, execution->name, execution->version);
    if (known->revived) {
        ledger_revive(scene->ledger, execution->id); // its parents were not known then
    }
    bytes output = read_value(execution->head, "output");
    if (read_value(output, "subWorkflowId").data == NULL) {
        // Otherwise it is a child's output, and the failure workflow the child's.
        (void)announce(scene, read_id(output, "conductor.failure_workflow"));
    }
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *task = &execution->tasks[i];
        if (raw_is(task->type, "SUB_WORKFLOW")) {
            note_child(scene, task);
        } else if (raw_is(task->type, "START_WORKFLOW")) {
            (void)announce(scene, read_id(task->output, "workflowId"));
        }
    }
}

// What a child's end makes of its parent's task (engine.md §5.10).
static const char *status_after(const char *child) {
    static const char *const pairs[][2] = {
        {"COMPLETED", "COMPLETED"},
        {"FAILED", "FAILED"},
        {"TERMINATED", "CANCELED"},
        {"TIMED_OUT", "TIMED_OUT"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (bytes_equal_text(bytes_from_text(child), pairs[i][0])) {
            return pairs[i][1];
        }
    }
    return "";
}

void check_children(struct scene *scene, const struct execution *execution) {
    for (uint32_t i = 0; i < execution->task_count; i++) {
        const struct task_view *task = &execution->tasks[i];
        id128 id = read_id(task->json, "subWorkflowId");
        const struct ledger_workflow *child = ledger_workflow_find(scene->ledger, id);
        if (!raw_is(task->type, "SUB_WORKFLOW") || child == NULL || child->seen_turn == 0 ||
            child->remove_sent || ledger_is_revived(scene->ledger, id)) {
            continue;
        }
        // A parent's end cancels the task whatever becomes of its child, a timeout of its own too.
        bool agrees = bytes_equal_text(task->status, status_after(child->seen_status)) ||
                      bytes_equal_text(task->status, "CANCELED") ||
                      bytes_equal_text(task->status, "COMPLETED_WITH_ERRORS") ||
                      bytes_equal_text(bytes_from_text(child->seen_status), "TERMINATED");
        if (!agrees) {
            world_fail(
                scene->world,
                CHECKER,
                "task %s is %.*s, its child %s is %s",
                id_text(task->id).text,
                BYTES_ARG(task->status),
                id_text(id).text,
                child->seen_status
            );
        }
    }
}
