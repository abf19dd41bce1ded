// Limits of task types are exact (invariant 27): permits that are held, by the rows of all groups;
// hand-outs within a window, by what came to workers.
//
// With several nodes a limit holds for each of them, which no checker counts.
//
// A window is judged by the partition times of the claims, which is what the server goes by: the
// clock of the wall may step.

#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/wire/wire.h"
#include "scheduler/limit.h"
#include "storage/keys.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "limit";

// --- permits -------------------------------------------------------------------------------------

static uint32_t held_in(struct scene *scene, group_id group, const struct task_type *type) {
    struct key key = key_limit(hash_sip64(bytes_from_text(type->name)));
    struct limit_row row = {0};
    bytes value = BYTES_EMPTY;
    struct store *store = fleet_store(scene->fleet, group);
    if (store == NULL || err_is(store_get(store, group, key_bytes(&key), &value)) ||
        err_is(wire_decode(&limit_row_record, value, scene->scratch, &row))) {
        return 0;
    }
    return row.held;
}

// Several nodes count what they lead each for itself.
static bool is_exact(const struct scene *scene) {
    return scene->swarm.limits && fleet_size(scene->fleet) == 1;
}

void check_permits(struct scene *scene) {
    if (!is_exact(scene)) {
        return;
    }
    arena_reset(scene->scratch);
    for (uint32_t i = 0; i < scene->flows.type_count; i++) {
        const struct task_type *type = &scene->flows.types[i];
        uint32_t held = 0;
        for (uint32_t group = 1; group < fleet_settings(scene->fleet)->group_count; group++) {
            held += type->concurrent > 0 ? held_in(scene, (group_id)group, type) : 0;
        }
        if (held > (uint32_t)type->concurrent) {
            world_fail(
                scene->world, CHECKER, "%s: %u permits of %d", type->name, held, type->concurrent
            );
        }
    }
}

// --- hand-outs -----------------------------------------------------------------------------------

void check_rate(struct scene *scene, const struct task_type *type, bytes task) {
    size_t number = (size_t)(type - scene->flows.types);
    struct hand_outs *taken = &scene->hand_outs[number];
    int64_t now_ms = read_int(task, "updateTime");
    int64_t from_ms = now_ms - (int64_t)type->rate_s * 1000;
    if (type->rate == 0 || !is_exact(scene)) {
        return;
    }
    taken->ms[taken->count++ % HAND_OUTS_KEPT] = now_ms;
    int32_t within = 0;
    for (uint32_t i = 0; i < HAND_OUTS_KEPT && i < taken->count; i++) {
        within += taken->ms[i] > from_ms && taken->ms[i] <= now_ms;
    }
    if (within > type->rate) {
        world_fail(
            scene->world,
            CHECKER,
            "%s: %d hand-outs within %d s, %d are allowed",
            type->name,
            within,
            type->rate_s,
            type->rate
        );
    }
}
