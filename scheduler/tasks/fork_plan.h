// What a dynamic fork is told to do: its branches, one after the other, read from its evaluated
// input in one of three styles (engine.md §10.5). Pure but for registered task definitions, which
// are looked up for the branches. Thread: core.
#pragma once

#include "proto/json/json.h"
#include "scheduler/task.h"

enum fork_style {
    FORK_BY_INPUTS,     // A: forkTaskInputs
    FORK_BY_TASKS,      // B: dynamicForkTasksParam, dynamicForkTasksInputParamName
    FORK_BY_JOIN_TASKS, // C: dynamicForkJoinTasksParam
};

struct fork_member {
    bytes raw_key;
    bytes value;
};

struct fork_plan {
    struct decision *decision;
    const struct definition_task *definition; // of the fork
    bytes input;                              // evaluated
    enum fork_style style;
    bytes list;  // the branches: tasks or their inputs
    bytes named; // B: the input of each task by its reference
    // B: the members of `named` by hash, 1 more than the index; built when the first is wanted.
    uint32_t *slots;
    uint32_t slot_count;
    struct fork_member *members;
    bytes type;   // A
    bytes name;   // A: forkTaskName
    bytes prefix; // A: the reference without its number
    bytes child;  // A: forkTaskWorkflow, empty: none
    int64_t child_version;
    struct json_iter rest;
    uint32_t next;
    // Why the fork cannot be made: the text ends the workflow. NULL: nothing yet.
    const char *fault;
};

struct fork_branch {
    uint32_t index;
    bytes reference;  // without suffix
    bytes json;       // canonical, without reference and parameters; data NULL unless asked for
    bytes parameters; // inputParameters
};

// Chooses the style. A fault is in the plan. Errors: none of its own.
void fork_plan_begin(
    struct fork_plan *plan,
    struct decision *decision,
    const struct definition_task *definition,
    bytes input,
    bool long_names
);

// Passes over branches that were planned before.
void fork_plan_skip(struct fork_plan *plan, uint32_t count);

// The next branch; false: no more, or a fault. `whole` false: the reference only, nothing is
// checked or looked up.
bool fork_plan_next(struct fork_plan *plan, bool whole, struct fork_branch *out_branch);
