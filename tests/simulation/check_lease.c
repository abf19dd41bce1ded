// No double hand-out: a task id goes to a second worker only after the first gave it back. A lease
// that ends by itself gives a new attempt with a new id; that it did not end early is read from the
// execution (check_history.c).

#include "proto/json/json.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "lease";

void check_handed_out(struct scene *scene, bytes task) {
    id128 id = read_id(task, "taskId");
    struct ledger_task *known = ledger_task(scene->ledger, id);
    known->workflow = read_id(task, "workflowInstanceId");
    if (!read_is(task, "status", "IN_PROGRESS")) {
        world_fail(
            scene->world, CHECKER, "task %s was handed out but is not IN_PROGRESS", id_text(id).text
        );
    }
    if (ledger_is_revived(scene->ledger, known->workflow)) {
        known->handed = 0; // the same task may begin again
        known->ended_turn = 0;
        known->seen_turn = 0;
    }
    if (known->handed > 0 && !known->given_back && known->returning == 0) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s was handed out again while its first worker held it",
            id_text(id).text
        );
    }
    if (known->ended_turn != 0 || known->seen_turn != 0) {
        world_fail(scene->world, CHECKER, "task %s was handed out after its end", id_text(id).text);
    }
    if (read_int(task, "pollCount") <= (int64_t)known->handed) {
        world_fail(
            scene->world,
            CHECKER,
            "task %s was handed out %u times before, but says pollCount %lld",
            id_text(id).text,
            known->handed,
            (long long)read_int(task, "pollCount")
        );
    }
    known->handed++;
    known->given_back = false;
}
