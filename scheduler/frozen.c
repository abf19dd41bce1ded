// A definition without a count was written by a release that kept none: it stays for ever.
#include "scheduler/frozen.h"

#include "proto/base/mutant.h"
#include "scheduler/rows.h"
#include "storage/keys.h"

err frozen_take(struct decision *decision, const struct definition *definition) {
    struct key key = key_frozen(definition->hash);
    struct key count_key = key_frozen_count(definition->hash);
    struct frozen_count_row row = {0};
    bytes present = BYTES_EMPTY;
    err found = store_txn_get(decision->txn, key_bytes(&key), &present);
    if (found.code == ERR_NOT_FOUND) {
        store_txn_put(decision->txn, key_bytes(&key), definition->json);
    } else {
        TRY(found);
        err counted =
            row_get(decision->txn, &count_key, &frozen_count_row_record, decision->arena, &row);
        if (counted.code == ERR_NOT_FOUND) {
            return ERR_NONE;
        }
        TRY(counted);
    }
    row.count++;
    row_put(decision->txn, &count_key, &frozen_count_row_record, &row);
    return ERR_NONE;
}

err frozen_release(struct decision *decision, hash128 definition) {
    struct key key = key_frozen(definition);
    struct key count_key = key_frozen_count(definition);
    struct frozen_count_row row = {0};
    err counted =
        row_get(decision->txn, &count_key, &frozen_count_row_record, decision->arena, &row);
    if (counted.code == ERR_NOT_FOUND || mutant_is("definition_never_released")) {
        return ERR_NONE;
    }
    TRY(counted);
    if (row.count > 1) {
        row.count--;
        row_put(decision->txn, &count_key, &frozen_count_row_record, &row);
        return ERR_NONE;
    }
    store_txn_del(decision->txn, key_bytes(&key));
    store_txn_del(decision->txn, key_bytes(&count_key));
    return ERR_NONE;
}

err frozen_open(
    struct decision *decision, hash128 definition, const struct definition **out_definition
) {
    *out_definition = definition_cache_find(decision->definitions, definition);
    if (*out_definition != NULL) {
        return ERR_NONE;
    }
    struct key key = key_frozen(definition);
    bytes json = BYTES_EMPTY;
    err error = store_txn_get(decision->txn, key_bytes(&key), &json);
    if (error.code == ERR_NOT_FOUND) {
        return err_make(ERR_CORRUPT, "a frozen definition is missing");
    }
    TRY(error);
    json = arena_copy(decision->arena, json);
    return definition_cache_compile(decision->definitions, definition, json, out_definition);
}
