// Mapping a definition task to a task: the common part. Kinds with more to do have their own `map`.
#include "scheduler/schedule.h"

#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

static bool has_reference(const struct schedule *schedule, bytes reference);

err schedule_map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *instance = NULL;
    TRY(task_newest(schedule->workflow, definition->model.task_reference_name, &instance, NULL));
    while (instance != NULL && instance->row.status == API_TASK_SKIPPED) {
        if (definition->successor == DEFINITION_NONE) {
            return ERR_NONE;
        }
        definition = &schedule->workflow->definition->tasks[definition->successor];
        TRY(task_newest(schedule->workflow, definition->model.task_reference_name, &instance, NULL)
        );
    }
    if (instance != NULL || has_reference(schedule, definition->model.task_reference_name)) {
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
    struct task *task = task_new(schedule->workflow, definition, kind->first_status);
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

static bool has_reference(const struct schedule *schedule, bytes reference) {
    for (uint32_t i = 0; i < schedule->count; i++) {
        if (bytes_equal(schedule->items[i]->row.reference, reference)) {
            return true;
        }
    }
    return false;
}
