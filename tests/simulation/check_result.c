// A terminal execution is one that its definition allows: an independent reading of the flow's tree
// beside the tasks that ran.
//
// The walk goes through lists in order. An element is done when the flow may go on behind it; what
// stands behind an element that is not done must not exist. Chance and faults decide which of the
// allowed ends comes, so each status is checked for a cause rather than predicted.
//
// Not covered: the default output (last task's), order between branches of a fork, texts of
// reasons, failure workflows.

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

#include <stdio.h>
#include <string.h>

static const char *const CHECKER = "result";

struct walk {
    struct scene *scene;
    bytes workflow;
    bytes status; // of the workflow
    bytes choice; // of its input
    struct task_views tasks;
    uint32_t found;        // tasks that belong to an element of the flow
    bool failed;           // some task failed for good
    bool timed_out;        // … timed out for good
    bool canceled;         // … was cancelled by a worker or with its child
    bool branch_open;      // a branch of a fork is not done
    bool terminate;        // a TERMINATE task ran,
    bool terminate_agrees; // one of them with the workflow's status
};

static void fail(struct walk *walk, const char *reference, const char *what) {
    world_fail(
        walk->scene->world,
        CHECKER,
        "workflow %s (%.*s, %.*s): %s: %s",
        id_text(read_id(walk->workflow, "workflowId")).text,
        BYTES_ARG(read_text(walk->workflow, "workflowName", walk->scene->scratch)),
        BYTES_ARG(walk->status),
        reference,
        what
    );
}

// The newest attempt of a reference, NULL when there is none; counts all attempts as found.
static const struct task_view *take_newest(struct walk *walk, const char *reference) {
    const struct task_view *newest = NULL;
    for (uint32_t i = 0; i < walk->tasks.count; i++) {
        if (raw_is(walk->tasks.items[i].reference, reference)) {
            walk->found++;
            newest = &walk->tasks.items[i];
        }
    }
    return newest;
}

static const struct task_view *newest_of(struct walk *walk, const char *reference) {
    uint32_t found = walk->found;
    const struct task_view *newest = take_newest(walk, reference);
    walk->found = found;
    return newest;
}

static bool has_status(const struct task_view *row, const char *status) {
    return bytes_equal_text(row->status, status);
}

static bool walk_list(struct walk *walk, const struct flow_list *list, bool reached);

// --- one task ------------------------------------------------------------------------------------

static void
check_input(struct walk *walk, const struct flow_task *task, const struct task_view *row) {
    bytes input = row->input;
    bytes seed = read_value(input, "seed");
    bytes given = read_value(read_value(walk->workflow, "input"), "seed");
    if (seed.data == NULL || given.data == NULL || !json_equal(seed, given)) {
        fail(walk, task->reference, "its input is not the workflow's");
    }
    if (task->source == NULL) {
        return;
    }
    bytes from = read_value(input, "from");
    const struct task_view *source = newest_of(walk, task->source);
    bytes value = source != NULL ? read_value(source->output, "value") : BYTES_EMPTY;
    bool same =
        from.data != NULL && (value.data == NULL ? json_is_null(from) : json_equal(from, value));
    if (!same) {
        fail(walk, task->reference, "its input is not the output of the task it names");
    }
}

// Whether the attempts of a failed task were used up, or its failure is final by itself.
static bool
is_exhausted(struct walk *walk, const struct flow_task *task, const struct task_view *row) {
    if (has_status(row, "FAILED_WITH_TERMINAL_ERROR")) {
        return true;
    }
    const struct task_type *type = &walk->scene->flows.types[task->type];
    if (row->attempt >= flow_task_retries(&walk->scene->flows, task)) {
        return true;
    }
    // A timeout by policy and a spent total budget end it earlier (engine.md §3.3, §4).
    bool by_policy = has_status(row, "TIMED_OUT") && type->timeout_policy[0] == 'T';
    bytes reason = read_text(walk->workflow, "reasonForIncompletion", walk->scene->scratch);
    bool by_total = type->total_s > 0 && bytes_starts_with(reason, BYTES_LITERAL("Task "));
    return by_policy || by_total;
}

