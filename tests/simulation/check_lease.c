// No double hand-out: a task id goes to a second worker only after the first gave it back. A lease
// that ends by itself gives a new attempt with a new id; that it did not end early is read from the
// execution (check_history.c).
//
// Between several nodes answers overtake each other: a hand-out may arrive after a later one, or
// after somebody read that the task ended meanwhile.

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "lease";

// Whether something was known by the time after which it had to be heeded.
static bool was_known(const struct scene *scene, uint64_t turn, uint64_t asked) {
    return turn != 0 && (fleet_is_alone(scene->fleet) || turn < asked);
}

void check_handed_out(struct scene *scene, bytes task, uint64_t asked) {
    id128 id = read_id(task, "taskId");
    struct ledger_task *known = ledger_task(scene->ledger, id);
    int64_t poll_count = read_int(task, "pollCount");
    known->workflow = read_id(task, "workflowInstanceId");
    if (!read_is(task, "status", "IN_PROGRESS")) {
        world_fail(
            scene->world, CHECKER, "task %s was handed out but is not IN_PROGRESS", id_text(id).text
        );
    }
    if (ledger_is_revived(scene->ledger, known->workflow)) {
        known->handed = 0; // the same task may begin again
        known->poll_count = 0;
        known->ended_turn = 0;
        known->seen_turn = 0;
    }
    if (!fleet_is_alone(scene->fleet) && poll_count < known->poll_count) {
        known->handed++; // overtaken by a later one
        return;
    }
    if (known->handed > 0 && !known->given_back && known->returning == 0) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s was handed out again while its first worker held it",
            id_text(id).text
        );
    }
    if (was_known(scene, known->ended_turn, asked) || was_known(scene, known->seen_turn, asked)) {
        world_fail(scene->world, CHECKER, "task %s was handed out after its end", id_text(id).text);
    }
    if (poll_count <= (int64_t)known->handed || poll_count == known->poll_count) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s was handed out %u times before, but says pollCount %lld",
            id_text(id).text,
            known->handed,
            (long long)poll_count
        );
    }
    known->handed++;
    known->poll_count = poll_count;
    // One that was claimed before it was given back may come to its worker after.
    known->given_back = known->given_back && read_int(task, "updateTime") <= known->returned_ms;
}
