// Reading the server's JSON without ceremony: members that are absent read as empty, zero, false.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/id.h"

// The raw value of a member; data NULL when absent.
bytes read_value(bytes object, const char *key);

// A string member, decoded. Lives in `arena` or borrows.
bytes read_text(bytes object, const char *key, struct arena *arena);

int64_t read_int(bytes object, const char *key);
bool read_bool(bytes object, const char *key);

// Whether a string member is exactly this.
bool read_is(bytes object, const char *key, const char *text);

// A string member that is a canonical id; zero when it is not.
id128 read_id(bytes object, const char *key);

// An id for the trace.
struct id_text {
    char text[ID_TEXT_BYTES + 1];
};
struct id_text id_text(id128 id);

// A task as the checkers look at it, read in one pass.
struct task_view {
    bytes json;
    id128 id;
    id128 workflow;
    id128 retried_task;
    bytes reference;  // raw, with quotes: equal texts are equal bytes, references being plain
    bytes type;       // raw
    bytes status;     // decoded
    bytes input;      // raw
    bytes output;     // raw
    bytes reason;     // raw, data NULL when absent
    bytes definition; // workflowTask, raw
    bool retried;
    int64_t seq;
    int64_t attempt;
    int64_t iteration;
    int64_t scheduled_ms;
    int64_t start_ms;
    int64_t update_ms;
    int64_t end_ms;
};
struct task_view task_view(bytes task);

// Whether a raw text is exactly this.
bool raw_is(bytes raw, const char *text);

enum {
    TASK_VIEWS_MAX = 512
};

struct task_views {
    struct task_view items[TASK_VIEWS_MAX];
    uint32_t count;
};

// The tasks of an execution, in their order; those above the maximum are left out.
void task_views_read(bytes workflow, struct task_views *out_views);

// The execution as checkers read it, over and over: without the definitions in it, which are most
// of its text, and with its tasks last. Of a task's definition `startDelay` stays. Lives in
// `arena`.
bytes read_execution(bytes workflow, struct arena *arena);

// Statuses of tasks and workflows.
bool status_is_terminal(bytes status);
bool status_is_successful(bytes status);
