// A task whose input or output is put together of many others when somebody looks – a wide dynamic
// fork, a wide JOIN that is open – written step by step (telling.h). Thread: core.
#pragma once

#include "proto/base/buffer.h"
#include "scheduler/task.h"
#include "scheduler/tasks/kind.h"

enum composed_list {
    COMPOSED_NAMES,       // forkedTasks
    COMPOSED_DEFINITIONS, // forkedTaskDefs
    COMPOSED_OUTPUTS      // of a JOIN's tasks
};

// Zero: none is being written.
struct composed {
    bool active;
    struct buffer frame; // the task's text without those elements
    size_t written;      // of it
    struct {
        enum composed_list list;
        size_t at; // where it belongs in the frame
    } holes[2];
    uint32_t hole_count;
    uint32_t hole; // the next one
    struct composed_part part;
};

// Whether the task has more such elements than one step writes.
bool composed_is(const struct task *task, uint32_t most);

// Begins it. Not active afterwards: the task has none after all. Errors: ERR_CORRUPT,
// ERR_TOO_LARGE.
MUST_USE err composed_begin(struct composed *composed, struct task *task);

// The next elements, at most so many; 0: as many as a step may write. With the last step not active
// any more.
MUST_USE err
composed_step(struct composed *composed, struct task *task, uint32_t most, struct buffer *out);
void composed_end(struct composed *composed);
