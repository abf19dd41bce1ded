// M-4: one version, or the highest.
#include "scheduler/commands/definitions/definition_reply_internal.h"

#include <inttypes.h>

static err not_found(struct decision *decision, bytes name, bool has_version, int64_t version) {
    const char *wanted = has_version ? arena_format(decision->arena, "%" PRId64, version) : "null";
    return err_make(
        ERR_NOT_FOUND,
        arena_format(
            decision->arena,
            "No such workflow found by name: %.*s, version: %s",
            BYTES_ARG(name),
            wanted
        )
    );
}

err get_workflow_definition(
    struct decision *decision,
    bytes name,
    bool has_version,
    int64_t version,
    struct reply *out_reply
) {
    int32_t exact = (int32_t)version;
    bool known = has_version ? exact == version
                             : catalog_latest(decision->store, decision->txn, name, &exact);
    if (!known) {
        return not_found(decision, name, has_version, version);
    }
    bytes json = BYTES_EMPTY;
    err found = catalog_get(decision->store, decision->txn, CATALOG_WORKFLOW, name, exact, &json);
    if (found.code == ERR_NOT_FOUND) {
        return not_found(decision, name, has_version, version);
    }
    TRY(found);
    *out_reply = (struct reply
    ){.status = 200, .kind = REPLY_JSON, .body = arena_copy(decision->arena, json)};
    return ERR_NONE;
}
