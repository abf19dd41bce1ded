// From the frozen text to indices, in two passes.
//
// The first walks the text depth first and gives every task its index, so that a parent always
// comes before its children: the successor of the last task of a branch is then its parent's, known
// already, and engine.md §2.7's recursion becomes one forward pass. The second links what refers by
// name (joins). All memory is one arena per definition, views borrow from the copy of the text in
// it. Two tasks of one reference cannot be registered; should a text hold them, the first is found.
#include "proto/base/check.h"
#include "proto/json/json.h"
#include "proto/limits.h"
#include "scheduler/definition/definition_internal.h"

#include <string.h>

struct compiler {
    struct compiled *compiled;
    struct arena *arena;
    uint32_t capacity;
};

static err compile_list(
    struct compiler *compiler, bytes list, uint32_t parent, uint32_t loop, uint32_t *out_first
);
static void link_successors(struct definition *definition);
static void index_references(struct compiler *compiler);
static void link_joins(struct compiler *compiler);

static err compile_all(struct compiler *compiler) {
    struct definition *definition = &compiler->compiled->definition;
    if (err_is(api_read_canonical(
            &api_workflow_definition_model, definition->json, compiler->arena, &definition->model
        ))) {
        return err_make(ERR_INVALID, "the snapshot is not a workflow definition");
    }
    bytes tasks = definition->model.tasks.data == NULL ? JSON_EMPTY_ARRAY : definition->model.tasks;
    TRY(compile_list(compiler, tasks, DEFINITION_NONE, DEFINITION_NONE, &definition->first));
    link_successors(definition);
    index_references(compiler);
    link_joins(compiler);
    return ERR_NONE;
}

err compile(hash128 hash, bytes json, struct compiled **out_compiled) {
    if (json.size > LIMIT_DEFINITION_BYTES) {
        return err_make(ERR_TOO_LARGE, "the workflow definition is too large");
    }
    if (!json_is_object(json)) {
        return err_make(ERR_INVALID, "the snapshot is not a workflow definition");
    }
    struct arena *arena = arena_create(json.size * 2 + LIMIT_DEFINITION_BLOCK_BYTES);
    struct compiled *compiled = ARENA_NEW(arena, struct compiled);
    compiled->arena = arena;
    compiled->definition.hash = hash;
    compiled->definition.json = arena_copy(arena, json);
    struct compiler compiler = {.compiled = compiled, .arena = arena};
    err error = compile_all(&compiler);
    if (err_is(error)) {
        compiled_destroy(&compiled);
        return error;
    }
    *out_compiled = compiled;
    return ERR_NONE;
}

void compiled_destroy(struct compiled **compiled) {
    if (*compiled != NULL) {
        struct arena *arena = (*compiled)->arena;
        arena_destroy(&arena);
        *compiled = NULL;
    }
}

// --- the tree
// --------------------------------------------------------------------------------------

static uint32_t add_task(struct compiler *compiler) {
    struct definition *definition = &compiler->compiled->definition;
    if (definition->task_count == compiler->capacity) {
        uint32_t capacity = compiler->capacity == 0 ? 16 : compiler->capacity * 2;
        struct definition_task *grown =
            ARENA_ARRAY(compiler->arena, struct definition_task, capacity);
        if (definition->task_count > 0) {
            memcpy(grown, definition->tasks, sizeof *grown * definition->task_count);
        }
        definition->tasks = grown;
        compiler->capacity = capacity;
    }
    struct definition_task *task = &definition->tasks[definition->task_count];
    task->index = definition->task_count;
    task->next = DEFINITION_NONE;
    task->successor = DEFINITION_NONE;
    task->default_first = DEFINITION_NONE;
    return definition->task_count++;
}

// The tasks move while the tree grows: always by index.
static struct definition_task *task_at(struct compiler *compiler, uint32_t index) {
    return &compiler->compiled->definition.tasks[index];
}

static bytes or_empty_list(bytes list) {
    return list.data == NULL ? JSON_EMPTY_ARRAY : list;
}

