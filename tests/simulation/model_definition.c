// Definitions as the model reads them: a tree over the registered text.

#include "proto/base/check.h"
#include "proto/json/json.h"
#include "tests/simulation/model_internal.h"

#include <stdlib.h>

enum {
    ARENA_BLOCK_BYTES = 64 * 1024,
    DEFINITIONS_MAX = 64
};

struct model *model_create(void) {
    struct model *model = calloc(1, sizeof(*model));
    check(model != NULL);
    model->arena = arena_create(ARENA_BLOCK_BYTES);
    model->definitions = ARENA_ARRAY(model->arena, struct model_definition *, DEFINITIONS_MAX);
    return model;
}

void model_destroy(struct model **model) {
    if (*model != NULL) {
        arena_destroy(&(*model)->arena);
        free(*model);
        *model = NULL;
    }
}

static bytes list_of(bytes object, const char *key) {
    bytes list = read_value(object, key);
    return list.data != NULL && json_is_array(list) ? list : JSON_EMPTY_ARRAY;
}

void model_add_types(struct model *model, bytes types) {
    types = arena_copy(model->arena, types);
    model->types = ARENA_ARRAY(model->arena, struct model_type, json_count(types) + 1);
    struct json_iter iter = json_iter(types);
    bytes json = BYTES_EMPTY;
    while (json_next_element(&iter, &json)) {
        model->types[model->type_count++] = (struct model_type){
            .name = read_text(json, "name", model->arena),
            .timeout_policy = read_text(json, "timeoutPolicy", model->arena),
            .retry_count = read_int(json, "retryCount"),
            .has_total = read_int(json, "totalTimeoutSeconds") > 0,
        };
    }
}

static const struct model_type *type_of(const struct model *model, bytes name) {
    for (uint32_t i = 0; i < model->type_count; i++) {
        if (bytes_equal(model->types[i].name, name)) {
            return &model->types[i];
        }
    }
    return NULL;
}

static enum model_kind kind_of(bytes type) {
    static const struct {
        const char *type;
        enum model_kind kind;
    } kinds[] = {
        {"FORK_JOIN", MODEL_FORK},
        {"FORK_JOIN_DYNAMIC", MODEL_DYNAMIC_FORK},
        {"JOIN", MODEL_JOIN},
        {"EXCLUSIVE_JOIN", MODEL_EXCLUSIVE_JOIN},
        {"SWITCH", MODEL_SWITCH},
        {"DO_WHILE", MODEL_LOOP},
        {"DECISION", MODEL_SWITCH},
        {"INLINE", MODEL_SCRIPT},
        {"LAMBDA", MODEL_SCRIPT},
        {"JSON_JQ_TRANSFORM", MODEL_SCRIPT},
        {"TERMINATE", MODEL_TERMINATE},
        {"SUB_WORKFLOW", MODEL_OTHER},
        {"START_WORKFLOW", MODEL_OTHER},
        {"HTTP", MODEL_OTHER},
        {"WAIT", MODEL_OTHER},
        {"HUMAN", MODEL_OTHER},
        {"NOOP", MODEL_OTHER},
        {"SET_VARIABLE", MODEL_OTHER},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (bytes_equal_text(type, kinds[i].type)) {
            return kinds[i].kind;
        }
    }
    return MODEL_WORKER;
}

static struct model_list read_list(const struct model *model, bytes json, struct arena *arena);

static void add_list(
    const struct model *model, struct model_task *task, bytes name, bytes list, struct arena *arena
) {
    task->cases[task->list_count] = name;
    task->lists[task->list_count++] = read_list(model, list, arena);
}

