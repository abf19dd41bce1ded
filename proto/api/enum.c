// Tables and lookups of the enumerations, generated from their rows.
#include "proto/api/enums.h"
#include "proto/base/check.h"

#include <stddef.h>

#define ENUM_TEXT(prefix, ...) ENUM_FIRST(__VA_ARGS__, 0)
#define ENUM_FIRST(name, ...) #name,

static bool enum_find(const struct api_enum *table, bytes text, int *out_index) {
    for (int index = 0; index < table->count; index++) {
        if (bytes_equal_text(text, table->texts[index])) {
            *out_index = index;
            return true;
        }
    }
    return false;
}

#define ENUM_DEFINE(tag, prefix, rows)                                                \
    static const char *const tag##_texts[] = {rows(ENUM_TEXT, prefix)};               \
    const struct api_enum api_##tag##_enum = {#tag, tag##_texts, prefix##_COUNT - 1}; \
    const char *api_##tag##_text(enum api_##tag value) {                              \
        check(value < prefix##_COUNT);                                                \
        return value == prefix##_NONE ? "" : tag##_texts[value - 1];                  \
    }                                                                                 \
    bool api_##tag##_from_text(bytes text, enum api_##tag *out_value) {               \
        int index = 0;                                                                \
        if (!enum_find(&api_##tag##_enum, text, &index)) {                            \
            return false;                                                             \
        }                                                                             \
        *out_value = (enum api_##tag)(index + 1);                                     \
        return true;                                                                  \
    }
API_ENUMS(ENUM_DEFINE)

struct status_flags {
    bool terminal;
    bool successful;
    bool retriable;
};

// The row of NONE, first, has no flag set.
#define WORKFLOW_FLAGS(prefix, name, terminal, successful) {terminal, successful, false},
#define TASK_FLAGS(prefix, name, terminal, successful, retriable) {terminal, successful, retriable},

static const struct status_flags workflow_flags[] = {
    {false, false, false}, API_WORKFLOW_STATUSES(WORKFLOW_FLAGS, none)};
static const struct status_flags task_flags[] = {
    {false, false, false}, API_TASK_STATUSES(TASK_FLAGS, none)};

bool api_workflow_status_is_terminal(enum api_workflow_status status) {
    check(status < API_WORKFLOW_COUNT);
    return workflow_flags[status].terminal;
}

bool api_workflow_status_is_successful(enum api_workflow_status status) {
    check(status < API_WORKFLOW_COUNT);
    return workflow_flags[status].successful;
}

bool api_task_status_is_terminal(enum api_task_status status) {
    check(status < API_TASK_COUNT);
    return task_flags[status].terminal;
}

bool api_task_status_is_successful(enum api_task_status status) {
    check(status < API_TASK_COUNT);
    return task_flags[status].successful;
}

bool api_task_status_is_retriable(enum api_task_status status) {
    check(status < API_TASK_COUNT);
    return task_flags[status].retriable;
}

enum api_task_status api_task_status_of_result(enum api_task_result_status status) {
    enum api_task_status task_status = API_TASK_NONE;
    (void
    )api_task_status_from_text(bytes_from_text(api_task_result_status_text(status)), &task_status);
    return task_status;
}
