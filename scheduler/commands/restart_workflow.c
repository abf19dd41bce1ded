// W-15: from the beginning, under the same id, with the input it had (engine.md §5.3). A new run:
// the number in the header fences everything that belongs to the one before.
#include "scheduler/closing.h"
#include "scheduler/commands/commands.h"
#include "scheduler/decider.h"
#include "scheduler/definition/catalog.h"
#include "scheduler/lifecycle.h"
#include "scheduler/timer.h"

static err take_latest_definition(struct workflow *workflow);

err restart_workflow(
    struct decision *decision, bytes workflow_id, bool latest_definition, struct reply *out_reply
) {
    struct workflow *workflow = NULL;
    TRY(workflow_open(decision, workflow_id, &workflow));
    TRY(lifecycle_check_ended(workflow, "restart"));
    TRY(closing_finish(workflow)); // by the definition it ended with
    if (latest_definition) {
        TRY(take_latest_definition(workflow));
    }
    if (!workflow->definition->model.restartable &&
        workflow_status(workflow) == API_WORKFLOW_COMPLETED) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                decision->arena,
                "Workflow: %s.%s is non-restartable",
                workflow_short_text(workflow),
                api_workflow_status_text(workflow_status(workflow))
            )
        );
    }
    TRY(lifecycle_new_run(workflow, BYTES_EMPTY));
    lifecycle_reopen(workflow, true);
    workflow_set_output(workflow, (struct payload){0});
    workflow_set_variables(
        workflow, payload_store(workflow, workflow->definition->model.variables)
    );
    workflow->row.create_ms = decision->now.ms;
    workflow->row.last_retried_ms = 0;
    timer_arm_workflow(workflow);
    TRY(lifecycle_tell_parent(workflow, BYTES_LITERAL("restarted")));
    TRY(decider_run(workflow));
    workflow_save(workflow);
    *out_reply = (struct reply){.status = 204, .kind = REPLY_VOID};
    return ERR_NONE;
}

static err take_latest_definition(struct workflow *workflow) {
    struct decision *decision = workflow->decision;
    const struct definition *definition = NULL;
    err error = catalog_start_definition(
        decision->definitions, decision->store, workflow->row.name, 0, decision->arena, &definition
    );
    if (error.code == ERR_NOT_FOUND) {
        return err_make(
            ERR_NOT_FOUND,
            arena_format(
                decision->arena,
                "Unable to find latest definition for %.*s",
                BYTES_ARG(workflow->id_text)
            )
        );
    }
    TRY(error);
    return workflow_set_definition(workflow, definition);
}
