// FORK_JOIN_DYNAMIC: branches that its input describes (engine.md §10.5).
//
// A branch is a task with a definition of its own (blueprint.h) at the fork's place in the tree. Up
// to LIMIT_FORK_SLICE branches are mapped together with fork and JOIN, as in the reference. A wider
// fork stays IN_PROGRESS on the workflow's list of expanding forks and gets its next slice each
// time the decider has nothing else to do, cut into entries by the decision's bounds; with the last
// slice it completes, and its JOIN follows as any successor does.
//
// What the reference repeats in the fork's input – all branches as whole definitions – is not
// stored but put together for whoever looks (engine.md §16, 5).
#include "proto/base/hash.h"
#include "proto/base/mutant.h"
#include "proto/base/table.h"
#include "scheduler/blueprint.h"
#include "scheduler/tasks/fork_plan.h"
#include "scheduler/tasks/kind.h"

static err expand(struct schedule *schedule, struct task *fork);
static err plan_of(struct task *fork, struct fork_plan *plan);
static err map_slice(struct schedule *schedule, struct task *fork, struct fork_plan *plan);
static err
map_branch(struct schedule *schedule, const struct task *fork, const struct fork_branch *branch);
static bool may_branch(enum definition_task_type type);
static err
check_duplicate(struct schedule *schedule, const struct task *fork, bytes base, bool *out_skip);
static void end_for(struct workflow *workflow, const char *text);

static err map(struct schedule *schedule, const struct definition_task *definition) {
    struct workflow *workflow = schedule->workflow;
    const struct definition *tree = workflow->definition;
    if (definition->next == DEFINITION_NONE ||
        tree->tasks[definition->next].type != TASK_TYPE_JOIN) {
        end_for(
            workflow,
            "Dynamic join definition is not followed by a join task.  Check the workflow "
            "definition."
        );
        return ERR_NONE;
    }
    struct task *fork = NULL;
    TRY(schedule_task(schedule, definition, &fork));
    if (task_is_terminal(fork) && fork->row.status != API_TASK_COMPLETED) {
        return ERR_NONE; // its input is over the limit
    }
    if ((workflow->row.flags & WORKFLOW_HAS_FORKED) != 0) {
        fork->row.flags |= TASK_LONG_NAMES;
    }
    struct fork_plan plan;
    TRY(plan_of(fork, &plan));
    if (plan.fault == NULL) {
        fork->row.width = (uint32_t)json_count(plan.list);
        TRY(map_slice(schedule, fork, &plan));
    }
    if (plan.fault != NULL) {
        end_for(workflow, plan.fault);
    }
    if (workflow->ending.wanted || fork_has_more(fork)) {
        fork->row.status = API_TASK_IN_PROGRESS;
        return ERR_NONE;
    }
    return schedule_map(schedule, &tree->tasks[definition->next]);
}

static err expand(struct schedule *schedule, struct task *fork) {
    struct workflow *workflow = schedule->workflow;
    struct fork_plan plan = {0};
    if (!task_is_terminal(fork)) {
        TRY(plan_of(fork, &plan));
        fork_plan_skip(&plan, fork->row.cursor);
        TRY(map_slice(schedule, fork, &plan));
    }
    if (plan.fault != NULL) {
        end_for(workflow, plan.fault);
    }
    if (workflow->ending.wanted || fork_has_more(fork)) {
        return ERR_NONE;
    }
    workflow_list_remove(workflow, &workflow->row.expanding, fork->number);
    return task_is_terminal(fork) ? ERR_NONE : task_move(fork, API_TASK_COMPLETED);
}

static err whole_list(struct task *fork, bool definitions, bytes *out_json) {
    struct composed_part all = {.count = UINT32_MAX};
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    buffer_append_text(&buffer, "[");
    err error = fork_dynamic_part(fork, definitions, &all, &buffer);
    buffer_append_text(&buffer, "]");
    if (err_is(error)) {
        buffer_deinit(&buffer);
        return error;
    }
    return payload_take(&buffer, fork->workflow->decision->arena, out_json);
}

