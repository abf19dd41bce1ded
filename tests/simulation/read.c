#include "tests/simulation/read.h"

#include "proto/json/json.h"

#include <string.h>

enum {
    EXECUTION_BYTES_MAX = 64 * 1024 * 1024
};

bytes read_value(bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    return json_get_text(object, key, &value) ? value : BYTES_EMPTY;
}

bytes read_text(bytes object, const char *key, struct arena *arena) {
    bytes value = read_value(object, key);
    if (value.data == NULL || !json_is_string(value)) {
        return BYTES_EMPTY;
    }
    return json_string(value, arena);
}

int64_t read_int(bytes object, const char *key) {
    bytes value = read_value(object, key);
    int64_t number = 0;
    if (value.data != NULL && json_i64(value, &number)) {
        return number;
    }
    return 0;
}

bool read_bool(bytes object, const char *key) {
    bytes value = read_value(object, key);
    return value.data != NULL && json_kind(value) == JSON_TRUE;
}

bool read_is(bytes object, const char *key, const char *text) {
    bytes value = read_value(object, key);
    return value.data != NULL && json_is_string(value) &&
           json_string_equal(value, bytes_from_text(text));
}

id128 read_id(bytes object, const char *key) {
    bytes value = read_value(object, key);
    id128 id = {{0}};
    if (value.size == ID_TEXT_BYTES + 2 && id_parse(bytes_slice(value, 1, value.size - 1), &id)) {
        return id;
    }
    return (id128){{0}};
}

struct id_text id_text(id128 id) {
    struct id_text out = {{0}};
    id_format(id, out.text);
    return out;
}

bool raw_is(bytes raw, const char *text) {
    size_t size = strlen(text);
    return raw.size == size + 2 && raw.data[0] == '"' && memcmp(raw.data + 1, text, size) == 0;
}

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

void task_views_read(bytes workflow, struct task_views *out_views) {
    out_views->count = 0;
    bytes tasks = read_value(workflow, "tasks");
    struct json_iter iter = json_iter(tasks.data == NULL ? JSON_EMPTY_ARRAY : tasks);
    bytes task = BYTES_EMPTY;
    while (out_views->count < TASK_VIEWS_MAX && json_next_element(&iter, &task)) {
        out_views->items[out_views->count++] = task_view(task);
    }
}

static void write_task(struct json_writer *writer, bytes task) {
    struct json_iter iter = json_iter(task);
    bytes key = BYTES_EMPTY;
    bytes value = BYTES_EMPTY;
    json_object_begin(writer);
    while (json_next_member(&iter, &key, &value)) {
        if (raw_is(key, "queueWaitTime")) {
            continue; // of a task that never began it grows with each look
        }
        json_raw_key(writer, key);
        if (raw_is(key, "workflowTask")) {
            json_object_begin(writer);
            json_member_int(writer, "startDelay", read_int(value, "startDelay"));
            json_object_end(writer);
        } else {
            json_raw(writer, value);
        }
    }
    json_object_end(writer);
}

bytes read_execution(bytes workflow, struct arena *arena) {
    struct buffer buffer;
    buffer_init(&buffer, EXECUTION_BYTES_MAX);
    struct json_writer writer = json_writer(&buffer);
    struct json_iter iter = json_iter(workflow);
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
    json_key(&writer, "tasks");
    json_array_begin(&writer);
    iter = json_iter(tasks);
    while (json_next_element(&iter, &value)) {
        write_task(&writer, value);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    bytes slim = arena_copy(arena, buffer_bytes(&buffer));
    buffer_deinit(&buffer);
    return slim;
}

static bool is_one_of(bytes status, const char *const *texts) {
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (bytes_equal_text(status, texts[i])) {
            return true;
        }
    }
    return false;
}

bool status_is_terminal(bytes status) {
    static const char *const open[] = {"RUNNING", "PAUSED", "SCHEDULED", "IN_PROGRESS", NULL};
    return !is_one_of(status, open);
}

bool status_is_successful(bytes status) {
    static const char *const failed[] = {
        "FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "CANCELED", "TERMINATED", NULL};
    return !is_one_of(status, failed);
}
