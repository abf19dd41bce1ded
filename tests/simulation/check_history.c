// One execution, read on its own: its attempts follow each other, nothing is twice, nothing fired
// early. (That something is always awaited is read from the rows: an execution may wait for its
// CONTINUE timer without an open task.)
//
// Times inside one execution are partition times of one group, so they compare whatever the wall
// clock did.

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

#include <string.h>

static const char *const CHECKER = "history";

enum {
    TASKS_MAX = 512
};

struct tasks {
    bytes items[TASKS_MAX];
    uint32_t count;
};

static void fail(struct scene *scene, bytes task, const char *what) {
    world_fail(
        scene->world,
        CHECKER,
        "%s: task %s of workflow %s, ref %.*s",
        what,
        id_text(read_id(task, "taskId")).text,
        id_text(read_id(task, "workflowInstanceId")).text,
        BYTES_ARG(read_text(task, "referenceTaskName", scene->scratch))
    );
}

static bool is_terminal(struct scene *scene, bytes task) {
    return status_is_terminal(read_text(task, "status", scene->scratch));
}

// --- attempts ------------------------------------------------------------------------------------

// The attempt after `task`, data NULL when there is none.
static bytes next_attempt(const struct tasks *tasks, bytes task) {
    bytes reference = read_value(task, "referenceTaskName");
    int64_t attempt = read_int(task, "retryCount") + 1;
    for (uint32_t i = 0; i < tasks->count; i++) {
        bytes other = tasks->items[i];
        if (read_int(other, "retryCount") == attempt &&
            bytes_equal(read_value(other, "referenceTaskName"), reference)) {
            return other;
        }
    }
    return BYTES_EMPTY;
}

static void check_pairs(struct scene *scene, const struct tasks *tasks) {
    for (uint32_t i = 0; i < tasks->count; i++) {
        bytes one = tasks->items[i];
        for (uint32_t j = i + 1; j < tasks->count; j++) {
            bytes two = tasks->items[j];
            if (id_equal(read_id(one, "taskId"), read_id(two, "taskId"))) {
                fail(scene, one, "a task id twice");
            }
            if (!bytes_equal(
                    read_value(one, "referenceTaskName"), read_value(two, "referenceTaskName")
                )) {
                continue;
            }
            if (read_int(one, "retryCount") == read_int(two, "retryCount")) {
                fail(scene, two, "an attempt twice");
            }
            if (!is_terminal(scene, one) && !is_terminal(scene, two)) {
                fail(scene, two, "two open attempts");
            }
        }
    }
}

static const struct task_type *type_of(struct scene *scene, bytes task) {
    bytes name = read_text(task, "taskType", scene->scratch);
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        if (bytes_equal_text(name, scene->flows.types[i].name)) {
            return &scene->flows.types[i];
        }
    }
    return NULL;
}

// A retry follows a failure, after its delay.
static void check_retry(struct scene *scene, const struct task_type *type, bytes task, bytes next) {
    if (!is_terminal(scene, task)) {
        fail(scene, task, "a superseded attempt is open");
        return;
    }
    if (!read_bool(task, "retried")) {
        fail(scene, task, "a superseded attempt is not marked as retried");
    }
    if (!id_equal(read_id(next, "retriedTaskId"), read_id(task, "taskId"))) {
        fail(scene, next, "a retry does not name the attempt it replaces");
    }
    int64_t begin_ms = read_int(next, "startTime");
    if (type == NULL || begin_ms == 0) {
        return;
    }
    int64_t delay_ms = task_type_delay_s(type, read_int(next, "retryCount")) * 1000;
    if (begin_ms < read_int(task, "endTime") + delay_ms) {
        fail(scene, next, "a retry began before its delay");
    }
}

// --- timers --------------------------------------------------------------------------------------

static void check_timeout(struct scene *scene, const struct task_type *type, bytes task) {
    if (!read_is(task, "status", "TIMED_OUT")) {
        return;
    }
    bytes reason = read_text(task, "reasonForIncompletion", scene->scratch);
    int64_t end_ms = read_int(task, "endTime");
    int64_t due_ms = 0;
    if (bytes_starts_with(reason, BYTES_LITERAL("responseTimeout:"))) {
        due_ms = read_int(task, "updateTime") + (int64_t)type->response_s * 1000;
        if (read_int(task, "startTime") + (int64_t)type->response_s * 1000 > due_ms) {
            due_ms = read_int(task, "startTime") + (int64_t)type->response_s * 1000;
        }
    } else if (bytes_starts_with(reason, BYTES_LITERAL("Task poll timed out"))) {
        due_ms = read_int(task, "scheduledTime") + (int64_t)type->poll_timeout_s * 1000;
    } else if (bytes_starts_with(reason, BYTES_LITERAL("Task timed out"))) {
        due_ms = read_int(task, "startTime") + (int64_t)type->timeout_s * 1000;
    }
    if (end_ms < due_ms) {
        fail(scene, task, "a timeout fired early");
    }
}

