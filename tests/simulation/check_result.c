// An execution is one that its definition allows: what the model says (model.h).
//
// On the way it is asked about what is read, at the end about every execution.

#include "tests/simulation/checks.h"
#include "tests/simulation/model.h"
#include "tests/simulation/read.h"

static const char *const CHECKER = "model";

void check_result(struct scene *scene, bytes workflow) {
    id128 id = read_id(workflow, "workflowId");
    const struct ledger_workflow *known = ledger_workflow_find(scene->ledger, id);
    const struct model_facts facts = {
        .revived = ledger_is_revived(scene->ledger, id),
        .terminated = known != NULL && known->terminate_sent,
    };
    const char *objection = model_judge(scene->model, workflow, &facts, scene->scratch);
    if (objection != NULL) {
        world_fail(scene->world, CHECKER, "workflow %s: %s", id_text(id).text, objection);
    }
}
