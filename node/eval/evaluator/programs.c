// A few hundred entries at most: found by the table of 64-bit keys with the other half of the hash
// compared, evicted by a walk for the oldest use, which happens only when a program is compiled.
#include "node/eval/evaluator/programs.h"

#include "proto/base/check.h"
#include "proto/base/table.h"

#include <stdlib.h>

struct entry {
    hash128 key;
    void *program;
    uint64_t used;
};

struct programs {
    struct table table;
    struct entry *entries;
    size_t count;
    size_t count_max;
    uint64_t uses;
    void (*release)(void *program);
};

struct programs *programs_create(size_t count_max, void (*release)(void *program)) {
    struct programs *programs = calloc(1, sizeof(*programs));
    check(programs != NULL);
    table_init(&programs->table);
    programs->entries = calloc(count_max, sizeof(*programs->entries));
    check(programs->entries != NULL);
    programs->count_max = count_max;
    programs->release = release;
    return programs;
}

void *programs_get(struct programs *programs, hash128 key) {
    struct entry *entry = table_get(&programs->table, key.low);
    if (entry == NULL || !hash128_equal(entry->key, key)) {
        return NULL;
    }
    entry->used = ++programs->uses;
    return entry->program;
}

// A free entry, after the oldest was thrown out if need be; `same`, when given, is the one to use.
static struct entry *entry_to_fill(struct programs *programs, struct entry *same) {
    if (same == NULL && programs->count < programs->count_max) {
        return &programs->entries[programs->count++];
    }
    struct entry *oldest = same != NULL ? same : &programs->entries[0];
    for (size_t i = 1; same == NULL && i < programs->count; i++) {
        if (programs->entries[i].used < oldest->used) {
            oldest = &programs->entries[i];
        }
    }
    (void)table_take(&programs->table, oldest->key.low);
    programs->release(oldest->program);
    return oldest;
}

void programs_put(struct programs *programs, hash128 key, void *program) {
    struct entry *entry = entry_to_fill(programs, table_get(&programs->table, key.low));
    *entry = (struct entry){.key = key, .program = program, .used = ++programs->uses};
    table_put(&programs->table, key.low, entry);
}
