// The frame is the task with empty lists, written once more with a list of one: where the two texts
// part is where the elements of that list belong, whatever the input of a fork has beside them.
#include "scheduler/composed.h"

#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/view.h"

static err frame_of(struct task *task, bytes names, bytes definitions, bytes *out_text);
static err outputs_frame(struct composed *composed, struct task *task);
static err fork_frame(struct composed *composed, struct task *task);
static err part_of(struct composed *composed, struct task *task, struct buffer *out);

bool composed_is(const struct task *task, uint32_t most) {
    bool fork = task->definition->type == TASK_TYPE_FORK_JOIN_DYNAMIC && task->row.own_blob == 0;
    bool join =
        task->definition->type == TASK_TYPE_JOIN && (task->is_closing || !task_is_terminal(task));
    return (fork || join) && task->row.width > most;
}

static size_t parting(bytes one, bytes other) {
    size_t at = 0;
    while (at < one.size && at < other.size && one.data[at] == other.data[at]) {
        at++;
    }
    return at;
}

err composed_begin(struct composed *composed, struct task *task) {
    *composed = (struct composed){.active = true};
    buffer_init(&composed->frame, LIMIT_REPLY_BYTES);
    err error = task->definition->type == TASK_TYPE_JOIN ? outputs_frame(composed, task)
                                                         : fork_frame(composed, task);
    if (!err_is(error)) {
        error = buffer_status(&composed->frame);
    }
    if (err_is(error) || composed->hole_count == 0) {
        composed_end(composed);
    }
    return error;
}

static void hole_add(struct composed *composed, enum composed_list list, bytes other) {
    size_t at = parting(buffer_bytes(&composed->frame), other);
    composed->holes[composed->hole_count].list = list;
    composed->holes[composed->hole_count].at = at;
    composed->hole_count++;
}

static err outputs_frame(struct composed *composed, struct task *task) {
    bytes frame = BYTES_EMPTY;
    bytes other = BYTES_EMPTY;
    TRY(view_task_with(task, BYTES_EMPTY, BYTES_LITERAL("{}"), &frame));
    TRY(view_task_with(task, BYTES_EMPTY, BYTES_LITERAL("{\"\":0}"), &other));
    buffer_append(&composed->frame, frame);
    hole_add(composed, COMPOSED_OUTPUTS, other);
    return ERR_NONE;
}

static err fork_frame(struct composed *composed, struct task *task) {
    bytes none = BYTES_LITERAL("[]");
    bytes one = BYTES_LITERAL("[0]");
    bytes frame = BYTES_EMPTY;
    bytes other = BYTES_EMPTY;
    bool has = false;
    TRY(fork_dynamic_input_with(task, none, none, &has, &frame));
    if (!has) {
        return ERR_NONE;
    }
    TRY(frame_of(task, none, none, &frame));
    buffer_append(&composed->frame, frame);
    TRY(frame_of(task, one, none, &other));
    hole_add(composed, COMPOSED_NAMES, other);
    TRY(frame_of(task, none, one, &other));
    hole_add(composed, COMPOSED_DEFINITIONS, other);
    if (composed->holes[0].at > composed->holes[1].at) {
        composed->holes[0].list = COMPOSED_DEFINITIONS;
        composed->holes[1].list = COMPOSED_NAMES;
        size_t at = composed->holes[0].at;
        composed->holes[0].at = composed->holes[1].at;
        composed->holes[1].at = at;
    }
    return ERR_NONE;
}

static err frame_of(struct task *task, bytes names, bytes definitions, bytes *out_text) {
    bytes input = BYTES_EMPTY;
    bool has = false;
    TRY(fork_dynamic_input_with(task, names, definitions, &has, &input));
    return view_task_with(task, input, BYTES_EMPTY, out_text);
}

static void write_to(struct composed *composed, size_t end, struct buffer *out) {
    buffer_append(out, bytes_slice(buffer_bytes(&composed->frame), composed->written, end));
    composed->written = end;
}

err composed_step(struct composed *composed, struct task *task, uint32_t most, struct buffer *out) {
    check(composed->active && composed->hole < composed->hole_count);
    write_to(composed, composed->holes[composed->hole].at, out);
    bool names = composed->holes[composed->hole].list == COMPOSED_NAMES;
    composed->part.count = most > 0 ? most : names ? LIMIT_TELLING_NAMES : LIMIT_TELLING_ELEMENTS;
    TRY(part_of(composed, task, out));
    composed->part.from += composed->part.count;
    if (composed->part.end) {
        composed->part = (struct composed_part){0};
        composed->hole++;
    }
    if (composed->hole == composed->hole_count) {
        write_to(composed, composed->frame.size, out);
        composed_end(composed);
    }
    return buffer_status(out);
}

static err part_of(struct composed *composed, struct task *task, struct buffer *out) {
    enum composed_list list = composed->holes[composed->hole].list;
    return list == COMPOSED_OUTPUTS
               ? join_output_part(task, &composed->part, out)
               : fork_dynamic_part(task, list == COMPOSED_DEFINITIONS, &composed->part, out);
}

void composed_end(struct composed *composed) {
    if (composed->active) {
        buffer_deinit(&composed->frame);
        *composed = (struct composed){0};
    }
}
