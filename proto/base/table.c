// Open addressing with linear probing, at most half full; a removal moves later members of its run
// back, so that no tombstones gather.
#include "proto/base/table.h"

#include "proto/base/check.h"

#include <stdlib.h>

enum {
    TABLE_CAPACITY_FIRST = 16
};

void table_init(struct table *table) {
    *table = (struct table){0};
}

void table_deinit(struct table *table) {
    free(table->slots);
    table_init(table);
}

static size_t home_of(uint64_t key, size_t capacity) {
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key >> 32) & (capacity - 1);
}

static struct table_slot *slot_of(const struct table *table, uint64_t key) {
    size_t at = home_of(key, table->capacity);
    while (table->slots[at].value != NULL && table->slots[at].key != key) {
        at = (at + 1) & (table->capacity - 1);
    }
    return &table->slots[at];
}

void *table_get(const struct table *table, uint64_t key) {
    return table->capacity == 0 ? NULL : slot_of(table, key)->value;
}

static void table_grow(struct table *table) {
    struct table grown = {
        .capacity = table->capacity == 0 ? TABLE_CAPACITY_FIRST : table->capacity * 2};
    grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
    check(grown.slots != NULL);
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].value != NULL) {
            *slot_of(&grown, table->slots[i].key) = table->slots[i];
        }
    }
    grown.count = table->count;
    free(table->slots);
    *table = grown;
}

void table_put(struct table *table, uint64_t key, void *value) {
    check(value != NULL);
    if ((table->count + 1) * 2 > table->capacity) {
        table_grow(table);
    }
    struct table_slot *slot = slot_of(table, key);
    table->count += slot->value == NULL;
    *slot = (struct table_slot){key, value};
}

void *table_take(struct table *table, uint64_t key) {
    if (table->capacity == 0) {
        return NULL;
    }
    struct table_slot *slot = slot_of(table, key);
    void *taken = slot->value;
    if (taken == NULL) {
        return NULL;
    }
    table->count--;
    size_t mask = table->capacity - 1;
    size_t hole = (size_t)(slot - table->slots);
    for (size_t at = (hole + 1) & mask; table->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t home = home_of(table->slots[at].key, table->capacity);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct table_slot){0};
    return taken;
}