static err compile_cases(struct compiler *compiler, uint32_t index) {
    struct definition_task *task = task_at(compiler, index);
    uint32_t loop = task->loop;
    bytes cases = task->model.decision_cases;
    bytes default_case = or_empty_list(task->model.default_case);
    if (cases.data != NULL) {
        uint32_t count = (uint32_t)json_count(cases);
        struct definition_case *compiled =
            ARENA_ARRAY(compiler->arena, struct definition_case, count);
        task->cases = compiled;
        task->case_count = count;
        struct json_iter iter = json_iter(cases);
        bytes key = BYTES_EMPTY;
        bytes list = BYTES_EMPTY;
        for (uint32_t i = 0; i < count && json_next_member(&iter, &key, &list); i++) {
            compiled[i].name = json_string(key, compiler->arena);
            list = json_is_null(list) ? JSON_EMPTY_ARRAY : list;
            TRY(compile_list(compiler, list, index, loop, &compiled[i].first));
        }
    }
    uint32_t first = DEFINITION_NONE;
    TRY(compile_list(compiler, default_case, index, loop, &first));
    task_at(compiler, index)->default_first = first;
    return ERR_NONE;
}

static err compile_branches(struct compiler *compiler, uint32_t index) {
    struct definition_task *task = task_at(compiler, index);
    uint32_t loop = task->loop;
    bytes branches = or_empty_list(task->model.fork_tasks);
    uint32_t count = (uint32_t)json_count(branches);
    uint32_t *firsts = ARENA_ARRAY(compiler->arena, uint32_t, count);
    task->branches = firsts;
    task->branch_count = count;
    struct json_iter iter = json_iter(branches);
    bytes list = BYTES_EMPTY;
    for (uint32_t i = 0; i < count && json_next_element(&iter, &list); i++) {
        list = json_is_null(list) ? JSON_EMPTY_ARRAY : list;
        TRY(compile_list(compiler, list, index, loop, &firsts[i]));
    }
    return ERR_NONE;
}

static err compile_body(struct compiler *compiler, uint32_t index) {
    struct definition_task *task = task_at(compiler, index);
    uint32_t *first = ARENA_NEW(compiler->arena, uint32_t);
    task->branches = first;
    task->branch_count = 1;
    bytes body = or_empty_list(task->model.loop_over);
    return compile_list(compiler, body, index, index, first);
}

static err read_task(struct definition_task *task, bytes json, struct arena *arena) {
    task->json = json;
    if (err_is(api_read_canonical(&api_workflow_task_model, json, arena, &task->model))) {
        return err_make(ERR_INVALID, "an element of a task list is not a task");
    }
    if (!definition_task_type_of(task->model.type, &task->type)) {
        task->type = TASK_TYPE_USER_DEFINED;
    }
    bytes embedded = task->model.task_definition;
    task->has_task_definition = embedded.data != NULL && json_is_object(embedded);
    if (task->has_task_definition &&
        err_is(
            api_read_canonical(&api_task_definition_model, embedded, arena, &task->task_definition)
        )) {
        return err_make(ERR_INVALID, "an embedded task definition is none");
    }
    return ERR_NONE;
}

err definition_read_task(bytes json, struct arena *arena, struct definition_task *out_task) {
    *out_task = (struct definition_task){
        .next = DEFINITION_NONE,
        .successor = DEFINITION_NONE,
        .parent = DEFINITION_NONE,
        .loop = DEFINITION_NONE,
        .default_first = DEFINITION_NONE,
    };
    return read_task(out_task, json, arena);
}

static err compile_task(
    struct compiler *compiler, bytes json, uint32_t parent, uint32_t loop, uint32_t *out_index
) {
    uint32_t index = add_task(compiler);
    struct definition_task *task = task_at(compiler, index);
    task->parent = parent;
    task->loop = loop;
    TRY(read_task(task, json, compiler->arena));
    *out_index = index;
    if (task_type_has_cases(task->type)) {
        return compile_cases(compiler, index);
    }
    if (task_type_has_branches(task->type)) {
        return compile_branches(compiler, index);
    }
    return task_type_has_body(task->type) ? compile_body(compiler, index) : ERR_NONE;
}

static err compile_list(
    struct compiler *compiler, bytes list, uint32_t parent, uint32_t loop, uint32_t *out_first
) {
    *out_first = DEFINITION_NONE;
    uint32_t last = DEFINITION_NONE;
    struct json_iter iter = json_iter(list);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        uint32_t index = DEFINITION_NONE;
        if (!json_is_object(element)) {
            return err_make(ERR_INVALID, "an element of a task list is not a task");
        }
        TRY(compile_task(compiler, element, parent, loop, &index));
        if (last == DEFINITION_NONE) {
            *out_first = index;
        } else {
            task_at(compiler, last)->next = index;
        }
        last = index;
    }
    return ERR_NONE;
}

