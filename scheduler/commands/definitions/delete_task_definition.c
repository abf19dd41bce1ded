// M-15: one task definition; executions keep their snapshots.
#include "scheduler/commands/definitions/definition_reply_internal.h"

err delete_task_definition(struct decision *decision, bytes name, struct reply *out_reply) {
    bytes json = BYTES_EMPTY;
    err found = catalog_get(decision->store, decision->txn, CATALOG_TASK, name, 0, &json);
    if (found.code == ERR_NOT_FOUND) {
        found.text = "No such task definition";
    }
    TRY(found);
    catalog_delete(decision->txn, CATALOG_TASK, name, 0);
    reply_void(out_reply);
    return ERR_NONE;
}
