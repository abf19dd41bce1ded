// Task types as a table, and finding a task of a compiled definition by its reference name.
#include "scheduler/definition/definition.h"

#include "scheduler/definition/definition_internal.h"

static const char *const type_texts[TASK_TYPE_COUNT] = {
#define DEFINITION_TYPE_TEXT(name, text) [TASK_TYPE_##name] = text,
    DEFINITION_TASK_TYPES(DEFINITION_TYPE_TEXT)
#undef DEFINITION_TYPE_TEXT
};

const struct definition_task *
definition_find(const struct definition *definition, bytes reference) {
    const struct compiled *compiled = (const struct compiled *)(const void *)definition;
    uint32_t slot = (uint32_t)hash_sip64(reference) & compiled->slot_mask;
    while (compiled->slots[slot] != DEFINITION_NONE) {
        const struct definition_task *task = &definition->tasks[compiled->slots[slot]];
        if (bytes_equal(task->model.task_reference_name, reference)) {
            return task;
        }
        slot = (slot + 1) & compiled->slot_mask;
    }
    return NULL;
}

bool definition_task_type_of(bytes text, enum definition_task_type *out_type) {
    for (int type = 0; type < TASK_TYPE_COUNT; type++) {
        if (bytes_equal_text(text, type_texts[type])) {
            *out_type = (enum definition_task_type)type;
            return true;
        }
    }
    return false;
}

const char *definition_task_type_text(enum definition_task_type type) {
    return type_texts[type];
}

bool task_type_has_cases(enum definition_task_type type) {
    return type == TASK_TYPE_SWITCH || type == TASK_TYPE_DECISION;
}

bool task_type_has_branches(enum definition_task_type type) {
    return type == TASK_TYPE_FORK_JOIN;
}

bool task_type_has_body(enum definition_task_type type) {
    return type == TASK_TYPE_DO_WHILE;
}
