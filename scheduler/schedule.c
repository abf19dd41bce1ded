// Mapping a definition task to a task: the common part. Kinds with more to do have their own `map`.
#include "scheduler/schedule.h"

#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

err schedule_map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *instance = NULL;
    bytes reference = schedule_reference(schedule, definition);
    TRY(task_newest(schedule->workflow, reference, &instance, NULL));
    while (instance != NULL && instance->row.status == API_TASK_SKIPPED) {
        if (definition->successor == DEFINITION_NONE) {
            return ERR_NONE;
        }
        definition = &schedule->workflow->definition->tasks[definition->successor];
        reference = schedule_reference(schedule, definition);
        TRY(task_newest(schedule->workflow, reference, &instance, NULL));
    }
    if (instance != NULL || schedule_find(schedule, reference) != NULL) {
        return ERR_NONE;
    }
    const struct task_kind *kind = task_kind_of(definition->type);
    check(kind != NULL);
    if (kind->map != NULL) {
        return kind->map(schedule, definition);
    }
    struct task *task = NULL;
    return schedule_task(schedule, definition, &task);
}

struct schedule_scope schedule_scope_of(const struct task *task) {
    bytes suffix = task_suffix(task);
    return (struct schedule_scope){suffix, suffix.size > 0 ? task->row.iteration : 0};
}

bytes schedule_reference(
    const struct schedule *schedule, const struct definition_task *definition
) {
    bytes base = definition->model.task_reference_name;
    if (schedule->scope.suffix.size == 0) {
        return base;
    }
    return bytes_from_text(arena_format(
        schedule->workflow->decision->arena,
        "%.*s%.*s",
        BYTES_ARG(base),
        BYTES_ARG(schedule->scope.suffix)
    ));
}

struct task *schedule_find(const struct schedule *schedule, bytes reference) {
    for (uint32_t i = 0; i < schedule->count; i++) {
        if (bytes_equal(schedule->items[i]->row.reference, reference)) {
            return schedule->items[i];
        }
    }
    return NULL;
}

struct task *schedule_new(
    const struct schedule *schedule,
    const struct definition_task *definition,
    enum api_task_status status
) {
    struct task *task = task_new(schedule->workflow, definition, status);
    task->row.reference = schedule_reference(schedule, definition);
    task->row.iteration = schedule->scope.iteration;
    return task;
}

void schedule_add(struct schedule *schedule, struct task *task) {
    if (schedule->count == schedule->capacity) {
        uint32_t capacity = schedule->capacity == 0 ? 8 : schedule->capacity * 2;
        struct task **items =
            ARENA_ARRAY(schedule->workflow->decision->arena, struct task *, capacity);
        if (schedule->count > 0) {
            memcpy(items, schedule->items, schedule->count * sizeof(struct task *));
        }
        schedule->items = items;
        schedule->capacity = capacity;
    }
    schedule->items[schedule->count++] = task;
}

err schedule_task(
    struct schedule *schedule, const struct definition_task *definition, struct task **out_task
) {
    const struct task_kind *kind = task_kind_of(definition->type);
    struct task *task = schedule_new(schedule, definition, kind->first_status);
    struct context_options options = {
        .task_id = kind->knows_task_id ? task_id_text(task) : BYTES_EMPTY,
        .with_template = kind->with_template,
    };
    bytes input = BYTES_EMPTY;
    err error = context_task_input(schedule->workflow, definition, &options, &input);
    if (error.code == ERR_TOO_LARGE) {
        task_set_reason(task, bytes_from_text(error.text));
        task->row.status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    } else {
        TRY(error);
        schedule_input(task, input);
    }
    schedule_add(schedule, task);
    *out_task = task;
    return ERR_NONE;
}

void schedule_input(struct task *task, bytes input) {
    if (!task_set_input(task, input)) {
        task_set_too_large(task, input.size);
        task->row.status = API_TASK_FAILED_WITH_TERMINAL_ERROR;
    }
}
