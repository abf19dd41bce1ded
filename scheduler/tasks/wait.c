// WAIT: until a moment, for a duration, or for somebody (engine.md §10.16). The deadline is
// computed once and inherited by later attempts.
#include "proto/base/time.h"
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/wait_text.h"

#define WAIT_FOR_EVER_S INT32_MAX

static err fail(struct task *task, const char *text, bytes value);
static bool text_of(struct task *task, bytes input, const char *key, bytes *out_text);

// Reads the input into a deadline. `*out_failed`: the task was failed instead.
static err read_deadline(struct task *task, bool *out_failed) {
    struct workflow *workflow = task->workflow;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    bytes duration = BYTES_EMPTY;
    bytes until = BYTES_EMPTY;
    bool has_duration = text_of(task, input, "duration", &duration);
    bool has_until = text_of(task, input, "until", &until);
    *out_failed = true;
    if (has_duration && has_until) {
        return fail(
            task,
            "Both 'duration' and 'until' specified. Please provide only one input",
            BYTES_LITERAL("")
        );
    }
    int64_t now_ms = workflow->decision->now.ms;
    if (has_duration) {
        int64_t seconds = 0;
        if (!wait_text_duration(duration, &seconds)) {
            return fail(task, "Not valid duration: ", duration);
        }
        task->row.wait_ms = now_ms + seconds * 1000;
    } else if (has_until) {
        int64_t at_ms = 0;
        if (!wait_text_until(until, &at_ms)) {
            return fail(task, "Invalid/Unsupported Wait Until format.  Provided: ", until);
        }
        task->row.wait_ms = at_ms > 0 ? at_ms : 1;
    }
    *out_failed = false;
    return ERR_NONE;
}

static err begin(struct task *task) {
    int64_t now_ms = task->workflow->decision->now.ms;
    if (task->row.wait_ms == 0) {
        bool failed = false;
        TRY(read_deadline(task, &failed));
        if (failed) {
            return ERR_NONE;
        }
    }
    if (task->row.status == API_TASK_SCHEDULED) {
        TRY(task_move(task, API_TASK_IN_PROGRESS));
    }
    task->row.start_ms = task->row.start_ms == 0 ? now_ms : task->row.start_ms;
    task->row.update_ms = now_ms;
    task->row.callback_s = WAIT_FOR_EVER_S;
    task->dirty = true;
    if (task->row.wait_ms == 0) {
        return ERR_NONE;
    }
    if (task->row.wait_ms <= now_ms) {
        task->row.callback_s = 0;
        return task_move(task, API_TASK_COMPLETED);
    }
    task->row.callback_s = (task->row.wait_ms - now_ms + 999) / 1000;
    return ERR_NONE;
}

static err wake(struct task *task) {
    return task_move(task, API_TASK_COMPLETED);
}

static err fail(struct task *task, const char *text, bytes value) {
    task_format_reason(task, "%s%.*s", text, BYTES_ARG(value));
    return task_move(task, API_TASK_FAILED_WITH_TERMINAL_ERROR);
}

// A value that is there and not blank, as text.
static bool text_of(struct task *task, bytes input, const char *key, bytes *out_text) {
    bytes value = BYTES_EMPTY;
    if (!json_get_text(input, key, &value) || json_is_null(value)) {
        return false;
    }
    *out_text = bytes_trim(
        json_is_string(value) ? json_string(value, task->workflow->decision->arena) : value
    );
    return out_text->size > 0;
}

const struct task_kind task_kind_wait = {
    .knows_task_id = true,
    .first_status = API_TASK_IN_PROGRESS,
    .begin = begin,
    .wake = wake,
};
