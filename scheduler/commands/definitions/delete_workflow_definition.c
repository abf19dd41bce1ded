// M-10: one version; executions keep their snapshots.
#include "scheduler/commands/definitions/definition_reply_internal.h"

#include <inttypes.h>

err delete_workflow_definition(
    struct decision *decision, bytes name, int64_t version, struct reply *out_reply
) {
    bytes json = BYTES_EMPTY;
    int32_t exact = (int32_t)version;
    err found =
        exact != version
            ? err_make(ERR_NOT_FOUND, "")
            : catalog_get(decision->store, decision->txn, CATALOG_WORKFLOW, name, exact, &json);
    if (found.code == ERR_NOT_FOUND) {
        found.text = arena_format(
            decision->arena,
            "No such workflow definition: %.*s version: %" PRId64,
            BYTES_ARG(name),
            version
        );
    }
    TRY(found);
    catalog_delete(decision->txn, CATALOG_WORKFLOW, name, exact);
    reply_void(out_reply);
    return ERR_NONE;
}