// Notes why the workflow may have ended badly; gives whether the flow goes on.
static bool note_end(struct walk *walk, const struct task_view *row, bool optional) {
    if (has_status(row, "COMPLETED")) {
        return true;
    }
    if (has_status(row, "COMPLETED_WITH_ERRORS")) {
        return optional;
    }
    walk->timed_out |= has_status(row, "TIMED_OUT");
    walk->canceled |= has_status(row, "CANCELED");
    walk->failed |= has_status(row, "FAILED") || has_status(row, "FAILED_WITH_TERMINAL_ERROR");
    return false;
}

static bool
walk_simple(struct walk *walk, const struct flow_task *task, const struct task_view *row) {
    check_input(walk, task, row);
    bool completed = has_status(row, "COMPLETED");
    int64_t attempt = row->attempt;
    if (completed && (task->plan == PLAN_FAIL || task->plan == PLAN_TERMINAL ||
                      (task->plan == PLAN_FLAKY && attempt == 0))) {
        fail(walk, task->reference, "completed, but no worker ever completes it");
    }
    if (attempt > flow_task_retries(&walk->scene->flows, task)) {
        fail(walk, task->reference, "was retried more often than its limit");
    }
    // A failure with attempts left ends nothing: another task may have ended the workflow first.
    bool open_end = !has_status(row, "CANCELED") && !status_is_successful(row->status) &&
                    !is_exhausted(walk, task, row);
    return !open_end && note_end(walk, row, task->optional);
}

static bool walk_switch(
    struct walk *walk, const struct flow_task *task, const struct task_view *row, bool reached
) {
    bytes choice = task->literal != NULL ? bytes_from_text(task->literal) : walk->choice;
    uint32_t taken = bytes_equal_text(choice, "a") ? 0 : bytes_equal_text(choice, "b") ? 1 : 2;
    bool done = row != NULL && note_end(walk, row, false);
    for (uint32_t i = 0; i < task->list_count; i++) {
        bool branch_done = walk_list(walk, &task->lists[i], reached && done && i == taken);
        done = i == taken ? done && branch_done : done;
    }
    return done;
}

static bool walk_fork(
    struct walk *walk, const struct flow_task *task, const struct task_view *row, bool reached
) {
    bool done = row != NULL && note_end(walk, row, false);
    bool branches_done = true;
    bool loose = false; // a SWITCH may be joined before its branch has run
    for (uint32_t i = 0; i < task->list_count; i++) {
        const struct flow_list *branch = &task->lists[i];
        branches_done &= walk_list(walk, branch, reached && done);
        loose |= branch->tasks[branch->count - 1].kind == FLOW_SWITCH;
    }
    char reference[FLOW_TEXT_BYTES + 8];
    (void)snprintf(reference, sizeof(reference), "%s_join", task->reference);
    const struct task_view *join = take_newest(walk, reference);
    if (join == NULL) {
        if (done) {
            fail(walk, reference, "a fork without its join");
        }
        return false;
    }
    bool joined = has_status(join, "COMPLETED") || has_status(join, "COMPLETED_WITH_ERRORS");
    if (joined && !branches_done && !loose) {
        fail(walk, reference, "joined before its branches were done");
    }
    walk->branch_open |= !branches_done;
    return done && joined;
}

static void check_variable(struct walk *walk, const struct flow_task *task) {
    char name[FLOW_TEXT_BYTES + 8];
    (void)snprintf(name, sizeof(name), "v_%s", task->reference);
    if (read_int(read_value(walk->workflow, "variables"), name) != task->value) {
        fail(walk, task->reference, "its variable is not set");
    }
}

// --- the tree ------------------------------------------------------------------------------------

