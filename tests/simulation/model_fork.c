// Forks and what brings their branches together (engine.md §10.4–10.7).

#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"

enum model_way model_fork(const struct place *place) {
    bool split = model_is(place->row, "COMPLETED");
    for (uint32_t i = 0; i < place->task->list_count; i++) {
        (void)model_follow(place->judge, &place->task->lists[i], place->scope, split);
    }
    return model_settle(place);
}

// --- dynamic forks -------------------------------------------------------------------------------

// Whether a dynamic fork before this one made branches: then this one puts its own name in front of
// theirs. After a rerun of it, branches keep the names they had; those of old iterations may be
// gone.
static bool has_long_names(const struct place *place, bytes name) {
    const struct judge *judge = place->judge;
    if (judge->facts.revived || judge->definition->forgets) {
        const char *first = arena_format(
            judge->arena, "_%.*s_%.*s_0", BYTES_ARG(place->task->reference), BYTES_ARG(name)
        );
        return model_newest(judge, bytes_from_text(first), place->scope) != NULL;
    }
    bool found = false;
    for (uint32_t i = 0; i < judge->execution->task_count && !found; i++) {
        const struct task_view *other = &judge->execution->tasks[i];
        bytes forked = read_value(other->input, "forkedTasks");
        found = other->seq < place->row->seq && raw_is(other->type, "FORK") &&
                forked.data != NULL && json_count(forked) > 0;
    }
    return found;
}

// Style A: one type of task or one workflow, and a list of inputs.
static const char *branch_of_input(
    const struct place *place, bytes element, uint32_t number, const char *front, bytes name
) {
    bool workflows = read_value(place->row->input, "forkTaskWorkflow").data != NULL;
    return arena_format(
        place->judge->arena,
        "{\"name\":\"%.*s\",\"type\":\"%s\",\"taskReferenceName\":\"%s_%.*s_%u\",\"optional\":%s,"
        "\"inputParameters\":%.*s}",
        BYTES_ARG(name),
        workflows ? "SUB_WORKFLOW" : "SIMPLE",
        front,
        BYTES_ARG(name),
        number,
        place->task->optional ? "true" : "false",
        BYTES_ARG(workflows ? JSON_EMPTY_OBJECT : element)
    );
}

// Style C: a name, a reference and an input each.
static const char *branch_of_task(const struct place *place, bytes element) {
    return arena_format(
        place->judge->arena,
        "{\"name\":%.*s,\"taskReferenceName\":%.*s,\"inputParameters\":%.*s}",
        BYTES_ARG(read_value(element, "taskName")),
        BYTES_ARG(read_value(element, "referenceName")),
        BYTES_ARG(read_value(element, "input"))
    );
}

// The branches of a dynamic fork as definitions of tasks; those of style B are such.
static struct model_list branches_of(const struct place *place) {
    struct arena *arena = place->judge->arena;
    bytes input = place->row->input;
    bytes inputs = read_value(input, "forkTaskInputs");
    bytes tasks = read_value(input, "branches");
    bool joined = tasks.data != NULL && json_is_object(tasks);
    bytes source = inputs.data != NULL ? inputs
                   : joined            ? read_value(tasks, "dynamicTasks")
                                       : tasks;
    source = source.data != NULL && json_is_array(source) ? source : JSON_EMPTY_ARRAY;
    bytes name = read_value(input, "forkTaskWorkflow").data != NULL
                     ? BYTES_LITERAL("SUB_WORKFLOW")
                     : read_text(input, "forkTaskName", arena);
    const char *front = has_long_names(place, name)
                            ? arena_format(arena, "_%.*s", BYTES_ARG(place->task->reference))
                            : "";
    struct model_list list = {ARENA_ARRAY(arena, struct model_task, json_count(source) + 1), 0};
    struct json_iter iter = json_iter(source);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        const char *made = inputs.data != NULL
                               ? branch_of_input(place, element, list.count, front, name)
                           : joined ? branch_of_task(place, element)
                                    : NULL;
        bytes json = made != NULL ? bytes_from_text(made) : element;
        struct model_task *task = &list.tasks[list.count++];
        *task = *model_task_read(place->judge->model, json, arena);
        // What is frozen at the start does not hold it: without a registered type it has none, and
        // its own retryCount counts for nothing (engine.md §1.5, §3.1, §10.5).
        task->retries = task->task_type != NULL ? task->retries : 0;
    }
    return list;
}

