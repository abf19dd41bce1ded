// An execution is judged when it says something new: what it is like is a matter of its text, of
// definitions and of what was sent to it, and that only makes the judges more lenient. What was
// promised of it in the meantime is held against it every time.

#include "tests/simulation/checks.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "client";

// What was read, NULL: what was read before. Notes it as the newest.
static const struct execution *read_new(struct scene *scene, id128 id, bytes answer) {
    struct ledger_workflow *known = ledger_workflow(scene->ledger, id);
    if (known->shown != NULL && bytes_equal(execution_kept(known->shown)->text, answer)) {
        return NULL;
    }
    struct kept_execution *read = execution_keep(answer);
    if (read == NULL) {
        world_fail(
            scene->world,
            CHECKER,
            "a read of %s, not in JSON, was answered %.*s",
            id_text(id).text,
            BYTES_ARG(answer)
        );
        return NULL;
    }
    bool again =
        known->shown != NULL && execution_equal(execution_kept(known->shown), execution_kept(read));
    execution_release(&known->shown);
    known->shown = read;
    known->operator_saw = again && known->operator_saw;
    known->kin_judged = again && known->kin_judged;
    return again ? NULL : execution_kept(read);
}

const struct execution *
check_execution(struct scene *scene, id128 id, bytes answer, uint64_t asked) {
    const struct execution *changed = read_new(scene, id, answer);
    if (world_failed(scene->world)) {
        return NULL;
    }
    const struct execution *execution = execution_kept(ledger_workflow(scene->ledger, id)->shown);
    if (changed != NULL) {
        check_kin(scene, execution);
    }
    check_workflow_promises(scene, execution, asked);
    if (changed != NULL) {
        check_history(scene, execution);
        check_result(scene, execution);
    }
    if (world_failed(scene->world)) {
        describe_execution(scene, execution);
    }
    return execution;
}
