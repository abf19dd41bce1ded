// Mapping a definition task to a task: the common part. Kinds with more to do have their own `map`.
#include "scheduler/schedule.h"

#include "proto/base/hash.h"
#include "proto/json/json.h"
#include "scheduler/context.h"
#include "scheduler/tasks/kind.h"

static uint32_t slot_of(const struct schedule *schedule, bytes reference);
static void grow(struct schedule *schedule);

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
    if (schedule->capacity == 0) {
        return NULL;
    }
    uint32_t found = schedule->slots[slot_of(schedule, reference)];
    return found == 0 ? NULL : schedule->items[found - 1];
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
        grow(schedule);
    }
    schedule->items[schedule->count++] = task;
    schedule->slots[slot_of(schedule, task->row.reference)] = schedule->count;
}

err schedule_task(
    struct schedule *schedule, const struct definition_task *definition, struct task **out_task
) {
    return schedule_task_with(schedule, definition, JSON_EMPTY_OBJECT, out_task);
}

err schedule_task_with(
    struct schedule *schedule,
    const struct definition_task *definition,
    bytes added,
    struct task **out_task
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
        bool same = json_count(added) == 0;
        schedule_input(
            task, same ? input : json_merge(input, added, schedule->workflow->decision->arena)
        );
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

// The slot of a reference, free or taken by it. At most half of them are taken.
static uint32_t slot_of(const struct schedule *schedule, bytes reference) {
    uint32_t mask = schedule->capacity * 2 - 1;
    uint32_t slot = (uint32_t)hash_sip64(reference) & mask;
    while (schedule->slots[slot] != 0 &&
           !bytes_equal(schedule->items[schedule->slots[slot] - 1]->row.reference, reference)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void grow(struct schedule *schedule) {
    struct arena *arena = schedule->workflow->decision->arena;
    struct task **items = schedule->items;
    schedule->capacity = schedule->capacity == 0 ? 8 : schedule->capacity * 2;
    schedule->items = ARENA_ARRAY(arena, struct task *, schedule->capacity);
    schedule->slots = ARENA_ARRAY(arena, uint32_t, (size_t)schedule->capacity * 2);
    for (uint32_t i = 0; i < schedule->count; i++) {
        schedule->items[i] = items[i];
        schedule->slots[slot_of(schedule, items[i]->row.reference)] = i + 1;
    }
}
