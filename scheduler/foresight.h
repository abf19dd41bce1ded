// What a decision that has to wait for a script will want next.
//
// Each script that is waited for costs two switches between processes and a run of the decision
// from its start. So those that follow in the flow are asked for with it, as far as what they will
// see is known: chains of ten tasks whose scripts need each other's results by twos wait half as
// often. A wish of this kind binds nobody. Evaluations have no effects and are found by text and
// input, so one that was foreseen wrongly is work for nothing, never a wrong result. Thread: core.
#pragma once

#include "scheduler/workflow.h"

// The flow waits at a task of this definition. Adds to the decision's `foreseen` the scripts of the
// tasks behind it that the same decision will reach and whose inputs are known.
void foresight_look(struct workflow *workflow, const struct definition_task *definition);
