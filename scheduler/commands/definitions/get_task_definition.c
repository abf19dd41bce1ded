// M-14: one task definition.
#include "scheduler/commands/definitions/definition_reply_internal.h"

err get_task_definition(struct decision *decision, bytes name, struct reply *out_reply) {
    bytes json = BYTES_EMPTY;
    err found = catalog_get(decision->store, decision->txn, CATALOG_TASK, name, 0, &json);
    if (found.code == ERR_NOT_FOUND) {
        found.text =
            arena_format(decision->arena, "No such taskType found by name: %.*s", BYTES_ARG(name));
    }
    TRY(found);
    *out_reply = (struct reply
    ){.status = 200, .kind = REPLY_JSON, .body = arena_copy(decision->arena, json)};
    return ERR_NONE;
}
