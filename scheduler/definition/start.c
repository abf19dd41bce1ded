// From a name and version to the compiled snapshot, remembered while the catalog stands still.
#include "scheduler/definition/catalog.h"
#include "scheduler/definition/definition_internal.h"

// A number for what can be read of the catalog now. A leader reads up to its newest entry, a
// follower up to the newest committed one; what both are changes with the chain, the commit or the
// term.
static uint64_t catalog_state(const struct store *store) {
    struct store_group group = store_group(store, CATALOG_GROUP);
    const uint64_t parts[] = {
        group.last_chain.low, group.last_chain.high, group.commit_index, group.term};
    return hash_sip64(bytes_of(parts, sizeof(parts)));
}

err catalog_start_definition(
    struct definition_cache *cache,
    struct store *store,
    bytes name,
    int64_t version,
    struct arena *arena,
    const struct definition **out_definition
) {
    uint64_t catalog = catalog_state(store);
    hash128 hash = {0, 0};
    if (version < 0) {
        version = 0;
    }
    if (definition_cache_recall(cache, catalog, name, version, &hash)) {
        const struct definition *found = definition_cache_find(cache, hash);
        if (found != NULL) {
            *out_definition = found;
            return ERR_NONE;
        }
    }
    bytes registered = BYTES_EMPTY;
    bytes frozen = BYTES_EMPTY;
    TRY(catalog_workflow(store, name, version, arena, &registered));
    TRY(catalog_freeze(store, registered, arena, &frozen, &hash));
    TRY(definition_cache_compile(cache, hash, frozen, out_definition));
    definition_cache_remember(cache, catalog, name, version, hash);
    return ERR_NONE;
}
