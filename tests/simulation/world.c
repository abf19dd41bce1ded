// The queue of actions is a binary heap by (time, sequence): the sequence makes the order total, so
// a heap's lack of stability cannot show. The trace hash chains SipHash over the lines, each with
// its time, which costs a formatting per line and buys a replay that can be compared with one
// number.

#include "tests/simulation/world.h"

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/random.h"

#include <stdarg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRACE_LINE_BYTES = 640,
    FAILURE_BYTES = 1600
};

// Not a round number of anything, so that a second is not a second by accident.
static const int64_t WALL_AT_START_MS = 1795000000123;

struct action {
    int64_t at_ns;
    uint64_t sequence;
    void (*run)(void *argument, uint64_t token);
    void *argument;
    uint64_t token;
};

struct world {
    int64_t now_ns;
    int64_t wall_offset_ms;
    struct action *actions; // heap
    size_t action_count;
    size_t action_capacity;
    uint64_t sequence;
    uint64_t turns;
    struct random random;
    bool trace;
    uint64_t trace_hash;
    bool failed;
    char failure[FAILURE_BYTES];
};

struct world *world_create(uint64_t seed, bool trace) {
    struct world *world = calloc(1, sizeof(*world));
    check(world != NULL);
    world->wall_offset_ms = WALL_AT_START_MS;
    random_init(&world->random, seed);
    world->trace = trace;
    return world;
}

void world_destroy(struct world **world) {
    if (*world != NULL) {
        free((*world)->actions);
        free(*world);
        *world = NULL;
    }
}

// --- time ----------------------------------------------------------------------------------------

mono_time world_mono(const struct world *world) {
    return (mono_time){world->now_ns};
}

wall_time world_wall(const struct world *world) {
    return (wall_time){world->wall_offset_ms + world->now_ns / WORLD_MS};
}

static bool action_before(const struct action *left, const struct action *right) {
    if (left->at_ns != right->at_ns) {
        return left->at_ns < right->at_ns;
    }
    return left->sequence < right->sequence;
}

static void swap(struct action *left, struct action *right) {
    struct action keep = *left;
    *left = *right;
    *right = keep;
}

void world_after(
    struct world *world,
    int64_t delay_ns,
    void (*action)(void *argument, uint64_t token),
    void *argument,
    uint64_t token
) {
    check(delay_ns >= 0);
    if (world->action_count == world->action_capacity) {
        world->action_capacity = world->action_capacity == 0 ? 256 : world->action_capacity * 2;
        world->actions =
            realloc(world->actions, world->action_capacity * sizeof(world->actions[0]));
        check(world->actions != NULL);
    }
    size_t at = world->action_count++;
    world->actions[at] =
        (struct action){world->now_ns + delay_ns, ++world->sequence, action, argument, token};
    while (at > 0 && action_before(&world->actions[at], &world->actions[(at - 1) / 2])) {
        swap(&world->actions[at], &world->actions[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct action take_first(struct world *world) {
    struct action first = world->actions[0];
    world->actions[0] = world->actions[--world->action_count];
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < world->action_count &&
                action_before(&world->actions[child], &world->actions[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        swap(&world->actions[at], &world->actions[least]);
        at = least;
    }
}

bool world_turn(struct world *world) {
    if (world->failed || world->action_count == 0) {
        return false;
    }
    struct action action = take_first(world);
    world->now_ns = action.at_ns;
    world->turns++;
    action.run(action.argument, action.token);
    return !world->failed;
}

uint64_t world_turns(const struct world *world) {
    return world->turns;
}

// --- chance --------------------------------------------------------------------------------------

int64_t world_draw(struct world *world, int64_t low, int64_t high) {
    check(low <= high);
    return low + (int64_t)random_below(&world->random, (uint64_t)(high - low) + 1);
}

bool world_maybe(struct world *world, uint32_t per_mille) {
    return per_mille > 0 && random_below(&world->random, 1000) < per_mille;
}

uint64_t world_seed(struct world *world) {
    return random_u64(&world->random);
}

// --- what happened -------------------------------------------------------------------------------

void world_trace(struct world *world, const char *format, ...) {
    char line[TRACE_LINE_BYTES];
    int head = snprintf(line, sizeof(line), "%12.6f ", (double)world->now_ns / 1e9);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line + head, sizeof(line) - (size_t)head, format, arguments);
    va_end(arguments);
    check(size >= 0);
    size_t filled = strlen(line);
    uint8_t chained[8 + TRACE_LINE_BYTES];
    bytes_put_u64(chained, world->trace_hash);
    memcpy(chained + 8, line, filled);
    world->trace_hash = hash_sip64(bytes_of(chained, 8 + filled));
    if (world->trace) {
        puts(line);
    }
}

void world_note(const struct world *world, bytes text) {
    if (world->trace) {
        (void)printf("%.*s\n", BYTES_ARG(text));
    }
}

uint64_t world_trace_hash(const struct world *world) {
    return world->trace_hash;
}

void world_fail(struct world *world, const char *checker, const char *format, ...) {
    if (world->failed) {
        return;
    }
    world->failed = true;
    int head = snprintf(
        world->failure,
        sizeof(world->failure),
        "at %.6f s: %s: ",
        (double)world->now_ns / 1e9,
        checker
    );
    va_list arguments;
    va_start(arguments, format);
    (void
    )vsnprintf(world->failure + head, sizeof(world->failure) - (size_t)head, format, arguments);
    va_end(arguments);
    world_trace(world, "FAILED %s", world->failure);
}

bool world_failed(const struct world *world) {
    return world->failed;
}

const char *world_failure(const struct world *world) {
    return world->failure;
}