err fork_dynamic_input(struct task *fork, bytes *out_json) {
    bytes names = BYTES_EMPTY;
    bytes definitions = BYTES_EMPTY;
    bool has = false;
    TRY(whole_list(fork, false, &names));
    TRY(whole_list(fork, true, &definitions));
    return fork_dynamic_input_with(fork, names, definitions, &has, out_json);
}

err fork_dynamic_input_with(
    struct task *fork, bytes names, bytes definitions, bool *out_has, bytes *out_json
) {
    struct arena *arena = fork->workflow->decision->arena;
    struct fork_plan plan;
    TRY(plan_of(fork, &plan));
    *out_has = plan.fault == NULL;
    if (plan.fault != NULL) {
        *out_json = plan.input;
        return ERR_NONE;
    }
    const char *added = arena_format(
        arena,
        "{\"forkedTasks\":%.*s,\"forkedTaskDefs\":%.*s}",
        BYTES_ARG(names),
        BYTES_ARG(definitions)
    );
    *out_json = json_merge(plan.input, bytes_from_text(added), arena);
    return ERR_NONE;
}

err fork_dynamic_part(
    struct task *fork, bool definitions, struct composed_part *part, struct buffer *out
) {
    struct workflow *workflow = fork->workflow;
    struct json_writer writer = json_writer(out);
    writer.comma = part->comma;
    struct fork_plan plan;
    struct fork_branch branch;
    struct schedule scope = {.workflow = workflow, .scope = schedule_scope_of(fork)};
    TRY(plan_of(fork, &plan));
    part->end = plan.fault != NULL;
    if (!part->end) {
        fork_plan_skip(&plan, part->from);
    }
    for (uint32_t i = 0; i < part->count && !part->end; i++) {
        part->end = !fork_plan_next(&plan, false, &branch);
        if (!part->end && !definitions) {
            json_text(&writer, branch.reference);
        } else if (!part->end) {
            struct definition_task named = {.model = {.task_reference_name = branch.reference}};
            struct task *task = NULL;
            TRY(task_newest(workflow, schedule_reference(&scope, &named), &task, NULL));
            if (task != NULL) {
                json_raw(&writer, blueprint_json(task));
            }
        }
    }
    part->comma = writer.comma;
    return ERR_NONE;
}

err fork_dynamic_references(
    struct schedule *schedule,
    const struct definition_task *join,
    bytes *out_json,
    uint32_t *out_count
) {
    struct workflow *workflow = schedule->workflow;
    const struct definition *tree = workflow->definition;
    const struct definition_task *definition = NULL;
    for (uint32_t i = 0; i < tree->task_count && definition == NULL; i++) {
        bool before = tree->tasks[i].type == TASK_TYPE_FORK_JOIN_DYNAMIC &&
                      tree->tasks[i].next == join->index;
        definition = before ? &tree->tasks[i] : NULL;
    }
    if (definition == NULL) {
        return ERR_NONE;
    }
    bytes reference = schedule_reference(schedule, definition);
    struct task *fork = schedule_find(schedule, reference);
    if (fork == NULL) {
        TRY(task_newest(workflow, reference, &fork, NULL));
    }
    if (fork == NULL) {
        return ERR_NONE;
    }
    struct fork_plan plan;
    TRY(plan_of(fork, &plan));
    struct buffer buffer;
    buffer_init(&buffer, LIMIT_REPLY_BYTES);
    struct json_writer writer = json_writer(&buffer);
    json_array_begin(&writer);
    struct fork_branch branch;
    struct table seen;
    table_init(&seen);
    *out_count = mutant_is("fork_counts_one_more") ? 1 : 0;
    while (fork_plan_next(&plan, false, &branch)) {
        uint64_t hash = hash_sip64(branch.reference);
        if (table_get(&seen, hash) == NULL) {
            table_put(&seen, hash, fork);
            json_text(&writer, branch.reference);
            ++*out_count;
        }
    }
    table_deinit(&seen);
    json_array_end(&writer);
    return payload_take(&buffer, workflow->decision->arena, out_json);
}

