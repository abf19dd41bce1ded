// The order of tasks is that of seq, their rows lie in order of number: all must have been seen
// before the first is written. What is remembered of each is eight bytes; rows are read again when
// it is written. Numbers are walked, not keys: a walk by keys would have to find its place again at
// each step.
//
// The text around the tasks is that of an execution without any, written twice with two lists that
// differ in their first element: where the two texts part is where tasks belong.
#include "scheduler/telling.h"

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/closing.h"
#include "scheduler/composed.h"
#include "scheduler/task.h"
#include "scheduler/view.h"
#include "storage/keys.h"

#include <stdlib.h>
#include <string.h>

enum stage {
    STAGE_FINDS,
    STAGE_BEGINS,
    STAGE_WRITES,
    STAGE_OVER
};

struct place {
    uint32_t seq;
    uint32_t number;
};

struct telling {
    struct telling_wish wish;
    enum stage stage;
    uint32_t next; // number to look at; 0: not begun
    struct place *places;
    uint32_t count;
    uint32_t capacity;
    uint32_t written;
    uint32_t until; // places to be written
    struct composed composed;
    struct buffer end; // the text behind the tasks
};

static err find_some(struct telling *telling, struct workflow *workflow);
static err find(struct telling *telling, struct workflow *workflow, uint32_t number);
static void put_in_order(struct telling *telling);
static err write_front(struct telling *telling, struct workflow *workflow, struct buffer *out);
static err write_some(struct telling *telling, struct workflow *workflow, struct buffer *out);

struct telling *telling_create(const struct telling_wish *wish) {
    struct telling *telling = calloc(1, sizeof(*telling));
    check(telling != NULL);
    telling->wish = *wish;
    buffer_init(&telling->end, LIMIT_REPLY_BYTES);
    return telling;
}

void telling_destroy(struct telling **telling) {
    if (*telling != NULL) {
        buffer_deinit(&(*telling)->end);
        composed_end(&(*telling)->composed);
        free((*telling)->places);
        free(*telling);
        *telling = NULL;
    }
}

// Places of tasks by their ids and frozen definitions are written once and only ever deleted.
struct store_scope *
telling_scopes(const struct telling *telling, struct arena *arena, size_t *out_count) {
    const struct key keys[] = {
        key_workflow(telling->wish.workflow),
        key_of_workflow_prefix(telling->wish.workflow),
        key_kind_prefix(KEY_TASK_ID),
        key_kind_prefix(KEY_FROZEN),
    };
    size_t count = sizeof(keys) / sizeof(keys[0]);
    struct store_scope *scopes = ARENA_ARRAY(arena, struct store_scope, count);
    for (size_t i = 0; i < count; i++) {
        scopes[i].prefix = arena_copy(arena, key_bytes(&keys[i]));
        scopes[i].only_gone = i >= 2;
    }
    *out_count = count;
    return scopes;
}

bool telling_suits(const struct decision *decision, uint32_t task_count) {
    uint32_t set = decision->settings->answer_tasks;
    return task_count > (set > 0 ? set : LIMIT_ANSWER_TASKS);
}

bool telling_is_over(const struct telling *telling) {
    return telling->stage == STAGE_OVER;
}

static uint32_t slice_of(const struct decision *decision, uint32_t usual) {
    uint32_t set = decision->settings->answer_tasks;
    return set > 0 ? set : usual;
}

err telling_step(struct telling *telling, struct decision *decision, struct buffer *out) {
    struct workflow *workflow = NULL;
    TRY(workflow_open_id(decision, telling->wish.workflow, &workflow));
    switch (telling->stage) {
    case STAGE_FINDS:
        return find_some(telling, workflow);
    case STAGE_BEGINS:
        telling->stage = STAGE_WRITES;
        return write_front(telling, workflow, out);
    case STAGE_WRITES:
        return write_some(telling, workflow, out);
    case STAGE_OVER:
        break;
    }
    check(telling->stage != STAGE_OVER);
    return ERR_NONE;
}

// --- finding -------------------------------------------------------------------------------------

static err find_some(struct telling *telling, struct workflow *workflow) {
    const struct workflow_row *row = &workflow->row;
    uint32_t most = slice_of(workflow->decision, LIMIT_TELLING_FOUND);
    if (telling->next == 0) {
        telling->next = row->first_task_no > 0 ? row->first_task_no : 1;
    }
    for (uint32_t i = 0; i < most && telling->next < row->next_task_no; i++) {
        TRY(find(telling, workflow, telling->next++));
    }
    if (telling->next >= row->next_task_no) {
        put_in_order(telling);
        telling->stage = STAGE_BEGINS;
    }
    return ERR_NONE;
}

