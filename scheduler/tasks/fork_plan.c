// The input is walked once and nothing of it is kept, so that a fork of 10 000 is planned in as
// little memory as one of 10, slice by slice. The inputs of style B are found through a hash table:
// a look through the object for each branch would be quadratic.
#include "scheduler/tasks/fork_plan.h"

#include "proto/base/hash.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/expression/expression.h"
#include "scheduler/tasks/kind.h"
#include "scheduler/tasks/script.h"

static void begin_inputs(struct fork_plan *plan, bytes list, bool long_names);
static int64_t version_of(struct fork_plan *plan);
static void begin_tasks(struct fork_plan *plan);
static void begin_join_tasks(struct fork_plan *plan);
static void
branch_of_input(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out);
static void
branch_of_task(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out);
static void
branch_of_join_task(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out);
static bool bind(struct fork_plan *plan, bytes element, struct fork_branch *out);
static bytes named_input(struct fork_plan *plan, bytes reference);
static bytes text_member(struct fork_plan *plan, bytes object, const char *key);
static bytes java(struct fork_plan *plan, bytes value);

void fork_plan_begin(
    struct fork_plan *plan,
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    bool long_names
) {
    *plan = (struct fork_plan){
        .decision = decision,
        .definition = definition,
        .input = input,
        .list = JSON_EMPTY_ARRAY,
    };
    bytes list = BYTES_EMPTY;
    if (json_get_text(input, "forkTaskInputs", &list) && json_is_array(list)) {
        begin_inputs(plan, list, long_names);
    } else if (definition->model.dynamic_fork_tasks_param.size > 0 ||
               definition->model.dynamic_fork_join_tasks_param.size == 0) {
        begin_tasks(plan);
    } else {
        begin_join_tasks(plan);
    }
    plan->rest = json_iter(plan->list);
}

void fork_plan_skip(struct fork_plan *plan, uint32_t count) {
    bytes element = BYTES_EMPTY;
    for (uint32_t i = 0; i < count && json_next_element(&plan->rest, &element); i++) {
        plan->next++;
    }
}

bool fork_plan_next(struct fork_plan *plan, bool whole, struct fork_branch *out_branch) {
    bytes element = BYTES_EMPTY;
    if (plan->fault != NULL || !json_next_element(&plan->rest, &element)) {
        return false;
    }
    *out_branch = (struct fork_branch){.index = plan->next++, .parameters = JSON_EMPTY_OBJECT};
    switch (plan->style) {
    case FORK_BY_INPUTS:
        branch_of_input(plan, element, whole, out_branch);
        break;
    case FORK_BY_TASKS:
        branch_of_task(plan, element, whole, out_branch);
        break;
    case FORK_BY_JOIN_TASKS:
        branch_of_join_task(plan, element, whole, out_branch);
        break;
    }
    return plan->fault == NULL;
}

// --- A
// -------------------------------------------------------------------------------------------

static void begin_inputs(struct fork_plan *plan, bytes list, bool long_names) {
    struct arena *arena = plan->decision->arena;
    plan->style = FORK_BY_INPUTS;
    plan->list = list;
    plan->type = text_member(plan, plan->input, "forkTaskType");
    plan->child = text_member(plan, plan->input, "forkTaskWorkflow");
    plan->child_version = version_of(plan);
    if (plan->child.size > 0) {
        plan->type = BYTES_LITERAL("SUB_WORKFLOW");
    } else if (plan->type.size == 0) {
        plan->type = BYTES_LITERAL("SIMPLE");
    }
    bytes fork = plan->definition->model.task_reference_name;
    plan->name = text_member(plan, plan->input, "forkTaskName");
    if (plan->name.size == 0) {
        enum definition_task_type type = TASK_TYPE_SIMPLE;
        bool system = definition_task_type_of(plan->type, &type) && type != TASK_TYPE_SIMPLE &&
                      type != TASK_TYPE_USER_DEFINED;
        plan->name = system ? plan->type : fork;
    }
    const char *prefix =
        long_names ? arena_format(arena, "_%.*s_%.*s_", BYTES_ARG(fork), BYTES_ARG(plan->name))
                   : arena_format(arena, "_%.*s_", BYTES_ARG(plan->name));
    plan->prefix = bytes_from_text(prefix);
}

// The version is a text with an integer, or a number; anything else means the latest.
static int64_t version_of(struct fork_plan *plan) {
    bytes text = text_member(plan, plan->input, "forkTaskWorkflowVersion");
    int64_t version = 0;
    return bytes_parse_i64(text, &version) ? version : 0;
}