// --- links
// -----------------------------------------------------------------------------------------

// engine.md §2.7's table. A parent's successor is final before its children ask for it.
static void link_successors(struct definition *definition) {
    for (uint32_t index = 0; index < definition->task_count; index++) {
        struct definition_task *task = &definition->tasks[index];
        task->successor = task->next;
        if (task->next == DEFINITION_NONE && task->parent != DEFINITION_NONE) {
            const struct definition_task *parent = &definition->tasks[task->parent];
            check(parent->index < index);
            task->successor =
                task_type_has_body(parent->type) ? DEFINITION_NONE : parent->successor;
        }
    }
}

static void index_references(struct compiler *compiler) {
    struct compiled *compiled = compiler->compiled;
    uint32_t slots = 8;
    while (slots < compiled->definition.task_count * 2) {
        slots *= 2;
    }
    compiled->slots = ARENA_ARRAY(compiler->arena, uint32_t, slots);
    compiled->slot_mask = slots - 1;
    for (uint32_t slot = 0; slot < slots; slot++) {
        compiled->slots[slot] = DEFINITION_NONE;
    }
    for (uint32_t index = 0; index < compiled->definition.task_count; index++) {
        bytes reference = compiled->definition.tasks[index].model.task_reference_name;
        if (definition_find(&compiled->definition, reference) != NULL) {
            continue;
        }
        uint32_t slot = (uint32_t)hash_sip64(reference) & compiled->slot_mask;
        while (compiled->slots[slot] != DEFINITION_NONE) {
            slot = (slot + 1) & compiled->slot_mask;
        }
        compiled->slots[slot] = index;
    }
}

static void read_references(
    struct compiler *compiler, bytes list, bytes **out_references, uint32_t *out_count
) {
    list = or_empty_list(list);
    bytes *references = ARENA_ARRAY(compiler->arena, bytes, json_count(list));
    uint32_t count = 0;
    struct json_iter iter = json_iter(list);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        if (json_is_string(element)) {
            references[count++] = json_string(element, compiler->arena);
        }
    }
    *out_references = references;
    *out_count = count;
}

static void read_join(struct compiler *compiler, struct definition_task *task) {
    read_references(compiler, task->model.join_on, &task->join_on, &task->join_on_count);
    if (task->type == TASK_TYPE_EXCLUSIVE_JOIN) {
        read_references(
            compiler,
            task->model.default_exclusive_join_task,
            &task->join_default,
            &task->join_default_count
        );
    }
}

// The task a join's reference names, or NULL.
static struct definition_task *joined_task(struct compiler *compiler, bytes reference) {
    const struct definition_task *found =
        definition_find(&compiler->compiled->definition, reference);
    return found == NULL ? NULL : task_at(compiler, found->index);
}

static void link_join(
    struct compiler *compiler, uint32_t join, const bytes *references, uint32_t count, bool store
) {
    for (uint32_t i = 0; i < count; i++) {
        struct definition_task *joined = joined_task(compiler, references[i]);
        if (joined == NULL) {
            continue;
        }
        if (store) {
            joined->joined_by[joined->joined_by_count] = join;
        }
        joined->joined_by_count++;
    }
}

static void link_joins(struct compiler *compiler) {
    struct definition *definition = &compiler->compiled->definition;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t index = 0; index < definition->task_count; index++) {
            struct definition_task *task = &definition->tasks[index];
            if (task->type != TASK_TYPE_JOIN && task->type != TASK_TYPE_EXCLUSIVE_JOIN) {
                continue;
            }
            if (pass == 0) {
                read_join(compiler, task);
            }
            link_join(compiler, index, task->join_on, task->join_on_count, pass == 1);
            link_join(compiler, index, task->join_default, task->join_default_count, pass == 1);
        }
        for (uint32_t index = 0; pass == 0 && index < definition->task_count; index++) {
            struct definition_task *task = &definition->tasks[index];
            task->joined_by = ARENA_ARRAY(compiler->arena, uint32_t, task->joined_by_count);
            task->joined_by_count = 0;
        }
    }
}
