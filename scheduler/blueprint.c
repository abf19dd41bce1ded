// A branch's definition is cut in three. What branches have in common – mostly all but reference
// and parameters – is one blob that they share, so a fork of 10 000 costs one and not 10 000 texts
// of 2 KiB each. The reference is in the row anyhow. The parameters are mostly equal to the
// evaluated input, whose blob then serves for both.
//
// The definitions read are kept for the command in a small ring in struct workflow: branches come
// one after the other.
#include "scheduler/blueprint.h"

#include "proto/json/json.h"
#include "scheduler/tasks/kind.h"

#include <string.h>

static err read_blueprint(struct workflow *workflow, struct payload stored, struct blueprint *out);
static struct blueprint *keep(struct workflow *workflow, struct blueprint blueprint);
static struct definition_task *under_fork(
    struct workflow *workflow,
    const struct definition_task *fork,
    const struct definition_task *own,
    bytes reference,
    bytes parameters
);

err blueprint_find(struct task *task) {
    struct workflow *workflow = task->workflow;
    const struct task_row *row = &task->row;
    if (row->definition >= workflow->definition->task_count) {
        return err_make(ERR_CORRUPT, "a task row names a task the definition does not have");
    }
    const struct definition_task *place = &workflow->definition->tasks[row->definition];
    task->definition = place;
    if (row->own_blob != 0) {
        struct blueprint blueprint = {0};
        bytes parameters = BYTES_EMPTY;
        TRY(read_blueprint(workflow, (struct payload){row->own_blob, row->own_bytes}, &blueprint));
        TRY(payload_load(
            workflow, (struct payload){row->parameters_blob, row->parameters_bytes}, &parameters
        ));
        task->definition =
            under_fork(workflow, place, blueprint.definition, task_base(task), parameters);
    } else if (row->own_name.size > 0) {
        task->definition = blueprint_of_dynamic(workflow, place, row->own_name);
    }
    return ERR_NONE;
}

err blueprint_of_branch(
    struct workflow *workflow,
    const struct definition_task *fork,
    bytes json,
    bytes reference,
    bytes parameters,
    struct definition_task **out_definition
) {
    struct arena *arena = workflow->decision->arena;
    const struct definition_task *own = NULL;
    for (uint32_t i = 0; i < WORKFLOW_BLUEPRINTS && own == NULL; i++) {
        own = bytes_equal(workflow->blueprints[i].json, json) ? workflow->blueprints[i].definition
                                                              : NULL;
    }
    if (own == NULL) {
        struct definition_task *read = ARENA_NEW(arena, struct definition_task);
        TRY(definition_read_task(json, arena, read));
        own = read;
        (void)keep(workflow, (struct blueprint){.json = json, .definition = read});
    }
    *out_definition = under_fork(workflow, fork, own, reference, parameters);
    return ERR_NONE;
}

err blueprint_store(struct task *task, bytes json, bytes parameters) {
    struct workflow *workflow = task->workflow;
    struct task_row *row = &task->row;
    struct blueprint *found = NULL;
    for (uint32_t i = 0; i < WORKFLOW_BLUEPRINTS && found == NULL; i++) {
        found = bytes_equal(workflow->blueprints[i].json, json) ? &workflow->blueprints[i] : NULL;
    }
    if (found == NULL) {
        found = keep(workflow, (struct blueprint){.json = json});
    }
    if (found->blob == 0) {
        found->blob = payload_store(workflow, json).blob;
    }
    row->own_blob = found->blob;
    row->own_bytes = (uint32_t)json.size;
    bytes input = BYTES_EMPTY;
    TRY(payload_load(workflow, task_input(task), &input));
    bool same = bytes_equal(input, parameters);
    struct payload stored = same ? task_input(task) : payload_store(workflow, parameters);
    row->parameters_blob = stored.blob;
    row->parameters_bytes = stored.bytes;
    return ERR_NONE;
}

struct definition_task *
blueprint_of_dynamic(struct workflow *workflow, const struct definition_task *dynamic, bytes name) {
    struct definition_task *own = ARENA_NEW(workflow->decision->arena, struct definition_task);
    *own = *dynamic;
    own->model.name = name;
    own->type = TASK_TYPE_SIMPLE;
    enum definition_task_type type = TASK_TYPE_SIMPLE;
    if (definition_task_type_of(name, &type)) {
        own->type = type;
        own->model.type = name;
    }
    return own;
}

bytes blueprint_json(const struct task *task) {
    struct arena *arena = task->workflow->decision->arena;
    const struct definition_task *definition = task->definition;
    bytes name = json_string_value(definition->model.name, arena);
    if (task->row.own_name.size > 0) {
        const char *renamed = arena_format(arena, "{\"name\":%.*s}", BYTES_ARG(name));
        return json_merge(definition->json, bytes_from_text(renamed), arena);
    }
    if (task->row.own_blob == 0) {
        return definition->json;
    }
    bytes reference = json_string_value(definition->model.task_reference_name, arena);
    const char *own = arena_format(
        arena,
        "{\"taskReferenceName\":%.*s,\"inputParameters\":%.*s}",
        BYTES_ARG(reference),
        BYTES_ARG(definition->model.input_parameters)
    );
    return json_merge(definition->json, bytes_from_text(own), arena);
}

static err read_blueprint(struct workflow *workflow, struct payload stored, struct blueprint *out) {
    for (uint32_t i = 0; i < WORKFLOW_BLUEPRINTS; i++) {
        if (workflow->blueprints[i].blob == stored.blob &&
            workflow->blueprints[i].definition != NULL) {
            *out = workflow->blueprints[i];
            return ERR_NONE;
        }
    }
    struct arena *arena = workflow->decision->arena;
    struct definition_task *read = ARENA_NEW(arena, struct definition_task);
    out->blob = stored.blob;
    TRY(payload_load(workflow, stored, &out->json));
    if (err_is(definition_read_task(out->json, arena, read))) {
        return err_make(ERR_CORRUPT, "the definition of a forked task cannot be read");
    }
    out->definition = read;
    (void)keep(workflow, *out);
    return ERR_NONE;
}

static struct blueprint *keep(struct workflow *workflow, struct blueprint blueprint) {
    uint32_t at = workflow->blueprint_count++ % WORKFLOW_BLUEPRINTS;
    workflow->blueprints[at] = blueprint;
    return &workflow->blueprints[at];
}

// A branch is one task: what follows it is the JOIN behind its fork.
static struct definition_task *under_fork(
    struct workflow *workflow,
    const struct definition_task *fork,
    const struct definition_task *own,
    bytes reference,
    bytes parameters
) {
    struct definition_task *task = ARENA_NEW(workflow->decision->arena, struct definition_task);
    *task = *own;
    task->index = fork->index;
    task->parent = fork->parent;
    task->loop = fork->loop;
    task->model.task_reference_name = reference;
    task->model.input_parameters = parameters;
    task->successor = fork->next;
    if (fork->next != DEFINITION_NONE) {
        uint32_t *join = ARENA_NEW(workflow->decision->arena, uint32_t);
        *join = fork->next;
        task->joined_by = join;
        task->joined_by_count = 1;
    }
    return task;
}
