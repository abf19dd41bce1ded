// Rates of task types are exact (invariant 27): hand-outs within a window, by what came to workers.
//
// A window is judged by the partition times of the claims, which is what the server goes by: the
// clock of the wall may step.

#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "limit";

// The clocks of several nodes differ; there tokens are counted (check_permit.c).
static bool is_exact(const struct scene *scene) {
    return scene->swarm.limits && fleet_is_alone(scene->fleet);
}

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
