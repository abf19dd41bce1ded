#include "tests/simulation/execution.h"

#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/simulation/read.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_BYTES_MAX = 64 * 1024 * 1024,
    SLACK_BYTES = 16 * 1024 // of an arena, for views
};

// --- tasks ---------------------------------------------------------------------------------------

static id128 raw_id(bytes raw) {
    id128 id = {{0}};
    bool read = raw.size == ID_TEXT_BYTES + 2 && id_parse(bytes_slice(raw, 1, raw.size - 1), &id);
    return read ? id : (id128){{0}};
}

static int64_t raw_int(bytes raw) {
    int64_t number = 0;
    return json_i64(raw, &number) ? number : 0;
}

static void take_member(struct task_view *view, bytes key, bytes value) {
    if (raw_is(key, "taskId")) {
        view->id = raw_id(value);
    } else if (raw_is(key, "workflowInstanceId")) {
        view->workflow = raw_id(value);
    } else if (raw_is(key, "retriedTaskId")) {
        view->retried_task = raw_id(value);
    } else if (raw_is(key, "referenceTaskName")) {
        view->reference = value;
    } else if (raw_is(key, "taskDefName")) {
        view->definition_name = value;
    } else if (raw_is(key, "taskType")) {
        view->type = value;
    } else if (raw_is(key, "status")) {
        view->status = bytes_slice(value, 1, value.size - 1);
    } else if (raw_is(key, "inputData")) {
        view->input = value;
    } else if (raw_is(key, "outputData")) {
        view->output = value;
    } else if (raw_is(key, "reasonForIncompletion")) {
        view->reason = value;
    } else if (raw_is(key, "workflowTask")) {
        view->definition = value;
    } else if (raw_is(key, "queueWaitTime")) {
        view->waited = value;
    } else if (raw_is(key, "retried")) {
        view->retried = json_kind(value) == JSON_TRUE;
    } else if (raw_is(key, "seq")) {
        view->seq = raw_int(value);
    } else if (raw_is(key, "retryCount")) {
        view->attempt = raw_int(value);
    } else if (raw_is(key, "iteration")) {
        view->iteration = raw_int(value);
    } else if (raw_is(key, "scheduledTime")) {
        view->scheduled_ms = raw_int(value);
    } else if (raw_is(key, "startTime")) {
        view->start_ms = raw_int(value);
    } else if (raw_is(key, "updateTime")) {
        view->update_ms = raw_int(value);
    } else if (raw_is(key, "endTime")) {
        view->end_ms = raw_int(value);
    }
}

struct task_view task_view(bytes task) {
    struct task_view view = {.json = task};
    struct json_iter iter = json_iter(task);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    while (json_next_member(&iter, &key, &value)) {
        take_member(&view, key, value);
    }
    return view;
}

static uint32_t read_tasks(bytes tasks, struct arena *arena, const struct task_view **out_tasks) {
    struct task_view views[TASK_VIEWS_MAX];
    uint32_t count = 0;
    struct json_iter iter = json_iter(tasks);
    bytes task = BYTES_EMPTY;
    while (count < TASK_VIEWS_MAX && json_next_element(&iter, &task)) {
        views[count++] = task_view(task);
    }
    size_t size = count * sizeof(views[0]);
    struct task_view *copy = arena_alloc(arena, size + 1);
    memcpy(copy, views, size);
    *out_tasks = copy;
    return count;
}

// --- executions ----------------------------------------------------------------------------------

struct execution execution_read(bytes json, struct arena *arena) {
    struct execution execution = {.text = json};
    struct buffer buffer;
    buffer_init(&buffer, HEAD_BYTES_MAX);
    struct json_writer writer = json_writer(&buffer);
    struct json_iter iter = json_iter(json);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    bytes tasks = JSON_EMPTY_ARRAY;
    json_object_begin(&writer);
    while (json_next_member(&iter, &key, &value)) {
        if (raw_is(key, "tasks")) {
            tasks = value;
        } else if (!raw_is(key, "workflowDefinition")) {
            json_raw_key(&writer, key);
            json_raw(&writer, value);
        }
    }
    json_object_end(&writer);
    execution.head = arena_copy(arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    execution.id = read_id(execution.head, "workflowId");
    execution.parent = read_id(execution.head, "parentWorkflowId");
    execution.name = read_text(execution.head, "workflowName", arena);
    execution.version = read_int(execution.head, "workflowVersion");
    execution.status = read_text(execution.head, "status", arena);
    execution.task_count = read_tasks(tasks, arena, &execution.tasks);
    return execution;
}

// The task's text in two: before its time of waiting, and behind.
static bytes part_of(const struct task_view *task, bool behind) {
    const uint8_t *end = task->json.data + task->json.size;
    if (task->waited.data == NULL) {
        return behind ? BYTES_EMPTY : task->json;
    }
    const uint8_t *from = behind ? task->waited.data + task->waited.size : task->json.data;
    const uint8_t *to = behind ? end : task->waited.data;
    return bytes_of(from, (size_t)(to - from));
}

bool execution_equal(const struct execution *left, const struct execution *right) {
    bool equal = left->task_count == right->task_count && bytes_equal(left->head, right->head);
    for (uint32_t i = 0; i < left->task_count && equal; i++) {
        const struct task_view *one = &left->tasks[i];
        const struct task_view *other = &right->tasks[i];
        equal = bytes_equal(part_of(one, false), part_of(other, false)) &&
                bytes_equal(part_of(one, true), part_of(other, true));
    }
    return equal;
}

// --- kept ----------------------------------------------------------------------------------------

struct kept_execution {
    struct arena *arena;
    struct execution execution;
};

struct kept_execution *execution_keep(bytes text) {
    struct kept_execution *kept = calloc(1, sizeof(*kept));
    check(kept != NULL);
    kept->arena = arena_create(text.size + SLACK_BYTES);
    bytes json = BYTES_EMPTY;
    if (err_is(json_validate(arena_copy(kept->arena, text), kept->arena, &json)) ||
        !json_is_object(json)) {
        execution_release(&kept);
        return NULL;
    }
    kept->execution = execution_read(json, kept->arena);
    return kept;
}

void execution_release(struct kept_execution **kept) {
    if (*kept != NULL) {
        arena_destroy(&(*kept)->arena);
        free(*kept);
        *kept = NULL;
    }
}

const struct execution *execution_kept(const struct kept_execution *kept) {
    return &kept->execution;
}
