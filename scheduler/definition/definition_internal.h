// Between compile.c, cache.c and start.c; and the walk over nested task lists that freezing and
// compiling share. For this folder only.
#pragma once

#include "scheduler/definition/definition.h"
#include "storage/store.h"

// A definition with its index of reference names; what the cache holds. The definition comes first,
// so that its address is the compiled form's.
struct compiled {
    struct definition definition;
    struct arena *arena;     // everything of this definition, this struct included
    uint32_t *slots;         // by hash of the reference name; DEFINITION_NONE: free
    uint32_t slot_mask;      // slots - 1; slots are a power of two
    struct compiled *bucket; // next of the same hash bucket in the cache
    struct compiled *newer;
    struct compiled *older;
};

// Compiles a canonical snapshot. Errors: ERR_INVALID (text lives as long as the process: literal),
// ERR_TOO_LARGE.
MUST_USE err compile(hash128 hash, bytes json, struct compiled **out_compiled);
void compiled_destroy(struct compiled **compiled);

// Which members of a task hold tasks that belong to the tree, by type: a SIMPLE task's stray
// `loopOver` does not. The same for freezing and compiling.
bool task_type_has_cases(enum definition_task_type type);    // decisionCases, defaultCase
bool task_type_has_branches(enum definition_task_type type); // forkTasks
bool task_type_has_body(enum definition_task_type type);     // loopOver

// What a start of (name, version) gave while the catalog was in a state, given as a number.
bool definition_cache_recall(
    const struct definition_cache *cache,
    uint64_t catalog,
    bytes name,
    int64_t version,
    hash128 *out_hash
);
void definition_cache_remember(
    struct definition_cache *cache, uint64_t catalog, bytes name, int64_t version, hash128 hash
);