static bool walk_task(struct walk *walk, const struct flow_task *task, bool reached) {
    const struct task_view *row = take_newest(walk, task->reference);
    if (row != NULL && !reached) {
        fail(walk, task->reference, "ran, but the flow never came to it");
        return false;
    }
    if (task->kind == FLOW_FORK) {
        return walk_fork(walk, task, row, reached);
    }
    if (task->kind == FLOW_SWITCH) {
        return walk_switch(walk, task, row, reached);
    }
    if (row == NULL) {
        return false;
    }
    if (task->kind == FLOW_SIMPLE) {
        return walk_simple(walk, task, row);
    }
    bool done = note_end(walk, row, task->optional);
    if (task->kind == FLOW_TERMINATE && done) {
        walk->terminate = true;
        walk->terminate_agrees |= bytes_equal_text(walk->status, task->status);
        return false;
    }
    if (task->kind == FLOW_SET_VARIABLE && done) {
        check_variable(walk, task);
    }
    return done;
}

static bool walk_list(struct walk *walk, const struct flow_list *list, bool reached) {
    for (uint32_t i = 0; i < list->count; i++) {
        reached = walk_task(walk, &list->tasks[i], reached);
    }
    return reached;
}

// --- the end -------------------------------------------------------------------------------------

static void check_output(struct walk *walk, const struct flow *flow) {
    bytes output = read_value(walk->workflow, "output");
    bytes seed = read_value(output, "seed");
    bytes given = read_value(read_value(walk->workflow, "input"), "seed");
    if (seed.data == NULL || given.data == NULL || !json_equal(seed, given) ||
        !read_is(output, "marker", flow->name)) {
        fail(walk, "output", "is not what outputParameters say");
    }
}

static bool has_cause(struct walk *walk) {
    struct scene *scene = walk->scene;
    bytes reason = read_text(walk->workflow, "reasonForIncompletion", scene->scratch);
    if (bytes_equal_text(walk->status, "FAILED")) {
        return walk->failed ||
               (walk->timed_out && bytes_starts_with(reason, BYTES_LITERAL("Task ")));
    }
    if (bytes_equal_text(walk->status, "TIMED_OUT")) {
        return walk->timed_out || bytes_starts_with(reason, BYTES_LITERAL("Workflow timed out"));
    }
    const struct ledger_workflow *known =
        ledger_workflow_find(scene->ledger, read_id(walk->workflow, "workflowId"));
    bool child = !id_is_zero(read_id(walk->workflow, "parentWorkflowId"));
    return walk->canceled || child || (known != NULL && known->terminate_sent);
}

static void check_end(struct walk *walk, const struct flow *flow, bool done) {
    const struct ledger_workflow *known =
        ledger_workflow_find(walk->scene->ledger, read_id(walk->workflow, "workflowId"));
    bool by_client = known != NULL && known->terminate_sent;
    if (walk->terminate) {
        if (!walk->terminate_agrees && !by_client) {
            fail(walk, "TERMINATE", "the workflow's status is not the one it says");
        }
        return;
    }
    if (bytes_equal_text(walk->status, "COMPLETED")) {
        if (!done || walk->branch_open) {
            fail(walk, "end", "completed, but its flow is not done");
        }
        if (flow->has_output) {
            check_output(walk, flow);
        }
        return;
    }
    if (!has_cause(walk)) {
        fail(walk, "end", "nothing in it is a cause of this status");
    }
}

void check_result(struct scene *scene, bytes workflow) {
    struct walk walk = {.scene = scene, .workflow = workflow};
    walk.status = read_text(workflow, "status", scene->scratch);
    walk.choice = read_text(read_value(workflow, "input"), "choice", scene->scratch);
    task_views_read(workflow, &walk.tasks);
    const struct flow *flow = flows_find(
        &scene->flows,
        read_text(workflow, "workflowName", scene->scratch),
        read_int(workflow, "workflowVersion")
    );
    if (flow == NULL) {
        fail(&walk, "definition", "nobody registered it");
        return;
    }
    bool done = walk_list(&walk, &flow->list, true);
    if (walk.found != walk.tasks.count) {
        fail(&walk, "tasks", "some belong to no task of the definition");
    }
    check_end(&walk, flow, done);
}
