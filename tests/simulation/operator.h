// The operator: registers the definitions before anything else, and in the end sees every execution
// through.
#pragma once

#include "tests/simulation/scene.h"

struct operator;

// Lives in `arena`.
struct operator* operator_create(struct scene *scene, struct arena *arena);

// Registers all definitions, each until it was answered.
void operator_register(struct operator* operator);

// Reads every execution in the store, resumes what is paused, completes human tasks, judges what is
// terminal; round after round, until all are terminal and one more round has read everything.
void operator_see_through(struct operator* operator);

// Whether what was begun last has come to its end.
bool operator_is_done(const struct operator* operator);

// What keeps it, for a person.
const char *operator_state(struct operator* operator);
