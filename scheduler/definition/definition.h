// A workflow definition compiled once: every question the scheduler asks about structure is an
// index away. Compiled from the frozen snapshot of an execution (canonical JSON with task
// definitions embedded, engine.md §1.5), cached by content hash, immutable, shared by all
// executions.
#pragma once

#include "proto/api/model.h"
#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"

#define DEFINITION_NONE UINT32_MAX

// name, JSON text. Types not in this list are worker tasks whose queue is the type (engine.md
// §10.2).
#define DEFINITION_TASK_TYPES(TYPE)              \
    TYPE(SIMPLE, "SIMPLE")                       \
    TYPE(USER_DEFINED, "USER_DEFINED")           \
    TYPE(FORK_JOIN, "FORK_JOIN")                 \
    TYPE(FORK_JOIN_DYNAMIC, "FORK_JOIN_DYNAMIC") \
    TYPE(JOIN, "JOIN")                           \
    TYPE(EXCLUSIVE_JOIN, "EXCLUSIVE_JOIN")       \
    TYPE(SWITCH, "SWITCH")                       \
    TYPE(DECISION, "DECISION")                   \
    TYPE(DO_WHILE, "DO_WHILE")                   \
    TYPE(SUB_WORKFLOW, "SUB_WORKFLOW")           \
    TYPE(START_WORKFLOW, "START_WORKFLOW")       \
    TYPE(TERMINATE, "TERMINATE")                 \
    TYPE(WAIT, "WAIT")                           \
    TYPE(HUMAN, "HUMAN")                         \
    TYPE(NOOP, "NOOP")                           \
    TYPE(SET_VARIABLE, "SET_VARIABLE")           \
    TYPE(INLINE, "INLINE")                       \
    TYPE(LAMBDA, "LAMBDA")                       \
    TYPE(JSON_JQ_TRANSFORM, "JSON_JQ_TRANSFORM") \
    TYPE(HTTP, "HTTP")                           \
    TYPE(EVENT, "EVENT")                         \
    TYPE(DYNAMIC, "DYNAMIC")                     \
    TYPE(KAFKA_PUBLISH, "KAFKA_PUBLISH")

enum definition_task_type {
#define DEFINITION_TYPE_ENUM(name, text) TASK_TYPE_##name,
    DEFINITION_TASK_TYPES(DEFINITION_TYPE_ENUM)
#undef DEFINITION_TYPE_ENUM
    TASK_TYPE_COUNT
};

struct definition_case {
    bytes name;     // decoded text
    uint32_t first; // index of the branch's first task, DEFINITION_NONE for an empty branch
};

struct definition_task {
    uint32_t index;
    enum definition_task_type type;
    struct api_workflow_task model; // every field of models.md §2; lists as canonical raw JSON
    bytes json;                     // the canonical WorkflowTask text, taskDefinition included
    bool has_task_definition;
    struct api_task_definition task_definition; // valid when has_task_definition

    uint32_t next;      // next element of the same list
    uint32_t successor; // engine.md §2.7's table; DEFINITION_NONE at the end or of a loop body
    uint32_t parent;    // the task whose branch, case or body this is in
    uint32_t loop;      // the nearest enclosing DO_WHILE
    uint32_t *branches; // FORK_JOIN: first task of each branch; DO_WHILE: one, the body
    uint32_t branch_count;
    struct definition_case *cases; // SWITCH, DECISION
    uint32_t case_count;
    uint32_t default_first; // first task of defaultCase, DEFINITION_NONE when empty
    bytes *join_on;         // JOIN, EXCLUSIVE_JOIN: refs, decoded
    uint32_t join_on_count;
    bytes *join_default; // EXCLUSIVE_JOIN: defaultExclusiveJoinTask, decoded
    uint32_t join_default_count;
    uint32_t *joined_by; // JOIN, EXCLUSIVE_JOIN tasks that name this reference
    uint32_t joined_by_count;
};

struct definition {
    hash128 hash;
    bytes json;
    struct api_workflow_definition model;
    struct definition_task *tasks; // in document order, depth first; top-level ones chained by next
    uint32_t task_count;
    uint32_t first; // DEFINITION_NONE without tasks
};

// The task of that reference name, or NULL. O(1).
const struct definition_task *definition_find(const struct definition *definition, bytes reference);

// The built-in type of a text; false: a user-defined type.
bool definition_task_type_of(bytes text, enum definition_task_type *out_type);

// The text of a type.
const char *definition_task_type_text(enum definition_task_type type);

// Reads the canonical text of one task that is not part of a tree: a branch of a dynamic fork.
// Whatever tasks it holds itself are left out. Views borrow from `json` or live in `arena`.
// Errors: ERR_INVALID.
MUST_USE err
definition_read_task(bytes json, struct arena *arena, struct definition_task *out_task);

// --- cache
// -------------------------------------------------------------------------------------------

// Compiled definitions by content hash, bounded by LIMIT_DEFINITION_CACHE (least recently used
// goes).
struct definition_cache;
struct definition_cache *definition_cache_create(size_t capacity);
void definition_cache_destroy(struct definition_cache **cache);

// The compiled form of `json` (canonical snapshot), from the cache or compiled now. Borrows: valid
// until the next call on the cache. Errors: ERR_INVALID (not a definition), ERR_TOO_LARGE.
MUST_USE err definition_cache_compile(
    struct definition_cache *cache,
    hash128 hash,
    bytes json,
    const struct definition **out_definition
);

// The cached definition of a hash, or NULL.
const struct definition *definition_cache_find(struct definition_cache *cache, hash128 hash);