static err plan_of(struct task *fork, struct fork_plan *plan) {
    struct workflow *workflow = fork->workflow;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(fork), &input));
    fork_plan_begin(
        plan, workflow->decision, fork->definition, input, (fork->row.flags & TASK_LONG_NAMES) != 0
    );
    return ERR_NONE;
}

static err map_slice(struct schedule *schedule, struct task *fork, struct fork_plan *plan) {
    struct workflow *workflow = schedule->workflow;
    uint32_t end = fork->row.cursor + LIMIT_FORK_SLICE;
    fork->dirty = true;
    struct fork_branch branch;
    while (!workflow->ending.wanted && fork->row.cursor < end && fork_plan_next(plan, true, &branch)
    ) {
        TRY(map_branch(schedule, fork, &branch));
        fork->row.cursor++;
        workflow->row.flags |= WORKFLOW_HAS_FORKED;
        workflow->dirty = true;
    }
    return ERR_NONE;
}

static err
map_branch(struct schedule *schedule, const struct task *fork, const struct fork_branch *branch) {
    struct workflow *workflow = schedule->workflow;
    bool skip = false;
    TRY(check_duplicate(schedule, fork, branch->reference, &skip));
    if (skip || workflow->ending.wanted) {
        return ERR_NONE;
    }
    struct definition_task *definition = NULL;
    TRY(blueprint_of_branch(
        workflow, fork->definition, branch->json, branch->reference, branch->parameters, &definition
    ));
    if (!may_branch(definition->type)) {
        end_for(
            workflow,
            arena_format(
                workflow->decision->arena,
                "Task type '%.*s' of dynamically forked task '%.*s' is not supported",
                BYTES_ARG(definition->model.type),
                BYTES_ARG(branch->reference)
            )
        );
        return ERR_NONE;
    }
    uint32_t first = schedule->count;
    TRY(schedule_map(schedule, definition));
    for (uint32_t i = first; i < schedule->count; i++) {
        TRY(blueprint_store(schedule->items[i], branch->json, branch->parameters));
    }
    return ERR_NONE;
}

// Types that want tasks of the definition beside or below them find none here.
static bool may_branch(enum definition_task_type type) {
    const struct task_kind *kind = task_kind_of(type);
    return kind != NULL && kind->begin != NULL && kind->look == NULL && kind->expand == NULL &&
           type != TASK_TYPE_SWITCH && type != TASK_TYPE_DECISION;
}

// Two elements of one reference are one branch; a reference that has run before is a fault.
static err
check_duplicate(struct schedule *schedule, const struct task *fork, bytes base, bool *out_skip) {
    struct workflow *workflow = schedule->workflow;
    struct definition_task named = {.model = {.task_reference_name = base}};
    bytes reference = schedule_reference(schedule, &named);
    struct task *found = NULL;
    TRY(task_newest(workflow, reference, &found, NULL));
    *out_skip = schedule_find(schedule, reference) != NULL;
    if (found == NULL) {
        return ERR_NONE;
    }
    *out_skip = found->row.status == API_TASK_SCHEDULED ||
                (found->row.own_blob != 0 && found->number > fork->number && fork->number > 0 &&
                 found->row.definition == fork->row.definition);
    if (*out_skip) {
        return ERR_NONE;
    }
    const char *text = arena_format(
        workflow->decision->arena,
        "No dynamic tasks could be created for the Workflow: %s, Dynamic Fork Task: %.*s attempted "
        "to create a duplicate task reference name: %.*s",
        workflow_short_text(workflow),
        BYTES_ARG(fork->definition->model.task_reference_name),
        BYTES_ARG(reference)
    );
    end_for(workflow, text);
    return ERR_NONE;
}

static void end_for(struct workflow *workflow, const char *text) {
    workflow_want_end(workflow, API_WORKFLOW_FAILED, bytes_from_text(text), NULL);
}

const struct task_kind task_kind_fork_dynamic = {
    .never_retried = true,
    .named_by_type = true,
    .first_status = API_TASK_COMPLETED,
    .map = map,
    .begin = fork_begin,
    .expand = expand,
};
