// From a name and version to the compiled snapshot, remembered while the catalog stands still.
#include "scheduler/definition/catalog.h"
#include "scheduler/definition/definition_internal.h"

err catalog_start_definition(
    struct definition_cache *cache,
    struct store *store,
    bytes name,
    int64_t version,
    struct arena *arena,
    const struct definition **out_definition
) {
    log_index catalog_index = store_group(store, CATALOG_GROUP).last_index;
    hash128 hash = {0, 0};
    if (version < 0) {
        version = 0;
    }
    if (definition_cache_recall(cache, catalog_index, name, version, &hash)) {
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
    definition_cache_remember(cache, catalog_index, name, version, hash);
    return ERR_NONE;
}