static void read_lists(const struct model *model, struct model_task *task, struct arena *arena) {
    bytes branches = list_of(task->json, "forkTasks");
    bytes cases = read_value(task->json, "decisionCases");
    cases = cases.data != NULL ? cases : JSON_EMPTY_OBJECT;
    size_t count = json_count(branches) + json_count(cases) + 1;
    task->lists = ARENA_ARRAY(arena, struct model_list, count);
    task->cases = ARENA_ARRAY(arena, bytes, count);
    bytes key = BYTES_EMPTY;
    bytes list = BYTES_EMPTY;
    if (task->kind == MODEL_FORK) {
        struct json_iter iter = json_iter(branches);
        while (json_next_element(&iter, &list)) {
            add_list(model, task, BYTES_EMPTY, list, arena);
        }
    } else if (task->kind == MODEL_SWITCH) {
        struct json_iter iter = json_iter(cases);
        while (json_next_member(&iter, &key, &list)) {
            add_list(model, task, json_string(key, arena), list, arena);
        }
        add_list(model, task, BYTES_EMPTY, list_of(task->json, "defaultCase"), arena);
    } else if (task->kind == MODEL_LOOP) {
        add_list(model, task, BYTES_EMPTY, list_of(task->json, "loopOver"), arena);
    }
}

static void
read_task(const struct model *model, bytes json, struct arena *arena, struct model_task *task) {
    bytes retries = read_value(json, "retryCount");
    task->json = json;
    task->reference = read_text(json, "taskReferenceName", arena);
    task->type = read_text(json, "type", arena);
    task->type = task->type.size > 0 ? task->type : BYTES_LITERAL("SIMPLE");
    task->kind = kind_of(task->type);
    task->optional = read_bool(json, "optional");
    task->permissive = read_bool(json, "permissive");
    task->task_type = type_of(model, read_text(json, "name", arena));
    task->retries = task->task_type != NULL ? task->task_type->retry_count : 0;
    if (retries.data != NULL && !json_is_null(retries)) {
        task->retries = read_int(json, "retryCount");
    }
    read_lists(model, task, arena);
}

struct model_task *model_task_read(const struct model *model, bytes json, struct arena *arena) {
    struct model_task *task = ARENA_NEW(arena, struct model_task);
    read_task(model, json, arena, task);
    return task;
}

static struct model_list read_list(const struct model *model, bytes json, struct arena *arena) {
    struct model_list list = {ARENA_ARRAY(arena, struct model_task, json_count(json) + 1), 0};
    struct json_iter iter = json_iter(json);
    bytes element = BYTES_EMPTY;
    while (json_next_element(&iter, &element)) {
        struct model_task *task = &list.tasks[list.count];
        task->previous = list.count > 0 ? task - 1 : NULL;
        list.count++;
        read_task(model, element, arena, task);
    }
    return list;
}

// Notes of a whole list what matters of its tasks.
static void survey(struct model_definition *definition, const struct model_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        const struct model_task *task = &list->tasks[i];
        bytes parameters = read_value(task->json, "inputParameters");
        definition->has_scripts |= task->kind == MODEL_SCRIPT || task->kind == MODEL_SWITCH ||
                                   task->kind == MODEL_LOOP || task->kind == MODEL_DYNAMIC_FORK;
        definition->forgets |=
            task->kind == MODEL_LOOP && read_value(parameters, "keepLastN").data != NULL;
        for (uint32_t j = 0; j < task->list_count; j++) {
            survey(definition, &task->lists[j]);
        }
    }
}

void model_add_definition(struct model *model, bytes json) {
    check(model->definition_count < DEFINITIONS_MAX);
    struct model_definition *definition = ARENA_NEW(model->arena, struct model_definition);
    definition->json = arena_copy(model->arena, json);
    definition->name = read_text(definition->json, "name", model->arena);
    definition->version = read_int(definition->json, "version");
    definition->list = read_list(model, list_of(definition->json, "tasks"), model->arena);
    survey(definition, &definition->list);
    model->definitions[model->definition_count++] = definition;
}

const struct model_definition *
model_definition_find(const struct model *model, bytes name, int64_t version) {
    for (uint32_t i = 0; i < model->definition_count; i++) {
        const struct model_definition *definition = model->definitions[i];
        if (bytes_equal(definition->name, name) && definition->version == version) {
            return definition;
        }
    }
    return NULL;
}

const struct model_task *model_task_find(const struct model_list *list, bytes reference) {
    for (uint32_t i = 0; i < list->count; i++) {
        const struct model_task *task = &list->tasks[i];
        if (bytes_equal(task->reference, reference)) {
            return task;
        }
        for (uint32_t j = 0; j < task->list_count; j++) {
            const struct model_task *found = model_task_find(&task->lists[j], reference);
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}
