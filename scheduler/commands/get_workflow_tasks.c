// W-5: a page of an execution's tasks, in order of seq; of a large one it is told.
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/commands/answer.h"
#include "scheduler/commands/commands.h"
#include "scheduler/telling.h"
#include "scheduler/view.h"

static bool is_wanted(const struct task *task, const struct tasks_page *page);
static uint32_t statuses_of(const struct tasks_page *page);
static bool equal_without_case(bytes left, const char *right);

err get_workflow_tasks(
    struct decision *decision, const struct tasks_page *page, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, page->workflow, &workflow));
    if (answer_is_large(workflow)) {
        struct telling_wish wish = {
            .workflow = workflow->id,
            .page = true,
            .statuses = statuses_of(page),
            .start = page->start,
            .count = page->count,
        };
        *out_reply =
            (struct reply){.status = 200, .kind = REPLY_JSON, .telling = telling_create(&wish)};
        return ERR_NONE;
    }
    struct task **tasks = NULL;
    uint32_t count = 0;
    TRY(task_list(workflow, &tasks, &count));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_object_begin(&writer);
    json_key(&writer, "results");
    json_array_begin(&writer);
    int64_t hits = 0;
    err error = ERR_NONE;
    for (uint32_t i = 0; i < count && !err_is(error); i++) {
        if (!is_wanted(tasks[i], page)) {
            continue;
        }
        if (hits >= page->start && hits - page->start < page->count) {
            bytes json = BYTES_EMPTY;
            error = view_task(tasks[i], &json);
            json_raw(&writer, json);
        }
        hits++;
    }
    json_array_end(&writer);
    json_member_int(&writer, "totalHits", hits);
    json_object_end(&writer);
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    bytes body = BYTES_EMPTY;
    TRY(payload_take(&buffer, decision->arena, &body));
    *out_reply = (struct reply){.status = 200, .kind = REPLY_JSON, .body = body};
    return ERR_NONE;
}

static bool is_wanted(const struct task *task, const struct tasks_page *page) {
    for (size_t i = 0; i < page->status_count; i++) {
        if (equal_without_case(page->statuses[i], api_task_status_text(task_status(task)))) {
            return true;
        }
    }
    return page->status_count == 0;
}

// A page of statuses that no task has is none: no task has the status of ordinal 0.
static uint32_t statuses_of(const struct tasks_page *page) {
    uint32_t statuses = page->status_count > 0 ? 1U << API_TASK_NONE : 0;
    for (unsigned status = 1; status < API_TASK_COUNT; status++) {
        for (size_t i = 0; i < page->status_count; i++) {
            if (equal_without_case(
                    page->statuses[i], api_task_status_text((enum api_task_status)status)
                )) {
                statuses |= 1U << status;
            }
        }
    }
    return statuses;
}

static bool equal_without_case(bytes left, const char *right) {
    bytes wanted = bytes_from_text(right);
    if (left.size != wanted.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        uint8_t letter = left.data[i];
        if (letter >= 'a' && letter <= 'z') {
            letter = (uint8_t)(letter - 'a' + 'A');
        }
        if (letter != wanted.data[i]) {
            return false;
        }
    }
    return true;
}