// What a branch of style A is made of beside its parameters. Only its element is looked at: a look
// at the input, which holds all elements, for each branch would be quadratic.
static bytes fields_of_input(struct fork_plan *plan, bytes element) {
    struct arena *arena = plan->decision->arena;
    bytes name = json_string_value(plan->name, arena);
    bytes type = json_string_value(plan->type, arena);
    const char *child = "";
    if (plan->child.size > 0) {
        bytes text = json_string_value(plan->child, arena);
        bytes domains = BYTES_EMPTY;
        bool has_domains =
            json_get_text(element, "taskToDomain", &domains) && json_is_object(domains);
        child = arena_format(
            arena,
            ",\"subWorkflowParam\":{\"name\":%.*s,\"version\":%lld,\"taskToDomain\":%.*s}",
            BYTES_ARG(text),
            (long long)plan->child_version,
            BYTES_ARG(has_domains ? domains : JSON_EMPTY_OBJECT)
        );
    }
    return bytes_from_text(arena_format(
        arena,
        "{\"name\":%.*s,\"type\":%.*s,\"taskReferenceName\":\"\",\"inputParameters\":{}%s%s}",
        BYTES_ARG(name),
        BYTES_ARG(type),
        plan->definition->model.optional ? ",\"optional\":true" : "",
        child
    ));
}

static void
branch_of_input(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out) {
    struct arena *arena = plan->decision->arena;
    out->reference =
        bytes_from_text(arena_format(arena, "%.*s%u", BYTES_ARG(plan->prefix), out->index));
    if (!whole) {
        return;
    }
    bytes input = element;
    if (!json_is_object(element)) {
        input = bytes_from_text(arena_format(arena, "{\"input\":%.*s}", BYTES_ARG(element)));
    }
    const char *index = arena_format(arena, "{\"__index\":%u}", out->index);
    out->parameters = json_merge(input, bytes_from_text(index), arena);
    // An element that is a task definition, too, sets its fields.
    bytes fields = fields_of_input(plan, element);
    if (!json_is_object(element) || !bind(plan, json_merge(element, fields, arena), out)) {
        check(bind(plan, fields, out));
    }
}

// --- B
// -------------------------------------------------------------------------------------------

static void begin_tasks(struct fork_plan *plan) {
    struct arena *arena = plan->decision->arena;
    const struct api_workflow_task *model = &plan->definition->model;
    plan->style = FORK_BY_TASKS;
    bytes list = JSON_NULL_TEXT;
    plan->named = JSON_NULL_TEXT;
    (void)json_get(plan->input, model->dynamic_fork_tasks_param, &list);
    (void)json_get(plan->input, model->dynamic_fork_tasks_input_param_name, &plan->named);
    if (!json_is_array(list)) {
        plan->fault = arena_format(
            arena,
            "Input '%.*s' is invalid. Cannot deserialize a list of Workflow Tasks from '%.*s'",
            BYTES_ARG(model->dynamic_fork_tasks_param),
            BYTES_ARG(java(plan, list))
        );
        return;
    }
    if (!json_is_object(plan->named)) {
        plan->fault = arena_format(
            arena,
            "Input to the dynamically forked tasks is not a map -> expecting a map of K,V  but "
            "found %.*s",
            BYTES_ARG(java(plan, plan->named))
        );
        return;
    }
    plan->list = list;
}

static void
branch_of_task(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out) {
    struct arena *arena = plan->decision->arena;
    out->reference = text_member(plan, element, "taskReferenceName");
    if (!whole) {
        return;
    }
    static const char *const without = "{\"taskReferenceName\":\"\",\"inputParameters\":{}}";
    bool bound = json_is_object(element) && out->reference.size > 0 &&
                 bind(plan, json_merge(element, bytes_from_text(without), arena), out);
    bytes own = JSON_EMPTY_OBJECT;
    if (json_is_object(element) && json_get_text(element, "inputParameters", &own) &&
        !json_is_object(own)) {
        bound = bound && json_is_null(own);
        own = JSON_EMPTY_OBJECT;
    }
    if (!bound) {
        plan->fault = arena_format(
            arena,
            "Input '%.*s' is invalid. Cannot deserialize a list of Workflow Tasks from '%.*s'",
            BYTES_ARG(plan->definition->model.dynamic_fork_tasks_param),
            BYTES_ARG(java(plan, plan->list))
        );
        return;
    }
    bytes given = named_input(plan, out->reference);
    if (json_is_null(given)) {
        given = JSON_EMPTY_OBJECT;
    }
    if (!json_is_object(given)) {
        plan->fault = arena_format(
            arena,
            "Tasks could not be dynamically forked due to invalid input: %.*s",
            BYTES_ARG(java(plan, given))
        );
        return;
    }
    out->parameters = json_count(own) == 0 ? given : json_merge(own, given, arena);
}

