// Time (distributed.md §7, invariant 30): no partition time runs ahead of the true time by more
// than the clocks allow, so no timer fires early; a node whose clock is wrong fires nothing.
//
// The world's time is the true one. Cluster time needs a majority of clocks, so it is not later
// than the latest of the earliest majority's: of n clocks the (n - majority + 1)th. What a node
// makes of its own clock is taken from the node; that it is right about it follows from the first.

#include "proto/base/check.h"
#include "proto/limits.h"
#include "tests/simulation/checks.h"

static const char *const CHECKER = "time";

enum {
    // Two right clocks differ by as much; reading and the way of a stamp take the rest.
    SLACK_MS = LIMIT_TIME_SICK_MS + 100
};

// How far the wall clock of node `rank`, in the order of how far they ever were, was ahead.
static int64_t ahead_of_rank(const struct scene *scene, uint16_t rank) {
    int64_t sorted[NETWORK_NODES_MAX] = {0};
    uint16_t size = fleet_size(scene->fleet);
    check(rank < size && size <= NETWORK_NODES_MAX);
    for (uint16_t i = 0; i < size; i++) {
        int64_t ahead_ms = scene->clocks[i].ahead_ms;
        uint16_t at = i;
        for (; at > 0 && sorted[at - 1] > ahead_ms; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = ahead_ms;
    }
    return sorted[rank];
}

static void check_ahead(struct scene *scene) {
    int64_t now_ms = world_wall(scene->world).ms;
    uint16_t size = fleet_size(scene->fleet);
    uint16_t majority = (uint16_t)(size / 2 + 1);
    int64_t drift_ms = world_mono(scene->world).ns / WORLD_MS * scene->rate_ppm_max / 1000000;
    int64_t allowed_ms = ahead_of_rank(scene, (uint16_t)(size - majority)) + drift_ms + SLACK_MS;
    int64_t ahead_ms = chronicle_time_ms(fleet_chronicle(scene->fleet)) - now_ms;
    if (ahead_ms > allowed_ms) {
        world_fail(
            scene->world,
            CHECKER,
            "a partition time is %lld ms ahead of the true time, the clocks allow %lld",
            (long long)ahead_ms,
            (long long)allowed_ms
        );
    }
}

static void check_sick(struct scene *scene, uint16_t number) {
    const struct node *node = machine_node(fleet_machine(scene->fleet, number));
    struct clock_seen *seen = &scene->clocks[number - 1];
    if (node == NULL) {
        seen->fired = 0;
        return;
    }
    uint64_t fired = node_stats(node).timers_fired;
    if (fired > seen->fired && node_clock(node).sick) {
        world_fail(scene->world, CHECKER, "n%u fires a timer although its clock is sick", number);
    }
    seen->fired = fired;
}

void check_time(struct scene *scene, uint16_t number) {
    struct clock_seen *seen = &scene->clocks[number - 1];
    // Not what it shows now: a node reads it when it starts, and it may be corrected right after.
    int64_t ahead_ms = machine_clock(fleet_machine(scene->fleet, number))->ahead_ms_max;
    seen->ahead_ms = ahead_ms > seen->ahead_ms ? ahead_ms : seen->ahead_ms;
    check_ahead(scene);
    check_sick(scene, number);
}
