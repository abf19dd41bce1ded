// An execution is one that its definition allows: what the model says (model.h).
//
// It is asked about every execution whenever it says something new.

#include "tests/simulation/checks.h"
#include "tests/simulation/model.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "model";

void check_result(struct scene *scene, const struct execution *execution) {
    id128 id = execution->id;
    const struct ledger_workflow *known = ledger_workflow_find(scene->ledger, id);
    const struct model_facts facts = {
        .revived = ledger_is_revived(scene->ledger, id),
        .terminated = known != NULL && known->terminate_sent,
        .cut = scene->swarm.decision_tasks > 0,
    };
    const char *objection = model_judge(scene->model, execution, &facts, scene->scratch);
    if (objection != NULL) {
        world_fail(scene->world, CHECKER, "workflow %s: %s", id_text(id).text, objection);
    }
}