enum model_way model_dynamic_fork(const struct place *place) {
    struct model_list branches = branches_of(place);
    for (uint32_t i = 0; i < branches.count; i++) {
        const struct model_list one = {&branches.tasks[i], 1};
        (void)model_follow(place->judge, &one, place->scope, model_is(place->row, "COMPLETED"));
    }
    return model_settle(place);
}

// --- joins ---------------------------------------------------------------------------------------

struct joined {
    bool all;    // every one is done for good
    bool failed; // one of them in a way that fails the join
    bool errors; // an optional one was passed over
    uint32_t with_output;
    bool outputs_agree;
};

static void
join_one(const struct place *join, const struct model_task *task, struct joined *joined) {
    const struct task_view *row = model_newest(join->judge, task->reference, join->scope);
    if (row == NULL || !status_is_terminal(row->status) || model_retry_is_due(task, row)) {
        joined->all = false;
        return;
    }
    joined->errors |= task->optional && model_is(row, "COMPLETED_WITH_ERRORS");
    joined->failed |= !status_is_successful(row->status) && !task->optional;
    if (json_count(row->output) > 0) {
        bytes shown = BYTES_EMPTY;
        bytes name = bytes_slice(row->reference, 1, row->reference.size - 1);
        joined->with_output++;
        joined->outputs_agree = joined->outputs_agree &&
                                json_get(join->row->output, name, &shown) &&
                                model_same_output(shown, row->output);
    }
}

static struct joined look(const struct place *place) {
    struct judge *judge = place->judge;
    struct joined joined = {.all = true, .outputs_agree = true};
    const struct model_task *fork = place->task->previous;
    if (fork != NULL && fork->kind == MODEL_DYNAMIC_FORK) {
        const struct task_view *row = model_newest(judge, fork->reference, place->scope);
        const struct place forked = {judge, fork, row, place->scope};
        bool branched = row != NULL && !model_is(row, "SKIPPED");
        struct model_list list = branched ? branches_of(&forked) : (struct model_list){0};
        for (uint32_t i = 0; i < list.count; i++) {
            join_one(place, &list.tasks[i], &joined);
        }
        return joined;
    }
    struct json_iter iter = json_iter(read_value(place->task->json, "joinOn"));
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        bytes name = json_string(element, judge->arena);
        const struct model_task *task = model_task_find(&judge->definition->list, name);
        if (task != NULL) {
            join_one(place, task, &joined);
        }
    }
    return joined;
}

enum model_way model_join(const struct place *place) {
    struct joined joined = look(place);
    const struct task_view *row = place->row;
    bool with_errors = model_is(row, "COMPLETED_WITH_ERRORS");
    // What it joined may have begun again: a child that went on opens its parent's task.
    bool judged = !place->judge->facts.revived && (model_is(row, "COMPLETED") || with_errors);
    model_expect(place, !judged || joined.all, "is done, but what it joins is not");
    model_expect(place, !judged || !joined.failed, "is done, but what it joins failed");
    model_expect(
        place, !judged || joined.errors == with_errors, "forgot what was passed over, or made it up"
    );
    model_expect(
        place,
        !judged || (joined.outputs_agree && json_count(row->output) == joined.with_output),
        "shows other outputs than it joined"
    );
    model_expect(
        place,
        !place->judge->settled || status_is_terminal(row->status) || !joined.all,
        "waits, but all that it joins is done"
    );
    return model_settle(place);
}

// The first of them that is there decides; the defaults are not of the loop's iteration (Q).
static const struct task_view *
first_there(const struct place *place, const char *key, bytes scope) {
    const struct task_view *from = NULL;
    struct json_iter iter = json_iter(read_value(place->task->json, key));
    bytes element = BYTES_EMPTY;
    while (from == NULL && json_next_element(&iter, &element)) {
        from = model_newest(place->judge, json_string(element, place->judge->arena), scope);
        from = from != NULL && model_is(from, "SKIPPED") ? NULL : from;
    }
    return from;
}

enum model_way model_exclusive_join(const struct place *place) {
    const struct task_view *from = first_there(place, "joinOn", place->scope);
    from = from != NULL ? from : first_there(place, "defaultExclusiveJoinTask", BYTES_EMPTY);
    bool completed = model_is(place->row, "COMPLETED");
    bool judged = completed && !place->judge->facts.revived; // it may have begun again
    model_expect(
        place,
        from != NULL && (!judged || model_same_output(from->output, place->row->output)),
        "does not show the output of the branch that was taken"
    );
    model_expect(place, !place->judge->settled || completed, "waits, but its branch is done");
    return model_settle(place);
}
