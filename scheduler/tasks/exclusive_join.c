// EXCLUSIVE_JOIN: takes over from the first of its references that has an instance – the branch a
// SWITCH took (engine.md §10.7). Looked at when it begins and whenever one of them settles.
#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"

static err find_decider(struct task *join, struct task **out_task, bool *out_all);
static bool is_pending(const struct task *task);
static bytes with_suffix(const struct task *join, bytes reference);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct task *task = schedule_new(schedule, definition, API_TASK_IN_PROGRESS);
    const char *input = arena_format(
        schedule->workflow->decision->arena,
        "{\"joinOn\":%.*s,\"defaultExclusiveJoinTask\":%.*s}",
        BYTES_ARG(definition->model.join_on),
        BYTES_ARG(definition->model.default_exclusive_join_task)
    );
    schedule_input(task, bytes_from_text(input));
    schedule_add(schedule, task);
    return ERR_NONE;
}

static err look(struct task *join) {
    struct workflow *workflow = join->workflow;
    const struct definition_task *definition = join->definition;
    struct task *task = NULL;
    bool all = true;
    TRY(find_decider(join, &task, &all));
    bool by_default = task == NULL || !task_is_terminal(task) || is_pending(task);
    for (uint32_t i = 0; by_default && i < definition->join_default_count; i++) {
        struct task *found = NULL;
        TRY(task_newest(workflow, definition->join_default[i], &found, NULL));
        if (found != NULL && found->row.status != API_TASK_SKIPPED) {
            task = found;
            break;
        }
    }
    if (task == NULL || !task_is_terminal(task) || is_pending(task)) {
        return ERR_NONE;
    }
    bytes output = BYTES_EMPTY;
    if (task_is_successful(task)) {
        TRY(payload_load(workflow, task_output(task), &output));
        check(task_set_output(join, output));
        return task_move(join, API_TASK_COMPLETED);
    }
    if (!by_default && task->definition->model.permissive && !all) {
        return ERR_NONE;
    }
    if ((task->row.flags & TASK_HAS_REASON) != 0) {
        task_set_reason(join, task->row.reason);
    }
    return task_move(join, API_TASK_FAILED);
}

// The first reference of joinOn with an instance; `*out_all`: all of them are terminal.
static err find_decider(struct task *join, struct task **out_task, bool *out_all) {
    const struct definition_task *definition = join->definition;
    for (uint32_t i = 0; i < definition->join_on_count; i++) {
        struct task *task = NULL;
        TRY(task_newest(join->workflow, with_suffix(join, definition->join_on[i]), &task, NULL));
        *out_all = *out_all && task != NULL && task_is_terminal(task) && !is_pending(task);
        if (*out_task == NULL && task != NULL && task->row.status != API_TASK_SKIPPED) {
            *out_task = task;
        }
    }
    return ERR_NONE;
}

// A failure that was not followed up may yet be retried.
static bool is_pending(const struct task *task) {
    if (task_is_successful(task)) {
        return false;
    }
    const struct wire_u32_list *pending = &task->workflow->row.pending;
    for (uint32_t i = 0; i < pending->count; i++) {
        if (pending->items[i] == task->number) {
            return true;
        }
    }
    return (task->row.flags & TASK_RETRIED) != 0;
}

static bytes with_suffix(const struct task *join, bytes reference) {
    bytes suffix = task_suffix(join);
    return suffix.size == 0 ? reference
                            : bytes_from_text(arena_format(
                                  join->workflow->decision->arena,
                                  "%.*s%.*s",
                                  BYTES_ARG(reference),
                                  BYTES_ARG(suffix)
                              ));
}

const struct task_kind task_kind_exclusive_join = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_IN_PROGRESS,
    .map = map,
    .look = look,
};