static uint32_t slot_of(const struct fork_plan *plan, bytes key) {
    uint32_t mask = plan->slot_count - 1;
    uint32_t slot = (uint32_t)hash_sip64(key) & mask;
    while (plan->slots[slot] != 0 &&
           !json_string_equal(plan->members[plan->slots[slot] - 1].raw_key, key)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static bytes named_input(struct fork_plan *plan, bytes reference) {
    struct arena *arena = plan->decision->arena;
    if (plan->slots == NULL) {
        uint32_t count = (uint32_t)json_count(plan->named);
        plan->slot_count = 8;
        while (plan->slot_count < count * 2) {
            plan->slot_count *= 2;
        }
        plan->slots = ARENA_ARRAY(arena, uint32_t, plan->slot_count);
        plan->members = ARENA_ARRAY(arena, struct fork_member, (size_t)count + 1);
        struct json_iter iter = json_iter(plan->named);
        for (uint32_t i = 0; i < count; i++) {
            (void)json_next_member(&iter, &plan->members[i].raw_key, &plan->members[i].value);
            plan->slots[slot_of(plan, json_string(plan->members[i].raw_key, arena))] = i + 1;
        }
    }
    uint32_t found = plan->slots[slot_of(plan, reference)];
    return found == 0 ? JSON_NULL_TEXT : plan->members[found - 1].value;
}

// --- C
// -------------------------------------------------------------------------------------------

static void begin_join_tasks(struct fork_plan *plan) {
    plan->style = FORK_BY_JOIN_TASKS;
    bytes parameter = plan->definition->model.dynamic_fork_join_tasks_param;
    bytes value = JSON_NULL_TEXT;
    bytes list = JSON_NULL_TEXT;
    (void)json_get(plan->input, parameter, &value);
    if (json_is_object(value)) {
        (void)json_get_text(value, "dynamicTasks", &list);
    }
    if (!json_is_array(list)) {
        plan->fault = arena_format(
            plan->decision->arena,
            "Dynamic tasks could not be created. The value of %.*s from task's input %.*s has no "
            "dynamic tasks to be scheduled",
            BYTES_ARG(parameter),
            BYTES_ARG(java(plan, plan->input))
        );
        return;
    }
    plan->list = list;
}

static void
branch_of_join_task(struct fork_plan *plan, bytes element, bool whole, struct fork_branch *out) {
    struct arena *arena = plan->decision->arena;
    out->reference = text_member(plan, element, "referenceName");
    if (!whole) {
        return;
    }
    bytes name = json_string_value(text_member(plan, element, "taskName"), arena);
    bytes type = text_member(plan, element, "type");
    bytes type_value = json_string_value(type.size > 0 ? type : BYTES_LITERAL("SIMPLE"), arena);
    const char *fields = arena_format(
        arena,
        "{\"name\":%.*s,\"type\":%.*s,\"taskReferenceName\":\"\",\"inputParameters\":{}}",
        BYTES_ARG(name),
        BYTES_ARG(type_value)
    );
    bytes input = JSON_EMPTY_OBJECT;
    if (json_is_object(element) && json_get_text(element, "input", &input) &&
        !json_is_object(input)) {
        input = JSON_EMPTY_OBJECT;
    }
    out->parameters = input;
    if (out->reference.size == 0 || !bind(plan, bytes_from_text(fields), out)) {
        plan->fault = arena_format(
            arena,
            "Input '%.*s' is invalid. Cannot deserialize a list of Workflow Tasks from '%.*s'",
            BYTES_ARG(plan->definition->model.dynamic_fork_join_tasks_param),
            BYTES_ARG(java(plan, plan->list))
        );
    }
}

// --- all
// -------------------------------------------------------------------------------------------

// Canonical text with the registered task definition, if there is one and none was brought along.
static bool bind(struct fork_plan *plan, bytes element, struct fork_branch *out) {
    struct arena *arena = plan->decision->arena;
    bytes canonical = BYTES_EMPTY;
    if (err_is(api_bind(&api_workflow_task_model, element, arena, &canonical))) {
        return false;
    }
    out->json = canonical;
    bytes brought = BYTES_EMPTY;
    if (json_get_text(canonical, "taskDefinition", &brought) && !json_is_null(brought)) {
        return true;
    }
    bytes registered = BYTES_EMPTY;
    bytes name = text_member(plan, canonical, "name");
    if (err_is(catalog_task(plan->decision->store, name, arena, &registered))) {
        return true;
    }
    const char *added = arena_format(arena, "{\"taskDefinition\":%.*s}", BYTES_ARG(registered));
    out->json = json_merge(canonical, bytes_from_text(added), arena);
    return true;
}

static bytes text_member(struct fork_plan *plan, bytes object, const char *key) {
    bytes value = BYTES_EMPTY;
    if (!json_get_text(object, key, &value) || json_is_null(value)) {
        return BYTES_LITERAL("");
    }
    return script_case_text(value, plan->decision->arena);
}

static bytes java(struct fork_plan *plan, bytes value) {
    return expression_java_text(value, plan->decision->arena);
}