// `duration` of a WAIT as flows write it: `<n> seconds`.
static int64_t wait_ms(struct scene *scene, bytes task) {
    bytes text = read_text(read_value(task, "inputData"), "duration", scene->scratch);
    int64_t seconds = 0;
    size_t end = bytes_find(text, 0, ' ');
    return bytes_parse_i64(bytes_slice(text, 0, end), &seconds) ? seconds * 1000 : 0;
}

static void check_timers(struct scene *scene, bytes task) {
    const struct task_type *type = type_of(scene, task);
    int64_t begin_ms = read_int(task, "startTime");
    int64_t end_ms = read_int(task, "endTime");
    if (type != NULL) {
        check_timeout(scene, type, task);
        int64_t delay_s = read_int(read_value(task, "workflowTask"), "startDelay");
        if (begin_ms != 0 && read_int(task, "retryCount") == 0 &&
            begin_ms < read_int(task, "scheduledTime") + delay_s * 1000) {
            fail(scene, task, "a task began before its start delay");
        }
    }
    const struct ledger_task *known = ledger_task_find(scene->ledger, read_id(task, "taskId"));
    bool by_hand = known != NULL && known->sent_count > 0;
    if (read_is(task, "taskType", "WAIT") && read_is(task, "status", "COMPLETED") && !by_hand &&
        end_ms < begin_ms + wait_ms(scene, task)) {
        fail(scene, task, "a wait ended early");
    }
    if (end_ms != 0 && begin_ms != 0 && end_ms < begin_ms) {
        fail(scene, task, "a task ended before it began");
    }
}

// --- the workflow --------------------------------------------------------------------------------

static void check_workflow(struct scene *scene, bytes workflow, const struct tasks *tasks) {
    uint32_t open = 0;
    for (uint32_t i = 0; i < tasks->count; i++) {
        open += is_terminal(scene, tasks->items[i]) ? 0 : 1;
    }
    struct id_text name = id_text(read_id(workflow, "workflowId"));
    const char *id = name.text;
    bytes status = read_text(workflow, "status", scene->scratch);
    if (status_is_terminal(status) && open > 0) {
        world_fail(
            scene->world, CHECKER, "workflow %s is %.*s with open tasks", id, BYTES_ARG(status)
        );
    }
    if (status_is_terminal(status) && read_int(workflow, "endTime") == 0) {
        world_fail(scene->world, CHECKER, "workflow %s is terminal without an end", id);
    }
    const struct flow *flow = flows_find(
        &scene->flows,
        read_text(workflow, "workflowName", scene->scratch),
        read_int(workflow, "workflowVersion")
    );
    bytes reason = read_text(workflow, "reasonForIncompletion", scene->scratch);
    if (flow != NULL && bytes_starts_with(reason, BYTES_LITERAL("Workflow timed out")) &&
        read_int(workflow, "endTime") <
            read_int(workflow, "createTime") + (int64_t)flow->timeout_s * 1000) {
        world_fail(scene->world, CHECKER, "workflow %s timed out early", id);
    }
}

void check_history(struct scene *scene, bytes workflow) {
    struct tasks tasks;
    tasks.count = 0;
    bytes list = read_value(workflow, "tasks");
    struct json_iter iter = json_iter(list.data == NULL ? JSON_EMPTY_ARRAY : list);
    bytes item = BYTES_EMPTY;
    int64_t order = 0;
    while (tasks.count < TASKS_MAX && json_next_element(&iter, &item)) {
        if (read_int(item, "seq") <= order) {
            fail(scene, item, "tasks are not in the order of their seq");
        }
        order = read_int(item, "seq");
        tasks.items[tasks.count++] = item;
    }
    check_pairs(scene, &tasks);
    for (uint32_t i = 0; i < tasks.count; i++) {
        bytes task = tasks.items[i];
        bytes next = next_attempt(&tasks, task);
        if (next.data != NULL) {
            check_retry(scene, type_of(scene, task), task, next);
        } else if (read_bool(task, "retried")) {
            fail(scene, task, "a task was retried, but there is no retry");
        }
        check_timers(scene, task);
    }
    check_workflow(scene, workflow, &tasks);
}