static void add(struct telling *telling, struct place place) {
    if (telling->count == telling->capacity) {
        telling->capacity = telling->capacity == 0 ? 256 : telling->capacity * 2;
        telling->places = realloc(telling->places, telling->capacity * sizeof(telling->places[0]));
        check(telling->places != NULL);
    }
    telling->places[telling->count++] = place;
}

static err find(struct telling *telling, struct workflow *workflow, uint32_t number) {
    struct decision *decision = workflow->decision;
    struct key key = key_task(workflow->id, workflow->row.run, number);
    struct task task = {.workflow = workflow, .number = number};
    err error = row_get(decision->txn, &key, &task_row_record, decision->arena, &task.row);
    if (error.code == ERR_NOT_FOUND) {
        return ERR_NONE; // numbers have gaps
    }
    TRY(error);
    closing_show(&task);
    uint32_t wanted = telling->wish.statuses;
    if (wanted == 0 || (wanted & 1U << (unsigned)task_status(&task)) != 0) {
        add(telling, (struct place){task.row.seq, number});
    }
    return ERR_NONE;
}

static int by_sequence(const void *left, const void *right) {
    const struct place *a = left;
    const struct place *b = right;
    if (a->seq != b->seq) {
        return a->seq < b->seq ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

// Mostly they are found in their order.
static void put_in_order(struct telling *telling) {
    bool ordered = true;
    for (uint32_t i = 1; i < telling->count && ordered; i++) {
        ordered = by_sequence(&telling->places[i - 1], &telling->places[i]) < 0;
    }
    if (!ordered) {
        qsort(telling->places, telling->count, sizeof(telling->places[0]), by_sequence);
    }
    telling->until = telling->count;
    if (telling->wish.page) {
        int64_t count = telling->count;
        int64_t start = telling->wish.start < count ? telling->wish.start : count;
        int64_t wanted = telling->wish.count > 0 ? telling->wish.count : 0;
        wanted = wanted < count - start ? wanted : count - start;
        telling->written = (uint32_t)start;
        telling->until = (uint32_t)(start + wanted);
    }
}

// --- writing -------------------------------------------------------------------------------------

static err write_page_front(struct telling *telling, struct buffer *out) {
    struct json_writer writer = json_writer(&telling->end);
    buffer_append_text(out, "{\"results\":[");
    buffer_append_text(&telling->end, "]");
    writer.comma = true;
    json_member_int(&writer, "totalHits", telling->count);
    json_object_end(&writer);
    return buffer_status(out);
}

static err write_front(struct telling *telling, struct workflow *workflow, struct buffer *out) {
    if (telling->wish.page) {
        return write_page_front(telling, out);
    }
    bytes empty = BYTES_EMPTY;
    bytes other = BYTES_EMPTY;
    TRY(view_workflow_with(workflow, BYTES_LITERAL("[]"), &empty));
    TRY(view_workflow_with(workflow, BYTES_LITERAL("[0]"), &other));
    size_t at = 0;
    while (at < empty.size && empty.data[at] == other.data[at]) {
        at++;
    }
    buffer_append(out, bytes_slice(empty, 0, at));
    buffer_append(&telling->end, bytes_slice(empty, at, empty.size));
    return buffer_status(out);
}

static bool is_first(const struct telling *telling) {
    return telling->wish.page ? telling->written == telling->wish.start : telling->written == 0;
}

// A task, or a part of one whose input or output is put together of many.
static err write_one(struct telling *telling, struct workflow *workflow, struct buffer *out) {
    uint32_t most = slice_of(workflow->decision, LIMIT_TELLING_TASKS);
    struct composed *composed = &telling->composed;
    struct task *task = NULL;
    TRY(task_load(workflow, telling->places[telling->written].number, &task));
    if (!composed->active) {
        buffer_append_text(out, is_first(telling) ? "" : ",");
        if (composed_is(task, most)) {
            TRY(composed_begin(composed, task));
        }
        if (!composed->active) {
            bytes json = BYTES_EMPTY;
            TRY(view_task(task, &json));
            buffer_append(out, json);
        }
    } else {
        TRY(composed_step(composed, task, workflow->decision->settings->answer_tasks, out));
    }
    telling->written += composed->active ? 0 : 1;
    return ERR_NONE;
}

static err write_some(struct telling *telling, struct workflow *workflow, struct buffer *out) {
    uint32_t most = slice_of(workflow->decision, LIMIT_TELLING_TASKS);
    bool composed = telling->composed.active;
    for (uint32_t i = 0; i < most && telling->written < telling->until; i++) {
        TRY(write_one(telling, workflow, out));
        if (out->size >= LIMIT_TELLING_BYTES || composed || telling->composed.active) {
            break; // a part is enough for a step
        }
    }
    if (telling->written >= telling->until) {
        buffer_append(out, buffer_bytes(&telling->end));
        telling->stage = STAGE_OVER;
    }
    return buffer_status(out);
}
