// A small engine to judge the engine by, written from the contract (engine.md) and not from the
// scheduler: given the registered definitions and an execution as a client reads it, it works out
// which tasks must exist, which of them a retry was due for, and which status and output are right.
//
// It decides nothing by chance or time: what workers, children, clocks and scripts that ran late
// did is read from the tasks, and everything else must follow. It knows the types that flows use.
// Its files: model_definition.c reads definitions, model.c follows the flow, model_kinds.c knows
// the kinds that wait for others, model_end.c judges ends and outputs.
#pragma once

#include "proto/base/arena.h"
#include "proto/base/bytes.h"
#include "tests/simulation/execution.h"

struct model;

struct model *model_create(void);
void model_destroy(struct model **model);

// What was registered: an array of task definitions; one workflow definition, of names before it.
void model_add_types(struct model *model, bytes types);
void model_add_definition(struct model *model, bytes definition);

// What the execution does not say of itself.
struct model_facts {
    bool revived;    // a retry, restart or rerun was sent to it or its kin: attempts and inputs
                     // follow no simple rule any more
    bool terminated; // a client sent a terminate
    bool cut;        // decisions are cut short: as long as it runs, something may be on its way
};

// The objection to the execution, NULL: it is right. Lives in `arena`.
const char *model_judge(
    const struct model *model,
    const struct execution *execution,
    const struct model_facts *facts,
    struct arena *arena
);
