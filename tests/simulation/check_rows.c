// The rows of every group at its leader, by the scheduler's own audit (invariants 20, 22, 23, 26,
// 28, 32), which production runs too, in slices.

#include "scheduler/audit.h"
#include "tests/simulation/checks.h"

static const char *const CHECKER = "rows";

struct group_report {
    struct scene *scene;
    uint32_t group;
};

static void fault(void *argument, uint32_t invariant, const char *text) {
    const struct group_report *report = argument;
    world_fail(
        report->scene->world, CHECKER, "group %u, invariant %u: %s", report->group, invariant, text
    );
}

static struct store *store_of(void *argument, group_id group) {
    const struct group_report *report = argument;
    return fleet_store(report->scene->fleet, group);
}

void check_rows(struct scene *scene) {
    uint32_t group_count = fleet_settings(scene->fleet)->group_count;
    for (uint32_t group = 0; group < group_count && !world_failed(scene->world); group++) {
        struct store *store = fleet_store(scene->fleet, (group_id)group);
        if (store == NULL) {
            continue;
        }
        struct group_report argument = {scene, group};
        const struct audit_report report = {fault, store_of, &argument};
        err walked = scheduler_check_invariants(
            store, (group_id)group, group_count, scene->definitions, &report
        );
        if (walked.code == ERR_UNAVAILABLE) {
            return; // the overlay is full: another time
        }
        if (err_is(walked)) {
            world_fail(scene->world, CHECKER, "group %u: %s", group, walked.text);
        }
    }
}
