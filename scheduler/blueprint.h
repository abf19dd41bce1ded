// By which definition a task runs: mostly one of the tree, but a dynamic fork brings its own ones
// (engine.md §10.5) and DYNAMIC becomes what it is told to be (§10.3). Such a task keeps the place
// in the tree of the task that made it, and what differs in its row. Thread: core.
#pragma once

#include "scheduler/task.h"

// Sets the definition of a task whose row was read. Errors: ERR_CORRUPT.
MUST_USE err blueprint_find(struct task *task);

// The task `fork` of the tree as a branch runs by: `json`, the canonical WorkflowTask text without
// taskReferenceName and inputParameters, and those two. Lives in the arena. Errors: ERR_INVALID.
MUST_USE err blueprint_of_branch(
    struct workflow *workflow,
    const struct definition_task *fork,
    bytes json,
    bytes reference,
    bytes parameters,
    struct definition_task **out_definition
);

// Stores what blueprint_of_branch was made of in the rows of a task. Texts that are alike are
// stored once; parameters that are the task's input anyway cost nothing.
MUST_USE err blueprint_store(struct task *task, bytes json, bytes parameters);

// The task `dynamic` of the tree under the name it was given.
struct definition_task *
blueprint_of_dynamic(struct workflow *workflow, const struct definition_task *dynamic, bytes name);

// The WorkflowTask text of a task, for people.
bytes blueprint_json(const struct task *task);
