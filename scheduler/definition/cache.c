// Compiled definitions by content, and what recent starts resolved to.
//
// Content: a hash table of chains and a list in order of use; the oldest goes when there are too
// many or their memory is too much. A definition is immutable, so an entry is never wrong, only
// absent.
// Starts: a table of one place per hash of (name, version), overwritten on collision. A memo holds
// for one newest entry of the catalog's log, so any change of the catalog voids all of them at once
// and nothing has to be told.
#include "proto/base/check.h"
#include "proto/limits.h"
#include "scheduler/definition/definition_internal.h"

#include <stdlib.h>
#include <string.h>

struct memo {
    uint64_t catalog; // its state
    int64_t version;
    hash128 hash;
    uint8_t *name; // owned; NULL: a free place
    size_t name_size;
};

struct definition_cache {
    size_t capacity;
    size_t count;
    size_t size; // memory of all entries
    size_t bucket_mask;
    struct compiled **buckets;
    struct compiled *newest;
    struct compiled *oldest;
    struct memo *memos; // bucket_mask + 1 of them
};

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    check(memory != NULL);
    return memory;
}

struct definition_cache *definition_cache_create(size_t capacity) {
    check(capacity > 0);
    struct definition_cache *cache = allocate(1, sizeof *cache);
    size_t buckets = 8;
    while (buckets < capacity) {
        buckets *= 2;
    }
    cache->capacity = capacity;
    cache->bucket_mask = buckets - 1;
    cache->buckets = allocate(buckets, sizeof(struct compiled *));
    cache->memos = allocate(buckets, sizeof(struct memo));
    return cache;
}

static struct compiled **bucket_of(const struct definition_cache *cache, hash128 hash) {
    return &cache->buckets[(size_t)hash.low & cache->bucket_mask];
}

static void unlink_used(struct definition_cache *cache, struct compiled *compiled) {
    if (compiled->newer == NULL) {
        cache->newest = compiled->older;
    } else {
        compiled->newer->older = compiled->older;
    }
    if (compiled->older == NULL) {
        cache->oldest = compiled->newer;
    } else {
        compiled->older->newer = compiled->newer;
    }
}

static void link_newest(struct definition_cache *cache, struct compiled *compiled) {
    compiled->newer = NULL;
    compiled->older = cache->newest;
    if (cache->newest == NULL) {
        cache->oldest = compiled;
    } else {
        cache->newest->newer = compiled;
    }
    cache->newest = compiled;
}

static void evict_oldest(struct definition_cache *cache) {
    struct compiled *compiled = cache->oldest;
    struct compiled **at = bucket_of(cache, compiled->definition.hash);
    while (*at != compiled) {
        at = &(*at)->bucket;
    }
    *at = compiled->bucket;
    unlink_used(cache, compiled);
    cache->count--;
    cache->size -= arena_used(compiled->arena);
    compiled_destroy(&compiled);
}

void definition_cache_destroy(struct definition_cache **cache) {
    if (*cache == NULL) {
        return;
    }
    while ((*cache)->oldest != NULL) {
        evict_oldest(*cache);
    }
    for (size_t i = 0; i <= (*cache)->bucket_mask; i++) {
        free((*cache)->memos[i].name);
    }
    free((*cache)->memos);
    free((*cache)->buckets);
    free(*cache);
    *cache = NULL;
}

const struct definition *definition_cache_find(struct definition_cache *cache, hash128 hash) {
    struct compiled *compiled = *bucket_of(cache, hash);
    while (compiled != NULL && !hash128_equal(compiled->definition.hash, hash)) {
        compiled = compiled->bucket;
    }
    if (compiled == NULL) {
        return NULL;
    }
    if (compiled != cache->newest) {
        unlink_used(cache, compiled);
        link_newest(cache, compiled);
    }
    return &compiled->definition;
}

err definition_cache_compile(
    struct definition_cache *cache,
    hash128 hash,
    bytes json,
    const struct definition **out_definition
) {
    const struct definition *found = definition_cache_find(cache, hash);
    if (found != NULL) {
        *out_definition = found;
        return ERR_NONE;
    }
    struct compiled *compiled = NULL;
    TRY(compile(hash, json, &compiled));
    struct compiled **bucket = bucket_of(cache, hash);
    compiled->bucket = *bucket;
    *bucket = compiled;
    link_newest(cache, compiled);
    cache->count++;
    cache->size += arena_used(compiled->arena);
    while (cache->count > cache->capacity ||
           (cache->size > LIMIT_DEFINITION_CACHE_BYTES && cache->count > 1)) {
        evict_oldest(cache);
    }
    *out_definition = &compiled->definition;
    return ERR_NONE;
}

// --- memos
// -----------------------------------------------------------------------------------------

static struct memo *memo_of(const struct definition_cache *cache, bytes name, int64_t version) {
    return &cache->memos[(size_t)(hash_sip64(name) + (uint64_t)version) & cache->bucket_mask];
}

bool definition_cache_recall(
    const struct definition_cache *cache,
    uint64_t catalog,
    bytes name,
    int64_t version,
    hash128 *out_hash
) {
    const struct memo *memo = memo_of(cache, name, version);
    if (memo->name == NULL || memo->catalog != catalog || memo->version != version ||
        !bytes_equal(bytes_of(memo->name, memo->name_size), name)) {
        return false;
    }
    *out_hash = memo->hash;
    return true;
}

void definition_cache_remember(
    struct definition_cache *cache, uint64_t catalog, bytes name, int64_t version, hash128 hash
) {
    struct memo *memo = memo_of(cache, name, version);
    free(memo->name);
    *memo = (struct memo){
        .catalog = catalog,
        .version = version,
        .hash = hash,
        .name = allocate(name.size + 1, 1),
        .name_size = name.size,
    };
    if (name.size > 0) {
        memcpy(memo->name, name.data, name.size);
    }
}
