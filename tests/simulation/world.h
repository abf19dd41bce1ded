// The clock, the chance and the order of a simulated world: everything that happens is an action at
// a virtual time, drawn from one seed and run on one thread.
//
// Two runs of one seed do the same things in the same order; world_trace_hash tells whether they
// did. Nothing here knows what is simulated.
#pragma once

#include "proto/base/attr.h"
#include "proto/base/bytes.h"
#include "proto/base/time.h"

struct world;

#define WORLD_MS ((int64_t)1000000)
#define WORLD_SECOND (1000 * WORLD_MS)

// `trace`: print every traced line to stdout.
struct world *world_create(uint64_t seed, bool trace);
void world_destroy(struct world **world);

// --- time ----------------------------------------------------------------------------------------

// Virtual time since the world began.
mono_time world_mono(const struct world *world);

// The right time of day.
wall_time world_wall(const struct world *world);

// Runs `action(argument, token)` at `delay_ns` from now; actions of one moment run in the order
// they were asked for. Whoever may die before that gives a token to recognise itself by.
void world_after(
    struct world *world,
    int64_t delay_ns,
    void (*action)(void *argument, uint64_t token),
    void *argument,
    uint64_t token
);

// Runs the next action. False: there is none, or a check failed.
bool world_turn(struct world *world);

// Actions run so far.
uint64_t world_turns(const struct world *world);

// --- chance --------------------------------------------------------------------------------------

// Uniform in low … high, both inclusive.
int64_t world_draw(struct world *world, int64_t low, int64_t high);

// True in `per_mille` of a thousand cases; draws nothing when it is 0.
bool world_maybe(struct world *world, uint32_t per_mille);

// A number for somebody else's generator.
uint64_t world_seed(struct world *world);

// --- what happened -------------------------------------------------------------------------------

// Adds a line to the trace: into the hash always, on paper when asked for.
PRINTF_LIKE(2, 3) void world_trace(struct world *world, const char *format, ...);

// A text of any length for the reader of a trace: on paper when asked for, never in the hash.
void world_note(const struct world *world, bytes text);

uint64_t world_trace_hash(const struct world *world);

// A checker found harm: the first one is kept, the world stops turning.
PRINTF_LIKE(3, 4)
void world_fail(struct world *world, const char *checker, const char *format, ...);
bool world_failed(const struct world *world);
const char *world_failure(const struct world *world);
